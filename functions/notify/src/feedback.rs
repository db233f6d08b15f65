//! What SES reports of e-mails: bounces and complaints, which end the e-mails to a person.

use serde::Deserialize;
use shared::aws::ses::PERSON_TAG;
use shared::error::Error;
use shared::http::App;
use shared::ids::UserId;
use shared::models::notifications::EmailEndReason;

/// An event of SES, as its topic passes it to the queue.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
struct Mail {
    #[serde(default)]
    tags: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// Ends the e-mails of the person whose e-mail bounced for good or was marked as spam. Any other event means nothing.
pub async fn process(app: &App, feedback: Feedback) -> Result<(), Error> {
    let Feedback { event_type, mail, bounce, complaint } = feedback;
    let person: Option<UserId> = mail.tags.get(PERSON_TAG).and_then(|values| values.first()?.parse().ok());
    let (reason, recipients) = match (bounce, complaint) {
        (Some(bounce), _) if bounce.bounce_type == "Permanent" => (EmailEndReason::Bounced, bounce.bounced_recipients),
        (None, Some(complaint)) => (EmailEndReason::Complained, complaint.complained_recipients),
        _ => return Ok(()),
    };
    let Some(person) = person else { return Ok(()) };
    tracing::info!(event_type, %person, "the e-mails to a person end");
    for recipient in recipients {
        app.store.accounts().end_email(person, Some(&recipient.email_address), reason).await?;
    }
    Ok(())
}
