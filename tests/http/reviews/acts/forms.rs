//! Answering about an act through the page's form

use serde_json::{Value, json};
use test_support::World;

use super::{ask, payment};

/// The second step that an act of high risk needs.
const CONFIRMED: (&str, &str) = ("confirm", "pay");

#[tokio::test]
async fn a_form_edits_as_the_api_does() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = ask(&agent, payment()).await;
    let path = format!("/reviews/{id}");
    for (edited, sentence) in [
        (r#"{"amount":1,"to":"Eve"}"#, "/to"),
        (r#"{"amount":100001,"to":"Ada"}"#, "/amount"),
        ("{\"amount\":", "must be a JSON object"),
        ("[1]", "must be an object"),
    ] {
        let page = person.submit_form(&path, &[("option", "approve"), CONFIRMED, ("editedArgs", edited)]).await;
        assert_eq!(page.status, 400, "{edited}");
        assert!(page.text().contains(sentence), "{edited}");
    }
    let unconfirmed = person.submit_form(&path, &[("option", "approve"), ("editedArgs", "{}")]).await;
    assert_eq!(unconfirmed.status, 400, "an act of high risk has a second step");
    let too_deep = format!("{{\"x\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(
        person.submit_form(&path, &[("option", "approve"), CONFIRMED, ("editedArgs", &too_deep)]).await.status,
        400
    );
    let edited = "{ \"amount\": 5.0,\r\n \"to\": \"Ada\" }";
    let answered = person.submit_form(&path, &[("option", "approve"), CONFIRMED, ("editedArgs", edited)]).await;
    assert_eq!(answered.status, 303, "{}", answered.text());
    let decision = agent.wait(&id, 5_000).await.expect(200)["message"]["review"]["decision"].clone();
    assert_eq!(decision["action"]["args"], json!({ "amount": 5.0, "to": "Ada" }));
}

#[tokio::test]
async fn a_form_with_unchanged_arguments_edits_nothing() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let unchanged = "{\"to\": \"Ada\", \"note\": null, \"amount\": 8.2e4}";
    for (option, effect, edited) in [("approve", "allow", unchanged), ("reject", "deny", "{\"amount\": 1}")] {
        let id = ask(&agent, payment()).await;
        let fields = [("option", option), CONFIRMED, ("editedArgs", edited), ("comment", "seen")];
        assert_eq!(person.submit_form(&format!("/reviews/{id}"), &fields).await.status, 303);
        let review = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
        assert_eq!(review["response"], json!({ "selectedOption": option, "comment": "seen" }));
        assert_eq!(review["decision"]["effect"], effect);
        assert_eq!(review["decision"]["actionDigest"], review["actionDigest"]);
    }
}

#[tokio::test]
async fn a_form_allows_what_cannot_be_undone_by_the_second_step_only() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (risk, reversible, warning) in [
        (json!("low"), json!(false), "Low risk, cannot be undone: type pay to confirm it."),
        (Value::Null, json!(false), "Cannot be undone: type pay to confirm it."),
        (json!("high"), json!(true), "High risk: type pay to confirm it."),
    ] {
        let mut act = payment();
        (act["risk"], act["reversible"]) = (risk, reversible);
        let id = ask(&agent, act).await;
        let path = format!("/reviews/{id}");
        let refused = person.submit_form(&path, &[("option", "approve")]).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains(warning), "{}", refused.text());
        assert_eq!(person.submit_form(&path, &[("option", "approve"), CONFIRMED]).await.status, 303);
    }
    let mut act = payment();
    (act["risk"], act["reversible"]) = (json!("low"), json!(true));
    let id = ask(&agent, act).await;
    assert_eq!(person.submit_form(&format!("/reviews/{id}"), &[("option", "approve")]).await.status, 303);
}
