//! Markdown as safe HTML. Whatever it is, it can neither run anything nor load anything from
//! another host: raw HTML is shown as text, images are those of the message's attachments, and
//! links to private hosts are shown as addresses.

use std::sync::LazyLock;

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use shared::models::Attachment;

use crate::{attachment, link};

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

/// The HTML of a text that was written in Markdown beside these files.
pub fn html(text: &str, files: &[Attachment]) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut outside = 0_u32; // how deep inside images that are shown as links
    let events = Parser::new_ext(text, options).map(|event| match event {
        // As chats do: a line that ends is a line that ends.
        Event::SoftBreak => Event::HardBreak,
        // Nothing can be ticked here, so there is nothing to focus either.
        Event::TaskListMarker(done) => Event::Text(if done { "☑ " } else { "☐ " }.into()),
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => match attached(&dest_url, files) {
            Some(url) => Event::Start(Tag::Image { link_type, dest_url: url.into(), title, id }),
            None => {
                outside += 1;
                Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title, id })
            }
        },
        Event::End(TagEnd::Image) if outside > 0 => {
            outside -= 1;
            Event::End(TagEnd::Link)
        }
        other => other,
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, link::disarmed(named(events)));
    CLEANER.clean(&html).to_string()
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

/// The URL of the attachment that an image names: by its file name, by its id, or by where either
/// API has it.
fn attached(wanted: &str, files: &[Attachment]) -> Option<String> {
    let plain = percent_encoding::percent_decode_str(wanted).decode_utf8_lossy().into_owned();
    let named = plain.trim_start_matches("./").trim_start_matches("attachment:");
    let by_url = |file: &Attachment| {
        wanted.trim_end_matches("/download").rsplit_once("files/").is_some_and(|(_, id)| id == file.id.to_string())
    };
    let file = files.iter().find(|file| file.filename == named || file.id.to_string() == named || by_url(file))?;
    Some(attachment::path(file.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        html(text, &[]).replace('\n', "")
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
