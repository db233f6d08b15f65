//! One line that says what a text is about, for lists.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use shared::models::Message;
use shared::models::message::TextFormat;

/// The most characters of an excerpt.
const MAX_CHARS: usize = 140;
/// How much of a text is looked at, in bytes.
const LOOKED_AT: usize = 4 * 1024;

/// Members of a payload that say what is asked, for messages without a text.
const QUESTIONS: [&str; 6] = ["title", "question", "prompt", "summary", "message", "label"];

/// What a message asks: in its text, else in its review, else the name of its first file.
pub fn of_message(message: &Message) -> String {
    let text = message.text.as_deref().unwrap_or_default();
    let excerpt = match message.format {
        Some(TextFormat::Plain) => of_plain(text),
        Some(TextFormat::Markdown) | None => of_markdown(text),
    };
    let asked = || {
        let payload = message.review.as_ref()?.payload.as_ref()?.value();
        QUESTIONS.iter().find_map(|name| Some(of_plain(payload.get(name)?.as_str()?)).filter(|it| !it.is_empty()))
    };
    let file = || message.attachments.first().map(|file| file.filename.clone());
    Some(excerpt).filter(|it| !it.is_empty()).or_else(asked).or_else(file).unwrap_or_else(|| "(no text)".to_owned())
}

/// The first words of a Markdown text: of its first heading, paragraph, list or table. A text that
/// consists of code or markup alone is represented by its first line. Empty when it says nothing.
pub fn of_markdown(text: &str) -> String {
    let text = beginning(text);
    // Deep nesting takes long to parse and says nothing.
    let is_deep = text.lines().any(|line| line.bytes().filter(|byte| matches!(byte, b'>' | b'[' | b'*')).count() > 100);
    if is_deep {
        return of_plain(text);
    }
    let (mut words, mut code, mut in_code) = (String::new(), None, false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if in_code => code = code.or_else(|| says_something(&text)),
            Event::Html(text) => code = code.or_else(|| says_something(&without_tags(&text))),
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak if says_something(&words).is_some() => break,
            Event::End(TagEnd::TableCell) => words.push_str(" · "),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableHead) => {
                if says_something(&words).is_some() {
                    break;
                }
                words.clear();
            }
            _ => {}
        }
        if words.len() > LOOKED_AT / 2 {
            break;
        }
    }
    says_something(words.trim_end_matches(" · ")).or(code).map(shortened).unwrap_or_default()
}

/// The first line that says something.
pub fn of_plain(text: &str) -> String {
    beginning(text).lines().find_map(says_something).map(shortened).unwrap_or_default()
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOOKED_AT)]
}

/// The first line with a letter, a digit or a picture in it, its blanks folded.
fn says_something(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.chars().any(|it| it.is_alphanumeric() || u32::from(it) > 0x2100))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn without_tags(html: &str) -> String {
    let (mut text, mut in_tag) = (String::new(), false);
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => (in_tag, text) = (false, text + " "),
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    text
}

fn shortened(line: String) -> String {
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_asked_whatever_the_text_begins_with() {
        for (text, excerpt) in [
            ("May I deploy?\nMore.", "May I deploy?"),
            ("# **Deploy** `web` now?\n\ntext", "Deploy web now?"),
            ("```sh\nrm -rf build\n```", "rm -rf build"),
            ("```sh\nrm -rf build\n```\n\nRun this?", "Run this?"),
            ("~~~mermaid\ngraph TD; A-->B\n~~~", "graph TD; A-->B"),
            ("---\n\n> quoted *words*\n", "quoted words"),
            ("1. first\n2. second", "first"),
            ("| Env | Tag |\n|--|--|\n| prod | 3 |", "Env · Tag"),
            ("<h1>Deploy?</h1>\n<p>x</p>", "Deploy?"),
            ("![](https://e.example/a.png)\n\nLook at this", "Look at this"),
            ("[ ](x)\n\n***\n\nthen this", "then this"),
            ("    indented code", "indented code"),
            ("\n\n   \n", ""),
            ("", ""),
            ("🚀", "🚀"),
            ("Deploy <b>v2</b>?", "Deploy <b>v2</b>?"),
            ("a_b_c and 2 * 3", "a_b_c and 2 * 3"),
        ] {
            assert_eq!(of_markdown(text), excerpt, "{text:?}");
        }
        assert_eq!(of_plain("\n__init__.py changed\nx"), "__init__.py changed");
    }

    #[test]
    fn it_is_short_and_soon_there_whatever_the_text() {
        for text in
            [">".repeat(200_000), "[".repeat(200_000), "*a ".repeat(70_000), "é".repeat(200_000), "`".repeat(9_999)]
        {
            assert!(of_markdown(&text).chars().count() <= MAX_CHARS + 1);
        }
    }
}
