//! Where the text of an element is filed: a slot of its transaction, its group or its message, or among the parties of one.

use mareva_model::Reason;

use super::super::definition::named;
use super::super::places::{Slot, Target};
use super::super::{Extra, ExtraText, Span};
use super::{Part, Walk, span};
use crate::fault::Fault;
use crate::row::gravity;

/// Parties of a message and its envelope that are read, or of a group, those of its transactions aside: every transaction has
/// them. The standard has room for about 60.
const MAX_HEADER_PARTIES: usize = 256;

impl Walk<'_> {
    /// Files the text since `start` under its target.
    pub(super) fn store(&mut self, target: Target) -> Result<(), Fault> {
        let raw = &self.message.text[self.start..];
        let leading = raw.len() - raw.trim_start().len();
        let text = raw.trim();
        if text.is_empty() {
            return Ok(());
        }
        let length = text.len();
        let found = span(self.start + leading, self.start + leading + length);
        let limit = match target {
            Target::Remittance | Target::Extra(_, Extra::Text) => self.limits.remittance_bytes,
            _ => self.limits.field_bytes,
        };
        if length > limit {
            self.fault(Fault::too_long("a text", limit))?;
        }
        let role = match target {
            Target::Slot(slot) => return self.fill(slot, found),
            Target::MessageName => {
                if let Some((definition, version)) = named(&self.message.text[found.start as usize..found.end as usize])
                    && definition.reads(version)
                {
                    self.versions[definition as usize].get_or_insert(version);
                }
                return Ok(());
            }
            Target::HeaderTime => {
                self.header_time = found;
                return Ok(());
            }
            Target::Extra(role, kind) => Some((role, kind)),
            Target::Remittance => None,
        };
        let transaction = u32::try_from(self.message.transactions.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.add(ExtraText { transaction, role, span: found })
    }

    fn add(&mut self, extra: ExtraText) -> Result<(), Fault> {
        let (extras, from) = match (self.part, self.group) {
            (Some(Part::Transaction(_)), _) => {
                self.message.extras.push(extra);
                return Ok(());
            }
            (None, Some(_)) => {
                let from = self.message.groups.last().map_or(0, |group| group.extras.0);
                (&mut self.message.group_extras, from)
            }
            _ => {
                let last = self.message.headers.last();
                let from = last.map_or(0, |last| if self.root.is_some() { last.extras.0 } else { last.extras.1 });
                (&mut self.message.header_extras, from)
            }
        };
        if extras.len() - from >= MAX_HEADER_PARTIES {
            let told = format!("more than {MAX_HEADER_PARTIES} parties in the headers of a message; split it");
            return Err(Fault::new(Reason::TooLarge, told));
        }
        extras.push(extra);
        Ok(())
    }

    pub(super) fn fill(&mut self, slot: usize, found: Span) -> Result<(), Fault> {
        let text = &self.message.text;
        let level = match (self.part, self.group) {
            (Some(Part::Transaction(_)), _) => None,
            (None, Some(_)) => self.message.groups.last_mut(),
            _ => self.message.headers.last_mut(),
        };
        let slots = match level {
            Some(level) => {
                level.bytes += found.length();
                Some(&mut level.slots)
            }
            None => self.message.transactions.last_mut().map(|read| &mut read.slots),
        };
        let Some(place) = slots.and_then(|slots| slots.get_mut(slot)) else { return Ok(()) };
        let is_filled = place.end > place.start;
        if is_filled && slot == Slot::Reason as usize {
            let read = |span: Span| text.get(span.start as usize..span.end as usize).unwrap_or_default();
            if gravity(read(found)) < gravity(read(*place)) {
                *place = found;
            }
            return Ok(());
        }
        if is_filled {
            return self.text_fault("an element that may stand once is repeated; send it once");
        }
        *place = found;
        Ok(())
    }

    pub(super) fn text_fault(&mut self, told: &str) -> Result<(), Fault> {
        self.fault(Fault::new(Reason::InvalidField, told))
    }

    /// Notes what is wrong with the transaction the walk is in; what is wrong elsewhere is wrong with the message.
    pub(super) fn fault(&mut self, fault: Fault) -> Result<(), Fault> {
        match (self.part, self.message.transactions.last_mut()) {
            (Some(Part::Transaction(_)), Some(read)) => {
                read.fault.get_or_insert(fault);
                Ok(())
            }
            _ => Err(fault),
        }
    }
}
