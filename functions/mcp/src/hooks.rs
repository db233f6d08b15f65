//! `POST /api/v1/hooks/claude-code` and `/codex`: the JSON of a hook in, the JSON of its decision out.

use axum::extract::State;
use axum::{Extension, Json};
use http::HeaderMap;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{IdempotencyKey, Json as Body, Query, maybe_channel};
use shared::ids::MaybeChannel;
use shared::long_poll;
use shared::validation::{FromObject, FromParams, JsonObject, Params};

use crate::api::{Routes, Session};
use crate::outcome::MAX_HOLD_MS;
use crate::permission::{self, ToolUse, Verdict};
use crate::rpc::{Members, raw};

/// The query of a hook's route.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HookQuery {
    /// The agent's id; it may be left out if the key reaches one agent.
    #[param(value_type = Option<String>)]
    channel: MaybeChannel,
    /// `defer`: a `PreToolUse` that nobody has answered yet is deferred instead of asked about locally.
    #[param(rename = "mode", value_type = Option<String>, example = "defer")]
    defers: bool,
    /// Milliseconds that the call is held at most; absent, or more than 25,000: 25,000.
    #[param(value_type = Option<f64>, example = 25000)]
    timeout: u64,
}

impl FromParams for HookQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        let mode = params.text("mode");
        if mode.as_ref().is_some_and(|mode| mode != "defer") {
            params.problem("mode", "unknown", "mode can only be defer");
        }
        let timeout = long_poll::timeout(params).and_then(|timeout| u64::try_from(timeout.as_millis()).ok());
        let timeout = timeout.unwrap_or(MAX_HOLD_MS).clamp(1, MAX_HOLD_MS);
        Some(Self { channel: maybe_channel(params), defers: mode.is_some(), timeout })
    }
}

/// The events that a person can decide.
#[derive(Clone, Copy)]
enum Event {
    PermissionRequest,
    PreToolUse,
}

const EVENTS: [(&str, Event); 2] = [("PermissionRequest", Event::PermissionRequest), ("PreToolUse", Event::PreToolUse)];

/// What a coding agent gives its hooks.
pub struct HookInput {
    event: Event,
    used: ToolUse,
}

impl FromObject for HookInput {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let event = object.require("hook_event_name", |o| o.one_of("hook_event_name", &EVENTS));
        let name = object.string("hook_event_name").unwrap_or_default();
        let used = ToolUse::parse(object, "tool_input", &name);
        Some(Self { event: event?, used: used? })
    }
}

/// A hook of Claude Code
///
/// Asks a person whether the tool may be used with this input, which they may edit. The same use (session, event, tool,
/// input, directory, and `tool_use_id` where there is one) meets the same review. Allowing it consumes the approval. Without
/// an answer in time a `PermissionRequest` gets no decision, and a `PreToolUse` `ask` or `defer`.
#[utoipa::path(
    post,
    path = "/api/v1/hooks/claude-code",
    tag = "Agents' protocols",
    operation_id = "askForClaudeCode",
    params(
        HookQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat of the call gets the same decision")
    ),
    request_body(content = Object, example = json!({ "hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_input": { "command": "ls" } })),
    responses((status = 200, body = Object, description = "The hook's output"))
)]
pub async fn claude_code(
    State(app): State<App>,
    agent: AgentCaller,
    Query(query): Query<HookQuery>,
    key: IdempotencyKey,
    Extension(routes): Extension<Routes>,
    headers: HeaderMap,
    Body(input): Body<HookInput>,
) -> Result<Json<Members>, Error> {
    let session = Session::new(app, routes, agent, &headers, query.channel);
    decide(&session, "Claude Code", input, key, (query.defers, query.timeout)).await
}

/// A hook of Codex
///
/// As that of Claude Code.
#[utoipa::path(
    post,
    path = "/api/v1/hooks/codex",
    tag = "Agents' protocols",
    operation_id = "askForCodex",
    params(
        HookQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat of the call gets the same decision")
    ),
    request_body(content = Object, example = json!({ "hook_event_name": "PermissionRequest", "session_id": "s", "tool_name": "Bash", "tool_input": { "command": "ls" } })),
    responses((status = 200, body = Object, description = "The hook's output"))
)]
pub async fn codex(
    State(app): State<App>,
    agent: AgentCaller,
    Query(query): Query<HookQuery>,
    key: IdempotencyKey,
    Extension(routes): Extension<Routes>,
    headers: HeaderMap,
    Body(input): Body<HookInput>,
) -> Result<Json<Members>, Error> {
    let session = Session::new(app, routes, agent, &headers, query.channel);
    decide(&session, "Codex", input, key, (query.defers, query.timeout)).await
}

async fn decide(
    session: &Session,
    program: &'static str,
    input: HookInput,
    key: IdempotencyKey,
    (defers, hold_ms): (bool, u64),
) -> Result<Json<Members>, Error> {
    let HookInput { event, mut used } = input;
    used.program = program;
    let channel = session.channel(&Members::new()).await?;
    let verdict = permission::ask(session, &channel, &used, key.into_text().as_deref(), hold_ms).await?;
    let output = match event {
        Event::PermissionRequest => permission_request(verdict)?,
        Event::PreToolUse => Some(pre_tool_use(verdict, defers)?),
    };
    let output = output.map(|output| Ok(("hookSpecificOutput".to_owned(), raw(&output)?)));
    Ok(Json(output.into_iter().collect::<Result<Members, Error>>()?))
}

/// The output of `PermissionRequest`; none leaves the decision to the program.
fn permission_request(verdict: Verdict) -> Result<Option<Members>, Error> {
    let decision = match verdict {
        Verdict::Pending => return Ok(None),
        Verdict::Deny { reason } => {
            Members::from([("behavior".to_owned(), raw(&"deny")?), ("message".to_owned(), raw(&reason)?)])
        }
        Verdict::Allow { edited } => {
            let mut decision = Members::from([("behavior".to_owned(), raw(&"allow")?)]);
            decision.extend(edited.map(|input| ("updatedInput".to_owned(), input)));
            decision
        }
    };
    Ok(Some(Members::from([
        ("hookEventName".to_owned(), raw(&"PermissionRequest")?),
        ("decision".to_owned(), raw(&decision)?),
    ])))
}

fn pre_tool_use(verdict: Verdict, defers: bool) -> Result<Members, Error> {
    let (decision, reason, edited) = match verdict {
        Verdict::Allow { edited } => ("allow", "A person allowed this.".to_owned(), edited),
        Verdict::Deny { reason } => ("deny", reason, None),
        Verdict::Pending if defers => ("defer", "Not answered yet.".to_owned(), None),
        Verdict::Pending => ("ask", "Not answered yet.".to_owned(), None),
    };
    let mut output = Members::from([
        ("hookEventName".to_owned(), raw(&"PreToolUse")?),
        ("permissionDecision".to_owned(), raw(&decision)?),
        ("permissionDecisionReason".to_owned(), raw(&reason)?),
    ]);
    output.extend(edited.map(|input| ("updatedInput".to_owned(), input)));
    Ok(output)
}
