//! Calls of the agents' API within this process: a tool does what the route of the same purpose does, checks and
//! errors included.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use http_body_util::BodyExt;
use plugins::Plugins;
use serde::Deserialize;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::ids::MaybeChannel;
use shared::json::Json;
use tower::ServiceExt;
use url::form_urlencoded;

use crate::rpc::{Members, text_of};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The routes that tools call.
#[derive(Clone)]
pub struct Routes(Router<App>);

impl Routes {
    /// Those of the groups that agents use.
    pub fn of(plugins: &Plugins) -> Self {
        let plugins = plugins::router_of(plugins.clone());
        Self(messages::router().merge(reviews::router()).merge(agents::router()).merge(plugins))
    }
}

/// Who calls, and the channel that the address of the endpoint names, or that of the one agent that the key reaches.
pub struct Session {
    pub app: App,
    pub agent: AgentCaller,
    routes: Routes,
    credentials: HeaderMap,
    channel: Option<String>,
}

#[derive(Deserialize)]
struct AgentId {
    id: String,
}

impl Session {
    pub fn new(app: App, routes: Routes, agent: AgentCaller, headers: &HeaderMap, channel: MaybeChannel) -> Self {
        let mut credentials = HeaderMap::new();
        for name in [AUTHORIZATION, X_API_KEY] {
            if let Some(value) = headers.get(&name) {
                credentials.insert(name, value.clone());
            }
        }
        let channel = match agent.channel_or_only(channel) {
            MaybeChannel::Absent => None,
            MaybeChannel::Named(id) => Some(id.to_string()),
        };
        Self { app, agent, routes, credentials, channel }
    }

    /// Verifies the key, for requests that no route answers: by itself a request of the protocol changes nothing. What
    /// the key may do is decided by the route that a tool calls.
    pub async fn authenticate(&self) -> Result<(), Error> {
        self.app.store.admit(&self.agent.clone().reading(), &[]).await.map(drop)
    }

    /// An error in what the caller sent, which only a caller with a valid key gets to see.
    pub async fn refusal(&self, field: &'static str, code: &'static str, sentence: &str) -> Error {
        match self.authenticate().await {
            Ok(()) => Error::field([field.into()], code, sentence),
            Err(error) => error,
        }
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Json, Error> {
        self.call(Method::GET, path, query, None, None).await
    }

    pub async fn post(&self, path: &str, query: &[(&str, &str)], body: &Members) -> Result<Json, Error> {
        self.call(Method::POST, path, query, Some(body), None).await
    }

    pub async fn post_once(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &Members,
        key: Option<&str>,
    ) -> Result<Json, Error> {
        self.call(Method::POST, path, query, Some(body), key).await
    }

    pub async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<Json, Error> {
        self.call(Method::DELETE, path, query, None, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Members>,
        key: Option<&str>,
    ) -> Result<Json, Error> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut request = Request::builder().method(method).uri(format!("{path}?{query}"));
        if let Some(headers) = request.headers_mut() {
            headers.extend(self.credentials.clone());
        }
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let body = match body {
            None => Body::empty(),
            Some(members) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(serde_json::to_vec(members).map_err(Error::internal)?)
            }
        };
        let request = request.body(body).map_err(Error::internal)?;
        let routes = self.routes.0.clone().with_state(self.app.clone());
        let response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
        if !response.status().is_success() {
            let error = response.extensions().get::<Error>().cloned();
            return Err(error.unwrap_or_else(|| Error::of_framework(response.status())));
        }
        let bytes = response.into_body().collect().await.map_err(Error::internal)?.to_bytes();
        let text = String::from_utf8(bytes.into()).map_err(Error::internal)?;
        Json::parse(text).ok_or_else(|| Error::internal("a route answered with something other than JSON"))
    }

    /// The channel that the arguments of a tool name, else the one that the endpoint's address names.
    pub fn named_channel(&self, arguments: &Members) -> Option<String> {
        ["channelId", "channel"].into_iter().find_map(|name| text_of(arguments, name)).or_else(|| self.channel.clone())
    }

    /// The same, else the channel of the only agent that the key reaches.
    pub async fn channel(&self, arguments: &Members) -> Result<String, Error> {
        if let Some(channel) = self.named_channel(arguments) {
            return Ok(channel);
        }
        let agents = self.get("/api/v1/agents", &[]).await?;
        let mut agents: Vec<AgentId> = serde_json::from_str(agents.as_str()).map_err(Error::internal)?;
        match (agents.pop(), agents.len()) {
            (Some(only), 0) => Ok(only.id),
            (last, more) => {
                let reached = more + usize::from(last.is_some());
                let sentence = format!("name a channel: the key reaches {reached} agents, which list_channels shows");
                Err(Error::field(["channelId".into()], "required", sentence))
            }
        }
    }
}

/// A path with an id in it.
pub fn path(before: &str, id: &str, after: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{before}/{}{after}", id.replace('+', "%20"))
}
