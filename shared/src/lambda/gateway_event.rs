//! What API Gateway hands over of a request, in the form that `lambda_http` can turn into one.
//!
//! `lambda_http` makes a URI of `Host`, `X-Forwarded-Proto` and the query as they came, and ends the
//! process where that is none: a request that waits in the same process would end with it. API Gateway
//! sets both headers itself; other gateways and emulators pass on what a client sent. The path comes decoded, all but
//! `%25`: a `?` or `#` in it would end the path.

use http::header::HOST;
use http::{HeaderMap, HeaderValue};
use lambda_http::LambdaEvent;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::http::origin;

/// What no query of a URI has; beyond ASCII everything is encoded anyway.
const NOT_IN_QUERIES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// What no path of a URI has.
const NOT_IN_PATHS: &AsciiSet = &NOT_IN_QUERIES.add(b'?').add(b'\\').add(b'`').add(b'{').add(b'}');

/// The same request, whose headers, path and query are parts of a URI. `X-Forwarded-Proto` says what
/// [`origin::is_https`] makes of it; a `Host` that is none is left out.
pub fn readable(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        make_plain(&mut request.headers);
        if let Some(path) = &mut request.raw_path {
            *path = encoded_path(path);
        }
        if let Some(query) = &mut request.raw_query_string {
            *query = utf8_percent_encode(query, NOT_IN_QUERIES).to_string();
        }
    }
    event
}

/// The path with its reserved characters encoded. What is encoded already stays as it is.
fn encoded_path(path: &str) -> String {
    let mut parts = path.split('%');
    let mut encoded = utf8_percent_encode(parts.next().unwrap_or_default(), NOT_IN_PATHS).to_string();
    for part in parts {
        let is_escape = part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        encoded.push_str(if is_escape { "%" } else { "%25" });
        encoded.extend(utf8_percent_encode(part, NOT_IN_PATHS));
    }
    encoded
}

fn make_plain(headers: &mut HeaderMap) {
    if origin::of(headers).is_none_or(|origin| Url::parse(&origin).is_err()) {
        headers.remove(HOST);
    }
    let scheme = if origin::is_https(headers) { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
}

#[cfg(test)]
mod tests {
    use http::Request;
    use lambda_http::{Body, Context};
    use serde_json::{Value, json};

    use super::*;

    fn request(headers: &Value, query: &str) -> Option<Request<Body>> {
        request_at("/api/x", headers, query)
    }

    fn request_at(path: &str, headers: &Value, query: &str) -> Option<Request<Body>> {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "isBase64Encoded": false, "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "a.example", "requestId": "1", "routeKey": "$default",
                "stage": "$default", "timeEpoch": 0, "time": "",
                "http": { "method": "GET", "path": "/api/x", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "" },
            },
        });
        let payload: LambdaRequest = serde_json::from_value(event).ok()?;
        Some(readable(LambdaEvent::new(payload, Context::default())).payload.into())
    }

    #[test]
    fn any_header_of_a_client_leads_to_the_path_that_it_asked_for() {
        let schemes = ["https", "HTTPS, http", "http", "", " ", "a b", "x:", "1a", "javascript", "https://b.example/?"];
        for scheme in schemes {
            for host in
                ["b.example:1", "", "a b", "a<b", "[::1", "a:99999", "%zz", "a/b", "a@b", "1.2.3.999", "a?b", "é"]
            {
                let headers = json!({ "host": host, "x-forwarded-proto": scheme });
                let found = request(&headers, "");
                assert_eq!(found.as_ref().map(|it| it.uri().path()), Some("/api/x"), "{headers}");
                let is_https = found.is_some_and(|it| origin::is_https(it.headers()));
                assert_eq!(is_https, scheme.to_lowercase().split(',').next() == Some("https"), "{headers}");
            }
        }
    }

    #[test]
    fn a_host_that_is_one_is_kept_and_the_older_header_counts_without_the_newer() {
        let found = request(&json!({ "host": "b.example:1", "forwarded": "proto=https" }), "");
        assert_eq!(found.and_then(|it| origin::of(it.headers())).as_deref(), Some("https://b.example:1"));
        let none = request(&json!({ "host": "a<b" }), "");
        assert_eq!(none.map(|it| origin::of(it.headers())), Some(None));
    }

    #[test]
    fn a_decoded_path_is_the_one_that_was_asked_for() {
        for (path, expected) in [
            ("/api/a#b", "/api/a%23b"),
            ("/api/a?b=c", "/api/a%3Fb=c"),
            ("/api/100%25", "/api/100%25"),
            ("/api/a%252Fb", "/api/a%252Fb"),
            ("/api/100%", "/api/100%25"),
            ("/api/%zz%é", "/api/%25zz%25%C3%A9"),
            ("/api/a b\\c\u{0}", "/api/a%20b%5Cc%00"),
            ("/api/<\"{`}>", "/api/%3C%22%7B%60%7D%3E"),
            // Dots lead to another path of the same function, or to none of its paths.
            ("/api/a/../b/./c", "/api/b/c"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("//elsewhere.example/a", "//elsewhere.example/a"),
        ] {
            let found = request_at(path, &json!({ "host": "b.example" }), "q=1");
            let found = found.as_ref().map(Request::uri);
            assert_eq!(found.map(|uri| (uri.path(), uri.query())), Some((expected, Some("q=1"))), "{path}");
            assert_eq!(found.and_then(|uri| uri.host()), Some("b.example"), "{path}");
        }
    }

    #[test]
    fn any_query_is_one_and_what_was_encoded_stays_as_it_was() {
        for (query, expected) in [
            ("a=%22b%2Fc&d=e+f", "a=%22b%2Fc&d=e+f"),
            ("a=\"b\"", "a=%22b%22"),
            ("a=<b>#c d\u{7f}\u{0}", "a=%3Cb%3E%23c%20d%7F%00"),
            ("a=é🎉&b=%zz%", "a=%C3%A9%F0%9F%8E%89&b=%zz%"),
            ("a=^`{|}[]\\'", "a=^`{|}[]\\'"),
        ] {
            let found = request(&json!({ "host": "b.example" }), query);
            assert_eq!(found.as_ref().and_then(|it| it.uri().query()), Some(expected));
        }
    }
}
