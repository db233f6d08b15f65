//! E-mails over an SMTP server that the command line names.

use std::pin::Pin;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{AsyncTransport, Tokio1Executor};
use shared::mail::{Mail, MailAnswer, MailTransport, Mailer};

use crate::StartError;

/// The time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for a whole conversation, whose steps have no limits of their own.
const TIMEOUT: Duration = Duration::from_secs(15);

/// An SMTP server.
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

/// A mailer over the server at this URL: `smtps://user:password@host`, `smtp://host:587?tls=required`, or `smtp://host:25`
/// for a server that needs no encryption.
pub fn mailer(url: &str, from: &str) -> Result<Mailer, StartError> {
    let problem = || StartError::message("--mail-from must be an e-mail address.");
    Mailer::new(from, transport(url)?).ok_or_else(problem)
}

/// The server at a URL.
pub fn transport(url: &str) -> Result<Smtp, StartError> {
    // The cause could name the password.
    let unusable = |_| StartError::message("--smtp must be a URL such as smtps://user:password@mail.example.com.");
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(unusable)?;
    Ok(Smtp(builder.timeout(Some(CONNECT_TIMEOUT)).build()))
}

impl MailTransport for Smtp {
    fn send<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = MailAnswer> + Send + 'a>> {
        Box::pin(async {
            let addresses = (mail.from.parse(), mail.to.parse());
            let (Ok(from), Ok(to)) = addresses else {
                return MailAnswer::Refused("an address is not valid".to_owned());
            };
            let Ok(envelope) = Envelope::new(Some(from), vec![to]) else {
                return MailAnswer::Refused("an address is not valid".to_owned());
            };
            match tokio::time::timeout(TIMEOUT, self.0.send_raw(&envelope, &mail.raw)).await {
                Ok(Ok(_)) => MailAnswer::Accepted,
                Ok(Err(err)) => answer_of(&err),
                Err(_) => MailAnswer::Busy(format!("the server has not answered within {} s", TIMEOUT.as_secs())),
            }
        })
    }
}

fn answer_of(err: &smtp::Error) -> MailAnswer {
    let cause = err.to_string();
    match err.is_permanent() {
        // RFC 3463: the status 5.1.x is about the address of the recipient.
        true if cause.contains("5.1.") => MailAnswer::Bounced(cause),
        true => MailAnswer::Refused(cause),
        false => MailAnswer::Busy(cause),
    }
}
