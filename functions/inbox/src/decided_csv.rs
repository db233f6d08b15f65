//! `GET /api/messages/reviews/history.csv`

use std::borrow::Cow;
use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use csv::{Terminator, WriterBuilder};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Query;
use shared::ids::AgentId;
use shared::json::Json;
use shared::models::page_request::MAX_PAGE_BYTES;
use shared::models::{DecidedMessage, HistoryEvent, ListDecided, SenderType, Surface};

use crate::decided::before;

/// The most rows of a file.
const MAX_ROWS: usize = 1_000;
/// How many reviews one read of storage gives.
const PAGE_SIZE: usize = 200;
/// The most bytes of the reviews of a file, as a page counts them: a quote in JSON is twice as long in CSV.
const MAX_BYTES: usize = MAX_PAGE_BYTES / 4 * 3;
/// The most reads of a file.
const MAX_READS: usize = 10;

const HEAD: [&str; 15] = [
    "ended at",
    "outcome",
    "by",
    "by id",
    "through",
    "agent",
    "agent id",
    "type",
    "request",
    "act",
    "response",
    "comment",
    "reason",
    "asked at",
    "message id",
];

/// The same as CSV (RFC 4180), up to 1,000 reviews
///
/// What a spreadsheet would take for a formula has an apostrophe before it, also within a cell, after a semicolon, a tab
/// or a line break. When there are more reviews, the header `placet-next-cursor` has the cursor of the next file.
#[utoipa::path(
    get,
    path = "/api/messages/reviews/history.csv",
    tag = "Inbox",
    operation_id = "exportDecidedReviews",
    params(ListDecided),
    responses((status = 200, content_type = "text/csv", body = String))
)]
pub async fn decided_csv(
    State(app): State<App>,
    human: HumanCaller,
    Query(query): Query<ListDecided>,
) -> Result<Response, Error> {
    let names = async {
        let agents = app.store.agents().list(&human).await?;
        Ok::<HashMap<AgentId, String>, Error>(agents.into_iter().map(|agent| (agent.id, agent.name)).collect())
    };
    // Boxed, because both futures together are too large for a thread's stack.
    let (names, (rows, next)) = tokio::try_join!(names, Box::pin(read(&app, &human, &query)))?;
    let file = csv_file(&rows, &names).map_err(Error::internal)?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"placet-history.csv\""),
    ];
    let next = next.map(|cursor| [("placet-next-cursor", cursor)]);
    Ok(match next {
        Some(next) => (headers, next, file).into_response(),
        None => (headers, file).into_response(),
    })
}

/// The reviews of a file, and the cursor of the next one.
async fn read(
    app: &App,
    human: &HumanCaller,
    query: &ListDecided,
) -> Result<(Vec<DecidedMessage>, Option<String>), Error> {
    let (filter, mut from) = (query.filter(), before(app, human, query).await?);
    let (mut rows, mut room) = (vec![], MAX_BYTES);
    for _ in 0..MAX_READS {
        let page = app.store.reviews().history(human, &filter, (PAGE_SIZE, room), from).await?;
        room = room.saturating_sub(page.weight);
        rows.extend(page.reviews);
        from = page.next;
        if from.is_none() || rows.len() + PAGE_SIZE > MAX_ROWS || room < MAX_BYTES / 8 {
            break;
        }
    }
    Ok((rows, from.map(|place| place.cursor())))
}

fn csv_file(rows: &[DecidedMessage], names: &HashMap<AgentId, String>) -> Result<Vec<u8>, String> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(vec![]);
    writer.write_record(HEAD).map_err(|err| err.to_string())?;
    for row in rows {
        let name = names.get(&row.message.channel_id).map_or("", String::as_str);
        let cells = cells(row, name);
        writer.write_record(cells.iter().map(|cell| inert(cell).into_owned())).map_err(|err| err.to_string())?;
    }
    writer.into_inner().map_err(|err| err.to_string())
}

fn cells(DecidedMessage { outcome, message }: &DecidedMessage, agent: &str) -> [String; HEAD.len()] {
    let review = message.review.as_ref();
    let json = |json: Option<&Json>| json.map(|it| it.as_str().to_owned()).unwrap_or_default();
    let act = review.and_then(|review| review.act()).map(|act| act.name);
    let word = match outcome.event {
        HistoryEvent::Expired => "expired",
        HistoryEvent::Cancelled => "withdrawn",
        _ => "answered",
    };
    let by = match outcome.actor_type {
        Some(SenderType::User) => "person",
        Some(SenderType::Agent) => "agent",
        None => "",
    };
    [
        outcome.at.to_string(),
        word.to_owned(),
        by.to_owned(),
        outcome.actor_id.clone().unwrap_or_default(),
        outcome.surface.map(Surface::word).unwrap_or_default().to_owned(),
        agent.to_owned(),
        message.channel_id.to_string(),
        review.map(|review| review.kind.clone()).unwrap_or_default(),
        message.text.clone().unwrap_or_default(),
        act.unwrap_or_default(),
        json(review.and_then(|review| review.response.as_ref())),
        review.and_then(|review| review.feedback.clone()).unwrap_or_default(),
        outcome.reason.clone().unwrap_or_default(),
        message.created_at.to_string(),
        message.id.to_string(),
    ]
}

/// A cell of which no spreadsheet takes anything for a formula: they begin with one of these characters, also in their
/// full-width forms and after spaces. Where lists are separated by semicolons or tabs, a spreadsheet begins cells there,
/// and at line breaks and quotes within what is one cell here.
fn inert(cell: &str) -> Cow<'_, str> {
    const BEGINNINGS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let is_skipped = |letter: char| letter.is_whitespace() || letter == '"';
    let is_formula = |part: &str| part.trim_start_matches(is_skipped).starts_with(BEGINNINGS);
    let parts = || cell.split_inclusive([';', '\t', '\r', '\n']);
    let is_blank = cell.starts_with(['\t', '\r', '\n']);
    if !is_blank && !parts().any(is_formula) {
        return Cow::Borrowed(cell);
    }
    let mut inert = String::with_capacity(cell.len() + 8);
    for (number, part) in parts().enumerate() {
        if is_formula(part) || is_blank && number == 0 {
            inert.push('\'');
        }
        inert.push_str(part);
    }
    Cow::Owned(inert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "\n", "\u{a0}=1", "\"=1\""] {
            assert_eq!(inert(cell), format!("'{cell}"));
        }
        for cell in ["", "text", "a=1", "a;b=1", "a\nb", "a, -b", "{\"selectedOption\":\"approve\"}", "'=1"] {
            assert_eq!(inert(cell), cell);
        }
    }

    #[test]
    fn no_part_of_a_cell_is_a_formula_where_semicolons_or_tabs_separate_cells() {
        for (cell, expected) in [
            ("Deploy;=HYPERLINK(\"//x\")", "Deploy;'=HYPERLINK(\"//x\")"),
            ("a;; @b;c", "a;;' @b;c"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("a\t+1\r\n-1", "a\t'+1\r\n'-1"),
            ("\t=1", "'\t'=1"),
            ("=1;=2", "'=1;'=2"),
        ] {
            assert_eq!(inert(cell), expected);
        }
    }
}
