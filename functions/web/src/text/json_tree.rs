//! JSON as a tree that people read: members in the order they were sent, types kept, numbers as
//! they were written, long values folded, values that look like secrets hidden until they are opened,
//! and names that read like others flagged.

use std::borrow::Cow;
use std::fmt::Write;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::visible::{escape, write_literal};
use super::{Html, lookalike, secrets};

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

/// The attributes of the element around the value at a JSON Pointer; none for no element.
pub type Attributes<'a> = &'a dyn Fn(&str, &RawValue) -> Option<String>;

/// The tree of a JSON text, and a button that copies the text.
pub fn json_tree(json: &str) -> Html {
    let mut tree = tree_of(json, &|_, _| None);
    write_copy_button(&mut tree.0, json);
    tree
}

/// The tree of a JSON text with elements around some of its values.
pub fn tree_of(json: &str, attributes: Attributes<'_>) -> Html {
    let mut tree = Tree::new(attributes);
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
    let mut tree = Tree::new(&|_, _| None);
    tree.members(&members, 0);
    write_copy_button(&mut tree.html, &format!("{{{}}}", joined(&members)));
    Some(Html(tree.html))
}

/// A button that copies a text as it is. It stays hidden without scripts.
pub fn write_copy_button(html: &mut String, text: &str) {
    // JSON has many double quotes and few single ones.
    html.push_str("<button class=\"ghost small copy\" type=\"button\" hidden data-copy-text='");
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '\'' => html.push_str("&#39;"),
            '<' => html.push_str("&lt;"),
            other => html.push(other),
        }
    }
    html.push_str("'>Copy JSON</button>");
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

struct Tree<'a> {
    html: String,
    /// How many more values have room.
    left: usize,
    /// Where the value stands that is being written, as a JSON Pointer.
    pointer: String,
    /// Whether the value belongs to a member whose name is that of a secret.
    is_secret: bool,
    attributes: Attributes<'a>,
}

impl<'a> Tree<'a> {
    fn new(attributes: Attributes<'a>) -> Self {
        Self { html: String::new(), left: MAX_VALUES, pointer: String::new(), is_secret: false, attributes }
    }

    fn value(&mut self, value: &RawValue, depth: usize) {
        let Some(attributes) = (self.attributes)(&self.pointer, value) else { return self.bare_value(value, depth) };
        // Writing to a String cannot fail.
        let _ = write!(self.html, "<div {attributes}>");
        self.bare_value(value, depth);
        self.html.push_str("</div>");
    }

    /// The value below the current place.
    fn value_at(&mut self, token: &str, value: &RawValue, depth: usize) {
        let here = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        self.value(value, depth);
        self.pointer.truncate(here);
    }

    fn bare_value(&mut self, value: &RawValue, depth: usize) {
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
                self.html.push_str("<div><dt>…</dt><dd>");
                self.raw(&joined(&members[index..]));
                self.html.push_str("</dd></div>");
                break;
            }
            self.html.push_str(r#"<div><dt dir="auto">"#);
            self.name(name, members[..index].iter().any(|(earlier, _)| earlier == name));
            self.html.push_str("</dt><dd>");
            let was_secret = self.is_secret;
            self.is_secret |= secrets::is_secret_name(name);
            self.value_at(name, value, depth + 1);
            self.is_secret = was_secret;
            self.html.push_str("</dd></div>");
        }
        self.html.push_str("</dl>");
    }

    fn name(&mut self, name: &str, is_repeated: bool) {
        if name.is_empty() {
            self.html.push_str("&quot;&quot;")
        } else {
            write_literal(&mut self.html, name)
        }
        if let Some(ascii) = lookalike::reads_as(name) {
            self.flag(&format!("reads like “{ascii}”, is another name"));
        }
        if is_repeated {
            self.flag("this name stands here twice");
        }
    }

    /// A remark about what stands before it.
    fn flag(&mut self, words: &str) {
        self.html.push_str(r#" <span class="flag" dir="ltr">"#);
        write_literal(&mut self.html, words);
        self.html.push_str("</span>");
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
                tree.value_at(&index.to_string(), item, depth + 1);
                tree.html.push_str("</li>");
            }
            tree.html.push_str("</ol>");
        });
    }

    fn text(&mut self, text: &str) {
        if self.is_secret && !text.is_empty() {
            return self.secret(text);
        }
        let is_long = text.chars().nth(LONG_TEXT).is_some() || text.lines().nth(MANY_LINES).is_some();
        let summary = plural(text.chars().count(), "character");
        self.fold(is_long, &summary, |tree| tree.whole_text(text));
    }

    fn whole_text(&mut self, text: &str) {
        // Quotes tell a text from what looks like a value of another type.
        let quote = if reads_as_another_type(text) { "&quot;" } else { "" };
        self.html.push_str(r#"<span class="tree-text" dir="auto">"#);
        self.html.push_str(quote);
        let mut shown = 0;
        for part in secrets::secret_parts(text) {
            write_literal(&mut self.html, &text[shown..part.start]);
            self.secret(&text[part.clone()]);
            shown = part.end;
        }
        write_literal(&mut self.html, &text[shown..]);
        self.html.push_str(quote);
        self.html.push_str("</span>");
        if let Some(word) = lookalike::mixed_word(text) {
            self.flag(&format!("“{word}” mixes letters of two alphabets"));
        }
    }

    /// A text that looks like a secret, hidden until somebody opens it.
    fn secret(&mut self, text: &str) {
        let length = plural(text.chars().count(), "character");
        // Writing to a String cannot fail.
        let _ = write!(self.html, r#"<details class="secret"><summary>•••••• hidden, {length}</summary>"#);
        self.html.push_str(r#"<span class="tree-text" dir="auto">"#);
        write_literal(&mut self.html, text);
        self.html.push_str("</span></details>");
    }

    fn literal(&mut self, json: &str) {
        self.html.push_str(r#"<span class="tree-literal">"#);
        escape(&mut self.html, json);
        self.html.push_str("</span>");
    }

    fn raw(&mut self, json: &str) {
        self.html.push_str(r#"<pre class="tree-raw" tabindex="0">"#);
        write_literal(&mut self.html, json);
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

/// Members as JSON, one a line.
fn joined(members: &[(Cow<'_, str>, &RawValue)]) -> String {
    let member =
        |(name, value): &(Cow<'_, str>, &RawValue)| format!("{}: {value}", serde_json::Value::from(name.as_ref()));
    members.iter().map(member).collect::<Vec<_>>().join(",\n")
}

fn reads_as_another_type(text: &str) -> bool {
    text.is_empty() || text.trim() != text || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
