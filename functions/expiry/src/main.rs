//! The Lambda function that a schedule calls every minute.

use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use shared::lambda::invocation;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = &shared::lambda::schedule_app()?;
    let swept = async |event: LambdaEvent<IgnoredAny>| {
        let swept = expiry::handle(app).instrument(invocation::span(&event.context)).await;
        swept.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(swept)).await
}
