//! What a text is compared as. Texts that look the same to a viewer, or that phones and chat clients write differently,
//! are equal after [`normalize`]; `docs/reference/matching.md` specifies it step by step.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Text after [`normalize`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Normalized(String);

impl Normalized {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing visible is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Rounds after which a text counts as it is. One nearly always does, and a second sees that nothing changes.
const ROUNDS_MAX: usize = 16;

/// Drops what shows nothing, folds compatibility forms, case and look-alikes, collapses white space and trims both ends.
/// Normalising twice changes nothing more.
pub fn normalize(text: &str) -> Normalized {
    if is_plain(text) {
        return Normalized(plain(text));
    }
    if let Some(normalized) = common(text) {
        return Normalized(normalized);
    }
    let mut normalized = round(Cow::Borrowed(text)).into_owned();
    for _ in 0..ROUNDS_MAX {
        match round(Cow::Borrowed(&normalized)) {
            Cow::Borrowed(_) => break,
            Cow::Owned(changed) => normalized = changed,
        }
    }
    Normalized(normalized)
}

/// Whether the text is printable ASCII, as most of chat is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// What the whole normalisation does to printable ASCII, in one pass.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' if plain.is_empty() || plain.ends_with(' ') => {}
            b'`' => plain.push('\''),
            byte => plain.push(byte.to_ascii_lowercase().into()),
        }
    }
    if plain.ends_with(' ') {
        plain.pop();
    }
    plain
}

/// What the whole normalisation does to a text of letters and emoji that most chats consist of, in one pass. `None` if it
/// has any other character.
fn common(text: &str) -> Option<String> {
    let mut common = String::with_capacity(text.len());
    for c in text.chars() {
        match common_char(c)? {
            Common::Is(' ') if common.is_empty() || common.ends_with(' ') => {}
            Common::Is(c) => common.push(c),
            Common::Nothing => {}
        }
    }
    if common.ends_with(' ') {
        common.pop();
    }
    Some(common)
}

/// What becomes of a common character.
enum Common {
    Is(char),
    Nothing,
}

/// None of these changes beside another of them: no marks, no parts of syllables, nothing that becomes several characters.
fn common_char(c: char) -> Option<Common> {
    Some(match c {
        '!'..='~' => Common::Is(look_alike(c.to_ascii_lowercase())),
        c if c.is_whitespace() => Common::Is(' '),
        // Accented Latin letters, Greek and Cyrillic, but those that become another letter or several (`ı`, `ß`, `ς`).
        'À'..='Ö' | 'Ø'..='Þ' | 'à'..='ö' | 'ø'..='į' | 'Ĳ'..='ľ' | 'Ł'..='ň' | 'Ŋ'..='ž'
            if !matches!(c, 'İ' | 'ı' | 'Ĳ' | 'ĳ') =>
        {
            Common::Is(lower(c)?)
        }
        'Α'..='Ρ' | 'Σ'..='Ϋ' | 'ά'..='ρ' | 'σ'..='ώ' | 'А'..='я' | 'Ѐ'..='Џ' | 'ѐ'..='џ' => {
            Common::Is(lower(c)?)
        }
        // Kana, Han, Hangul syllables; emoji, but those that join and flags.
        'ぁ'..='ゖ'
        | 'ァ'..='ヺ'
        | 'ー'
        | '一'..='鿿'
        | '가'..='힣'
        | '❤'
        | '☺'
        | '\u{1F300}'..='\u{1F3F3}'
        | '\u{1F3F5}'..='\u{1F64F}'
        | '\u{1F680}'..='\u{1F6FF}'
        | '\u{1F900}'..='\u{1F9FF}' => Common::Is(c),
        '\u{2010}'..='\u{2015}' | '’' | '‘' | '“' | '”' | '„' | '«' | '»' => {
            Common::Is(look_alike(c))
        }
        '\u{E0020}'..='\u{E007F}' => return None,
        c if shows_nothing(c) => Common::Nothing,
        _ => return None,
    })
}

fn lower(c: char) -> Option<char> {
    let mut lower = c.to_lowercase();
    lower.next().filter(|_| lower.next().is_none())
}

/// All steps once. Borrowed if nothing changed.
fn round(text: Cow<'_, str>) -> Cow<'_, str> {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let text = then(text, without_invisible);
    // The acute accent that stands alone is typed as an apostrophe; NFKC would make it a space with an accent.
    let text = then(text, |text| replaced(text, '´', '\''));
    let text = then(text, |text| nfkc.normalize(text));
    let text = then(text, |text| CaseMapper::new().fold_string(text));
    let text = then(text, |text| nfkc.normalize(text));
    let text = then(text, without_invisible);
    let text =
        then(text, |text| if text.chars().all(is_itself) { text.into() } else { look_alikes(text).into() });
    let text = then(text, |text| ComposingNormalizerBorrowed::new_nfc().normalize(text));
    then(text, trimmed)
}

/// The next step, which borrows where it changes nothing.
fn then<'a>(text: Cow<'a, str>, step: impl for<'b> Fn(&'b str) -> Cow<'b, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => {
            let changed = match step(&text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(changed) => Some(changed),
            };
            Cow::Owned(changed.unwrap_or(text))
        }
    }
}

fn replaced(text: &str, from: char, to: char) -> Cow<'_, str> {
    if text.contains(from) {
        text.chars().map(|c| if c == from { to } else { c }).collect()
    } else {
        text.into()
    }
}

/// A character that is never drawn: chat clients append them to send the same line twice, dictation and Korean keyboards
/// add them. U+200D joins emoji and stays here; [`trimmed`] takes it off the ends.
fn shows_nothing(c: char) -> bool {
    c >= '\u{AD}'
        && c != '\u{200D}'
        && (c == '\u{2800}' || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

/// Drops what shows nothing, wherever it stands; the tags of an emoji flag tell England from Scotland and stay.
fn without_invisible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(shows_nothing) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = flag_tags(rest).unwrap_or(c.len_utf8());
        if len > c.len_utf8() || !shows_nothing(c) {
            visible.push_str(&rest[..len]);
        }
        rest = &rest[len..];
    }
    if visible.len() == text.len() { text.into() } else { visible.into() }
}

/// The length in bytes of the flag that a text starts with: a black flag, tags and the tag that ends them (Unicode
/// Technical Standard 51, `emoji_tag_sequence`).
fn flag_tags(text: &str) -> Option<usize> {
    let tags = text.strip_prefix('\u{1F3F4}')?;
    let end = tags.trim_start_matches(|c| matches!(c, '\u{E0020}'..='\u{E007E}'));
    let after = end.strip_prefix('\u{E007F}').filter(|_| end.len() < tags.len())?;
    Some(text.len() - after.len())
}

/// A character that [`look_alikes`] leaves alone wherever it stands.
fn is_itself(c: char) -> bool {
    if c.is_ascii() { c != '`' } else { c != '\u{307}' && look_alike(c) == c }
}

/// Letters, quotation marks, dashes and digits that people type for one another.
fn look_alikes(text: &str) -> String {
    let mut same = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\u{307}' || !same.ends_with('i') {
            same.push(look_alike(c));
        }
    }
    same
}

fn look_alike(c: char) -> char {
    match c {
        'ı' => 'i',
        '’' | '‘' | 'ʼ' | '`' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2796}' => '-',
        c => decimal_digit(c).unwrap_or(c),
    }
}

/// The ASCII digit of the same value, for a decimal digit of any script.
fn decimal_digit(c: char) -> Option<char> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_digit = |c: u32| categories.get32(c) == GeneralCategory::DecimalNumber;
    let code = u32::from(c);
    if c.is_ascii() || !is_digit(code) {
        return None;
    }
    // Decimal digits stand in runs of ten from zero to nine (The Unicode Standard, 4.6). Runs may touch.
    let from_start = (1..=code).take_while(|back| is_digit(code - back)).count();
    char::from_digit(u32::try_from(from_start).ok()? % 10, 10)
}

/// Each run of white space as one space, without white space and joiners at the ends.
pub(crate) fn trimmed(text: &str) -> Cow<'_, str> {
    let kept = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{200D}');
    let is_single = !kept.contains("  ") && !kept.contains(|c: char| c.is_whitespace() && c != ' ');
    if is_single {
        return if kept.len() == text.len() { text.into() } else { kept.to_owned().into() };
    }
    let mut collapsed = String::with_capacity(kept.len());
    for word in kept.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed.into()
}

#[cfg(test)]
mod tests;
