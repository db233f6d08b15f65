//! Calls of the service.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::exit::Trouble;
use crate::settings::Settings;

/// How much longer a call may take than the service holds it.
pub const MAX_OVERHEAD: Duration = Duration::from_secs(15);
/// The longest hold of the service, and that.
pub const MAX_REQUEST: Duration = Duration::from_secs(40);
/// The largest response that is read.
const MAX_RESPONSE: u64 = 64 * 1024 * 1024;

/// The service, called with the key of the settings.
pub struct Api {
    pub settings: Settings,
    agent: Agent,
}

/// What the service answered.
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub text: String,
}

impl Api {
    pub fn new(settings: Settings) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(MAX_REQUEST))
            .build();
        Self { settings, agent: config.into() }
    }

    pub fn load() -> Result<Self, Trouble> {
        Settings::load().map(Self::new)
    }

    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
        self.try_get(path, query, MAX_REQUEST)?.json()
    }

    /// Gets what is there within `limit`.
    pub fn try_get(&self, path: &str, query: &[(&str, &str)], limit: Duration) -> Result<Reply, Trouble> {
        let request = self.agent.get(self.url(path, query)).header("authorization", self.bearer());
        request.config().timeout_global(Some(limit)).build().call().map_err(unreachable).and_then(Reply::read)
    }

    pub fn post(&self, path: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Trouble> {
        self.try_post(path, query, &[], &body.to_string(), MAX_REQUEST)?.json()
    }

    /// Posts JSON, and reads the answer within `limit`.
    pub fn try_post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &str,
        limit: Duration,
    ) -> Result<Reply, Trouble> {
        let mut request = self.agent.post(self.url(path, query)).header("authorization", self.bearer());
        request =
            request.header("content-type", "application/json").header("accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.config().timeout_global(Some(limit)).build().send(body).map_err(unreachable).and_then(Reply::read)
    }

    /// Sends a file to a URL that the service gave, without the key.
    pub fn put(&self, url: &str, headers: &[(String, String)], file: std::fs::File) -> Result<(), Trouble> {
        let mut request = self.agent.put(url).config().timeout_global(None).build();
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let reply = request.send(file).map_err(unreachable).and_then(Reply::read)?;
        if reply.status < 300 {
            return Ok(());
        }
        Err(Trouble::new(format!("The upload was refused with {}.", reply.status)))
    }

    /// The channel of the settings, else that of the only agent that the key reaches.
    pub fn channel(&self) -> Result<String, Trouble> {
        if let Some(channel) = &self.settings.channel {
            return Ok(channel.clone());
        }
        let agents = self.get("/api/v1/agents", &[])?;
        match agents.as_array().map(Vec::as_slice) {
            Some([only]) => Ok(only["id"].as_str().unwrap_or_default().to_owned()),
            _ => Err(Trouble::new("Set PLACET_CHANNEL: the key does not reach exactly one agent.")),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.settings.key)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = self.settings.url.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.into()
    }
}

impl Reply {
    fn read(mut response: Response<ureq::Body>) -> Result<Self, Trouble> {
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.body_mut().with_config().limit(MAX_RESPONSE).read_to_string().map_err(unreachable)?;
        Ok(Self { status: response.status().as_u16(), retry_after: retry_after.map(Duration::from_secs), text })
    }

    /// Whether the call may succeed if it is repeated.
    pub fn is_temporary(&self) -> bool {
        self.status == 429 || self.status >= 500
    }

    /// The body of a success.
    pub fn json(&self) -> Result<Value, Trouble> {
        let body = serde_json::from_str::<Value>(&self.text).ok();
        match body {
            Some(body) if (200..300).contains(&self.status) => Ok(body),
            body => Err(Trouble::new(self.refusal(body.as_ref()))),
        }
    }

    fn refusal(&self, body: Option<&Value>) -> String {
        match body.and_then(|body| body["message"].as_str()) {
            Some(message) => format!("The service answered {}: {message}", self.status),
            None => format!("The service answered {} without an explanation.", self.status),
        }
    }
}

/// An `Idempotency-Key`: the same in all attempts of one call, and in no other call.
pub fn random_key() -> Result<String, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Trouble::new("The system has no random numbers."))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unreachable(error: ureq::Error) -> Trouble {
    Trouble::new(format!("The service cannot be reached: {error}."))
}
