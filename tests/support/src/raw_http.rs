//! Requests that no HTTP client would send, written to a connection byte by byte.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::reply::Reply;

/// Sends the bytes of one request and reads the answer to the end of the connection, which a
/// request asks for with `Connection: close`.
///
/// A connection that ends without an answer is `None`.
pub async fn send(url: &str, request: &[u8]) -> Option<Reply> {
    let address = url.strip_prefix("http://").expect("a plain URL");
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    // A service that has refused the head may stop reading before the end; its answer counts.
    let _ = stream.write_all(request).await;
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    parse_response(&answer)
}

/// A request's head and body, `Connection: close` and the length added.
pub fn request(method: &str, target: &[u8], headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nHost: placet\r\nConnection: close\r\n"].concat();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if !body.is_empty() {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
    }
    [&bytes, &b"\r\n"[..], body].concat()
}

fn parse_response(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(Reply { status, headers, bytes: answer[end + 4..].to_vec() })
}
