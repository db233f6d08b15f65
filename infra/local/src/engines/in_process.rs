//! An HTTP client for the AWS SDK that opens no connection: it passes each request to the embedded
//! engine that speaks its protocol. The SDK stays the only path to storage, and no other process can
//! reach the engines.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::header::{HOST, HeaderValue};
use http::{Method, Request};
use http_body_util::BodyExt;
use s3s::service::S3Service;
use tokio::task::JoinSet;

use super::dynamodb::DynamoDb;
use crate::sqs::Service;

/// The endpoint of DynamoDB. `.invalid` never resolves (RFC 6761), so a client without the
/// in-process connector fails.
pub const DYNAMODB_URL: &str = "http://dynamodb.invalid";
/// The endpoint of SQS.
pub const SQS_URL: &str = "http://sqs.invalid";

/// The engines of this process, as an HTTP client.
#[derive(Clone)]
pub struct InProcess {
    pub dynamodb: DynamoDb,
    pub sqs: Service,
    pub s3: S3Service,
}

impl InProcess {
    /// Routes by the operation header of DynamoDB and SQS. S3 requests have none. What a message or an object follows from
    /// is on the disk before it.
    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, BoxError> {
        let request = request.try_into_http1x()?;
        let target = request.headers().get("x-amz-target").map(|target| target.to_str().map(str::to_owned));
        let Some(target) = target.transpose()? else { return self.answer_s3(request).await };
        let body = request.into_body().collect().await?.to_bytes();
        let response = match DynamoDb::is_target(&target) {
            true => self.dynamodb.answer(&target, body).await,
            false => {
                self.dynamodb.sync().await?;
                self.sqs.answer(&target, &body).await
            }
        };
        Ok(response.map(SdkBody::from).try_into()?)
    }

    /// Adds the `Host` header, which the signature covers and a connection would have set.
    async fn answer_s3(self, mut request: Request<SdkBody>) -> Result<HttpResponse, BoxError> {
        let host = request.uri().authority().ok_or("the request has no host")?.as_str();
        let host = HeaderValue::from_str(host)?;
        request.headers_mut().insert(HOST, host);
        let is_head = request.method() == Method::HEAD;
        if !is_head && request.method() != Method::GET {
            self.dynamodb.sync().await?;
        }
        // A separate task, as in a server, so that its CPU time does not count as its caller's. The
        // task is aborted with its caller.
        let mut task = JoinSet::new();
        task.spawn(async move { self.s3.call(request.map(s3s::Body::http_body)).await });
        let response = task.join_next().await.ok_or("the task is missing")??;
        let response = response.map_err(|err| format!("{err:?}"))?;
        // The response to a HEAD request has no body.
        let body = |body| if is_head { SdkBody::empty() } else { SdkBody::from_body_1_x(body) };
        Ok(response.map(body).try_into()?)
    }
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engines = self.clone();
        HttpConnectorFuture::new(async move {
            // As over connections, concurrent calls all start before the first one ends.
            tokio::task::yield_now().await;
            engines.answer(request).await.map_err(|err| ConnectorError::other(err, None))
        })
    }
}

impl HttpClient for InProcess {
    /// Connection timeouts do not apply; the SDK enforces the timeouts of a whole operation.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
