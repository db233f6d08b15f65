//! JSON whose meaning every reader agrees on.
//!
//! RFC 8785 demands I-JSON (RFC 7493): numbers are doubles, and names are unique. A text that breaks
//! this has no digest that two programs agree on: one would approve another act than the other does.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::edits::push;

/// What is wrong at one place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What makes readers of a text disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A number that no double holds: reading it gives another one.
    NumberNotExact,
    /// A name that its object has had before.
    DuplicateName,
}

/// How deep arrays and objects may be nested in arguments: wherever an act is shown, even inside of a
/// list of messages, it stays within the 128 levels that readers of JSON commonly take.
pub const MAX_DEPTH: usize = 110;

/// How deep arrays and objects are nested in a JSON text; 0 for a text without any.
pub fn depth(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => level += 1,
            b'}' | b']' => level = level.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

/// Goes past the end of a string that has begun.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

/// All faults of a well-formed JSON text whose [`depth`] is bounded, in order.
pub fn faults(text: &RawValue) -> Vec<Fault> {
    let mut found = vec![];
    visit(text, &mut String::new(), &mut found);
    found
}

fn visit(text: &RawValue, pointer: &mut String, found: &mut Vec<Fault>) {
    let here = pointer.len();
    let raw = text.get();
    match raw.bytes().next() {
        Some(b'{') => {
            let Ok(Members(members)) = serde_json::from_str(raw) else { return };
            let mut names = HashSet::new();
            for (name, value) in &members {
                push(pointer, name);
                if !names.insert(name) {
                    found.push(Fault { pointer: pointer.clone(), kind: FaultKind::DuplicateName });
                }
                visit(value, pointer, found);
                pointer.truncate(here);
            }
        }
        Some(b'[') => {
            let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(raw) else { return };
            for (index, element) in elements.into_iter().enumerate() {
                push(pointer, &index.to_string());
                visit(element, pointer, found);
                pointer.truncate(here);
            }
        }
        Some(b'-' | b'0'..=b'9') if !is_exact(raw) => {
            found.push(Fault { pointer: pointer.clone(), kind: FaultKind::NumberNotExact });
        }
        _ => {}
    }
}

/// The members of an object in the order of the text, with repeated names.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllMembers;
        impl<'de> Visitor<'de> for AllMembers {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(AllMembers)
    }
}

/// Whether a number's text means the double that it is read as: either that double is this number,
/// or it is written so (`0.1` is no binary fraction, and every program writes its double as `0.1`).
fn is_exact(text: &str) -> bool {
    let Ok(double) = text.parse::<f64>() else { return false };
    if !double.is_finite() {
        return false;
    }
    let wanted = Decimal::of(text);
    let fraction =
        text.split(['e', 'E']).next().and_then(|it| it.split_once('.')).map_or(0, |(_, digits)| digits.len());
    wanted == Decimal::of(&format!("{double:e}"))
        // A double has at most 1,074 digits after the point.
        || wanted == Decimal::of(&format!("{double:.*}", exact_places(fraction, text)))
}

/// How many digits after the point a text has once its exponent is applied.
fn exact_places(fraction: usize, text: &str) -> usize {
    let exponent = text.split(['e', 'E']).nth(1).and_then(|it| it.parse::<i64>().ok()).unwrap_or(0);
    let places = (fraction as i64).saturating_sub(exponent).clamp(0, 1_074);
    usize::try_from(places).unwrap_or_default()
}

/// A decimal number: its significant digits, and the power of ten of the last of them.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        let trailing = all.len() - all.trim_end_matches('0').len();
        if digits.is_empty() {
            return Self { is_negative: false, digits: String::new(), exponent: 0 };
        }
        // An exponent beyond 64 bits was no finite double.
        let exponent = exponent.trim_start_matches('+').parse::<i64>().unwrap_or(i64::MAX);
        let exponent = exponent.saturating_sub(fraction.len() as i64).saturating_add(trailing as i64);
        Self { is_negative, digits: digits.to_owned(), exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> Vec<(String, FaultKind)> {
        let raw = RawValue::from_string(text.to_owned());
        raw.map(|raw| faults(&raw).into_iter().map(|it| (it.pointer, it.kind)).collect()).unwrap_or_default()
    }

    #[test]
    fn numbers_that_a_double_means_are_exact() {
        for text in [
            "0",
            "-0",
            "0.0",
            "1",
            "1.0",
            "0.1",
            "0.10",
            "82000",
            "1e3",
            "1E+3",
            "1.5e-7",
            "9007199254740992",
            "9007199254740994",
            "18446744073709551616",
            "1000000000000000128",
            "1e21",
            "123456789012345680000",
            "5e-324",
            "1.7976931348623157e308",
            "0.1000000000000000055511151231257827021181583404541015625",
            "-12.50",
        ] {
            assert!(is_exact(text), "{text}");
        }
    }

    #[test]
    fn numbers_that_become_others_are_not() {
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "18446744073709551615",
            "1e400",
            "-1e400",
            "1e-400",
            "0.12345678901234567890",
            "0.30000000000000001",
            "100000000000000000001",
            "3.14159265358979323846",
            "1e99999999999999999999",
        ] {
            assert!(!is_exact(text), "{text}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, expected) in [("1", 0), ("{}", 1), (r#"{"a":[1,{"b":"[[[\\\"[{"}],"c":[[]]}"#, 3)] {
            assert_eq!(depth(text), expected, "{text}");
        }
        assert_eq!(depth(&"[".repeat(100_000)), 100_000);
    }

    #[test]
    fn faults_have_their_place() {
        assert_eq!(
            faults_of(r#"{"a":[1,9007199254740993],"b/c":{"x~":1,"x~":2},"d":"9007199254740993"}"#),
            [("/a/1".to_owned(), FaultKind::NumberNotExact), ("/b~1c/x~0".to_owned(), FaultKind::DuplicateName)]
        );
        assert_eq!(faults_of(r#"{"a":1,"\u0061":1}"#), [("/a".to_owned(), FaultKind::DuplicateName)]);
    }
}
