//! JSON as a tree that people read: members in the order they were sent, types kept, numbers as
//! they were written, long values folded.

use std::borrow::Cow;
use std::fmt::Write;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Html;
use super::visible::write_visible;

/// The most values of one tree; what is beyond stands there as JSON.
const MAX_VALUES: usize = 2_000;
/// The most levels of one tree; what is deeper stands there as JSON.
const MAX_DEPTH: usize = 24;
/// Texts that are longer, or have more lines, are folded.
const LONG_TEXT: usize = 300;
const MANY_LINES: usize = 8;
/// Lists that are longer, and objects at this depth, are folded.
const LONG_LIST: usize = 10;
const FOLDED_DEPTH: usize = 3;

/// The tree of a JSON text.
pub fn json_tree(json: &str) -> Html {
    let mut tree = Tree { html: String::new(), left: MAX_VALUES };
    match serde_json::from_str::<&RawValue>(json) {
        Ok(value) => tree.value(value, 0),
        Err(_) => tree.raw(json),
    }
    Html(tree.html)
}

/// The tree of some members of a JSON object: those that `is_shown` takes. Nothing when there are
/// none, or when it is no object.
pub fn members_tree(json: &str, is_shown: impl Fn(&str) -> bool) -> Option<Html> {
    let Members(mut members) = serde_json::from_str(json).ok()?;
    members.retain(|(name, _)| is_shown(name));
    if members.is_empty() {
        return None;
    }
    let mut tree = Tree { html: String::new(), left: MAX_VALUES };
    tree.members(&members, 0);
    Some(Html(tree.html))
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = vec![];
                while let Some(name) = map.next_key::<String>()? {
                    members.push((Cow::Owned(name), map.next_value::<&'de RawValue>()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

struct Tree {
    html: String,
    /// How many more values have room.
    left: usize,
}

impl Tree {
    fn value(&mut self, value: &RawValue, depth: usize) {
        let json = value.get();
        if self.left == 0 || depth > MAX_DEPTH {
            return self.raw(json);
        }
        self.left -= 1;
        match json.as_bytes().first() {
            Some(b'{') => match serde_json::from_str::<Members<'_>>(json) {
                Ok(Members(members)) => self.object(&members, depth),
                Err(_) => self.raw(json),
            },
            Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
                Ok(items) => self.list(&items, depth),
                Err(_) => self.raw(json),
            },
            Some(b'"') => match serde_json::from_str::<String>(json) {
                Ok(text) => self.text(&text),
                Err(_) => self.raw(json),
            },
            _ => self.literal(json),
        }
    }

    fn object(&mut self, members: &[(Cow<'_, str>, &RawValue)], depth: usize) {
        if members.is_empty() {
            return self.literal("{}");
        }
        let is_folded = depth >= FOLDED_DEPTH;
        self.fold(is_folded, &plural(members.len(), "member"), |tree| tree.members(members, depth));
    }

    fn members(&mut self, members: &[(Cow<'_, str>, &RawValue)], depth: usize) {
        self.html.push_str(r#"<dl class="tree">"#);
        for (index, (name, value)) in members.iter().enumerate() {
            if self.left == 0 {
                let rest = members[index..]
                    .iter()
                    .map(|(name, value)| format!("{}: {value}", serde_json::Value::from(name.as_ref())));
                self.html.push_str("<div><dt>…</dt><dd>");
                self.raw(&rest.collect::<Vec<_>>().join(",\n"));
                self.html.push_str("</dd></div>");
                break;
            }
            self.html.push_str(r#"<div><dt dir="auto">"#);
            if name.is_empty() {
                self.html.push_str("&quot;&quot;")
            } else {
                write_visible(&mut self.html, name)
            }
            self.html.push_str("</dt><dd>");
            self.value(value, depth + 1);
            self.html.push_str("</dd></div>");
        }
        self.html.push_str("</dl>");
    }

    fn list(&mut self, items: &[&RawValue], depth: usize) {
        if items.is_empty() {
            return self.literal("[]");
        }
        let is_folded = depth >= FOLDED_DEPTH || items.len() > LONG_LIST;
        self.fold(is_folded, &plural(items.len(), "item"), |tree| {
            tree.html.push_str(r#"<ol class="tree">"#);
            for (index, item) in items.iter().enumerate() {
                tree.html.push_str("<li>");
                if tree.left == 0 {
                    let rest = items[index..].iter().map(|item| item.get());
                    tree.raw(&rest.collect::<Vec<_>>().join(", "));
                    tree.html.push_str("</li>");
                    break;
                }
                tree.value(item, depth + 1);
                tree.html.push_str("</li>");
            }
            tree.html.push_str("</ol>");
        });
    }

    fn text(&mut self, text: &str) {
        let is_long = text.chars().nth(LONG_TEXT).is_some() || text.lines().nth(MANY_LINES).is_some();
        let summary = plural(text.chars().count(), "character");
        self.fold(is_long, &summary, |tree| {
            // Quotes tell a text from what looks like a value of another type.
            let quote = if reads_as_another_type(text) { "&quot;" } else { "" };
            tree.html.push_str(r#"<span class="tree-text" dir="auto">"#);
            tree.html.push_str(quote);
            write_visible(&mut tree.html, text);
            tree.html.push_str(quote);
            tree.html.push_str("</span>");
        });
    }

    fn literal(&mut self, json: &str) {
        self.html.push_str(r#"<span class="tree-literal">"#);
        write_visible(&mut self.html, json);
        self.html.push_str("</span>");
    }

    fn raw(&mut self, json: &str) {
        self.html.push_str(r#"<pre class="tree-raw" tabindex="0">"#);
        write_visible(&mut self.html, json);
        self.html.push_str("</pre>");
    }

    fn fold(&mut self, is_folded: bool, summary: &str, write: impl FnOnce(&mut Self)) {
        if !is_folded {
            return write(self);
        }
        // Writing to a String cannot fail.
        let _ = write!(self.html, "<details><summary>{summary}</summary>");
        write(self);
        self.html.push_str("</details>");
    }
}

fn reads_as_another_type(text: &str) -> bool {
    text.is_empty() || text.trim() != text || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        json_tree(json).0
    }

    #[test]
    fn members_stand_in_the_order_they_were_sent_and_numbers_as_they_were_written() {
        let html = shown(r#"{"tool":"pay","args":{"z":1.50,"a":12345678901234567890123},"a":null,"a":true}"#);
        let places = ["tool", "pay", "args", ">z<", "1.50", ">a<", "12345678901234567890123", "null", "true"];
        let found: Vec<_> = places.iter().map(|it| html.find(it)).collect();
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{html}");
    }

    #[test]
    fn a_text_is_told_from_a_number() {
        assert!(shown(r#"["1"]"#).contains("&quot;1&quot;"));
        assert!(shown("[1]").contains(r#"<span class="tree-literal">1</span>"#));
        assert!(shown(r#"["one"]"#).contains(">one<"));
        assert!(shown(r#"["true"," x",""]"#).matches("&quot;").count() == 6);
    }

    #[test]
    fn nothing_of_it_runs_or_hides() {
        let html = shown("{\"<script>\":\"<img src=x onerror=1>\",\"__proto__\":\"a\u{202E}b\"}");
        assert!(!html.contains("<script") && !html.contains("<img") && html.contains("U+202E"), "{html}");
        assert!(html.contains("__proto__"));
    }

    #[test]
    fn what_is_large_is_folded_and_bounded() {
        assert!(shown(&format!("[{}]", vec!["0"; 16].join(","))).contains("<summary>16 items</summary>"));
        assert!(shown(&format!("\"{}\"", "x".repeat(2_345))).contains("<summary>2345 characters</summary>"));
        let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
        assert!(shown(&deep).len() < 4_000);
        let many = format!("[{}1]", "0,".repeat(32_000));
        assert!(shown(&many).len() < 1_500_000);
        assert!(shown("not json").contains("not json"));
    }

    #[test]
    fn some_members_can_be_left_out() {
        let json = r#"{"options":[1],"title":"Wire"}"#;
        let html = members_tree(json, |name| name != "options").map(|tree| tree.0).unwrap_or_default();
        assert!(html.contains("Wire") && !html.contains("options"));
        assert!(members_tree(json, |_| false).is_none() && members_tree("[1]", |_| true).is_none());
    }
}
