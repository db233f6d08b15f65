//! Which answers a field accepts, and how they are returned.

use serde_json::{Value, json};

use super::FormTester;

#[tokio::test]
async fn steps_count_from_min_and_else_from_zero() {
    let tester = FormTester::start().await;
    let accepted = |field: Value, answers: Value| {
        let tester = &tester;
        async move { tester.accepted_answers(field, answers.as_array().expect("answers")).await }
    };
    let field = json!({ "type": "number", "step": 5, "defaultValue": 10 });
    assert_eq!(accepted(field, json!([10, 15, -5, 12])).await, [true, true, true, false]);
    let field = json!({ "type": "number", "min": 1, "step": 10, "defaultValue": 51 });
    assert_eq!(accepted(field, json!([1, 51, 50])).await, [true, true, false]);
    let field = json!({ "type": "range", "min": 0.5, "max": 2, "step": 0.1 });
    assert_eq!(accepted(field, json!([0.8, 1.2, 0.85])).await, [true, true, false]);
    let field = json!({ "type": "number", "step": 0.01 });
    assert_eq!(accepted(field, json!([123_456_789.07, 0.1, 0.015])).await, [true, true, false]);
    let field = json!({ "type": "time", "step": 900, "min": "09:05" });
    assert_eq!(accepted(field, json!(["09:20", "09:15"])).await, [true, false]);
    let field = json!({ "type": "date", "step": 7 });
    assert_eq!(accepted(field, json!(["1970-01-08", "1970-01-09"])).await, [true, false]);
}

#[tokio::test]
async fn moments_are_compared_as_moments() {
    let tester = FormTester::start().await;
    for (field, answers) in [
        (json!({ "type": "time", "min": "09:00:00" }), [("09:00", true), ("08:59:59", false)]),
        (json!({ "type": "time", "max": "17:00" }), [("17:00:00.000", true), ("17:00:01", false)]),
        (json!({ "type": "date", "min": "2026-12-01T00:00:00Z" }), [("2026-12-01", true), ("2026-11-30", false)]),
        (
            json!({ "type": "datetime", "max": "2026-12-01T09:00" }),
            [("2026-12-01T09:00:00Z", true), ("2026-12-01T09:00:01Z", false)],
        ),
        (
            json!({ "type": "datetime", "min": "2026-12-01T09:00:00+00:00" }),
            [("2026-12-01T14:30:00+05:30", true), ("2026-12-01T09:30:00+02:00", false)],
        ),
        (
            json!({ "type": "datetime", "min": "2026-12-01T09:00:00.000Z" }),
            [("2026-12-01T09:00", true), ("2026-12-01T08:59", false)],
        ),
        (
            json!({ "type": "datetime", "min": "2026-12-01", "max": "2026-12-01T23:59" }),
            [("2026-12-01T00:00", true), ("2026-12-02T00:00", false)],
        ),
    ] {
        for (answer, taken) in answers {
            assert_eq!(tester.accepted_answers(field.clone(), &[json!(answer)]).await, [taken], "{field} {answer}");
        }
    }
}

/// An agent may show an answer as a link.
#[tokio::test]
async fn a_url_is_absolute_and_no_script() {
    let tester = FormTester::start().await;
    let (urls, scripts) = (
        ["https://a.example/x", "http://127.0.0.1/", "mailto:a@b.example", "ftp://a.example"],
        [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "/x",
        ],
    );
    let answers = urls.iter().chain(&scripts).map(|it| json!(it)).collect::<Vec<_>>();
    let expected = [&[true; 4][..], &[false; 6]].concat();
    assert_eq!(tester.accepted_answers(json!({ "type": "url" }), &answers).await, expected);
}

#[tokio::test]
async fn a_time_range_may_span_midnight() {
    let tester = FormTester::start().await;
    let night = json!({ "type": "time", "min": "22:00", "max": "06:00", "defaultValue": "23:30" });
    let answers = ["22:00", "23:59", "00:00", "06:00", "06:01", "12:00", "21:59"].map(Value::from);
    assert_eq!(tester.accepted_answers(night, &answers).await, [true, true, true, true, false, false, false]);
}

#[tokio::test]
async fn an_option_value_keeps_its_type() {
    let tester = FormTester::start().await;
    let options =
        json!([{ "value": 1, "label": "One" }, { "value": 2.5 }, 3, "4", true, { "value": "5", "label": " " }]);
    let field = json!({ "type": "select", "options": options, "defaultValue": "3" });
    let page = tester.page(&tester.create_field(field.clone()).await).await;
    assert!(
        page.contains("<option dir=\"auto\" value=\"3\" selected>3</option>") && page.contains(">5</option>"),
        "{page}"
    );
    for (typed, value) in
        [("1", json!(1)), ("2.5", json!(2.5)), ("3", json!(3)), ("4", json!("4")), ("true", json!(true))]
    {
        let id = tester.create_field(field.clone()).await;
        assert_eq!(tester.submit(&id, &[("field.n", typed)]).await, json!({ "n": value }));
        for answer in [value.clone(), json!(typed)] {
            let id = tester.create_field(field.clone()).await;
            tester.person.answer(&id, json!({ "n": answer })).await.expect(201);
            assert_eq!(tester.response(&id).await, json!({ "n": value }));
        }
    }
    assert_eq!(tester.accepted_answers(field, &["One".into(), 9.into(), json!([1]), json!({})]).await, [false; 4]);
    // Submitting a form changes line ends; the answer is still the offered value.
    let id = tester.create_field(json!({ "type": "select", "options": ["a\r\nb", "a\nc"] })).await;
    assert_eq!(tester.submit(&id, &[("field.n", "a\r\nb")]).await, json!({ "n": "a\r\nb" }));
}

#[tokio::test]
async fn a_select_may_be_multiple_or_radio() {
    let tester = FormTester::start().await;
    let many = json!({ "type": "select", "multiple": true, "options": ["x", { "value": 2, "label": "Two" }, "z"],
        "defaultValue": ["x", 2], "required": true });
    let id = tester.create_field(many.clone()).await;
    let page = tester.page(&id).await;
    assert!(page.contains("type=\"checkbox\" name=\"field.n\" value=\"2\" checked"), "{page}");
    assert_eq!(tester.submit(&id, &[("field.n", "z"), ("field.n", "2")]).await, json!({ "n": ["z", 2] }));
    assert!(tester.page(&id).await.contains("z, Two"));
    let answers = [json!(["x"]), json!(["2"]), json!([]), json!(["x", "x"]), json!(["y"]), json!("x")];
    assert_eq!(tester.accepted_answers(many, &answers).await, [true, true, false, false, false, false]);

    let radio =
        json!({ "type": "radio", "options": [{ "value": "eu", "label": "Europe", "description": "Frankfurt" }, "us"] });
    let id = tester.create_field(radio.clone()).await;
    let page = tester.page(&id).await;
    assert!(page.contains("type=\"radio\" name=\"field.n\" value=\"eu\"") && page.contains("Frankfurt"), "{page}");
    assert_eq!(tester.submit(&id, &[("field.n", "")]).await, json!({}));
    assert_eq!(tester.accepted_answers(radio, &["us".into(), "as".into()]).await, [true, false]);
}

#[tokio::test]
async fn a_required_text_of_blanks_is_refused() {
    let tester = FormTester::start().await;
    for kind in ["text", "textarea", "password"] {
        let blanks = ["   ", "\t\n", "\u{a0}\u{200b}", "\u{3000}"].map(Value::from);
        assert_eq!(
            tester.accepted_answers(json!({ "type": kind, "required": true }), &blanks).await,
            [false; 4],
            "{kind}"
        );
        assert_eq!(tester.accepted_answers(json!({ "type": kind }), &blanks).await, [true; 4], "{kind}");
        assert_eq!(tester.accepted_answers(json!({ "type": kind, "required": true }), &[" x ".into()]).await, [true]);
    }
    let id =
        tester.agent.create_message(json!({ "review": { "type": "text-input", "payload": { "minLength": 1 } } })).await;
    assert_eq!(tester.person.answer(&id, json!({ "text": "  \n" })).await.expect_invalid(), ["response.text"]);
}
