//! Invertible aggregates: what was added can be taken out again, so a window slides both ways.

use std::collections::{BTreeMap, HashMap};

use crate::key::{Key, KeyBuild};

/// Distinct values up to this many are searched one by one; more go into a map.
const FEW: usize = 12;

/// A multiset of keys that knows how many different ones it holds.
#[derive(Debug, Clone)]
pub(crate) enum Distinct {
    Few(Vec<(Key, u32)>),
    Many(HashMap<Key, u32, KeyBuild>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    fn add(&mut self, key: Key) {
        match self {
            Self::Few(values) => {
                if let Some((_, count)) = values.iter_mut().find(|(k, _)| *k == key) {
                    *count += 1;
                } else if values.len() < FEW {
                    values.push((key, 1));
                } else {
                    let mut map: HashMap<Key, u32, KeyBuild> = values.drain(..).collect();
                    map.insert(key, 1);
                    *self = Self::Many(map);
                }
            }
            Self::Many(map) => *map.entry(key).or_insert(0) += 1,
        }
    }

    fn remove(&mut self, key: Key) {
        match self {
            Self::Few(values) => {
                if let Some(at) = values.iter().position(|(k, _)| *k == key) {
                    values[at].1 -= 1;
                    if values[at].1 == 0 {
                        values.swap_remove(at);
                    }
                }
            }
            Self::Many(map) => {
                if let Some(count) = map.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        map.remove(&key);
                    }
                }
                if map.is_empty() {
                    *self = Self::default();
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(values) => values.len(),
            Self::Many(map) => map.len(),
        }
    }
}

/// Which aggregate a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AggregateKind {
    Count,
    CountDistinct,
    Sum,
    /// Average of decimals: the sum is multiplied by this power of ten before the division, as DataFusion does.
    Average {
        scale_up: i128,
    },
    Min,
    Max,
}

/// Running value of one feature for one key.
#[derive(Debug, Clone)]
pub(crate) enum Running {
    Sum { sum: i128, count: u64 },
    Distinct(Distinct),
    Ordered(BTreeMap<i128, u32>),
}

impl Running {
    pub fn new(kind: AggregateKind) -> Self {
        match kind {
            AggregateKind::Count | AggregateKind::Sum | AggregateKind::Average { .. } => Self::Sum { sum: 0, count: 0 },
            AggregateKind::CountDistinct => Self::Distinct(Distinct::default()),
            AggregateKind::Min | AggregateKind::Max => Self::Ordered(BTreeMap::new()),
        }
    }

    pub fn add(&mut self, value: u128) {
        match self {
            // Inputs are below 10^38 / rows by the bound on amounts; wrapping keeps the inverse exact in any case.
            Self::Sum { sum, count } => {
                *sum = sum.wrapping_add(value as i128);
                *count += 1;
            }
            Self::Distinct(values) => values.add(value),
            Self::Ordered(values) => *values.entry(value as i128).or_insert(0) += 1,
        }
    }

    pub fn remove(&mut self, value: u128) {
        match self {
            Self::Sum { sum, count } => {
                *sum = sum.wrapping_sub(value as i128);
                *count -= 1;
            }
            Self::Distinct(values) => values.remove(value),
            Self::Ordered(values) => {
                if let Some(count) = values.get_mut(&(value as i128)) {
                    *count -= 1;
                    if *count == 0 {
                        values.remove(&(value as i128));
                    }
                }
            }
        }
    }

    /// The SQL value: counts of nothing are 0, everything else of nothing is null.
    pub fn value(&self, kind: AggregateKind) -> Option<i128> {
        match (self, kind) {
            (Self::Sum { count, .. }, AggregateKind::Count) => Some(i128::from(*count)),
            (Self::Sum { count: 0, .. }, _) => None,
            (Self::Sum { sum, count }, AggregateKind::Average { scale_up }) => {
                sum.checked_mul(scale_up).map(|scaled| scaled / i128::from(*count))
            }
            (Self::Sum { sum, .. }, _) => Some(*sum),
            (Self::Distinct(values), _) => Some(values.len() as i128),
            (Self::Ordered(values), AggregateKind::Min) => values.keys().next().copied(),
            (Self::Ordered(values), _) => values.keys().next_back().copied(),
        }
    }

    /// The value of no rows at all.
    pub fn empty(kind: AggregateKind) -> Option<i128> {
        matches!(kind, AggregateKind::Count | AggregateKind::CountDistinct).then_some(0)
    }
}
