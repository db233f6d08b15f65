//! `/d/{token}`: one person's view of one review, from an e-mail. It shows what the e-mail shows, and once the review has
//! ended what became of it. It needs no session, gives none, and changes nothing, however often it is fetched.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::models::mail_link::MailLink;
use shared::models::{Fact, Review, ReviewStatus};
use shared::storage::LinkedRequest;

use crate::response::{self, PageError};
use crate::review::summary;

#[derive(Template)]
#[template(path = "pages/mail_link.html")]
struct MailLinkPage {
    agent: String,
    /// The path of the review's own page.
    review: String,
    state: LinkState,
}

enum LinkState {
    /// The text, if the person's e-mails have it, and the facts that they list.
    Pending { text: Option<String>, facts: Vec<Fact> },
    /// What became of it.
    Ended { title: &'static str, chosen: Vec<String> },
}

/// `GET /d/{token}`
pub async fn page(State(app): State<App>, PathId(token): PathId<String>) -> Result<Response, PageError> {
    let link = MailLink::verified(&token, &app.secrets).ok_or(Error::NotFound("link"))?;
    let request = app.store.notifications().linked(link.user, link.message).await?.ok_or(Error::NotFound("link"))?;
    let review = request.message.review.as_ref().ok_or(Error::NotFound("link"))?;
    let is_over = review.status == ReviewStatus::Pending && review.expires_at <= app.clock.now();
    let state = match review.status {
        ReviewStatus::Pending if !is_over => pending(&request, review),
        ReviewStatus::Pending | ReviewStatus::Expired => ended("Expired", vec![]),
        ReviewStatus::Cancelled => ended("Withdrawn", vec![]),
        ReviewStatus::Completed => {
            let shows_content = request.preferences.email.show_content;
            ended("Answered", if shows_content { summary::chosen(review) } else { vec![] })
        }
    };
    let page = MailLinkPage { agent: request.agent_name, review: format!("/reviews/{}", link.message), state };
    response::page(StatusCode::OK, &page)
}

fn pending(request: &LinkedRequest, review: &Review) -> LinkState {
    let shows_content = request.preferences.email.show_content;
    let text = shows_content.then(|| request.message.text.clone().unwrap_or_default());
    LinkState::Pending { text, facts: review.facts(shows_content) }
}

fn ended(title: &'static str, chosen: Vec<String>) -> LinkState {
    LinkState::Ended { title, chosen }
}
