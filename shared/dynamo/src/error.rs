//! What a failed call to DynamoDB means to the caller.

use std::fmt::Display;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::error::display::DisplayErrorContext;

use crate::version::VERSION;

/// Error codes of requests that no repeat can make valid.
const INVALID: [&str; 3] =
    ["ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException"];

/// A failed call. The text is the cause, for logs only.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB is busy, throttles, or cannot be reached: a repeat may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The request was invalid, or an item does not have the expected shape: a repeat fails too.
    #[error("{0}")]
    Internal(String),
    /// An item, or the table, is of a schema version that this code does not know: only newer code
    /// reads it.
    #[error("stored data has schema version {found}; this code knows versions up to {VERSION}")]
    Newer {
        /// The version that was found.
        found: u32,
    },
}

/// [`Error::Newer`] for a schema version that this code does not know.
pub fn check_version(version: u32) -> Result<(), Error> {
    if version > VERSION { Err(Error::Newer { found: version }) } else { Ok(()) }
}

impl Error {
    pub(crate) fn internal(cause: impl Display) -> Self {
        Self::Internal(cause.to_string())
    }

    pub(crate) fn unavailable(cause: impl Display) -> Self {
        Self::Unavailable(cause.to_string())
    }

    /// The meaning of an SDK error that the caller has not handled itself.
    pub(crate) fn sdk<E>(err: SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let is_invalid = err.code().is_some_and(|code| INVALID.contains(&code));
        let cause = DisplayErrorContext(&err).to_string();
        if is_invalid { Self::Internal(cause) } else { Self::Unavailable(cause) }
    }
}
