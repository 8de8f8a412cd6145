use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray, new_null_array};
use arrow::datatypes::Schema;
use mareva_model::{Detection, Table};

use super::{AccountTable, Part, PartAccounts, Pass, TableFile, Variant, passes, split};
use crate::accounts::accounts_schema;
use crate::rule::RuleText;
use crate::ruleset::Ruleset;
use crate::tests::{Tx, batch};
use crate::write_parquet;

fn rule(folder: &str, sql: &str) -> RuleText {
    let toml = format!(
        "id = \"{folder}\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
         targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n\
         [parameters.least]\nvalue = \"5.00\"\ntype = \"decimal\"\n[parameters.parts]\nvalue = 3\ntype = \"integer\"\n"
    );
    RuleText { folder: folder.to_owned(), toml, sql: sql.to_owned() }
}

fn over(keys: &[&str], from: &str) -> String {
    let windows = keys.iter().enumerate().map(|(at, key)| {
        format!(
            "w{at} AS (PARTITION BY {key} ORDER BY event_time RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW)"
        )
    });
    let columns = (0..keys.len()).map(|at| format!(", COUNT(*) OVER w{at} AS n{at}")).collect::<String>();
    let all: String = (0..keys.len()).map(|at| format!(" AND n{at} > 1")).collect();
    format!(
        "SELECT row_id, {} AS subject, event_time{columns} FROM {from} WINDOW {} QUALIFY amount_ref > $least{all}",
        keys[0].split(',').next().unwrap_or_default(),
        windows.collect::<Vec<_>>().join(", ")
    )
}

fn variants(rules: &[(&str, String)]) -> Vec<Variant> {
    let texts: Vec<RuleText> = rules.iter().map(|(folder, sql)| rule(folder, sql)).collect();
    Ruleset::load(&texts).unwrap().rules().iter().map(Variant::in_force).collect()
}

#[test]
fn rules_that_share_a_key_share_a_pass() {
    let devices = "movements WHERE device IS NOT NULL";
    let partners = "movements WHERE counterparty IS NOT NULL";
    let variants = variants(&[
        ("a", over(&["account"], "movements")),
        ("b", over(&["account", "account, counterparty"], partners)),
        ("c", over(&["device"], devices)),
        ("d", over(&["account", "device"], devices)),
        ("e", over(&["m.account"], "movements m JOIN accounts a ON m.account = a.account")),
        ("f", over(&["originator"], "transactions WHERE originator IS NOT NULL")),
    ]);
    let passes = passes(&variants).unwrap();
    let shown: Vec<(Table, Option<&str>, &[usize])> =
        passes.iter().map(|pass| (pass.table, pass.key.as_deref(), pass.variants.as_slice())).collect();
    assert_eq!(
        shown,
        [
            (Table::Movements, Some("account"), &[0, 1, 4][..]),
            (Table::Movements, Some("device"), &[2]),
            (Table::Movements, None, &[3]),
            (Table::Transactions, Some("originator"), &[5]),
        ]
    );
    assert!(passes[0].joins_by_key, "each part needs the accounts of its own rows only");
    assert_eq!(passes.iter().map(|pass| pass.skips_null).collect::<Vec<_>>(), [false, true, false, true]);
    assert_eq!(passes[1].columns, ["row_id", "event_time", "amount_ref", "device"]);
}

#[test]
fn rows_whose_key_is_null_are_not_kept_and_change_nothing() {
    let variants = variants(&[("a", over(&["device"], "transactions WHERE device IS NOT NULL"))]);
    let passes = passes(&variants).unwrap();
    let device = |at: usize| [Some(1), None, Some(2), None, None][at % 5];
    let tx = |at: usize| Tx {
        time: at as i64 * 1000,
        from: Some(1),
        to: Some(2),
        cents: Some(900),
        device: device(at),
        status: 0,
        kind: 0,
    };
    let rows: Vec<(usize, Tx)> = (0..20).map(|at| (at, tx(at))).collect();
    let file = write_parquet(batch(&rows).batch(), tempfile::tempfile().unwrap()).unwrap();
    let files = [TableFile::open(file, "table").unwrap()];
    let accounts = AccountTable(RecordBatch::new_empty(accounts_schema()));
    let run = |pass: &Pass| -> (u64, Vec<Detection>) {
        let files = split(pass, &files, (0, 1), 1, &mut tempfile::tempfile, &|_| {}).unwrap();
        let part = Part::load(pass, 0, files, &PartAccounts::new(&accounts, pass, 1)).unwrap();
        (part.rows(), futures::executor::block_on(part.run(&variants[0])).unwrap())
    };
    let (rows, found) = run(&passes[0]);
    assert_eq!((rows, found.len()), (8, 6), "the first payment of each device is alone");
    assert_eq!(run(&Pass { skips_null: false, ..passes[0].clone() }), (20, found));
}

#[test]
fn accounts_that_are_joined_by_another_column_are_whole_in_each_part() {
    let from = "movements m LEFT JOIN accounts a ON m.counterparty = a.account";
    let passes = passes(&variants(&[("a", over(&["m.account"], from))])).unwrap();
    assert_eq!(passes[0].key.as_deref(), Some("account"));
    assert!(!passes[0].joins_by_key);
}

#[test]
fn a_parameter_is_replaced_by_a_value_of_its_type_alone() {
    let variants = variants(&[("a", over(&["account"], "movements"))]);
    let rule = variants[0].rule();
    let with = |name: &str, text: &str| Variant::with(rule, name, text);
    assert_eq!(with("least", "7.5").unwrap().rule().reference.parameters["least"], "7.5");
    assert_eq!(with("parts", "4").unwrap().replaced, Some(("parts".to_owned(), "4".to_owned())));
    assert!(with("parts", "4.5").unwrap_err().reason.contains("whole number"));
    assert!(with("least", "many").unwrap_err().reason.contains("decimal"));
    assert!(with("most", "1").unwrap_err().remedy.contains("least, parts"));
    assert_eq!(rule.reference.parameters["least"], "5.00", "the rule in force stays as it is");
}

#[test]
fn a_table_with_a_flipped_bit_is_damaged() {
    let tx = |at: usize| Tx {
        time: at as i64 * 1000,
        from: Some(1),
        to: Some(2),
        cents: Some(900 + at as i64),
        device: None,
        status: 0,
        kind: 0,
    };
    let rows: Vec<(usize, Tx)> = (0..500).map(|at| (at, tx(at))).collect();
    let bytes = write_parquet(batch(&rows).batch(), Vec::new()).unwrap();
    let check = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        TableFile::open(file, "table").and_then(|table| table.check_digest().unwrap())
    };
    assert_eq!(check(&bytes), Ok(()));
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap());
    let footer = bytes.len() - 8 - usize::try_from(footer).unwrap();
    // Pages come first; what the library puts between them and the footer is for readers that skip pages.
    for at in (0..footer / 2).step_by(7).chain(footer - 70..bytes.len()) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let told = check(&damaged).unwrap_err();
        assert!(told.contains("damaged"), "{at}: {told}");
    }
}

#[test]
fn a_table_with_a_row_without_an_account_names_the_file_and_the_column() {
    let schema = accounts_schema();
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        "account" => Arc::new(StringArray::from(vec![Some("a"), None])),
        _ => new_null_array(field.data_type(), 2),
    });
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect()).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&write_parquet(&rows, Vec::new()).unwrap()).unwrap();
    let told = TableFile::open(file, "accounts.parquet").unwrap().accounts().unwrap_err().to_string();
    assert!(told.starts_with("accounts.parquet has a row without account; correct it"), "{told}");
}
