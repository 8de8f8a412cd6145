use std::fmt;

/// One reason why a rule, list or config is not taken into force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// File, key or position in a text, such as `rules/x/rule.sql:3:14`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl Fault {
    /// A fault at `place`.
    pub fn new(place: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.reason, self.remedy)
    }
}

/// Every fault found in something that was to be loaded. The last good version stays in force; the binary exits 2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal(pub Vec<Fault>);

impl Refusal {
    /// A refusal with a single fault.
    pub fn one(place: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(vec![Fault::new(place, reason, remedy)])
    }

    /// `Err(self)` when there is any fault.
    ///
    /// # Errors
    /// The refusal itself, when it holds a fault.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
