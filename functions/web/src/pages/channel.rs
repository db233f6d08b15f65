//! `/channels`: the person's agents; `/channels/{id}`: the conversation with one of them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::models::PageRequest;
use shared::models::stream::StreamState;
use shared::models::{Agent, DeliveryStatus, Message, Review, ReviewStatus, SenderType};
use shared::review::{Choice, Kind};
use shared::search;
use shared::storage::Blobs;
use ulid::Ulid;

use crate::components::agent_row::{self, AgentRow, COUNTED};
use crate::components::layout::{Layout, NavItem};
use crate::components::message::{Extent, Loaded, MessageView};
use crate::extract::Visitor;
use crate::response::{self, PageError};
use crate::review::summary;
use crate::text::budget::{self, Budget};
use crate::text::format;

/// Bytes of files' texts that one message of a page shows.
const MAX_FILE_TEXT_BYTES: u64 = 64 * 1024;
/// The most lines that a reply quotes.
const MAX_QUOTE_LINES: usize = 10;
/// The most bytes that a reply quotes.
const MAX_QUOTE_BYTES: usize = 2_000;
/// Messages of one page.
const PAGE_SIZE: usize = 30;

#[derive(Template)]
#[template(path = "pages/channel.html")]
struct ChannelPage {
    layout: Layout,
    agents: Vec<AgentRow>,
    open: Option<Conversation>,
}

impl ChannelPage {
    fn title(&self) -> String {
        self.layout.title(self.open.as_ref().map_or("Channels", |open| &open.name))
    }

    /// How many of an agent's requests wait for an answer.
    fn waiting(&self, agent: &AgentRow) -> usize {
        self.layout.waiting.get(&agent.id).copied().unwrap_or_default()
    }

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
    /// The link to older messages.
    older: Option<String>,
    /// The agent's slash commands, as JSON.
    commands: String,
    /// Whether this page ends with the newest message, so that messages can be written here.
    is_newest: bool,
}

struct Bubble {
    id: String,
    mine: bool,
    at: String,
    message: MessageView,
    /// The beginning of its text, for a quote.
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
    /// The options, of an approval that is answered in the conversation.
    options: Vec<Choice>,
}

/// The query of a channel's page.
#[derive(Deserialize)]
pub struct ChannelQuery {
    before: Option<String>,
    #[serde(default)]
    q: String,
}

/// `GET /channels`
pub async fn list(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (layout, agents) = tokio::try_join!(Layout::of(&app, &human, NavItem::Channels), agents)?;
    let agents = rows(&app, &layout, &agents).await?;
    response::page(StatusCode::OK, &ChannelPage { layout, agents, open: None })
}

/// The agents with the latest messages of their channels.
async fn rows(app: &App, layout: &Layout, agents: &[Agent]) -> Result<Vec<AgentRow>, Error> {
    let channels = agents.iter().map(|agent| agent.id);
    let latest = app.store.messages().latest(layout.user.id, channels, COUNTED).await?;
    let now = app.clock.now();
    let row = |(agent, is_nested): (&Agent, bool)| {
        let latest = latest.get(&agent.id).map_or(&[][..], Vec::as_slice);
        AgentRow { is_nested, ..AgentRow::of(agent, now) }.with_latest(agent, latest, now)
    };
    Ok(agent_row::nested(agents).into_iter().map(row).collect())
}

/// `GET /channels/{id}`
pub async fn channel(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<AgentId>,
    Query(shown): Query<ChannelQuery>,
) -> Result<Response, PageError> {
    let before: Option<Ulid> = match shown.before.as_deref().map(str::parse).transpose() {
        Ok(before) => before,
        Err(_) => return Ok(Redirect::to("?").into_response()),
    };
    let search = Some(search::folded(shown.q.trim())).filter(|it| !it.is_empty());
    let request = PageRequest { limit: PAGE_SIZE, before, search, has_attachments: false };
    let reads = async {
        let (agents, page) =
            tokio::try_join!(app.store.agents().list(&human), app.store.messages().list(&human, id, &request))?;
        Ok((agents, page))
    };
    let (layout, (agents, page)) =
        tokio::try_join!(Box::pin(Layout::of(&app, &human, NavItem::Channels)), Box::pin(reads))?;
    // The index may lag behind an agent that was just created.
    let agent = match agents.iter().find(|agent| agent.id == id) {
        Some(agent) => agent.clone(),
        None => app.store.agents().get(&human, id).await?.agent,
    };
    let (bubbles, agents) = tokio::try_join!(bubbles(&app.blobs, page.found), rows(&app, &layout, &agents))?;
    let mut bubbles = bubbles;
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
    response::page(StatusCode::OK, &ChannelPage { layout, agents, open: Some(open) })
}

fn older(agent: &Agent, before: Ulid, search: &str) -> String {
    let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
    format!("/channels/{}?before={before}&q={search}", agent.id)
}

/// Newest first, so that the oldest are cut when the page is full.
async fn bubbles(blobs: &Blobs, messages: Vec<Message>) -> Result<Vec<Bubble>, Error> {
    let loads = messages.into_iter().map(async |message| {
        let message = message.for_humans();
        Ok::<_, Error>((Loaded::of(blobs, &message, MAX_FILE_TEXT_BYTES).await?, message))
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
        let streaming = message.stream_state == Some(StreamState::Streaming);
        Self {
            id: message.id.to_string(),
            mine,
            at: format::clock(message.created_at),
            quote: quote(message.text.as_deref().unwrap_or_default()),
            review: message.review.as_ref().map(|review| ReviewChip {
                kind: summary::kind_word(&review.kind).to_owned(),
                pending: review.status == ReviewStatus::Pending,
                outcome: (review.status != ReviewStatus::Pending).then(|| summary::in_a_word(review)),
                options: if streaming { vec![] } else { options_in_place(review) },
            }),
            delivery: mark(message, mine),
            failed: message.delivery_status == DeliveryStatus::WebhookFailed,
            steps: steps(message, budget),
            streaming,
            aborted: message.stream_state == Some(StreamState::Aborted),
            message: loaded.lay_out(Extent::Beginning, budget),
        }
    }
}

/// The options of a pending approval about whose act or payload there is nothing to see but the message itself.
fn options_in_place(review: &Review) -> Vec<Choice> {
    let is_known = |payload: &shared::json::Json| {
        let known = ["options", "allowComment"];
        payload.value().as_object().is_some_and(|members| members.keys().all(|name| known.contains(&name.as_str())))
    };
    let is_plain = review.action.is_none() && review.payload.as_ref().is_none_or(is_known);
    match review.kind() {
        Kind::Approval(approval) if is_plain && review.status == ReviewStatus::Pending => approval.options,
        _ => vec![],
    }
}

/// The beginning of a text, for a quote.
fn quote(text: &str) -> String {
    let beginning = &text[..text.floor_char_boundary(MAX_QUOTE_BYTES)];
    beginning.lines().take(MAX_QUOTE_LINES).collect::<Vec<_>>().join("\n")
}

/// The progress that the agent reported, as far as the page has room for it.
fn steps(message: &Message, budget: &mut Budget) -> Vec<String> {
    let said = message.status_events.iter().map(|event| &event.text);
    said.take_while(|text| budget.has_room_for(text)).cloned().collect()
}

/// The delivery state of the person's own message: a mark, and the mark in words.
fn mark(message: &Message, mine: bool) -> Option<(&'static str, &'static str)> {
    match message.delivery_status {
        DeliveryStatus::WebhookFailed => Some(("!", "Delivery to the webhook failed")),
        _ if !mine => None,
        DeliveryStatus::Sent => Some(("✓", "Sent")),
        DeliveryStatus::WebhookDelivered => Some(("✓✓", "Delivered to the agent's webhook")),
        DeliveryStatus::AgentReceived => Some(("✓✓", "Received by the agent")),
    }
}
