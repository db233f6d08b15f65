//! E-mail to people: over SES in a deployment, over SMTP on one machine.
//!
//! - `letter`: an e-mail as MIME
//! - [`Mailer`]: from which address, and over what, e-mails are sent

mod letter;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use letter::Letter;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;

/// An e-mail as it is sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The address of the sender, without a name.
    pub from: String,
    pub to: String,
    /// MIME.
    pub raw: Vec<u8>,
    pub person: UserId,
}

/// What became of an attempt to send an e-mail. The texts are for the log and for the person's test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailAnswer {
    Accepted,
    /// It may be accepted later.
    Busy(String),
    Refused(String),
    /// The address takes no e-mails.
    Bounced(String),
}

/// Sends e-mails. One attempt takes at most 15 s.
pub trait MailTransport: Send + Sync {
    /// Sends one, once.
    fn send<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = MailAnswer> + Send + 'a>>;
}

/// Sends e-mails, or is off. Clones share it.
#[derive(Clone, Default)]
pub struct Mailer(Option<Arc<Outgoing>>);

struct Outgoing {
    from: String,
    transport: Box<dyn MailTransport>,
}

impl Mailer {
    /// A mailer from an address (`placet@example.com` or `Placet <placet@example.com>`); `None` if that is none.
    pub fn new(from: &str, transport: impl MailTransport + 'static) -> Option<Self> {
        letter::mailbox(from)?;
        Some(Self(Some(Arc::new(Outgoing { from: from.to_owned(), transport: Box::new(transport) }))))
    }

    /// Whether e-mails can be sent.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends an e-mail once. An error means that it cannot be built, or that there is no transport.
    pub async fn send(&self, person: UserId, letter: &Letter, now: Timestamp) -> Result<MailAnswer, Error> {
        let outgoing = self.0.as_deref().ok_or(Error::MailOff)?;
        let mail = letter.mail(&outgoing.from, person, now)?;
        Ok(outgoing.transport.send(&mail).await)
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailer").field(&self.is_on()).finish()
    }
}
