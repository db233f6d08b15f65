//! The connections of an API Gateway WebSocket API: frames to clients, and the end of a connection.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use bytes::Bytes;
use http::header::HOST;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::aws::Connection;
use crate::aws::signed_request::{self, Unsigned};
use crate::error::Error;

const SERVICE: &str = "execute-api";
/// The time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The pauses between attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(300)];

/// Whether a client is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Sent,
    /// The connection has ended, or is not established yet.
    Gone,
}

/// The management endpoint of the WebSocket API. Clones share their connections.
#[derive(Clone)]
pub struct SocketGateway(Arc<Inner>);

struct Inner {
    connection: Connection,
    region: String,
    endpoint: String,
}

impl SocketGateway {
    /// The API at `endpoint`, which ends with its stage.
    pub fn new(connection: Connection, region: &str, endpoint: &str) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Self(Arc::new(Inner { connection, region: region.to_owned(), endpoint }))
    }

    /// Sends a frame to a client.
    pub async fn send(&self, id: &str, frame: &str) -> Result<Reached, Error> {
        self.call(Method::POST, id, frame).await
    }

    /// Ends a connection.
    pub async fn disconnect(&self, id: &str) -> Result<Reached, Error> {
        self.call(Method::DELETE, id, "").await
    }

    /// Repeats only what the gateway has throttled: after any other failure the frame may be on its way, and no frame is
    /// sent twice.
    async fn call(&self, method: Method, id: &str, body: &str) -> Result<Reached, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let attempt = tokio::time::timeout(TIMEOUT, self.attempt(&method, id, body)).await;
            let (status, answer) = attempt.map_err(BoxError::from).flatten().map_err(unreachable)?;
            match status {
                status if status.is_success() => return Ok(Reached::Sent),
                StatusCode::GONE => return Ok(Reached::Gone),
                StatusCode::TOO_MANY_REQUESTS if let Some(pause) = pauses.next() => tokio::time::sleep(pause).await,
                status => return Err(unreachable(format!("{status}: {}", String::from_utf8_lossy(&answer)))),
            }
        }
    }

    async fn attempt(&self, method: &Method, id: &str, body: &str) -> Result<(StatusCode, Bytes), BoxError> {
        let Inner { connection, region, endpoint } = &*self.0;
        let url = format!("{endpoint}/@connections/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
        let headers = [(HOST.as_str(), signed_request::host(&url))];
        let request = Unsigned {
            service: SERVICE,
            region,
            method: method.clone(),
            url: &url,
            headers: &headers,
            body: body.to_owned(),
        };
        signed_request::send(connection, request).await
    }
}

fn unreachable(cause: impl Display) -> Error {
    Error::unavailable(format!("the WebSocket API cannot be reached: {cause}"))
}
