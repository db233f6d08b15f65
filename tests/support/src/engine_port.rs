//! The embedded engines on a loopback port, for other processes and for connections that can break.

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{StatusCode, Uri};
use placet_local::engines::in_process::InProcess;

use crate::deployment;

/// Serves all three engines until the test's runtime ends; returns their URL.
pub async fn serve(engines: InProcess) -> String {
    deployment::listen(Router::new().fallback(move |request| forward(engines.clone(), request))).await
}

async fn forward(engines: InProcess, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // The signature covers this host.
    let host = parts.headers[HOST].to_str().expect("a host").to_owned();
    let path = parts.uri.path_and_query().expect("a path").as_str();
    parts.uri = Uri::builder().scheme("http").authority(host).path_and_query(path).build().expect("a URI");
    // A body that ends early means that the connection broke.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let request = http::Request::from_parts(parts, SdkBody::from(body));
    let answer = engines.call(request.try_into().expect("a request")).await.expect("the engines respond");
    answer.try_into_http1x().expect("a response").map(Body::new)
}
