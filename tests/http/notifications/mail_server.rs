//! A mail server on loopback (`tests/clients/mail_server.py`), whose e-mails Python's parser reads.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

pub struct MailServer {
    pub url: String,
    received: Arc<Mutex<Vec<Value>>>,
    count: watch::Receiver<usize>,
    _process: (Child, ChildStdin),
}

impl MailServer {
    pub async fn start() -> Self {
        let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/mail_server.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("Python");
        let stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("the port");
        let (received, (counted, count)) = (Arc::<Mutex<Vec<Value>>>::default(), watch::channel(0));
        let kept = received.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(serde_json::from_str(&line).expect("JSON"));
                counted.send_modify(|count| *count += 1);
            }
        });
        Self { url: format!("smtp://127.0.0.1:{port}"), received, count, _process: (child, stdin) }
    }

    /// All e-mails received so far.
    pub fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until `count` e-mails have been received; returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<Value> {
        let mut so_far = self.count.clone();
        let enough = so_far.wait_for(|so_far| *so_far >= count);
        tokio::time::timeout(Duration::from_secs(20), enough).await.expect("the e-mails arrive").unwrap();
        self.received()
    }
}
