mod cast;
mod launder;
mod listed;
mod ofac;
mod schemes;
mod step;

use crate::action::{Action, Note, TransactionRole};
use crate::calendar::{DAY, HOUR, MINUTE};
use crate::config::SimConfig;
use crate::dice::Dice;
use crate::labels::Label;
use crate::world::{AccountId, Asset, Role, UserId, WalletId, World};

use cast::Draft;
pub(crate) use cast::MuleEntry;
pub(crate) use listed::SanctionsList;
pub(crate) use ofac::sanctions_files;

/// Kind of fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    VoicePhishing,
    PigButchering,
    AccountTakeover,
    JobScam,
    Romance,
    Sanctions,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::VoicePhishing => "voice_phishing",
            Self::PigButchering => "pig_butchering",
            Self::AccountTakeover => "account_takeover",
            Self::JobScam => "job_scam",
            Self::Romance => "romance",
            Self::Sanctions => "sanctions",
        }
    }

    /// Most transactions that an operation of this kind can cause.
    fn most_transactions(self) -> u64 {
        match self {
            Self::VoicePhishing | Self::PigButchering => 58,
            Self::JobScam => 56,
            Self::AccountTakeover => 44,
            Self::Romance => 16,
            Self::Sanctions => 1,
        }
    }
}

/// Where illicit money can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Account(AccountId),
    User(UserId),
    Wallet(WalletId),
}

/// The part that somebody plays in an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CastRole {
    Victim,
    Collector,
    Mule,
    Wallet,
    Sanctioned,
}

impl CastRole {
    fn as_str(self) -> &'static str {
        match self {
            Self::Victim => "victim",
            Self::Collector => "collector",
            Self::Mule => "mule",
            Self::Wallet => "wallet",
            Self::Sanctioned => "sanctioned",
        }
    }
}

/// One operation: its cast, and where its money is while the simulation runs (cents, or millionths of USDT in wallets).
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) scheme: Scheme,
    pub(crate) cast: Vec<(Place, CastRole)>,
    held: Vec<(Place, i64)>,
}

/// How much a step moves.
#[derive(Debug, Clone, Copy)]
enum Sum {
    Cents(i64),
    /// Thousandths of the payer's balance.
    OfBalance(i64),
    /// Thousandths of the operation's money that the payer holds.
    OfHeld(i64),
}

/// What a step does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Pay {
        from: AccountId,
        to: AccountId,
        sum: Sum,
        role: TransactionRole,
        note: Note,
        /// Another device than the payer's own; 0 for the own.
        device: u32,
        user: Option<UserId>,
    },
    /// Cash from outside is paid in.
    CashIn(AccountId, i64),
    /// At most this much of what the account holds is taken out.
    CashOut(AccountId, i64),
    /// All euros of the user become the asset.
    Convert(UserId, Asset, TransactionRole),
    /// All of the asset leaves for a wallet.
    Withdraw(UserId, Asset, WalletId, TransactionRole),
    /// Thousandths of what one wallet holds go to the next.
    Hop(WalletId, WalletId, i64),
    /// What the first wallet holds comes back to the exchange from the second, after hops that the stream does not show.
    Arrive(WalletId, WalletId, UserId),
    /// All USDT of the user become euros.
    Sell(UserId),
    /// All euros of the user go to the linked account.
    PayOut(UserId),
    /// A single prepared transaction.
    Act(Action),
}

/// A deed and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) time: i64,
    operation: u16,
    deed: Deed,
}

/// All operations.
#[derive(Debug, Default)]
pub(crate) struct Crime {
    pub(crate) operations: Vec<Operation>,
    pub(crate) steps: Vec<Step>,
    /// What victims do on their own accounts before they pay.
    pub(crate) ordinary: Vec<(i64, Action)>,
    /// Mule accounts that were reported before the start.
    pub(crate) mules: Vec<MuleEntry>,
    pub(crate) sanctions: SanctionsList,
    namesakes: Vec<AccountId>,
}

/// The order in which kinds of fraud are planned.
const ORDER: [Scheme; 5] =
    [Scheme::VoicePhishing, Scheme::Romance, Scheme::PigButchering, Scheme::AccountTakeover, Scheme::JobScam];

/// Operations are numbered with 16 bits.
const MOST_OPERATIONS: i64 = 60_000;

/// Transactions of an average operation, for spreading operations over the days.
const AVERAGE: u64 = 34;

impl Crime {
    /// Chooses casts and plans every step; together they stay within the configured number of illicit transactions.
    pub(crate) fn plan(world: &mut World, config: &SimConfig) -> Self {
        let mut dice = Dice::new(config.seed, "crime", 0);
        let mut crime = Self { sanctions: SanctionsList::new(world), ..Self::default() };
        let mut budget = config.illicit();
        listed::plan_payments(&mut crime, world, &mut dice, config, &mut budget);
        crime.namesakes = listed::name_alike(&crime.sanctions, world, &mut dice);
        let count = (budget / AVERAGE).max(1) as i64;
        // Every operation ends within two days.
        let window = ((config.days() - 2) * DAY - 6 * HOUR).max(DAY);
        for number in 0..MOST_OPERATIONS {
            let wanted = ORDER[number as usize % ORDER.len()];
            let Some(scheme) = [wanted, Scheme::AccountTakeover, Scheme::Romance]
                .into_iter()
                .find(|scheme| scheme.most_transactions() <= budget)
            else {
                break;
            };
            let slot = world.start + window * (number % count) / count;
            let start = crate::calendar::midnight(slot) + 8 * HOUR + dice.between(0, 7 * HOUR / MINUTE) * MINUTE;
            let spent = crime.stage(world, &mut dice, scheme, start);
            budget = budget.saturating_sub(spent);
        }
        crime.mules.extend(cast::strangers(world, &mut dice, (config.transactions / 1_000).clamp(200, 20_000)));
        crime.steps.sort_by_key(|step| step.time);
        crime
    }

    fn stage(&mut self, world: &mut World, dice: &mut Dice, scheme: Scheme, start: i64) -> u64 {
        let number = self.operations.len() as u16;
        let mut draft = Draft::new(world, dice, self, number);
        schemes::script(&mut draft, scheme, start);
        let (steps, cost, cast) = draft.finish();
        self.steps.extend(steps);
        self.operations.push(Operation { name: format!("op-{number}"), scheme, cast, held: Vec::new() });
        cost
    }

    /// Notes that an operation's money moved. What comes from victims or from outside appears; what leaves the cast is gone.
    pub(crate) fn moved(&mut self, operation: u16, from: Option<Place>, to: Option<Place>, amount: i64) {
        let held = &mut self.operations[usize::from(operation)].held;
        for (place, change) in [(from, -amount), (to, amount)] {
            let Some(place) = place else { continue };
            match held.iter_mut().find(|(at, _)| *at == place) {
                Some((_, holds)) => *holds = (*holds + change).max(0),
                None => held.push((place, change.max(0))),
            }
        }
    }

    fn holds(&self, operation: u16, place: Place) -> i64 {
        let held = &self.operations[usize::from(operation)].held;
        held.iter().find(|(at, _)| *at == place).map_or(0, |(_, amount)| *amount)
    }

    /// Who plays which part, and the innocent who are special.
    pub(crate) fn account_labels(&self, world: &World) -> Vec<Label> {
        let mut labels = Vec::new();
        for operation in &self.operations {
            for (place, role) in &operation.cast {
                labels.push(Label::Account {
                    account: canonical(world, *place),
                    role: role.as_str(),
                    operation: Some(operation.name.clone()),
                });
            }
        }
        for place in self.sanctions.places() {
            labels.push(Label::Account { account: canonical(world, place), role: "sanctioned", operation: None });
        }
        for id in &self.namesakes {
            let account = canonical(world, Place::Account(*id));
            labels.push(Label::Account { account, role: "namesake", operation: None });
        }
        for account in &world.accounts {
            let role = match account.role {
                Role::Payroll | Role::Merchant | Role::Psp | Role::Omnibus => account.role.as_str(),
                Role::Retail | Role::Business | Role::Collective => continue,
            };
            labels.push(Label::Account { account: format!("iban:{}", account.iban), role, operation: None });
        }
        for wallet in world.places.omnibus.iter().chain(&world.places.hot) {
            let account = world.wallet(*wallet).canonical();
            labels.push(Label::Account { account, role: "omnibus", operation: None });
        }
        labels
    }
}

fn canonical(world: &World, place: Place) -> String {
    match place {
        Place::Account(id) => format!("iban:{}", world.account(id).iban),
        Place::User(id) => world.user_canonical(id),
        Place::Wallet(id) => world.wallet(id).canonical(),
    }
}
