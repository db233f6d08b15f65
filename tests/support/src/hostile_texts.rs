//! Texts that are expensive for a Markdown parser, an HTML sanitiser or a line diff.

/// All shapes with their names, each of about `length` bytes.
pub fn all(length: usize) -> Vec<(&'static str, String)> {
    let repeated = UNITS.iter().map(|(name, unit)| (*name, unit.repeat(length / unit.len())));
    let mut shapes: Vec<_> = repeated.collect();
    shapes.extend(composed(length));
    shapes
}

/// Texts that are repeated.
const UNITS: [(&str, &str); 54] = [
    ("quotes of quotes", ">"),
    ("quotes with spaces", "> "),
    ("numbers", "1. "),
    ("bullets", "- "),
    ("stars and a word", "* a\n"),
    ("ampersands", "&"),
    ("entities", "&amp;"),
    ("half entities", "&copy"),
    ("open brackets", "["),
    ("close brackets", "]"),
    ("pictures", "!["),
    ("link middles", "]("),
    ("links without ends", "[a](<b"),
    ("links", "[a](b) "),
    ("stars", "*"),
    ("underscores", "_a"),
    ("emphasis", "*a "),
    ("mixed emphasis", "*_"),
    ("strong", "**a* "),
    ("half strong", "a**b"),
    ("ticks", "`"),
    ("angles", "<"),
    ("tags", "<a "),
    ("attributes", "<a b=\""),
    ("comments", "<!--"),
    ("sections", "<![CDATA["),
    ("instructions", "<?"),
    ("blocks of HTML", "<div>\n\n"),
    ("pipes", "|"),
    ("tables", "a|b\n-|-\n"),
    ("rows", "\n|-|"),
    ("definitions", "[a]: b\n"),
    ("footnotes", "[^1]: "),
    ("tildes", "~~a"),
    ("backslashes", "\\"),
    ("tabs", "\t"),
    ("headings", "# "),
    ("lines across", "***\n"),
    ("underlined", "a\n=\n"),
    ("zeros", "\0"),
    ("overrides", "\u{202e}"),
    ("a word", "x"),
    ("empty lines", "\n"),
    ("short lines", "a\n"),
    ("breaks", "a\\\n"),
    ("mixed lists", "> - 1. "),
    ("lists of entities", "- &\n"),
    ("addresses", "<http://a>"),
    ("ats", "<a@"),
    ("families", "👨‍👩‍👧"),
    ("accents", "a\u{301}\u{302}"),
    ("fences", "```\n"),
    ("indented", "    a\n"),
    ("tasks", "- [ ] a\n"),
];

/// Shapes with more than one part.
fn composed(length: usize) -> Vec<(&'static str, String)> {
    let (half, sixth) = (length / 2, length / 6);
    let line = |start: &str, line: &str| (start.repeat(60) + line).repeat(length / (60 * start.len() + line.len()));
    vec![
        ("references", "[a]: b\n".repeat(half / 7) + &"[a]".repeat(half / 3)),
        ("a long reference", format!("[a]: {}\n\n{}", "x".repeat(half), "[a]".repeat(sixth))),
        ("nested brackets", "[".repeat(half) + &"]".repeat(half)),
        ("nested emphasis", "*a ".repeat(sixth) + &" b*".repeat(sixth)),
        ("nested pictures", "![a ".repeat(length / 8) + &"](b)".repeat(length / 8)),
        (
            "a wide table",
            format!("{}\n{}\n{}", "a|".repeat(length / 8), "-|".repeat(length / 8), "x|\n".repeat(length / 8)),
        ),
        ("entities in code", format!("```\n{}\n```", "&".repeat(length - 8))),
        ("lazy lines", "> ".repeat(60) + &"a\n".repeat(half)),
        ("deep quotes", line(">", "a\n\n")),
        ("deep lists", line("- ", "a\n")),
        ("deep list, empty lines", "1. ".repeat(length / 4) + &"\n".repeat(length / 4)),
        ("stairs", stairs(length, |depth| "  ".repeat(depth) + "- a\n")),
        ("tabbed stairs", stairs(length, |depth| "\t".repeat(depth) + "- a\n")),
        ("runs of ticks", stairs(length, |run| "`".repeat(run) + "a")),
    ]
}

/// Concatenates longer and longer steps.
fn stairs(length: usize, step: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for depth in 0.. {
        let next = step(depth);
        if text.len() + next.len() > length {
            break;
        }
        text.push_str(&next);
    }
    text
}
