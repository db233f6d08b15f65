//! The calls of Placet's published clients, made against the runner, and the table of docs/COMPATIBILITY.md, which is
//! generated from this run.
//!
//! - [`table`]: the rows and the document
//! - [`examples`], [`mcp_server`], [`n8n`], [`openclaw`], [`facio`], [`inbox`]: the calls of one client each
//! - [`sockets`]: the official client of Socket.IO for Python
//! - [`migration`]: the steps of docs/MIGRATING.md

pub mod examples;
pub mod facio;
pub mod inbox;
pub mod mcp_server;
pub mod migration;
pub mod n8n;
pub mod openclaw;
pub mod sockets;
pub mod table;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Person, Reply, Runner};

use table::Table;

/// Who the calls are made by.
pub struct Callers {
    pub url: String,
    pub person: Person,
    /// The person in a browser, at the inbox's own host.
    pub browser: Person,
    pub agent: Agent,
}

impl Callers {
    /// A pending approval.
    async fn pending(&self) -> String {
        self.agent.request_approval().await
    }

    /// An approval that a person has approved, with feedback.
    async fn approved(&self) -> String {
        let id = self.pending().await;
        let answer = json!({ "response": { "selectedOption": "approve" }, "feedback": "fine" });
        self.person.post(&format!("/api/messages/{id}/respond"), answer).await.expect(201);
        id
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Reply {
        Reply::fetch(self.agent.request(method, path).json(&body)).await
    }

    /// Uploads a note in a form with this member for the channel, which stands before or after the file.
    async fn upload(&self, route: &str, channel: &'static str, is_first: bool) -> Reply {
        let file = reqwest::multipart::Part::text("a note").file_name("note.txt").mime_str("text/plain").unwrap();
        let form = reqwest::multipart::Form::new();
        let id = self.agent.channel.clone();
        let form = if is_first {
            form.text(channel, id).part("file", file)
        } else {
            form.part("file", file).text(channel, id)
        };
        Reply::fetch(self.agent.request(Method::POST, &format!("/api/v1/files/{route}")).multipart(form)).await
    }
}

#[tokio::test]
async fn every_call_of_a_client_does_what_the_document_says() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let (person, browser) = (runner.person().await, runner.browser().await);
    let callers = Callers { url: runner.text("url").to_owned(), person, browser, agent: runner.agent() };
    let mut table = Table::default();
    examples::run(&callers, &mut table).await;
    mcp_server::run(&callers, &mut table).await;
    n8n::run(&callers, &mut table).await;
    openclaw::run(&callers, &mut table).await;
    facio::run(&callers, &mut table).await;
    inbox::run(&callers, &mut table).await;
    sockets::run(&callers, &mut table).await;
    table.compare();
}
