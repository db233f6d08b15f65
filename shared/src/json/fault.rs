//! Why a body is not JSON, in words and with its place: serde_json's own errors name neither the
//! member nor the mistake.

use std::fmt;

use crate::json::scan::{Mistake, Scan};
use crate::json::{Step, place};

/// The most levels of nesting that are read: serde_json's recursion limit.
pub const MAX_LEVELS: usize = 127;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What is wrong with a body, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub path: Vec<Step>,
    why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Fault {
    fn whole(why: impl Into<String>) -> Self {
        Self { path: vec![], why: why.into() }
    }

    /// Of a text that serde_json has refused.
    pub fn of(text: &str, refusal: &serde_json::Error) -> Self {
        let mut scan = Scan::of(text);
        let read = scan.document();
        scan.path.iter_mut().for_each(shorten);
        match read {
            Ok(()) => Self::whole(refusal.to_string()),
            Err(Mistake::Half(verb, escape)) => {
                let place = place(&scan.path);
                let subject = if place.is_empty() { "it" } else { &place };
                Self { why: format!("{subject} {verb} half a character ({escape})"), path: scan.path }
            }
            Err(Mistake::Syntax(what)) => Self { why: format!("{what} ({})", scan.position()), path: scan.path },
        }
    }
}

/// Names are the sender's own, and may be as long as the body.
fn shorten(step: &mut Step) {
    const MAX_NAME: usize = 64;
    if let Step::Name(name) = step
        && let Some((end, _)) = name.char_indices().nth(MAX_NAME)
    {
        name.truncate(end);
    }
}

/// A body without its byte order mark.
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body)
}

/// The text of a body: UTF-8, with or without a byte order mark.
pub fn text_of(body: &[u8]) -> Result<&str, Fault> {
    let body = without_bom(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::whole("it is empty"));
    }
    match body {
        [0x1f, 0x8b, ..] => return Err(Fault::whole("it is compressed with gzip: send it uncompressed")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            return Err(Fault::whole("it is compressed with zstd: send it uncompressed"));
        }
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..] => {
            return Err(Fault::whole("it is UTF-16 or UTF-32: send it as UTF-8"));
        }
        _ => {}
    }
    std::str::from_utf8(body)
        .map_err(|err| Fault::whole(format!("it is not UTF-8, from byte {} on", err.valid_up_to() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_lossy;

    fn said(text: &str) -> String {
        parse_lossy(text).map_or_else(|err| Fault::of(text, &err).to_string(), |_| "nothing".to_owned())
    }

    #[test]
    fn half_a_character_is_named_with_its_member() {
        assert_eq!(said(r#"{"text":"cut \ud83d"}"#), r"text ends in half a character (\ud83d)");
        assert_eq!(said(r#"{"text":"\ude00 x"}"#), r"text begins with half a character (\ude00)");
        assert_eq!(said(r#"{"text":"a\uD83Db"}"#), r"text holds half a character (\uD83D)");
        assert_eq!(said(r#"{"a":[{"b c":"\ud83d\u0041"}]}"#), "a[0][\"b c\"] begins with half a character (\\ud83d)");
        assert_eq!(said(r#"{"a":"\\ud83d","b":"\ud83d\ude00 \\\ud83d"}"#), r"b ends in half a character (\ud83d)");
        assert_eq!(said(r#""\udfff""#), r"it ends in half a character (\udfff)");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, what) in [
            (
                r#"{"a":{"b":[1,NaN]}}"#,
                "NaN and Infinity are no JSON numbers: send null or a string (at a.b[1], line 1 column 14)",
            ),
            (
                "{\"a\":\n -Infinity}",
                "NaN and Infinity are no JSON numbers: send null or a string (at a, line 2 column 2)",
            ),
            (r#"{"a":1,}"#, "JSON has no comma after the last member (line 1 column 8)"),
            (r#"{"a":[1,2,]}"#, "JSON has no comma after the last element (at a, line 1 column 11)"),
            (r#"{'a':1}"#, "names stand in plain double quotes (line 1 column 2)"),
            (r#"{"a":'b'}"#, "strings stand in plain double quotes (at a, line 1 column 6)"),
            (r#"{"a":“b”}"#, "strings stand in plain double quotes (at a, line 1 column 6)"),
            ("{\"a\":1 // one\n}", "JSON has no comments (line 1 column 8)"),
            (r#"{"a":None}"#, "None, True and False are Python: JSON has null, true and false (at a, line 1 column 6)"),
            (
                r#"{"a":undefined}"#,
                "undefined is no JSON value: leave the member out, or send null (at a, line 1 column 6)",
            ),
            (r#"{"a":hunter2}"#, "a value is not JSON: strings stand in double quotes (at a, line 1 column 6)"),
            (r#"{"a":01}"#, "a number is written in a way that JSON does not have (at a, line 1 column 6)"),
            (r#"{"a":+1}"#, "a number is written in a way that JSON does not have (at a, line 1 column 6)"),
            (r#"{"a":}"#, "a value is missing (at a, line 1 column 6)"),
            (r#"{"a" 1}"#, "a colon is missing after a member's name (line 1 column 6)"),
            (r#"{"a":1 "b":2}"#, "a comma or the closing bracket is missing (line 1 column 8)"),
            (r#"{"a":"b"#, "it ends inside of a string (at a, line 1 column 8)"),
            (r#"{"a":[1"#, "it ends too early (at a, line 1 column 8)"),
            ("{\"a\":\"b\nc\"}", "a string holds a line break: write it as \\n (at a, line 1 column 8)"),
            (
                r#"{"a":"\x"}"#,
                "a backslash stands before a character that JSON does not escape (at a, line 1 column 7)",
            ),
            (r#"{} {}"#, "something follows after the end of the JSON (line 1 column 4)"),
        ] {
            assert_eq!(said(text), what, "{text}");
        }
    }

    #[test]
    fn nesting_is_read_to_the_level_that_is_named() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(said(&nested(MAX_LEVELS)), "nothing");
        for levels in [MAX_LEVELS + 1, 100_000] {
            assert!(
                said(&nested(levels)).starts_with(&format!("it nests deeper than {MAX_LEVELS} levels")),
                "{levels}"
            );
        }
    }

    /// Whatever serde_json refuses, the second reading finds something; what it takes, it passes.
    #[test]
    fn both_readings_agree() {
        let good = r#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,null,{"b":{}}],"c":""}"#;
        let mut texts: Vec<String> = vec![];
        for at in 0..good.len() {
            for put in ["", "\"", "\\", ",", "]", "}", "0", "e", "\u{1}", "é", "\\ud800", " ", "/"] {
                texts.push(format!("{}{put}{}", &good[..at], &good[at + 1..]));
                texts.push(format!("{}{put}{}", &good[..at], &good[at..]));
            }
        }
        for text in texts {
            let found = Scan::of(&text).document().is_err();
            assert_eq!(found, parse_lossy(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn bodies_that_are_no_text_are_named() {
        let said = |body: &[u8]| text_of(body).map_or_else(|fault| fault.to_string(), str::to_owned);
        assert_eq!(said(b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(said(b" \n"), "it is empty");
        assert_eq!(said(b"\x1f\x8b\x08\x00"), "it is compressed with gzip: send it uncompressed");
        for body in [&b"{\x00}\x00"[..], b"\x00{\x00}", b"\xff\xfe{\x00", b"\xfe\xff\x00{"] {
            assert_eq!(said(body), "it is UTF-16 or UTF-32: send it as UTF-8");
        }
        assert_eq!(said(b"{\"a\":\"\xff\"}"), "it is not UTF-8, from byte 7 on");
    }
}
