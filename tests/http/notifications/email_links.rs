//! The links in e-mails: to the page of a request, and to the end of e-mails.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::Reply;

use super::email_setup::{Setup, path, prefer};
use super::push_messages::deploy;

#[tokio::test]
async fn a_link_that_is_fetched_twenty_times_changes_nothing_and_shows_the_outcome_in_the_end() {
    let setup = Setup::start().await;
    let sent = setup.agent.send(deploy("medium")).await.expect(201);
    let (id, mail) = (sent["id"].as_str().unwrap(), setup.received().await);
    let link = path(&mail["plain"], "/d/");
    let stored = || async { setup.agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200) };
    let before = stored().await;
    for method in ["GET", "HEAD"].repeat(10) {
        let reply = Reply::fetch(setup.visitor().request(method.parse().unwrap(), link)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    assert_eq!(stored().await, before);
    let page = setup.visitor().get(link).await;
    let text = page.text();
    assert!(text.contains("Version 7 of the shop") && text.contains(&format!("/reviews/{id}")), "{text}");
    assert!(!text.contains("<form") && !text.contains("<script"), "nothing on it decides: {text}");
    for method in ["POST", "PUT", "DELETE"] {
        let reply = Reply::fetch(setup.visitor().request(method.parse().unwrap(), link)).await;
        assert_eq!(reply.status, 405);
    }
    let inbox = setup.person.at(&setup.world.url);
    inbox.answer(id, json!({ "selectedOption": "reject" })).await.expect(201);
    let ended = setup.visitor().get(link).await;
    assert!(ended.text().contains("Answered") && ended.text().contains("Reject"), "{}", ended.text());
    assert!(!ended.text().contains("Version 7"), "it ends with the review: {}", ended.text());
    setup.agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    assert_eq!(setup.visitor().get(link).await.status, 404);
}

/// The facts of an e-mail or a page: the texts of these elements, in pairs.
fn facts(html: &str, name: &str, value: &str) -> Vec<(String, String)> {
    let texts = |tag: &str| {
        let (start, end) = (format!("<{tag}"), format!("</{tag}>"));
        let elements = html.split(&end).filter_map(|before| before.rsplit_once(&start));
        elements.map(|(_, rest)| rest.split_once('>').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    texts(name).into_iter().zip(texts(value)).collect()
}

#[tokio::test]
async fn the_page_of_a_link_lists_the_facts_of_both_parts_of_its_e_mail() {
    let setup = Setup::start().await;
    let act = |given: Value| {
        let mut act = json!({ "name": "deploy", "args": {} });
        act.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        Some(act)
    };
    let hostile =
        json!({ "target": "--all\nRisk: low\u{2028}*.example.com _x_", "risk": "medium", "reversible": true });
    for (action, shows_content, expected) in [
        (None, true, vec![]),
        (None, false, vec![]),
        (act(json!({})), true, vec![("Action", "deploy"), ("Risk", "not stated")]),
        (
            act(json!({ "reversible": false })),
            true,
            vec![("Action", "deploy"), ("Can be undone", "no"), ("Risk", "not stated")],
        ),
        // It comes at once, and not with those of low risk at the full hour.
        (
            act(json!({ "risk": "low", "reversible": false })),
            true,
            vec![("Action", "deploy"), ("Can be undone", "no"), ("Risk", "low")],
        ),
        (act(json!({ "risk": "low", "reversible": false })), false, vec![("Can be undone", "no"), ("Risk", "low")]),
        (
            act(hostile.clone()),
            true,
            vec![
                ("Action", "deploy"),
                ("Target", "--all Risk: low *.example.com _x_"),
                ("Can be undone", "yes"),
                ("Risk", "medium"),
            ],
        ),
        (act(hostile), false, vec![("Can be undone", "yes"), ("Risk", "medium")]),
        (
            act(json!({ "summary": "Version 7", "risk": "high" })),
            true,
            vec![("Action", "deploy"), ("Summary", "Version 7"), ("Risk", "high")],
        ),
    ] {
        prefer(&setup.person, json!({ "email": { "showContent": shows_content } })).await.expect(200);
        let mut review = json!({ "type": "approval" });
        if let Some(action) = action {
            review["action"] = action;
        }
        setup.agent.create_message(json!({ "text": "Deploy?", "review": review })).await;
        let mail = setup.received().await;
        let in_html = facts(mail["html"].as_str().unwrap(), "th", "td");
        let (until, others) = in_html.split_last().unwrap();
        assert!(until.0 == "Answer by" && until.1.ends_with(" UTC"), "{until:?}");
        let others: Vec<_> = others.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(others, expected);
        let subject = mail["headers"]["subject"].as_str().unwrap();
        let is_final = shows_content && others.contains(&("Can be undone", "no"));
        assert_eq!(subject.to_lowercase().contains("cannot be undone: deploy."), is_final, "{subject}");
        let plain = mail["plain"].as_str().unwrap().replace("\r\n", "\n");
        let listed: Vec<_> = in_html.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        assert!(plain.contains(&format!("\n\n{}\nOpen the request:", listed.concat())), "{plain}");
        let page = setup.visitor().get(path(&mail["plain"], "/d/")).await;
        assert_eq!(facts(&page.text(), "dt", "dd"), in_html);
    }
}

#[tokio::test]
async fn a_link_opens_one_review_of_one_person_and_nothing_else() {
    let setup = Setup::start().await;
    setup.agent.send(deploy("medium")).await.expect(201);
    let first = setup.received().await;
    let other = setup.agent.send(deploy("high")).await.expect(201);
    let second = setup.received().await;
    let (one, two) = (path(&first["plain"], "/d/"), path(&second["plain"], "/d/"));
    assert_ne!(one, two);
    let visitor = setup.visitor();
    let token = one.strip_prefix("/d/").unwrap();
    // The token is no session, no key and no other link.
    for (name, value) in [("authorization", format!("Bearer {token}")), ("cookie", format!("access_token={token}"))] {
        let request = visitor.request(Method::GET, "/api/auth/me").header(name, value);
        Reply::fetch(request).await.expect_error(401, "unauthorized");
    }
    let id = other["id"].as_str().unwrap();
    for path in [format!("/reviews/{id}?token={token}"), format!("/d/{token}{id}"), format!("/unsubscribe/{token}")] {
        let reply = visitor.get(&path).await;
        assert!(!reply.text().contains("Version 7"), "{path}: {}", reply.text());
    }
    for at in 0..token.len() {
        let mut changed = token.to_owned();
        changed.replace_range(at..=at, if &token[at..=at] == "A" { "B" } else { "A" });
        assert_eq!(visitor.get(&format!("/d/{changed}")).await.status, 404, "{at}");
    }
    // Another person's session opens nothing more with it.
    let stranger = setup.world.member().await;
    let page = stranger.get(one).await;
    assert!(!page.text().contains(&stranger.email), "{}", page.text());
    assert_eq!(stranger.get(&format!("/reviews/{id}")).await.status, 403);
}

#[tokio::test]
async fn without_the_question_neither_the_e_mail_nor_its_link_shows_it() {
    let setup = Setup::start().await;
    prefer(&setup.person, json!({ "email": { "showContent": false } })).await.expect(200);
    setup.agent.send(deploy("high")).await.expect(201);
    let mail = setup.received().await;
    let whole = mail.to_string();
    assert!(
        whole.contains("An agent: A request") && !whole.contains("Version 7") && !whole.contains("Deploy?"),
        "{whole}"
    );
    let page = setup.visitor().get(path(&mail["plain"], "/d/")).await;
    assert!(page.text().contains("once you are signed in") && !page.text().contains("Version 7"), "{}", page.text());
}

#[tokio::test]
async fn one_post_without_a_session_ends_the_e_mails_and_a_get_does_not() {
    let setup = Setup::start().await;
    setup.agent.send(deploy("high")).await.expect(201);
    let mail = setup.received().await;
    let link = path(&mail["headers"]["list-unsubscribe"], "/unsubscribe/");
    assert!(setup.visitor().get(link).await.text().contains("Turn off e-mails?"));
    assert_eq!(setup.email().await["email"]["enabled"], true);
    let one_click = setup.visitor().request(Method::POST, link).form(&[("List-Unsubscribe", "One-Click")]);
    assert_eq!(Reply::fetch(one_click).await.status, 200);
    let ended = setup.email().await;
    assert_eq!((&ended["email"]["enabled"], &ended["emailEnded"]["reason"]), (&json!(false), &json!("unsubscribed")));
    setup.agent.send(deploy("high")).await.expect(201);
    assert!(setup.driver.next_within(1).await.is_none());
    let again = prefer(&setup.person, json!({ "email": { "enabled": true } })).await.expect(200).clone();
    assert_eq!(again["notifications"]["emailEnded"], Value::Null);
    let wrong = setup.visitor().request(Method::POST, "/unsubscribe/nonsense");
    assert_eq!(Reply::fetch(wrong).await.status, 404);
}
