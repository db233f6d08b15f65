//! Markdown as safe HTML. Whatever it is, it can neither run anything nor load anything from
//! another host: raw HTML is shown as text, and images are those of the message's attachments.

use std::sync::LazyLock;

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use shared::models::Attachment;

use crate::attachment;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tag_attributes("img", ["loading"])
        .add_tag_attribute_values("td", "align", ["left", "center", "right"])
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank");
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
            Some(file) if attachment::is_picture(file) => {
                let dest_url = attachment::path(file.id).into();
                Event::Start(Tag::Image { link_type, dest_url, title, id })
            }
            // Not a picture, or one that browsers do not show.
            found => {
                let dest_url = found.map_or(dest_url, |file| attachment::path(file.id).into());
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
    pulldown_cmark::html::push_html(&mut html, named(events));
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

/// The attachment that an image names: by its file name, by its id, or by where either
/// API has it.
fn attached<'a>(wanted: &str, files: &'a [Attachment]) -> Option<&'a Attachment> {
    let plain = percent_encoding::percent_decode_str(wanted).decode_utf8_lossy().into_owned();
    let named = plain.trim_start_matches("./").trim_start_matches("attachment:");
    let by_url = |file: &Attachment| {
        wanted.trim_end_matches("/download").rsplit_once("files/").is_some_and(|(_, id)| id == file.id.to_string())
    };
    files.iter().find(|file| file.filename == named || file.id.to_string() == named || by_url(file))
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
    fn an_image_from_elsewhere_becomes_a_link() {
        let html = shown("![](https://example.com/a.png)");
        assert!(html.contains(">https://example.com/a.png</a>"), "{html}");
        assert!(shown("![chart](https://example.com/a.png)").contains(">chart</a>"));
        assert!(shown("[words](https://example.com)").contains(">words</a>"));
    }
}
