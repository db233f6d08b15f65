//! The Lambda function on the table's stream.

use std::convert::Infallible;

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{LambdaEvent, service_fn};
use shared::lambda::invocation;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = shared::lambda::queue_app()?;
    let handler = service_fn(move |event: LambdaEvent<Event>| {
        let app = app.clone();
        let span = invocation::span(&event.context);
        async move { Ok::<_, Infallible>(events::handle(&app, event.payload).await) }.instrument(span)
    });
    lambda_runtime::run_concurrent(handler).await
}
