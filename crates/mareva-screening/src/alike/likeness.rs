use crate::alike::token::Token;
use crate::alike::words::Class;

/// Two tokens less alike than this are different tokens.
pub(crate) const LEAST: f32 = 0.6;
/// Of given names that stand for one another.
const NICKNAME: f32 = 0.9;
/// Of an initial and a name that begins with it.
const INITIAL: f32 = 0.75;
/// Of two legal forms: they say the same of a company, that it is one.
const FORMS: f32 = 0.5;
/// Of tokens that sound alike, by the number of consonants in common.
const SOUNDS: [f32; 5] = [0.0, 0.0, 0.75, 0.88, 0.92];
/// Of tokens that sound alike, where one is written without vowels.
const UNVOCALISED: f32 = 0.88;
/// Tokens that sound alike are compared letter by letter all the same: at most this share may differ.
const MOST_DIFFERENT: f32 = 0.5;
/// What each differing share takes from the likeness of tokens that sound alike.
const DIFFERENCE: f32 = 0.4;
/// Fewest letters of the longer of two tokens that may be one misspelt: another letter in three makes another name.
const MIN_MISSPELT: usize = 4;
/// Names that run together are taken for one another only where little else differs: two tokens are near many a long one.
const LEAST_OF_COMPOUND: f32 = 0.85;
/// What an edit counts between tokens without vowels: the letters left say more each.
const BARE: f32 = 1.5;
/// What a letter that wandered to the next token counts: it makes both wrong.
const LETTER_OF_ANOTHER: f32 = 1.5;
/// Fewest letters of two compounds between which one letter may have wandered.
const MIN_COMPOUND: usize = 4;

/// Most edits between tokens of which this is the shorter. An edit is a letter inserted, dropped or replaced, or two neighbours
/// swapped.
pub(crate) fn most_edits(token: &Token) -> usize {
    match token.text.len() {
        0..=2 => 0,
        3..=6 => 1,
        _ if token.is_compound => 1,
        _ => 2,
    }
}

/// How alike two tokens or compounds are, by what an index can find: 1 where equal, 0 where less than [`LEAST`].
pub(crate) fn likeness(a: &Token, b: &Token) -> f32 {
    match (a.is_compound, b.is_compound) {
        (true, true) => compounds_likeness(a, b),
        (false, false) => tokens_likeness(a, b),
        _ => Some(tokens_likeness(a, b)).filter(|likeness| *likeness >= LEAST_OF_COMPOUND).unwrap_or(0.0),
    }
}

/// How alike two tokens are that no index finds: an initial and a name, two legal forms.
pub(crate) fn loose_likeness(a: &Token, b: &Token) -> f32 {
    let of = |letter: &Token, name: &Token| letter.is_letter() && name.class == Class::Own && !name.is_letter();
    let is_initial = of(a, b) || of(b, a);
    if is_initial && a.text.as_bytes().first() == b.text.as_bytes().first() {
        return INITIAL;
    }
    if (a.class, b.class) == (Class::Form, Class::Form) { FORMS } else { 0.0 }
}

fn tokens_likeness(a: &Token, b: &Token) -> f32 {
    let (long, short) = (a.text.len().max(b.text.len()), a.text.len().min(b.text.len()));
    let is_tabled = a.class != Class::Own || b.class != Class::Own;
    if long == short && a.text == b.text || is_tabled && a.word == b.word {
        return 1.0;
    }
    if a.class == Class::Number || b.class == Class::Number {
        return 0.0;
    }
    let nickname = if are_nicknames(a, b) { NICKNAME } else { 0.0 };
    let sounds_alike = sound_alike(a, b);
    // Hebrew and Arabic write no vowels: equal consonants are all that there is to see.
    if sounds_alike && a.has_no_vowel() != b.has_no_vowel() {
        return UNVOCALISED.max(nickname);
    }
    let digits = |token: &Token| token.text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    if a.has_digit() || b.has_digit() {
        // `a12345` is not `a12346`; `i9or` is a slip.
        let (x, y) = (digits(a), digits(b));
        if !x.is_empty() && !y.is_empty() && x != y {
            return 0.0;
        }
    }
    let allowed = if long < MIN_MISSPELT { 0 } else { most_edits(a).min(most_edits(b)) };
    if !sounds_alike && (allowed == 0 || long - short > allowed) {
        return nickname;
    }
    let edits = edits(a, b);
    let is_bare = a.has_no_vowel() && b.has_no_vowel();
    let different = edits as f32 * if is_bare { BARE } else { 1.0 } / long as f32;
    let spelled = if edits <= allowed { 1.0 - different } else { 0.0 };
    let heard = if sounds_alike { SOUNDS[a.sound.consonants().min(SOUNDS.len() - 1)] } else { 0.0 };
    let heard = if different <= MOST_DIFFERENT { heard - DIFFERENCE * different } else { 0.0 };
    let likeness = spelled.max(heard).max(nickname);
    if likeness < LEAST { 0.0 } else { likeness }
}

fn are_nicknames(a: &Token, b: &Token) -> bool {
    a.nicknames.iter().any(|group| *group != 0 && b.nicknames.contains(group))
}

fn sound_alike(a: &Token, b: &Token) -> bool {
    !a.sound.is_none() && a.sound == b.sound
}

/// Whether two tokens begin with the same letter, or sound alike.
pub(crate) fn begin_alike(a: &Token, b: &Token) -> bool {
    a.text.as_bytes().first() == b.text.as_bytes().first() || sound_alike(a, b)
}

/// Two pairs of neighbours are taken together only where they are one text, or where a letter wandered from the one to the
/// other: `yongw on` for `yong won`.
fn compounds_likeness(a: &Token, b: &Token) -> f32 {
    let letters = a.text.len();
    if a.text == b.text {
        return 1.0;
    }
    if letters != b.text.len() || letters < MIN_COMPOUND || sorted(&a.text) != sorted(&b.text) || edits(a, b) > 1 {
        return 0.0;
    }
    1.0 - LETTER_OF_ANOTHER / letters as f32
}

fn sorted(text: &str) -> Vec<u8> {
    let mut letters = text.as_bytes().to_vec();
    letters.sort_unstable();
    letters
}

/// Edits between the texts of two tokens (optimal string alignment).
pub(crate) fn edits(a: &Token, b: &Token) -> usize {
    rapidfuzz::distance::osa::distance(a.text.bytes(), b.text.bytes())
}
