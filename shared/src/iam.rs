//! IAM permissions. Each function's crate lists its own as `PERMISSIONS`. A test compares
//! infra/template.yaml with the lists, and every HTTP test enforces them on the code.

use std::fmt;

/// One IAM action and its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    Table(&'static str),
    Index(&'static str, &'static str),
    /// The bucket itself. Without `s3:ListBucket`, S3 answers 403 instead of 404 for a missing object.
    Bucket(&'static str),
    Objects(&'static str),
    Queue(&'static str),
    /// The dead-letter queue of deliveries.
    DeadLetters(&'static str),
    /// The queue of notifications.
    Notifications(&'static str),
    /// The dead-letter queue of notifications.
    FailedNotifications(&'static str),
    /// The identity that e-mails are sent from, and its configuration set. The operation SendEmail of SES v2 needs
    /// `ses:SendRawEmail` for MIME.
    Mail(&'static str),
    /// The parameter with the deployment's secrets.
    Secrets(&'static str),
    /// The connections of the WebSocket API.
    Sockets(&'static str),
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(action) => write!(f, "{action} on the table"),
            Self::Index(action, index) => write!(f, "{action} on the index {index}"),
            Self::Bucket(action) => write!(f, "{action} on the bucket"),
            Self::Objects(action) => write!(f, "{action} on the bucket's objects"),
            Self::Queue(action) => write!(f, "{action} on the queue"),
            Self::DeadLetters(action) => write!(f, "{action} on the dead-letter queue"),
            Self::Notifications(action) => write!(f, "{action} on the queue of notifications"),
            Self::FailedNotifications(action) => write!(f, "{action} on the dead-letter queue of notifications"),
            Self::Sockets(action) => write!(f, "{action} on the connections of the WebSocket API"),
            Self::Mail(action) => write!(f, "{action} on the identity of e-mails"),
            Self::Secrets(action) => write!(f, "{action} on the deployment's secrets"),
        }
    }
}
