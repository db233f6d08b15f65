//! Texts that agents and people wrote, as pages show them.
//!
//! - [`markdown`], within its bounds of [`nesting`], with links that lead nowhere private ([`link_safety`])
//! - [`budget`]: what a page may spend on layout; [`format`]: times, sizes and JSON
//! - [`visible`]: characters that a reader cannot see, or that reorder what stands around them
//! - [`excerpt`]: one line that says what a text is about
//! - [`definitions`]: definitions of links that Markdown would hide
//! - [`emphasis`]: marks that look like emphasis and are none
//! - [`json_tree`]: JSON in the order it was sent
//! - [`lookalike`]: letters that look like Latin ones; [`secrets`]: values that look like secrets
//! - [`links`]: addresses that become links
//! - [`rewrite`]: Markdown events as pages show them
//! - [`tags`]: HTML without its tags

pub mod budget;
pub mod definitions;
pub mod emphasis;
pub mod excerpt;
pub mod format;
pub mod json_tree;
pub mod link_safety;
pub mod links;
pub mod lookalike;
pub mod markdown;
pub mod nesting;
pub mod rewrite;
pub mod secrets;
pub mod tags;
pub mod visible;

use std::fmt;

use links::Part;

/// HTML that a template writes as it is.
#[derive(Clone, Debug)]
pub struct Html(pub String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// The most links of a plain text.
const MAX_LINKS: usize = 1_000;

/// A plain text: its addresses are links, its invisible characters are marked.
pub fn plain(text: &str) -> Html {
    let (mut html, mut links) = (String::with_capacity(text.len()), 0);
    for part in links::parts(text) {
        match part {
            Part::Link { shown, address } if links < MAX_LINKS && !link_safety::leads_inside(&address) => {
                links += 1;
                html.push_str("<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=\"");
                visible::write_visible(&mut html, &address);
                html.push_str("\">");
                visible::write_visible(&mut html, shown);
                html.push_str("</a>");
            }
            Part::Text(text) | Part::Link { shown: text, .. } => visible::write_visible(&mut html, text),
        }
    }
    Html(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_is_shown_as_it_is_with_its_links() {
        let html = plain("__init__.py: see https://example.com/?a=1&b=2 or http://127.0.0.1:1/\n  <b>").0;
        assert!(html.starts_with("__init__.py: see <a ") && html.ends_with("\n  &lt;b&gt;"), "{html}");
        assert!(html.contains(r#"href="https://example.com/?a=1&amp;b=2""#) && !html.contains(r#"href="http://127"#));
        assert!(plain("a\u{202E}b").0.contains("U+202E"));
        assert!(plain(&"a@b.example ".repeat(20_000)).0.matches("<a ").count() == MAX_LINKS);
    }
}
