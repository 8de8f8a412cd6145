use std::collections::HashMap;
use std::sync::LazyLock;

/// Words of little weight, see the head of the file.
const WORDS: &str = include_str!("words.csv");
/// Groups of given names that stand for one another.
const NICKNAMES: &str = include_str!("nicknames.csv");

/// What sort of word a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Any other: it tells who is named.
    Own,
    /// A single letter.
    Initial,
    /// A legal form, such as `ltd`.
    Form,
    /// Such as `al`, `bin`, `de`.
    Particle,
    /// Such as `sheikh`, `dr`.
    Title,
    /// A word of many companies, such as `bank`.
    Generic,
    /// A number, in digits or as a word.
    Number,
}

impl Class {
    /// What a token of this class tells about its bearer, a token of its own being 1. Chosen by hand: what a sum of them says is
    /// fitted afterwards, see `score.rs`.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Self::Own => 1.0,
            Self::Number => 0.7,
            Self::Generic => 0.5,
            Self::Initial => 0.4,
            Self::Particle => 0.25,
            Self::Form | Self::Title => 0.1,
        }
    }

    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "form" => Self::Form,
            "particle" => Self::Particle,
            "title" => Self::Title,
            "generic" => Self::Generic,
            "number" => Self::Number,
            _ => return None,
        })
    }
}

static BY_WORD: LazyLock<HashMap<&'static str, (Class, &'static str)>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split(';');
        let (Some(class), Some(word)) = (cells.next().and_then(Class::of), cells.next()) else { continue };
        for spelling in cells.chain([word]) {
            words.entry(spelling).or_insert((class, word));
        }
    }
    words
});

static NICKNAME_GROUPS: LazyLock<HashMap<&'static str, [u8; 2]>> = LazyLock::new(|| {
    let mut groups: HashMap<&str, [u8; 2]> = HashMap::new();
    let lines = NICKNAMES.lines().filter(|line| !line.starts_with('#'));
    for (group, line) in (1_u8..).zip(lines) {
        for name in line.split(';') {
            let of = groups.entry(name).or_insert([0, 0]);
            if let Some(free) = of.iter_mut().find(|place| **place == 0) {
                *free = group;
            }
        }
    }
    groups
});

/// Class of a token and the spelling that stands for it.
pub(crate) fn classed(token: &str) -> (Class, &str) {
    if let Some((class, word)) = BY_WORD.get(token) {
        return (*class, word);
    }
    let class = match token.as_bytes() {
        [one] if one.is_ascii_alphabetic() => Class::Initial,
        bytes if bytes.iter().all(u8::is_ascii_digit) => Class::Number,
        _ => Class::Own,
    };
    (class, token)
}

/// Numbers of the groups of nicknames that a token is in, 0 for none; `ted` is in two.
pub(crate) fn nickname_groups(token: &str) -> [u8; 2] {
    NICKNAME_GROUPS.get(token).copied().unwrap_or([0, 0])
}
