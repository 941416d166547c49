//! What forgiving matching overlooks inside a text: accents and skin tones.

use std::borrow::Cow;

use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{ExtendedPictographic, RegionalIndicator, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::normalize::{Normalized, trimmed};

/// The text without skin tones, and without accents on Latin and Greek letters: elsewhere a mark makes another letter
/// (`й` is not `и`).
pub(crate) fn fold(text: &Normalized) -> Cow<'_, str> {
    let text = text.as_str();
    if text.is_ascii() {
        return text.into();
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let mut folded = String::with_capacity(decomposed.len());
    let mut carries_accents = false;
    for c in decomposed.chars() {
        if is_skin_tone(c) || (is_accent(c) && carries_accents) {
            continue;
        }
        match CodePointMapData::<Script>::new().get(c) {
            Script::Latin | Script::Greek => carries_accents = true,
            // A mark belongs to the letter before it.
            Script::Inherited => {}
            _ => carries_accents = false,
        }
        folded.push(c);
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&folded);
    trimmed(&composed).into_owned().into()
}

/// What a folded text can begin with, where the unfolded one begins with `c`: the letter without its marks.
pub(crate) fn first_of(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let mut first = c;
    loop {
        match CanonicalDecompositionBorrowed::new().decompose(first) {
            Decomposed::Default => return first,
            Decomposed::Singleton(single) => first = single,
            Decomposed::Expansion(base, _) => first = base,
        }
    }
}

/// Accents are the marks of one Unicode block, Combining Diacritical Marks.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// The five modifiers of the Fitzpatrick scale.
pub(crate) fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

/// Whether a text is nothing but emoji, so that it needs no space to stand apart from the next one.
pub(crate) fn is_emoji(text: &str) -> bool {
    let keycap = text
        .strip_suffix('\u{20E3}')
        .is_some_and(|key| matches!(key.as_bytes(), [b'0'..=b'9' | b'#' | b'*']));
    keycap || text.chars().all(is_part_of_emoji)
}

fn is_part_of_emoji(c: char) -> bool {
    matches!(c, '\u{200D}' | '\u{E0020}'..='\u{E007F}')
        || CodePointSetData::new::<ExtendedPictographic>().contains(c)
        || CodePointSetData::new::<RegionalIndicator>().contains(c)
}
