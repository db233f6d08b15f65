//! Reading a request's body: within bounds of size, time and memory, and a large one only once its
//! sender is verified.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::FromRef;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::http::auth::{Caller, authenticate_before_rejecting};
use crate::limits::bodies::{MAX_ANONYMOUS, MAX_SMALL};
use crate::limits::turns;
use crate::storage::Store;
use crate::validation::{self, FromObject, ValidationErrors};

/// The longest between two pieces of a body.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a whole body takes.
const WHOLE: Duration = Duration::from_secs(60);

const ANONYMOUS_TOO_LARGE: &str = "A body that comes without a credential may have at most 16 KiB.";

/// Reads a body of at most `max` bytes.
pub async fn read<S>(parts: &Parts, body: Body, state: &S, max: usize, too_large: &str) -> Result<Bytes, Error>
where
    Store: FromRef<S>,
{
    let is_anonymous = parts.extensions.get::<Caller>().is_none();
    let (max, too_large) = if is_anonymous { (max.min(MAX_ANONYMOUS), ANONYMOUS_TOO_LARGE) } else { (max, too_large) };
    // A slow sender does not hold up other requests.
    turns::step_aside();
    let read = read_arriving(body, parts, state, max, too_large).await;
    turns::resume().await;
    read
}

async fn read_arriving<S>(body: Body, parts: &Parts, state: &S, max: usize, too_large: &str) -> Result<Bytes, Error>
where
    Store: FromRef<S>,
{
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > max) {
        return Err(Error::TooLarge(too_large.to_owned()));
    }
    let bodies = Store::from_ref(state).limits().bodies.clone();
    let mut arriving = IncomingBody::new(body);
    let (mut small, mut kept) = (Some(bodies.small()), BytesMut::new());
    while let Some(chunk) = arriving.next().await? {
        let size = kept.len() + chunk.len();
        if size > max {
            return Err(Error::TooLarge(too_large.to_owned()));
        }
        // Large bodies, and small ones when memory is short, are authenticated before they are read on.
        if small.as_mut().is_some_and(|small| size > MAX_SMALL || !small.grow(size)) {
            authenticate_before_rejecting(parts, state).await?;
            turns::step_aside();
            bodies.reserve(announced.unwrap_or(max)).await?;
            small = None;
        }
        kept.extend_from_slice(&chunk);
    }
    Ok(kept.freeze())
}

/// Parses a JSON body. Large ones are parsed on a blocking thread, a few at a time.
pub async fn parse<S, T>(bytes: Bytes, problems: ValidationErrors, state: &S) -> Result<T, Error>
where
    Store: FromRef<S>,
    T: FromObject + 'static,
{
    if bytes.len() <= MAX_SMALL {
        return validation::parse(&bytes, problems);
    }
    let turn = Store::from_ref(state).limits().bodies.parsing().await;
    // The turn lasts as long as the work, even if the caller has gone.
    let parsed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        validation::parse(&bytes, problems)
    });
    parsed.await.map_err(|err| Error::internal(format!("parsing ended early: {err}")))?
}

/// A body that is being received.
struct IncomingBody {
    chunks: BodyDataStream,
    until: Instant,
}

impl IncomingBody {
    fn new(body: Body) -> Self {
        Self { chunks: body.into_data_stream(), until: Instant::now() + WHOLE }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let until = self.until.min(Instant::now() + IDLE_TIMEOUT);
        let chunk = timeout_at(until, self.chunks.next()).await.map_err(|_| Error::BodyTooSlow)?;
        chunk.transpose().map_err(|_| Error::field([], "incomplete_body", "The body ended early."))
    }
}
