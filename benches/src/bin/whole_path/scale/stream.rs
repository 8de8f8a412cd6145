//! Prepared transactions, made in memory: the same seed gives the same rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::DataType;
use mareva_benches::chance;
use mareva_model::{
    Kind, PREPARED_COLUMNS, Status, Text, TransactionBatch, TransactionBatchBuilder, TransactionRow, prepared_schema,
};

use super::point::{Point, Traffic};

/// 2026-01-05T00:00:00Z.
const START: i64 = 1_767_571_200_000;
/// How late a row comes at most, milliseconds.
pub const LATEST: i64 = 60_000;
/// Whom an account pays four times out of five.
const REGULAR: u64 = 8;
/// Units of 10^-18 in a hundredth.
const HUNDREDTH: i128 = 10_000_000_000_000_000;

/// The transactions of a point, in the order of their arrival.
pub struct Stream {
    point: Point,
    next: u64,
}

impl Stream {
    pub fn new(point: Point) -> Self {
        Self { point, next: 0 }
    }

    fn somebody(&self, number: u64, salt: u64) -> u64 {
        let (random, accounts) = (chance(self.point.seed, number, salt), self.point.accounts);
        if self.point.traffic == Traffic::Skewed {
            let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
            return ((accounts as f64 * part.powi(3)) as u64).min(accounts - 1);
        }
        random % accounts
    }

    fn parties(&self, number: u64) -> (u64, u64) {
        let accounts = self.point.accounts;
        if self.point.traffic == Traffic::InTurn {
            return (number % accounts, (number + accounts / 2) % accounts);
        }
        let payer = self.somebody(number, 1);
        let dice = chance(self.point.seed, number, 2);
        let payee = if dice % 100 < self.point.hot_percent {
            0
        } else if (dice >> 8) % 5 < 4 {
            chance(payer, (dice >> 16) % REGULAR, 3) % accounts
        } else {
            self.somebody(number, 4)
        };
        (payer, if payee == payer { (payee + 1) % accounts } else { payee })
    }

    fn time(&self, number: u64) -> i64 {
        let arrival = u128::from(number) * u128::from(self.point.window) * 1000 / u128::from(self.point.window_rows);
        let dice = chance(self.point.seed, number, 5);
        let late = if dice % 100 < self.point.late_percent { (dice >> 8) as i64 & i64::MAX } else { 0 };
        START + arrival as i64 - late % LATEST
    }

    /// The next rows.
    pub fn batch(&mut self, rows: u64) -> TransactionBatch {
        let mut wire = TransactionBatchBuilder::with_capacity(rows as usize);
        let mut customers = [Vec::new(), Vec::new()];
        let (mut amounts, mut balances) = (Vec::new(), Vec::new());
        for number in self.next..self.next + rows {
            let (payer, payee) = self.parties(number);
            let dice = chance(self.point.seed, number, 6);
            let amount = 100 + i128::from(dice % 200_000);
            let account = |account: u64| format!("iban:DE{:02}50010517{account:010}", account % 97);
            let (from, to) = (account(payer), account(payee));
            let (payer_name, payee_name) = (format!("Holder {payer}"), format!("Holder {payee}"));
            let (id, device) = (format!("OURBDEFF:T{number:012}"), format!("d-{payer:x}"));
            let mut row = TransactionRow::new(self.time(number));
            row.amount = Some(amount * HUNDREDTH);
            (row.offset, row.append_time) = (number as i64, row.event_time);
            for (column, text) in [
                (Text::RowId, id.as_str()),
                (Text::Kind, Kind::CreditTransfer.as_str()),
                (Text::Status, Status::Settled.as_str()),
                (Text::Source, "OURBDEFF"),
                (Text::Currency, "EUR"),
                (Text::Originator, &from),
                (Text::Beneficiary, &to),
                (Text::OriginatorName, &payer_name),
                (Text::BeneficiaryName, &payee_name),
                (Text::OriginatorAgent, "bic:OURBDEFF"),
                (Text::BeneficiaryAgent, "bic:OURBDEFF"),
                (Text::Channel, if dice >> 32 & 3 == 0 { "mobile" } else { "online" }),
                (Text::Device, &device),
                (Text::Topic, "bank.transactions"),
            ] {
                row.set(column, text);
            }
            wire.append(&row);
            customers[0].push(format!("C{payer:08}"));
            customers[1].push(format!("C{payee:08}"));
            amounts.push(amount);
            balances.push(i128::from(dice >> 20 & 0xf_ffff));
        }
        self.next += rows;
        prepared(wire.finish(), amounts, balances, customers)
    }
}

/// Adds what preparing adds: amounts in the reference currency, customers, and that nobody is an exchange.
fn prepared(
    wire: TransactionBatch,
    amounts: Vec<i128>,
    balances: Vec<i128>,
    customers: [Vec<String>; 2],
) -> TransactionBatch {
    let rows = wire.len();
    let mut columns = wire.into_batch().columns().to_vec();
    let decimals = |values: Vec<i128>| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_data_type(DataType::Decimal128(38, 2)))
    };
    let (mut amounts, mut balances) = (Some(amounts), Some(balances));
    for (name, kind) in &PREPARED_COLUMNS {
        columns.push(match *name {
            "amount_ref" => decimals(amounts.take().unwrap_or_default()),
            "originator_balance_ref" => decimals(balances.take().unwrap_or_default()),
            "originator_customer" => Arc::new(StringArray::from_iter_values(&customers[0])),
            "beneficiary_customer" => Arc::new(StringArray::from_iter_values(&customers[1])),
            "originator_is_vasp" | "beneficiary_is_vasp" => Arc::new(BooleanArray::from(vec![false; rows])),
            _ => new_null_array(kind, rows),
        });
    }
    let batch = RecordBatch::try_new(prepared_schema(), columns).expect("the columns follow the schema");
    TransactionBatch::try_new(batch).expect("the schema is that of prepared rows")
}
