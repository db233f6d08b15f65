//! Storage faults: a proxy in front of a real engine returns errors and throttling, drops connections
//! before or after the engine has handled the request, or delays responses. Faults are random, or
//! affect every request of one kind.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use shared::aws::Clients;
use shared::http::App;

use crate::deployment::secrets;
use crate::rng;
use crate::world::World;

/// What the proxy does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// An internal error; the engine does not receive the request.
    Error,
    /// A throttling error; the engine does not receive the request.
    Throttled,
    /// The connection drops; the engine does not receive the request.
    LostRequest,
    /// The engine handles the request, and the connection drops before its response.
    LostReply,
    /// The response is delayed by `DELAY`.
    Slow,
}

const FAULTS: [Fault; 5] = [Fault::Error, Fault::Throttled, Fault::LostRequest, Fault::LostReply, Fault::Slow];
/// The delay of a [`Fault::Slow`] response.
const DELAY: Duration = Duration::from_secs(2);

/// A second service on a world's storage, with a faulty proxy in front of each engine.
pub struct FaultyService {
    pub url: String,
    pub dynamodb: FaultyProxy,
    pub s3: FaultyProxy,
}

impl FaultyService {
    /// One in `one_in` requests fails while random faults are on.
    pub async fn serve(world: &World, one_in: usize) -> Self {
        let mut endpoints = world.endpoints_over_tcp().await;
        let dynamodb = FaultyProxy::start(&endpoints.dynamodb, one_in).await;
        let s3 = FaultyProxy::start(&endpoints.s3, one_in).await;
        (endpoints.dynamodb, endpoints.s3) = (dynamodb.url.clone(), s3.url.clone());
        let (clock, waits) = (world.app.clock.clone(), world.app.long_polls.clone());
        let clients = Clients::at(&endpoints).await;
        let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secrets());
        Self { url: world.serve_also(placet_local::routes(), app).await, dynamodb, s3 }
    }

    pub fn inject_random_faults(&self, yes: bool) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.inject_random_faults(yes));
    }

    pub fn clear_fault(&self) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.set_fault(None));
    }
}

/// A proxy in front of one engine, which runs until the test's runtime ends.
#[derive(Clone)]
pub struct FaultyProxy {
    pub url: String,
    plan: Arc<FaultPlan>,
}

struct FaultPlan {
    engine: String,
    random_faults: AtomicBool,
    /// A text in the head of requests, and the fault of each such request.
    targeted_fault: Mutex<Option<(&'static str, Fault)>>,
    fail_all: AtomicBool,
    /// The updates whose first reply was dropped; `None` while no replies are dropped.
    dropped_replies: Mutex<Option<HashSet<Vec<u8>>>>,
    rng: Mutex<fastrand::Rng>,
    /// One in `one_in` requests meets a random fault.
    one_in: usize,
    fault_counts: Mutex<BTreeMap<Fault, usize>>,
}

impl FaultyProxy {
    /// Starts a proxy for the engine at this `http://` URL, without faults at first.
    pub async fn start(engine: &str, one_in: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let plan = Arc::new(FaultPlan {
            engine: engine.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            random_faults: AtomicBool::new(false),
            targeted_fault: Mutex::default(),
            fail_all: AtomicBool::new(false),
            dropped_replies: Mutex::default(),
            rng: Mutex::new(rng::from_env()),
            one_in,
            fault_counts: Mutex::default(),
        });
        let serving = plan.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let plan = serving.clone();
                // Errors are expected: the proxy drops connections on purpose.
                tokio::spawn(async move { plan.serve(client).await.ok() });
            }
        });
        Self { url, plan }
    }

    pub fn inject_random_faults(&self, yes: bool) {
        self.plan.random_faults.store(yes, Ordering::SeqCst);
    }

    /// From now on every request with this text in its lower-cased head meets the fault.
    pub fn set_fault(&self, target: Option<(&'static str, Fault)>) {
        *self.plan.targeted_fault.lock().expect("the lock is not poisoned") = target;
    }

    /// Answers every request with an error while `yes`.
    pub fn fail_all(&self, yes: bool) {
        self.plan.fail_all.store(yes, Ordering::SeqCst);
    }

    /// From now on drops the first reply to each UpdateItem, which the SDK then retries.
    pub fn drop_first_update_replies(&self) {
        *self.plan.dropped_replies.lock().expect("the lock is not poisoned") = Some(HashSet::new());
    }

    /// The number of occurrences of each fault.
    pub fn fault_counts(&self) -> BTreeMap<Fault, usize> {
        self.plan.fault_counts.lock().expect("the lock is not poisoned").clone()
    }
}

impl FaultPlan {
    fn fault(&self, request: &[u8]) -> Option<Fault> {
        if let Some((text, fault)) = *self.targeted_fault.lock().expect("the lock is not poisoned") {
            let end = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(request.len());
            return String::from_utf8_lossy(&request[..end]).to_lowercase().contains(text).then_some(fault);
        }
        let fault = if self.fail_all.load(Ordering::SeqCst) {
            Fault::Error
        } else if self.is_first_attempt_of_update(request) {
            Fault::LostReply
        } else if self.random_faults.load(Ordering::SeqCst) {
            let mut rng = self.rng.lock().expect("the lock is not poisoned");
            (rng.usize(..self.one_in) == 0).then(|| *rng.choice(&FAULTS).unwrap())?
        } else {
            return None;
        };
        *self.fault_counts.lock().expect("the lock is not poisoned").entry(fault).or_default() += 1;
        Some(fault)
    }

    fn is_first_attempt_of_update(&self, request: &[u8]) -> bool {
        let mut dropped_replies = self.dropped_replies.lock().expect("the lock is not poisoned");
        let Some(lost) = dropped_replies.as_mut().filter(|_| is_operation(request, "updateitem")) else { return false };
        let body = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or_default();
        lost.insert(request[body..].to_vec())
    }

    /// Serves one request on one connection. The client sees a dropped connection as broken.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = read_request(&mut client).await?;
        match self.fault(&request) {
            Some(Fault::LostRequest) => return Ok(()),
            Some(Fault::Error) => return client.write_all(error_response(&request, false).as_bytes()).await,
            Some(Fault::Throttled) => return client.write_all(error_response(&request, true).as_bytes()).await,
            Some(Fault::LostReply) => return forward(&self.engine, &request).await.map(drop),
            Some(Fault::Slow) => tokio::time::sleep(DELAY).await,
            None => {}
        }
        let reply = forward(&self.engine, &request).await?;
        client.write_all(&reply).await?;
        client.shutdown().await
    }
}

/// The response of the engine at this address, byte by byte. `Connection: close` is added: no signature covers it.
pub(crate) async fn forward(engine: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut engine = TcpStream::connect(engine).await?;
    let line = request.windows(2).position(|it| it == b"\r\n").map_or(0, |at| at + 2);
    engine.write_all(&request[..line]).await?;
    engine.write_all(b"Connection: close\r\n").await?;
    engine.write_all(&request[line..]).await?;
    let mut reply = vec![];
    engine.read_to_end(&mut reply).await?;
    Ok(reply)
}

/// Reads a request with its body; the SDK always sends `Content-Length`.
pub(crate) async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (mut read, mut expected) = (vec![], None);
    while expected.is_none_or(|expected| read.len() < expected) {
        if client.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if expected.is_none()
            && let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            expected = Some(end + 4 + length.unwrap_or(0));
        }
    }
    Ok(read)
}

/// Whether the request is this DynamoDB operation; an empty name matches any.
fn is_operation(request: &[u8], operation: &str) -> bool {
    let target = String::from_utf8_lossy(request).to_lowercase();
    let after = target.split_once("x-amz-target: dynamodb_20120810.").map(|(_, after)| after);
    after.is_some_and(|after| after.starts_with(operation))
}

/// The error response of DynamoDB or S3.
fn error_response(request: &[u8], throttled: bool) -> String {
    let dynamodb = is_operation(request, "");
    let (status, kind, body) = match (dynamodb, throttled) {
        (true, true) => (
            "400 Bad Request",
            "application/x-amz-json-1.0",
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"throttled"}"#,
        ),
        (true, false) => (
            "500 Internal Server Error",
            "application/x-amz-json-1.0",
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"broken"}"#,
        ),
        (false, true) => {
            ("503 Slow Down", "application/xml", "<Error><Code>SlowDown</Code><Message>throttled</Message></Error>")
        }
        (false, false) => (
            "500 Internal Server Error",
            "application/xml",
            "<Error><Code>InternalError</Code><Message>broken</Message></Error>",
        ),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
