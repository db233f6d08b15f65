//! Signed requests to services whose SDK would take longer to compile than the rest of a function.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;

use crate::aws::Connection;

/// A request before it is signed.
pub(super) struct Unsigned<'a> {
    pub service: &'static str,
    pub region: &'a str,
    pub method: Method,
    pub url: &'a str,
    /// With `host`.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: String,
}

/// Signs a request with the function's credentials, sends it, and reads the response.
pub(super) async fn send(connection: &Connection, request: Unsigned<'_>) -> Result<(StatusCode, Bytes), BoxError> {
    let credentials = connection.credentials.provide_credentials().await?;
    let response = connection.https.send(signed(credentials, request)?).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn signed(credentials: Credentials, request: Unsigned<'_>) -> Result<Request<SdkBody>, BoxError> {
    let Unsigned { service, region, method, url, headers, body } = request;
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let bytes = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new(method.as_str(), url, headers.iter().copied(), bytes)?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let request = Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut request = request.body(SdkBody::from(body))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// The endpoint of a service in a region.
pub(super) fn endpoint(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{domain}")
}

/// The host of a URL, as its header names it.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}
