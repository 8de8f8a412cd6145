use std::io::Read;

use super::{Cpu, NOW};
use crate::{ListConfig, Scratch, Watchlist, load_plain};

const MULES: u64 = 5_000_000;
const STRANGERS: u64 = 4_000_000;
const RATE: f64 = 1e-4;

/// A German IBAN with valid check digits for an account number; the numbers are spread so that neighbours differ.
fn write_iban(number: u64, out: &mut String) {
    use std::fmt::Write;
    out.clear();
    let account = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_000_000_000_000) * 1_000
        + u128::from(number % 1_000);
    let check = 98 - (account * 1_000_000 + 131_400) % 97;
    write!(out, "DE{check:02}{account:018}").unwrap();
}

/// The file of a list of mule accounts, made while it is read.
struct MuleFile {
    next: u64,
    row: String,
    at: usize,
    iban: String,
}

impl Read for MuleFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.row.len() {
            if self.next == MULES {
                return Ok(0);
            }
            (self.at, self.row) = (0, String::new());
            while self.row.len() < 60_000 && self.next < MULES {
                write_iban(self.next, &mut self.iban);
                let reason = ["voice phishing", "investment fraud", "romance scam"][self.next as usize % 3];
                self.row.push_str(&format!("{},{reason},2026-01-02T10:00:00Z,bank-{}\n", self.iban, self.next % 40));
                self.next += 1;
            }
        }
        let count = buffer.len().min(self.row.len() - self.at);
        buffer[..count].copy_from_slice(&self.row.as_bytes()[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn five_million_mule_accounts() {
    let header = "identifier,reason,reported_at,source\n".to_owned();
    let file = MuleFile { next: 0, row: header, at: 0, iban: String::new() };
    let config = ListConfig { false_positive_rate: RATE, ..ListConfig::fraud("mules", "") };
    let start = Cpu::now();
    let list = load_plain(&config, file, "mules.csv").unwrap();
    println!("read, filtered and probed back in {:?}", start.elapsed());
    let start = Cpu::now();
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    println!("put in force in {:?}", start.elapsed());
    let summary = &watchlist.lists()[0];
    println!("{summary:?}; {:.1} MiB in all", watchlist.size() as f64 / f64::from(1 << 20));
    assert_eq!((summary.counts.entries, summary.counts.unvalidated), (MULES, 0));
    assert!(watchlist.size() < 512 << 20);

    let (mut scratch, mut hits, mut iban) = (Scratch::new(), Vec::new(), String::new());
    let mut canonical = String::new();
    let start = Cpu::now();
    for number in 0..MULES {
        write_iban(number, &mut iban);
        canonical.clear();
        canonical.push_str("iban:");
        canonical.push_str(&iban);
        hits.clear();
        watchlist.screen_identifier(&canonical, NOW, &mut scratch, &mut hits);
        assert_eq!(hits.len(), 1, "{canonical}");
    }
    println!("a hit: {:?}", start.elapsed() / MULES as u32);

    let strangers: Vec<String> = (MULES..MULES + STRANGERS)
        .map(|number| {
            write_iban(number, &mut iban);
            format!("iban:{iban}")
        })
        .collect();
    hits.clear();
    let start = Cpu::now();
    for stranger in &strangers {
        watchlist.screen_identifier(stranger, NOW, &mut scratch, &mut hits);
    }
    println!("a miss: {:?}", start.elapsed() / STRANGERS as u32);
    let few = &strangers[..1_000];
    let start = Cpu::now();
    for _ in 0..1_000 {
        for stranger in few {
            watchlist.screen_identifier(stranger, NOW, &mut scratch, &mut hits);
        }
    }
    println!("a miss, of few: {:?}", start.elapsed() / 1_000_000);
    assert!(hits.is_empty());
    let stats = scratch.take_stats();
    assert_eq!(stats.lists[0].confirmed, MULES);
    let rate = watchlist.measured_false_positive_rate("mules", &strangers).unwrap();
    println!("false positives: {rate:.3e} measured, {RATE:.3e} configured; {stats:?}");
    assert!((rate / RATE - 1.0).abs() < 0.2);
}
