//! Socket.IO clients in processes of their own: the official ones for Python and JavaScript.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const PYTHON_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../clients/sockets.py");
const NODE_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../browser/socket-client.mjs");

/// A client that prints what happens. It ends when this is dropped.
pub struct SocketClient {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl SocketClient {
    /// python-socketio, which subscribes to these channels. `url` may have a path other than `/socket.io`.
    pub fn python(url: &str, auth: &Value, channels: &[&str]) -> Self {
        Self::run(&[&["watch", url, &auth.to_string()], channels].concat())
    }

    /// The same with socket.io-client.
    pub fn node(url: &str, auth: &Value, channels: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.args([NODE_CLIENT, url, &auth.to_string()]).args(channels);
        Self::start(command)
    }

    /// `tests/clients/sockets.py` with these arguments.
    pub fn run(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned()));
        command.arg(PYTHON_CLIENT).args(arguments);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("the client starts");
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { _process: process, input, output: BufReader::new(output).lines() }
    }

    /// The next thing that happens; the test fails if nothing does.
    pub async fn next(&mut self) -> (String, Value) {
        self.next_within(Duration::from_secs(60)).await.expect("something happens")
    }

    /// The next thing that happens within a time.
    pub async fn next_within(&mut self, time: Duration) -> Option<(String, Value)> {
        let line = tokio::time::timeout(time, self.output.next_line()).await.ok()?;
        let mut event: Value = serde_json::from_str(&line.unwrap().expect("the client runs")).expect("JSON");
        Some((event["event"].as_str().expect("a name").to_owned(), event["data"].take()))
    }

    /// The data of the next event, which has this name.
    #[track_caller]
    pub fn expect(&mut self, name: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let (event, data) = self.next().await;
            assert_eq!(event, name, "at {caller}: {data}");
            data
        }
    }

    /// Lets the client emit an event.
    pub async fn emit(&mut self, name: &str, data: Value) {
        self.input.write_all(format!("{}\n", json!([name, data])).as_bytes()).await.expect("the client reads");
    }
}
