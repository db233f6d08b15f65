//! Addresses in texts: which ones become links.

use linkify::{LinkFinder, LinkKind};

/// Schemes whose links do no more than open a page, a conversation, a call or a file in a program of
/// the person's. Everything else (`javascript`, `data`, `blob`, `file`, ...) is shown as text.
const SCHEMES: &[&str] = &[
    "http",
    "https",
    "mailto",
    "tel",
    "sms",
    "xmpp",
    "sip",
    "sips",
    "irc",
    "ircs",
    "matrix",
    "ftp",
    "ftps",
    "sftp",
    "ssh",
    "git",
    "geo",
    "webcal",
    "magnet",
    "vscode",
    "vscode-insiders",
    "vscodium",
    "cursor",
    "windsurf",
    "zed",
    "jetbrains",
    "idea",
    "obsidian",
    "slack",
    "msteams",
    "zoommtg",
    "figma",
    "linear",
    "notion",
    "tg",
];

/// The schemes, for whatever filters HTML.
pub fn schemes() -> impl Iterator<Item = &'static str> {
    SCHEMES.iter().copied()
}

/// Whether an address may be a link: it has a scheme of the list. One without a scheme would lead to
/// a page of this site.
pub fn is_linkable(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    !rest.is_empty() && SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text(&'a str),
    Link { shown: &'a str, address: String },
}

/// The text in parts: bare addresses, `www.` names and e-mail addresses are links.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url, LinkKind::Email]);
    let mut parts = vec![];
    for span in finder.spans(text) {
        let shown = span.as_str();
        match span.kind() {
            Some(LinkKind::Url) if is_linkable(shown) => parts.push(Part::Link { shown, address: shown.to_owned() }),
            Some(LinkKind::Email) => parts.push(Part::Link { shown, address: format!("mailto:{shown}") }),
            _ => with_www(&finder, shown, &mut parts),
        }
    }
    parts
}

/// Names that begin with `www.` need no scheme.
fn with_www<'a>(finder: &LinkFinder, text: &'a str, parts: &mut Vec<Part<'a>>) {
    const SCHEME: &str = "https://";
    let (mut from, mut rest) = (0, 0);
    while let Some(found) = text[rest..].find("www.").map(|at| rest + at) {
        rest = found + "www.".len();
        let begins_word =
            !text[..found].ends_with(|it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '@' | '/'));
        let word = text[found..].split(char::is_whitespace).next().unwrap_or_default();
        let address = format!("{SCHEME}{word}");
        let link = finder.links(&address).next().filter(|link| link.start() == 0 && begins_word);
        let has_name = |length: usize| text[rest..found + length].starts_with(|it: char| it.is_alphanumeric());
        let length =
            link.map(|link| link.end() - SCHEME.len()).filter(|length| *length > "www.".len() && has_name(*length));
        if let Some(length) = length {
            if from < found {
                parts.push(Part::Text(&text[from..found]));
            }
            let shown = &text[found..found + length];
            parts.push(Part::Link { shown, address: format!("{SCHEME}{shown}") });
            (from, rest) = (found + length, found + length);
        }
    }
    if from < text.len() {
        parts.push(Part::Text(&text[from..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        let parts = parts(text);
        let whole: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Link { shown: text, .. } => *text,
            })
            .collect();
        assert_eq!(whole, text, "nothing of the text is lost");
        let link = |part: Part<'_>| match part {
            Part::Link { address, .. } => Some(address),
            Part::Text(_) => None,
        };
        parts.into_iter().filter_map(link).collect()
    }

    #[test]
    fn addresses_names_and_mailboxes_are_links_without_the_marks_around_them() {
        for (text, found) in [
            (
                "See https://github.com/acme/app/pull/1 and (https://example.com/a_b).",
                vec!["https://github.com/acme/app/pull/1", "https://example.com/a_b"],
            ),
            (
                "https://en.wikipedia.org/wiki/Rust_(language), yes",
                vec!["https://en.wikipedia.org/wiki/Rust_(language)"],
            ),
            ("go to www.example.com/x?y=1.", vec!["https://www.example.com/x?y=1"]),
            ("www.a.example, www.b.example", vec!["https://www.a.example", "https://www.b.example"]),
            ("write to me@example.com!", vec!["mailto:me@example.com"]),
            ("https://example.com/__init__.py", vec!["https://example.com/__init__.py"]),
            ("ftp://host/file vscode://file/x", vec!["ftp://host/file", "vscode://file/x"]),
            ("日本語https://example.jp/です", vec!["https://example.jp/です"]),
        ] {
            assert_eq!(links(text), found, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_stays_text() {
        for text in [
            "main.rs and README.md",
            "1.2.3",
            "a:b",
            "www.",
            "www. x",
            "awww.example.com",
            "javascript://x%0Aalert(1)",
            "data:text/html,x",
            "x@",
            "@user",
            "file:///etc/passwd",
            "http://",
        ] {
            assert_eq!(links(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn schemes_are_taken_in_any_case_and_relative_ones_not() {
        assert!(is_linkable("TEL:+49123") && is_linkable("mailto:a@b.example"));
        for address in [
            "docs/readme.md",
            "/settings",
            "#top",
            "//evil.example",
            "JaVaScRiPt:alert(1)",
            " javascript:x",
            "data:,x",
            "",
        ] {
            assert!(!is_linkable(address), "{address}");
        }
    }
}
