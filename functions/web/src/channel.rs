//! `/channels` and `/channels/{id}`: the agents one may write to, and the conversation with one.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::app::App;
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::AgentId;
use shared::models::message::StreamState;
use shared::models::{Agent, DeliveryStatus, Message, ReviewStatus, SenderType};
use shared::search;
use shared::storage::{Blobs, PageRequest};
use ulid::Ulid;

use crate::agent_row::AgentRow;
use crate::budget::{self, Budget};
use crate::message::{Extent, Loaded, MessageView};
use crate::outcome;
use crate::page::{self, PageError, Visitor};
use crate::shell::{Place, Shell};
use crate::view;

/// Bytes of files' texts that one message of a page shows.
const TEXTS: u64 = 64 * 1024;
/// Lines that a reply quotes.
const QUOTED: usize = 10;
/// And bytes.
const MOST_QUOTED: usize = 2_000;
/// Messages of one page.
const PAGE: usize = 30;

#[derive(Template)]
#[template(path = "channel.html")]
struct ChannelPage {
    shell: Shell,
    agents: Vec<AgentRow>,
    open: Option<Conversation>,
}

impl ChannelPage {
    fn is_open(&self, agent: &AgentRow) -> bool {
        self.open.as_ref().is_some_and(|open| open.id == agent.id)
    }
}

struct Conversation {
    id: String,
    name: String,
    description: Option<String>,
    search: String,
    /// Oldest first.
    bubbles: Vec<Bubble>,
    /// Where to read on, into the past.
    older: Option<String>,
    /// The agent's slash commands, as JSON.
    commands: String,
    /// Whether this is the newest page, which what is sent joins.
    is_newest: bool,
}

struct Bubble {
    id: String,
    mine: bool,
    at: String,
    message: MessageView,
    /// How it begins, as it was written, to be quoted.
    quote: String,
    review: Option<ReviewChip>,
    delivery: Option<(&'static str, &'static str)>,
    failed: bool,
    steps: Vec<String>,
    streaming: bool,
    aborted: bool,
}

struct ReviewChip {
    kind: String,
    outcome: Option<String>,
    pending: bool,
}

#[derive(Deserialize)]
pub struct Shown {
    before: Option<String>,
    #[serde(default)]
    q: String,
}

pub async fn list(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (shell, agents) = tokio::try_join!(Shell::of(&app, &human, Place::Channels), agents)?;
    let now = app.clock.now();
    let agents = agents.iter().map(|agent| AgentRow::of(agent, now)).collect();
    page::page(StatusCode::OK, &ChannelPage { shell, agents, open: None })
}

pub async fn channel(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<AgentId>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageError> {
    let before: Option<Ulid> = match shown.before.as_deref().map(str::parse).transpose() {
        Ok(before) => before,
        Err(_) => return Ok(Redirect::to("?").into_response()),
    };
    let search = Some(search::folded(shown.q.trim())).filter(|it| !it.is_empty());
    let request = PageRequest { limit: PAGE, before, search, has_attachments: false };
    let reads = async {
        let (agents, page) =
            tokio::try_join!(app.store.agents().list(&human), app.store.messages().list(&human, id, &request))?;
        Ok((agents, page))
    };
    let (shell, (agents, page)) =
        tokio::try_join!(Box::pin(Shell::of(&app, &human, Place::Channels)), Box::pin(reads))?;
    let now = app.clock.now();
    // The index may not have an agent that was made a moment ago.
    let agent = match agents.iter().find(|agent| agent.id == id) {
        Some(agent) => agent.clone(),
        None => app.store.agents().get(&human, id).await?.agent,
    };
    let mut bubbles = bubbles(&app.blobs, page.found).await?;
    bubbles.reverse();
    let open = Conversation {
        id: agent.id.to_string(),
        name: agent.name.clone(),
        description: agent.description.clone(),
        is_newest: shown.before.is_none() && request.search.is_none(),
        bubbles,
        older: page.next.map(|ulid| older(&agent, ulid, &shown.q)),
        search: shown.q,
        commands: serde_json::to_string(&agent.commands).map_err(Error::internal)?,
    };
    let agents = agents.iter().map(|it| AgentRow::of(it, now)).collect();
    page::page(StatusCode::OK, &ChannelPage { shell, agents, open: Some(open) })
}

fn older(agent: &Agent, before: Ulid, search: &str) -> String {
    let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
    format!("/channels/{}?before={before}&q={search}", agent.id)
}

/// Newest first: when the page has no room left, it is the oldest that are cut.
async fn bubbles(blobs: &Blobs, messages: Vec<Message>) -> Result<Vec<Bubble>, Error> {
    let loads = messages.into_iter().map(async |message| {
        let message = message.for_humans();
        Ok::<_, Error>((Loaded::of(blobs, &message, TEXTS).await?, message))
    });
    let loaded = future::try_join_all(loads).await?;
    let size = loaded.iter().map(|(loaded, _)| loaded.len()).sum();
    budget::spend(size, |budget| {
        loaded.into_iter().map(|(loaded, message)| Bubble::of(loaded, &message, budget)).collect()
    })
    .await
}

impl Bubble {
    fn of(loaded: Loaded, message: &Message, budget: &mut Budget) -> Self {
        let mine = message.sender_type == SenderType::User;
        Self {
            id: message.id.to_string(),
            mine,
            at: view::moment(message.created_at),
            quote: quote(message.text.as_deref().unwrap_or_default()),
            review: message.review.as_ref().map(|review| ReviewChip {
                kind: outcome::kind_word(&review.kind).to_owned(),
                pending: review.status == ReviewStatus::Pending,
                outcome: (review.status != ReviewStatus::Pending).then(|| outcome::in_a_word(review)),
            }),
            delivery: mark(message, mine),
            failed: message.delivery_status == DeliveryStatus::WebhookFailed,
            steps: steps(message, budget),
            streaming: message.stream_state == Some(StreamState::Streaming),
            aborted: message.stream_state == Some(StreamState::Aborted),
            message: loaded.lay_out(Extent::Beginning, budget),
        }
    }
}

/// How a text begins, to be quoted in a reply.
fn quote(text: &str) -> String {
    let beginning = &text[..text.floor_char_boundary(MOST_QUOTED)];
    beginning.lines().take(QUOTED).collect::<Vec<_>>().join("\n")
}

/// What the agent said of its progress, as far as the page has room for it.
fn steps(message: &Message, budget: &mut Budget) -> Vec<String> {
    let said = message.status_events.iter().map(|event| &event.text);
    said.take_while(|text| budget.has_room_for(text)).cloned().collect()
}

/// The mark of how far a message of one's own has come, and the mark in words.
fn mark(message: &Message, mine: bool) -> Option<(&'static str, &'static str)> {
    match message.delivery_status {
        DeliveryStatus::WebhookFailed => Some(("!", "Its webhook could not be delivered")),
        _ if !mine => None,
        DeliveryStatus::Sent => Some(("✓", "Sent")),
        DeliveryStatus::WebhookDelivered => Some(("✓✓", "Delivered to the agent's webhook")),
        DeliveryStatus::AgentReceived => Some(("✓✓", "Received by the agent")),
    }
}
