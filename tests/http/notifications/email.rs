//! E-mails through a real SMTP server, and how they end.

use std::pin::Pin;
use std::time::Duration;

use placet_local::runner::smtp::{self, Smtp};
use serde_json::{Value, json};
use shared::mail::{Mail, MailAnswer, MailTransport, Mailer};
use test_support::{Person, World};

use super::driver::{planned, quiet_for_two_hours};
use super::email_setup::{FROM, Setup, path, prefer};
use super::mail_server::MailServer;
use super::push_messages::deploy;

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

#[tokio::test]
async fn an_attempt_at_a_server_that_says_nothing_ends() {
    // The system establishes the connection, which the listener never accepts.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let transport = smtp::transport(&url).unwrap_or_else(|_| panic!("a transport"));
    let (from, to) = ("placet@placet.example".to_owned(), "ann@people.example".to_owned());
    let person = "usr_01M8NQ3XRBN1NG7Y4SVT0E4HXH".parse().unwrap();
    let mail = Mail { from, to, raw: b"Subject: Hello\r\n\r\nHello".to_vec(), person };
    let answer = tokio::time::timeout(Duration::from_secs(60), transport.send(&mail)).await.expect("an end");
    assert_eq!(answer, MailAnswer::Busy("the server has not answered within 15 s".to_owned()));
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

#[tokio::test]
async fn requests_of_low_risk_in_quiet_hours_come_together_at_their_end() {
    let setup = Setup::start().await;
    prefer(&setup.person, json!({ "quietHours": quiet_for_two_hours(&setup.world) })).await.expect(200);
    let low = json!({ "review": { "type": "approval", "action": { "name": "tidy", "args": {}, "risk": "low" } } });
    for sent in 1..=2 {
        setup.agent.send(low.clone()).await.expect(201);
        // Each request has an item of its own beside the digest's.
        planned(&setup.world, &setup.person, sent + 1).await;
        setup.world.advance_clock(Duration::from_secs(3600));
    }
    setup.driver.sweep().await;
    let mail = setup.received().await;
    assert_eq!(mail["headers"]["subject"], "2 requests of low risk wait for you");
    setup.world.advance_clock(Duration::from_secs(3600));
    setup.driver.sweep().await;
    assert!(setup.driver.next_within(0).await.is_none());
}
