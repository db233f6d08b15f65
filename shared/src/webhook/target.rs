//! The target of a delivery: the message's own URL, else the agent's, else the review's callback.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;

use crate::models::webhook::BasicAuth;
use crate::models::webhook_url::{Userinfo, split};
use crate::storage::{Delivery, Webhook};

/// A shorter part of a path is no secret.
const MIN_SECRET: usize = 8;

/// Where a delivery goes: URL, method and headers.
pub struct Target {
    pub url: String,
    pub method: Method,
    pub headers: HeaderMap,
    /// Values that must not be logged.
    secrets: Vec<String>,
}

impl Target {
    /// `None` if there is no URL any more.
    pub fn of(delivery: &Delivery, webhook: &Webhook) -> Option<Self> {
        match (&delivery.webhook_url, &webhook.url) {
            (Some(url), _) => {
                let mut target = Self::of_agent(url, webhook);
                // Credentials in the message's URL take precedence over the agent's.
                if let (_, Some(userinfo)) = split(url) {
                    target.authorize(&userinfo.into());
                }
                Some(target)
            }
            (None, Some(url)) => Some(Self::of_agent(url, webhook)),
            (None, None) => Self::of_callback(&delivery.callback.as_ref()?.value()),
        }
    }

    /// An agent's URL, with the headers and credentials that belong to it.
    pub fn of_agent(url: &str, webhook: &Webhook) -> Self {
        let (url, userinfo) = split(url);
        let mut target = Self::new(url, Method::POST);
        for (name, value) in &webhook.headers.0 {
            target.header(name, value);
        }
        match &webhook.auth {
            Some(auth) => target.authorize(auth),
            None => target.authorize_unless_named(userinfo),
        }
        target
    }

    fn of_callback(callback: &Value) -> Option<Self> {
        let method = callback["method"].as_str().and_then(|it| it.parse().ok()).unwrap_or(Method::POST);
        let (url, userinfo) = split(callback["url"].as_str()?);
        let mut target = Self::new(url, method);
        for (name, value) in callback["headers"].as_object().into_iter().flatten() {
            target.header(name, value.as_str().unwrap_or_default());
        }
        target.authorize_unless_named(userinfo);
        Some(target)
    }

    fn authorize(&mut self, auth: &BasicAuth) {
        let credentials = STANDARD.encode(format!("{}:{}", auth.username, auth.password));
        self.headers.remove(AUTHORIZATION);
        self.header(AUTHORIZATION.as_str(), &format!("Basic {credentials}"));
        self.secrets.extend([credentials, auth.password.clone()]);
    }

    /// Uses the credentials in the URL, unless an `Authorization` header was set.
    fn authorize_unless_named(&mut self, userinfo: Option<Userinfo>) {
        if let Some(userinfo) = userinfo.filter(|_| !self.headers.contains_key(AUTHORIZATION)) {
            self.authorize(&userinfo.into());
        }
    }

    /// The same, whose path and query must not be logged either.
    pub fn with_secret_path(mut self) -> Self {
        if let Ok(url) = Url::parse(&self.url) {
            let parts = url.path_segments().into_iter().flatten().chain(url.query());
            self.secrets.extend(parts.filter(|part| part.len() >= MIN_SECRET).map(str::to_owned));
        }
        self
    }

    /// Masks the secrets in a response, for receivers that echo their request.
    pub fn masked(&self, text: String) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text, |text, secret| text.replace(secret, "***"))
    }

    fn new(url: String, method: Method) -> Self {
        Self { url, method, headers: HeaderMap::new(), secrets: vec![] }
    }

    /// Sets a header, which was validated when it was stored.
    fn header(&mut self, name: &str, value: &str) {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        if let Some((name, mut value)) = pair {
            value.set_sensitive(true);
            self.secrets.extend(value.to_str().ok().map(str::to_owned));
            self.headers.insert(name, value);
        }
    }
}
