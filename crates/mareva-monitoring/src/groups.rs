//! Detections that tell of a group of rows, each standing on the last row of its group.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::Detection;

use crate::key::Key;
use crate::level::Standing;

/// A group: term of the rule, key, and where its window begins (UTC milliseconds).
pub(crate) type GroupId = (usize, Key, i64);

/// What is told of a group.
#[derive(Debug)]
pub(crate) struct Told {
    pub row: u64,
    /// First time after the window.
    pub end: i64,
    pub detection: Detection,
}

impl Told {
    fn stands(self, id: GroupId) -> (Standing, Detection) {
        ((self.detection.event_time, self.row, id.0), self.detection)
    }
}

/// The groups of which something stands. Those whose window has closed are settled and leave.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    told: BTreeMap<GroupId, Told>,
    /// By the end of their windows.
    closing: BTreeSet<(i64, GroupId)>,
}

impl Groups {
    /// Notes what the last row of a group says of it, or that nothing holds. Groups that began up to `merged` are one with it
    /// now; of one that began from `earliest` on, and whose first rows are gone, it was the last row, too. Returns what stood on
    /// this row before, and adds what stood on others to `gone`.
    pub fn tell(
        &mut self,
        id: GroupId,
        (earliest, merged): (i64, i64),
        now: Option<Told>,
        row: u64,
        gone: &mut Vec<(Standing, Detection)>,
    ) -> Option<Detection> {
        let mut before = None;
        let near = self.told.range((id.0, id.1, earliest)..=(id.0, id.1, merged));
        let same = near.filter(|(other, told)| other.2 >= id.2 || told.row == row);
        let ids: Vec<GroupId> = same.map(|(id, _)| *id).collect();
        for (id, told) in ids.into_iter().filter_map(|id| Some((id, self.forget(id)?))) {
            match told.row == row {
                true => before = Some(told.detection),
                false => gone.push(told.stands(id)),
            }
        }
        if let Some(told) = now {
            self.stand(id, told);
        }
        before
    }

    /// Whether something stands of a group of this rule, and of this key.
    pub fn tells_of(&self, term: usize, key: Option<Key>) -> bool {
        let keys = key.map_or((Key::MIN, Key::MAX), |key| (key, key));
        self.told.range((term, keys.0, i64::MIN)..=(term, keys.1, i64::MAX)).next().is_some()
    }

    /// Notes what stands of a group.
    pub fn stand(&mut self, id: GroupId, told: Told) {
        self.closing.insert((told.end, id));
        self.told.insert(id, told);
    }

    /// Takes back what stands on a row that goes, of a group that began between that of `id` and `merged`.
    pub fn leave(&mut self, id: GroupId, merged: i64, row: u64) -> Option<Detection> {
        let mut groups = self.told.range(id..=(id.0, id.1, merged));
        let id = groups.find(|(_, told)| told.row == row).map(|(id, _)| *id)?;
        self.forget(id).map(|told| told.detection)
    }

    fn forget(&mut self, id: GroupId) -> Option<Told> {
        let told = self.told.remove(&id)?;
        self.closing.remove(&(told.end, id));
        Some(told)
    }

    /// What stands of groups that closed at `before` or earlier: no row can enter them any more.
    pub fn settle(&mut self, before: i64) -> Vec<(Standing, Detection)> {
        let later = self.closing.split_off(&(before.saturating_add(1), (0, 0, i64::MIN)));
        let closed = std::mem::replace(&mut self.closing, later);
        closed.into_iter().filter_map(|(_, id)| Some(self.told.remove(&id)?.stands(id))).collect()
    }

    /// What stands.
    pub fn stands(&self) -> impl Iterator<Item = (Standing, &Detection)> {
        self.told.iter().map(|(id, told)| ((told.detection.event_time, told.row, id.0), &told.detection))
    }

    /// Groups with what is told of them, in order.
    pub fn all(&self) -> impl Iterator<Item = (GroupId, &Told)> {
        self.closing.iter().filter_map(|(_, id)| Some((*id, self.told.get(id)?)))
    }

    pub fn len(&self) -> usize {
        self.told.len()
    }
}
