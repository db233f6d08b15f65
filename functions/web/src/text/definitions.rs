//! Definitions of links that no link uses.
//!
//! Markdown shows nothing of `[INFO]: started`, which defines where `[INFO]` leads.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag};

/// The text with its unused definitions escaped, so that they are text.
pub fn kept(text: &str, options: Options) -> Cow<'_, str> {
    if !text.contains("]:") {
        return Cow::Borrowed(text);
    }
    let mut parser = Parser::new_ext(text, options);
    let mut unused: BTreeSet<usize> = parser.reference_definitions().iter().map(|(_, it)| it.span.start).collect();
    while !unused.is_empty() {
        let Some(event) = parser.next() else { break };
        if let Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) = event
            && let Some(definition) = parser.reference_definitions().get(&id)
        {
            unused.remove(&definition.span.start);
        }
    }
    if unused.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut kept, mut from) = (String::with_capacity(text.len() + unused.len()), 0);
    for at in unused {
        kept.push_str(&text[from..at]);
        kept.push('\\');
        from = at;
    }
    Cow::Owned(kept + &text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_that_no_link_uses_is_a_text() {
        for (text, shown) in [
            ("[INFO]: started\n[WARN]: slow", "\\[INFO]: started\n\\[WARN]: slow"),
            (
                "> [note]: approve?\n\n[a] and [b]\n\n[a]: /x\n[c]: /y",
                "> \\[note]: approve?\n\n[a] and [b]\n\n[a]: /x\n\\[c]: /y",
            ),
            (
                "[A][ref] ![p]\n\n[REF]: https://e.example\n[p]: p.png",
                "[A][ref] ![p]\n\n[REF]: https://e.example\n[p]: p.png",
            ),
            ("```\n[a]: b\n```", "```\n[a]: b\n```"),
        ] {
            assert_eq!(kept(text, Options::empty()), shown);
        }
    }
}
