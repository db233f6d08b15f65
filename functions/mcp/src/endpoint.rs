//! `POST /mcp`

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::body;
use shared::http::extract::{MaybeInChannel, Query};
use shared::http::origin::Sender;

use crate::api::{Routes, Session};
use crate::protocol::{self, Revision, TASKS, VERSIONS};
use crate::rpc::{
    Failure, Incoming, METHOD_NOT_FOUND, Malformed, Members, Refusal, Request as Call, members, raw, success,
};
use crate::tasks;
use crate::tools::Tools;

/// The limit of a message, in bytes: that of a JSON body elsewhere.
const MAX_MESSAGE: usize = 4_500_000;
const TOO_LARGE: &str = "A message may have at most 4,500,000 bytes.";
/// How long a client may keep what it was told about the server and its tools.
const CACHE_MS: u32 = 3_600_000;

const INSTRUCTIONS: &str = "Placet is an inbox where people answer what agents ask. Before an action that needs a \
    person's consent, call request_approval with the exact action, wait for the answer, and call consume_approval \
    right before doing it. Ask open questions with send_review_message. Report progress with send_message.";

/// Model Context Protocol
///
/// One JSON-RPC message in, one out, without sessions: revision 2026-07-28, and 2025-11-25 and 2025-06-18 for
/// clients that begin with `initialize`. `tools/list` describes the tools.
#[utoipa::path(
    post,
    path = "/mcp",
    tag = "Agents' protocols",
    operation_id = "callMcp",
    params(
        MaybeInChannel,
        ("MCP-Protocol-Version" = Option<String>, Header, description = "Without it the request is one of an older revision"),
        ("Mcp-Method" = Option<String>, Header, description = "The body's `method`; needed with 2026-07-28"),
        ("Mcp-Name" = Option<String>, Header, description = "The name of the tool, or the id of the task; needed with 2026-07-28")
    ),
    request_body(content = Object, example = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })),
    responses(
        (status = 200, body = Object, description = "The response to a request"),
        (status = 202, description = "A notification was accepted")
    )
)]
pub async fn call(
    State(app): State<App>,
    agent: AgentCaller,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
    Extension(routes): Extension<Routes>,
    Extension(tools): Extension<Tools>,
    request: Request,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let session = Session::new(app, routes, agent, &parts.headers, channel);
    if Sender::of(&parts.headers) == Sender::ForeignPage {
        session.authenticate().await?;
        return Err(Error::ForeignPage);
    }
    let bytes = body::read(&parts, body, &session.app, MAX_MESSAGE, TOO_LARGE).await?;
    match Incoming::parse(&bytes) {
        Ok(Incoming::Request(request)) => answer(&session, &tools, &parts.headers, request).await,
        Ok(Incoming::Unanswered) => acknowledge(&session, &parts.headers).await,
        Err(Malformed(id, failure)) => {
            session.authenticate().await?;
            Ok(failure.answer(&id, StatusCode::BAD_REQUEST))
        }
    }
}

async fn acknowledge(session: &Session, headers: &HeaderMap) -> Result<Response, Error> {
    session.authenticate().await?;
    Ok(match protocol::check_notification(headers) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(failure) => failure.answer(serde_json::value::RawValue::NULL, StatusCode::BAD_REQUEST),
    })
}

async fn answer(session: &Session, tools: &Tools, headers: &HeaderMap, request: Call) -> Result<Response, Error> {
    let result = match Revision::of(headers, &request) {
        Err(failure) => {
            session.authenticate().await?;
            Err(Refusal::Rpc(failure))
        }
        Ok(revision) => run(session, tools, revision, &request).await.and_then(|result| complete(revision, result)),
    };
    match result {
        Ok(result) => Ok(success(&request.id, &result)),
        Err(Refusal::Http(error)) => Err(error),
        Err(Refusal::Rpc(failure)) => {
            let status = status_of(&failure, headers);
            Ok(failure.answer(&request.id, status))
        }
    }
}

async fn run(session: &Session, tools: &Tools, revision: Revision, request: &Call) -> Result<Members, Refusal> {
    let is_stateless = revision != Revision::Handshake;
    match request.method.as_str() {
        "tools/call" => tools.call(session, revision, &request.params).await,
        "tasks/get" if is_stateless => tasks::get(session, revision, &request.params).await,
        "tasks/update" if is_stateless => tasks::update(session, revision, &request.params).await,
        "tasks/cancel" if is_stateless => tasks::cancel(session, revision, &request.params).await,
        method => {
            session.authenticate().await?;
            match method {
                "tools/list" => tool_list(tools, is_stateless),
                "server/discover" if is_stateless => discovery(),
                "initialize" if !is_stateless => handshake(&request.params),
                "ping" if !is_stateless => Ok(Members::new()),
                _ => Err(Failure::new(METHOD_NOT_FOUND, "There is no such method.").into()),
            }
        }
    }
}

fn tool_list(tools: &Tools, is_stateless: bool) -> Result<Members, Refusal> {
    let mut result = Members::from([("tools".to_owned(), raw(&tools.list())?)]);
    if is_stateless {
        result.extend(cacheable()?);
    }
    Ok(result)
}

fn discovery() -> Result<Members, Refusal> {
    let mut result = members(&json!({
        "supportedVersions": VERSIONS,
        "capabilities": { "tools": {}, "extensions": { TASKS: {} } },
        "instructions": INSTRUCTIONS
    }))?;
    result.extend(cacheable()?);
    Ok(result)
}

fn handshake(params: &Members) -> Result<Members, Refusal> {
    Ok(members(&json!({
        "protocolVersion": protocol::agreed_version(params),
        "capabilities": { "tools": {} },
        "serverInfo": server_info(),
        "instructions": INSTRUCTIONS
    }))?)
}

fn cacheable() -> Result<Members, Error> {
    members(&json!({ "ttlMs": CACHE_MS, "cacheScope": "private" }))
}

fn server_info() -> serde_json::Value {
    json!({ "name": "placet", "title": "Placet", "version": env!("CARGO_PKG_VERSION") })
}

/// What every result of 2026-07-28 has.
fn complete(revision: Revision, mut result: Members) -> Result<Members, Refusal> {
    if revision != Revision::Handshake {
        result.entry("resultType".to_owned()).or_insert(raw(&"complete")?);
        result.insert("_meta".to_owned(), raw(&json!({ "io.modelcontextprotocol/serverInfo": server_info() }))?);
    }
    Ok(result)
}

/// The HTTP status of a refusal; the older revisions have one for all of them.
fn status_of(failure: &Failure, headers: &HeaderMap) -> StatusCode {
    match failure.code {
        _ if !Revision::is_stateless(headers) => StatusCode::OK,
        METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    }
}
