//! The Lambda function of this route group: its router on the Lambda runtime.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let plugins = plugins::Plugins::deployed(shared::config::plugins_directory().as_deref())?;
    shared::lambda::run(mcp::router_of(&plugins)).await
}
