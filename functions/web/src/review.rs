//! `/reviews/{id}`: what is asked, the form to answer it, and the outcome once there is one.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use shared::app::App;
use shared::auth::HumanCaller;
use shared::error::{Error, FieldError, Step};
use shared::extract::PathId;
use shared::ids::MessageId;
use shared::json::Json;
use shared::models::message::StreamState;
use shared::models::{Message, ReviewStatus};
use shared::review::form::{Field, FieldType, SelectOption};
use shared::review::{Kind, TextInput};
use shared::storage::Channel;

use crate::answer::{self, Typed, input_name};
use crate::budget;
use crate::diff::Diff;
use crate::field;
use crate::inbox::{self, InboxPage};
use crate::list::Listed;
use crate::message::{Extent, Loaded, MessageView};
use crate::outcome;
use crate::page::{self, OwnForm, PageError, Submitted, Visitor};
use crate::shell::initials;
use crate::text::Html;
use crate::text::json_tree::{json_tree, members_tree};
use crate::versions::{self, Version};
use crate::view;

/// Bytes of files' texts that a review shows.
const TEXTS: u64 = 512 * 1024;

pub struct ReviewView {
    pub id: String,
    pub channel: String,
    pub agent: String,
    pub message: MessageView,
    /// It is still being written.
    pub streaming: bool,
    pub kind_word: String,
    pub kind: Kind,
    pub payload: Option<Html>,
    /// Members of the payload that its type does not know.
    pub details: Option<Html>,
    pub age: String,
    pub left: String,
    pub urgent: bool,
    pub expires: String,
    pub versions: Vec<Version>,
    pub diffs: Vec<Diff>,
    /// What was typed, and what is wrong with it.
    pub typed: Typed,
    pub problems: Vec<String>,
    status: ReviewStatus,
    /// Who answered, when, and what.
    pub by: String,
    pub decided: Option<String>,
    pub chosen: Vec<String>,
    pub answers: Vec<(String, String)>,
    pub feedback: Option<String>,
    /// The stored response.
    pub response: Option<Html>,
}

impl ReviewView {
    async fn of(app: &App, human: &HumanCaller, channel: &Channel, message: Message) -> Result<Self, Error> {
        let message = message.for_humans();
        let review = message.review.clone().ok_or(Error::NotFound("review"))?;
        let (loaded, (versions, changes)) =
            tokio::try_join!(Loaded::of(&app.blobs, &message, TEXTS), versions::of(app, human, &message))?;
        let payload = review.payload.as_ref().map(|it| json_tree(it.as_str()));
        let details = review.payload.as_ref().and_then(|it| details(&review.understood(), it));
        let response = review.response.as_ref().map(|it| json_tree(it.as_str()));
        let always: String = [&payload, &details, &response].into_iter().flatten().map(|it| it.0.as_str()).collect();
        let layout = budget::spend(loaded.len() + changes.len(), move |budget| {
            budget.takes_anyway(&always);
            let shown = loaded.lay_out(Extent::Whole, budget);
            (shown, changes.compare(budget))
        });
        let (shown, diffs) = layout.await?;
        let now = app.clock.now();
        Ok(Self {
            id: message.id.to_string(),
            channel: message.channel_id.to_string(),
            agent: channel.agent.name.clone(),
            message: shown,
            streaming: message.stream_state == Some(StreamState::Streaming),
            kind_word: outcome::kind_word(&review.kind).to_owned(),
            kind: review.understood(),
            payload,
            details,
            age: view::age(message.created_at, now),
            left: view::left(review.expires_at, now),
            urgent: view::is_urgent(review.expires_at, now),
            expires: view::moment(review.expires_at),
            versions,
            diffs,
            typed: Typed::default(),
            problems: vec![],
            status: review.status,
            by: if review.responded_by == Some(channel.owner()) {
                "you".to_owned()
            } else {
                "somebody else".to_owned()
            },
            decided: review.completed_at.map(view::moment),
            chosen: outcome::chosen(&review),
            answers: outcome::answers(&review),
            feedback: review.feedback.clone(),
            response,
        })
    }

    pub fn initials(&self) -> String {
        initials(&self.agent)
    }

    pub fn is_pending(&self) -> bool {
        self.status == ReviewStatus::Pending
    }

    pub fn is_completed(&self) -> bool {
        self.status == ReviewStatus::Completed
    }

    /// The versions before this one.
    pub fn earlier(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().take_while(|version| !version.is_this)
    }

    /// What a field of the form shows: what was typed, else its default.
    pub fn value(&self, field: &Field) -> String {
        // A password is typed again: it does not come back in a page.
        let typed = self.typed.first(&input_name(field)).filter(|_| field.kind != FieldType::Password);
        typed.map_or_else(|| field::default_value(field), str::to_owned)
    }

    pub fn shows_default(&self, field: &Field) -> bool {
        self.typed.first(&input_name(field)).is_none()
    }

    pub fn is_checked(&self, field: &Field) -> bool {
        if self.problems.is_empty() {
            field.is_checked_by_default()
        } else {
            self.typed.first(&input_name(field)).is_some()
        }
    }

    /// Whether an option of a field is chosen: by who typed, else by default.
    pub fn is_chosen(&self, field: &Field, option: &SelectOption) -> bool {
        if self.problems.is_empty() {
            field.is_default(option)
        } else {
            self.typed.has(&input_name(field), &answer::submitted(&option.text))
        }
    }

    /// Whether none of a field's options is chosen.
    pub fn is_unanswered(&self, field: &Field) -> bool {
        !field.options.iter().any(|option| !option.text.is_empty() && self.is_chosen(field, option))
    }

    pub fn typed(&self, name: &str) -> &str {
        self.typed.first(name).unwrap_or_default()
    }

    pub fn text_of(&self, input: &TextInput) -> String {
        if self.problems.is_empty() { input.prefill.clone().unwrap_or_default() } else { self.typed("text").to_owned() }
    }

    pub fn json_typed(&self) -> &str {
        if self.problems.is_empty() { "{}" } else { self.typed("json") }
    }
}

/// What an agent sent beside the members that a type knows: a title, a command, an amount.
fn details(kind: &Kind, payload: &Json) -> Option<Html> {
    let known: &[&str] = match kind {
        Kind::Approval(_) => &["options", "allowComment"],
        Kind::Selection(_) => &["mode", "items", "options", "multiple"],
        Kind::Form(_) => &["fields", "submitLabel", "dismissLabel"],
        Kind::TextInput(_) => &["placeholder", "prefill", "markdown", "minLength", "maxLength"],
        // The form shows all of it.
        Kind::Freeform => return None,
    };
    members_tree(payload.as_str(), |name| !known.contains(&name))
}

pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<MessageId>,
    Query(listed): Query<Listed>,
) -> Result<Response, PageError> {
    let opened = async {
        let (channel, message) = app.store.messages().load(&human, id.channel(), id).await?;
        let message = app.store.reviews().resolve_expiry(message).await?;
        let message = app.store.reviews().mark_seen(&channel, message).await?;
        Ok(ReviewView::of(&app, &human, &channel, message).await?)
    };
    // Boxed: side by side on the stack they are too much for a thread's.
    let ((shell, list), review) = tokio::try_join!(Box::pin(inbox::beside(&app, &human, &listed)), Box::pin(opened))?;
    let list = list.with_open(&review.id);
    page::page(StatusCode::OK, &InboxPage { shell, list, review: Some(review) })
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
    let (channel, message) = app.store.messages().load(&human, id.channel(), id).await?;
    let kind = message.review.as_ref().ok_or(Error::NotFound("review"))?.understood();
    let problems = match answer::read(&kind, &typed) {
        Err(problems) => problems,
        Ok(answer) => match app.answer(&human, id, answer).await {
            Ok(_) | Err(Error::ReviewAlreadyResponded | Error::ReviewExpired) => vec![],
            Err(Error::Invalid(fields)) => fields.iter().map(|field| in_words(&kind, &typed, field)).collect(),
            Err(Error::TooLarge(sentence)) => vec![sentence],
            Err(other) => return Err(other.into()),
        },
    };
    if problems.is_empty() {
        return Ok(Redirect::to(&format!("/reviews/{}", message.id)).into_response());
    }
    let listed = Listed::default();
    let view = async { Ok(ReviewView::of(&app, &human, &channel, message).await?) };
    let ((shell, list), mut review) = tokio::try_join!(Box::pin(inbox::beside(&app, &human, &listed)), Box::pin(view))?;
    (review.typed, review.problems) = (typed, problems);
    let list = list.with_open(&review.id);
    page::page(StatusCode::BAD_REQUEST, &InboxPage { shell, list, review: Some(review) })
}

/// What is wrong with an answer, in the words that stand on the page: a form's field by its label.
fn in_words(kind: &Kind, typed: &Typed, problem: &FieldError) -> String {
    let named = |name: &str| problem.path.last() == Some(&Step::Name(name.to_owned()));
    match kind {
        Kind::Selection(_) if problem.code == "wrong_count" || problem.code == "required" => {
            "Choose at least one.".to_owned()
        }
        Kind::Form(form) => {
            let asked = form.fields.iter().find(|field| named(&field.name));
            if let Some((field, unread)) = asked.and_then(|field| Some((field, answer::unread(field, typed)?))) {
                return format!("{} {}.", field.label, unread.in_words());
            }
            let rest = asked.and_then(|field| Some((field, problem.message.strip_prefix(&field.name)?)));
            rest.map_or_else(|| sentence(&problem.message), |(field, rest)| format!("{}{rest}.", field.label))
        }
        _ => sentence(&problem.message),
    }
}

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
