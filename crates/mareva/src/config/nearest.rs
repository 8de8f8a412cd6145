//! What somebody may have meant.

/// The word closest to `word`, where one is close: one is part of the other, or at most a third of the
/// letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().filter(|k| !k.is_empty()).collect();
    let part = |k: &&&str| word.len() >= 4 && (k.contains(word) || word.contains(**k));
    if let Some(best) = known.iter().filter(part).min_by_key(|k| distance(word, k)) {
        return Some(best);
    }
    let (distance, best) = known.iter().map(|k| (distance(word, k), *k)).min_by_key(|(d, _)| *d)?;
    (distance * 3 <= word.chars().count().max(best.len())).then_some(best)
}

/// The beginning of a remedy that names the closest word; nothing where none is close.
pub fn perhaps<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("perhaps you mean {near}; ")).unwrap_or_default()
}

/// Letters to insert, drop, replace or swap with their neighbour to make one word the other.
pub fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}
