//! Forms that can be answered: what is asked, what is refused when it is asked, and which answers
//! are taken.

use placet_tests::{Agent, Person, World};
use serde_json::{Value, json};

struct Desk {
    _world: World,
    person: Person,
    agent: Agent,
}

impl Desk {
    async fn start() -> Self {
        let world = World::start().await;
        let person = world.person().await;
        let agent = person.agent().await;
        Self { _world: world, person, agent }
    }

    async fn form(&self, fields: Value) -> String {
        self.agent.sent(json!({ "text": "q", "review": { "type": "form", "payload": { "fields": fields } } })).await
    }

    async fn field(&self, mut field: Value) -> String {
        field["name"] = json!("n");
        self.form(json!([field])).await
    }

    /// The paths, within the payload, of what is wrong with the question.
    async fn refuses(&self, kind: &str, payload: Value) -> Vec<String> {
        let asked = self.agent.send(json!({ "review": { "type": kind, "payload": payload } })).await.expect_invalid();
        asked.iter().map(|path| path.trim_start_matches("review.payload.").to_owned()).collect()
    }

    async fn refuses_field(&self, mut field: Value) -> Vec<String> {
        field["name"] = json!("n");
        let named = self.refuses("form", json!({ "fields": [field] })).await;
        named.iter().map(|path| path.trim_start_matches("fields.0.").to_owned()).collect()
    }

    /// The status of each answer, in a form of its own.
    async fn takes(&self, field: Value, answers: &[Value]) -> Vec<bool> {
        let mut taken = vec![];
        for answer in answers {
            let id = self.field(field.clone()).await;
            let reply = self.person.answer(&id, json!({ "n": answer })).await;
            assert!([201, 400].contains(&reply.status), "{}", reply.text());
            taken.push(reply.status == 201);
        }
        taken
    }

    async fn page(&self, id: &str) -> String {
        self.person.get(&format!("/reviews/{id}")).await.text()
    }

    /// What the agent gets after the page's form was sent with `fields`.
    async fn submitted(&self, id: &str, fields: &[(&str, &str)]) -> Value {
        let reply = self.person.submit(&format!("/reviews/{id}"), fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        self.response(id).await
    }

    async fn response(&self, id: &str) -> Value {
        self.agent.wait(id, 5_000).await.expect(200)["message"]["review"]["response"].clone()
    }
}

#[tokio::test]
async fn steps_count_from_min_and_else_from_zero() {
    let desk = Desk::start().await;
    let taken = |field: Value, answers: Value| {
        let desk = &desk;
        async move { desk.takes(field, answers.as_array().expect("answers")).await }
    };
    let field = json!({ "type": "number", "step": 5, "defaultValue": 10 });
    assert_eq!(taken(field, json!([10, 15, -5, 12])).await, [true, true, true, false]);
    let field = json!({ "type": "number", "min": 1, "step": 10, "defaultValue": 51 });
    assert_eq!(taken(field, json!([1, 51, 50])).await, [true, true, false]);
    let field = json!({ "type": "range", "min": 0.5, "max": 2, "step": 0.1 });
    assert_eq!(taken(field, json!([0.8, 1.2, 0.85])).await, [true, true, false]);
    let field = json!({ "type": "number", "step": 0.01 });
    assert_eq!(taken(field, json!([123_456_789.07, 0.1, 0.015])).await, [true, true, false]);
    let field = json!({ "type": "time", "step": 900, "min": "09:05" });
    assert_eq!(taken(field, json!(["09:20", "09:15"])).await, [true, false]);
    let field = json!({ "type": "date", "step": 7 });
    assert_eq!(taken(field, json!(["1970-01-08", "1970-01-09"])).await, [true, false]);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_when_it_is_asked() {
    let desk = Desk::start().await;
    for (field, place) in [
        (json!({ "type": "number", "step": 5, "defaultValue": 12 }), "defaultValue"),
        (json!({ "type": "number", "min": 1, "step": 10, "defaultValue": 50 }), "defaultValue"),
        (json!({ "type": "number", "max": 5, "defaultValue": 6 }), "defaultValue"),
        (json!({ "type": "number", "defaultValue": "many" }), "defaultValue"),
        (json!({ "type": "range", "defaultValue": 200 }), "defaultValue"),
        (json!({ "type": "number", "min": 5, "max": 4 }), "max"),
        (json!({ "type": "range", "min": 150 }), "max"),
        (json!({ "type": "number", "step": 0 }), "step"),
        (json!({ "type": "number", "step": -1 }), "step"),
        (json!({ "type": "date", "step": 0.5 }), "step"),
        (json!({ "type": "date", "min": "tomorrow" }), "min"),
        (json!({ "type": "time", "max": "25:00" }), "max"),
        (json!({ "type": "datetime", "min": 1_790_000_000 }), "min"),
        (json!({ "type": "date", "min": "2026-12-02", "max": "2026-12-01" }), "max"),
        (json!({ "type": "datetime", "min": "2026-12-01T09:00:00Z", "max": "2026-12-01T10:00:00+02:00" }), "max"),
        (json!({ "type": "date", "defaultValue": "soon" }), "defaultValue"),
        (json!({ "type": "date", "min": "2026-12-02", "defaultValue": "2026-12-01T23:00:00Z" }), "defaultValue"),
        (json!({ "type": "time", "min": "22:00", "max": "06:00", "defaultValue": "12:00" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a"], "defaultValue": "b" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a", "b"], "defaultValue": ["a", "b"] }), "defaultValue"),
        (json!({ "type": "select", "multiple": true, "options": ["a"], "defaultValue": ["a", "b"] }), "defaultValue"),
        (json!({ "type": "checkbox", "defaultValue": "perhaps" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a", "a"] }), "options"),
        (json!({ "type": "select", "options": [1, "1"] }), "options"),
        (json!({ "type": "radio" }), "options"),
        (json!({ "type": "select", "required": true, "options": [{ "value": "", "label": "-" }] }), "options"),
        (json!({ "type": "select", "options": ["a", { "label": "B" }] }), "options.1"),
    ] {
        assert_eq!(desk.refuses_field(field.clone()).await, [place], "{field}");
    }
    for name in ["_dismissed", "__proto__"] {
        let fields = json!({ "fields": [{ "name": name, "type": "text" }] });
        assert_eq!(desk.refuses("form", fields).await, ["fields.0.name"], "{name}");
    }
    let twice = json!({ "fields": [{ "name": "a", "type": "text" }, { "name": "a", "type": "text" }] });
    assert_eq!(desk.refuses("form", twice).await, ["fields"]);
    assert_eq!(desk.refuses("text-input", json!({ "minLength": 70_000 })).await, ["minLength"]);
    let reason = desk.agent.send(json!({ "review": { "type": "form", "payload": { "fields": [
        { "name": "n", "type": "number", "min": 1, "step": 10, "defaultValue": 50 }
    ] } } }));
    let reason = reason.await.expect_error(400, "validation_failed")["errors"][0]["message"].clone();
    assert_eq!(reason, "defaultValue must lie on a step of 10: the nearest are 41 and 51");
}

#[tokio::test]
async fn moments_are_compared_as_moments() {
    let desk = Desk::start().await;
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
            assert_eq!(desk.takes(field.clone(), &[json!(answer)]).await, [taken], "{field} {answer}");
        }
    }
}

#[tokio::test]
async fn a_range_of_times_may_lie_over_midnight() {
    let desk = Desk::start().await;
    let night = json!({ "type": "time", "min": "22:00", "max": "06:00", "defaultValue": "23:30" });
    let answers = ["22:00", "23:59", "00:00", "06:00", "06:01", "12:00", "21:59"].map(Value::from);
    assert_eq!(desk.takes(night, &answers).await, [true, true, true, true, false, false, false]);
}

#[tokio::test]
async fn a_default_may_be_any_rfc_3339_moment() {
    let desk = Desk::start().await;
    for (kind, default, shown) in [
        ("date", "2026-12-24T00:00:00.000Z", "2026-12-24"),
        ("date", "2026-12-24", "2026-12-24"),
        ("time", "2026-12-24T18:30:00Z", "18:30"),
        ("time", "18:30:05", "18:30:05"),
        ("datetime", "2026-12-24T18:30:00Z", "2026-12-24T18:30"),
        ("datetime", "2026-12-24T18:30:00.000+02:00", "2026-12-24T16:30"),
        ("datetime", "2026-12-24 18:30", "2026-12-24T18:30"),
    ] {
        let id = desk.field(json!({ "type": kind, "defaultValue": default })).await;
        let page = desk.page(&id).await;
        assert!(page.contains(&format!("name=\"field.n\" value=\"{shown}\"")), "{default}: {page}");
        let expected = if kind == "datetime" { format!("{shown}:00Z") } else { shown.to_owned() };
        let sent = desk.submitted(&id, &[("field.n", shown), ("zone.n", "Z")]).await;
        assert_eq!(sent, json!({ "n": expected }));
    }
}

#[tokio::test]
async fn a_datetime_from_the_page_carries_the_zone_it_was_typed_in() {
    let desk = Desk::start().await;
    let id = desk.field(json!({ "type": "datetime", "label": "When" })).await;
    // Without scripts the page says UTC, and means it.
    let page = desk.page(&id).await;
    assert!(page.contains("data-zone>UTC<") && page.contains("name=\"zone.n\" value=\"Z\""), "{page}");
    let typed = [("field.n", "2026-12-01T09:00"), ("zone.n", "+05:30")];
    assert_eq!(desk.submitted(&id, &typed).await, json!({ "n": "2026-12-01T09:00:00+05:30" }));
    let bounded = json!({ "type": "datetime", "min": "2026-12-01T09:00:00Z" });
    for (zone, status) in [("Z", 303), ("-03:00", 303), ("+05:30", 400), ("nowhere", 303)] {
        let id = desk.field(bounded.clone()).await;
        let fields = [("field.n", "2026-12-01T09:00"), ("zone.n", zone)];
        assert_eq!(desk.person.submit(&format!("/reviews/{id}"), &fields).await.status, status, "{zone}");
    }
}

#[tokio::test]
async fn an_option_comes_back_as_it_was_offered() {
    let desk = Desk::start().await;
    let options =
        json!([{ "value": 1, "label": "One" }, { "value": 2.5 }, 3, "4", true, { "value": "5", "label": " " }]);
    let field = json!({ "type": "select", "options": options, "defaultValue": "3" });
    let page = desk.page(&desk.field(field.clone()).await).await;
    assert!(page.contains("<option value=\"3\" selected>3</option>") && page.contains(">5</option>"), "{page}");
    for (typed, value) in
        [("1", json!(1)), ("2.5", json!(2.5)), ("3", json!(3)), ("4", json!("4")), ("true", json!(true))]
    {
        let id = desk.field(field.clone()).await;
        assert_eq!(desk.submitted(&id, &[("field.n", typed)]).await, json!({ "n": value }));
        for answer in [value.clone(), json!(typed)] {
            let id = desk.field(field.clone()).await;
            desk.person.answer(&id, json!({ "n": answer })).await.expect(201);
            assert_eq!(desk.response(&id).await, json!({ "n": value }));
        }
    }
    assert_eq!(desk.takes(field, &["One".into(), 9.into(), json!([1]), json!({})]).await, [false; 4]);
    // A value that a form's line ends would change is still the one that was offered.
    let id = desk.field(json!({ "type": "select", "options": ["a\r\nb", "a\nc"] })).await;
    assert_eq!(desk.submitted(&id, &[("field.n", "a\r\nb")]).await, json!({ "n": "a\r\nb" }));
}

#[tokio::test]
async fn several_options_may_be_chosen_and_all_be_in_sight() {
    let desk = Desk::start().await;
    let many = json!({ "type": "select", "multiple": true, "options": ["x", { "value": 2, "label": "Two" }, "z"],
        "defaultValue": ["x", 2], "required": true });
    let id = desk.field(many.clone()).await;
    let page = desk.page(&id).await;
    assert!(page.contains("type=\"checkbox\" name=\"field.n\" value=\"2\" checked"), "{page}");
    assert_eq!(desk.submitted(&id, &[("field.n", "z"), ("field.n", "2")]).await, json!({ "n": ["z", 2] }));
    assert!(desk.page(&id).await.contains("z, Two"));
    let answers = [json!(["x"]), json!(["2"]), json!([]), json!(["x", "x"]), json!(["y"]), json!("x")];
    assert_eq!(desk.takes(many, &answers).await, [true, true, false, false, false, false]);

    let radio =
        json!({ "type": "radio", "options": [{ "value": "eu", "label": "Europe", "description": "Frankfurt" }, "us"] });
    let id = desk.field(radio.clone()).await;
    let page = desk.page(&id).await;
    assert!(page.contains("type=\"radio\" name=\"field.n\" value=\"eu\"") && page.contains("Frankfurt"), "{page}");
    assert_eq!(desk.submitted(&id, &[("field.n", "")]).await, json!({}));
    assert_eq!(desk.takes(radio, &["us".into(), "as".into()]).await, [true, false]);
}

#[tokio::test]
async fn a_typed_number_is_that_number_or_refused() {
    let desk = Desk::start().await;
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
        let id = desk.field(json!({ "type": "number", "label": "Price" })).await;
        assert_eq!(desk.submitted(&id, &[("field.n", typed)]).await, json!({ "n": number }), "{typed}");
    }
    let fields =
        json!([{ "name": "n", "type": "number", "label": "Price" }, { "name": "m", "type": "text", "required": true }]);
    let path = format!("/reviews/{}", desk.form(fields).await);
    for typed in ["1.234", "1,234", "5 €", "1.5.2", "twelve", "9007199254740993", "1e999"] {
        let reply = desk.person.submit(&path, &[("field.n", typed), ("field.m", "")]).await;
        let text = reply.text();
        assert!(reply.status == 400 && text.contains("Price ") && text.contains("m is required"), "{typed}: {text}");
        assert!(text.contains(&format!("value=\"{typed}\"")), "what was typed stays: {text}");
    }
    // A default is shown so that it is read as itself.
    let id = desk.field(json!({ "type": "number", "defaultValue": 1.234 })).await;
    assert!(desk.page(&id).await.contains("value=\"1.2340\""));
    assert_eq!(desk.submitted(&id, &[("field.n", "1.2340")]).await, json!({ "n": 1.234 }));
}

#[tokio::test]
async fn a_browser_takes_no_number_in_its_own_language_and_counts_no_utf_16() {
    let desk = Desk::start().await;
    let page = desk.page(&desk.field(json!({ "type": "number", "min": 0, "max": 9 })).await).await;
    assert!(!page.contains("type=\"number\"") && page.contains("inputmode=\"decimal\""), "{page}");
    let review = json!({ "type": "text-input", "payload": { "minLength": 2, "maxLength": 5 } });
    let id = desk.agent.sent(json!({ "text": "q", "review": review })).await;
    let page = desk.page(&id).await;
    assert!(!page.contains("name=\"text\" maxlength") && page.contains("data-max=\"5\""), "{page}");
    let five = "\u{1f600}".repeat(5);
    assert_eq!(desk.submitted(&id, &[("text", &five)]).await, json!({ "text": five }));
}

#[tokio::test]
async fn a_label_that_shows_nothing_gives_way_to_the_name() {
    let desk = Desk::start().await;
    for label in ["", "   ", "\u{200b}", "\u{2060}\u{feff}"] {
        let fields = json!([{ "name": "host", "type": "text", "label": label }]);
        let payload = json!({ "fields": fields, "submitLabel": label, "dismissLabel": label });
        let id = desk.agent.sent(json!({ "text": "q", "review": { "type": "form", "payload": payload } })).await;
        let page = desk.page(&id).await;
        assert!(page.contains("<label>host") && page.contains(">Submit</button>"), "{page}");
        assert!(!page.contains("name=\"dismiss\""), "{page}");
    }
    let option = json!({ "options": [{ "id": "a", "label": "\u{200b}" }] });
    assert_eq!(desk.refuses("approval", option).await, ["options.0.label"]);
}

#[tokio::test]
async fn a_required_text_of_blanks_is_refused() {
    let desk = Desk::start().await;
    for kind in ["text", "textarea", "password"] {
        let blanks = ["   ", "\t\n", "\u{a0}\u{200b}", "\u{3000}"].map(Value::from);
        assert_eq!(desk.takes(json!({ "type": kind, "required": true }), &blanks).await, [false; 4], "{kind}");
        assert_eq!(desk.takes(json!({ "type": kind }), &blanks).await, [true; 4], "{kind}");
        assert_eq!(desk.takes(json!({ "type": kind, "required": true }), &[" x ".into()]).await, [true]);
    }
    let id = desk.agent.sent(json!({ "review": { "type": "text-input", "payload": { "minLength": 1 } } })).await;
    assert_eq!(desk.person.answer(&id, json!({ "text": "  \n" })).await.expect_invalid(), ["response.text"]);
}

#[tokio::test]
async fn a_browser_fills_in_no_password_and_no_name_of_its_person() {
    let desk = Desk::start().await;
    let fields = ["text", "email", "url", "number", "date", "password", "textarea"]
        .map(|kind| json!({ "name": format!("user{kind}"), "type": kind, "label": "Username" }));
    let page = desk.page(&desk.form(json!(fields)).await).await;
    let form = page.split("data-answer").nth(1).unwrap();
    let inputs: Vec<&str> = form.split('<').filter(|tag| tag.contains("name=\"field.")).collect();
    assert_eq!(inputs.len(), 7);
    for tag in inputs {
        let wanted = if tag.contains("type=\"password\"") { "new-password" } else { "off" };
        assert!(tag.contains(&format!("autocomplete=\"{wanted}\"")), "{tag}");
    }
}

#[tokio::test]
async fn what_form_builders_send_for_nothing_is_nothing() {
    let desk = Desk::start().await;
    for kind in ["number", "date", "time", "datetime", "text", "checkbox"] {
        let field = json!({ "type": kind, "min": "", "max": "", "defaultValue": "", "placeholder": "", "step": "any" });
        desk.field(field).await;
    }
}

#[tokio::test]
async fn a_page_shows_an_answer_that_is_too_large_as_refused() {
    let desk = Desk::start().await;
    let id = desk.agent.sent(json!({ "text": "q", "review": { "type": "text-input" } })).await;
    let path = format!("/reviews/{id}");
    let long = "x".repeat(66_000);
    let reply = desk.person.submit(&path, &[("text", &long)]).await;
    assert!(reply.status == 400 && reply.text().contains("64 KiB"), "{}", reply.status);
    let reply = desk.person.submit(&path, &[("text", "a"), ("feedback", &"ü".repeat(9_000))]).await;
    assert!(reply.status == 400 && reply.text().contains("16 KiB"), "{}", reply.status);
}
