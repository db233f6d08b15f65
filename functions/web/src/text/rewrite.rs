//! Markdown events as pages show them: nothing that was sent gets lost on the way.
//!
//! - HTML is text; blocks of it keep their lines.
//! - A line that ends is a line that ends, and keeps its indentation.
//! - `__init__.py` and `2*3*4` keep their marks, though Markdown would take them for emphasis; so do
//!   `\\host\share` and `$A_B:$PATH`.
//! - Bare addresses are links. Addresses that may not be links are shown next to their words.
//! - Invisible characters are marked.
//! - Code blocks say what they are; formulas are code.

use std::collections::VecDeque;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Tag, TagEnd};

use super::emphasis::{keeps_backslash, literal_marks};
use super::links::{Part, is_linkable, parts};
use super::visible::{has_hidden, has_hidden_in_literal, write_literal, write_visible};

/// The path of the attachment that an address names, and whether browsers show it as a picture.
pub type Attached<'a> = &'a dyn Fn(&str) -> Option<(String, bool)>;

/// What the events of `source` become.
pub fn rewrite<'a, I>(source: &'a str, events: I, attached: Attached<'a>) -> impl Iterator<Item = Event<'a>>
where
    I: Iterator<Item = (Event<'a>, Range<usize>)>,
{
    let mut rewriter = Rewriter { source, attached, open: vec![], text: String::new(), out: VecDeque::new() };
    let mut events = events;
    std::iter::from_fn(move || {
        loop {
            if let Some(event) = rewriter.out.pop_front() {
                return Some(event);
            }
            match events.next() {
                Some((event, range)) => rewriter.take(event, range),
                None if rewriter.text.is_empty() => return None,
                None => rewriter.flush(),
            }
        }
    })
}

struct Rewriter<'a> {
    source: &'a str,
    attached: Attached<'a>,
    /// What has begun and not ended, outermost first.
    open: Vec<Open<'a>>,
    /// Text that is not written yet: parsers cut it at every character that could mean something.
    text: String,
    out: VecDeque<Event<'a>>,
}

enum Open<'a> {
    /// A paragraph that no other block contains.
    TopParagraph,
    Code,
    Markup,
    Link {
        has_words: bool,
        address: CowStr<'a>,
    },
    /// An address that may be no link: it is written behind the words.
    Words {
        address: CowStr<'a>,
    },
    Picture,
    /// A picture from elsewhere, inside of a link.
    Alternative,
    /// Emphasis that is none: these marks are written instead.
    Marks(&'static str),
    Other,
}

impl<'a> Rewriter<'a> {
    fn take(&mut self, event: Event<'a>, range: Range<usize>) {
        match event {
            Event::Text(text) if !self.is_code() && keeps_backslash(self.source, range.start) => {
                self.text.push('\\');
                self.text.push_str(&text);
            }
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => self.text.push_str(&text),
            Event::TaskListMarker(done) => self.text.push_str(if done { "☑ " } else { "☐ " }),
            Event::Code(code) => self.code(&code),
            Event::InlineMath(formula) if is_formula(&formula) && !self.goes_on(range.end) => self.formula(&formula),
            Event::InlineMath(text) => self.text.push_str(&format!("${text}$")),
            Event::DisplayMath(formula) => self.formula(&formula),
            Event::FootnoteReference(name) => self.raw(|html| {
                html.push_str("<sup>[");
                write_visible(html, &name);
                html.push_str("]</sup>");
            }),
            Event::SoftBreak | Event::HardBreak => self.line_break(range.end),
            Event::Start(tag) => self.start(tag, range),
            Event::End(end) => self.end(end),
            Event::Rule => self.push(Event::Rule),
        }
    }

    fn start(&mut self, tag: Tag<'a>, range: Range<usize>) {
        if matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            && let Some(marks) = literal_marks(self.source, &range)
        {
            self.text.push_str(marks);
            return self.open.push(Open::Marks(marks));
        }
        let open = match tag {
            Tag::HtmlBlock => self.opened(Tag::CodeBlock(CodeBlockKind::Indented), Open::Markup),
            Tag::CodeBlock(kind) => {
                if let CodeBlockKind::Fenced(name) = &kind {
                    self.code_name(name.split([' ', ',', '{']).next().unwrap_or_default());
                }
                self.opened(Tag::CodeBlock(CodeBlockKind::Indented), Open::Code)
            }
            Tag::Link { link_type, dest_url, title, id } if is_linkable(&dest_url) || link_type == LinkType::Email => {
                let address = dest_url.clone();
                self.opened(Tag::Link { link_type, dest_url, title, id }, Open::Link { has_words: false, address })
            }
            Tag::Link { dest_url, .. } => Open::Words { address: dest_url },
            Tag::Image { link_type, dest_url, title, id } => match (self.attached)(&dest_url) {
                Some((path, true)) => {
                    self.has_words();
                    self.opened(Tag::Image { link_type, dest_url: path.into(), title, id }, Open::Picture)
                }
                _ if self.in_link() => Open::Alternative,
                Some((path, false)) => {
                    let link = Tag::Link { link_type: LinkType::Inline, dest_url: path.into(), title, id };
                    self.opened(link, Open::Link { has_words: false, address: dest_url })
                }
                None if is_linkable(&dest_url) => {
                    let address = dest_url.clone();
                    let link = Tag::Link { link_type: LinkType::Inline, dest_url, title, id };
                    self.opened(link, Open::Link { has_words: false, address })
                }
                None => Open::Words { address: dest_url },
            },
            Tag::Paragraph if self.open.is_empty() => self.opened(Tag::Paragraph, Open::TopParagraph),
            tag => self.opened(tag, Open::Other),
        };
        self.open.push(open);
    }

    fn opened(&mut self, tag: Tag<'a>, open: Open<'a>) -> Open<'a> {
        self.push(Event::Start(tag));
        open
    }

    fn end(&mut self, end: TagEnd) {
        self.flush();
        match self.open.pop() {
            Some(Open::Marks(marks)) => self.text.push_str(marks),
            Some(Open::Alternative) => {}
            Some(Open::Markup | Open::Code) => self.push(Event::End(TagEnd::CodeBlock)),
            Some(Open::Link { has_words, address }) => {
                if !has_words {
                    self.push(Event::Text(address));
                }
                self.push(Event::End(TagEnd::Link));
            }
            Some(Open::Words { address }) => {
                self.text.push_str(" (");
                self.raw(|html| {
                    html.push_str(r#"<code class="address">"#);
                    write_visible(html, &address);
                    html.push_str("</code>");
                });
                self.text.push(')');
            }
            Some(Open::Picture) => self.push(Event::End(TagEnd::Image)),
            Some(Open::TopParagraph | Open::Other) | None => self.push(Event::End(end)),
        }
    }

    fn line_break(&mut self, next_line: usize) {
        if self.is_code() {
            return self.text.push('\n');
        }
        self.push(Event::HardBreak);
        // Inside of other blocks the indentation is theirs.
        if matches!(self.open.first(), Some(Open::TopParagraph)) {
            let line = &self.source[next_line..];
            let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
            let columns = blanks.chars().map(|it| if it == '\t' { 4 } else { 1 }).sum::<usize>();
            self.text.push_str(&"\u{A0}".repeat(columns.min(40)));
        }
    }

    fn is_code(&self) -> bool {
        self.open.iter().any(|open| matches!(open, Open::Code | Open::Markup))
    }

    /// Whether a name goes on there: the dollar sign before it belongs to `$A_B:$PATH`.
    fn goes_on(&self, at: usize) -> bool {
        self.source[at..].starts_with(|it: char| it.is_alphanumeric() || matches!(it, '_' | '{'))
    }

    fn in_link(&self) -> bool {
        self.open.iter().any(|open| matches!(open, Open::Link { .. }))
    }

    /// The links that are open have something to press.
    fn has_words(&mut self) {
        for open in &mut self.open {
            if let Open::Link { has_words, .. } = open {
                *has_words = true;
            }
        }
    }

    /// Writes what stands ready, then this.
    fn push(&mut self, event: Event<'a>) {
        self.flush();
        self.out.push_back(event);
    }

    fn raw(&mut self, write: impl FnOnce(&mut String)) {
        let mut html = String::new();
        write(&mut html);
        self.push(Event::InlineHtml(html.into()));
    }

    fn code(&mut self, code: &str) {
        self.has_words();
        self.raw(|html| {
            html.push_str("<code>");
            write_literal(html, code);
            html.push_str("</code>");
        });
    }

    fn formula(&mut self, formula: &str) {
        self.raw(|html| html.push_str(r#"<span class="code-name">LaTeX</span> "#));
        self.code(formula);
    }

    fn code_name(&mut self, name: &str) {
        if !name.is_empty() {
            self.raw(|html| {
                html.push_str(r#"<p class="code-name">"#);
                write_visible(html, name);
                html.push_str("</p>");
            });
        }
    }

    /// Writes the text that was gathered.
    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        self.has_words();
        let is_code = self.is_code();
        // The alternative of a picture is an attribute: it takes no markup.
        if self.open.iter().any(|open| matches!(open, Open::Picture)) {
            let plain = super::visible::visible_plain(&text).into_owned();
            self.out.push_back(Event::Text(plain.into()));
        } else if is_code || self.in_link() {
            self.words(&text);
        } else {
            for part in parts(&text) {
                match part {
                    Part::Text(text) => self.words(text),
                    Part::Link { shown, address } => self.bare_link(shown, address),
                }
            }
        }
    }

    fn bare_link(&mut self, shown: &str, address: String) {
        let empty = || CowStr::Borrowed("");
        let link = Tag::Link { link_type: LinkType::Autolink, dest_url: address.into(), title: empty(), id: empty() };
        self.out.push_back(Event::Start(link));
        self.words(shown);
        self.out.push_back(Event::End(TagEnd::Link));
    }

    fn words(&mut self, text: &str) {
        let is_code = self.is_code();
        let event = if has_hidden(text) || is_code && has_hidden_in_literal(text) {
            let mut html = String::new();
            let write = if is_code { write_literal } else { write_visible };
            write(&mut html, text);
            Event::InlineHtml(html.into())
        } else {
            Event::Text(text.to_owned().into())
        };
        self.out.push_back(event);
    }
}

/// Whether what stands between two dollar signs is a formula and not two prices.
fn is_formula(text: &str) -> bool {
    text.contains(['\\', '^', '_', '{', '=']) && !text.contains("  ")
}
