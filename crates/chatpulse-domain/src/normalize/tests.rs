use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

/// The rule as `docs/reference/matching.md` has it, step by step, with another library and without a thought for speed.
fn by_the_book(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let before = text.clone();
        text = visible(&text).replace('´', "'");
        text = text.nfkc().collect();
        text = CaseMapper::new().fold_string(&text).into_owned();
        text = visible(&text.nfkc().collect::<String>());
        text = text.replace('ı', "i").replace("i\u{307}", "i");
        text = text.chars().map(typed_alike).collect();
        text = text.nfc().collect();
        text = text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        while let Some(shorter) =
            text.strip_prefix([' ', '\u{200D}']).or(text.strip_suffix([' ', '\u{200D}']))
        {
            text = shorter.to_owned();
        }
        if text == before {
            return text;
        }
    }
}

fn visible(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_tag = |at: usize| chars.get(at).is_some_and(|c| ('\u{E0020}'..='\u{E007E}').contains(c));
    let mut in_flag = vec![false; chars.len()];
    for (start, _) in chars.iter().enumerate().filter(|(_, c)| **c == '\u{1F3F4}') {
        let end = (start + 1..=chars.len()).find(|at| !is_tag(*at)).unwrap_or_default();
        if end > start + 1 && chars.get(end) == Some(&'\u{E007F}') {
            in_flag[start..=end].fill(true);
        }
    }
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let is_kept = |(at, c): (usize, &char)| {
        in_flag[at] || *c == '\u{200D}' || (*c != '\u{2800}' && !hidden.contains(*c))
    };
    chars.iter().enumerate().filter(|pair| is_kept(*pair)).map(|(_, c)| *c).collect()
}

fn typed_alike(c: char) -> char {
    match c {
        '\u{2019}' | '\u{2018}' | '\u{2BC}' | '`' => '\'',
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{AB}' | '\u{BB}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2796}' => '-',
        _ => {
            // Zeros of the scripts whose digits a phone keyboard has, beside what NFKC makes of the others.
            let zeros = [
                '٠', '۰', '߀', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '෦', '๐', '໐', '༠', '၀', '០', '᠐',
            ];
            let value = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
            zeros.iter().find_map(value).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
        }
    }
}

/// Characters that the rule is about, and others beside them.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = "aAiIıİßſΣςéÉe\u{301}\u{307}\u{300}\u{323} \u{A0}\u{3000}\u{200B}\u{200D}\u{200F}\u{FE0F}\u{34F}\u{3164}\u{E0000}\u{2800}\
        ´`’‘ʼ“”„‟«»–—−➖…！１①½1٣०๙🏴\u{E0067}\u{E0062}\u{E007F}👍🏽❤네한ﬁﷺ\u{1D7D8}\u{115F}\u{AD}\u{180E}ŉǰ\u{345}ᾳ";
    let odd: Vec<char> = odd.chars().collect();
    prop::collection::vec(prop::sample::select(odd), 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn normalized(text: &str) -> String {
    normalize(text).as_str().to_owned()
}

/// Planes 4 to 13 have no characters yet, 15 and 16 are private: no step knows anything about them.
#[test]
fn every_character_is_normalized_once_and_for_all() {
    for c in ('\0'..='\u{3FFFF}').chain('\u{E0000}'..='\u{EFFFF}') {
        let once = normalize(&format!(" {c}a{c}\u{301} {c}"));
        assert_eq!(normalize(once.as_str()), once, "{c:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn normalizing_twice_changes_nothing(text in prop_oneof![any::<String>(), odd_text()]) {
        let once = normalize(&text);
        prop_assert_eq!(normalize(once.as_str()), once);
    }

    #[test]
    fn the_rule_is_kept_to_the_letter(text in prop_oneof![odd_text(), "[ -~]{0,40}", "\\PC{0,12}"]) {
        // The other library may know a later Unicode: both must at least know the characters.
        prop_assume!(text.chars().all(|c| unicode_normalization::char::canonical_combining_class(c) < 255));
        if !text.chars().any(|c| c.is_numeric() && !c.is_ascii() && typed_alike(c) == c) {
            prop_assert_eq!(normalized(&text), by_the_book(&text));
        }
    }

    #[test]
    fn the_plain_path_agrees_with_the_full_one(text in "[ -~]{0,40}") {
        let padded = format!("{text}\u{2060}");
        prop_assert_eq!(normalize(&text), normalize(&padded));
    }

    #[test]
    fn padding_never_changes_a_vote(text in "[a-zA-Z0-9!]{1,20}", pad in "[ \u{34F}\u{E0000}\u{200B}\u{FE0F}\u{2800}\u{206D}\u{3164}\u{200F}\u{61C}]{0,6}") {
        prop_assert_eq!(normalize(&format!("{pad}{text}{pad}")), normalize(&text));
    }
}

#[test]
fn what_looks_the_same_is_the_same() {
    for (typed, expected) in [
        ("YES", "yes"),
        ("yes \u{E0000}", "yes"),
        ("yes \u{34F}", "yes"),
        ("  y  e\ts ", "y e s"),
        ("ｙｅｓ", "yes"),
        ("Straße", "strasse"),
        ("e\u{301}", "é"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("\u{200B} yes \u{FE0F}\u{200D}", "yes"),
        ("\u{FEFF}yes", "yes"),
        ("y\u{AD}es", "yes"),
        ("\u{202B}نعم\u{202C}", "نعم"),
        ("\u{200F}نعم", "نعم"),
        ("네\u{3164}", "네"),
        ("네\u{FFA0}", "네"),
        ("1\u{FE0F}\u{20E3}", "1\u{20E3}"),
        ("❤\u{FE0F}", "❤"),
    ] {
        assert_eq!(normalized(typed), expected, "{typed:?}");
    }
}

#[test]
fn letters_marks_and_digits_that_are_typed_for_one_another_are_the_same() {
    for (one, other) in [
        ("HAYIR", "hayır"),
        ("İYİ", "iyi"),
        ("İstanbul", "ISTANBUL"),
        ("don’t", "don't"),
        ("don´t", "don`t"),
        ("ʼn", "'n"),
        ("–", "-"),
        ("−1", "➖1"),
        ("„ja“", "\"ja\""),
        ("«да»", "“да”"),
        ("١", "1"),
        ("۲", "2"),
        ("३", "3"),
        ("𝟜", "4"),
        ("⑤", "5"),
        ("！", "!"),
    ] {
        assert_eq!(normalized(one), normalized(other), "{one}");
    }
    for (one, other) in [("й", "и"), ("é", "e"), ("½", "1"), ("yes?", "yes"), ("o", "0")] {
        assert_ne!(normalized(one), normalized(other), "{one}");
    }
}

#[test]
fn digits_of_every_script_count_from_zero() {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let digits = ('\u{80}'..=char::MAX).filter(|c| categories.get(*c) == GeneralCategory::DecimalNumber);
    let values: Vec<char> = digits.filter_map(decimal_digit).collect();
    assert!(values.len() > 600 && values.len().is_multiple_of(10), "{}", values.len());
    for ten in values.chunks(10) {
        assert_eq!(ten.iter().collect::<String>(), "0123456789");
    }
}

/// The short way is only short: it may never say anything else. Beside one another its characters must stay as they are,
/// so each is a starter, and none composes with the one before it.
#[test]
fn common_characters_become_what_the_rule_says() {
    let mut count = 0;
    for c in '\0'..=char::MAX {
        let Some(short) = common(&format!("a{c}a")) else { continue };
        count += 1;
        assert_eq!(short, by_the_book(&format!("a{c}a")), "{c:?}");
        let quick = unicode_normalization::is_nfc_quick(short.chars());
        assert_eq!(quick, unicode_normalization::IsNormalized::Yes, "{c:?}");
    }
    assert!(count > 30_000, "{count}");
    for other in [
        'ß', 'ı', 'İ', 'ς', 'ﬁ', 'ŉ', 'ſ', '\u{301}', '\u{200D}', 'ᄂ', '\u{11A8}', '🇩', '\u{3099}', '…',
        '１',
    ] {
        assert!(common(&other.to_string()).is_none(), "{other:?}");
    }
}

#[test]
fn an_emoji_keeps_what_holds_it_together() {
    let flag = |country: &str| {
        let tags: String = country.chars().map(|c| char::from_u32(0xE0000 + u32::from(c)).unwrap()).collect();
        format!("\u{1F3F4}{tags}\u{E007F}")
    };
    for emoji in ["👨\u{200D}👩\u{200D}👧".to_owned(), flag("gbeng"), flag("gbsct"), "🇩🇪".to_owned()]
    {
        assert_eq!(normalized(&format!(" {emoji}\u{E0000} \u{200D}")), emoji);
    }
    assert_eq!(normalized("\u{1F3F4}\u{E0067}\u{E0062}"), "\u{1F3F4}", "tags without their end");
    assert_eq!(normalized("\u{1F3F4}\u{E007F}"), "\u{1F3F4}", "an end without tags");
    assert_eq!(normalized("a\u{E0067}\u{E007F}"), "a", "tags without a flag");
}
