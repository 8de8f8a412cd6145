//! A bound on how deep the expressions of a rule nest, told from its words before anything is parsed: parser, planner and
//! kernels walk an expression by calling themselves, and a chain of `a OR b OR c …` nests once a term.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};
use mareva_model::Fault;

use crate::rule_text::Sql;

/// Bytes of a `rule.sql`.
const MAX_BYTES: usize = 64 << 10;
/// Words and operators of one expression that may each stand inside the one before. A level takes up to 36 KiB of stack in
/// a development build, and a condition on an alias holds the aliased expression: both take 18 MiB at most.
pub(crate) const MAX_NESTED: usize = 256;

/// What stands between two brackets, or between CASE and END.
#[derive(Default)]
struct Group {
    is_case: bool,
    /// Of the part since the last comma that parts what does not nest.
    here: usize,
    /// The deepest group within that part.
    inside: usize,
    /// Of the deepest part before.
    before: usize,
    /// Where commas part tables, each of which is joined to all before.
    is_from: bool,
    /// Where queries follow from one another, so that nothing parts them.
    is_chain: bool,
    /// Clauses of a query that have begun, each once.
    clauses: Vec<Keyword>,
}

impl Group {
    fn depth(&self) -> usize {
        self.before.max(self.here + self.inside)
    }

    fn part(&mut self) {
        if !self.is_chain {
            (self.before, self.here, self.inside) = (self.depth(), 0, 0);
        }
    }

    fn word(&mut self, word: Keyword) {
        self.here += 1;
        match word {
            Keyword::WITH | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                self.is_chain = true;
            }
            Keyword::FROM | Keyword::WHERE | Keyword::WINDOW | Keyword::QUALIFY if !self.clauses.contains(&word) => {
                self.part();
                self.clauses.push(word);
                self.is_from = matches!(word, Keyword::FROM | Keyword::WHERE);
            }
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE if self.is_case => self.part(),
            _ => {}
        }
    }
}

/// Refuses a text that is too long, or in which expressions nest too deep, with the place where they do.
pub(crate) fn check(text: &Sql<'_>) -> Result<(), Fault> {
    if text.sql.len() > MAX_BYTES {
        let reason = format!("holds {} bytes, and a rule has at most {MAX_BYTES}", text.sql.len());
        return Err(Fault::new(&text.place, reason, "make two rules of it"));
    }
    // What has no words is refused by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text.sql).tokenize_with_location() else { return Ok(()) };
    let mut open = vec![Group::default()];
    for token in &tokens {
        let above: usize = open.iter().map(|group| group.here).sum();
        if above > MAX_NESTED {
            return Err(too_deep(text, token.span.start));
        }
        step(&mut open, &token.token);
        if open.last().is_some_and(|group| group.depth() > MAX_NESTED) {
            return Err(too_deep(text, token.span.start));
        }
    }
    Ok(())
}

fn step(open: &mut Vec<Group>, token: &Token) {
    let Some(group) = open.last_mut() else { return };
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => {
            group.here += 1;
            open.push(Group::default());
        }
        Token::RParen | Token::RBracket | Token::RBrace => {
            while open.last().is_some_and(|group| group.is_case) {
                close(open);
            }
            close(open);
        }
        Token::Word(word) if word.keyword == Keyword::NoKeyword || word.quote_style.is_some() => {}
        Token::Word(word) if word.keyword == Keyword::END && group.is_case => close(open),
        Token::Word(word) if word.keyword == Keyword::CASE => {
            group.here += 1;
            open.push(Group { is_case: true, ..Group::default() });
        }
        Token::Word(word) => group.word(word.keyword),
        Token::Comma if !group.is_from => group.part(),
        Token::Whitespace(_) | Token::Period | Token::Number(..) | Token::SingleQuotedString(_) => {}
        _ => group.here += 1,
    }
}

/// What was never opened is left to the parser, which refuses it.
fn close(open: &mut Vec<Group>) {
    if open.len() > 1
        && let Some(closed) = open.pop()
        && let Some(group) = open.last_mut()
    {
        group.inside = group.inside.max(closed.depth());
    }
}

fn too_deep(text: &Sql<'_>, at: Location) -> Fault {
    Fault::new(
        format!("{}:{}:{}", text.place, at.line, at.column),
        format!("an expression nests more than {MAX_NESTED} words and operators"),
        "write x IN ('a', 'b') for x = 'a' OR x = 'b', put values that are many on a list, or make two rules of it",
    )
}

#[cfg(test)]
mod tests;
