//! The Lambda function of this route group: its router on the Lambda runtime.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::lambda::run(mcp::router()).await
}
