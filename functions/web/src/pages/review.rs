//! `/reviews/{id}`: a request, and the form to answer it or its outcome.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use shared::caller::HumanCaller;
use shared::error::{Error, FieldError, Step};
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::MessageId;
use shared::models::{Review, ReviewStatus, Surface};
use shared::review::Kind;
use shared::review::answer::checked;

use crate::components::review_list::ReviewFilter;
use crate::components::review_view::ReviewView;
use crate::extract::FormFields;
use crate::extract::{SameOriginForm, SubmittedForm, Visitor};
use crate::pages::inbox::{self, InboxPage, Parts};
use crate::response::PageError;
use crate::review::act::{self, confirmation};
use crate::review::answer;
use crate::review::unsent;

/// `GET /reviews/{id}`
pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<MessageId>,
    Query(listed): Query<ReviewFilter>,
    parts: Parts,
) -> Result<Response, PageError> {
    let query = listed.query();
    let opened = async {
        let (channel, message) = app.store.messages().load(&human, id.channel(), id).await?;
        let message = app.store.reviews().resolve_expiry(message).await?;
        let message = app.store.reviews().mark_seen(&channel, message, Surface::Page).await?;
        Ok(ReviewView::of(&app, &human, &channel, message).await?)
    };
    // Boxed, because both futures together are too large for a thread's stack.
    let loaded = tokio::try_join!(Box::pin(inbox::beside(&app, &human, &listed)), Box::pin(opened));
    let ((layout, list), review) = loaded.map_err(|error| error.in_list(&query))?;
    let list = list.with_open(&review.source);
    InboxPage { layout, list, review: Some(review) }.respond(StatusCode::OK, parts)
}

/// Stores the answer and redirects to the review, which shows the stored outcome, even when somebody else was faster.
/// An invalid answer is shown again with its problems. Of a form that came too late the page says so, and shows what was
/// written in it. All keep the view of the list.
pub async fn answer(
    State(app): State<App>,
    Visitor(human): Visitor,
    _: SameOriginForm,
    PathId(id): PathId<MessageId>,
    Query(listed): Query<ReviewFilter>,
    parts: Parts,
    SubmittedForm(typed): SubmittedForm,
) -> Result<Response, PageError> {
    let query = listed.query();
    let loaded = app.store.messages().load(&human, id.channel(), id).await;
    let (channel, message) = loaded.map_err(|error| PageError::from(error).in_list(&query))?;
    let review = message.review.as_ref().ok_or(Error::NotFound("review"))?;
    let submitted = submit(&app, &human, id, review, &typed).await;
    let mut unsent = None;
    let (status, refused) = match submitted.map_err(|error| PageError::from(error).in_list(&query))? {
        Submitted::TooLate(texts) if !parts.is_none() || !texts.is_empty() => {
            unsent = Some(texts);
            // A browser reports an error's status on its console; a script sees the outcome.
            (if parts.is_none() { StatusCode::CONFLICT } else { StatusCode::OK }, Refused::default())
        }
        // A script that asks for parts gets them at once, without the round trip of a redirect.
        Submitted::Stored if !parts.is_none() => {
            return page(State(app), Visitor(human), PathId(id), Query(listed), parts).await;
        }
        Submitted::Stored | Submitted::TooLate(_) if typed.first("back") == Some("channel") => {
            return Ok(Redirect::to(&format!("/channels/{}#{id}", id.channel())).into_response());
        }
        Submitted::Stored | Submitted::TooLate(_) => {
            return Ok(Redirect::to(&format!("/reviews/{id}{query}")).into_response());
        }
        Submitted::Previewed => (StatusCode::OK, Refused::default()),
        Submitted::Refused(refused) => (StatusCode::BAD_REQUEST, refused),
    };
    let view = async {
        // Of a form that came too late the page shows the outcome.
        let message = match unsent.is_some() {
            true => app.store.messages().load(&human, id.channel(), id).await?.1,
            false => message,
        };
        Ok(ReviewView::of(&app, &human, &channel, message).await?)
    };
    let ((layout, list), mut review) =
        tokio::try_join!(Box::pin(inbox::beside(&app, &human, &listed)), Box::pin(view))?;
    (review.typed, review.problems, review.misplaced) = (typed, refused.problems, refused.misplaced);
    review.unsent = unsent;
    let list = list.with_open(&review.source);
    InboxPage { layout, list, review: Some(review) }.respond(status, parts)
}

/// What became of a form.
enum Submitted {
    /// It is stored.
    Stored,
    /// The review was withdrawn or expired before, or answered otherwise: what was written.
    TooLate(Vec<String>),
    /// Nothing is stored: the person wants to see what an edit changes.
    Previewed,
    Refused(Refused),
}

/// Why a form was refused.
#[derive(Default)]
struct Refused {
    /// Sentences.
    problems: Vec<String>,
    /// Those about an argument of the act: its JSON Pointer, and the sentence.
    misplaced: Vec<(String, String)>,
}

async fn submit(
    app: &App,
    human: &HumanCaller,
    id: MessageId,
    review: &Review,
    typed: &FormFields,
) -> Result<Submitted, Error> {
    let (kind, act) = (review.kind(), review.act());
    if matches!(review.status, ReviewStatus::Expired | ReviewStatus::Cancelled) {
        return Ok(Submitted::TooLate(unsent::texts(&kind, act.as_ref(), typed)));
    }
    let refused = |problems| Ok(Submitted::Refused(Refused { problems, misplaced: vec![] }));
    let is_preview = typed.first("preview").is_some();
    let allowing = is_preview.then(|| act::allowing(&kind, typed));
    let typed = allowing.as_ref().unwrap_or(typed);
    if let Some(problem) = confirmation::missing(&kind, act.as_ref(), typed).filter(|_| !is_preview) {
        return refused(vec![problem]);
    }
    let answer = match answer::read(&kind, act.as_ref(), typed) {
        Ok(answer) => answer,
        Err(problems) => return refused(problems),
    };
    let outcome = match is_preview {
        true => checked(&kind, act.as_ref(), answer.response).map(|_| Submitted::Previewed),
        false => app.answer(human, id, answer, Surface::Page).await.map(|_| Submitted::Stored),
    };
    match outcome {
        // A form that was sent twice, because its first response was lost.
        Err(Error::ReviewAlreadyResponded) if is_stored(app, human, id, typed).await? => Ok(Submitted::Stored),
        Err(Error::ReviewAlreadyResponded | Error::ReviewExpired | Error::ReviewCancelled) => {
            Ok(Submitted::TooLate(unsent::texts(&kind, act.as_ref(), typed)))
        }
        Err(Error::Invalid(fields)) => {
            let problems = fields.iter().map(|field| in_words(&kind, typed, field)).collect();
            let misplaced = fields.iter().filter_map(act::place_and_sentence).collect();
            Ok(Submitted::Refused(Refused { problems, misplaced }))
        }
        Err(Error::TooLarge(sentence)) => refused(vec![sentence]),
        other => other,
    }
}

/// Whether the answer that a review has is the one of this form.
async fn is_stored(app: &App, human: &HumanCaller, id: MessageId, typed: &FormFields) -> Result<bool, Error> {
    let (_, message) = app.store.messages().load(human, id.channel(), id).await?;
    let Some(review) = message.review else { return Ok(false) };
    let (kind, act) = (review.kind(), review.act());
    let Ok(sent) = answer::read(&kind, act.as_ref(), typed) else { return Ok(false) };
    let response = checked(&kind, act.as_ref(), sent.response)?;
    let is_same = review.response.is_some_and(|stored| stored.as_str() == response.as_str());
    Ok(is_same && review.feedback.unwrap_or_default() == sent.feedback.unwrap_or_default())
}

/// A problem with an answer in the words of the page, which names a field by its label.
fn in_words(kind: &Kind, typed: &FormFields, problem: &FieldError) -> String {
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
