//! Markdown as safe HTML. Whatever it is, it can neither run anything nor load anything from
//! another host: raw HTML is shown as text, images are those of the message's attachments, and
//! links to private hosts are shown as addresses.
//!
//! What takes long to lay out is shown as plain text. The bounds are on the text and on what comes
//! out of it, not on the time, so that a text always looks the same.

use std::fmt;
use std::sync::LazyLock;

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use shared::models::Attachment;

use crate::budget::Budget;
use crate::{attachment, link, nesting};

/// The longest text that is laid out, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// The deepest nesting, of blocks and of what is in them.
const MOST_DEPTH: usize = 64;
/// The most pieces that a text may consist of.
const MOST_EVENTS: usize = 32 * 1024;
/// The most characters that HTML writes as entities. The time that it takes to clean one text with
/// many of them grows with their square.
const MOST_ENTITIES: usize = 8 * 1024;
/// The largest HTML of a text, in bytes.
const MOST_HTML: usize = 256 * 1024;

/// A text as it is shown.
#[derive(Debug)]
pub enum Text {
    /// HTML that is safe.
    Html(String),
    /// The text as it was sent, and why it is not laid out.
    Plain { text: String, why: Why },
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
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Html(html) if html.is_empty())
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
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .add_allowed_classes("code", ["address"])
        // The links that are left were judged before; this is the address as it leaves.
        .attribute_filter(|_, name, value| (name != "href" || !link::leads_inside(value)).then_some(value.into()));
    cleaner
});

/// A text that was written in Markdown beside these files.
pub fn lay_out(text: String, files: &[Attachment], budget: &mut Budget) -> Text {
    match html(&text, files, budget) {
        Ok(html) => Text::Html(html),
        Err(why) => Text::Plain { text, why },
    }
}

fn html(text: &str, files: &[Attachment], budget: &mut Budget) -> Result<String, Why> {
    if text.len() > MOST_BYTES {
        return Err(Why::TooLong);
    }
    if nesting::exceeds(text, MOST_DEPTH) {
        return Err(Why::TooDeep);
    }
    if budget.is_late() {
        return Err(Why::PageTooLarge);
    }
    let (mut html, mut work) = (String::new(), Work::default());
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let parsed = Parser::new_ext(text, options).map_while(|event| work.admit(event));
    pulldown_cmark::html::push_html(&mut html, link::disarmed(named(rewritten(parsed, files))));
    if let Some(why) = work.refused {
        return Err(why);
    }
    if html.len() > MOST_HTML {
        return Err(Why::TooMuch);
    }
    if !budget.takes(html.len()) {
        return Err(Why::PageTooLarge);
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
        if self.depth > MOST_DEPTH {
            self.refused = Some(Why::TooDeep);
        } else if self.events > MOST_EVENTS || self.entities > MOST_ENTITIES || self.bytes > MOST_HTML {
            self.refused = Some(Why::TooMuch);
        }
        self.refused.is_none().then_some(event)
    }
}

/// The events as a page shows them.
fn rewritten<'a>(events: impl Iterator<Item = Event<'a>>, files: &[Attachment]) -> impl Iterator<Item = Event<'a>> {
    let files: Vec<(String, &Attachment)> = files.iter().map(|file| (file.id.to_string(), file)).collect();
    let mut outside = 0_u32; // how deep inside images that are shown as links
    events.map(move |event| match event {
        // As chats do: a line that ends is a line that ends.
        Event::SoftBreak => Event::HardBreak,
        // Nothing can be ticked here, so there is nothing to focus either.
        Event::TaskListMarker(done) => Event::Text(if done { "☑ " } else { "☐ " }.into()),
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => match attached(&dest_url, &files) {
            Some((file, true)) => Event::Start(Tag::Image { link_type, dest_url: file.into(), title, id }),
            // Not a picture, or one that browsers do not show.
            found => {
                let dest_url = found.map_or(dest_url, |(file, _)| file.into());
                outside += 1;
                Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id })
            }
        },
        Event::End(TagEnd::Image) if outside > 0 => {
            outside -= 1;
            Event::End(TagEnd::Link)
        }
        other => other,
    })
}

/// An image that became a link and has no words shows its address.
fn named<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut open: Option<CowStr<'a>> = None;
    events.flat_map(move |event| {
        let mut said = None;
        match &event {
            Event::Start(Tag::Link { dest_url, .. }) => open = Some(dest_url.clone()),
            Event::End(TagEnd::Link) => said = open.take().map(Event::Text),
            _ => open = None,
        }
        said.into_iter().chain(std::iter::once(event))
    })
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
    Some((attachment::path(id), attachment::is_picture(file)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cpu_time::ThreadTime;

    use super::*;

    fn shown(text: &str) -> String {
        html(text, &[], &mut Budget::default()).unwrap_or_default().replace('\n', "")
    }

    /// On a processor, whatever else the machine does; in the unoptimised build.
    const MOST_TIME: Duration = Duration::from_millis(1_500);

    #[test]
    fn no_text_takes_long_to_lay_out() {
        for unit in
            ["&", "&copy", "&amp;", "*_", "<", "a\\\n", "**a** ", "- &\n", "[a](b) ", "a|b\n-|-\n", "> ", "1. ", ">"]
        {
            for length in [20_000, 30_000, MOST_BYTES, 200_000] {
                let text = unit.repeat(length / unit.len());
                let began = ThreadTime::now();
                let laid_out = lay_out(text, &[], &mut Budget::default());
                let took = began.elapsed();
                assert!(took < MOST_TIME, "{unit}, {length} bytes: {took:?}");
                let plain = matches!(laid_out, Text::Plain { .. });
                assert!(plain || length <= MOST_BYTES, "{unit}, {length} bytes");
            }
        }
    }

    #[test]
    fn a_text_that_is_not_laid_out_says_why() {
        let why = |text: String| match lay_out(text, &[], &mut Budget::default()) {
            Text::Plain { why, .. } => Some(why),
            Text::Html(_) => None,
        };
        assert_eq!(why("a ".repeat(MOST_BYTES / 2)), None);
        assert_eq!(why("a ".repeat(MOST_BYTES / 2 + 1)), Some(Why::TooLong));
        assert_eq!(why(">".repeat(MOST_DEPTH) + "a"), Some(Why::TooDeep), "the paragraph is one level more");
        assert_eq!(why(">".repeat(MOST_DEPTH - 1) + "a"), None);
        assert_eq!(why("*a ".repeat(100) + &" b*".repeat(100)), Some(Why::TooDeep));
        assert_eq!(why("&".repeat(MOST_ENTITIES + 1)), Some(Why::TooMuch));
        assert_eq!(why("[a]: b\n\n".to_owned() + &"[a] ".repeat(12_000)), Some(Why::TooMuch));
    }

    #[test]
    fn text_is_laid_out() {
        assert_eq!(shown("a\nb"), "<p>a<br>b</p>");
        assert!(shown("| a |\n|:-:|\n| 1 |").contains("<table>"));
        assert_eq!(shown("- [x] done\n- [ ] not"), "<ul><li>☑ done</li><li>☐ not</li></ul>");
        assert!(shown("```rust\nfn a() {}\n```").contains("<pre><code>"));
    }

    #[test]
    fn nothing_runs_and_nothing_is_loaded() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "![x](https://evil.example/pixel.png)",
            "<iframe src=//evil.example></iframe>",
            "[x](data:text/html,<script>alert(1)</script>)",
            "<svg onload=alert(1)>",
        ] {
            let html = shown(hostile);
            for forbidden in ["<script", "<img", "<iframe", "<svg", "href=\"javascript", "href=\"data"] {
                assert!(!html.contains(forbidden), "{hostile}: {html}");
            }
        }
    }

    #[test]
    fn a_link_to_a_private_host_is_shown_as_its_address() {
        let code = |address: &str| format!("<code class=\"address\">{address}</code>");
        let local = "http://127.0.0.1:3991/a?b&c";
        let address = code("http://127.0.0.1:3991/a?b&amp;c");
        assert_eq!(
            shown(&format!("[**the** preview]({local}) here")),
            format!("<p><strong>the</strong> preview {address} here</p>")
        );
        assert_eq!(shown(&format!("<{local}>")), format!("<p>{address}</p>"));
        assert_eq!(shown("[http://localhost/a](http://localhost/a)"), format!("<p>{}</p>", code("http://localhost/a")));
        assert_eq!(shown(&format!("[x][1] [y](https://example.com)\n\n[1]: {local}")).matches("<a ").count(), 1);
        assert_eq!(shown(&format!("![]({local})")), format!("<p>{address}</p>"));
        assert_eq!(shown(&format!("![chart]({local})")), format!("<p>chart {address}</p>"));
        assert_eq!(shown(&format!("[![chart](https://example.com/a.png)]({local})")).matches("127.0.0.1").count(), 1);
        for entities in ["[x](http&colon;//127.0.0.1)", "[x](http://127&#46;0.0.1)", "[x](//localhost)"] {
            assert!(!shown(entities).contains("<a "), "{entities}: {}", shown(entities));
        }
        // What an agent writes as HTML stays text.
        assert!(shown(r#"<code class="address">x</code>"#).starts_with("<p>&lt;code"));
    }

    #[test]
    fn an_image_from_elsewhere_becomes_a_link() {
        let html = shown("![](https://example.com/a.png)");
        assert!(html.contains(">https://example.com/a.png</a>"), "{html}");
        assert!(shown("![chart](https://example.com/a.png)").contains(">chart</a>"));
        assert!(shown("[words](https://example.com)").contains(">words</a>"));
    }
}
