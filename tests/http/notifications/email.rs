//! E-mails through a real SMTP server, their links, and how they end.

use std::pin::Pin;
use std::time::Duration;

use placet_local::runner::smtp::{self, Smtp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::App;
use shared::mail::{Mail, MailAnswer, MailTransport, Mailer};
use test_support::functions::Function;
use test_support::{Agent, Person, Reply, World};

use super::driver::NotifyDriver;
use super::mail_server::MailServer;
use super::push_messages::deploy;

const FROM: &str = "Placet <placet@placet.example>";

struct Setup {
    world: World,
    driver: NotifyDriver,
    server: MailServer,
    /// At the address of functions that send e-mails.
    person: Person,
    agent: Agent,
}

impl Setup {
    async fn start() -> Self {
        let (world, server) = (World::isolated().await, MailServer::start().await);
        let person = world.person().await;
        Self::of(world, server, person).await
    }

    async fn of(world: World, server: MailServer, person: Person) -> Self {
        let mailer = smtp::mailer(&server.url, FROM).unwrap_or_else(|_| panic!("a mailer"));
        let driver = NotifyDriver::start(&world).await.with_mailer(mailer.clone());
        let agent = person.agent().await;
        let person = person.at(&with_mailer(&world, mailer).await);
        prefer(&person, json!({ "email": { "enabled": true } })).await.expect(200);
        Self { world, driver, server, person, agent }
    }

    /// The last e-mail, after the next notification was delivered.
    async fn received(&self) -> Value {
        let before = self.server.received().len();
        self.driver.deliver_next().await;
        self.server.wait_for(before + 1).await.pop().unwrap()
    }

    async fn email(&self) -> Value {
        self.person.get("/api/preferences").await.expect(200)["notifications"].clone()
    }

    /// A browser without a session.
    fn visitor(&self) -> Person {
        Person::signed_out(&self.world.url, "", "")
    }
}

/// The URL of the routes of `accounts`, with a mailer.
pub async fn with_mailer(world: &World, mailer: Mailer) -> String {
    world
        .serve_also(
            accounts::router(),
            App { mailer: Function::named("accounts").with_its_mail(mailer), ..world.function("accounts") },
        )
        .await
}

pub async fn prefer(person: &Person, notifications: Value) -> Reply {
    let request = person.request(Method::PATCH, "/api/preferences");
    Reply::fetch(request.json(&json!({ "notifications": notifications }))).await
}

/// A mailer whose process is killed between sending an e-mail and recording it.
fn killed_after_sending(url: &str) -> Mailer {
    struct Killed(Smtp);
    impl MailTransport for Killed {
        fn send<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = MailAnswer> + Send + 'a>> {
            Box::pin(async {
                self.0.send(mail).await;
                std::future::pending().await
            })
        }
    }
    let transport = Killed(smtp::transport(url).unwrap_or_else(|_| panic!("a transport")));
    Mailer::new(FROM, transport).expect("an address")
}

/// The path of the first link in a text that begins so.
pub fn path<'a>(text: &'a Value, start: &str) -> &'a str {
    let text = text.as_str().unwrap();
    let from = text.find(&format!("http://localhost{start}")).unwrap_or_else(|| panic!("no {start} in {text}"));
    let link = &text[from + "http://localhost".len()..];
    &link[..link.find(|letter: char| letter.is_whitespace() || letter == '"' || letter == '>').unwrap_or(link.len())]
}

#[tokio::test]
async fn a_request_is_sent_as_plain_text_and_html_that_pythons_parser_reads() {
    let setup = Setup::start().await;
    let mut request = deploy("medium");
    request["text"] = json!("Übernehmen? <b>& more</b>\nSecond line");
    setup.agent.send(request).await.expect(201);
    let mail = setup.received().await;
    assert_eq!((&mail["defects"], &mail["type"]), (&json!([]), &json!("multipart/alternative")));
    assert_eq!((&mail["from"], &mail["to"]), (&json!("placet@placet.example"), &json!([setup.person.email])));
    let headers = &mail["headers"];
    assert_eq!(headers["subject"], "An agent: deploy. Version 7 of the shop");
    assert_eq!((&headers["from"], &headers["to"]), (&json!(FROM), &json!(setup.person.email)));
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert_eq!(headers["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
    let unsubscribe = path(&headers["list-unsubscribe"], "/unsubscribe/");
    assert!(headers["message-id"].as_str().unwrap().ends_with("@placet.example>"));
    let plain = mail["plain"].as_str().unwrap().replace("\r\n", "\n");
    assert!(
        plain.starts_with("An agent asks:\n\nÜbernehmen? <b>& more</b>\nSecond line\n\nAction: deploy\n"),
        "{plain}"
    );
    assert!(plain.contains("Risk: medium\nAnswer by: 20"), "{plain}");
    let html = mail["html"].as_str().unwrap();
    assert!(html.contains("Übernehmen? &#60;b&#62;&#38; more&#60;/b&#62;") && !html.contains("<b>"), "{html}");
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<form"), "{html}");
    assert_eq!(path(&mail["plain"], "/d/"), path(&mail["html"], "/d/"));
    assert_eq!(
        (path(&mail["plain"], "/unsubscribe/"), path(&mail["html"], "/unsubscribe/")),
        (unsubscribe, unsubscribe)
    );
}

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
        (act(json!({})), true, vec![("Action", "deploy"), ("Risk", "medium")]),
        (
            act(json!({ "reversible": false })),
            true,
            vec![("Action", "deploy"), ("Can be undone", "no"), ("Risk", "high")],
        ),
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
        (act(hostile), false, vec![("Risk", "medium")]),
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
async fn a_reminder_follows_the_first_e_mail_and_an_attempt_that_failed_keeps_its_id() {
    let setup = Setup::start().await;
    prefer(&setup.person, json!({ "remindAfterSeconds": 600 })).await.expect(200);
    setup.agent.send(deploy("high")).await.expect(201);
    let first = setup.received().await;
    setup.world.advance_clock(Duration::from_secs(601));
    setup.driver.sweep().await;
    let reminder = setup.received().await;
    assert_eq!(reminder["headers"]["subject"], "Reminder: An agent: High risk: deploy. Version 7 of the shop");
    assert_eq!(reminder["headers"]["in-reply-to"], first["headers"]["message-id"]);
    assert_ne!(reminder["headers"]["message-id"], first["headers"]["message-id"]);

    // Killed between sending and recording it: the lease ends, and the same e-mail is sent again.
    setup.agent.send(deploy("high")).await.expect(201);
    let message = setup.driver.next().await;
    let dying = setup.driver.sending_over(killed_after_sending(&setup.server.url));
    tokio::select! {
        _ = dying.deliver(&message) => unreachable!("it never returns"),
        mails = setup.server.wait_for(3) => assert_eq!(mails.len(), 3),
    }
    setup.world.advance_clock(Duration::from_secs(31));
    assert!(setup.driver.deliver(&message).await);
    let mails = setup.server.wait_for(4).await;
    assert_eq!(mails[2]["headers"]["message-id"], mails[3]["headers"]["message-id"]);
}

#[tokio::test]
async fn requests_of_low_risk_come_together_at_the_full_hour_without_those_that_were_decided() {
    let setup = Setup::start().await;
    let mut ids = vec![];
    for name in ["first", "second", "third"] {
        let action = json!({ "name": name, "args": {}, "risk": "low" });
        ids.push(setup.agent.create_message(json!({ "review": { "type": "approval", "action": action } })).await);
    }
    setup.agent.send(deploy("medium")).await.expect(201);
    // A request of higher risk comes at once.
    assert!(setup.received().await["headers"]["subject"].as_str().unwrap().contains("Version 7"));
    assert!(setup.driver.next_within(0).await.is_none());
    let inbox = setup.person.at(&setup.world.url);
    inbox.answer(&ids[1], json!({ "selectedOption": "approve" })).await.expect(201);
    setup.driver.replay_stream().await;
    setup.world.advance_clock(Duration::from_secs(3600));
    setup.driver.sweep().await;
    while let Some(message) = setup.driver.next_within(0).await {
        assert!(setup.driver.deliver(&message).await);
    }
    let mails = setup.server.wait_for(2).await;
    let digest = &mails[1];
    assert_eq!((mails.len(), &digest["headers"]["subject"]), (2, &json!("2 requests of low risk wait for you")));
    let plain = digest["plain"].as_str().unwrap();
    assert!(
        plain.contains("An agent: first.") && plain.contains("An agent: third.") && !plain.contains("second"),
        "{plain}"
    );
    assert_eq!((plain.matches("/d/").count(), digest["html"].as_str().unwrap().matches("/d/").count()), (2, 2));
    setup.driver.replay_stream().await;
    setup.world.advance_clock(Duration::from_secs(3600));
    setup.driver.sweep().await;
    while let Some(message) = setup.driver.next_within(0).await {
        assert!(setup.driver.deliver(&message).await);
    }
    assert_eq!(setup.server.received().len(), 2, "none of them comes again");
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

#[tokio::test]
async fn a_bounce_and_a_complaint_end_the_e_mails_to_that_address_only() {
    let setup = Setup::start().await;
    let user = setup.person.user_id().await;
    let event = |kind: &str, detail: Value| {
        let mut event = json!({ "eventType": kind, "mail": { "messageId": "x", "tags": { "person": [user] } } });
        event[kind.to_lowercase()] = detail;
        event
    };
    let bounced = |kind: &str, to: &str| {
        event("Bounce", json!({ "bounceType": kind, "bouncedRecipients": [{ "emailAddress": to }] }))
    };
    let address = setup.person.email.clone();
    for harmless in
        [bounced("Transient", &address), bounced("Permanent", "former@example.com"), event("Delivery", json!({}))]
    {
        setup.driver.put(&harmless).await;
        setup.driver.deliver_next().await;
        assert_eq!(setup.email().await["emailEnded"], Value::Null);
    }
    setup.driver.put(&bounced("Permanent", &address.to_uppercase())).await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.email().await["emailEnded"]["reason"], "bounced");
    prefer(&setup.person, json!({ "email": { "enabled": true } })).await.expect(200);
    let complaint = event("Complaint", json!({ "complainedRecipients": [{ "emailAddress": address }] }));
    setup.driver.put(&complaint).await;
    setup.driver.deliver_next().await;
    let ended = setup.email().await;
    assert_eq!((&ended["email"]["enabled"], &ended["emailEnded"]["reason"]), (&json!(false), &json!("complained")));
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again_and_one_that_knows_no_such_address_ends_the_e_mails() {
    for (name, is_done, reason, is_dead) in [
        ("busy", false, Value::Null, false),
        ("unknown", true, json!("bounced"), false),
        ("refused", true, Value::Null, true),
    ] {
        let (world, server) = (World::isolated().await, MailServer::start().await);
        let address = format!("{name}+{}", test_support::random_email());
        world.create_account(&address, "a long password").await;
        let person = Person::signed_out(&world.url, &address, "a long password");
        person.sign_in().await.expect(200);
        let setup = Setup::of(world, server, person).await;
        setup.agent.send(deploy("high")).await.expect(201);
        let message = setup.driver.next().await;
        assert_eq!(setup.driver.deliver(&message).await, is_done, "{name}");
        let ended = &setup.email().await["emailEnded"];
        assert_eq!(if ended.is_null() { ended } else { &ended["reason"] }, &reason, "{name}");
        assert_eq!(setup.driver.dead_letter().await.is_some(), is_dead, "{name}");
        assert_eq!(setup.server.received().len(), 0);
    }
}

#[tokio::test]
async fn a_test_e_mail_shows_what_the_server_answered() {
    let setup = Setup::start().await;
    let tested = setup.person.post("/api/notifications/email/test", json!({})).await.expect(200).clone();
    assert_eq!(tested, json!({ "to": setup.person.email, "accepted": true, "error": null }));
    let mail = setup.server.wait_for(1).await.pop().unwrap();
    assert_eq!(mail["headers"]["subject"], "Placet: This is a test message.");
}

#[tokio::test]
async fn a_deployment_without_e_mail_turns_none_on() {
    let world = World::start().await;
    let person = world.person().await;
    prefer(&person, json!({ "email": { "enabled": true } })).await.expect_error(501, "mail_off");
    person.post("/api/notifications/email/test", json!({})).await.expect_error(501, "mail_off");
    prefer(&person, json!({ "email": { "minRisk": "high" } })).await.expect(200);
}
