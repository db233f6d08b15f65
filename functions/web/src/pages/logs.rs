//! `/logs`: calls of the person's agents, deliveries to their webhooks, their decisions, and owners' changes of their
//! account.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::http::App;
use shared::json;
use shared::models::request_log::{Direction, ListLogs, LogEntry};

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::response::{self, PageError};
use crate::text::format;

const PAGE_SIZE: usize = 50;

/// The query of the log's page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct From {
    cursor: String,
}

struct Row {
    id: String,
    /// HTML.
    at: String,
    outbound: bool,
    method: String,
    path: String,
    code: u16,
    /// The reason phrase of the status code, and the class that colours it.
    reason: &'static str,
    class: &'static str,
    took: String,
    /// The first characters of the API key that made the call.
    key: Option<String>,
    /// The person who made the call.
    person: Option<String>,
    request: Option<String>,
    response: Option<String>,
}

impl Row {
    fn of(entry: &LogEntry) -> Self {
        let status = StatusCode::from_u16(entry.status_code).ok();
        Self {
            id: entry.id.to_string(),
            at: format::moment(entry.created_at),
            outbound: entry.direction == Direction::Outbound,
            method: entry.method.clone(),
            path: entry.path.clone(),
            code: entry.status_code,
            reason: status.and_then(|it| it.canonical_reason()).unwrap_or("Unknown"),
            class: match entry.status_code {
                0..300 => "good",
                300..400 => "warn",
                _ => "bad",
            },
            took: took(entry.duration_ms),
            key: entry.api_key_prefix.clone(),
            person: entry.user_id.map(|_| match &entry.user_name {
                Some(owner) => format!("By the owner {owner}"),
                None => "By you".to_owned(),
            }),
            request: entry.request_body.as_deref().map(laid_out),
            response: entry.response_body.as_deref().map(laid_out),
        }
    }
}

fn took(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

/// JSON with indentation. A body that was cut off is not valid JSON and is shown as it is.
fn laid_out(body: &str) -> String {
    json::parse_lossy(body).map_or_else(|_| body.to_owned(), |value| format::laid_out(&value))
}

#[derive(Template)]
#[template(path = "pages/logs.html")]
struct LogsPage {
    layout: Layout,
    rows: Vec<Row>,
    older: Option<String>,
    is_newest: bool,
}

/// `GET /logs`
pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(from): Query<From>,
) -> Result<Response, PageError> {
    let list = ListLogs { limit: PAGE_SIZE, before: from.cursor.parse().ok() };
    let log = async { Ok(app.store.request_log().list(&human, &list).await?) };
    let (layout, log) = tokio::try_join!(Layout::of(&app, &human, NavItem::Logs), log)?;
    let rows = log.data.iter().map(Row::of).collect();
    let older = log.next_cursor.map(|id| id.to_string());
    response::page(StatusCode::OK, &LogsPage { layout, rows, older, is_newest: list.before.is_none() })
}
