use std::collections::BTreeSet;

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::normalize::normalize;
use crate::overlay::OverlaySettings;

fn settings(in_favor: &[&str], against: &[&str]) -> OverlaySettings {
    OverlaySettings {
        for_triggers: TriggerSet::parse(in_favor.iter().copied()).unwrap(),
        against_triggers: TriggerSet::parse(against.iter().copied()).unwrap(),
        ..OverlaySettings::default()
    }
}

fn exact(settings: OverlaySettings) -> OverlaySettings {
    OverlaySettings { matching: Matching::Exact, ..settings }
}

fn side(settings: &OverlaySettings, line: &str) -> Option<Side> {
    settings.side_of(&VoteText::of(line))
}

/// Each line counts for the trigger when matching forgives, and does not when it is exact.
fn assert_forgiven(trigger: &str, lines: &[&str]) {
    let forgiving = settings(&[trigger], &["something else"]);
    for line in lines {
        assert_eq!(side(&forgiving, line), Some(Side::For), "{line} for {trigger}");
        assert_eq!(side(&exact(forgiving.clone()), line), None, "{line} for {trigger}, exact");
    }
}

fn assert_no_vote(trigger: &str, lines: &[&str]) {
    let forgiving = settings(&[trigger], &["something else"]);
    for line in lines {
        assert_eq!(side(&forgiving, line), None, "{line} for {trigger}");
    }
}

#[test]
fn a_line_that_equals_a_trigger_always_counts() {
    for (trigger, line) in [
        ("yes", "Yes"),
        ("hayır", "HAYIR"),
        ("İYİ", "iyi"),
        ("1\u{FE0F}\u{20E3}", "1\u{20E3}"),
        ("نعم", "\u{200F}نعم"),
        ("네", "네\u{3164}"),
        ("don't", "don’t"),
        ("-", "–"),
        ("yes!", "YES!"),
        ("@streamer", "@Streamer"),
        ("!vote", "!vote"),
    ] {
        let settings = exact(settings(&[trigger], &["something else"]));
        assert_eq!(side(&settings, line), Some(Side::For), "{line} for {trigger}");
    }
}

#[test]
fn marks_around_a_vote_are_forgiven() {
    assert_forgiven(
        "yes",
        &["yes!!", "Yes.", "yes…", "\"yes\"", "“Yes”", "(yes)", "yes,", "yes !", "( yes )", "yes！"],
    );
    assert_forgiven("1", &["1)", "#1", "#1!", "(1)", "1.", "１）"]);
    assert_no_vote(
        "yes",
        &["yes?", "yes!?", "'yes'", "yes:", "*yes*", "-yes", "!yes", ")yes", "yes(", "ye.s", "yes;"],
    );
}

#[test]
fn marks_of_a_trigger_are_its_own() {
    assert_forgiven("yes!", &["yes!!", "yes! yes!", "\"yes!\""]);
    assert_forgiven("#1", &["#1!", "##1", "(#1)"]);
    assert_no_vote("yes!", &["yes", "yes."]);
    assert_no_vote("#1", &["1", "1!"]);
}

#[test]
fn whom_a_vote_is_addressed_to_is_forgiven() {
    assert_forgiven(
        "yes",
        &["@Streamer yes", "@Someone @Streamer yes", "@Streamer, yes!", "@ストリーマー yes"],
    );
    assert_forgiven("1", &["!vote 1", "!VOTE #1", "@Streamer !vote 1", "!vote @Streamer 1"]);
    assert_no_vote(
        "yes",
        &[
            "yes @Streamer",
            "@Streameryes",
            "@ yes",
            "@yes",
            "@",
            "!vote",
            "!voteyes",
            "!vote !vote yes",
            "!poll yes",
        ],
    );
}

#[test]
fn a_vote_typed_several_times_is_one() {
    assert_forgiven(
        "PogChamp",
        &["PogChamp PogChamp PogChamp", "pogchamp PogChamp!", "PogChamp, PogChamp. PogChamp"],
    );
    assert_forgiven("yes", &["yes yes yes", "yes! yes! yes!", "#yes #yes", "\"yes\" (yes)"]);
    assert_forgiven("team red", &["Team Red team red", "team red! team red"]);
    assert_forgiven("👍", &["👍👍👍", "👍 👍👍", "👍👍!", "👍🏽👍🏻"]);
    assert_forgiven("🇩🇪", &["🇩🇪🇩🇪"]);
    assert_forgiven("1\u{FE0F}\u{20E3}", &["1\u{20E3}1\u{FE0F}\u{20E3}"]);
    assert_no_vote("1", &["11", "1 2", "1\u{FE0F}\u{20E3}", "1.5"]);
    assert_no_vote("yes", &["yesyes", "yes I think", "yes.yes", "I say yes", "yes yes no", "yes👍"]);
    assert_no_vote("👍", &["👍👎", "👍yes", "yes👍", "👍?"]);
    assert_no_vote("👨", &["👨\u{200D}👩", "👨👨\u{200D}👩"]);
    assert_no_vote("🏴", &["🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}"]);
}

#[test]
fn several_triggers_of_one_side_are_one_vote() {
    let settings = settings(&["yes", "yeah", "👍", "❤️"], &["no", "nope"]);
    for line in ["yes yeah", "yes, yeah!", "yes 👍", "👍❤️", "yes yes yeah"] {
        assert_eq!(side(&settings, line), Some(Side::For), "{line}");
        assert_eq!(side(&exact(settings.clone()), line), None, "{line}");
    }
    for line in ["yes no", "no yes", "yes nope!", "no 👍"] {
        assert_eq!(side(&settings, line), None, "{line}");
    }
}

#[test]
fn accents_and_skin_tones_are_forgiven() {
    assert_forgiven("sí", &["si", "SI!", "sì", "sî"]);
    assert_forgiven("si", &["sí", "SÍ sí"]);
    assert_forgiven("όχι", &["ΟΧΙ", "οχι"]);
    assert_forgiven("não", &["nao"]);
    assert_forgiven("Tiếng", &["tieng"]);
    assert_forgiven("👍", &["👍🏽", "👍🏿 👍"]);
    assert_forgiven("👍🏻", &["👍", "👍🏿"]);
    assert_forgiven("🙋🏽\u{200D}♂️", &["🙋\u{200D}♂️"]);
    assert_no_vote("и", &["й"]);
    assert_no_vote("か", &["が"]);
    assert_no_vote("sí", &["s"]);
    assert_no_vote("🏽", &["👍🏽", "yes"]);
}

#[test]
fn what_fits_both_sides_counts_for_neither() {
    let accents = settings(&["sí"], &["si"]);
    for (line, expected) in [
        ("sí", Some(Side::For)),
        ("si", Some(Side::Against)),
        ("SI", Some(Side::Against)),
        ("sì", None),
        ("si!", None),
    ] {
        assert_eq!(side(&accents, line), expected, "{line}");
    }
    let tones = settings(&["👍🏻"], &["👍🏿"]);
    assert_eq!((side(&tones, "👍🏻"), side(&tones, "👍🏽"), side(&tones, "👍")), (Some(Side::For), None, None));
    let flags = settings(
        &["🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}"],
        &["🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}"],
    );
    let england = flags.for_triggers.typed().next().unwrap().to_owned();
    assert_eq!(side(&flags, &england.repeat(2)), Some(Side::For));
    assert_eq!(flags.against_triggers.shared_with(&flags.for_triggers), None);
}

#[test]
fn a_trigger_of_both_sides_votes_for_neither() {
    let stored = settings(&["yes", "SS"], &["no", "ß"]);
    for (line, expected) in
        [("ss", None), ("ss!", None), ("yes", Some(Side::For)), ("no", Some(Side::Against))]
    {
        assert_eq!(side(&stored, line), expected, "{line}");
    }
}

#[test]
fn chat_that_is_no_vote_stays_chat() {
    let settings = OverlaySettings::default();
    for chat in
        ["", " ", "\u{200B}", "!", "...", "@someone", "yes?", "noo", "yesss", "#", "what a play", "🏽"]
    {
        assert_eq!(side(&settings, chat), None, "{chat:?}");
    }
}

#[test]
fn a_platform_takes_cheers_and_variants_of_emotes_apart() {
    let settings = settings(&["Kappa", "yes"], &["no"]);
    let with_plain =
        |line: &str, plain: &str| VoteText { line: normalize(line), plain: Some(normalize(plain)) };
    let cheer = with_plain("Cheer100 yes", " yes");
    let variant = with_plain("Kappa_HF Kappa", "Kappa Kappa");
    for text in [&cheer, &variant] {
        assert_eq!(settings.side_of(text), Some(Side::For));
        assert_eq!(exact(settings.clone()).side_of(text), None);
    }
    assert_eq!(settings.side_of(&with_plain("yes! Cheer1", "no")), Some(Side::Against));
    assert_eq!(settings.side_of(&with_plain("yes!", "no")), None, "it fits both sides");
}

/// The rule as `docs/reference/matching.md` has it: everything is tried, nothing is clever.
mod by_the_book {
    use super::*;

    fn fold(text: &str) -> String {
        let mut folded = String::new();
        let mut on_letter = false;
        for c in text.nfd() {
            let is_mark = ('\u{300}'..='\u{36F}').contains(&c);
            if ('\u{1F3FB}'..='\u{1F3FF}').contains(&c) || (is_mark && on_letter) {
                continue;
            }
            on_letter = is_mark && on_letter || is_latin_or_greek(c);
            folded.push(c);
        }
        folded.nfc().collect::<String>().trim().to_owned()
    }

    /// As far as the letters of this test go.
    fn is_latin_or_greek(c: char) -> bool {
        c.is_ascii_alphabetic() || ('\u{C0}'..='\u{24F}').contains(&c) || ('\u{370}'..='\u{3FF}').contains(&c)
    }

    /// Every text that is left when marks go from the front and from the back of a word.
    fn without_marks(text: &str) -> BTreeSet<String> {
        let mut known = BTreeSet::from([text.to_owned()]);
        let mut new = vec![text.to_owned()];
        while let Some(text) = new.pop() {
            let shorter = [
                text.strip_prefix(['#', '"', '(', ' ']).map(str::to_owned),
                text.strip_suffix(['!', '.', ')', '"', ',', ' ']).map(str::to_owned),
            ];
            new.extend(shorter.into_iter().flatten().filter(|text| known.insert(text.clone())));
        }
        known
    }

    fn is_trigger(triggers: &[String], text: &str) -> bool {
        without_marks(text).iter().any(|text| triggers.contains(text))
    }

    /// Every way to cut a text at spaces, and between emoji.
    fn is_votes(triggers: &[String], text: &str) -> bool {
        if is_trigger(triggers, text) {
            return true;
        }
        let cuts = text.char_indices().filter(|(at, c)| *at > 0 && (*c == ' ' || is_thumb(*c)));
        cuts.filter(|(at, c)| *c == ' ' || text[..*at].ends_with(is_thumb))
            .any(|(at, _)| is_trigger(triggers, &text[..at]) && is_votes(triggers, &text[at..]))
    }

    fn is_thumb(c: char) -> bool {
        matches!(c, '👍' | '👎')
    }

    fn fits(triggers: &TriggerSet, text: &str) -> bool {
        let triggers: Vec<String> =
            triggers.iter().map(|trigger| fold(trigger.normalized().as_str())).collect();
        let mut rest = Some((fold(text), false));
        while let Some((text, is_called)) = rest {
            if is_votes(&triggers, &text) {
                return true;
            }
            let (first, after) = text.split_once(' ').unwrap_or((&text, ""));
            rest = match first {
                "!vote" if !is_called && !after.is_empty() => Some((after.to_owned(), true)),
                mention if mention.len() > 1 && mention.starts_with('@') => {
                    Some((after.to_owned(), is_called))
                }
                _ => None,
            };
        }
        false
    }

    pub(super) fn side_of(settings: &OverlaySettings, line: &str) -> Option<Side> {
        let line = normalize(line);
        let equals = |side| settings.triggers(side).iter().any(|trigger| *trigger.normalized() == line);
        match (equals(Side::For), equals(Side::Against), settings.matching) {
            (true, true, _) | (false, false, Matching::Exact) => None,
            (true, false, _) => Some(Side::For),
            (false, true, _) => Some(Side::Against),
            (false, false, Matching::Forgiving) => {
                let fits = |side| fits(settings.triggers(side), line.as_str());
                match (fits(Side::For), fits(Side::Against)) {
                    (true, false) => Some(Side::For),
                    (false, true) => Some(Side::Against),
                    _ => None,
                }
            }
        }
    }
}

/// Short texts of pieces that mean something to the rule, so that many of them are votes.
fn line() -> impl Strategy<Value = String> {
    let pieces = [
        "yes", "YES", "no", "si", "sí", "1", "11", "#1", "#", "(", ")", "\"", "!", ".", "…", ",", "?", " ",
        " ", " ", "@a", "@", "!vote", "!vote ", "👍", "👍🏽", "👎", "🏽", "team red", "red", "team", "й", "и",
        "\u{301}", "\u{200B}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..7).prop_map(|pieces| pieces.concat())
}

fn triggers() -> impl Strategy<Value = TriggerSet> {
    let typed = [
        "yes", "no", "si", "sí", "1", "#1", "yes!", "👍", "👍🏽", "👎", "team red", "team", "red", "и", "(",
        "@a", "!", "!vote 1",
    ];
    prop::collection::vec(prop::sample::select(typed.to_vec()), 1..4)
        .prop_map(|rows| TriggerSet::parse(rows).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_rule_is_kept_to_the_letter(for_triggers in triggers(), against_triggers in triggers(), line in line(), is_exact in any::<bool>()) {
        let matching = if is_exact { Matching::Exact } else { Matching::Forgiving };
        let settings = OverlaySettings { for_triggers, against_triggers, matching, ..OverlaySettings::default() };
        prop_assert_eq!(side(&settings, &line), by_the_book::side_of(&settings, &line));
    }

    #[test]
    fn an_exact_match_is_never_lost_by_forgiving(for_triggers in triggers(), against_triggers in triggers(), line in line()) {
        let forgiving = OverlaySettings { for_triggers, against_triggers, ..OverlaySettings::default() };
        if let Some(found) = side(&exact(forgiving.clone()), &line) {
            prop_assert_eq!(side(&forgiving, &line), Some(found));
        }
    }

    /// Whoever swaps the triggers of both sides swaps every vote.
    #[test]
    fn a_line_never_counts_for_both_sides(for_triggers in triggers(), against_triggers in triggers(), line in line()) {
        let settings = OverlaySettings { for_triggers, against_triggers, ..OverlaySettings::default() };
        let swapped = OverlaySettings {
            for_triggers: settings.against_triggers.clone(),
            against_triggers: settings.for_triggers.clone(),
            ..settings.clone()
        };
        let other = side(&settings, &line).map(|side| if side == Side::For { Side::Against } else { Side::For });
        prop_assert_eq!(side(&swapped, &line), other);
    }
}
