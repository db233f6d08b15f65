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
        ("[![alt](https://e.example/a.png)](https://e.example/b)", r#"<a href="https://e.example/b" target="_blank""#),
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
