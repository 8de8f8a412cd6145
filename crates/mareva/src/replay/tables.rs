//! The tables that rules see, as Parquet files.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mareva_model::{Detection, TransactionBatch};
use mareva_monitoring::{Accounts, ParquetWriter, Ruleset, movements_of, signals_of, write_parquet};

type Writer = ParquetWriter<BufWriter<File>>;

/// Files that grow with every slice.
pub struct TableFiles {
    folder: PathBuf,
    transactions: Option<Writer>,
    movements: Option<Writer>,
    signals: Option<Writer>,
}

impl TableFiles {
    /// Makes the folder and writes the accounts.
    pub fn create(folder: &Path, accounts: &Accounts) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let files = Self { folder: folder.to_owned(), transactions: None, movements: None, signals: None };
        write_parquet(accounts.batch(), files.file("accounts")?).context("cannot write accounts.parquet")?;
        Ok(files)
    }

    fn file(&self, table: &str) -> Result<BufWriter<File>> {
        let path = self.folder.join(format!("{table}.parquet"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(BufWriter::with_capacity(1 << 18, file))
    }

    /// Adds what a slice gave.
    pub fn add(&mut self, ruleset: &Ruleset, accepted: &[TransactionBatch], settled: &[Detection]) -> Result<()> {
        let mut tables = Vec::with_capacity(accepted.len() * 2 + 1);
        for batch in accepted {
            tables.push(("transactions", batch.batch().clone()));
            tables.push(("movements", movements_of(batch)?));
        }
        tables.push(("signals", signals_of(ruleset, settled)?));
        for (name, batch) in tables {
            if self.writer(name).is_none() {
                let writer = ParquetWriter::new(self.file(name)?, &batch)
                    .with_context(|| format!("cannot write {name}.parquet"))?;
                *self.writer(name) = Some(writer);
            }
            if let Some(writer) = self.writer(name).as_mut().filter(|_| batch.num_rows() > 0) {
                writer.write(&batch).with_context(|| format!("cannot write {name}.parquet"))?;
            }
        }
        Ok(())
    }

    fn writer(&mut self, name: &str) -> &mut Option<Writer> {
        match name {
            "transactions" => &mut self.transactions,
            "movements" => &mut self.movements,
            _ => &mut self.signals,
        }
    }

    /// Ends the files.
    pub fn finish(self) -> Result<()> {
        for writer in [self.transactions, self.movements, self.signals].into_iter().flatten() {
            writer.finish().context("cannot finish a table")?;
        }
        Ok(())
    }
}
