//! A deployed function as its own process, started and invoked by Lambda's runtime API.

mod runtime_api;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::aws::Endpoints;

use crate::deployment::SECRETS;
use crate::world::World;
use runtime_api::RuntimeApi;

/// The longest allowed start or response.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The process of a function that has asked the runtime API for work.
pub struct FunctionProcess {
    process: Child,
    runtime: RuntimeApi,
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

impl FunctionProcess {
    /// Starts the process on the world's storage, which it reaches at these endpoints, with this URL of the queue of
    /// deliveries; returns it with the time until its first request for work.
    pub async fn start(bootstrap: &Path, world: &World, endpoints: &Endpoints, queue: &str) -> (Self, Duration) {
        let mut runtime = RuntimeApi::start().await;
        let mut command = Command::new(bootstrap);
        command.env_clear().stdout(Stdio::null()).envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "function"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &endpoints.access_key),
            ("AWS_SECRET_ACCESS_KEY", &endpoints.secret_key),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
            ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
            ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
            ("PLACET_TABLE", &world.table),
            ("PLACET_BUCKET", world.bucket()),
            ("PLACET_QUEUE", queue),
            ("PLACET_DEAD_LETTERS", "http://127.0.0.1/queue-failed"),
            ("PLACET_SECRETS", SECRETS),
            ("PLACET_MAX_WAIT_MS", "28500"),
        ]);
        let began = Instant::now();
        let process = command.spawn().expect("the function's process starts");
        let requested_at = tokio::time::timeout(TIMEOUT, runtime.requests.recv()).await;
        let requested_at = requested_at.expect("the function asks for work").expect("the runtime API is running");
        (Self { process, runtime }, requested_at - began)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Invokes the function with an event; returns its response.
    pub async fn invoke(&mut self, event: Value) -> Value {
        self.runtime.events.send(event).expect("the runtime API is running");
        let answer = tokio::time::timeout(TIMEOUT, self.runtime.answers.recv()).await;
        answer.expect("the function responds").expect("the runtime API is running")
    }

    /// Sends SIGKILL, and waits until the process has ended.
    pub fn kill(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An event of the HTTP API: a request with this bearer token, and a body of this media type.
pub fn http_event(method: &str, path: &str, token: &str, body: Option<(&str, &[u8])>) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kind = body.map_or("application/json", |(kind, _)| kind);
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "authorization": format!("Bearer {token}"), "content-type": kind, "host": "it.example" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "it", "domainName": "it.example", "domainPrefix": "it",
            "requestId": "it", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000u64,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "it" },
        },
        "body": body.map(|(_, bytes)| STANDARD.encode(bytes)), "isBase64Encoded": body.is_some(),
    })
}
