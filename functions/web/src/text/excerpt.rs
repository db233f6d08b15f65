//! One line that says what a text is about, for lists.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;
use shared::invisible::is_invisible;
use shared::models::Message;
use shared::models::message::TextFormat;
use unicode_segmentation::UnicodeSegmentation;

use super::definitions;
use super::emphasis::{keeps_backslash, literal_marks};
use super::tags::{is_html, without_tags};

/// The most characters of an excerpt.
const MAX_CHARS: usize = 140;
/// How much of a text is looked at, in bytes.
const MAX_READ_BYTES: usize = 4 * 1024;

/// Members of a payload that say what is asked, for messages without a text.
const QUESTIONS: [&str; 9] =
    ["title", "question", "prompt", "summary", "message", "label", "subject", "description", "command"];

/// Members that say how something is asked.
const SETTINGS: [&str; 6] = ["mode", "placeholder", "prefill", "plugin", "submitLabel", "dismissLabel"];

/// What a message asks: in its text, else in its review, else the name of its first file.
pub fn of_message(message: &Message) -> String {
    let text = message.text.as_deref().unwrap_or_default();
    let excerpt = match message.format {
        Some(TextFormat::Plain) => of_plain(text),
        Some(TextFormat::Markdown) | None => of_markdown(text),
    };
    let asked = || {
        let payload = message.review.as_ref()?.payload.as_ref()?.value();
        let said = |value: &Value| Some(of_plain(value.as_str()?)).filter(|it| !it.is_empty());
        let question = || QUESTIONS.iter().find_map(|name| said(payload.get(name)?));
        let field = || said(payload.get("fields")?.get(0)?.get("label")?);
        let detail = || {
            payload.as_object()?.iter().find_map(|(name, value)| said(value).filter(|_| !SETTINGS.contains(&&**name)))
        };
        question().or_else(field).or_else(detail)
    };
    let file = || message.attachments.first().map(|file| file.filename.clone());
    Some(excerpt).filter(|it| !it.is_empty()).or_else(asked).or_else(file).unwrap_or_else(|| "(no text)".to_owned())
}

/// The first words of a Markdown text: of its first heading, paragraph or list. Without any, those
/// of a quote, a table, a code block, a picture or an address. Empty when the text has no word.
pub fn of_markdown(text: &str) -> String {
    let beginning = without_front_matter(beginning(text));
    // Deep nesting takes long to parse and says nothing.
    let is_deep =
        beginning.lines().any(|line| line.bytes().filter(|byte| matches!(byte, b'>' | b'[' | b'*')).count() > 100);
    let said = if is_deep { None } else { said(&definitions::kept(beginning, OPTIONS)) };
    said.map_or_else(|| of_word(text), shortened)
}

/// The first line that says something.
pub fn of_plain(text: &str) -> String {
    beginning(text).lines().find_map(says_something).map_or_else(|| of_word(text), shortened)
}

/// A text of much that says nothing: from its first word on.
fn of_word(text: &str) -> String {
    let rest = text.find(is_word).map(|at| &text[at..]).unwrap_or_default();
    beginning(rest).lines().find_map(says_something).map(shortened).unwrap_or_default()
}

/// The text from its first line that is not blank. A mark in front of it would hide what the line is.
fn beginning(text: &str) -> &str {
    let blank = text.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum();
    let text = text[blank..].trim_start_matches(is_invisible);
    &text[..text.floor_char_boundary(MAX_READ_BYTES)]
}

/// The text behind the members between two lines of `---` that documents begin with.
fn without_front_matter(text: &str) -> &str {
    let is_rule = |line: &str| line.trim_end() == "---";
    let is_member = |line: &str| {
        let named = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
        named.is_some_and(|(_, value)| value.starts_with(char::is_whitespace))
    };
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| is_rule(line)) else { return text };
    let mut end = first.len();
    let mut is_inside = false;
    for line in lines {
        end += line.len();
        if is_inside && is_rule(line) {
            return Some(&text[end..]).filter(|rest| rest.contains(is_word)).unwrap_or(text);
        }
        if line.trim().is_empty() || !(is_member(line) || is_inside && line.starts_with([' ', '-', '#'])) {
            break;
        }
        is_inside = true;
    }
    text
}

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES);

/// The line that says best what a text is about.
fn said(text: &str) -> Option<String> {
    let mut found = FirstLines::default();
    let mut marks = vec![];
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        match event {
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough) => {
                marks.push(literal_marks(text, &range).unwrap_or_default());
                found.words.push_str(marks.last().unwrap_or(&""));
            }
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {
                found.words.push_str(marks.pop().unwrap_or_default());
            }
            Event::Text(_) if !found.in_code && keeps_backslash(text, range.start) => {
                found.words.push('\\');
                found.take(event);
            }
            event => found.take(event),
        }
        if found.prose.is_some() {
            break;
        }
    }
    found.end_block();
    [found.prose, found.quote, found.table, found.code, found.picture, found.address].into_iter().flatten().next()
}

/// The first line of each kind, and where in the text the parser is.
#[derive(Default)]
struct FirstLines {
    prose: Option<String>,
    quote: Option<String>,
    table: Option<String>,
    code: Option<String>,
    picture: Option<String>,
    address: Option<String>,
    /// What the open block says so far.
    words: String,
    quotes: usize,
    in_table: bool,
    in_code: bool,
    pictures: usize,
}

impl FirstLines {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) if self.pictures > 0 => keep(&mut self.picture, &text),
            Event::Text(text) if self.in_code => keep(&mut self.code, &text),
            Event::Text(text) | Event::Code(text) => self.words.push_str(&text),
            Event::Html(text) => self.words.push_str(&text),
            Event::InlineHtml(text) => self.words.push_str(&without_tags(&text, is_html)),
            Event::SoftBreak | Event::HardBreak => self.end_block(),
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Link { dest_url, .. } => return keep(&mut self.address, &dest_url),
            Tag::Image { dest_url, .. } => {
                self.pictures += 1;
                return keep(&mut self.address, &dest_url);
            }
            Tag::TableHead | Tag::TableRow | Tag::TableCell => return,
            _ => self.end_block(),
        }
        match tag {
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => self.quotes += 1,
            Tag::Table(_) => self.in_table = true,
            Tag::CodeBlock(_) => self.in_code = true,
            _ => {}
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Link => return,
            TagEnd::Image => return self.pictures -= 1,
            TagEnd::TableCell if self.words.ends_with(SEPARATOR) || self.words.trim().is_empty() => return,
            TagEnd::TableCell => return self.words.push_str(SEPARATOR),
            TagEnd::HtmlBlock => self.end_markup(),
            _ => self.end_block(),
        }
        match end {
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => self.quotes -= 1,
            TagEnd::Table => self.in_table = false,
            TagEnd::CodeBlock => self.in_code = false,
            _ => {}
        }
    }

    /// Keeps what the block says under its kind.
    fn end_block(&mut self) {
        let place = match self {
            Self { in_table: true, .. } => &mut self.table,
            Self { quotes: 1.., .. } => &mut self.quote,
            _ => &mut self.prose,
        };
        keep(place, self.words.trim_end_matches(SEPARATOR));
        self.words.clear();
    }

    /// HTML says what it says without its tags; of other markup the first line is code.
    fn end_markup(&mut self) {
        let markup = std::mem::take(&mut self.words);
        let words = without_tags(&markup, is_html);
        if words.contains('<') {
            keep(&mut self.code, &without_tags(&markup, |_| true));
        } else {
            self.words = words.lines().find_map(says_something).unwrap_or_default();
            self.end_block();
        }
        keep(&mut self.code, markup.trim_matches(|it| "<>!-?/ \n".contains(it)));
    }
}

/// Between the cells of a table.
const SEPARATOR: &str = " · ";

/// The first line that says something is kept.
fn keep(place: &mut Option<String>, text: &str) {
    if place.is_none() {
        *place = text.lines().find_map(says_something);
    }
}

/// The line with its blanks folded, if there is a word in it.
fn says_something(line: &str) -> Option<String> {
    line.contains(is_word).then(|| line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A letter, a digit or a picture.
fn is_word(character: char) -> bool {
    (character.is_alphanumeric() || u32::from(character) > 0x2100) && !is_invisible(character)
}

/// The line, cut between two characters as people see them.
fn shortened(line: String) -> String {
    if line.chars().nth(MAX_CHARS).is_none() {
        return line;
    }
    let mut chars = 0;
    let fits = |piece: &&str| {
        chars += piece.chars().count();
        chars <= MAX_CHARS
    };
    let whole: String = line.graphemes(true).take_while(fits).collect();
    let cut = if whole.is_empty() { line.chars().take(MAX_CHARS).collect() } else { whole };
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests;
