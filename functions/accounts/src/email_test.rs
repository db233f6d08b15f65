//! `POST /api/notifications/email/test`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::limits::turns;
use shared::mail::{Letter, MailAnswer};
use shared::models::mail_link::UnsubscribeLink;
use shared::{hex, random};
use utoipa::ToSchema;

/// What became of a test e-mail
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailTested {
    /// The address that it was sent to
    #[schema(example = "anna@example.com")]
    to: String,
    /// The mail server accepted it
    accepted: bool,
    /// Why it did not
    error: Option<String>,
}

/// Sends one test e-mail to the caller's address and returns what the mail server answered
///
/// 501 `mail_off` in a deployment that sends no e-mails.
#[utoipa::path(
    post,
    path = "/api/notifications/email/test",
    tag = "Notifications",
    operation_id = "testEmail",
    responses((status = 200, body = EmailTested))
)]
pub async fn test(State(app): State<App>, human: HumanCaller) -> Result<Json<EmailTested>, Error> {
    let user = app.store.accounts().me(&human).await?;
    app.require_mail()?;
    let unsubscribe = app.page_url(&UnsubscribeLink(user.id).path(app.secrets.current()?));
    let sentence = "This is a test message.";
    let letter = Letter {
        to: user.email.clone(),
        subject: format!("Placet: {sentence}"),
        text: format!("{sentence}\n"),
        html: format!("<!doctype html><html lang=\"en\"><title>Placet</title><p>{sentence}</p></html>"),
        id: format!("test.{}", hex::encode(&random::bytes::<16>())),
        follows: None,
        unsubscribe,
    };
    // Somebody else's host takes its time.
    turns::step_aside();
    let error = match app.mailer.send(user.id, &letter, app.clock.now()).await? {
        MailAnswer::Accepted => None,
        MailAnswer::Busy(why) | MailAnswer::Refused(why) | MailAnswer::Bounced(why) => Some(why),
    };
    Ok(Json(EmailTested { to: user.email, accepted: error.is_none(), error }))
}
