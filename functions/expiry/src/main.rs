//! The Lambda function that a schedule calls every minute.

use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let app = &shared::lambda::schedule_app()?;
    let swept = async |_: LambdaEvent<IgnoredAny>| expiry::handle(app).await.map_err(lambda_runtime::Error::from);
    lambda_runtime::run(service_fn(swept)).await
}
