//! The tables that rules see, as Parquet files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mareva_model::{Detection, TransactionBatch};
use mareva_monitoring::{
    Accounts, ParquetWriter, RetainedRows, Ruleset, Table, movements_of, signals_of, whole, write_parquet,
};

use super::whole::WholeFile;

type Writer = ParquetWriter<WholeFile>;

/// Files that grow with every slice; all of them stand under their names once all are whole.
pub struct TableFiles {
    folder: PathBuf,
    accounts: WholeFile,
    transactions: Writer,
    movements: Writer,
    signals: Writer,
}

impl TableFiles {
    /// Makes the folder, begins the files and writes the accounts.
    pub fn create(folder: &Path, accounts: &Accounts) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let file = |table: &str| WholeFile::create(&folder.join(file_name(table)));
        let empty = RetainedRows::new();
        let writer = |table: Table| {
            let like = whole(&empty, table)?;
            ParquetWriter::new(file(table.name())?, &like).with_context(|| failed(folder, table.name()))
        };
        Ok(Self {
            transactions: writer(Table::Transactions)?,
            movements: writer(Table::Movements)?,
            signals: writer(Table::Signals)?,
            accounts: write_parquet(accounts.batch(), file("accounts")?).with_context(|| failed(folder, "accounts"))?,
            folder: folder.to_owned(),
        })
    }

    /// Adds what a slice gave.
    pub fn add(&mut self, ruleset: &Ruleset, accepted: &[TransactionBatch], settled: &[Detection]) -> Result<()> {
        let mut tables = Vec::with_capacity(accepted.len() * 2 + 1);
        for batch in accepted {
            tables.push((Table::Transactions, batch.batch().clone()));
            tables.push((Table::Movements, movements_of(batch)?));
        }
        tables.push((Table::Signals, signals_of(ruleset, settled)?));
        for (table, batch) in tables.iter().filter(|(_, batch)| batch.num_rows() > 0) {
            let writer = match table {
                Table::Transactions => &mut self.transactions,
                Table::Movements => &mut self.movements,
                Table::Signals => &mut self.signals,
            };
            writer.write(batch).with_context(|| failed(&self.folder, table.name()))?;
        }
        Ok(())
    }

    /// Ends the files.
    pub fn finish(self) -> Result<()> {
        let Self { folder, accounts, transactions, mut movements, signals } = self;
        let ended = |writer: Writer, table: &str| writer.finish().with_context(|| failed(&folder, table));
        let (transactions, digest) = ended(transactions, "transactions")?;
        movements.beside(digest);
        let mut files = vec![accounts, transactions, ended(movements, "movements")?.0, ended(signals, "signals")?.0];
        files.iter_mut().try_for_each(WholeFile::settle)?;
        files.into_iter().try_for_each(WholeFile::finish)
    }
}

/// Where the tables stand in a folder.
pub fn table_files(folder: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    ["accounts", "transactions", "movements", "signals"].into_iter().map(|table| folder.join(file_name(table)))
}

fn file_name(table: &str) -> String {
    format!("{table}.parquet")
}

fn failed(folder: &Path, table: &str) -> String {
    format!("cannot write {}", folder.join(file_name(table)).display())
}
