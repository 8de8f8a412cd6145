use super::{device_id, hex, ip};
use crate::dice::mix;
use crate::identifiers::{EXCHANGE, eip55};
use crate::json::Json;
use crate::world::{Asset, Chain, UserId, WalletId, World};

/// The public contracts of USDT on TRON and on Ethereum.
const USDT_TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
const USDT_EVM: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";

/// What happened in the ledger of the exchange, and with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LedgerKind {
    FiatIn,
    FiatOut,
    CryptoIn(WalletId),
    CryptoOut(WalletId),
    /// Received asset and its units.
    Trade(Asset, i64),
    Internal(UserId),
}

impl LedgerKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FiatIn | Self::CryptoIn(_) => "deposit",
            Self::FiatOut | Self::CryptoOut(_) => "withdrawal",
            Self::Trade(..) => "trade",
            Self::Internal(_) => "internal_transfer",
        }
    }
}

/// A record of the exchange's ledger, before it is written; balances are read from the world.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) number: u64,
    pub(crate) time: i64,
    pub(crate) kind: LedgerKind,
    pub(crate) user: UserId,
    pub(crate) asset: Asset,
    /// In the asset's smallest unit.
    pub(crate) units: i64,
    pub(crate) device: u32,
}

/// Id of a ledger record.
pub(crate) fn exchange_id(number: u64) -> String {
    format!("X{number:010}")
}

pub(crate) fn exchange_json(world: &World, ledger: &Ledger) -> Vec<u8> {
    let user = world.user(ledger.user);
    let holder = world.account(user.account);
    let mut json = Json::new();
    json.text("type", ledger.kind.as_str());
    json.numbered("tx_id", "X", ledger.number, 10);
    json.text("source", EXCHANGE);
    json.time("time", &world.date(ledger.time), ledger.time);
    json.text("status", "settled");
    json.numbered("user", "", u64::from(user.uid), 1);
    json.decimal("amount", ledger.units, ledger.asset.places());
    json.text("asset", ledger.asset.ticker());
    match ledger.kind {
        LedgerKind::FiatIn | LedgerKind::FiatOut => json.text("network", "sepa"),
        LedgerKind::CryptoIn(wallet) => {
            let chain = world.wallet(wallet).chain;
            on_chain(&mut json, world, ledger, wallet, user.deposit[chain as usize]);
        }
        LedgerKind::CryptoOut(wallet) => {
            let chain = world.wallet(wallet).chain;
            on_chain(&mut json, world, ledger, world.places.hot[chain as usize], wallet);
        }
        LedgerKind::Trade(asset, units) => {
            json.text("to_asset", asset.ticker());
            json.decimal("to_amount", units, asset.places());
        }
        LedgerKind::Internal(other) => json.numbered("counterparty_user", "", u64::from(world.user(other).uid), 1),
    }
    json.text("linked_account", &holder.iban);
    json.text("user_name", &holder.name);
    json.text("user_country", holder.country);
    json.decimal("balance_after", user.balances[ledger.asset as usize], ledger.asset.places());
    if ledger.device != 0 {
        json.text("device", &device_id(world.seed, ledger.device));
        json.text("ip", &ip(ledger.device, [holder.device, holder.home].contains(&ledger.device)));
    }
    json.finish()
}

fn address(world: &World, wallet: WalletId) -> String {
    let wallet = world.wallet(wallet);
    if wallet.chain == Chain::Evm { eip55(&wallet.address) } else { wallet.address.to_string() }
}

fn on_chain(json: &mut Json, world: &World, ledger: &Ledger, from: WalletId, to: WalletId) {
    let chain = world.wallet(from).chain;
    json.text("network", chain.network());
    json.text("from_address", &address(world, from));
    json.text("to_address", &address(world, to));
    let hash = hex(3, world.seed ^ ledger.number.rotate_left(24), 4);
    json.text("tx_hash", &if chain == Chain::Evm { format!("0x{hash}") } else { hash });
    match ledger.asset {
        Asset::Usdt => json.text("asset_contract", USDT_TRON),
        Asset::UsdtEvm => json.text("asset_contract", USDT_EVM),
        Asset::Eur | Asset::Btc | Asset::Eth => return,
    }
    json.number("log_index", mix(ledger.number) % 200);
}

fn token_hash(world: &World, number: u64) -> String {
    format!("0x{}", hex(4, world.seed ^ number.rotate_left(24), 4))
}

fn log_index(number: u64) -> u64 {
    mix(number ^ 77) % 300
}

/// Id of a token transfer: hash and log index.
pub(crate) fn token_id(world: &World, number: u64) -> String {
    format!("{}:{}", token_hash(world, number), log_index(number))
}

/// A transfer of USDT as `ethereum-etl` writes it; `units` are millionths and `time` is a whole second.
pub(crate) fn token_json(world: &World, number: u64, time: i64, from: WalletId, to: WalletId, units: i64) -> Vec<u8> {
    let seconds = (time / 1000).max(0) as u64;
    // Blocks come every twelve seconds; 24,166,000 was about the height at the start of 2026.
    let block = 24_166_000 + seconds.saturating_sub(1_767_571_200) / 12;
    let (hash, log) = (token_hash(world, number), log_index(number));
    let mut json = Json::new();
    json.text("type", "token_transfer");
    json.text("token_address", USDT_EVM);
    json.text("from_address", &world.wallet(from).address);
    json.text("to_address", &world.wallet(to).address);
    json.number("value", units.unsigned_abs());
    json.text("transaction_hash", &hash);
    json.number("log_index", log);
    json.number("block_number", block);
    json.number("block_timestamp", seconds);
    json.text("block_hash", &format!("0x{}", hex(5, world.seed ^ block, 4)));
    json.text("item_id", &format!("token_transfer_{hash}_{log}"));
    json.time("item_timestamp", &world.date(time), time);
    json.finish()
}
