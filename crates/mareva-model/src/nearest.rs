//! What somebody may have meant.

use strsim::osa_distance;

/// The word closest to `word`, where one is close: one is part of the other, or at most a third of the
/// letters differ (inserted, dropped, replaced or swapped with their neighbour).
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().filter(|k| !k.is_empty()).collect();
    let part = |k: &&&str| word.len() >= 4 && (k.contains(word) || word.contains(**k));
    if let Some(best) = known.iter().filter(part).min_by_key(|k| osa_distance(word, k)) {
        return Some(best);
    }
    let (distance, best) = known.iter().map(|k| (osa_distance(word, k), *k)).min_by_key(|(d, _)| *d)?;
    (distance * 3 <= word.chars().count().max(best.len())).then_some(best)
}

/// The beginning of a remedy that names the closest word; nothing where none is close.
pub fn perhaps<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("perhaps you mean {near}; ")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
