//! HTML without its tags, for lists.

/// Elements that stand inside of a line.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "big", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strike", "strong", "sub", "sup", "tt", "u", "var",
];
/// Elements that are a line of their own, or more.
const BLOCKS: &[&str] = &[
    "article",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "img",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "picture",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

pub fn is_html(name: &str) -> bool {
    is_inline(name) || BLOCKS.contains(&name)
}

fn is_inline(name: &str) -> bool {
    INLINE.contains(&name)
}

/// The text without the tags that `is_tag` takes, and without comments. Other tags stay as they are.
pub fn without_tags(html: &str, is_tag: impl Fn(&str) -> bool) -> String {
    let (mut text, mut rest) = (String::with_capacity(html.len()), html);
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (tag, behind) = rest.split_at(end_of_tag(rest));
        let name = tag.trim_start_matches(['<', '/']);
        let name = name[..name.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(name.len())].to_ascii_lowercase();
        match tag {
            _ if tag.starts_with("<!--") => {}
            _ if is_inline(&name) && is_tag(&name) => {}
            _ if !name.is_empty() && is_tag(&name) => text.push(' '),
            _ => text.push_str(tag),
        }
        rest = behind;
    }
    text + rest
}

/// Where the tag or the comment ends that the text begins with: behind a `>` outside of quotes.
fn end_of_tag(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, character) in text.char_indices().skip(1) {
        match (quote, character) {
            (None, '>') => return at + 1,
            (None, '<') => return at,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    text.len()
}
