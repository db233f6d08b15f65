//! Multipart bodies as raw bytes: clients differ in bytes that no library exposes.

use reqwest::Method;

use crate::actors::Agent;
use crate::reply::Reply;

const BOUNDARY: &str = "----placet-test-boundary";

/// A multipart body, built part by part.
#[derive(Clone, Default)]
pub struct RawForm(Vec<u8>);

impl RawForm {
    /// A form that names the agent's channel.
    pub fn for_agent(agent: &Agent) -> Self {
        Self::default().field("channelId", &agent.channel)
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(format!("form-data; name=\"{name}\"").as_bytes(), None, value.as_bytes())
    }

    /// Adds a part with exactly this Content-Disposition and Content-Type.
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

    /// Adds a file the way browsers do.
    pub fn file(self, name: &str, content_type: Option<&str>, bytes: &[u8]) -> Self {
        self.part(format!("form-data; name=\"file\"; filename=\"{name}\"").as_bytes(), content_type, bytes)
    }

    pub fn request(mut self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        self.0.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        request.header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}")).body(self.0)
    }

    /// Sends the form to one of the agent's file routes.
    pub async fn send(self, agent: &Agent, route: &str) -> Reply {
        Reply::fetch(self.request(agent.request(Method::POST, &format!("/api/v1/files/{route}")))).await
    }

    /// The same with an `Idempotency-Key`.
    pub async fn send_with_key(self, agent: &Agent, route: &str, key: &str) -> Reply {
        let request = agent.request(Method::POST, &format!("/api/v1/files/{route}")).header("Idempotency-Key", key);
        Reply::fetch(self.request(request)).await
    }
}
