//! A webhook receiver: a socket that records requests and responds as a test plans.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longer than a delivery is leased to a crashed worker.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(40);

/// The response to one request.
#[derive(Clone)]
pub enum ResponsePlan {
    /// Sends these bytes, then closes the connection.
    Bytes(Vec<u8>),
    /// Never responds.
    Hang,
    /// Sends these bytes after this time.
    Delayed(Duration, Vec<u8>),
    /// Sends these bytes, then one byte each 100 ms until the sender disconnects.
    Trickle(Vec<u8>),
    /// Closes the connection without a response.
    Close,
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
}

impl ResponsePlan {
    pub fn status(status: u16) -> Self {
        Self::with(status, "", "{}")
    }

    pub fn with(status: u16, headers: &str, body: &str) -> Self {
        let len = body.len();
        Self::Bytes(format!("HTTP/1.1 {status} X\r\nContent-Length: {len}\r\n{headers}\r\n{body}").into_bytes())
    }
}

#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl ReceivedRequest {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
    count: watch::Receiver<usize>,
}

impl Receiver {
    /// Starts a receiver that follows the plans in order, then responds 200.
    pub async fn start(plans: impl IntoIterator<Item = ResponsePlan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook?token=in-the-query", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(vec![]));
        let (counted, count) = watch::channel(0);
        let (kept, plans) = (received.clone(), Arc::new(Mutex::new(plans.into_iter().collect::<VecDeque<_>>())));
        let counted = Arc::new(counted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, plans, counted) = (kept.clone(), plans.clone(), counted.clone());
                tokio::spawn(async move {
                    let Some((request, mut stream)) = read(stream).await else { return };
                    let plan = plans.lock().unwrap().pop_front().unwrap_or(ResponsePlan::status(200));
                    kept.lock().unwrap().push(request);
                    counted.send_modify(|count| *count += 1);
                    match plan {
                        ResponsePlan::Bytes(bytes) => drop(stream.write_all(&bytes).await),
                        ResponsePlan::Hang => drop(stream.read(&mut [0]).await),
                        ResponsePlan::Delayed(span, bytes) => {
                            tokio::time::sleep(span).await;
                            drop(stream.write_all(&bytes).await);
                        }
                        ResponsePlan::Trickle(mut bytes) => {
                            while stream.write_all(&bytes).await.is_ok() {
                                tokio::time::sleep(Duration::from_millis(100)).await;
                                bytes = b"x".to_vec();
                            }
                        }
                        ResponsePlan::Close => {}
                        ResponsePlan::Reset(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            stream.get_ref().set_zero_linger().unwrap();
                        }
                    }
                });
            }
        });
        Self { url, received, count }
    }

    /// All requests received so far.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until `count` requests have been received; returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedRequest> {
        let mut so_far = self.count.clone();
        let enough = so_far.wait_for(|so_far| *so_far >= count);
        tokio::time::timeout(RECEIVE_TIMEOUT, enough)
            .await
            .expect("the requests arrive")
            .expect("the receiver is running");
        self.received()
    }
}

async fn read(stream: TcpStream) -> Option<(ReceivedRequest, BufReader<TcpStream>)> {
    let (mut stream, mut head) = (BufReader::new(stream), vec![]);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let pairs = head.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> = pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some((ReceivedRequest { line: head.first()?.clone(), headers, body: String::from_utf8(body).ok()? }, stream))
}
