//! Rules over finished tables: what they would have named, and how right they would have been.

mod about;
mod chart;
mod data;
mod figures;
mod labels;
mod overlap;
mod page;
mod text;
mod work;

pub use about::About;
pub use data::{Files, Stripes, Tables, account_table, are_of_others, data_files};
pub use figures::{Report, report};
pub use labels::Labels;
pub use page::page;
pub use text::text;
pub use work::{Outcome, Work};
