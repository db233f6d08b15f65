//! A proxy in front of the engines that lets a number of writes pass and then lets nothing through: what a process
//! has stored at the moment at which it is killed.

use std::io;
use std::sync::Arc;

use shared::aws::Endpoints;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

use crate::fault_injection::{forward, read_request};

/// The write operations of DynamoDB and SQS that functions use.
const WRITES: [&str; 6] =
    ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "SendMessage"];

/// A proxy that runs until the test's runtime ends.
pub struct WriteGate {
    pub endpoints: Endpoints,
    closed: watch::Receiver<bool>,
}

struct Gate {
    engine: String,
    /// The writes that are still let through.
    left: Mutex<usize>,
    closed: watch::Sender<bool>,
}

impl WriteGate {
    /// Lets `writes` writes pass. The reply to the last of them is held back, and so is every request after it. Of
    /// no writes, the first is not let through. All engines must have one URL.
    pub async fn start(engines: &Endpoints, writes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let engine = engines.dynamodb.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (close, closed) = watch::channel(false);
        let gate = Arc::new(Gate { engine, left: Mutex::new(writes), closed: close });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let gate = gate.clone();
                // A connection of a process that was killed fails.
                tokio::spawn(async move { gate.serve(client).await.ok() });
            }
        });
        let (dynamodb, s3, sqs) = (url.clone(), url.clone(), url);
        Self { endpoints: Endpoints { dynamodb, s3, sqs, ..engines.clone() }, closed }
    }

    /// Waits until all writes that may pass are stored, and nothing more is let through.
    pub async fn closed(&self) {
        self.closed.clone().wait_for(|closed| *closed).await.expect("the proxy is running");
    }
}

impl Gate {
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = read_request(&mut client).await?;
        let Some(reply) = self.pass(&request).await? else { std::future::pending().await };
        client.write_all(&reply).await?;
        client.shutdown().await
    }

    /// The engine's reply; `None` once the gate is closed.
    async fn pass(&self, request: &[u8]) -> io::Result<Option<Vec<u8>>> {
        // Writes pass one at a time, so that none is under way when the gate closes.
        let mut left = self.left.lock().await;
        if *self.closed.borrow() {
            return Ok(None);
        }
        if !is_write(request) {
            drop(left);
            return forward(&self.engine, request).await.map(Some);
        }
        let reply = match *left {
            0 => None,
            _ => Some(forward(&self.engine, request).await?),
        };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(reply);
        }
        self.closed.send_replace(true);
        Ok(None)
    }
}

fn is_write(request: &[u8]) -> bool {
    let end = request.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(request.len());
    let head = String::from_utf8_lossy(&request[..end]);
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    match headers.find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target")) {
        Some((_, target)) => WRITES.iter().any(|write| target.ends_with(&format!(".{write}"))),
        None => !head.starts_with("GET ") && !head.starts_with("HEAD "),
    }
}
