//! How a conditional write ended.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::retry::{MAX_ATTEMPTS, pause};
use crate::value::{Item, from_item};

/// How a conditional write ended.
///
/// Of an update, `T` is the item after it and `R` the item that its condition did not hold for
/// (`None` when there is none). Of a [`Transaction`](crate::Transaction), `R` is the label of the
/// first write whose condition did not hold.
#[must_use]
#[derive(Debug)]
pub enum Conditional<T, R = Option<T>> {
    /// The condition held, and the write was made.
    Applied(T),
    /// The condition did not hold, and nothing was written.
    Refused(R),
}

impl<T, R> Conditional<T, R> {
    /// Whether the write was made.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    /// What was written, or the error that a refusal means.
    pub fn or_else<E>(self, refused: impl FnOnce(R) -> E) -> Result<T, E> {
        match self {
            Self::Applied(applied) => Ok(applied),
            Self::Refused(by) => Err(refused(by)),
        }
    }
}

impl<T> Conditional<T> {
    /// The item as it is now, whether it was written or not; `None` when there is none.
    pub fn into_item(self) -> Option<T> {
        match self {
            Self::Applied(item) => Some(item),
            Self::Refused(item) => item,
        }
    }
}

impl Conditional<Item> {
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<Conditional<T>, Error> {
        Ok(match self {
            Self::Applied(item) => Conditional::Applied(from_item(item)?),
            Self::Refused(item) => Conditional::Refused(item.map(from_item).transpose()?),
        })
    }
}

/// The item for which a condition did not hold, as far as the error has it.
pub(crate) struct RefusedBy(pub(crate) Option<Item>);

/// Sends a write of one item, again while a transaction holds the item. `refused` recognises the
/// error of a failed condition.
pub(crate) async fn send<O, E, F>(
    request: impl Fn() -> F,
    refused: impl Fn(&E) -> Option<RefusedBy>,
) -> Result<Conditional<O, Option<Item>>, Error>
where
    F: Future<Output = Result<O, SdkError<E>>>,
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    for attempt in 0..MAX_ATTEMPTS {
        match request().await {
            Ok(output) => return Ok(Conditional::Applied(output)),
            Err(err) if err.code() == Some("TransactionConflictException") => pause(attempt).await,
            Err(err) => match err.as_service_error().and_then(&refused) {
                Some(RefusedBy(item)) => return Ok(Conditional::Refused(item)),
                None => return Err(Error::sdk(err)),
            },
        }
    }
    Err(Error::unavailable("a write kept meeting transactions on its item"))
}
