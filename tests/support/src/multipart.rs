//! Multipart bodies written by hand: clients differ in bytes that no library lets one choose.

use reqwest::Method;

use crate::actors::Agent;
use crate::reply::Reply;

const BOUNDARY: &str = "----placet-test-boundary";

/// A multipart body that grows part by part.
#[derive(Clone, Default)]
pub struct RawForm(Vec<u8>);

impl RawForm {
    /// One that names the agent's channel.
    pub fn for_agent(agent: &Agent) -> Self {
        Self::default().field("channelId", &agent.channel)
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(format!("form-data; name=\"{name}\"").as_bytes(), None, value.as_bytes())
    }

    /// A part with exactly this Content-Disposition and, if there is one, Content-Type.
    pub fn part(mut self, disposition: &[u8], content_type: Option<&str>, bytes: &[u8]) -> Self {
        self.0.extend(format!("--{BOUNDARY}\r\nContent-Disposition: ").into_bytes());
        self.0.extend(disposition);
        if let Some(content_type) = content_type {
            self.0.extend(format!("\r\nContent-Type: {content_type}").into_bytes());
        }
        self.0.extend(b"\r\n\r\n");
        self.0.extend(bytes);
        self.0.extend(b"\r\n");
        self
    }

    /// A file of this name, as browsers write it.
    pub fn file(self, name: &str, content_type: Option<&str>, bytes: &[u8]) -> Self {
        self.part(format!("form-data; name=\"file\"; filename=\"{name}\"").as_bytes(), content_type, bytes)
    }

    pub fn request(mut self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        self.0.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}")).body(self.0)
    }

    /// What the agent's route of files answers.
    pub async fn send(self, agent: &Agent, route: &str) -> Reply {
        Reply::fetch(self.request(agent.request(Method::POST, &format!("/api/v1/files/{route}")))).await
    }

    /// The same with an `Idempotency-Key`.
    pub async fn send_with_key(self, agent: &Agent, route: &str, key: &str) -> Reply {
        let request = agent.request(Method::POST, &format!("/api/v1/files/{route}")).header("Idempotency-Key", key);
        Reply::fetch(self.request(request)).await
    }
}
