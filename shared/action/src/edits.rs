//! Which places of an act's arguments were changed, and which may be changed.

use serde_json::Value;

use crate::digest::canonical;

/// Adds a reference token to a JSON Pointer (RFC 6901).
pub(crate) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Whether a text is a JSON Pointer (RFC 6901).
pub fn is_pointer(text: &str) -> bool {
    let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && is_escaped
}

/// The most bytes that the pointers to the changes of an act have together. They are stored with its history, and each
/// names the whole way to its place.
const MAX_POINTERS: usize = 32 * 1024;

/// The places at which two values differ.
#[derive(Default)]
pub struct Changes {
    /// As JSON Pointers: the deepest ones that name each difference. A member or an element that only one of the
    /// values has is a place.
    pub places: Vec<String>,
    /// Whether there are more than are named here.
    pub is_cut: bool,
    bytes: usize,
}

/// The places at which two values differ, up to 32 KiB of them.
pub fn changes(before: &Value, after: &Value) -> Changes {
    let mut changes = Changes::default();
    changes.compare(Some(before), Some(after), &mut String::new());
    changes
}

/// The first of `changes` that is neither at nor below a pointer of `editable`.
pub fn first_forbidden<'a>(changes: &'a [String], editable: &[String]) -> Option<&'a str> {
    let allows = |pointer: &String, change: &str| {
        change.strip_prefix(pointer.as_str()).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    let is_allowed = |change: &str| editable.iter().any(|pointer| allows(pointer, change));
    changes.iter().map(String::as_str).find(|change| !is_allowed(change))
}

/// The first place that both values have, but with values of different types. What was null may
/// become anything. An array that became longer or shorter has no places in common with what it was.
pub fn first_retyped(before: &Value, after: &Value) -> Option<String> {
    fn visit(before: &Value, after: &Value, pointer: &mut String) -> bool {
        let here = pointer.len();
        let mut enter = |token: &str, before: &Value, after: &Value| {
            push(pointer, token);
            let is_retyped = visit(before, after, pointer);
            if !is_retyped {
                pointer.truncate(here);
            }
            is_retyped
        };
        match (before, after) {
            (Value::Null, _)
            | (Value::Bool(_), Value::Bool(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::String(_), Value::String(_)) => false,
            (Value::Object(before), Value::Object(after)) => {
                before.iter().any(|(name, value)| after.get(name).is_some_and(|after| enter(name, value, after)))
            }
            (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
                let mut pairs = before.iter().zip(after).enumerate();
                pairs.any(|(index, (before, after))| enter(&index.to_string(), before, after))
            }
            (Value::Array(_), Value::Array(_)) => false,
            _ => true,
        }
    }
    let mut pointer = String::new();
    visit(before, after, &mut pointer).then_some(pointer)
}

impl Changes {
    /// Whether the values are the same.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && !self.is_cut
    }

    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>, pointer: &mut String) {
        let here = pointer.len();
        match (before, after) {
            _ if self.is_cut => {}
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                let added = after.keys().filter(|name| !before.contains_key(*name));
                for name in before.keys().chain(added) {
                    push(pointer, name);
                    self.compare(before.get(name), after.get(name), pointer);
                    pointer.truncate(here);
                }
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) => {
                for index in 0..before.len().max(after.len()) {
                    push(pointer, &index.to_string());
                    self.compare(before.get(index), after.get(index), pointer);
                    pointer.truncate(here);
                }
            }
            (Some(before), Some(after)) if canonical(before) == canonical(after) => {}
            _ => self.add(pointer),
        }
    }

    fn add(&mut self, pointer: &str) {
        self.bytes += pointer.len();
        self.is_cut = self.bytes > MAX_POINTERS;
        if !self.is_cut {
            self.places.push(pointer.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_named_at_their_deepest_place() {
        let before = json!({ "to": "Ada", "amount": 1, "lines": [{ "n": 1 }, 2], "a/b": { "c~": null } });
        let after = json!({ "to": "Ada", "amount": 1.0, "lines": [{ "n": 2 }, 2, 3], "a/b": { "c~": 0 }, "new": {} });
        let places = |before: &Value, after: &Value| changes(before, after).places;
        assert_eq!(places(&before, &after), ["/a~1b/c~0", "/lines/0/n", "/lines/2", "/new"]);
        assert!(changes(&before, &before).is_empty());
        assert_eq!(places(&json!({}), &json!([])), [""]);
        assert_eq!(places(&json!({ "a": null }), &json!({})), ["/a"]);
    }

    #[test]
    fn the_pointers_to_changes_are_bounded() {
        let name = "n".repeat(1_000);
        let of = |count: usize| json!({ &name: (0..count).collect::<Vec<_>>() });
        let few = changes(&of(0), &of(20));
        assert_eq!((few.places.len(), few.is_cut), (20, false));
        let many = changes(&of(0), &of(4_000));
        assert_eq!((many.places.len(), many.is_cut), (32, true));
        let long = json!({ "x".repeat(MAX_POINTERS): 1 });
        let one = changes(&json!({}), &long);
        assert!(one.places.is_empty() && !one.is_empty());
    }

    #[test]
    fn a_change_is_allowed_at_and_below_an_editable_place() {
        let changes = ["/amount".to_owned(), "/lines/2".to_owned()];
        let of = |editable: &[&str]| {
            let editable: Vec<String> = editable.iter().map(|it| (*it).to_owned()).collect();
            first_forbidden(&changes, &editable).map(str::to_owned)
        };
        assert_eq!(of(&[""]), None);
        assert_eq!(of(&["/amount", "/lines"]), None);
        assert_eq!(of(&["/amount", "/lines/2"]), None);
        assert_eq!(of(&["/amount"]).as_deref(), Some("/lines/2"));
        assert_eq!(of(&["/amoun", "/lines"]).as_deref(), Some("/amount"));
        assert_eq!(of(&["/amount/x", "/lines/2/0"]).as_deref(), Some("/amount"));
    }

    #[test]
    fn a_number_stays_a_number() {
        let before = json!({ "n": 1, "s": "1", "b": true, "z": null, "l": [1, "a"], "o": { "x/y": 1.5 } });
        let of = |name: &str, value: Value| {
            let mut after = before.clone();
            after[name] = value;
            first_retyped(&before, &after)
        };
        for (name, value) in [
            ("n", json!(2.5)),
            ("s", json!("2")),
            ("b", json!(false)),
            ("z", json!({ "any": "thing" })),
            ("l", json!([2, "b"])),
            ("l", json!(["a"])),
            ("o", json!({ "x/y": 2, "new": "text" })),
            ("o", json!({})),
        ] {
            assert_eq!(of(name, value.clone()), None, "{name} {value}");
        }
        for (name, value, place) in [
            ("n", json!("1"), "/n"),
            ("n", json!(null), "/n"),
            ("s", json!(1), "/s"),
            ("b", json!(0), "/b"),
            ("l", json!([1, 2]), "/l/1"),
            ("o", json!([]), "/o"),
            ("o", json!({ "x/y": "1.5" }), "/o/x~1y"),
        ] {
            assert_eq!(of(name, value.clone()).as_deref(), Some(place), "{name} {value}");
        }
    }

    #[test]
    fn a_pointer_begins_with_a_slash_and_escapes_its_tildes() {
        assert!(["", "/", "/a", "/a~0b/~1", "/a/0"].iter().all(|it| is_pointer(it)));
        assert!(!["a", "a/b", "/~", "/~2", "/a~", "#/a"].iter().any(|it| is_pointer(it)));
    }
}
