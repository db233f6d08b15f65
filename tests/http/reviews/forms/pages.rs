//! How a page shows fields and reads what was typed into them.

use serde_json::json;

use super::FormTester;

#[tokio::test]
async fn a_datetime_from_the_page_carries_the_zone_it_was_typed_in() {
    let tester = FormTester::start().await;
    let id = tester.create_field(json!({ "type": "datetime", "label": "When" })).await;
    // Without scripts, the page shows and uses UTC.
    let page = tester.page(&id).await;
    assert!(page.contains("data-zone>UTC<") && page.contains("name=\"zone.n\" value=\"Z\""), "{page}");
    let typed = [("field.n", "2026-12-01T09:00"), ("zone.n", "+05:30")];
    assert_eq!(tester.submit(&id, &typed).await, json!({ "n": "2026-12-01T09:00:00+05:30" }));
    let bounded = json!({ "type": "datetime", "min": "2026-12-01T09:00:00Z" });
    for (zone, status) in [("Z", 303), ("-03:00", 303), ("+05:30", 400), ("nowhere", 303)] {
        let id = tester.create_field(bounded.clone()).await;
        let fields = [("field.n", "2026-12-01T09:00"), ("zone.n", zone)];
        assert_eq!(tester.person.submit_form(&format!("/reviews/{id}"), &fields).await.status, status, "{zone}");
    }
}

#[tokio::test]
async fn a_typed_number_is_that_number_or_refused() {
    let tester = FormTester::start().await;
    for (typed, number) in [
        ("1,5", json!(1.5)),
        ("1.234,50", json!(1234.5)),
        ("1,234.50", json!(1234.5)),
        ("1\u{202f}234,5", json!(1234.5)),
        ("1\u{2019}234", json!(1234)),
        ("\u{2212}7", json!(-7)),
        ("\u{661}\u{66b}\u{665}", json!(1.5)),
        ("0,125", json!(0.125)),
    ] {
        let id = tester.create_field(json!({ "type": "number", "label": "Price" })).await;
        assert_eq!(tester.submit(&id, &[("field.n", typed)]).await, json!({ "n": number }), "{typed}");
    }
    let fields =
        json!([{ "name": "n", "type": "number", "label": "Price" }, { "name": "m", "type": "text", "required": true }]);
    let path = format!("/reviews/{}", tester.create_form(fields).await);
    for typed in ["1.234", "1,234", "5 €", "1.5.2", "twelve", "9007199254740993", "1e999"] {
        let reply = tester.person.submit_form(&path, &[("field.n", typed), ("field.m", "")]).await;
        let text = reply.text();
        assert!(reply.status == 400 && text.contains("Price ") && text.contains("m is required"), "{typed}: {text}");
        assert!(text.contains(&format!("value=\"{typed}\"")), "the input is shown again: {text}");
    }
    // A default is shown so that submitting it unchanged gives the same number.
    let id = tester.create_field(json!({ "type": "number", "defaultValue": 1.234 })).await;
    assert!(tester.page(&id).await.contains("value=\"1.2340\""));
    assert_eq!(tester.submit(&id, &[("field.n", "1.2340")]).await, json!({ "n": 1.234 }));
}

#[tokio::test]
async fn number_fields_are_text_and_lengths_count_characters() {
    let tester = FormTester::start().await;
    let page = tester.page(&tester.create_field(json!({ "type": "number", "min": 0, "max": 9 })).await).await;
    assert!(!page.contains("type=\"number\"") && page.contains("inputmode=\"decimal\""), "{page}");
    let review = json!({ "type": "text-input", "payload": { "minLength": 2, "maxLength": 5 } });
    let id = tester.agent.create_message(json!({ "text": "q", "review": review })).await;
    let page = tester.page(&id).await;
    assert!(!page.contains("name=\"text\" maxlength") && page.contains("data-max=\"5\""), "{page}");
    let five = "\u{1f600}".repeat(5);
    assert_eq!(tester.submit(&id, &[("text", &five)]).await, json!({ "text": five }));
}

#[tokio::test]
async fn fields_never_autofill_the_persons_own_data() {
    let tester = FormTester::start().await;
    let fields = ["text", "email", "url", "number", "date", "password", "textarea"]
        .map(|kind| json!({ "name": format!("user{kind}"), "type": kind, "label": "Username" }));
    let page = tester.page(&tester.create_form(json!(fields)).await).await;
    let form = page.split("data-answer").nth(1).unwrap();
    let inputs: Vec<&str> = form.split('<').filter(|tag| tag.contains("name=\"field.")).collect();
    assert_eq!(inputs.len(), 7);
    for tag in inputs {
        let wanted = if tag.contains("type=\"password\"") { "new-password" } else { "off" };
        assert!(tag.contains(&format!("autocomplete=\"{wanted}\"")), "{tag}");
    }
}

#[tokio::test]
async fn a_page_shows_an_answer_that_is_too_large_as_refused() {
    let tester = FormTester::start().await;
    let id = tester.agent.create_message(json!({ "text": "q", "review": { "type": "text-input" } })).await;
    let path = format!("/reviews/{id}");
    let long = "x".repeat(66_000);
    let reply = tester.person.submit_form(&path, &[("text", &long)]).await;
    assert!(reply.status == 400 && reply.text().contains("64 KiB"), "{}", reply.status);
    let reply = tester.person.submit_form(&path, &[("text", "a"), ("feedback", &"ü".repeat(9_000))]).await;
    assert!(reply.status == 400 && reply.text().contains("16 KiB"), "{}", reply.status);
}
