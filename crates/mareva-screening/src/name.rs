use unicode_normalization::UnicodeNormalization;

/// The form under which two names are the same name: decomposed (NFKD), marks of Latin, Greek, Cyrillic, Hebrew and Arabic
/// script dropped, romanised, lower case, apostrophes out, all other punctuation a space, tokens sorted. So "SURNAME,
/// Given", "Given Surname" and "Gíven SURNAME" are one. Tokens that tell a company form stay; `S.A.` is `sa`. Empty when
/// nothing is left.
pub fn name_key(name: &str) -> String {
    let mut scratch = NameScratch::default();
    scratch.key(name).to_owned()
}

/// Whether a key is too little to tell anyone apart: a single token under 5 letters, several with under 6 in all.
pub(crate) fn is_short(key: &str) -> bool {
    let tokens = key.split(' ').count();
    let letters = key.len() + 1 - tokens;
    letters < if tokens >= 2 { 6 } else { 5 }
}

/// Buffers of the normaliser, so that a name in the stream allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct NameScratch {
    tokens: Tokens,
    key: String,
}

impl NameScratch {
    /// The key of a name, see [`name_key`].
    pub(crate) fn key(&mut self, name: &str) -> &str {
        self.tokens.clear(false);
        self.read(name);
        self.tokens.join_sorted(&mut self.key);
        &self.key
    }

    /// The tokens of a name in its order, of ideographs and Hangul each one, since they are written without spaces.
    pub(crate) fn in_order(&mut self, name: &str) -> impl Iterator<Item = &str> {
        self.tokens.clear(true);
        self.read(name);
        self.tokens.spans.iter().map(|span| self.tokens.text(span))
    }

    fn read(&mut self, name: &str) {
        if name.is_ascii() {
            name.bytes().for_each(|byte| self.tokens.push(byte));
        } else if name.chars().all(is_romanised_alike) {
            name.chars().for_each(|c| self.tokens.push_char(c));
        } else {
            let plain = name.nfkd().filter(|c| !is_dropped_mark(*c)).nfc();
            plain.for_each(|c| self.tokens.push_char(c));
        }
        self.tokens.end_segment();
    }
}

/// Characters that are romanised alike with and without decomposition before: composed Latin letters, ideographs,
/// Hangul. Most names hold no others, and decomposition costs more than all the rest.
pub(crate) fn is_romanised_alike(c: char) -> bool {
    matches!(u32::from(c), 0..=0x7f | 0xc0..=0x131 | 0x134..=0x13e | 0x141..=0x17e | 0x1cd..=0x1dc | 0x1e02..=0x1e99 | 0x1ea0..=0x1ef9
        | 0x4e00..=0x9fff | 0xac00..=0xd7a3)
}

/// Ideographs and Hangul.
fn is_word_character(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7a3)
}

/// Marks that only modify a letter. Vowel signs of Indic scripts are not among them: they are romanised.
fn is_dropped_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5c7 | 0x610..=0x61a | 0x64b..=0x65f | 0x670
        | 0x6d6..=0x6ed | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// Letters of all tokens one after another, and where each token lies.
#[derive(Debug, Default)]
struct Tokens {
    letters: Vec<u8>,
    spans: Vec<(u32, u32)>,
    /// Where the segment being read begins.
    start: usize,
    /// What was read since the last segment.
    gap: Gap,
    /// Whether the last segment was a single letter.
    last_was_letter: bool,
    /// Whether each character of a script that joins words is a token.
    splits: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Gap {
    #[default]
    None,
    Dot,
    Other,
}

impl Tokens {
    fn clear(&mut self, splits: bool) {
        self.letters.clear();
        self.spans.clear();
        (self.start, self.gap, self.last_was_letter, self.splits) = (0, Gap::None, false, splits);
    }

    fn push_char(&mut self, c: char) {
        let mut utf8 = [0; 4];
        let text = if c.is_ascii() { c.encode_utf8(&mut utf8) } else { any_ascii::any_ascii_char(c) };
        let is_word = self.splits && is_word_character(c);
        if is_word {
            self.push(b' ');
        }
        text.bytes().for_each(|byte| self.push(byte));
        if is_word {
            self.push(b' ');
        }
    }

    /// Only ASCII was ever pushed.
    fn text(&self, span: &(u32, u32)) -> &str {
        std::str::from_utf8(&self.letters[span.0 as usize..span.1 as usize]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' => self.letters.push(byte),
            b'A'..=b'Z' => self.letters.push(byte | 0x20),
            b'\'' | b'`' => {}
            _ => {
                self.end_segment();
                self.gap = if byte == b'.' && self.gap == Gap::None { Gap::Dot } else { Gap::Other };
            }
        }
    }

    /// Ends a segment; single letters with only a dot between them are one token: `S.A.` is `sa`, `J.Smith` is not.
    fn end_segment(&mut self) {
        let (start, end) = (self.start, self.letters.len());
        if start == end {
            return;
        }
        let is_letter = end - start == 1;
        let joins = is_letter && self.last_was_letter && self.gap == Gap::Dot;
        // A name is bounded by the codec and the intake at far less than 4 GiB.
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        match self.spans.last_mut() {
            Some(span) if joins => span.1 = end,
            _ => self.spans.push((u32::try_from(start).unwrap_or(u32::MAX), end)),
        }
        (self.start, self.gap, self.last_was_letter) = (self.letters.len(), Gap::None, is_letter);
    }

    fn join_sorted(&mut self, key: &mut String) {
        let letters = &self.letters;
        let of = |span: &(u32, u32)| &letters[span.0 as usize..span.1 as usize];
        self.spans.sort_unstable_by(|a, b| of(a).cmp(of(b)));
        key.clear();
        for span in &self.spans {
            if !key.is_empty() {
                key.push(' ');
            }
            // Only ASCII was ever pushed.
            key.push_str(std::str::from_utf8(of(span)).unwrap_or_default());
        }
    }
}
