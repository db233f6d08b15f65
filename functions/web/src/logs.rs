//! `/logs`: what the person's agents called, and what their webhooks were sent.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::app::App;
use shared::json;
use shared::models::request_log::{Direction, ListLogs, LogEntry};

use crate::page::{self, PageError, Visitor};
use crate::shell::{Place, Shell};
use crate::view;

const AT_ONCE: usize = 50;

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
    /// What the code says, and which of the colours it has.
    reason: &'static str,
    class: &'static str,
    took: String,
    request: Option<String>,
    response: Option<String>,
}

impl Row {
    fn of(entry: &LogEntry) -> Self {
        let status = StatusCode::from_u16(entry.status_code).ok();
        Self {
            id: entry.id.to_string(),
            at: view::moment(entry.created_at),
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
            request: entry.request_body.as_deref().map(laid_out),
            response: entry.response_body.as_deref().map(laid_out),
        }
    }
}

fn took(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

/// JSON laid out to be read; what was cut off is none any more, and stays as it is.
fn laid_out(body: &str) -> String {
    json::understood(body).map_or_else(|_| body.to_owned(), |value| view::laid_out(&value))
}

#[derive(Template)]
#[template(path = "logs.html")]
struct LogsPage {
    shell: Shell,
    rows: Vec<Row>,
    older: Option<String>,
    is_newest: bool,
}

pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(from): Query<From>,
) -> Result<Response, PageError> {
    let list = ListLogs { limit: AT_ONCE, before: from.cursor.parse().ok() };
    let log = async { Ok(app.store.request_log().list(&human, &list).await?) };
    let (shell, log) = tokio::try_join!(Shell::of(&app, &human, Place::Logs), log)?;
    let rows = log.data.iter().map(Row::of).collect();
    let older = log.next_cursor.map(|id| id.to_string());
    page::page(StatusCode::OK, &LogsPage { shell, rows, older, is_newest: list.before.is_none() })
}
