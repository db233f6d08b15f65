//! Calls of SES v2, held against botocore's own model and signer.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use shared::aws::ses::Ses;
use shared::clock::Timestamp;
use shared::ids::UserId;
use shared::mail::{Letter, MailAnswer, Mailer};

use crate::support::receiver::{Receiver, ResponsePlan};

async fn send(receiver: &Receiver) -> (UserId, MailAnswer) {
    let origin = receiver.url.split("/hook").next().unwrap();
    let ses = Ses::at(origin, "eu-central-1", ["AKID", "SECRET"], Some("a-stack".to_owned()));
    let mailer = Mailer::new("Placet <placet@example.com>", ses).unwrap();
    let (now, text) = (Timestamp::from_millis(1_769_852_000_000), "Übernehmen?".to_owned());
    let letter = Letter {
        to: "anna@example.org".to_owned(),
        subject: text.clone(),
        html: text.clone(),
        text,
        id: "tag".to_owned(),
        follows: None,
        unsubscribe: "https://inbox.example/unsubscribe/x".to_owned(),
    };
    let person = UserId::new(now);
    (person, mailer.send(person, &letter, now).await.unwrap())
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
async fn a_call_has_the_shape_and_the_signature_that_botocore_knows() {
    let receiver = Receiver::start([ResponsePlan::with(200, "", r#"{"MessageId":"x"}"#)]).await;
    let (person, answer) = send(&receiver).await;
    assert_eq!(answer, MailAnswer::Accepted);
    let request = &receiver.received()[0];
    let mut line = request.line.split(' ');
    let (method, path) = (line.next(), line.next());
    let given = json!({ "method": method, "path": path, "headers": request.headers, "body": request.body });
    let read = tokio::task::spawn_blocking(move || botocore(&given)).await.unwrap();
    assert_eq!(read["isSigned"], true);
    let parameters = &read["parameters"];
    assert_eq!(parameters["FromEmailAddress"], "placet@example.com");
    assert_eq!(parameters["Destination"], json!({ "ToAddresses": ["anna@example.org"] }));
    assert_eq!(parameters["ConfigurationSetName"], "a-stack");
    assert_eq!(parameters["EmailTags"], json!([{ "Name": "person", "Value": person }]));
    let raw = parameters["Content"]["Raw"]["Data"].as_str().unwrap();
    for header in ["To: anna@example.org\r\n", "Message-ID: <tag@example.com>\r\n", "List-Unsubscribe-Post: "] {
        assert!(raw.contains(header), "{raw}");
    }
}

#[tokio::test]
async fn what_ses_refuses_is_final_and_when_it_is_busy_is_attempted_again() {
    for (status, is_busy) in [(400, false), (403, false), (429, true), (500, true), (503, true)] {
        let receiver = Receiver::start([ResponsePlan::with(status, "", r#"{"message":"Why"}"#)]).await;
        let answer = send(&receiver).await.1;
        let is_as_expected = match &answer {
            MailAnswer::Busy(why) => is_busy && why.contains("Why"),
            MailAnswer::Refused(why) => !is_busy && why.contains("Why"),
            _ => false,
        };
        assert!(is_as_expected, "{status}: {answer:?}");
    }
    let gone = Receiver::start([ResponsePlan::Close]).await;
    assert!(matches!(send(&gone).await.1, MailAnswer::Busy(_)));
}
