use crate::alike::sound::{Sound, is_vowel, sound};
use crate::alike::words::{Class, classed, nickname_groups};
use crate::name::NameScratch;

/// Most tokens of a name that are compared; longer names still match where they are equal as a whole.
pub(crate) const MAX_TOKENS: usize = 24;
/// Most letters of a token that are compared.
pub(crate) const MAX_LETTERS: usize = 40;
/// Fewer consonants than this sound like too many others.
const MIN_CONSONANTS: usize = 2;

/// A token of a name, or neighbours written as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Romanised lower case.
    pub(crate) text: String,
    /// The word that the table has for this spelling, else the text.
    pub(crate) word: String,
    /// Its consonants, none where they are too few.
    pub(crate) sound: Sound,
    pub(crate) class: Class,
    pub(crate) nicknames: [u8; 2],
    pub(crate) is_compound: bool,
}

impl Token {
    fn new(written: &str) -> Self {
        let text = written.get(..MAX_LETTERS).unwrap_or(written);
        let (class, word) = classed(text);
        let nicknames = nickname_groups(text);
        // A surname of one letter, such as the Korean `i`, is no initial.
        let class = if class == Class::Initial && nicknames != [0, 0] { Class::Own } else { class };
        let heard = if class == Class::Own { sound(text) } else { Sound::default() };
        let heard = if heard.consonants() < MIN_CONSONANTS { Sound::default() } else { heard };
        Self { text: text.to_owned(), word: word.to_owned(), sound: heard, class, nicknames, is_compound: false }
    }

    /// Whether it may be an initial.
    pub(crate) fn is_letter(&self) -> bool {
        self.text.len() == 1 && self.class != Class::Number
    }

    pub(crate) fn has_digit(&self) -> bool {
        self.text.bytes().any(|letter| letter.is_ascii_digit())
    }

    pub(crate) fn has_no_vowel(&self) -> bool {
        !self.text.bytes().any(is_vowel)
    }

    /// Two neighbours written as one: `abdul rahman` as `abdulrahman`.
    fn compound(first: &str, second: &str) -> Self {
        let text = [first, second].concat();
        let text = text.get(..MAX_LETTERS).unwrap_or(&text).to_owned();
        let (word, sound) = (text.clone(), Sound::default());
        Self { text, word, sound, class: Class::Own, nicknames: [0, 0], is_compound: true }
    }
}

/// A name as it is compared: its tokens in order, then each pair of neighbours as one, then threes that Arabic joins.
#[derive(Debug, Clone)]
pub(crate) struct Parts<T> {
    /// Tokens, then compounds.
    pub(crate) all: Vec<T>,
    /// The tokens that each part covers, one bit each.
    pub(crate) covers: Vec<u32>,
    /// How many are tokens.
    pub(crate) tokens: usize,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self { all: Vec::new(), covers: Vec::new(), tokens: 0 }
    }
}

impl Parts<Token> {
    /// Of a name in any script; of ideographs and Hangul each is a token.
    pub(crate) fn of(name: &str, scratch: &mut NameScratch) -> Self {
        let written: Vec<&str> = scratch.in_order(name).take(MAX_TOKENS).collect();
        let mut parts = Self { tokens: written.len(), ..Self::default() };
        parts.extend(written.iter().map(|token| Token::new(token)), 0b1);
        parts.extend(written.windows(2).map(|pair| Token::compound(pair[0], pair[1])), 0b11);
        for (first, three) in written.windows(3).enumerate() {
            if let Some([first_half, last_half]) = joined([three[0], three[1], three[2]]) {
                parts.all.push(Token::compound(first_half, last_half));
                parts.covers.push(0b111 << first);
            }
        }
        parts
    }

    /// One for each token on, covering as many as `mask` has bits.
    fn extend(&mut self, parts: impl Iterator<Item = Token>, mask: u32) {
        for (first, part) in parts.enumerate() {
            self.all.push(part);
            self.covers.push(mask << first);
        }
    }
}

/// What Arabic joins in three tokens, as it is written in one: `abd al aziz` as `abdulaziz`, `nasr al din` as `nasreddin`.
fn joined([first, article, last]: [&str; 3]) -> Option<[&str; 2]> {
    let is_article = ARTICLES.contains(&article);
    match () {
        () if is_article && ["abd", "abdul", "abdel"].contains(&first) => Some(["abdul", last]),
        () if is_article && ["din", "deen", "dine"].contains(&last) => Some([first, "eddin"]),
        () => None,
    }
}

/// `al`, before the sounds that it takes on and as French and English write it.
const ARTICLES: [&str; 14] = ["al", "el", "ul", "ar", "er", "ur", "as", "es", "us", "ad", "ed", "ud", "an", "az"];

impl<T: AsRef<Token>> Parts<T> {
    pub(crate) fn token(&self, part: usize) -> &Token {
        self.all[part].as_ref()
    }

    /// All tokens, one bit each.
    pub(crate) fn everything(&self) -> u32 {
        (1 << self.tokens) - 1
    }

    /// Whether there are tokens that are alike to others that no index finds.
    pub(crate) fn has_loose(&self) -> bool {
        self.tokens_of(self.everything()).any(|token| token.is_letter() || token.class == Class::Form)
    }

    /// What the tokens of a set tell.
    pub(crate) fn weight(&self, set: u32) -> f32 {
        self.tokens_of(set).map(|token| token.class.weight()).sum()
    }

    /// What the tokens of a set tell that are more than a letter.
    pub(crate) fn solid_weight(&self, set: u32) -> f32 {
        self.tokens_of(set).filter(|token| !token.is_letter()).map(|token| token.class.weight()).sum()
    }

    /// The tokens of a set, in order.
    pub(crate) fn tokens_of(&self, set: u32) -> impl Iterator<Item = &Token> {
        let all = self.all[..self.tokens].iter().enumerate();
        all.filter(move |(token, _)| set & 1 << token != 0).map(|(_, token)| token.as_ref())
    }
}

impl AsRef<Token> for Token {
    fn as_ref(&self) -> &Token {
        self
    }
}
