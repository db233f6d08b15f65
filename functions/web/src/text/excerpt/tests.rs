use super::*;
use crate::text::budget::Budget;
use crate::text::markdown;

#[test]
fn it_says_what_is_asked_whatever_the_text_begins_with() {
    for (text, excerpt) in [
        ("May I deploy?\nMore.", "May I deploy?"),
        ("# **Deploy** `web` now?\n\ntext", "Deploy web now?"),
        ("```sh\nrm -rf build\n```", "rm -rf build"),
        ("```sh\nrm -rf build\n```\n\nRun this?", "Run this?"),
        ("~~~mermaid\ngraph TD; A-->B\n~~~", "graph TD; A-->B"),
        ("---\n\n> quoted *words*\n", "quoted words"),
        ("> quoted\n\nMay I?", "May I?"),
        ("1. first\n2. second", "first"),
        ("- first\n  - second", "first"),
        ("- [x] migration", "migration"),
        ("| Env | Tag |\n|--|--|\n| prod | 3 |", "Env · Tag"),
        ("| | |\n|--|--|\n| prod | 3 |", "prod · 3"),
        ("| Env |\n|--|\n| prod |\n\nDeploy?", "Deploy?"),
        ("<h1>Deploy?</h1>\n<p>x</p>", "Deploy?"),
        ("<h1>Deploy?</h1>\n\nx", "Deploy?"),
        ("<!-- a note -->\n\nDeploy?", "Deploy?"),
        ("<!-- a note -->", "a note"),
        ("<config>\n  <port>80</port>\n</config>\n\nWrite this?", "Write this?"),
        ("![](https://e.example/a.png)\n\nLook at this", "Look at this"),
        ("![chart](a.png)", "chart"),
        ("![](a.png)", "a.png"),
        ("[ ](x)\n\n***\n\nthen this", "then this"),
        ("[INFO]: started", "[INFO]: started"),
        ("---\ntitle: Plan\ntags:\n  - a\n---\n\n# Merge it?", "Merge it?"),
        ("---\nIs this *fine*?\n---\n", "Is this fine?"),
        ("    indented code", "indented code"),
        ("\u{202E}# Deploy?", "Deploy?"),
        ("\n\n   \n", ""),
        ("\u{200B}\u{2066}", ""),
        ("", ""),
        ("🚀", "🚀"),
        ("Deploy <b>v2</b>?<br>Now", "Deploy v2? Now"),
        (r"delete C:\_build\*.txt, src/**/*.rs, test/**/*.ts?", r"delete C:\_build\*.txt, src/**/*.rs, test/**/*.ts?"),
        ("a List<String> of <name>", "a List<String> of <name>"),
        ("a_b_c and 2 * 3, __init__.py and 2*3*4", "a_b_c and 2 * 3, __init__.py and 2*3*4"),
    ] {
        assert_eq!(of_markdown(text), excerpt, "{text:?}");
    }
    assert_eq!(of_plain("\n__init__.py changed\nx"), "__init__.py changed");
}

#[test]
fn it_is_short_and_soon_there_whatever_the_text() {
    for text in [">".repeat(200_000), "[".repeat(200_000), "*a ".repeat(70_000), "é".repeat(200_000), "`".repeat(9_999)]
    {
        assert!(of_markdown(&text).chars().count() <= MAX_CHARS + 1);
    }
    let late = |unit: &str| of_markdown(&(unit.repeat(20_000) + "Deploy?"));
    assert_eq!(
        [late("\n"), late("-\n"), late("***\n"), late("> "), late("\u{200B}")].map(|it| it == "Deploy?"),
        [true; 5]
    );
    assert!(of_markdown(&"x\u{301}".repeat(100)).ends_with("x\u{301}…"));
    assert!(of_markdown(&format!("{}👩‍👩‍👧‍👦 and more", "x".repeat(138))).ends_with("x…"));
    assert!(of_markdown(&"🇩🇪".repeat(100)).trim_end_matches('…').chars().count().is_multiple_of(2));
}

/// Random choices that follow from a seed: `PLACET_TEST_SEED` repeats a run.
fn random() -> fastrand::Rng {
    let given = std::env::var("PLACET_TEST_SEED").ok().and_then(|it| it.parse().ok());
    given.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)
}

fn pick<'a>(random: &mut fastrand::Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

/// What a block is; of those that stand first the excerpt is the earliest of the best kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Prose,
    Quote,
    Table,
    Code,
    Picture,
    Silent,
}

const PROSE: [&str; 16] = [
    "W",
    "# W",
    "### W ###",
    "W\n===",
    "- W\n- next",
    "7. W\n8. next",
    "* W\n  * inner",
    "- [ ] W",
    "**W**",
    "*W*, now",
    "[W](https://e.example/x)",
    "<h2>W</h2>",
    "<b>W</b> please",
    "🚀 W",
    "\u{200F}W",
    "~~old~~ W",
];
const OTHERS: [(Kind, &str); 15] = [
    (Kind::Quote, "> W"),
    (Kind::Quote, "> # W\n> more"),
    (Kind::Table, "| W | b |\n|--|:-:|\n| c | d |"),
    (Kind::Code, "```sh\nW\n```"),
    (Kind::Code, "~~~mermaid\nW\n~~~"),
    (Kind::Code, "<config>\n  <port>W</port>\n</config>"),
    (Kind::Code, "<!-- W -->"),
    (Kind::Picture, "![W](chart.png)"),
    (Kind::Picture, "[![W](https://e.example/b.svg)](https://e.example)"),
    (Kind::Silent, "---"),
    (Kind::Silent, "***"),
    (Kind::Silent, "\n   \n"),
    (Kind::Silent, "|  |  |\n|--|--|\n|  |  |"),
    (Kind::Silent, "\u{200B}\u{200B}"),
    (Kind::Silent, "$$$ !!! ..."),
];
const WORDS: [&str; 9] = ["deploy", "Prüfung", "مرحبا", "שלום", "部署", "v2.1", "naïve", "a_b_c", "x\u{301}y"];

/// A text of some blocks, and the words that its row shall say.
fn a_text(random: &mut fastrand::Rng) -> (String, Kind, String) {
    let mut blocks = vec![];
    let mut best = (Kind::Silent, String::new());
    for number in 0..=random.usize(..5) {
        let (kind, block) = match random.usize(..3) {
            0 => (Kind::Prose, pick(random, &PROSE)),
            _ => OTHERS[random.usize(..OTHERS.len())],
        };
        let words: Vec<_> = (0..=random.usize(..12)).map(|_| pick(random, &WORDS)).collect();
        let words = format!("{} {number}", words.join(" "));
        if kind < best.0 {
            best = (kind, words.clone());
        }
        blocks.push(block.replace('W', &words));
    }
    (blocks.join("\n\n"), best.0, best.1)
}

fn words(text: &str) -> Vec<&str> {
    text.split(|it: char| !it.is_alphanumeric() && it != '\u{301}').filter(|it| !it.is_empty()).collect()
}

#[test]
fn of_random_texts_it_says_the_best_words_that_the_page_shows() {
    let mut random = random();
    for _ in 0..2_000 {
        let seed = random.get_seed();
        let (text, kind, wanted) = a_text(&mut random);
        let excerpt = of_markdown(&text);
        let about = format!("PLACET_TEST_SEED={seed}: {text:?} gives {excerpt:?}");
        assert_eq!(excerpt.is_empty(), kind == Kind::Silent, "{about}");
        assert!(excerpt.chars().count() <= MAX_CHARS + 1 && excerpt.trim() == excerpt, "{about}");
        assert!(!excerpt.contains(['#', '`', '|', '>', '<', '*', '[', ']', '\n']), "markup: {about}");
        if kind == Kind::Silent {
            continue;
        }
        let (said, wanted) = (words(&excerpt), words(&wanted));
        // What is left out stands behind: a second cell, "please".
        let whole = said.len() >= wanted.len() && said.windows(wanted.len()).any(|it| it == wanted);
        let cut = excerpt.ends_with('…') && said.len() > 3;
        assert!(whole || cut, "{wanted:?}: {about}");
        is_on_the_page(&text, &said, &about);
    }
}

/// Each word of an excerpt stands on the page of its text, in that order.
fn is_on_the_page(text: &str, said: &[&str], about: &str) {
    let shown = match markdown::lay_out(text.to_owned(), &[], &mut Budget::default()) {
        markdown::Text::Html(html) => html,
        _ => unreachable!("it is laid out: {about}"),
    };
    let mut rest = &*shown;
    for word in said {
        let at = rest.find(word);
        assert!(at.is_some(), "{word} is not on the page: {about}: {shown}");
        rest = &rest[at.unwrap_or_default() + word.len()..];
    }
}

#[test]
fn of_random_characters_it_is_one_line_with_a_word_if_there_is_one() {
    const PIECES: [&str; 36] = [
        "#",
        "*",
        "_",
        "`",
        "```",
        "~~~",
        ">",
        "- ",
        "1. ",
        "|",
        "[",
        "]",
        "(",
        ")",
        "]:",
        "!",
        "<",
        "</b>",
        "<!--",
        "-->",
        "&amp;",
        "\\",
        "\n",
        "\n\n",
        "---\n",
        "    ",
        "\t",
        "\r\n",
        "\u{202E}",
        "\u{2069}",
        "\u{200D}",
        "👩‍💻",
        "é",
        "ب",
        "word ",
        "$",
    ];
    let mut random = random();
    for _ in 0..20_000 {
        let seed = random.get_seed();
        let text: String = (0..=random.usize(..30)).map(|_| pick(&mut random, &PIECES)).collect();
        for excerpt in [of_markdown(&text), of_plain(&text)] {
            let about = format!("PLACET_TEST_SEED={seed}: {text:?} gives {excerpt:?}");
            assert_eq!(excerpt.contains(is_word), text.contains(is_word), "{about}");
            assert!(excerpt.chars().count() <= MAX_CHARS + 1 && !excerpt.contains(['\n', '\r']), "{about}");
        }
    }
}
