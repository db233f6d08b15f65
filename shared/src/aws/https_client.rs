//! The SDK's HTTPS client: HTTP/1.1 on hyper, one pool of connections for all engines.
//! `aws-smithy-http-client` also links HTTP/2, which no engine speaks to it
//! (docs/decisions/2026-11-29-sdk-http-client.md).

use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{self, CaptureConnection, HttpInfo, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::time::error::Elapsed;
use tower::Service;

use crate::outbound::tls_config;

type Pool = Client<TimedConnector, SdkBody>;

/// The client; clones share its connections.
#[derive(Clone, Debug)]
pub(super) struct HttpsClient {
    pool: Pool,
}

impl HttpsClient {
    /// One that trusts these roots. `connect_timeout` limits the time for TCP and TLS together.
    pub(super) fn new(roots: impl Iterator<Item = CertificateDer<'static>>, connect_timeout: Duration) -> Self {
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls_config(roots)).https_or_http().enable_http1();
        let connector = TimedConnector { https: https.wrap_connector(tcp), timeout: connect_timeout };
        Self { pool: Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector) }
    }

    /// Sends a request outside of the SDK.
    pub(super) async fn send(&self, request: Request<SdkBody>) -> Result<Response<Incoming>, legacy::Error> {
        self.pool.request(request).await
    }
}

impl HttpClient for HttpsClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(TimedPool { pool: self.pool.clone(), read_timeout: settings.read_timeout() })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some(Cow::Borrowed("1.x"))))
    }
}

/// The pool with the time limit of one operation.
#[derive(Debug)]
struct TimedPool {
    pool: Pool,
    /// The time for a request until the head of its response.
    read_timeout: Option<Duration>,
}

impl HttpConnector for TimedPool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(err) => return HttpConnectorFuture::ready(Err(ConnectorError::user(err.into()))),
        };
        capture(&mut request);
        let (sent, read_timeout) = (self.pool.request(request), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let response = match read_timeout {
                Some(timeout) => tokio::time::timeout(timeout, sent).await.map_err(BoxError::from),
                None => Ok(sent.await),
            };
            response.and_then(|response| Ok(response?)).map_err(connector_error).and_then(sdk_response)
        })
    }
}

/// Lets the SDK close the connection of a request that failed, so that its retry takes another.
fn capture(request: &mut Request<SdkBody>) {
    let connection = capture_connection(request);
    if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
        capture.set_connection_retriever(move || metadata(&connection));
    }
}

fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let mut extensions = http::Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extensions);
    let addresses = extensions.get::<HttpInfo>();
    let connection = connection.clone();
    let mut metadata = ConnectionMetadata::builder().proxied(false).poison_fn(move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    });
    metadata.set_local_addr(addresses.map(HttpInfo::local_addr));
    metadata.set_remote_addr(addresses.map(HttpInfo::remote_addr));
    Some(metadata.build())
}

fn sdk_response(response: Response<Incoming>) -> Result<HttpResponse, ConnectorError> {
    let response = response.map(SdkBody::from_body_1_x);
    HttpResponse::try_from(response).map_err(|err| ConnectorError::other(err.into(), None))
}

/// Classifies an error, by which the SDK decides on a retry.
fn connector_error(err: BoxError) -> ConnectorError {
    let cause = err.as_ref();
    if source::<Elapsed>(cause).is_some() {
        return ConnectorError::timeout(err);
    }
    if let Some(hyper) = source::<hyper::Error>(cause) {
        return match hyper {
            hyper if hyper.is_timeout() => ConnectorError::timeout(err),
            hyper if hyper.is_user() => ConnectorError::user(err),
            hyper if hyper.is_closed() || hyper.is_canceled() || source::<io::Error>(hyper).is_some() => {
                ConnectorError::io(err)
            }
            // The engine closed a connection that was idle.
            hyper if hyper.is_incomplete_message() => ConnectorError::other(err, Some(ErrorKind::TransientError)),
            _ => ConnectorError::other(err, None),
        };
    }
    let is_connect = source::<legacy::Error>(cause).is_some_and(legacy::Error::is_connect);
    if is_connect || source::<io::Error>(cause).is_some() {
        return ConnectorError::io(err);
    }
    ConnectorError::other(err, None)
}

/// The first error of this type among an error and its causes.
fn source<'a, E: Error + 'static>(err: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(err), |&err| err.source()).find_map(|err| err.downcast_ref())
}

/// Connects within a time limit.
#[derive(Clone, Debug)]
struct TimedConnector {
    https: HttpsConnector<connect::HttpConnector>,
    timeout: Duration,
}

impl Service<Uri> for TimedConnector {
    type Response = <HttpsConnector<connect::HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = tokio::time::timeout(self.timeout, self.https.call(uri));
        Box::pin(async move { connected.await? })
    }
}
