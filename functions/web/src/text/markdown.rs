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
        // The links that are left were judged before; this is the address as it leaves.
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

/// A text that was written in Markdown beside these files.
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
mod tests {
    use std::time::Duration;

    use cpu_time::ThreadTime;

    use super::*;

    fn shown(text: &str) -> String {
        html(text, &[], &mut Budget::default()).unwrap_or_default().replace('\n', "")
    }

    /// On a processor, whatever else the machine does; in the unoptimised build.
    const MAX_TIME: Duration = Duration::from_millis(1_500);

    #[test]
    fn no_text_takes_long_to_lay_out() {
        for unit in [
            "&",
            "&copy",
            "&amp;",
            "*_",
            "<",
            "a\\\n",
            "**a** ",
            "- &\n",
            "\\*",
            "\\\\",
            "[a](b) ",
            "[a]: b\n",
            "[a]: b\n\n[a] ",
            "> [a]: b\n\n",
            "[^1]: ",
            "a|b\n-|-\n",
            "> ",
            "1. ",
            ">",
        ] {
            for length in [20_000, 30_000, MAX_BYTES, 200_000] {
                let text = unit.repeat(length / unit.len());
                let began = ThreadTime::now();
                let laid_out = lay_out(text, &[], &mut Budget::default());
                let took = began.elapsed();
                assert!(took < MAX_TIME, "{unit}, {length} bytes: {took:?}");
                let plain = matches!(laid_out, Text::Plain { .. });
                assert!(plain || length <= MAX_BYTES, "{unit}, {length} bytes");
            }
        }
    }

    #[test]
    fn definitions_take_no_longer() {
        let definition = |n: usize| format!("[a{n}]: b\n");
        let used = (0..3_000).map(|n| format!("{}\n[a{n}] ", definition(n))).collect::<String>();
        let unused = (0..6_000).map(definition).collect::<String>();
        let one_of_many = unused.clone() + &"[a5]".repeat(1_000);
        for text in [used, unused, one_of_many, "[a]: b\n".repeat(4_000) + &"[a]".repeat(10_000)] {
            let began = ThreadTime::now();
            lay_out(text, &[], &mut Budget::default());
            assert!(began.elapsed() < MAX_TIME, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn a_text_that_is_not_laid_out_says_why() {
        let why = |text: String| match lay_out(text, &[], &mut Budget::default()) {
            Text::Plain { why, .. } => Some(why),
            Text::Html(_) | Text::AsSent(_) => None,
        };
        assert_eq!(why("a ".repeat(MAX_BYTES / 2)), None);
        assert_eq!(why("a ".repeat(MAX_BYTES / 2 + 1)), Some(Why::TooLong));
        assert_eq!(why(">".repeat(MAX_DEPTH) + "a"), Some(Why::TooDeep), "the paragraph is one level more");
        assert_eq!(why(">".repeat(MAX_DEPTH - 1) + "a"), None);
        assert_eq!(why("*a ".repeat(100) + &" b*".repeat(100)), Some(Why::TooDeep));
        assert_eq!(why("&".repeat(MAX_ENTITIES + 1)), Some(Why::TooMuch));
        assert_eq!(why("[a]: b\n\n".to_owned() + &"[a] ".repeat(12_000)), Some(Why::TooMuch));
    }

    #[test]
    fn text_is_laid_out() {
        assert_eq!(shown("a\nb"), r#"<p dir="auto">a<br>b</p>"#);
        assert!(shown("| a |\n|:-:|\n| 1 |").contains("<table>"));
        let tasks = r#"<ul><li dir="auto">☑ done</li><li dir="auto">☐ not</li></ul>"#;
        assert_eq!(shown("- [x] done\n- [ ] not"), tasks);
        assert!(shown("```rust\nfn a() {}\n```").contains("<pre><code>"));
    }

    #[test]
    fn nothing_that_was_sent_is_lost() {
        for (text, html) in [
            ("Changed __init__.py and 2*3*4", "Changed __init__.py and 2*3*4"),
            ("a __bold__ word, **strong**", "a <strong>bold</strong> word, <strong>strong</strong>"),
            ("spec:\n  replicas: 3", "spec:<br>&nbsp;&nbsp;replicas: 3"),
            ("see www.example.com now", r#"<a href="https://www.example.com" target="_blank""#),
            ("[doc](docs/x.md)", r#"doc (<code class="address">docs/x.md</code>)"#),
            ("[call](tel:+491234)", r#"<a href="tel:+491234""#),
            ("[x](javascript:alert)", r#"x (<code class="address">javascript:alert</code>)"#),
            (
                "[![alt](https://e.example/a.png)](https://e.example/b)",
                r#"<a href="https://e.example/b" target="_blank""#,
            ),
            ("x[^1]\n\n[^1]: note", "x<sup>[1]</sup>"),
            ("costs $5 and $6", "costs $5 and $6"),
            ("PATH=$GO_BIN:$PATH", "PATH=$GO_BIN:$PATH"),
            ("${A_B}/${C}", "${A_B}/${C}"),
            ("src/**/*.rs, test/**/*.ts and a/*b*/c", "src/**/*.rs, test/**/*.ts and a/*b*/c"),
            ("~100~200 and ~5~", "~100~200 and ~5~"),
            ("~~old~~ *new*", "<del>old</del> <em>new</em>"),
            (r"C:\_build\*.txt, 2\*3 and snake\_case", r"C:\_build\*.txt, 2*3 and snake_case"),
            (r"\\host\share and \*", r"\\host\share and *"),
            ("[INFO]: started\n[WARN]: slow", "[INFO]: started<br>[WARN]: slow"),
            ("$$\\frac{a}{b}$$", r#"<span class="code-name">LaTeX</span> <code>\frac{a}{b}</code>"#),
            ("```mermaid\ngraph TD\n```", r#"<p class="code-name" dir="auto">mermaid</p>"#),
            ("pay ACME\u{200B} Ltd", ">U+200B</span> Ltd"),
            ("`a\u{202E}b`", ">U+202E</span>b</code>"),
        ] {
            assert!(shown(text).contains(html), "{text}: {}", shown(text));
        }
        let xml = html("<config>\n  <port>80</port>\n</config>", &[], &mut Budget::default()).unwrap_or_default();
        assert!(xml.contains("&lt;config&gt;\n  &lt;port&gt;80&lt;/port&gt;\n&lt;/config&gt;"), "{xml}");
        assert!(shown("|a|b|\n|:-|-:|\n|1|2|").contains(r#"<td align="right" dir="auto">2</td>"#));
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
            format!("<p dir=\"auto\"><strong>the</strong> preview {address} here</p>")
        );
        assert_eq!(shown(&format!("<{local}>")), format!("<p dir=\"auto\">{address}</p>"));
        assert_eq!(
            shown("[http://localhost/a](http://localhost/a)"),
            format!("<p dir=\"auto\">{}</p>", code("http://localhost/a"))
        );
        assert_eq!(shown(&format!("[x][1] [y](https://example.com)\n\n[1]: {local}")).matches("<a ").count(), 1);
        assert_eq!(shown(&format!("![]({local})")), format!("<p dir=\"auto\">{address}</p>"));
        assert_eq!(shown(&format!("![chart]({local})")), format!("<p dir=\"auto\">chart {address}</p>"));
        assert_eq!(shown(&format!("[![chart](https://example.com/a.png)]({local})")).matches("127.0.0.1").count(), 1);
        for entities in ["[x](http&colon;//127.0.0.1)", "[x](http://127&#46;0.0.1)", "[x](//localhost)"] {
            assert!(!shown(entities).contains("<a "), "{entities}: {}", shown(entities));
        }
        // What an agent writes as HTML stays text.
        assert!(shown(r#"<code class="address">x</code>"#).starts_with("<p dir=\"auto\">&lt;code"));
    }

    #[test]
    fn an_image_from_elsewhere_becomes_a_link() {
        let html = shown("![](https://example.com/a.png)");
        assert!(html.contains(">https://example.com/a.png</a>"), "{html}");
        assert!(shown("![chart](https://example.com/a.png)").contains(">chart</a>"));
        assert!(shown("[words](https://example.com)").contains(">words</a>"));
    }
}
