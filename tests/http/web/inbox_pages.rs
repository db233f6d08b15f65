//! The inbox, review and sign-in pages in a browser without scripts.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Person, Reply, World};

#[tokio::test]
async fn a_person_signs_in_sees_what_is_asked_and_presses_a_button() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message = json!({ "text": "Deploy <v2>?\nsecond line", "review": { "type": "approval" }, "textAttachments": [{ "content": "# Plan" }] });
    let id = agent.create_message(message).await;

    let browser = Person::signed_out(&world.url, &person.email, &person.password);
    let redirected = browser.get("/").await;
    assert_eq!((redirected.status, redirected.header("location")), (303, "/login"));
    let form = [("email", person.email.as_str()), ("password", person.password.as_str())];
    let signed_in = browser.submit_form("/login", &form).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"));

    let inbox = browser.get("/").await.text();
    assert!(inbox.contains("Deploy &#60;v2&#62;?") && inbox.contains(&format!("/reviews/{id}")), "{inbox}");
    let page = browser.get(&format!("/reviews/{id}")).await;
    assert!(page.text().contains("second line") && page.markup().contains("<span>Approve</span>"), "{}", page.text());
    assert!(agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["seenAt"].is_string());
    let file = page.text().split("/api/files/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(browser.get(&format!("/api/files/{file}/download")).await.text(), "# Plan");

    let path = format!("/reviews/{id}");
    let (waited, answered) = tokio::join!(
        agent.wait(&id, 20_000),
        browser.submit_form(&path, &[("option", "approve"), ("comment", ""), ("feedback", "ship it")]),
    );
    assert_eq!((answered.status, answered.header("location")), (303, format!("/reviews/{id}").as_str()));
    let review = waited.expect(200)["message"]["review"].clone();
    assert_eq!(
        (&review["response"], &review["feedback"]),
        (&json!({ "selectedOption": "approve" }), &json!("ship it"))
    );
    let outcome = browser.get(&format!("/reviews/{id}")).await.text();
    assert!(outcome.contains("Answered by you") && !outcome.contains("<button name="), "{outcome}");
    assert!(!browser.get("/").await.text().contains(&id));

    let gone = browser.submit_form("/logout", &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/login"));
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn each_type_can_be_answered_on_its_page() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let choices = json!([{ "id": "a", "label": "A" }, { "id": "b", "label": "B" }]);
    let fields = json!([
        { "name": "n", "type": "number", "min": 1 }, { "name": "ok", "type": "checkbox" },
        { "name": "s", "type": "select", "options": ["x", "y"] }, { "name": "when", "type": "datetime" },
        { "name": "empty", "type": "text" },
    ]);
    type Case = (Value, Vec<(&'static str, &'static str)>, Value);
    let cases: [Case; 7] = [
        (
            json!({ "type": "approval", "payload": { "options": choices } }),
            vec![("option", "b"), ("comment", "c")],
            json!({ "selectedOption": "b", "comment": "c" }),
        ),
        (
            json!({ "type": "selection", "payload": { "mode": "multi", "items": choices } }),
            vec![("item", "a"), ("item", "b")],
            json!({ "selectedIds": ["a", "b"] }),
        ),
        (
            json!({ "type": "form", "payload": { "fields": fields } }),
            vec![
                ("field.n", "2.5"),
                ("field.ok", "on"),
                ("field.s", "y"),
                ("field.when", "2026-01-31T09:30"),
                ("field.empty", ""),
            ],
            json!({ "n": 2.5, "ok": true, "s": "y", "when": "2026-01-31T09:30" }),
        ),
        (
            json!({ "type": "form", "payload": { "fields": fields, "dismissLabel": "No" } }),
            vec![("dismiss", "1")],
            json!({ "_dismissed": true }),
        ),
        (json!({ "type": "text-input" }), vec![("text", "one\r\ntwo")], json!({ "text": "one\ntwo" })),
        (json!({ "type": "freeform" }), vec![("json", "{\"big\":12345678901234567890123}")], json!(null)),
        (json!({ "type": "vote" }), vec![("json", "{\"a\":1}")], json!({ "a": 1 })),
    ];
    for (review, fields, expected) in cases {
        let id = agent.create_message(json!({ "text": "?", "review": review })).await;
        let path = format!("/reviews/{id}");
        assert_eq!(person.get(&path).await.status, 200);
        let reply = person.submit_form(&path, &fields).await;
        assert_eq!(reply.status, 303, "{review}: {}", reply.text());
        let waited = agent.wait(&id, 5_000).await;
        match expected {
            Value::Null => assert!(waited.text().contains("12345678901234567890123")),
            expected => assert_eq!(waited.expect(200)["message"]["review"]["response"], expected),
        }
    }
}

#[tokio::test]
async fn a_refused_form_keeps_its_input() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = json!({ "type": "text-input", "payload": { "maxLength": 3, "prefill": "abc" } });
    let id = agent.create_message(json!({ "text": "?", "review": review })).await;
    assert!(person.get(&format!("/reviews/{id}")).await.text().contains("abc</textarea>"));
    let refused =
        person.submit_form(&format!("/reviews/{id}"), &[("text", "too long"), ("feedback", "my words")]).await;
    assert_eq!(refused.status, 400);
    for kept in ["Text may have at most 3 characters.", "too long</textarea>", "my words</textarea>"] {
        assert!(refused.text().contains(kept), "{kept}: {}", refused.text());
    }
}

#[tokio::test]
async fn an_answer_that_came_second_shows_the_stored_outcome() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    person.answer(&id, json!({ "selectedOption": "reject" })).await.expect(201);
    let late = person.submit_form(&format!("/reviews/{id}"), &[("option", "approve")]).await;
    assert_eq!(late.status, 303);
    assert!(person.get(&format!("/reviews/{id}")).await.text().contains("reject"));

    let expired = agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 60 } })).await;
    world.advance_clock(std::time::Duration::from_secs(60));
    assert_eq!(person.submit_form(&format!("/reviews/{expired}"), &[("option", "approve")]).await.status, 303);
    assert!(person.get(&format!("/reviews/{expired}")).await.text().contains("Expired"));
}

#[tokio::test]
async fn what_was_written_for_a_withdrawn_review_is_shown_again() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let action = json!({ "name": "pay", "args": { "amount": 7 }, "editable": ["/amount"] });
    let act = json!({ "type": "approval", "action": action });
    let fields = json!([
        { "name": "why", "type": "textarea" }, { "name": "pin", "type": "password" }, { "name": "to", "type": "text", "defaultValue": "Ada" }
    ]);
    let form = json!({ "type": "form", "payload": { "fields": fields } });
    let text = json!({ "type": "text-input", "payload": { "prefill": "Dear" } });
    let edited = r#"{"amount":8}"#;
    for (review, typed, kept, hidden) in [
        (
            act.clone(),
            vec![("option", "approve"), ("comment", "a <b>thought"), ("editedArgs", edited)],
            vec!["a &#60;b&#62;thought", "{&#34;amount&#34;:8}"],
            "draft</pre>",
        ),
        (form, vec![("field.why", "it\nis"), ("field.pin", "4711"), ("field.to", "Ada")], vec!["it\nis"], "4711"),
        (text, vec![("text", "Dear reader")], vec!["Dear reader"], "4711"),
        (json!({ "type": "freeform" }), vec![("json", "{ not")], vec!["{ not"], "4711"),
    ] {
        let id = agent.create_message(json!({ "text": "?", "review": review })).await;
        agent.cancel(&id, json!({})).await.expect(200);
        let page = person.submit_form(&format!("/reviews/{id}"), &typed).await;
        assert_eq!(page.status, 409);
        let page = page.text();
        assert!(page.contains("Withdrawn by") && page.contains("Your unsent draft"), "{page}");
        assert!(page.contains("Your answer came too late and was not stored."), "{page}");
        assert!(kept.iter().all(|text| page.contains(text)) && !page.contains(hidden), "{kept:?}: {page}");
        // What is as it was asked was not written.
        let asked = [
            ("option", "approve"),
            ("editedArgs", r#"{ "amount": 7 }"#),
            ("field.to", "Ada"),
            ("text", "Dear"),
            ("json", "{}"),
        ];
        assert_eq!(person.submit_form(&format!("/reviews/{id}"), &asked).await.status, 303);
    }
}

#[tokio::test]
async fn an_answer_after_another_one_keeps_its_text_and_a_repeated_one_counts() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "text": "?", "review": { "type": "approval" } })).await;
    let path = format!("/reviews/{id}");
    let answer = [("option", "approve"), ("comment", "the first")];
    for _ in 0..2 {
        assert_eq!(person.submit_form(&path, &answer).await.status, 303);
    }
    assert!(!person.get(&path).await.text().contains("came too late"));
    let late = person.submit_form(&path, &[("option", "approve"), ("comment", "a thought")]).await;
    assert_eq!(late.status, 409);
    let page = late.text();
    assert!(page.contains("Your unsent draft") && page.contains("a thought") && page.contains("the first"), "{page}");
    assert!(page.contains("Your answer came too late and was not stored."), "{page}");
    let stored = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200);
    assert_eq!(stored["review"]["response"]["comment"], "the first");
}

#[tokio::test]
async fn a_form_that_another_site_sends_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let send = |name: &'static str, value: &'static str| {
        let request = person.request(Method::POST, &format!("/reviews/{id}")).form(&[("option", "approve")]);
        Reply::fetch(if name.is_empty() { request } else { request.header(name, value) })
    };
    for (name, value) in [
        ("", ""),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        assert_eq!(send(name, value).await.status, 403, "{name}: {value}");
    }
    assert_eq!(agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["status"], "pending");
    assert_eq!(send("Sec-Fetch-Site", "same-origin").await.status, 303);
}

#[tokio::test]
async fn a_wrong_password_is_shown_on_the_page() {
    let world = World::start().await;
    let person = world.person().await;
    let browser = Person::signed_out(&world.url, "", "");
    let form = [("email", person.email.as_str()), ("password", "nope")];
    for _ in 0..10 {
        let refused = browser.submit_form("/login", &form).await;
        assert_eq!(refused.status, 401);
        assert!(refused.text().contains("Wrong e-mail or password.") && refused.text().contains(&person.email));
    }
    let locked = browser.submit_form("/login", &form).await;
    assert_eq!(locked.status, 429);
    assert!(locked.text().contains("try again in 15 min."), "{}", locked.text());
}

#[tokio::test]
async fn malformed_forms_are_refused_on_a_page() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.request_approval().await;
    for path in ["/login", &format!("/reviews/{id}")] {
        let json = person.request(Method::POST, path).header("Origin", person.origin()).json(&json!({}));
        assert_eq!(Reply::fetch(json).await.status, 415, "{path}");
        let huge = "x".repeat(3_000_000);
        assert_eq!(person.submit_form(path, &[("text", &huge)]).await.status, 413, "{path}");
    }
    let long = "x".repeat(3000);
    for form in [vec![], vec![("email", long.as_str()), ("password", long.as_str())]] {
        assert_eq!(person.submit_form("/login", &form).await.status, 401);
    }
    person.get("/assets/%FF").await.expect_error(400, "validation_failed");
}

#[tokio::test]
async fn a_page_of_the_list_has_50_requests_and_leads_to_the_next() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut sent = vec![];
    for minutes in 1..=120 {
        let review = json!({ "type": "approval", "expiresInSeconds": 7_200 - 60 * minutes / 2 });
        sent.push(agent.create_message(json!({ "text": "?", "review": review })).await);
    }
    let (newest, due) = (sent.iter().rev().cloned().collect::<Vec<_>>(), sent.iter().rev().cloned().collect());
    for (order, expected) in [("/", newest), ("/?order=due", due)] {
        let (mut found, mut path) = (vec![], Some(order.to_owned()));
        while let Some(at) = path {
            let page = person.get(&at).await.text();
            let rows: Vec<_> =
                page.split("id=\"row-").skip(1).map(|it| it.split('"').next().unwrap().to_owned()).collect();
            assert!(rows.iter().filter(|id| *id != "list").count() <= 50, "{at}");
            found.extend(rows.into_iter().filter(|id| id != "list"));
            let mut links = page.split("href=\"").map(|it| it.split('"').next().unwrap());
            path = links.find(|it| it.contains("cursor=")).map(|it| it.replace("&#38;", "&"));
        }
        assert_eq!(found, expected, "{order}");
    }
}

#[tokio::test]
async fn pending_requests_that_outgrow_the_list_are_told_and_shown_by_agent() {
    const NOTE: &str = "Older requests are waiting, too";
    let world = World::start().await;
    let person = world.person().await;
    let (quiet, busy) = (person.agent().await, person.agent().await);
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let oldest = quiet.create_message(long.clone()).await;
    for _ in 0..22 {
        busy.create_message(long.clone()).await;
    }
    let page = person.get("/").await.text();
    assert!(page.contains(NOTE) && !page.contains(&oldest), "{page}");
    let shown = page.split("data-total=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.contains(&format!("<title>({shown}+) Inbox")), "{page}");
    // The list has an agent whose requests are all older.
    assert!(page.contains(&format!("<option dir=\"auto\" value=\"{}\">", quiet.channel)), "{page}");
    assert!(person.get("/channels").await.text().contains(&format!("{shown}+ waiting")));

    let own = person.get(&format!("/?agent={}", quiet.channel)).await;
    assert!(own.text().contains(&oldest) && !own.text().contains(NOTE), "{}", own.text());
    let busy = person.get(&format!("/?agent={}", busy.channel)).await.text();
    assert!(busy.contains(NOTE) && busy.contains("Answer these first."), "{busy}");
}
