//! The Lambda function that a schedule calls every minute.

use expiry::SweepReport;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use shared::clock::Timestamp;
use shared::error::Error;
use shared::http::App;
use shared::lambda::invocation;
use tracing::Instrument;

/// An event of EventBridge.
#[derive(Deserialize)]
struct ScheduledEvent {
    /// When the schedule was due. Absent if a person invokes the function.
    time: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = &shared::lambda::schedule_app()?;
    let swept = async |event: LambdaEvent<ScheduledEvent>| {
        let scheduled = event.payload.time.as_deref().and_then(Timestamp::parse);
        run(app, scheduled).instrument(invocation::span(&event.context)).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(swept)).await
}

async fn run(app: &App, scheduled: Option<Timestamp>) -> Result<SweepReport, Error> {
    let swept = expiry::handle_scheduled(app, scheduled).await?;
    if expiry::reports_pending(app.clock.now()) {
        expiry::report_pending(app).await?;
    }
    Ok(swept)
}
