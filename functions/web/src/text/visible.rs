//! Invisible characters and direction controls, shown by their code points instead of obeyed.
//!
//! `rm -rf /home<U+202E> gnp.temp/` reads differently from what it does, and `ACME<U+200B>` looks
//! like `ACME`. Such characters are replaced by a mark like `U+202E`. Those that writing systems and
//! emoji need stay where they are needed: joiners inside Persian and Indic words and inside emoji,
//! variation selectors behind symbols, tags of flags.

use std::borrow::Cow;
use std::fmt::{self, Write};

use shared::invisible::is_invisible;

/// Writes a text, escaped, with a mark in the place of each character that would not be seen.
pub fn write_visible(html: &mut String, text: &str) {
    write_runs(html, runs(text, is_hidden));
}

/// The same for code and for values that a program reads: spaces that look like the plain one are
/// marked, too.
pub fn write_literal(html: &mut String, text: &str) {
    write_runs(html, runs(text, is_hidden_in_literal));
}

/// Whether [`write_literal`] marks any character of the text.
pub fn has_hidden_in_literal(text: &str) -> bool {
    text.contains(is_lookalike_space) || has_hidden(text)
}

fn write_runs<'a>(html: &mut String, runs: impl Iterator<Item = Run<'a>>) {
    for run in runs {
        match run {
            Run::Plain(text) => escape(html, text),
            Run::Hidden { code, count } => write_mark(html, code, count),
        }
    }
}

/// The same for places that take no markup: titles, attributes.
pub fn visible_plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for run in runs(text, is_hidden) {
        match run {
            Run::Plain(text) => plain.push_str(text),
            // Writing to a String cannot fail.
            Run::Hidden { code, .. } => drop(write!(plain, "[U+{code:04X}]")),
        }
    }
    Cow::Owned(plain)
}

/// Whether any character of the text is shown by a mark.
pub fn has_hidden(text: &str) -> bool {
    text.chars().any(is_invisible) && runs(text, is_hidden).any(|run| matches!(run, Run::Hidden { .. }))
}

/// How templates write texts: escaped, invisible characters marked. It writes no markup, so that it
/// serves attributes as well.
#[derive(Clone, Copy)]
pub struct Visible;

impl askama::filters::Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, dest: W, text: &str) -> fmt::Result {
        askama::filters::Html.write_escaped_str(dest, &visible_plain(text))
    }
}

/// A part of a text.
enum Run<'a> {
    Plain(&'a str),
    /// One character that is not seen, this many times.
    Hidden {
        code: u32,
        count: usize,
    },
}

fn runs(text: &str, is_hidden: fn(&str, usize, char) -> bool) -> impl Iterator<Item = Run<'_>> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        if rest >= text.len() {
            return None;
        }
        let start = rest;
        for (offset, character) in text[start..].char_indices() {
            if !is_hidden(text, start + offset, character) {
                continue;
            }
            if offset > 0 {
                rest = start + offset;
                return Some(Run::Plain(&text[start..rest]));
            }
            let same = text[start..].chars().take_while(|it| *it == character).count();
            rest = start + same * character.len_utf8();
            return Some(Run::Hidden { code: character.into(), count: same });
        }
        rest = text.len();
        Some(Run::Plain(&text[start..]))
    })
}

fn write_mark(html: &mut String, code: u32, count: usize) {
    let times = if count > 1 { format!("×{count}") } else { String::new() };
    let name = name(code);
    // Writing to a String cannot fail.
    let _ = write!(html, r#"<span class="hidden-char" title="{name}">U+{code:04X}{times}</span>"#);
}

/// Writes a text with the characters escaped that mean something in HTML.
pub fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// Whether the character at this place is shown by a mark.
fn is_hidden(text: &str, at: usize, character: char) -> bool {
    if !is_invisible(character) {
        return false;
    }
    let before = text[..at].chars().next_back();
    let after = text[at + character.len_utf8()..].chars().next();
    let is_needed = match character {
        '\u{200D}' => joins_emoji(text, at, after) || is_within_word(before, after),
        '\u{200C}' => is_within_word(before, after),
        '\u{FE00}'..='\u{FE0F}' => before.is_some_and(takes_variation) || is_keycap(before, after),
        '\u{E0020}'..='\u{E007F}' => is_tag_of_flag(text, at),
        _ => false,
    };
    !is_needed
}

fn is_hidden_in_literal(text: &str, at: usize, character: char) -> bool {
    is_lookalike_space(character) || is_hidden(text, at, character)
}

/// Spaces that look like the plain one, or nearly so; prose needs them, code does not.
fn is_lookalike_space(character: char) -> bool {
    matches!(character, '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}')
}

/// A joiner between two parts of one emoji.
fn joins_emoji(text: &str, at: usize, after: Option<char>) -> bool {
    let is_modifier = |it: &char| matches!(*it, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}');
    let before = text[..at].chars().rev().find(|it| !is_modifier(it));
    before.is_some_and(is_pictograph) && after.is_some_and(is_pictograph)
}

fn is_pictograph(character: char) -> bool {
    matches!(character, '\u{A9}' | '\u{AE}' | '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{23FF}' | '\u{25A0}'..='\u{27BF}'
        | '\u{2900}'..='\u{297F}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
}

/// Between two letters of a script in which joiners change how words look.
fn is_within_word(before: Option<char>, after: Option<char>) -> bool {
    let joins = |it: char| {
        matches!(it, '\u{600}'..='\u{61B}' | '\u{620}'..='\u{8FF}' | '\u{900}'..='\u{DFF}' | '\u{F00}'..='\u{FFF}'
            | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17B3}' | '\u{17B6}'..='\u{17FF}' | '\u{1800}'..='\u{180A}'
            | '\u{1810}'..='\u{18AF}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
    };
    before.is_some_and(joins) && after.is_some_and(|it| joins(it) && it.is_alphabetic())
}

/// Symbols and ideographs: letters and digits of the Latin script have no variants.
fn takes_variation(character: char) -> bool {
    is_pictograph(character)
        || matches!(character, '\u{203C}' | '\u{2049}' | '\u{2100}'..='\u{214F}' | '\u{2200}'..='\u{22FF}'
            | '\u{1000}'..='\u{109F}' | '\u{3000}'..='\u{303F}' | '\u{3200}'..='\u{32FF}' | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// `1️⃣`: a digit, the selector, and the key around it.
fn is_keycap(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(|it| it.is_ascii_digit() || it == '#' || it == '*') && after == Some('\u{20E3}')
}

/// A tag of a flag such as 🏴󠁧󠁢󠁳󠁣󠁴󠁿: a black flag, up to six tags, and the tag that ends them.
fn is_tag_of_flag(text: &str, at: usize) -> bool {
    const MAX_TAGS: usize = 7;
    let is_tag = |it: &char| matches!(*it, '\u{E0020}'..='\u{E007E}');
    let mut before = text[..at].chars().rev();
    let tags = before.by_ref().take(MAX_TAGS).take_while(is_tag).count();
    let begins = text[..at].chars().rev().nth(tags) == Some('\u{1F3F4}');
    let mut rest = text[at..].chars();
    let left = rest.by_ref().take(MAX_TAGS).take_while(is_tag).count();
    begins && tags + left < MAX_TAGS && text[at..].chars().nth(left) == Some('\u{E007F}')
}

fn name(code: u32) -> &'static str {
    match code {
        0x00..=0x1F | 0x7F..=0x9F => "control character",
        0xA0 | 0x202F => "no-break space",
        0xAD => "soft hyphen",
        0x1680 | 0x2000..=0x200A | 0x205F => "space of another width",
        0x200B => "zero width space",
        0x200C => "zero width non-joiner",
        0x200D => "zero width joiner",
        0x200E => "left-to-right mark",
        0x200F | 0x61C => "right-to-left mark",
        0x2028 => "line separator",
        0x2029 => "paragraph separator",
        0x202A | 0x202B => "direction embedding",
        0x202C => "end of direction change",
        0x202D => "left-to-right override",
        0x202E => "right-to-left override",
        0x2060 | 0xFEFF => "word joiner",
        0x2066..=0x2069 => "direction isolate",
        0xFE00..=0xFE0F => "variation selector",
        0xE0000..=0xE007F => "tag character",
        _ => "invisible character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut html = String::new();
        write_visible(&mut html, text);
        html
    }

    #[test]
    fn what_is_not_seen_is_shown_by_its_code_point() {
        for (text, mark) in [
            ("rm -rf /home\u{202E} gnp.temp/", "U+202E"),
            ("pay ACME\u{200B} Ltd", "U+200B"),
            ("a\u{2067}b\u{2069}", "U+2067"),
            ("admin\u{AD}", "U+00AD"),
            ("x\u{0}y", "U+0000"),
            ("x\u{1B}[31m", "U+001B"),
            ("pass\u{200D}word", "U+200D"),
            ("a\u{FE0F}b", "U+FE0F"),
            ("tag\u{E0041}", "U+E0041"),
            ("\u{3164}", "U+3164"),
            ("\u{FEFF}bom", "U+FEFF"),
        ] {
            let html = shown(text);
            assert!(html.contains(&format!(">{mark}</span>")), "{text:?}: {html}");
            assert!(!html.chars().any(is_invisible), "{text:?}: {html}");
            assert!(has_hidden(text));
            assert!(visible_plain(text).contains(&format!("[{mark}]")));
        }
    }

    #[test]
    fn what_writing_needs_stays() {
        for text in [
            "plain & simple",
            "line\nand\ttab\r\n",
            "👩‍👩‍👧‍👦 👩🏽‍💻 ❤️ 1️⃣ #️⃣ 🏳️‍🌈",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            "می\u{200C}خواهم",
            "क\u{94D}\u{200D}ष",
            "葛\u{E0100}".trim_end_matches('\u{E0100}'),
            "مرحبا بالعالم",
            "שלום",
        ] {
            assert!(!has_hidden(text), "{text:?}: {}", shown(text));
        }
        assert_eq!(shown("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;");
    }

    #[test]
    fn spaces_that_look_plain_are_marked_in_literals_only() {
        let text = "rm -rf\u{A0}/srv\u{2009}/tmp";
        let mut html = String::new();
        write_literal(&mut html, text);
        assert!(html.contains(">U+00A0</span>") && html.contains(">U+2009</span>"), "{html}");
        assert!(has_hidden_in_literal(text) && !has_hidden(text));
        assert_eq!(shown("1\u{202F}000\u{A0}€"), "1\u{202F}000\u{A0}€");
    }

    #[test]
    fn a_run_of_the_same_character_is_one_mark() {
        let html = shown(&"\u{200B}".repeat(100_000));
        assert!(html.ends_with(">U+200B×100000</span>") && html.len() < 100, "{html}");
    }
}
