//! The Lambda function on the queue of notifications.

use std::convert::Infallible;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use shared::lambda::invocation;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = shared::lambda::notification_app().await?;
    let handler = service_fn(move |event: LambdaEvent<SqsEvent>| {
        let app = app.clone();
        let span = invocation::span(&event.context);
        async move { Ok::<_, Infallible>(notify::handle(&app, event.payload).await) }.instrument(span)
    });
    lambda_runtime::run_concurrent(handler).await
}
