//! Requests as raw bytes, for input that no HTTP client would send.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::reply::Reply;

/// Sends one request and reads until the connection ends, so the request needs `Connection: close`.
/// Returns `None` when the connection ends without a response.
pub async fn send(url: &str, request: &[u8]) -> Option<Reply> {
    let address = url.strip_prefix("http://").expect("a plain URL");
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    // A service that refuses the head may stop reading early; its response still counts.
    let _ = stream.write_all(request).await;
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    parse_response(&answer)
}

/// The bytes of a request, with `Connection: close` and the content length.
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
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(Reply { status, headers, bytes: answer[end + 4..].to_vec() })
}
