//! What a function may do in AWS. Each function's crate lists its own as `PERMISSIONS`; a test holds
//! infra/template.yaml against the lists, and every test holds the code against them.

use std::fmt;

/// One IAM action, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    Table(&'static str),
    Index(&'static str, &'static str),
    /// The bucket itself. Who may not list it is told "forbidden" of an object that is not there.
    Bucket(&'static str),
    Objects(&'static str),
    Queue(&'static str),
    /// The dead-letter queue of deliveries.
    DeadLetters(&'static str),
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
        }
    }
}
