use super::{Plans, ordered, waking};
use crate::action::{Action, Note, Transfer};
use crate::calendar::{DAY, HOUR, MINUTE};
use crate::dice::Dice;
use crate::world::{Asset, Chain, User, UserId, WalletId, World};

const COINS: [Asset; 4] = [Asset::Btc, Asset::Eth, Asset::Usdt, Asset::UsdtEvm];

/// What users of the exchange do: top up, buy and sell, bring coins in and take them out.
pub(super) fn plan(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    for id in 0..world.users.len() {
        let user = &world.users[id];
        if user.cast {
            continue;
        }
        let id = id as UserId;
        if dice.chance(75_000) {
            top_up(world, id, user, day, dice, plans);
        }
        if dice.chance(140_000) {
            trade(user, id, day, dice, plans);
        }
        if dice.chance(95_000) {
            bring_in(world, id, user, day, dice, plans);
        }
        if dice.chance(70_000) {
            take_out(world, id, user, day, dice, plans);
        }
        if dice.chance(15_000) {
            let cents = user.balances[Asset::Eur as usize] * dice.between(30, 100) / 100;
            plans.push((waking(day, dice), Action::FiatOut { user: id, cents, mark: None }));
        }
        if dice.chance(12_000) {
            let other = dice.below(world.users.len() as u64) as UserId;
            if !world.user(other).cast {
                let units = user.balances[Asset::Usdt as usize] * dice.between(2, 20) / 100;
                let action = Action::Internal { user: id, other, asset: Asset::Usdt, units };
                plans.push((waking(day, dice), action));
            }
        }
    }
}

/// Euros from the linked account; most buy with them at once, and some keep their own coins.
fn top_up(world: &World, id: UserId, user: &User, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let time = waking(day, dice);
    let cents = if dice.chance(25_000) { dice.between(100, 900) * 1_000 } else { dice.skewed(25, 900) * 100 };
    if world.account(user.account).ours() {
        let to = world.places.kestrel;
        let order = ordered(world, dice, Transfer::new(user.account, to, cents, Note::Exchange));
        plans.push((time, Action::Transfer(Transfer { user: Some(id), ..order })));
    } else {
        plans.push((time, Action::FiatIn { user: id, cents, mark: None }));
    }
    if !dice.chance(650_000) {
        return;
    }
    let asset = *dice.pick(&COINS);
    let buy = Action::Buy { user: id, asset, cents: cents * dice.between(70, 100) / 100, mark: None };
    let bought = time + dice.between(4 * MINUTE, 3 * HOUR);
    plans.push((bought, buy));
    if dice.chance(90_000) {
        let units = user.balances[asset as usize] * dice.between(20, 80) / 100;
        let wallet = user.own[asset.chain() as usize];
        let out = Action::CryptoOut { user: id, asset, units, wallet, mark: None };
        plans.push((bought + dice.between(5 * MINUTE, 2 * HOUR), out));
    }
}

fn trade(user: &User, id: UserId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let time = waking(day, dice);
    let asset = *dice.pick(&COINS);
    let share = dice.between(5, 60);
    let euros = user.balances[Asset::Eur as usize];
    let action = if euros > 5_000 && dice.chance(600_000) {
        Action::Buy { user: id, asset, cents: euros * share / 100, mark: None }
    } else {
        let units = user.balances[asset as usize] * share / 100;
        Action::Sell { user: id, asset, units, mark: None }
    };
    plans.push((time, action));
}

/// Another exchange's hot wallet, which sends for all its customers, or the user's own.
fn outside(world: &World, user: &User, chain: Chain, dice: &mut Dice) -> WalletId {
    if dice.chance(700_000) { world.places.omnibus[chain as usize] } else { user.own[chain as usize] }
}

fn bring_in(world: &World, id: UserId, user: &User, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let time = waking(day, dice);
    let (asset, units) = match dice.below(10) {
        0 => (Asset::Eth, dice.skewed(10_000_000, 1_500_000_000)),
        1 => (Asset::Btc, dice.skewed(50_000, 4_000_000)),
        2..=4 => (Asset::UsdtEvm, dice.skewed(20, 2_500) * 1_000_000),
        _ => (Asset::Usdt, dice.skewed(20, 2_500) * 1_000_000),
    };
    let chain = asset.chain();
    let from = outside(world, user, chain, dice);
    plans.push((time, Action::CryptoIn { user: id, asset, units, wallet: from, mark: None }));
    if asset == Asset::UsdtEvm {
        // The exchange gathers what arrived on the user's deposit address.
        let sweep = Action::Token {
            from: user.deposit[chain as usize],
            to: world.places.hot[chain as usize],
            units,
            mark: None,
        };
        plans.push((time + dice.between(20 * MINUTE, DAY / 2), sweep));
    }
}

fn take_out(world: &World, id: UserId, user: &User, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let asset = *dice.pick(&COINS);
    let units = user.balances[asset as usize] * dice.between(10, 90) / 100;
    let wallet = outside(world, user, asset.chain(), dice);
    plans.push((waking(day, dice), Action::CryptoOut { user: id, asset, units, wallet, mark: None }));
}
