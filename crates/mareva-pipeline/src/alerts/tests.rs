mod contract;
pub(crate) mod fixture;
mod flow;
mod fraud;
mod later;
mod order;
mod reach;
mod sanctions;
mod victims;
