//! `/reviews/{id}/history`: who created, saw and decided a review, where and when. It stays when the message of a
//! decided act is deleted.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::{MaybeChannel, MessageId};
use shared::models::{History, HistoryEntry, HistoryEvent, SenderType, Surface, User};
use shared::review::Effect;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::response::{self, PageError};
use crate::review::act::editor;
use crate::text::format;

#[derive(Template)]
#[template(path = "pages/review_history.html")]
struct HistoryPage {
    layout: Layout,
    id: String,
    /// When the message was deleted, as HTML.
    deleted: Option<String>,
    action: Option<String>,
    effect: Option<Effect>,
    /// The digest of what was decided, else of what was asked.
    digest: Option<String>,
    entries: Vec<Entry>,
}

/// One line of the history.
struct Entry {
    icon: &'static str,
    words: &'static str,
    actor: Option<String>,
    surface: Option<&'static str>,
    /// HTML.
    at: String,
    /// The arguments that were changed.
    edits: Vec<String>,
    reason: Option<String>,
    superseded_by: Option<String>,
}

/// `GET /reviews/{id}/history`
pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let history = async {
        let history = app.store.messages().history(&human, MaybeChannel::Absent, id).await;
        Ok(history.map_err(|err| err.or_not_found("page"))?)
    };
    let (layout, history) = tokio::try_join!(Layout::of(&app, &human, NavItem::Inbox), history)?;
    let page = HistoryPage::of(layout, history);
    response::page(StatusCode::OK, &page)
}

impl HistoryPage {
    fn of(layout: Layout, history: History) -> Self {
        let decision = history.decision;
        let effect = decision.as_ref().map(|decision| decision.effect);
        let entries = history.entries.into_iter().map(|entry| Entry::of(entry, effect, &layout.user)).collect();
        Self {
            id: history.message_id.to_string(),
            deleted: history.deleted_at.map(format::moment),
            action: history.action_name,
            effect,
            digest: decision.map(|decision| decision.action_digest).or(history.action_digest),
            entries,
            layout,
        }
    }

    /// Whether the act may be done.
    fn is_allowed(&self) -> bool {
        self.effect == Some(Effect::Allow)
    }
}

impl Entry {
    fn of(entry: HistoryEntry, effect: Option<Effect>, reader: &User) -> Self {
        let (icon, words) = match (entry.event, effect) {
            (HistoryEvent::Created, _) => ("send", "Asked"),
            (HistoryEvent::Seen, _) => ("eye", "First opened"),
            (HistoryEvent::Decided, Some(Effect::Allow)) => ("check", "Approved"),
            (HistoryEvent::Decided, Some(Effect::Deny)) => ("no-entry", "Denied"),
            (HistoryEvent::Decided, None) => ("check", "Answered"),
            (HistoryEvent::Expired, _) => ("clock", "Expired"),
            (HistoryEvent::Cancelled, _) => ("out", "Withdrawn"),
            (HistoryEvent::Consumed, _) => ("key", "Approval used"),
        };
        let is_reader = entry.actor_id.as_ref().is_some_and(|id| *id == reader.id.to_string());
        Self {
            icon,
            words,
            actor: entry.actor_type.map(|actor| match actor {
                SenderType::Agent => "the agent".to_owned(),
                SenderType::User if is_reader => format!("you ({})", reader.display_name),
                SenderType::User => entry.actor_id.unwrap_or_default(),
            }),
            surface: entry.surface.map(|surface| match surface {
                Surface::Api => "through the API",
                Surface::Page => "on a page of the inbox",
            }),
            at: format::moment(entry.at),
            edits: entry.edits.unwrap_or_default().iter().map(|pointer| editor::names(pointer)).collect(),
            reason: entry.reason,
            superseded_by: entry.superseded_by.map(|id| id.to_string()),
        }
    }
}
