//! Rust text without comments and literals, so that words in them are not taken for code.

/// The same lines with comments, strings and characters blanked.
pub fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// End of the comment or literal that begins at `at`; `at` itself where none does.
fn skipped(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let before = at.checked_sub(1).map(|place| chars[place]);
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment(rest),
        ['r', '"' | '#', ..] if !in_word => at + raw_string(rest, 1).unwrap_or(0),
        ['b', 'r', '"' | '#', ..] if !in_word => at + raw_string(rest, 2).unwrap_or(0),
        ['"', ..] => at + quoted(rest, '"'),
        // A character, not a lifetime.
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => at + quoted(rest, '\''),
        _ => at,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string(rest: &[char], prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = rest[open + 1..].windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + end + close.len())
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Line numbers, from 1, on which a word stands by itself.
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let part_before = line[..at].chars().next_back().is_some_and(is_part);
            let part_after = word.ends_with(is_part) && line[at + word.len()..].chars().next().is_some_and(is_part);
            !part_before && !part_after
        })
    };
    code.lines().enumerate().filter(|(_, line)| stands(line)).map(|(at, _)| at + 1).collect()
}

/// Whole strings between quotes in Rust text, one for each literal without escapes.
pub fn literals(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
}

#[test]
fn comments_and_literals_are_blank() {
    let check = |text: &str, expected: &[&str]| {
        let code = code_of(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(code.chars().count(), text.chars().count(), "{text}");
    };
    check("a // unsafe\nb", &["a", "b"]);
    check("a /* x /* y */ z */ b", &["a", "b"]);
    check("f(\"un\\\"safe\", 'x', '\\'', b'c')", &["f(", ",", ",", ",", "b", ")"]);
    check("r#\"a\"b\"# c", &["c"]);
    check("fn f<'a>(x: &'a str)", &["fn", "f<'a>(x:", "&'a", "str)"]);
    assert_eq!(lines_with("todo!()\nmy_todo!()\nx.todo!", "todo!"), [1, 3]);
    assert_eq!(lines_with("unsafe {}\nunsafe_code", "unsafe"), [1]);
    assert_eq!(literals("f(\"a\", \"b\")"), ["a", "b"]);
}
