//! Markdown as safe HTML. Whatever it is, it can neither run anything nor load anything from
//! another host: raw HTML is shown as text, images are those of the message's attachments, and
//! links to private hosts are shown as addresses.
//!
//! What takes long to lay out is shown as plain text. The bounds are on the text and on what comes
//! out of it, not on the time, so that a text always looks the same.

use std::fmt;
use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag};
use shared::models::Attachment;

use crate::files::{download_path, kind};
use crate::text::budget::Budget;
use crate::text::rewrite::rewrite;
use crate::text::{Html, definitions, links, plain};
use crate::text::{link_safety, nesting};

/// The longest text that is laid out, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting, of blocks and of what is in them.
const MAX_DEPTH: usize = 64;
/// The most pieces that a text may consist of.
const MAX_EVENTS: usize = 32 * 1024;
/// The most characters that HTML writes as entities. The time that it takes to clean one text with
/// many of them grows with their square.
const MAX_ENTITIES: usize = 8 * 1024;
/// The largest HTML of a text, in bytes.
const MAX_HTML_BYTES: usize = 256 * 1024;

/// A text as it is shown.
#[derive(Debug)]
pub enum Text {
    /// HTML that is safe.
    Html(String),
    /// The text as it was sent, and why it is not laid out.
    Plain { text: String, why: Why },
    /// The text as it was sent, whose sender wants that.
    AsSent(Html),
}

/// Why a text is shown as plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    TooLong,
    TooDeep,
    TooMuch,
    PageTooLarge,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 64 KB",
            Self::TooDeep => "it is nested more than 64 levels deep",
            Self::TooMuch => "it would take too long to lay out",
            Self::PageTooLarge => "there is too much on this page to lay out",
        })
    }
}

impl Text {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Html(html) | Self::AsSent(Html(html)) if html.is_empty())
    }

    /// Whether it shows this picture.
    pub fn shows(&self, path: &str) -> bool {
        matches!(self, Self::Html(html) if html.contains(&format!("src=\"{path}\"")))
    }
}

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tag_attributes("img", ["loading"])
        .add_tag_attribute_values("td", "align", ["left", "center", "right"])
        .url_schemes(links::schemes().collect())
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .add_allowed_classes("code", ["address"])
        .add_allowed_classes("p", ["code-name"])
        .add_allowed_classes("span", ["code-name", "hidden-char"])
        .add_tag_attributes("span", ["title"])
        // The links that are left were checked before; this is the address as it leaves.
        .attribute_filter(|_, name, value| {
            (name != "href" || !link_safety::leads_inside(value)).then_some(value.into())
        });
    // Each text has a direction of its own.
    for tag in ["p", "li", "blockquote", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"] {
        cleaner.set_tag_attribute_value(tag, "dir", "auto");
    }
    cleaner
});

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_MATH);

/// A text that its sender calls plain.
pub fn as_sent(text: String, budget: &mut Budget) -> Text {
    let html = plain(&text);
    if budget.takes(html.0.len()) { Text::AsSent(html) } else { Text::Plain { text, why: Why::PageTooLarge } }
}

/// A text in Markdown, and the files of its message.
pub fn lay_out(text: String, files: &[Attachment], budget: &mut Budget) -> Text {
    match html(&text, files, budget) {
        Ok(html) => Text::Html(html),
        Err(why) => Text::Plain { text, why },
    }
}

fn html(text: &str, files: &[Attachment], budget: &mut Budget) -> Result<String, Why> {
    if text.len() > MAX_BYTES {
        return Err(Why::TooLong);
    }
    if nesting::exceeds(text, MAX_DEPTH) {
        return Err(Why::TooDeep);
    }
    if budget.is_late() {
        return Err(Why::PageTooLarge);
    }
    let text = &*definitions::kept(text, OPTIONS);
    let (mut html, mut work) = (String::new(), Work::default());
    let files: Vec<(String, &Attachment)> = files.iter().map(|file| (file.id.to_string(), file)).collect();
    let attached = |wanted: &str| attached(wanted, &files);
    let parsed = Parser::new_ext(text, OPTIONS).into_offset_iter();
    let parsed = parsed.map_while(|(event, range)| work.admit(event).map(|event| (event, range)));
    pulldown_cmark::html::push_html(&mut html, link_safety::disarmed(rewrite(text, parsed, &attached)));
    if let Some(why) = work.refused {
        return Err(why);
    }
    if html.len() > MAX_HTML_BYTES {
        return Err(Why::TooMuch);
    }
    if !budget.takes(html.len()) {
        return Err(Why::PageTooLarge);
    }
    // Alignment as an attribute: the pages' policy takes no styles.
    for side in ["left", "center", "right"] {
        html = html.replace(&format!(" style=\"text-align: {side}\""), &format!(" align=\"{side}\""));
    }
    Ok(CLEANER.clean(&html).to_string())
}

/// What a text has come to so far.
#[derive(Default)]
struct Work {
    events: usize,
    depth: usize,
    entities: usize,
    bytes: usize,
    refused: Option<Why>,
}

impl Work {
    /// The event, unless it is one too many.
    fn admit<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        self.events += 1;
        match &event {
            Event::Start(tag) => {
                self.depth += 1;
                if let Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. } = tag {
                    self.bytes += dest_url.len() + title.len();
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.bytes += text.len();
                self.entities += text.bytes().filter(|byte| matches!(byte, b'&' | b'<' | b'>')).count();
            }
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            self.refused = Some(Why::TooDeep);
        } else if self.events > MAX_EVENTS || self.entities > MAX_ENTITIES || self.bytes > MAX_HTML_BYTES {
            self.refused = Some(Why::TooMuch);
        }
        self.refused.is_none().then_some(event)
    }
}

/// The URL of the attachment that an image names, by its file name, by its id, or by where either
/// API has it; and whether browsers show it as a picture.
fn attached(wanted: &str, files: &[(String, &Attachment)]) -> Option<(String, bool)> {
    let plain = percent_encoding::percent_decode_str(wanted).decode_utf8_lossy().into_owned();
    let named = plain.trim_start_matches("./").trim_start_matches("attachment:");
    let by_url = wanted.trim_end_matches("/download").rsplit_once("files/").map(|(_, id)| id);
    let is_named =
        |(id, file): &&(String, &Attachment)| file.filename == named || id == named || Some(id.as_str()) == by_url;
    let (id, file) = files.iter().find(is_named)?;
    Some((download_path(id), kind::is_picture(file)))
}

#[cfg(test)]
mod tests;
