//! What was changed of an act's arguments: each place with its value before and after.

use action::edits;
use serde_json::Value;
use shared::json::Json;

use super::editor::{names, tokens};
use super::write_attribute;
use crate::text::Html;
use crate::text::secrets;
use crate::text::visible::write_literal;

/// The most changes that are shown one by one.
const MAX_SHOWN: usize = 50;
/// Values that are longer are cut around what differs.
const LONG: usize = 160;
/// What is shown around it.
const CONTEXT: usize = 30;

/// One change.
pub struct Change {
    pointer: String,
    /// Where it is, in names.
    pub place: String,
    /// The value before; none where it was absent.
    pub before: Option<Html>,
    /// The value after; none where it was removed.
    pub after: Option<Html>,
}

/// The changes between two arguments.
pub fn between(before: &Json, after: &Json) -> Vec<Change> {
    if before.as_str() == after.as_str() {
        return vec![];
    }
    let (before, after) = (before.value(), after.value());
    edits::changes(&before, &after).places.into_iter().map(|pointer| Change::at(pointer, &before, &after)).collect()
}

impl Change {
    fn at(pointer: String, before: &Value, after: &Value) -> Self {
        let (before, after) = (before.pointer(&pointer), after.pointer(&pointer));
        let is_secret = tokens(&pointer).any(|name| secrets::is_secret_name(&name));
        let text = |value: &Value| match value {
            Value::String(text) if is_secret || !secrets::secret_parts(text).is_empty() => "•••••• hidden".to_owned(),
            other => other.to_string(),
        };
        let (before, after) = (before.map(text), after.map(text));
        let (start, end) = before.as_ref().zip(after.as_ref()).map_or((0, 0), |(before, after)| common(before, after));
        let html = |text: String| {
            let mut html = String::new();
            write_literal(&mut html, &cut(&text, start, end));
            Html(html)
        };
        Self { place: names(&pointer), pointer, before: before.map(html), after: after.map(html) }
    }
}

/// The changes that are shown, and how many more there are.
pub fn shown(changes: &[Change]) -> (&[Change], usize) {
    let shown = &changes[..changes.len().min(MAX_SHOWN)];
    (shown, changes.len() - shown.len())
}

/// A number of changes in words.
pub fn counted(count: usize) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

/// The attributes of the element around a value that was changed.
pub fn attributes(changes: &[Change], pointer: &str) -> Option<String> {
    let is_changed = changes.iter().any(|change| change.pointer == pointer);
    is_changed.then(|| {
        let mut html = String::from(r#"class="changed""#);
        write_attribute(&mut html, "data-pointer", pointer);
        html
    })
}

/// How many bytes two texts have in common at their start and at their end.
fn common(before: &str, after: &str) -> (usize, usize) {
    let same = |(one, other): &(u8, u8)| one == other;
    let start = before.bytes().zip(after.bytes()).take_while(same).count();
    let end = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count();
    (start, end.min(before.len().min(after.len()) - start))
}

/// A long text without most of what it has in common with the other one.
fn cut(text: &str, start: usize, end: usize) -> String {
    if text.len() <= LONG {
        return text.to_owned();
    }
    let from = text.floor_char_boundary(start.saturating_sub(CONTEXT));
    let to = text.ceil_char_boundary((text.len() - end + CONTEXT).min(text.len()));
    let until = text.floor_char_boundary(to.min(from + 4 * LONG));
    let (before, after) = (if from > 0 { "…" } else { "" }, if until < text.len() { "…" } else { "" });
    format!("{before}{}{after}", &text[from..until])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &str, after: &str) -> Vec<String> {
        let json = |text: &str| Json::parse(text.to_owned());
        let Some((before, after)) = json(before).zip(json(after)) else { return vec![] };
        let value = |value: Option<Html>| value.map_or("-".to_owned(), |html| html.0);
        let each = between(&before, &after).into_iter();
        each.map(|it| format!("{}: {} > {}", it.place, value(it.before), value(it.after))).collect()
    }

    #[test]
    fn each_change_has_its_place_and_both_values() {
        assert_eq!(
            changes(
                r#"{"n":1.0,"to":"Ada","l":[{"x/y":1}],"gone":null}"#,
                r#"{"l":[{"x/y":2}],"to":"Bob","n":1,"new":{}}"#
            ),
            ["gone: null > -", "l › 0 › x/y: 1 > 2", "to: &quot;Ada&quot; > &quot;Bob&quot;", "new: - > {}"]
        );
        assert_eq!(changes(r#"{"token":"a"}"#, r#"{"token":"b"}"#), ["token: •••••• hidden > •••••• hidden"]);
        assert!(changes(r#"{"a":"x"}"#, "{\"a\":\"x\u{200B}\"}").concat().contains("U+200B"));
    }

    #[test]
    fn a_long_text_is_cut_around_what_differs() {
        let (long, other) = ("é".repeat(500), "ü");
        let found = changes(&format!(r#"["{long}a{long}"]"#), &format!(r#"["{long}{other}{long}"]"#)).concat();
        assert!(found.len() < 200 && found.contains("éaé") && found.contains("éüé"), "{found}");
        let replaced = changes(&format!(r#"["{}"]"#, "a".repeat(3_000)), r#"["b"]"#).concat();
        assert!(replaced.len() < 1_000, "{replaced}");
    }
}
