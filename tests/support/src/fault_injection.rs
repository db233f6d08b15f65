//! Storage that misbehaves: a proxy before a real engine that, while it is told to, answers
//! errors and throttling of its own, breaks connections off before and after the engine has done
//! what was asked, and takes its time: now and then, by chance, or whenever one call is made.

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
pub struct Hindered {
    pub url: String,
    pub dynamodb: Faulty,
    pub s3: Faulty,
}

impl Hindered {
    /// `one_in` so many requests meets a fault while the proxies misbehave.
    pub async fn serve(world: &World, one_in: usize) -> Self {
        let mut endpoints = world.over_connections().await;
        let dynamodb = Faulty::before(&endpoints.dynamodb, one_in).await;
        let s3 = Faulty::before(&endpoints.s3, one_in).await;
        (endpoints.dynamodb, endpoints.s3) = (dynamodb.url.clone(), s3.url.clone());
        let (clock, waits) = (world.app.clock.clone(), world.app.waits.clone());
        let clients = Clients::at(&endpoints).await;
        let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secret());
        Self { url: world.serve_also(placet_local::routes(), app).await, dynamodb, s3 }
    }

    pub fn misbehave(&self, yes: bool) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.misbehave(yes));
    }

    pub fn heal(&self) {
        [&self.dynamodb, &self.s3].iter().for_each(|proxy| proxy.aim(None));
    }
}

/// A proxy before one engine, as long as the test's runtime runs.
#[derive(Clone)]
pub struct Faulty {
    pub url: String,
    plan: Arc<Plan>,
}

struct Plan {
    engine: String,
    misbehaving: AtomicBool,
    /// What every request of one kind meets.
    aim: Mutex<Option<(&'static str, Fault)>>,
    failing: AtomicBool,
    /// While updates lose their first replies: those that did.
    losing: Mutex<Option<HashSet<Vec<u8>>>>,
    chance: Mutex<fastrand::Rng>,
    /// One in so many requests meets a fault.
    one_in: usize,
    met: Mutex<BTreeMap<Fault, usize>>,
}

impl Faulty {
    /// Before the engine at this `http://` URL; it behaves until it is told otherwise.
    pub async fn before(engine: &str, one_in: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let plan = Arc::new(Plan {
            engine: engine.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            misbehaving: AtomicBool::new(false),
            aim: Mutex::default(),
            failing: AtomicBool::new(false),
            losing: Mutex::default(),
            chance: Mutex::new(rng::from_env()),
            one_in,
            met: Mutex::default(),
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

    pub fn misbehave(&self, yes: bool) {
        self.plan.misbehaving.store(yes, Ordering::SeqCst);
    }

    /// From now on every request with these words in its head, in lower case, meets this fault.
    pub fn aim(&self, at: Option<(&'static str, Fault)>) {
        *self.plan.aim.lock().expect("nobody panicked") = at;
    }

    /// Answers nothing but errors, whatever is asked.
    pub fn fail(&self, yes: bool) {
        self.plan.failing.store(yes, Ordering::SeqCst);
    }

    /// From now on the first reply to each UpdateItem is lost; the SDK sends it again.
    pub fn lose_first_replies(&self) {
        *self.plan.losing.lock().expect("nobody panicked") = Some(HashSet::new());
    }

    /// How often each fault has struck.
    pub fn met(&self) -> BTreeMap<Fault, usize> {
        self.plan.met.lock().expect("nobody panicked").clone()
    }
}

impl Plan {
    fn fault(&self, request: &[u8]) -> Option<Fault> {
        if let Some((words, fault)) = *self.aim.lock().expect("nobody panicked") {
            let end = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(request.len());
            return String::from_utf8_lossy(&request[..end]).to_lowercase().contains(words).then_some(fault);
        }
        let fault = if self.failing.load(Ordering::SeqCst) {
            Fault::Error
        } else if self.is_first_of_its_kind(request) {
            Fault::LostReply
        } else if self.misbehaving.load(Ordering::SeqCst) {
            let mut chance = self.chance.lock().expect("nobody panicked");
            (chance.usize(..self.one_in) == 0).then(|| *chance.choice(&FAULTS).unwrap())?
        } else {
            return None;
        };
        *self.met.lock().expect("nobody panicked").entry(fault).or_default() += 1;
        Some(fault)
    }

    fn is_first_of_its_kind(&self, request: &[u8]) -> bool {
        let mut losing = self.losing.lock().expect("nobody panicked");
        let Some(lost) = losing.as_mut().filter(|_| of_kind(request, "updateitem")) else { return false };
        let body = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or_default();
        lost.insert(request[body..].to_vec())
    }

    /// One request on one connection. A connection that is dropped is broken for the client.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = whole(&mut client).await?;
        match self.fault(&request) {
            Some(Fault::LostRequest) => return Ok(()),
            Some(Fault::Error) => return client.write_all(refusal(&request, false).as_bytes()).await,
            Some(Fault::Throttled) => return client.write_all(refusal(&request, true).as_bytes()).await,
            Some(Fault::LostReply) => return self.passed_on(&request).await.map(drop),
            Some(Fault::Slow) => tokio::time::sleep(SLOW).await,
            None => {}
        }
        let reply = self.passed_on(&request).await?;
        client.write_all(&reply).await?;
        client.shutdown().await
    }

    /// The engine's answer, byte by byte. `Connection: close` is in no signature.
    async fn passed_on(&self, request: &[u8]) -> io::Result<Vec<u8>> {
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
async fn whole(client: &mut TcpStream) -> io::Result<Vec<u8>> {
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
fn of_kind(request: &[u8], operation: &str) -> bool {
    let target = String::from_utf8_lossy(request).to_lowercase();
    let after = target.split_once("x-amz-target: dynamodb_20120810.").map(|(_, after)| after);
    after.is_some_and(|after| after.starts_with(operation))
}

/// What DynamoDB or S3 itself says when it is in trouble.
fn refusal(request: &[u8], throttled: bool) -> String {
    let dynamodb = of_kind(request, "");
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
