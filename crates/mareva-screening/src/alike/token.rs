use crate::alike::sound::{Sound, sound};
use crate::alike::words::{Class, classed, nickname_groups};
use crate::name::NameScratch;

/// Most tokens of a name that are compared; longer names still match where they are equal as a whole.
pub(crate) const MAX_TOKENS: usize = 24;
/// Most letters of a token that are compared.
pub(crate) const MAX_LETTERS: usize = 40;
/// Fewer consonants than this sound like too many others.
const MIN_CONSONANTS: usize = 2;

/// A token of a name, or two neighbours written as one.
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

    pub(crate) fn has_no_vowel(&self) -> bool {
        !self.text.bytes().any(|letter| matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
    }

    /// Two neighbours written as one: `abdul rahman` as `abdulrahman`.
    fn compound(first: &str, second: &str) -> Self {
        let text = [first, second].concat();
        let text = text.get(..MAX_LETTERS).unwrap_or(&text).to_owned();
        let (word, sound) = (text.clone(), Sound::default());
        Self { text, word, sound, class: Class::Own, nicknames: [0, 0], is_compound: true }
    }
}

/// A name as it is compared: its tokens in order, then each pair of neighbours as one.
#[derive(Debug, Clone)]
pub(crate) struct Parts<T> {
    /// Tokens, then compounds; the compound at `tokens + i` is of tokens `i` and `i + 1`.
    pub(crate) all: Vec<T>,
    /// How many are tokens.
    pub(crate) tokens: usize,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self { all: Vec::new(), tokens: 0 }
    }
}

impl Parts<Token> {
    /// Of a name in any script; of ideographs and Hangul each is a token.
    pub(crate) fn of(name: &str, scratch: &mut NameScratch) -> Self {
        let written: Vec<&str> = scratch.in_order(name).take(MAX_TOKENS).collect();
        let tokens = written.iter().map(|token| Token::new(token));
        let compounds = written.windows(2).map(|pair| Token::compound(pair[0], pair[1]));
        Self { all: tokens.chain(compounds).collect(), tokens: written.len() }
    }
}

impl<T: AsRef<Token>> Parts<T> {
    pub(crate) fn token(&self, part: usize) -> &Token {
        self.all[part].as_ref()
    }

    /// The tokens that a part covers, one bit each.
    pub(crate) fn covers(&self, part: usize) -> u32 {
        if part < self.tokens { 1 << part } else { 0b11 << (part - self.tokens) }
    }

    /// All tokens, one bit each.
    pub(crate) fn everything(&self) -> u32 {
        (1 << self.tokens) - 1
    }

    /// What a part tells, a compound as much as both its tokens.
    pub(crate) fn part_weight(&self, part: usize) -> f32 {
        let own = |token: usize| self.token(token).class.weight();
        if part < self.tokens { own(part) } else { own(part - self.tokens) + own(part - self.tokens + 1) }
    }

    /// Whether there are tokens that are alike to others that no index finds.
    pub(crate) fn has_loose(&self) -> bool {
        self.tokens_of(self.everything()).any(|token| matches!(token.class, Class::Initial | Class::Form))
    }

    /// What the tokens of a set tell.
    pub(crate) fn weight(&self, set: u32) -> f32 {
        self.tokens_of(set).map(|token| token.class.weight()).sum()
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
