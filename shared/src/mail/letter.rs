//! An e-mail as MIME: plain text and HTML.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::mail::Mail;

/// What an e-mail says, and to whom.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The part of `Message-ID` before the `@`: the same for every attempt.
    pub id: String,
    /// That of the e-mail which this one follows.
    pub follows: Option<String>,
    /// The URL that ends the e-mails, by one POST (RFC 8058).
    pub unsubscribe: String,
}

impl Letter {
    /// The e-mail from this address.
    pub(super) fn mail(&self, from: &str, person: UserId, now: Timestamp) -> Result<Mail, Error> {
        const UNUSABLE: &str = "an e-mail cannot be built";
        let (Some(sender), Some(to)) = (mailbox(from), mailbox(&self.to)) else {
            return Err(Error::internal(UNUSABLE));
        };
        let domain = sender.email.domain().to_owned();
        let id = |local: &str| format!("<{local}@{domain}>");
        let from = sender.email.to_string();
        let date = SystemTime::UNIX_EPOCH + Duration::from_millis(now.millis().unsigned_abs());
        let mut message = Message::builder().from(sender).to(to.clone()).subject(self.subject.as_str()).date(date);
        message = message.message_id(Some(id(&self.id)));
        if let Some(first) = self.follows.as_deref().map(id) {
            message = message.in_reply_to(first.clone()).references(first);
        }
        for (name, value) in [
            ("List-Unsubscribe", format!("<{}>", self.unsubscribe)),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            // No answers of out-of-office programs.
            ("Auto-Submitted", "auto-generated".to_owned()),
        ] {
            let name = HeaderName::new_from_ascii(name.to_owned()).map_err(Error::internal)?;
            message = message.raw_header(HeaderValue::new(name, value));
        }
        let parts = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        let raw = message.multipart(parts).map_err(|_| Error::internal(UNUSABLE))?.formatted();
        Ok(Mail { from, to: to.email.to_string(), raw, person })
    }
}

/// An address, with or without a name.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}
