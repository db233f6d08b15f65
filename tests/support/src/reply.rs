//! Responses, with their cost and assertions on them.

use std::time::Duration;

use axum::response::Response;
use serde_json::Value;
use shared::json::parse_lossy;
use shared::telemetry::cost::CostTotals;

const COST: &str = "x-test-cost";
const CPU: &str = "x-test-cpu-ns";

/// The cost of a request: DynamoDB calls, round trips, capacity units, and calls of S3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    pub calls: u32,
    pub round_trips: u32,
    pub read_units: f64,
    pub write_units: f64,
    pub blob_calls: u32,
}

impl Cost {
    pub fn units(&self) -> f64 {
        self.read_units + self.write_units
    }
}

pub(crate) fn with_cost_headers(mut response: Response, cpu: Duration) -> Response {
    if let Some(CostTotals { calls, round_trips, read_units, write_units, blob_calls }) = response.extensions().get() {
        let text = format!("{calls} {round_trips} {read_units} {write_units} {blob_calls}");
        response.headers_mut().insert(COST, text.parse().expect("a header"));
    }
    response.headers_mut().insert(CPU, (cpu.as_nanos() as u64).into());
    response
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Sends the request and reads its response.
    pub async fn fetch(request: reqwest::RequestBuilder) -> Self {
        Self::try_fetch(request).await.expect("the service responds")
    }

    /// Sends the request; `None` when the connection fails.
    pub async fn try_fetch(request: reqwest::RequestBuilder) -> Option<Self> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Self { status, headers, bytes: response.bytes().await.ok()?.to_vec() })
    }

    pub fn json(&self) -> Value {
        parse_lossy(&self.text()).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The HTML of a page on one line, without the whitespace around its tags.
    pub fn markup(&self) -> String {
        let line = self.text().split_whitespace().collect::<Vec<_>>().join(" ");
        line.replace("> ", ">").replace(" >", ">").replace(" <", "<")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The token of the session cookie that this response sets.
    #[track_caller]
    pub fn session_token(&self) -> &str {
        self.header("set-cookie").split(['=', ';']).nth(1).expect("a session cookie")
    }

    /// The DynamoDB calls and round trips of a call that succeeded or redirects.
    #[track_caller]
    pub fn calls_and_round_trips(&self) -> (u32, u32) {
        assert!(self.status < 400, "{}", self.text());
        let Cost { calls, round_trips, .. } = self.cost();
        (calls, round_trips)
    }

    /// Asserts the status; returns the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        parse_lossy(&self.text()).unwrap_or(Value::Null)
    }

    /// Asserts an error's status, its code and the members of its body.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["statusCode"], status, "{body}");
        assert_eq!(body["code"], code, "{body}");
        for part in ["message", "path", "timestamp", "requestId"] {
            assert!(body[part].as_str().is_some_and(|text| !text.is_empty()), "{part} is missing: {body}");
        }
        assert_eq!(body["errors"].is_array(), status == 400, "only a 400 has errors: {body}");
        body
    }

    /// Asserts a validation error; returns the paths of its fields, joined with dots.
    #[track_caller]
    pub fn expect_invalid(&self) -> Vec<String> {
        let body = self.expect_error(400, "validation_failed");
        let segment = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
        let path = |error: &Value| error["path"].as_array().unwrap().iter().map(segment).collect::<Vec<_>>().join(".");
        body["errors"].as_array().unwrap().iter().map(path).collect()
    }

    /// Whether the cost is known, which it is when the service runs in this process.
    pub fn has_cost(&self) -> bool {
        self.headers.contains_key(COST)
    }

    pub fn cost(&self) -> Cost {
        let parts: Vec<&str> = self.header(COST).split(' ').collect();
        let [calls, round_trips, read_units, write_units, blob_calls] = parts[..] else {
            panic!("no cost in {:?}", self.headers)
        };
        let number = |text: &str| text.parse().expect("a number");
        let units = |text: &str| text.parse().expect("units");
        Cost {
            calls: number(calls),
            round_trips: number(round_trips),
            read_units: units(read_units),
            write_units: units(write_units),
            blob_calls: number(blob_calls),
        }
    }

    /// The CPU time of the handler's task.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.header(CPU).parse().expect("a number"))
    }
}
