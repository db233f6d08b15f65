//! The way from the SDK's clients to the embedded engines: an HTTP client of the SDK that opens no
//! connection. It hands each request to the engine whose protocol it speaks, in this process, so
//! the SDK stays the one path to storage and no other process has a way to it.

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

use crate::queue::Service;
use crate::table::Table;

/// Where the table and the queues are for the SDK. `.invalid` never resolves (RFC 6761): a client
/// without the in-process connector reaches nothing.
pub const TABLE_URL: &str = "http://dynamodb.invalid";
pub const QUEUES_URL: &str = "http://sqs.invalid";

/// The engines of this process.
#[derive(Clone)]
pub struct InProcess {
    pub table: Table,
    pub queues: Service,
    pub objects: S3Service,
}

impl InProcess {
    /// DynamoDB and SQS name the operation in a header; S3 names it by method and path.
    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, BoxError> {
        let request = request.try_into_http1x()?;
        let target = request.headers().get("x-amz-target").map(|target| target.to_str().map(str::to_owned));
        let Some(target) = target.transpose()? else { return self.object(request).await };
        let body = request.into_body().collect().await?.to_bytes();
        let response = match Table::is_target(&target) {
            true => self.table.answer(&target, body).await,
            false => self.queues.answer(&target, &body).await,
        };
        Ok(response.map(SdkBody::from).try_into()?)
    }

    /// The signature covers the `Host` header, which a connection would have set.
    async fn object(self, mut request: Request<SdkBody>) -> Result<HttpResponse, BoxError> {
        let host = request.uri().authority().ok_or("a request without a host")?.as_str();
        let host = HeaderValue::from_str(host)?;
        request.headers_mut().insert(HOST, host);
        let is_head = request.method() == Method::HEAD;
        // A task of its own, as a server's: what it computes is not its caller's time. It ends
        // with its caller.
        let mut task = JoinSet::new();
        task.spawn(async move { self.objects.call(request.map(s3s::Body::http_body)).await });
        let response = task.join_next().await.ok_or("no task")??;
        let response = response.map_err(|err| format!("{err:?}"))?;
        // A connection carries no body after the head that was asked for.
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
            // As with a connection, calls side by side begin before any of them ends.
            tokio::task::yield_now().await;
            engines.answer(request).await.map_err(|err| ConnectorError::other(err, None))
        })
    }
}

impl HttpClient for InProcess {
    /// Time limits of a connection mean nothing here; those of a whole call hold.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
