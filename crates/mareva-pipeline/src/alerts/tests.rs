mod contract;
pub(crate) mod fixture;
mod flow;
mod fraud;
mod order;
mod sanctions;
mod victims;
