//! The parser of `.env`: bytes in, names and values and malformed lines out.
//!
//! It is our own, because the `dotenvy` library replaces `$NAME`, treats `\` outside of quotes as an escape, and stops
//! being exact about lines at bytes that are not UTF-8. Here a value is what stands there:
//!
//! - `NAME=value`, `export NAME=value`, blank lines, and comments: a `#` at the start of a line or after white space.
//! - Without quotes a value is one word; `$`, `\`, quotes and `#` inside of it are just characters.
//! - Single quotes keep everything as it is. In double quotes `\"` and `\\` are escapes, and nothing else is. Quoted
//!   values may have several lines.
//! - A byte-order mark and Windows line ends are accepted.

use std::iter::Peekable;
use std::str::Split;

/// The parsed file. A malformed line does not stop the parser, so that all of them are reported together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DotEnv {
    /// Names and values in the order of the file.
    pub(super) values: Vec<(String, String)>,
    pub(super) problems: Vec<LineProblem>,
}

/// What is wrong with a line. Holds no text of the line, because that may contain a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineProblem {
    pub(super) line: usize,
    pub(super) flaw: Flaw,
}

/// A flaw of a line, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Utf16,
    NotUtf8,
    NoName,
    Words,
    OpenQuote,
    AfterQuote,
}

impl Flaw {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Utf16 => "the file is in UTF-16; save it as UTF-8 (in Windows' Notepad: Save as, Encoding)",
            Self::NotUtf8 => "a byte that is not UTF-8; save the file as UTF-8",
            Self::NoName => "no variable's name, and then `=`",
            Self::Words => "a value of several words; put it into single quotes",
            Self::OpenQuote => "a quote that is opened and never closed",
            Self::AfterQuote => {
                "something after the closing quote; put the whole value into one pair of quotes"
            }
        }
    }
}

type Lines<'a> = Peekable<std::iter::Enumerate<Split<'a, char>>>;

/// Parses the content of a file.
pub(super) fn parse(bytes: &[u8]) -> DotEnv {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut parsed = DotEnv::default();
    // Text in UTF-16 has a zero in every second byte, with or without its byte-order mark. In UTF-8 no text has one.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        let before = bytes.iter().take_while(|byte| **byte != 0).filter(|byte| **byte == b'\n').count();
        parsed.problems.push(LineProblem { line: before + 1, flaw: Flaw::Utf16 });
        return parsed;
    }
    let text = text_of(bytes, &mut parsed.problems);
    let mut lines = text.split('\n').enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        match parse_line(line, &mut lines) {
            Ok(None) => {}
            Ok(Some(pair)) => parsed.values.push(pair),
            Err(flaw) => parsed.problems.push(LineProblem { line: index + 1, flaw }),
        }
    }
    parsed.problems.sort_by_key(|problem| problem.line);
    parsed
}

/// Returns the text with line ends as `\n`. A line that is not UTF-8 becomes a blank one and a problem.
fn text_of(bytes: &[u8], problems: &mut Vec<LineProblem>) -> String {
    let mut lines = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        lines.push(std::str::from_utf8(line).unwrap_or_else(|_| {
            problems.push(LineProblem { line: index + 1, flaw: Flaw::NotUtf8 });
            ""
        }));
    }
    lines.join("\n")
}

fn parse_line(line: &str, following: &mut Lines<'_>) -> Result<Option<(String, String)>, Flaw> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace));
    let assignment = exported.unwrap_or(line).trim_start();
    let Some((name, value)) = assignment.split_once('=') else {
        // A shell's `export NAME` assigns nothing.
        return if exported.is_some() && is_name(assignment) { Ok(None) } else { Err(Flaw::NoName) };
    };
    let name = name.trim_end();
    if !is_name(name) {
        return Err(Flaw::NoName);
    }
    let value = match value.trim_start().chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(&value.trim_start()[1..], quote, following)?,
        _ => unquoted(value)?.to_owned(),
    };
    Ok(Some((name.to_owned(), value)))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Returns the one word of an unquoted value. A `#` begins a comment only after white space.
fn unquoted(value: &str) -> Result<&str, Flaw> {
    let mut marks = value.match_indices('#').map(|(at, _)| at);
    let comment = marks.find(|at| value[..*at].ends_with(char::is_whitespace));
    let word = value[..comment.unwrap_or(value.len())].trim();
    if word.contains(char::is_whitespace) { Err(Flaw::Words) } else { Ok(word) }
}

/// Returns the text up to the closing quote, which may be on a later line.
fn quoted(first: &str, quote: char, following: &mut Lines<'_>) -> Result<String, Flaw> {
    let (mut value, mut line) = (String::new(), first);
    // The lines after an unclosed quote are read again as lines of their own.
    let mut ahead = following.clone();
    loop {
        if let Some(rest) = up_to_quote(line, quote, &mut value) {
            *following = ahead;
            let is_comment = rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with('#');
            return if rest.trim().is_empty() || is_comment { Ok(value) } else { Err(Flaw::AfterQuote) };
        }
        let Some((_, next)) = ahead.next() else { return Err(Flaw::OpenQuote) };
        value.push('\n');
        line = next;
    }
}

/// Appends the text before the closing quote to `value`. Returns what follows the quote, or `None` without one.
fn up_to_quote<'a>(line: &'a str, quote: char, value: &mut String) -> Option<&'a str> {
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some(&line[at + 1..]);
        }
        let escaped = chars.next_if(|(_, next)| quote == '"' && c == '\\' && ['"', '\\'].contains(next));
        value.push(escaped.map_or(c, |(_, next)| next));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn value_of(line: &str) -> String {
        let parsed = parse(line.as_bytes());
        assert_eq!(parsed.problems, [], "{line}");
        let [(name, value)] = parsed.values.as_slice() else { panic!("{line} gave {parsed:?}") };
        assert_eq!(name, "NAME", "{line}");
        value.clone()
    }

    #[test]
    fn a_value_is_what_stands_there() {
        for (written, value) in [
            ("pa$$word1", "pa$$word1"),
            ("$HOME/${HOME}/$(id)`id`", "$HOME/${HOME}/$(id)`id`"),
            ("a#b", "a#b"),
            ("#1", "#1"),
            ("a#b # a comment", "a#b"),
            (" # a comment", ""),
            (r"C:\temp\new", r"C:\temp\new"),
            (r"tail\", r"tail\"),
            (r#"it's"so"#, r#"it's"so"#),
            ("a=b==", "a=b=="),
            ("'pa$$ \\n # \"x\"'", "pa$$ \\n # \"x\""),
            (r#""a \"b\" \\ \n \t \$x $x # \'""#, r#"a "b" \ \n \t \$x $x # \'"#),
            (r#""tail\\""#, r"tail\"),
            ("'x'\t# a comment", "x"),
            ("  spaced  ", "spaced"),
            ("", ""),
            ("''", ""),
            ("\"two\nlines\"", "two\nlines"),
            ("'a\r\n\r\nb'\r", "a\n\nb"),
            ("ünïcödé", "ünïcödé"),
        ] {
            assert_eq!(value_of(&format!("NAME={written}")), value, "{written:?}");
        }
    }

    #[test]
    fn names_stand_as_people_write_them() {
        for line in
            ["NAME = x", "export NAME=x", "  export\tNAME=x", "NAME=x\r\n", "\u{feff}NAME=x", "\n#c\nNAME=x"]
        {
            assert_eq!(value_of(line), "x", "{line:?}");
        }
        assert_eq!(parse(b"export NAME\n# NAME=y\n \n").values, []);
        let all = parse(b"exported=1\nA=1\nA=2\nother.app-x=3");
        assert_eq!(all.values.len(), 4, "{all:?}");
    }

    #[test]
    fn each_malformed_line_is_named_by_its_number_and_the_others_are_read() {
        let file = "A=1\nnot a line\nB=two words\nC='open\nD=2\n=x\nE=\"x\"y\nF: 1\nG='x'#y\nH=3";
        let parsed = parse(file.as_bytes());
        let names: Vec<&str> = parsed.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "H"], "C's quote is closed by G's");
        let flaws: Vec<(usize, Flaw)> =
            parsed.problems.iter().map(|problem| (problem.line, problem.flaw)).collect();
        assert_eq!(flaws, [(2, Flaw::NoName), (3, Flaw::Words), (4, Flaw::AfterQuote)]);

        let parsed = parse(b"A=\"open\nB=2\nC: 1\nD=\"x\xff");
        let flaws: Vec<(usize, Flaw)> =
            parsed.problems.iter().map(|problem| (problem.line, problem.flaw)).collect();
        assert_eq!(flaws, [(1, Flaw::OpenQuote), (3, Flaw::NoName), (4, Flaw::NotUtf8)]);
        assert_eq!(parsed.values, [("B".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named_by_their_line() {
        let parsed = parse(b"A=1\nB=caf\xe9\r\nC=3\nD=\xc3\x28");
        let lines: Vec<usize> = parsed.problems.iter().map(|problem| problem.line).collect();
        assert_eq!((lines.as_slice(), parsed.values.len()), ([2, 4].as_slice(), 2));
        for with_mark in [true, false] {
            for big in [true, false] {
                let units = with_mark.then_some(0xfeff).into_iter().chain("PORT=1\nHOST=x".encode_utf16());
                let bytes: Vec<u8> = units
                    .flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                    .collect();
                let parsed = parse(&bytes);
                assert_eq!(parsed.problems, [LineProblem { line: 1, flaw: Flaw::Utf16 }], "{bytes:?}");
                assert_eq!(parsed.values, []);
            }
        }
    }
}
