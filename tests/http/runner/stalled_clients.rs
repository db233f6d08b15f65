//! Clients that stop reading or sending: each holds a connection for a bounded time.

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::presigning::PresigningConfig;
use placet_local::engines::{BUCKET, Engines};
use serde_json::{Value, json};
use shared::aws::Clients;
use tempfile::TempDir;
use test_support::Runner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use crate::files::direct_uploads::{announce, put};

const SIZE: usize = 100_000;

/// Sends half of an upload, and returns its connection once the engine has begun to store it.
async fn stall(upload: &Value, objects: &Path) -> TcpStream {
    let url = Url::parse(upload["url"].as_str().unwrap()).unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let headers = upload["headers"].as_object().unwrap().iter();
    let headers: String = headers.map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap())).collect();
    let authority = url.authority();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let head = format!("PUT {target} HTTP/1.1\r\nHost: {authority}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; SIZE / 2]).await.unwrap();
    let began = Instant::now();
    let is_partial = |name: &str| name.starts_with(".tmp.");
    while !objects.read_dir().unwrap().any(|it| it.unwrap().file_name().to_str().is_some_and(is_partial)) {
        assert!(began.elapsed() < Duration::from_secs(30), "the upload does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream
}

#[tokio::test]
async fn a_stalled_upload_ends_after_a_minute_and_its_url_can_be_used_again() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let announced = announce(&runner.agent(), "a.bin", "application/octet-stream", SIZE).await;
    let mut stalled = stall(&announced["upload"], &dir.path().join("s3")).await;
    let again = put(&announced, vec![7; SIZE]);
    let again = tokio::time::timeout(Duration::from_secs(90), again).await.expect("the key is free again");
    again.expect(200);
    assert!(matches!(stalled.read(&mut [0; 1]).await, Ok(0) | Err(_)), "it got an answer");
}

#[tokio::test]
async fn a_stalled_upload_delays_a_stop_for_seconds_only() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    let announced = announce(&runner.agent(), "a.bin", "application/octet-stream", SIZE).await;
    let _stalled = stall(&announced["upload"], &dir.path().join("s3")).await;
    let began = Instant::now();
    assert_eq!(runner.terminate().await, Some(0));
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

/// Nothing uses the directory of engines that have stopped.
#[tokio::test]
async fn engines_that_stop_end_their_connections() {
    let dir = TempDir::new().unwrap();
    let engines = Engines::start(dir.path()).await.unwrap();
    let clients = Clients::at(&engines.endpoints).await;
    let expiry = PresigningConfig::expires_in(Duration::from_secs(300)).unwrap();
    let length = SIZE.to_string();
    let put = clients.s3.put_object().bucket(BUCKET).key("a").content_length(SIZE.try_into().unwrap());
    let url = put.presigned(expiry).await.unwrap().uri().to_owned();
    let upload = json!({ "url": url, "headers": { "content-length": length } });
    let mut stalled = stall(&upload, &dir.path().join("s3")).await;
    tokio::time::timeout(Duration::from_secs(40), engines.stop()).await.expect("they stop");
    assert!(matches!(stalled.read(&mut [0; 1]).await, Ok(0) | Err(_)), "it got an answer");
}

/// The server gives up on its credential after 20 s, and on its last frame soon after.
#[tokio::test]
async fn a_socket_that_reads_nothing_is_closed() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let address = runner.text("url").strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    // A ping, whose answer is as long as it is: a text frame with a mask of zeros.
    let ping = [b"2".to_vec(), vec![b'x'; 65_534]].concat();
    let frame = [&[0x81, 0x80 | 126, 0xff, 0xff, 0, 0, 0, 0], &ping[..]].concat();
    let closed = async { while stream.write_all(&frame).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), closed).await.expect("the connection ends");
}
