//! Calls of SES v2, held against botocore's own model and signer. `tests/sam/mail.py` sends e-mails over an emulator's SES.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use shared::aws::ses::Ses;
use shared::clock::Timestamp;
use shared::ids::UserId;
use shared::mail::{Letter, MailAnswer, Mailer};
use test_support::World;

use super::driver::NotifyDriver;
use super::email_setup::{path, prefer, with_mailer};
use super::push_messages::deploy;
use crate::support::receiver::{Receiver, ResponsePlan};

fn mailer(receiver: &Receiver) -> Mailer {
    let origin = receiver.url.split("/hook").next().unwrap();
    let ses = Ses::at(origin, "eu-central-1", ["AKID", "SECRET"], Some("a-stack".to_owned()));
    Mailer::new("Placet <placet@example.com>", ses).unwrap()
}

async fn send(receiver: &Receiver) -> MailAnswer {
    let (now, text) = (Timestamp::from_millis(1_769_852_000_000), "Deploy?".to_owned());
    let letter = Letter {
        to: "anna@example.org".to_owned(),
        subject: text.clone(),
        html: text.clone(),
        text,
        id: "tag".to_owned(),
        follows: None,
        unsubscribe: "https://inbox.example/unsubscribe/x".to_owned(),
    };
    mailer(receiver).send(UserId::new(now), &letter, now).await.unwrap()
}

fn botocore(given: &Value) -> Value {
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/ses_request.py");
    let mut command = Command::new(python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python");
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_request_is_a_call_whose_shape_and_signature_botocore_knows_with_an_e_mail_that_python_reads() {
    let receiver = Receiver::start([ResponsePlan::with(200, "", r#"{"MessageId":"x"}"#)]).await;
    let world = World::isolated().await;
    let (person, mailer) = (world.person().await, mailer(&receiver));
    let driver = NotifyDriver::start(&world).await.with_mailer(mailer.clone());
    let settings = person.at(&with_mailer(&world, mailer).await);
    prefer(&settings, json!({ "email": { "enabled": true } })).await.expect(200);
    let mut asked = deploy("medium");
    asked["text"] = json!("Übernehmen?");
    person.agent().await.send(asked).await.expect(201);
    driver.deliver_next().await;
    let request = &receiver.received()[0];
    let mut line = request.line.split(' ');
    let (method, path_of_call) = (line.next(), line.next());
    let given = json!({ "method": method, "path": path_of_call, "headers": request.headers, "body": request.body });
    let read = tokio::task::spawn_blocking(move || botocore(&given)).await.unwrap();
    assert_eq!(read["isSigned"], true);
    let parameters = json!({
        "FromEmailAddress": "placet@example.com",
        "Destination": { "ToAddresses": [person.email] },
        "ConfigurationSetName": "a-stack",
        "EmailTags": [{ "Name": "person", "Value": person.user_id().await }],
    });
    assert_eq!(read["parameters"], parameters);
    let (mail, headers) = (&read["mail"], &read["mail"]["headers"]);
    assert_eq!((&mail["defects"], &mail["type"]), (&json!([]), &json!("multipart/alternative")));
    assert_eq!((&headers["from"], &headers["to"]), (&json!("Placet <placet@example.com>"), &json!(person.email)));
    assert_eq!(headers["subject"], "An agent: deploy. Version 7 of the shop");
    assert_eq!(headers["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    for start in ["/d/", "/unsubscribe/"] {
        assert_eq!(path(&mail["plain"], start), path(&mail["html"], start));
    }
    assert_eq!(path(&headers["list-unsubscribe"], "/unsubscribe/"), path(&mail["plain"], "/unsubscribe/"));
    assert!(
        [&mail["plain"], &mail["html"]].iter().all(|part| part.as_str().unwrap().contains("Übernehmen?")),
        "{mail}"
    );
}

#[tokio::test]
async fn what_ses_refuses_is_final_and_when_it_is_busy_is_attempted_again() {
    for (status, is_busy) in [(400, false), (403, false), (429, true), (500, true), (503, true)] {
        let receiver = Receiver::start([ResponsePlan::with(status, "", r#"{"message":"Why"}"#)]).await;
        let answer = send(&receiver).await;
        let is_as_expected = match &answer {
            MailAnswer::Busy(why) => is_busy && why.contains("Why"),
            MailAnswer::Refused(why) => !is_busy && why.contains("Why"),
            _ => false,
        };
        assert!(is_as_expected, "{status}: {answer:?}");
    }
    let gone = Receiver::start([ResponsePlan::Close]).await;
    assert!(matches!(send(&gone).await, MailAnswer::Busy(_)));
}
