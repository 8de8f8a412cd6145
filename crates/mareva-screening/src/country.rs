use std::collections::HashMap;
use std::sync::LazyLock;

/// ISO 3166-1 alpha-2 codes with the names and spellings that lists use for them, `code;name;name…`.
const TABLE: &str = include_str!("countries.csv");

static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split(';');
        let Some(code) = cells.next() else { continue };
        names.insert(folded(code), code);
        for name in cells {
            names.insert(folded(name), code);
        }
    }
    names
});

/// The ISO 3166 alpha-2 code of a country written as its code or by one of its English names; `None` when it is none of
/// them (a region, `undetermined`).
pub fn country_code(text: &str) -> Option<&'static str> {
    BY_NAME.get(&folded(text)).copied()
}

/// The code, or the text as it was written.
pub(crate) fn code_or_text(text: &str) -> String {
    country_code(text).map_or_else(|| text.trim().to_owned(), str::to_owned)
}

fn folded(text: &str) -> String {
    crate::name::name_key(text)
}
