//! Invertible aggregates: what was added can be taken out again, so a window slides both ways.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use arrow::datatypes::i256;

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

/// Which aggregate or window function a feature is.
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
    /// `VAR` (of a sample, or of a population) of decimals with this scale; its root is `STDDEV`.
    Spread {
        population: bool,
        root: bool,
        scale: i8,
    },
    /// Argument of the first row of the window by (event time, `row_id`).
    First,
    /// Argument of the last one.
    Last,
    /// Argument of the row so many before this one, by (event time, `row_id`).
    Lag(u8),
    /// How many rows there are up to this one, by (event time, `row_id`).
    RowNumber,
}

impl AggregateKind {
    /// Whether a count and a sum are all it needs.
    pub fn is_total(self) -> bool {
        matches!(self, Self::Count | Self::Sum | Self::Average { .. })
    }

    /// What it costs to ask for it, in counts.
    pub fn cost(self) -> u32 {
        match self {
            _ if self.is_total() => 1,
            Self::Spread { .. } => 2,
            _ => 4,
        }
    }

    /// Whether it depends on the place of a row among those of one millisecond.
    pub fn is_positional(self) -> bool {
        matches!(self, Self::Lag(_) | Self::RowNumber)
    }

    /// Whether its value is the argument of one row, for which the order of the rows matters.
    pub fn picks_a_row(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::Lag(_))
    }

    /// Whether rows of one millisecond must lie on their timeline by `row_id`.
    pub fn needs_order(self) -> bool {
        self.picks_a_row() || self == Self::RowNumber
    }
}

/// Value of a feature at a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    /// Numbers, times, truth values, hundredths; the bits of a float.
    Number(i128),
    Text(Arc<str>),
}

/// What takes values of features. Numbers come by themselves, in registers: a [`Value`] goes through memory, and there the processor
/// waits for its pieces to be written before it reads it as a whole.
pub(crate) trait TakesValues {
    fn number(&mut self, feature: u16, value: Option<i128>);
    fn value(&mut self, feature: u16, value: Value);
}

/// A row as an aggregate takes it in or out.
pub(crate) struct Entry<'a> {
    pub row: u64,
    /// Its argument: a number, or the key of a text.
    pub value: u128,
    /// The text itself, where the aggregate needs it.
    pub text: Option<&'a str>,
    /// Its place among the rows that count, from the first one on.
    pub place: Place,
}

/// Where a row comes in or goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Front,
    Back,
    At(usize),
}

/// Sum, sum of squares and number of values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments {
    /// Of values up to 38 digits each.
    pub sum: i256,
    pub squares: i256,
    pub count: u64,
}

impl Moments {
    pub fn add(&mut self, value: i128) {
        let value = i256::from_i128(value);
        self.sum = self.sum.wrapping_add(value);
        self.squares = self.squares.wrapping_add(value.wrapping_mul(value));
        self.count += 1;
    }

    pub fn remove(&mut self, value: i128) {
        let value = i256::from_i128(value);
        self.sum = self.sum.wrapping_sub(value);
        self.squares = self.squares.wrapping_sub(value.wrapping_mul(value));
        self.count -= 1;
    }

    /// `(n Σx² − (Σx)²) ÷ n (n − 1)`, exact up to the divisions: no value is lost to cancellation.
    pub fn spread(&self, population: bool, root: bool, scale: i8) -> Option<f64> {
        let divisor = if population { self.count } else { self.count.checked_sub(1)? };
        if divisor == 0 {
            return None;
        }
        let (sum, count) = (self.sum, i256::from_i128(i128::from(self.count)));
        let float = |number: i256| {
            let (low, high) = number.to_parts();
            high as f64 * 2_f64.powi(128) + low as f64
        };
        let unit = 10_f64.powi(i32::from(scale));
        let apart = match (self.squares.checked_mul(count), sum.checked_mul(sum)) {
            (Some(squares), Some(square)) => float(squares.wrapping_sub(square)) / self.count as f64,
            // Too large for the products: what is cut off of `(Σx)² ÷ n` has no weight then.
            _ => {
                let (mean, rest) = (sum.wrapping_div(count), sum.wrapping_rem(count));
                let square = sum.wrapping_mul(mean).wrapping_add(sum.wrapping_mul(rest).wrapping_div(count));
                float(self.squares.wrapping_sub(square))
            }
        };
        let variance = apart / divisor as f64 / (unit * unit);
        Some(if root { variance.sqrt() } else { variance })
    }
}

/// Takes a value out of a multiset.
fn less<V: Ord + Borrow<K>, K: Ord + ?Sized>(values: &mut BTreeMap<V, u32>, value: &K) {
    if let Some(count) = values.get_mut(value) {
        *count -= 1;
        if *count == 0 {
            values.remove(value);
        }
    }
}

/// Running value of one feature for one key, of the kinds that are more than a count and a sum.
#[derive(Debug, Clone)]
pub(crate) enum Running {
    Distinct(Distinct),
    Ordered(BTreeMap<i128, u32>),
    Texts(BTreeMap<Arc<str>, u32>),
    Moments(Box<Moments>),
    /// Rows that count, in order.
    Rows(VecDeque<u64>),
}

impl Running {
    pub fn new(kind: AggregateKind, text: bool) -> Self {
        match kind {
            AggregateKind::CountDistinct => Self::Distinct(Distinct::default()),
            AggregateKind::Min | AggregateKind::Max if text => Self::Texts(BTreeMap::new()),
            AggregateKind::Min | AggregateKind::Max => Self::Ordered(BTreeMap::new()),
            AggregateKind::Spread { .. } => Self::Moments(Box::default()),
            _ => Self::Rows(VecDeque::new()),
        }
    }

    /// Whether it needs to know where among the rows one comes in.
    pub fn keeps_order(&self) -> bool {
        matches!(self, Self::Rows(_))
    }

    pub fn add(&mut self, entry: &Entry<'_>) {
        match self {
            Self::Distinct(values) => values.add(entry.value),
            Self::Ordered(values) => *values.entry(entry.value as i128).or_insert(0) += 1,
            Self::Texts(values) => {
                if let Some(text) = entry.text {
                    match values.get_mut(text) {
                        Some(count) => *count += 1,
                        None => drop(values.insert(text.into(), 1)),
                    }
                }
            }
            Self::Moments(moments) => moments.add(entry.value as i128),
            Self::Rows(rows) => match entry.place {
                Place::Front => rows.push_front(entry.row),
                Place::Back => rows.push_back(entry.row),
                Place::At(at) => rows.insert(at.min(rows.len()), entry.row),
            },
        }
    }

    pub fn remove(&mut self, entry: &Entry<'_>) {
        match self {
            Self::Distinct(values) => values.remove(entry.value),
            Self::Ordered(values) => less(values, &(entry.value as i128)),
            Self::Texts(values) => {
                if let Some(text) = entry.text {
                    less(values, text);
                }
            }
            Self::Moments(moments) => moments.remove(entry.value as i128),
            Self::Rows(rows) => {
                let gone = match entry.place {
                    Place::Front => rows.pop_front(),
                    Place::Back => rows.pop_back(),
                    Place::At(at) => rows.remove(at),
                };
                debug_assert_eq!(gone, Some(entry.row));
            }
        }
    }

    /// The row whose argument is the value, of a kind that picks one.
    pub fn picked(&self, kind: AggregateKind) -> Option<u64> {
        let Self::Rows(rows) = self else { return None };
        match kind {
            AggregateKind::First => rows.front().copied(),
            AggregateKind::Last => rows.back().copied(),
            AggregateKind::Lag(back) => rows.len().checked_sub(1 + usize::from(back)).map(|at| rows[at]),
            _ => None,
        }
    }

    /// The SQL value of a kind that is a number: of nothing it is 0 for a count of distinct values, else null.
    pub fn number(&self, kind: AggregateKind) -> Option<i128> {
        match (self, kind) {
            (Self::Distinct(values), _) => Some(values.len() as i128),
            (Self::Ordered(values), AggregateKind::Min) => values.keys().next().copied(),
            (Self::Ordered(values), _) => values.keys().next_back().copied(),
            (Self::Moments(moments), AggregateKind::Spread { population, root, scale }) => {
                moments.spread(population, root, scale).map(|value| i128::from(value.to_bits()))
            }
            (Self::Moments(_) | Self::Texts(_), _) => None,
            (Self::Rows(rows), _) => Some(rows.len() as i128),
        }
    }

    /// The least or the greatest text.
    pub fn text(&self, kind: AggregateKind) -> Option<&Arc<str>> {
        let Self::Texts(values) = self else { return None };
        if kind == AggregateKind::Min { values.keys().next() } else { values.keys().next_back() }
    }
}

/// The SQL value of a count, sum or average: counts of nothing are 0, the others null.
#[inline]
pub(crate) fn total(kind: AggregateKind, sum: i128, count: u32) -> Option<i128> {
    match kind {
        AggregateKind::Count => Some(i128::from(count)),
        _ if count == 0 => None,
        AggregateKind::Average { scale_up } => sum.checked_mul(scale_up).map(|scaled| scaled / i128::from(count)),
        _ => Some(sum),
    }
}
