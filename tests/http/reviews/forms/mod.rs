//! The fields of forms: definitions, answers, and the page.
//!
//! - [`fields`]: which definitions are valid; [`answers`]: which answers are accepted
//! - [`pages`]: how a page shows fields and reads what was typed; [`moments`]: random dates and times

mod answers;
mod fields;
mod moments;
mod pages;

use serde_json::{Value, json};
use test_support::{Agent, Person, World};

/// A person and an agent who asks them.
struct FormTester {
    _world: World,
    person: Person,
    agent: Agent,
}

impl FormTester {
    async fn start() -> Self {
        let world = World::start().await;
        let person = world.person().await;
        let agent = person.agent().await;
        Self { _world: world, person, agent }
    }

    async fn create_form(&self, fields: Value) -> String {
        self.agent
            .create_message(json!({ "text": "q", "review": { "type": "form", "payload": { "fields": fields } } }))
            .await
    }

    async fn create_field(&self, mut field: Value) -> String {
        field["name"] = json!("n");
        self.create_form(json!([field])).await
    }

    /// Sends an invalid payload; returns the paths of its errors within the payload.
    async fn payload_errors(&self, kind: &str, payload: Value) -> Vec<String> {
        let errors = self.agent.send(json!({ "review": { "type": kind, "payload": payload } })).await.expect_invalid();
        errors.iter().map(|path| path.trim_start_matches("review.payload.").to_owned()).collect()
    }

    async fn field_errors(&self, mut field: Value) -> Vec<String> {
        field["name"] = json!("n");
        let errors = self.payload_errors("form", json!({ "fields": [field] })).await;
        errors.iter().map(|path| path.trim_start_matches("fields.0.").to_owned()).collect()
    }

    /// Whether each answer is accepted, each in its own form.
    async fn accepted_answers(&self, field: Value, answers: &[Value]) -> Vec<bool> {
        let mut accepted = vec![];
        for answer in answers {
            let id = self.create_field(field.clone()).await;
            let reply = self.person.answer(&id, json!({ "n": answer })).await;
            assert!([201, 400].contains(&reply.status), "{}", reply.text());
            accepted.push(reply.status == 201);
        }
        accepted
    }

    async fn page(&self, id: &str) -> String {
        self.person.get(&format!("/reviews/{id}")).await.markup()
    }

    /// Submits the page's form with `fields`; returns the response that the agent gets.
    async fn submit(&self, id: &str, fields: &[(&str, &str)]) -> Value {
        let reply = self.person.submit_form(&format!("/reviews/{id}"), fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        self.response(id).await
    }

    async fn response(&self, id: &str) -> Value {
        self.agent.wait(id, 5_000).await.expect(200)["message"]["review"]["response"].clone()
    }
}
