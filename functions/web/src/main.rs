//! The Lambda function of this route group: its router on the Lambda runtime.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run_concurrent(shared::app::lambda(web::router())?).await
}
