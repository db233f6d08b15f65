//! The Lambda function that a schedule calls every minute.

use expiry::SweepReport;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use shared::error::Error;
use shared::http::App;
use shared::lambda::invocation;
use tracing::Instrument;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = &shared::lambda::schedule_app()?;
    let swept = async |event: LambdaEvent<IgnoredAny>| {
        run(app).instrument(invocation::span(&event.context)).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(swept)).await
}

async fn run(app: &App) -> Result<SweepReport, Error> {
    let swept = expiry::handle(app).await?;
    if expiry::reports_pending(app.clock.now()) {
        expiry::report_pending(app).await?;
    }
    Ok(swept)
}
