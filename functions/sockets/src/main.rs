//! The Lambda function of the WebSocket API, which also reads the table's stream.

use std::convert::Infallible;

use lambda_runtime::{LambdaEvent, service_fn};
use shared::lambda::invocation;
use sockets::Incoming;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = shared::lambda::sockets_app()?;
    let handler = service_fn(move |event: LambdaEvent<Incoming>| {
        let app = app.clone();
        let span = invocation::span(&event.context);
        async move { Ok::<_, Infallible>(sockets::handle(&app, event.payload).await) }.instrument(span)
    });
    lambda_runtime::run_concurrent(handler).await
}
