//! Patterns of STIX 2.1, as far as they name values: comparisons with `=` and `IN`, joined by `AND` and `OR`.
//! Grammar: <https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html#_e8slinrhxcc9>.

use std::iter::Peekable;
use std::str::CharIndices;

/// Most comparisons of a pattern.
const MAX_COMPARISONS: usize = 10_000;

/// A path of an object and the values of which it has to have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Such as `bank-account:iban`.
    pub(crate) path: String,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Left,
    Right,
    Comma,
    Equal,
    Word(String),
    Text(String),
}

/// The alternatives of a pattern, in each of which all comparisons hold together. An error says what there is in it that is more
/// than that.
pub(crate) fn comparisons(pattern: &str) -> Result<Vec<Vec<Comparison>>, String> {
    let mut tokens = tokens(pattern)?.into_iter().peekable();
    let (mut alternatives, mut count) = (Vec::new(), 0);
    loop {
        expect(&mut tokens, &Token::Open)?;
        // Brackets around the whole say nothing.
        let is_bracketed = tokens.next_if_eq(&Token::Left).is_some();
        let mut all = Vec::new();
        loop {
            all.push(comparison(&mut tokens)?);
            count += 1;
            if count > MAX_COMPARISONS {
                return Err(format!("has more than {MAX_COMPARISONS} comparisons"));
            }
            if is_bracketed && tokens.next_if_eq(&Token::Right).is_some() {
                expect(&mut tokens, &Token::Close)?;
                break;
            }
            match tokens.next() {
                Some(Token::Close) if !is_bracketed => break,
                Some(Token::Word(word)) if word == "AND" => {}
                Some(Token::Word(word)) if word == "OR" => alternatives.push(std::mem::take(&mut all)),
                other => return Err(unexpected(other.as_ref())),
            }
        }
        alternatives.push(all);
        match tokens.next() {
            None => return Ok(alternatives),
            Some(Token::Word(word)) if word == "OR" => {}
            other => return Err(unexpected(other.as_ref())),
        }
    }
}

fn comparison(tokens: &mut Peekable<impl Iterator<Item = Token>>) -> Result<Comparison, String> {
    let path = match tokens.next() {
        Some(Token::Word(path)) if path.contains(':') => path,
        other => return Err(unexpected(other.as_ref())),
    };
    let values = match tokens.next() {
        Some(Token::Equal) => vec![text(tokens)?],
        Some(Token::Word(word)) if word == "IN" => {
            expect(tokens, &Token::Left)?;
            let mut values = vec![text(tokens)?];
            while tokens.next_if_eq(&Token::Comma).is_some() {
                values.push(text(tokens)?);
            }
            expect(tokens, &Token::Right)?;
            values
        }
        other => return Err(unexpected(other.as_ref())),
    };
    Ok(Comparison { path, values })
}

fn text(tokens: &mut impl Iterator<Item = Token>) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Text(text)) => Ok(text),
        other => Err(unexpected(other.as_ref())),
    }
}

fn expect(tokens: &mut impl Iterator<Item = Token>, wanted: &Token) -> Result<(), String> {
    let found = tokens.next();
    if found.as_ref() == Some(wanted) { Ok(()) } else { Err(unexpected(found.as_ref())) }
}

/// Texts are values, which are not shown.
fn unexpected(token: Option<&Token>) -> String {
    match token {
        None => "ends too early".to_owned(),
        // What is no word of the language may be a value.
        Some(Token::Word(word)) if KEYWORDS.contains(&word.as_str()) => {
            format!("has {word} in it, where only = and IN, AND and OR are read")
        }
        Some(Token::Word(_)) => {
            "has something in it that is no comparison with = or IN of a text in single quotes".to_owned()
        }
        Some(Token::Text(_)) => "has a text where none belongs".to_owned(),
        Some(_) => "has a bracket, comma or = where none belongs".to_owned(),
    }
}

/// Words of the language that are shown.
const KEYWORDS: [&str; 14] = [
    "LIKE",
    "MATCHES",
    "ISSUBSET",
    "ISSUPERSET",
    "EXISTS",
    "NOT",
    "FOLLOWEDBY",
    "REPEATS",
    "WITHIN",
    "START",
    "STOP",
    "AND",
    "OR",
    "IN",
];

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = pattern.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        tokens.push(match letter {
            '[' => Token::Open,
            ']' => Token::Close,
            '(' => Token::Left,
            ')' => Token::Right,
            ',' => Token::Comma,
            '=' => {
                // `==` is the same.
                let _ = letters.next_if(|(_, letter)| *letter == '=');
                Token::Equal
            }
            '\'' => Token::Text(quoted(&mut letters)?),
            _ if letter.is_whitespace() => continue,
            _ => {
                let in_word = |letter: &char| !letter.is_whitespace() && !"[](),='".contains(*letter);
                let mut end = at + letter.len_utf8();
                while let Some((next, letter)) = letters.next_if(|(_, letter)| in_word(letter)) {
                    end = next + letter.len_utf8();
                }
                Token::Word(pattern[at..end].to_owned())
            }
        });
    }
    Ok(tokens)
}

/// The rest of a text, to its closing quote; `\'` and `\\` stand for themselves.
fn quoted(letters: &mut Peekable<CharIndices<'_>>) -> Result<String, String> {
    let mut text = String::new();
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\'' => return Ok(text),
            '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
            _ => text.push(letter),
        }
    }
    Err("has a text without an end".to_owned())
}
