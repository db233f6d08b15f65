//! The causes of failed webhook deliveries, in webhook tests and in the request log.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use test_support::{Agent, Person, World};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::receiver::{Receiver, ResponsePlan};

/// Starts a TLS server with a self-signed certificate; returns its URL.
async fn start_tls_server(params: CertificateParams) -> String {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], private));
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a server")));
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    format!("https://localhost:{}/hook", address.port())
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

fn localhost_certificate() -> CertificateParams {
    CertificateParams::new(vec!["localhost".to_owned()]).expect("a name")
}

/// Starts a server that sends these bytes as soon as a client connects.
async fn start_plain_server(first: &'static [u8]) -> SocketAddr {
    use tokio::io::AsyncWriteExt;
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(first).await;
                // Read until the client closes the connection.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    address
}

async fn failed_test(person: &Person, agent: &Agent, url: &str) -> Value {
    let webhook = json!({ "channelId": agent.channel, "url": url });
    agent.post("/api/v1/agents/setWebhook", webhook).await.expect(200);
    let path = format!("/api/agents/{}/webhook-test", agent.channel);
    let result = person.post(&path, json!({})).await.expect(200);
    assert_eq!(result["delivered"], false, "{url}: {result}");
    result
}

#[tokio::test]
async fn a_webhook_test_names_the_cause_of_a_connection_failure() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut expired = localhost_certificate();
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut early = localhost_certificate();
    (early.not_before, early.not_after) = (date_time_ymd(2095, 1, 1), date_time_ymd(2096, 1, 1));
    let mut authority = localhost_certificate();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let plain = start_plain_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (closed, refused) = listen().await;
    drop(closed);
    for (url, cause) in [
        (start_tls_server(localhost_certificate()).await, "certificate that is not trusted: it is self-signed"),
        (start_tls_server(authority).await, "certificate that is not trusted: it is self-signed"),
        (start_tls_server(expired).await, "expired certificate"),
        (start_tls_server(early).await, "certificate that is not valid yet"),
        (format!("https://{plain}/hook"), "does not speak TLS on this port"),
        (format!("http://{refused}/hook"), "refused the connection"),
        (format!("https://{refused}/hook"), "refused the connection"),
        ("https://no-such-host.invalid/hook".to_owned(), "name that cannot be resolved"),
    ] {
        let result = failed_test(&person, &agent, &url).await;
        assert!(result["error"].as_str().is_some_and(|error| error.contains(cause)), "{url}: {result}");
        assert_eq!((&result["status"], &result["body"]), (&json!(null), &json!(null)));
    }
    let resets = Receiver::start([ResponsePlan::Reset(vec![])]).await;
    let result = failed_test(&person, &agent, &resets.url).await;
    let cause = result["error"].as_str().unwrap();
    assert!(cause.contains("reset the connection") || cause.contains("ended its response early"), "{result}");
}

#[tokio::test]
async fn a_redirect_is_named_with_its_host_and_nothing_secret_of_it() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (status, location, error) in [
        (
            307,
            "https://u:secret@www.example.com/secret?secret",
            "redirects are not followed (to https://www.example.com)",
        ),
        (301, "http://www.example.com:8080/secret", "redirects are not followed (to http://www.example.com:8080)"),
        (308, "//cdn.example/secret", "redirects are not followed (to http://cdn.example)"),
        (302, "mailto:secret@example.com", "redirects are not followed"),
    ] {
        let receiver = Receiver::start([ResponsePlan::with(status, &format!("Location: {location}\r\n"), "")]).await;
        let result = failed_test(&person, &agent, &receiver.url).await;
        assert_eq!((&result["status"], &result["error"]), (&json!(status), &json!(error)));
        assert!(!result.to_string().contains("secret"), "{result}");
    }
    let receiver = Receiver::start([ResponsePlan::with(302, "Location: /elsewhere\r\n", "")]).await;
    let result = failed_test(&person, &agent, &receiver.url).await;
    let own = receiver.url.split("/hook").next().unwrap();
    assert_eq!(result["error"], format!("redirects are not followed (to {own})"));
    // The receiver's own error status needs no explanation.
    let receiver = Receiver::start([ResponsePlan::status(500)]).await;
    assert_eq!(failed_test(&person, &agent, &receiver.url).await["error"], json!(null));
}

#[tokio::test]
async fn the_request_log_has_the_cause_of_a_failed_attempt() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let moved =
        Receiver::start([ResponsePlan::with(301, "Location: https://www.example.com/secret\r\n", "moved")]).await;
    let (closed, refused) = listen().await;
    drop(closed);
    let untrusted = start_tls_server(localhost_certificate()).await;
    for (url, status, cause) in [
        (moved.url.as_str(), 301, "redirects are not followed (to https://www.example.com)"),
        (&format!("http://{refused}/hook"), 502, "refused the connection"),
        (&untrusted, 502, "not trusted"),
    ] {
        let message = json!({ "text": "?", "review": { "type": "approval" }, "webhookUrl": url });
        let review = agent.create_message(message).await;
        person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
        let row = first_attempt(&person, &review).await;
        let body = row["responseBody"].as_str().unwrap_or_default();
        assert!(row["statusCode"] == status && body.contains(cause) && !body.contains("secret"), "{row}");
    }
}

/// Waits for the log entry of a message's first delivery attempt.
async fn first_attempt(person: &Person, message: &str) -> Value {
    let poll = async {
        loop {
            let logs = person.get("/api/logs?limit=100").await.expect(200);
            let of_message = |row: &&Value| row["direction"] == "outbound" && row.to_string().contains(message);
            if let Some(row) = logs["data"].as_array().unwrap().iter().find(of_message) {
                return row.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(40), poll).await.expect("an attempt is logged")
}
