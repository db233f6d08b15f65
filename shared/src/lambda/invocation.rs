//! The ids by which the log lines of one invocation are found in the records of Lambda, API Gateway and X-Ray.

use http::Request;
use lambda_http::Context;
use lambda_http::request::RequestContext;
use tracing::Span;
use tracing::field::Empty;

use crate::models::SourceAddress;

/// The span of an invocation. Every log line in it has its ids.
pub fn span(context: &Context) -> Span {
    tracing::info_span!(
        "invocation",
        lambda_request_id = context.request_id,
        trace_id = context.xray_trace_id,
        gateway_request_id = Empty,
    )
}

/// The span of an invocation by API Gateway, as `lambda_http` hands over its request.
pub(super) fn span_of_request<B>(request: &Request<B>) -> Span {
    let Some(context) = request.extensions().get::<Context>() else { return Span::none() };
    let span = span(context);
    if let Some(RequestContext::ApiGatewayV2(gateway)) = request.extensions().get() {
        span.record("gateway_request_id", gateway.request_id.as_deref());
    }
    span
}

/// The address that the gateway saw.
pub(super) fn source_of<B>(request: &Request<B>) -> Option<SourceAddress> {
    let RequestContext::ApiGatewayV2(gateway) = request.extensions().get()? else { return None };
    gateway.http.source_ip.as_deref()?.parse().ok().map(SourceAddress)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_of_an_invocation_has_the_ids_of_gateway_lambda_and_trace() {
        let mut context = Context::default();
        context.request_id = "of-lambda".into();
        context.xray_trace_id = Some("Root=1-2".into());
        let gateway: Value = json!({ "requestId": "of-gateway", "stage": "$default", "http": { "method": "GET", "sourceIp": "192.0.2.1" } });
        let gateway = RequestContext::ApiGatewayV2(serde_json::from_value(gateway).unwrap());
        let request = Request::builder().extension(context).extension(gateway).body(()).unwrap();

        assert_eq!(source_of(&request), Some(SourceAddress([192, 0, 2, 1].into())));
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = crate::telemetry::logging::json_lines(move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            span_of_request(&request).in_scope(|| tracing::info!(status = 200, "request"));
        });
        let line: Value = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        let expected = json!({
            "name": "invocation", "lambda_request_id": "of-lambda", "trace_id": "Root=1-2",
            "gateway_request_id": "of-gateway",
        });
        assert_eq!((&line["span"], &line["message"]), (&expected, &json!("request")));
        assert_eq!(line.get("spans"), None);
    }
}
