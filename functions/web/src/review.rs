//! `/reviews/{id}`: what is asked, the form to answer it, and the outcome once there is one.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::Value;
use shared::app::App;
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::MessageId;
use shared::json::Json;
use shared::models::{Message, Review, ReviewStatus};
use shared::review::Kind;
use shared::review::form::{Field, FieldType};
use shared::storage::Channel;

use crate::answer::{self, Typed, input_name};
use crate::page::{self, OwnForm, PageError, Submitted, Visitor};
use crate::view;

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    id: String,
    agent: String,
    message: Message,
    review: Review,
    kind: Kind,
    age: String,
    left: String,
    typed: Typed,
    problems: Vec<String>,
    /// The stored response, laid out to be read.
    response: String,
    mine: bool,
    /// The labels of what was chosen.
    chosen: Vec<String>,
}

impl ReviewPage {
    fn of(app: &App, channel: &Channel, message: Message) -> Result<Self, Error> {
        let message = message.for_humans();
        let review = message.review.clone().ok_or(Error::NotFound("review"))?;
        let now = app.clock.now();
        Ok(Self {
            id: message.id.to_string(),
            agent: channel.agent.name.clone(),
            kind: review.understood(),
            age: view::span(message.created_at.until(now)),
            left: view::span(now.until(review.expires_at)),
            typed: Typed::default(),
            problems: vec![],
            response: review.response.as_ref().map(|it| format!("{:#}", it.value())).unwrap_or_default(),
            chosen: chosen(&review),
            mine: review.responded_by == Some(channel.owner()),
            message,
            review,
        })
    }

    fn is_pending(&self) -> bool {
        self.review.status == ReviewStatus::Pending
    }

    fn is_completed(&self) -> bool {
        self.review.status == ReviewStatus::Completed
    }

    /// What a field of the form shows: what was typed, else its default.
    fn value(&self, field: &Field) -> String {
        let default = || match &field.default_value {
            Some(Value::String(text)) => text.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => String::new(),
        };
        self.typed.first(&input_name(field)).map_or_else(default, str::to_owned)
    }

    fn is_checked(&self, field: &Field) -> bool {
        if self.problems.is_empty() {
            field.default_value == Some(Value::Bool(true))
        } else {
            self.typed.first(&input_name(field)).is_some()
        }
    }

    fn typed(&self, name: &str) -> &str {
        self.typed.first(name).unwrap_or_default()
    }
}

/// The labels of the options or items that a stored response names.
fn chosen(review: &Review) -> Vec<String> {
    let response = review.response.as_ref().map(Json::value).unwrap_or_default();
    let (offered, named) = match review.understood() {
        Kind::Approval(approval) => (approval.options, vec![response["selectedOption"].clone()]),
        Kind::Selection(selection) => {
            (selection.items, response["selectedIds"].as_array().cloned().unwrap_or_default())
        }
        _ => return vec![],
    };
    offered.into_iter().filter(|choice| named.contains(&Value::from(choice.id.as_str()))).map(|it| it.label).collect()
}

pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let (channel, message) = app.store.open_message(&human, id.map(MessageId::channel), id).await?;
    let message = app.store.settled(message).await?;
    let message = app.store.mark_seen(&channel, message).await?;
    page::page(StatusCode::OK, &ReviewPage::of(&app, &channel, message)?)
}

/// Stores the answer, and shows the page again: with the stored outcome, whoever's it is, or
/// with what was typed and what is wrong with it.
pub async fn answer(
    State(app): State<App>,
    Visitor(human): Visitor,
    _: OwnForm,
    PathId(id): PathId<MessageId>,
    Submitted(typed): Submitted,
) -> Result<Response, PageError> {
    let (channel, message) = app.store.open_message(&human, id.map(MessageId::channel), id).await?;
    let mut page = ReviewPage::of(&app, &channel, message)?;
    page.typed = typed;
    page.problems = match answer::read(&page.kind, &page.typed) {
        Err(problem) => vec![problem],
        Ok(answer) => match app.store.answer(&human, id, answer).await {
            Ok(_) | Err(Error::ReviewAlreadyResponded | Error::ReviewExpired) => vec![],
            Err(Error::Invalid(fields)) => fields.into_iter().map(|field| sentence(&field.message)).collect(),
            Err(Error::TooLarge(sentence)) => vec![sentence],
            Err(other) => return Err(other.into()),
        },
    };
    if page.problems.is_empty() {
        return Ok(Redirect::to(&format!("/reviews/{}", page.id)).into_response());
    }
    page::page(StatusCode::BAD_REQUEST, &page)
}

/// A field's problem, which names its field already, as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
