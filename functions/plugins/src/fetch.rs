//! `POST /api/plugins/{name}/fetch`: a request that a plugin has the server send.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{Json, PathId};
use shared::limits::turns;
use shared::outbound::Failure;
use shared::secrets::ServerSecrets;
use shared::storage::PluginEnv;
use shared::validation::{FromObject, JsonObject, ValidationErrors};
use url::{Host, Position, Url};
use utoipa::ToSchema;

use crate::catalogue::{Plugin, Plugins};
use crate::manifest::{Manifest, host_and_port};
use crate::placeholders::{FillError, Settings};
use crate::settings::{Found, find, value_of};

/// HTTP APIs cut at 30 s; the answer needs a moment to leave.
pub const TIMEOUT: Duration = Duration::from_secs(28);
/// The most that is read of an answer.
const MAX_ANSWER: usize = 1024 * 1024;
/// The most that an answer may grow to as JSON: with base64 around it, it has to leave a Lambda.
const MAX_AS_JSON: usize = 4_400_000;
/// The port of https, where a manifest names none.
const HTTPS: u16 = 443;
const MAX_URL: usize = 8000;
const MAX_HEADERS: usize = 50;
/// As much of all headers together, filled in, as hosts usually take.
const MAX_ALL_HEADERS: usize = 16 * 1024;
const USER_AGENT_NAME: &str = concat!("placet-serverless/", env!("CARGO_PKG_VERSION"));

const METHODS: [(&str, Method); 6] = [
    ("GET", Method::GET),
    ("POST", Method::POST),
    ("PUT", Method::PUT),
    ("PATCH", Method::PATCH),
    ("DELETE", Method::DELETE),
    ("HEAD", Method::HEAD),
];

/// Headers that say how the connection is used and where it leads: ours to write.
const CONNECTION_HEADERS: [&str; 14] = [
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "expect",
    "accept-encoding",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "forwarded",
];

/// Headers of an answer that speak of the connection, and cookies: they are for browsers.
const DROPPED_HEADERS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "set-cookie",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `POST /api/plugins/{name}/fetch`.
#[derive(ToSchema)]
#[schema(as = PluginFetch)]
pub struct FetchRequest {
    /// http or https, to a host that the plugin's manifest names
    #[schema(value_type = String, max_length = 8000, example = "https://api.example.com/things")]
    url: Url,
    #[schema(value_type = Option<String>, example = "GET")]
    method: Method,
    /// `{{KEY}}` in a value stands for the plugin's setting of that name, secret ones included
    #[schema(value_type = Option<std::collections::HashMap<String, String>>, example = json!({ "Authorization": "Bearer {{API_TOKEN}}" }))]
    headers: BTreeMap<String, String>,
    /// Not with GET and HEAD
    body: Option<String>,
}

impl FromObject for FetchRequest {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let url = object.require("url", read_url);
        let method = read_method(object);
        let headers = object.string_map("headers").unwrap_or_default();
        if headers.len() > MAX_HEADERS {
            object.problem("headers", "too_many", format!("headers may have at most {MAX_HEADERS} members"));
        }
        let body = object.string("body");
        let (url, method) = (url?, method?);
        if body.is_some() && matches!(method, Method::GET | Method::HEAD) {
            object.problem("body", "no_body", format!("a {method} request has no body"));
        }
        Some(Self { url, method, headers, body })
    }
}

fn read_url(object: &mut JsonObject<'_>) -> Option<Url> {
    let text = object.short_string("url", MAX_URL)?;
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Whatever a name and password would be for, they belong into a header.
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    if url.is_none() {
        object.problem("url", "not_a_url", "url must be an absolute http or https URL without a password");
    }
    url
}

fn read_method(object: &mut JsonObject<'_>) -> Option<Method> {
    if !object.has("method") {
        return Some(Method::GET);
    }
    let names = METHODS.map(|(name, _)| (name, name));
    let name = object.one_of("method", &names)?;
    METHODS.into_iter().find(|(known, _)| *known == name).map(|(_, method)| method)
}

/// What the host answered
#[derive(Serialize, ToSchema)]
#[schema(as = PluginFetched)]
pub struct Fetched {
    #[schema(example = 200)]
    status: u16,
    /// By name in lower case; values of one name joined by commas
    headers: BTreeMap<String, String>,
    /// As text: bytes that are not UTF-8 are replaced
    body: String,
}

/// Sends a request for a plugin
///
/// Only to hosts that its manifest names, and to none with a private address (400). If the manifest allows
/// any host, those that it does not name may only be read (GET, HEAD): 20 calls of a user at once, and then one
/// every three seconds (429). Redirects are not followed. 502 when the host does not answer, or answers more than 1 MiB.
#[utoipa::path(
    post,
    path = "/api/plugins/{name}/fetch",
    tag = "Plugins",
    operation_id = "fetchForPlugin",
    params(("name" = String, Path, example = "status-card")),
    request_body = FetchRequest,
    responses((status = 200, body = Fetched), (status = 502, description = "The host did not answer as it should"))
)]
pub async fn fetch(
    State(app): State<App>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
    Json(request): Json<FetchRequest>,
) -> Result<axum::Json<Fetched>, Error> {
    let Found { plugin, env, user } = find(&app, &human, &plugins, &name).await?;
    if env.is_disabled {
        return Err(Error::NotFound("plugin"));
    }
    let is_named = names(&plugin.manifest, &request.url) || is_set_by_owner(plugin, &env, &app.secrets, &request.url);
    if !is_named {
        may_call_unnamed(&plugin.manifest, &request)?;
        app.store.limits().fetches.charge(user)?;
    }
    let stays_here = app.outbound.is_for_development() && is_loopback(&request.url);
    let is_safe = stays_here || carries_secrets(&plugin.manifest, &request.url);
    let settings = Settings { plugin, env: &env, secrets: &app.secrets, is_safe };
    // Somebody else's host takes its time.
    turns::step_aside();
    let answer = app.outbound.fetch(outgoing(request, &settings)?, TIMEOUT, MAX_ANSWER).await;
    Ok(axum::Json(Fetched::of(answer.map_err(Failure::refusal)?)?))
}

/// Whether the manifest names this host; its port is the plugin's choice, unless that is named, too.
fn names(manifest: &Manifest, url: &Url) -> bool {
    let named = |(host, port): (&str, Option<u16>)| is_host(url, host) && port.is_none_or(|it| is_port(url, it));
    manifest.hosts().iter().map(|it| host_and_port(it)).any(named)
}

/// Whether an owner has named this host and port by a setting that is a URL.
fn is_set_by_owner(plugin: &Plugin, env: &PluginEnv, secrets: &ServerSecrets, url: &Url) -> bool {
    let open = plugin.manifest.env().iter().filter(|entry| !entry.secret);
    let mut values = open.filter_map(|entry| Url::parse(&value_of(plugin, entry, env, secrets)?).ok());
    values.any(|set| set.host().is_some() && set.origin() == url.origin())
}

/// Whether a host that the manifest does not name may be called: only if it allows any host, and only to read.
fn may_call_unnamed(manifest: &Manifest, request: &FetchRequest) -> Result<(), Error> {
    if !manifest.calls_anyone() {
        let sentence = "url must lead to a host that the plugin's manifest names";
        return Err(Error::field(["url".into()], "host_not_allowed", sentence));
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let sentence = "method must be GET or HEAD for a host that the plugin's manifest does not name";
        return Err(Error::field(["method".into()], "method_not_allowed", sentence));
    }
    Ok(())
}

/// Whether only the service that the manifest names can read what is sent to this URL.
fn carries_secrets(manifest: &Manifest, url: &Url) -> bool {
    let named = |(host, port): (&str, Option<u16>)| is_host(url, host) && is_port(url, port.unwrap_or(HTTPS));
    url.scheme() == "https" && manifest.hosts().iter().map(|it| host_and_port(it)).any(named)
}

fn is_host(url: &Url, host: &str) -> bool {
    url.host_str().unwrap_or_default().trim_end_matches('.') == host
}

fn is_port(url: &Url, port: u16) -> bool {
    url.port_or_known_default() == Some(port)
}

/// Whether it leads to the machine that sends it, whatever name servers say.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn outgoing(request: FetchRequest, settings: &Settings<'_>) -> Result<Request<Bytes>, Error> {
    let mut problems = ValidationErrors::default();
    let mut outgoing = Request::new(Bytes::from(request.body.unwrap_or_default()));
    outgoing.headers_mut().insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_NAME));
    let mut room = MAX_ALL_HEADERS;
    for (name, template) in &request.headers {
        match header(name, template, settings) {
            Ok((name, value)) => {
                let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else {
                    let sentence = format!("headers may have at most {MAX_ALL_HEADERS} bytes once they are filled in");
                    problems.add(vec!["headers".into()], "too_long", sentence);
                    break;
                };
                room = left;
                outgoing.headers_mut().insert(name, value);
            }
            Err((code, message)) => problems.add(vec!["headers".into(), name.as_str().into()], code, message),
        }
    }
    *outgoing.method_mut() = request.method;
    // The fragment is not sent.
    match request.url[..Position::AfterQuery].parse() {
        Ok(uri) => *outgoing.uri_mut() = uri,
        Err(_) => problems.add(vec!["url".into()], "not_a_url", "url has characters that no request can carry"),
    }
    problems.finish(Some(outgoing))
}

fn header(name: &str, template: &str, settings: &Settings<'_>) -> Result<(HeaderName, HeaderValue), FillError> {
    let Ok(header) = HeaderName::try_from(name) else { return Err(("not_a_header", format!("{name:?} is no header"))) };
    if CONNECTION_HEADERS.contains(&header.as_str()) {
        return Err(("not_allowed", format!("{name} is a header that the server writes")));
    }
    let value = HeaderValue::try_from(settings.fill(template)?);
    value.map(|value| (header, value)).map_err(|_| ("not_a_header_value", format!("{name} cannot have that value")))
}

impl Fetched {
    fn of(answer: Response<Bytes>) -> Result<Self, Error> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in answer.headers() {
            if DROPPED_HEADERS.contains(&name.as_str()) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let joined = headers.get(name.as_str()).map(|before| format!("{before}, {value}"));
            headers.insert(name.to_string(), joined.unwrap_or_else(|| value.into_owned()));
        }
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let as_json = serde_json::to_string(&body).map_err(Error::internal)?;
        if as_json.len() > MAX_AS_JSON {
            return Err(Failure::TooLarge.refusal());
        }
        Ok(Self { status: answer.status().as_u16(), headers, body })
    }
}
