use super::*;

fn shown(json: &str) -> String {
    json_tree(json).0
}

#[test]
fn members_stand_in_the_order_they_were_sent_and_numbers_as_they_were_written() {
    let html = shown(r#"{"tool":"pay","args":{"z":1.50,"a":12345678901234567890123},"a":null,"a":true}"#);
    let places = ["tool", "pay", "args", ">z<", "1.50", ">a<", "12345678901234567890123", "null", "true"];
    let found: Vec<_> = places.iter().map(|it| html.find(it)).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{html}");
}

#[test]
fn a_text_is_told_from_a_number() {
    assert!(shown(r#"["1"]"#).contains("&quot;1&quot;"));
    assert!(shown("[1]").contains(r#"<span class="tree-literal">1</span>"#));
    assert!(shown(r#"["one"]"#).contains(">one<"));
    assert!(shown(r#"["true"," x",""]"#).matches("&quot;").count() == 6);
}

#[test]
fn nothing_of_it_runs_or_hides() {
    let html = shown("{\"<script>\":\"<img src=x onerror=1>\",\"__proto__\":\"a\u{202E}b\"}");
    assert!(!html.contains("<script") && !html.contains("<img") && html.contains("U+202E"), "{html}");
    assert!(html.contains("__proto__"));
}

#[test]
fn names_that_read_like_others_are_flagged() {
    let html = shown("{\"amount\":1,\"\u{430}mount\":2,\"to\":\"p\u{430}ypal\",\"to\":3}");
    assert!(html.contains("reads like “amount”") && html.contains("stands here twice"), "{html}");
    assert_eq!(html.matches(r#"class="flag""#).count(), 3, "{html}");
}

#[test]
fn secrets_are_hidden_until_they_are_opened() {
    let html = shown(r#"{"apiKey":"hunter2","credentials":{"user":"ada"},"port":5,"secret":true,"password":""}"#);
    assert_eq!(html.matches(r#"<details class="secret">"#).count(), 2, "{html}");
    assert!(html.contains("•••••• hidden, 7 characters"), "{html}");
    let command = shown(r#"["curl -u app:x https://app:hunter2@db/"]"#);
    assert!(command.contains("curl -u app:x https://app:<details") && command.contains("@db/"), "{command}");
}

#[test]
fn an_element_stands_around_the_values_that_have_attributes() {
    let mark = |pointer: &str, _: &RawValue| (pointer == "/a~1b/1").then(|| "data-at".to_owned());
    let html = tree_of(r#"{"a/b":[1,2],"c":3}"#, &mark).0;
    assert!(html.contains(r#"<li><div data-at><span class="tree-literal">2</span></div></li>"#), "{html}");
    assert_eq!(html.matches("data-at").count(), 1);
}

#[test]
fn a_copy_is_the_text_as_it_was_sent() {
    let html = shown("{\"a\": \"<'&\u{200B}\"}");
    assert!(html.contains("data-copy-text='{\"a\": \"&lt;&#39;&amp;\u{200B}\"}'"), "{html}");
}

#[test]
fn what_is_large_is_folded_and_bounded() {
    assert!(shown(&format!("[{}]", vec!["0"; 16].join(","))).contains("<summary>16 items</summary>"));
    assert!(shown(&format!("\"{}\"", "x".repeat(2_345))).contains("<summary>2345 characters</summary>"));
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    assert!(tree_of(&deep, &|_, _| None).0.len() < 4_000);
    let many = format!("[{}1]", "0,".repeat(32_000));
    assert!(shown(&many).len() < 1_500_000);
    assert!(shown("not json").contains("not json"));
}

#[test]
fn some_members_can_be_left_out() {
    let json = r#"{"options":[1],"title":"Wire"}"#;
    let html = members_tree(json, |name| name != "options").map(|tree| tree.0).unwrap_or_default();
    assert!(html.contains("Wire") && !html.contains("options"));
    assert!(members_tree(json, |_| false).is_none() && members_tree("[1]", |_| true).is_none());
}
