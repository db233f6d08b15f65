//! Storage that misbehaves: a proxy before a real engine that, while it is told to, answers
//! errors and throttling of its own, breaks connections off before and after the engine has done
//! what was asked, and takes its time: now and then, by rng, or whenever one call is made.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use shared::app::App;
use shared::storage::Clients;

use crate::deployment::secret;
use crate::rng;
use crate::world::World;

/// How one request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// An internal error, and the engine has not heard of the request.
    Error,
    /// The engine asks for patience.
    Throttled,
    /// The connection breaks before the request has arrived.
    LostRequest,
    /// The request is done, and its answer is lost: nobody knows.
    LostReply,
    /// The answer comes two seconds late.
    Slow,
}

const FAULTS: [Fault; 5] = [Fault::Error, Fault::Throttled, Fault::LostRequest, Fault::LostReply, Fault::Slow];
const SLOW: Duration = Duration::from_secs(2);

/// A service beside a world's, on the same storage, with a proxy before each engine.
pub struct FaultyService {
    pub url: String,
    pub dynamodb: FaultyProxy,
    pub s3: FaultyProxy,
}

impl FaultyService {
    /// `one_in` so many requests meets a fault while the proxies inject_random_faults.
    pub async fn serve(world: &World, one_in: usize) -> Self {
        let mut endpoints = world.endpoints_over_tcp().await;
        let dynamodb = FaultyProxy::start(&endpoints.dynamodb, one_in).await;
        let s3 = FaultyProxy::start(&endpoints.s3, one_in).await;
        (endpoints.dynamodb, endpoints.s3) = (dynamodb.url.clone(), s3.url.clone());
        let (clock, waits) = (world.app.clock.clone(), world.app.waits.clone());
        let clients = Clients::at(&endpoints).await;
        let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secret());
        Self { url: world.serve_also(placet_local::routes(), app).await, dynamodb, s3 }
    }

    pub fn inject_random_faults(&self, yes: bool) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.inject_random_faults(yes));
    }

    pub fn clear_fault(&self) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.set_fault(None));
    }
}

/// A proxy before one engine, as long as the test's runtime runs.
#[derive(Clone)]
pub struct FaultyProxy {
    pub url: String,
    plan: Arc<FaultPlan>,
}

struct FaultPlan {
    engine: String,
    random_faults: AtomicBool,
    /// What every request of one kind meets.
    targeted_fault: Mutex<Option<(&'static str, Fault)>>,
    fail_all: AtomicBool,
    /// While updates lose their first replies: those that did.
    dropped_replies: Mutex<Option<HashSet<Vec<u8>>>>,
    rng: Mutex<fastrand::Rng>,
    /// One in so many requests meets a fault.
    one_in: usize,
    fault_counts: Mutex<BTreeMap<Fault, usize>>,
}

impl FaultyProxy {
    /// Before the engine at this `http://` URL; it behaves until it is told otherwise.
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
                // A broken connection is what this is for.
                tokio::spawn(async move { plan.serve(client).await.ok() });
            }
        });
        Self { url, plan }
    }

    pub fn inject_random_faults(&self, yes: bool) {
        self.plan.random_faults.store(yes, Ordering::SeqCst);
    }

    /// From now on every request with these words in its head, in lower case, meets this fault.
    pub fn set_fault(&self, at: Option<(&'static str, Fault)>) {
        *self.plan.targeted_fault.lock().expect("nobody panicked") = at;
    }

    /// Answers nothing but errors, whatever is asked.
    pub fn fail_all(&self, yes: bool) {
        self.plan.fail_all.store(yes, Ordering::SeqCst);
    }

    /// From now on the first reply to each UpdateItem is lost; the SDK sends it again.
    pub fn drop_first_update_replies(&self) {
        *self.plan.dropped_replies.lock().expect("nobody panicked") = Some(HashSet::new());
    }

    /// How often each fault has struck.
    pub fn fault_counts(&self) -> BTreeMap<Fault, usize> {
        self.plan.fault_counts.lock().expect("nobody panicked").clone()
    }
}

impl FaultPlan {
    fn fault(&self, request: &[u8]) -> Option<Fault> {
        if let Some((words, fault)) = *self.targeted_fault.lock().expect("nobody panicked") {
            let end = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(request.len());
            return String::from_utf8_lossy(&request[..end]).to_lowercase().contains(words).then_some(fault);
        }
        let fault = if self.fail_all.load(Ordering::SeqCst) {
            Fault::Error
        } else if self.is_first_attempt_of_update(request) {
            Fault::LostReply
        } else if self.random_faults.load(Ordering::SeqCst) {
            let mut rng = self.rng.lock().expect("nobody panicked");
            (rng.usize(..self.one_in) == 0).then(|| *rng.choice(&FAULTS).unwrap())?
        } else {
            return None;
        };
        *self.fault_counts.lock().expect("nobody panicked").entry(fault).or_default() += 1;
        Some(fault)
    }

    fn is_first_attempt_of_update(&self, request: &[u8]) -> bool {
        let mut dropped_replies = self.dropped_replies.lock().expect("nobody panicked");
        let Some(lost) = dropped_replies.as_mut().filter(|_| is_operation(request, "updateitem")) else { return false };
        let body = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or_default();
        lost.insert(request[body..].to_vec())
    }

    /// One request on one connection. A connection that is dropped is broken for the client.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = read_request(&mut client).await?;
        match self.fault(&request) {
            Some(Fault::LostRequest) => return Ok(()),
            Some(Fault::Error) => return client.write_all(error_response(&request, false).as_bytes()).await,
            Some(Fault::Throttled) => return client.write_all(error_response(&request, true).as_bytes()).await,
            Some(Fault::LostReply) => return self.forward(&request).await.map(drop),
            Some(Fault::Slow) => tokio::time::sleep(SLOW).await,
            None => {}
        }
        let reply = self.forward(&request).await?;
        client.write_all(&reply).await?;
        client.shutdown().await
    }

    /// The engine's answer, byte by byte. `Connection: close` is in no signature.
    async fn forward(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut engine = TcpStream::connect(&self.engine).await?;
        let line = request.windows(2).position(|it| it == b"\r\n").map_or(0, |at| at + 2);
        engine.write_all(&request[..line]).await?;
        engine.write_all(b"Connection: close\r\n").await?;
        engine.write_all(&request[line..]).await?;
        let mut reply = vec![];
        engine.read_to_end(&mut reply).await?;
        Ok(reply)
    }
}

/// A request with its body, whose length the SDK always says.
async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
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

/// Whether it asks DynamoDB for this operation, or for any.
fn is_operation(request: &[u8], operation: &str) -> bool {
    let target = String::from_utf8_lossy(request).to_lowercase();
    let after = target.split_once("x-amz-target: dynamodb_20120810.").map(|(_, after)| after);
    after.is_some_and(|after| after.starts_with(operation))
}

/// What DynamoDB or S3 itself says when it is in trouble.
fn error_response(request: &[u8], throttled: bool) -> String {
    let dynamodb = is_operation(request, "");
    let (status, kind, body) = match (dynamodb, throttled) {
        (true, true) => (
            "400 Bad Request",
            "application/x-amz-json-1.0",
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}"#,
        ),
        (true, false) => (
            "500 Internal Server Error",
            "application/x-amz-json-1.0",
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"broken"}"#,
        ),
        (false, true) => {
            ("503 Slow Down", "application/xml", "<Error><Code>SlowDown</Code><Message>slower</Message></Error>")
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
