//! Screening against lists. Principal type: [`Watchlist`], immutable, swapped whole. List files and their [`ListConfig`]
//! enter through [`load`]; canonical identifiers and party names enter through [`Watchlist::screen_identifier`] and
//! [`Watchlist::screen_name`]; confirmed [`Match`]es leave. A Bloom filter comes first and only prunes; the exact entry
//! decides. This crate must never report a filter hit as a match, never miss a listed key, never keep a list that it could
//! not read whole, and knows nothing of transactions, alerts or clocks.

mod alike;
mod birth;
mod changed;
mod columns;
mod config;
mod country;
mod document;
mod entry;
mod eu;
mod faults;
mod front;
mod ftm;
mod index;
mod intake;
mod kept;
mod lineage;
mod list;
mod matched;
mod misp;
mod name;
mod named;
mod ofac;
mod ofac_advanced;
mod ofac_xml;
mod official;
mod pattern;
mod plain;
mod remarks;
mod rows;
mod scratch;
mod spellings;
mod stix;
mod store;
mod tagpack;
mod uk;
mod uk_csv;
mod un;
mod watchlist;
mod xml;

pub use alike::{ComparedName, FEATURES, WEIGHTS, score};
pub use birth::BirthDate;
pub use changed::ListChanges;
pub use columns::{Column, ColumnMap, Headers};
pub use config::{DateOrder, FilterKey, ListConfig, ListFormat, ListPart, ProgrammePolicy};
pub use country::country_code;
pub use entry::{Document, Entry, EntryKind, Lineage, ListedName};
pub use index::FilterSize;
pub use list::{
    Doubts, LoadCounts, LoadedList, lists_parties, load, load_ftm, load_misp, load_ofac, load_plain, load_stix,
    load_tagpack, load_uk_csv, load_xml,
};
pub use matched::{Basis, Match, Strength, Support, strongest};
pub use name::name_key;
pub use scratch::{Counted, ListStats, Scratch, ScreeningStats};
pub use watchlist::{ListSummary, Watchlist, watchlist_epoch};

#[cfg(test)]
mod tests;
