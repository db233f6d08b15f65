//! Forms that can be answered.
//!
//! - [`asked`]: what may be asked; [`answers`]: which answers are taken
//! - [`pages`]: what a page makes of what was typed; [`moments`]: random dates and times

mod answers;
mod asked;
mod moments;
mod pages;

use serde_json::{Value, json};
use test_support::{Agent, Person, World};

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
        self.agent
            .create_message(json!({ "text": "q", "review": { "type": "form", "payload": { "fields": fields } } }))
            .await
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
        let reply = self.person.submit_form(&format!("/reviews/{id}"), fields).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        self.response(id).await
    }

    async fn response(&self, id: &str) -> Value {
        self.agent.wait(id, 5_000).await.expect(200)["message"]["review"]["response"].clone()
    }
}
