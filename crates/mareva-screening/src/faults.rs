use mareva_model::{Fault, Refusal};

/// Most faults that are listed one by one; a file of millions of bad rows is one mistake, not millions.
const MAX_LISTED: usize = 100;

/// Collects every fault of a list up to a bound and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    listed: Vec<Fault>,
    more: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, place: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(Fault::new(place, reason, remedy));
        } else {
            self.more += 1;
        }
    }

    /// Takes over the faults of `other`.
    pub(crate) fn absorb(&mut self, other: Self) {
        for fault in other.listed {
            self.add(fault.place, fault.reason, fault.remedy);
        }
        self.more += other.more;
    }

    /// Faults found so far.
    pub(crate) fn count(&self) -> u64 {
        self.listed.len() as u64 + self.more
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// `Err` with everything found, when there is anything.
    pub(crate) fn into_result(mut self) -> Result<(), Refusal> {
        if self.more > 0 {
            let place = self.listed.first().map(|fault| fault.place.clone()).unwrap_or_default();
            self.listed.push(Fault::new(
                place,
                format!("{} more faults are not shown", self.more),
                format!("repair the first {MAX_LISTED}, then load again"),
            ));
        }
        Refusal(self.listed).into_result()
    }
}

/// The faults of the whole as a refusal, for a place where going on makes no sense.
impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        match faults.into_result() {
            Ok(()) => Refusal::default(),
            Err(refusal) => refusal,
        }
    }
}
