//! E-mails: one for a request, its reminder, and one for all requests of low risk at a full hour.

use askama::Template;
use shared::error::Error;
use shared::http::App;
use shared::ids::{MessageId, UserId};
use shared::mail::{Letter, MailAnswer};
use shared::models::mail_link::{MailLink, UnsubscribeLink};
use shared::models::notifications::EmailEndReason;
use shared::models::{Fact, Review, ReviewStatus};
use shared::storage::{DeliveryOutcome as Outcome, LinkedRequest, Notification, NotificationContext};

use crate::excerpt::{excerpt, lines, visible};
use crate::question::{agent_name, asked, question};
use crate::timing::{self, pending};

const MAX_SUBJECT: usize = 100;
const MAX_TEXT: usize = 4000;
/// The most requests that a digest lists.
const MAX_LISTED: usize = 40;
/// For how long a digest is attempted.
const DIGEST_USEFUL: std::time::Duration = std::time::Duration::from_secs(6 * 3600);
const FOOTER: &str =
    "Opening the link decides nothing. Placet sends this because you turned on e-mails. Turn them off:";

#[derive(Template)]
#[template(path = "mail/request.html")]
struct RequestMail<'a> {
    subject: &'a str,
    agent: &'a str,
    asks: &'a str,
    question: &'a str,
    facts: &'a [Fact],
    link: &'a str,
    unsubscribe: &'a str,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct DigestMail<'a> {
    subject: &'a str,
    requests: &'a [Line],
    more: usize,
    unsubscribe: &'a str,
}

/// A request in a digest.
struct Line {
    agent: String,
    question: String,
    link: String,
    until: String,
}

/// Sends a notification by e-mail once.
pub async fn attempt(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    let (Some(address), Some(review)) = (&context.address, pending(&context)) else { return Ok(Outcome::Dropped) };
    let letter = request(app, of, &context, review, address)?;
    send(app, of, &letter, app.clock.now().until(review.expires_at)).await
}

/// Sends a digest once. What was decided meanwhile is left out; nothing is sent if nothing is left.
pub async fn digest(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    let (user, all) = (of.owner_id, of.requests());
    let listed = &all[..all.len().min(MAX_LISTED)];
    let requests = app.store.notifications().linked_requests(user, listed).await?;
    let lines = requests.iter().filter_map(|request| line(app, user, request).transpose());
    let lines = lines.collect::<Result<Vec<_>, Error>>()?;
    let Some(address) = context.address.as_ref().filter(|_| !lines.is_empty()) else { return Ok(Outcome::Dropped) };
    let subject = match lines.as_slice() {
        [one] => excerpt(&format!("{}: {}", one.agent, one.question), MAX_SUBJECT),
        many => format!("{} requests of low risk wait for you", many.len()),
    };
    let (unsubscribe, more) = (unsubscribe(app, user)?, all.len() - listed.len());
    let page = DigestMail { subject: &subject, requests: &lines, more, unsubscribe: &unsubscribe };
    let html = page.render().map_err(Error::internal)?;
    let each = lines.iter().map(|it| format!("{}: {}\nUntil {}\n{}\n", it.agent, it.question, it.until, it.link));
    let text = format!("{subject}:\n\n{}\n-- \n{FOOTER}\n{unsubscribe}\n", each.collect::<Vec<_>>().join("\n"));
    let letter = Letter { to: address.clone(), subject, text, html, id: of.tag(), follows: None, unsubscribe };
    send(app, of, &letter, DIGEST_USEFUL).await
}

async fn send(app: &App, of: &Notification, letter: &Letter, useful: std::time::Duration) -> Result<Outcome, Error> {
    if !app.mailer.is_on() {
        return Ok(Outcome::Dropped);
    }
    let answer = app.mailer.send(of.owner_id, letter, app.clock.now()).await?;
    tracing::info!(surface = "email", message = %of.message_id, ?answer, "notification attempt");
    Ok(match answer {
        MailAnswer::Accepted => Outcome::Delivered,
        MailAnswer::Busy(_) => timing::again(of, useful, None, app.clock.now()),
        MailAnswer::Refused(_) => Outcome::Failed,
        MailAnswer::Bounced(_) => {
            app.store.accounts().end_email(of.owner_id, Some(&letter.to), EmailEndReason::Bounced).await?;
            Outcome::Dropped
        }
    })
}

fn request(
    app: &App,
    of: &Notification,
    context: &NotificationContext,
    review: &Review,
    address: &str,
) -> Result<Letter, Error> {
    let shows_content = context.preferences.email.show_content;
    let (agent, line) = (agent_name(context), question(context, shows_content));
    let prefix = if of.has_reminder { "Reminder: " } else { "" };
    let subject = excerpt(&format!("{prefix}{agent}: {line}"), MAX_SUBJECT);
    let text = context.message.as_ref().and_then(|message| message.text.as_deref()).unwrap_or_default();
    let whole = lines(text, MAX_TEXT);
    let question = if shows_content && !whole.is_empty() { whole } else { line };
    let asks = if of.has_reminder { "still waits for an answer:" } else { "asks:" };
    let facts = review.facts(shows_content).into_iter().map(|(name, value)| (name, visible(&value)));
    let facts: Vec<Fact> = facts.collect();
    let (link, unsubscribe) = (link(app, of.owner_id, of.message_id)?, unsubscribe(app, of.owner_id)?);
    let page = RequestMail {
        subject: &subject,
        agent: &agent,
        asks,
        question: &question,
        facts: &facts,
        link: &link,
        unsubscribe: &unsubscribe,
    };
    let html = page.render().map_err(Error::internal)?;
    let listed: String = facts.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let text = format!(
        "{agent} {asks}\n\n{question}\n\n{listed}\nOpen the request:\n{link}\n\n-- \n{FOOTER}\n{unsubscribe}\n"
    );
    let (id, follows) = match of.has_reminder {
        false => (of.tag(), None),
        true => (format!("{}.reminder", of.tag()), Some(of.tag())),
    };
    Ok(Letter { to: address.to_owned(), subject, text, html, id, follows, unsubscribe })
}

/// A request that is still open and that the person may be told of.
fn line(app: &App, user: UserId, request: &LinkedRequest) -> Result<Option<Line>, Error> {
    let LinkedRequest { message, agent_name, preferences, is_muted } = request;
    let review = message.review.as_ref().filter(|review| review.status == ReviewStatus::Pending);
    let Some(review) = review.filter(|review| review.expires_at > app.clock.now()) else { return Ok(None) };
    if *is_muted || !preferences.email.enabled {
        return Ok(None);
    }
    Ok(Some(Line {
        agent: excerpt(agent_name, MAX_SUBJECT),
        question: if preferences.email.show_content { asked(message, review) } else { "A request".to_owned() },
        link: link(app, user, message.id)?,
        until: review.expires_at.to_minute(),
    }))
}

fn link(app: &App, user: UserId, message: MessageId) -> Result<String, Error> {
    Ok(app.page_url(&MailLink { user, message }.path(app.secrets.current()?)))
}

fn unsubscribe(app: &App, user: UserId) -> Result<String, Error> {
    Ok(app.page_url(&UnsubscribeLink(user).path(app.secrets.current()?)))
}
