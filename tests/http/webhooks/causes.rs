//! Why a webhook could not be delivered, in the test of a webhook and in the log of tries.

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

/// Listens with a certificate of its own; gives the URL.
async fn with_certificate(params: CertificateParams) -> String {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], private));
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a server")));
    let (listener, address) = listening().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    format!("https://localhost:{}/hook", address.port())
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

fn for_localhost() -> CertificateParams {
    CertificateParams::new(vec!["localhost".to_owned()]).expect("a name")
}

/// A port that something speaks on, in a way of its own and without having been asked.
async fn speaking(first: &'static [u8]) -> SocketAddr {
    use tokio::io::AsyncWriteExt;
    let (listener, address) = listening().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(first).await;
                // Until the other side has read it and goes.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    address
}

async fn tested(person: &Person, agent: &Agent, url: &str) -> Value {
    let hook = json!({ "channelId": agent.channel, "url": url });
    agent.post("/api/v1/agents/setWebhook", hook).await.expect(200);
    let path = format!("/api/agents/{}/webhook-test", agent.channel);
    let told = person.post(&path, json!({})).await.expect(200);
    assert_eq!(told["delivered"], false, "{url}: {told}");
    told
}

#[tokio::test]
async fn a_webhook_test_names_the_cause_of_a_connection_failure() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut expired = for_localhost();
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut early = for_localhost();
    (early.not_before, early.not_after) = (date_time_ymd(2095, 1, 1), date_time_ymd(2096, 1, 1));
    let mut authority = for_localhost();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let plain = speaking(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (closed, refused) = listening().await;
    drop(closed);
    for (url, cause) in [
        (with_certificate(for_localhost()).await, "certificate that is not trusted: it is self-signed"),
        (with_certificate(authority).await, "certificate that is not trusted: it is self-signed"),
        (with_certificate(expired).await, "certificate that has expired"),
        (with_certificate(early).await, "certificate that is not valid yet"),
        (format!("https://{plain}/hook"), "does not speak TLS on this port"),
        (format!("http://{refused}/hook"), "refused the connection"),
        (format!("https://{refused}/hook"), "refused the connection"),
        ("https://no-such-host.invalid/hook".to_owned(), "name that cannot be resolved"),
    ] {
        let told = tested(&person, &agent, &url).await;
        assert!(told["error"].as_str().is_some_and(|error| error.contains(cause)), "{url}: {told}");
        assert_eq!((&told["status"], &told["body"]), (&json!(null), &json!(null)));
    }
    let resets = Receiver::start([ResponsePlan::Reset(vec![])]).await;
    let told = tested(&person, &agent, &resets.url).await;
    let cause = told["error"].as_str().unwrap();
    assert!(cause.contains("reset the connection") || cause.contains("broke off"), "{told}");
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
        let told = tested(&person, &agent, &receiver.url).await;
        assert_eq!((&told["status"], &told["error"]), (&json!(status), &json!(error)));
        assert!(!told.to_string().contains("secret"), "{told}");
    }
    let receiver = Receiver::start([ResponsePlan::with(302, "Location: /elsewhere\r\n", "")]).await;
    let told = tested(&person, &agent, &receiver.url).await;
    let own = receiver.url.split("/hook").next().unwrap();
    assert_eq!(told["error"], format!("redirects are not followed (to {own})"));
    // A status of the receiver's own needs no word of ours.
    let receiver = Receiver::start([ResponsePlan::status(500)]).await;
    assert_eq!(tested(&person, &agent, &receiver.url).await["error"], json!(null));
}

#[tokio::test]
async fn the_request_log_has_the_cause_of_a_failed_attempt() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let moved =
        Receiver::start([ResponsePlan::with(301, "Location: https://www.example.com/secret\r\n", "moved")]).await;
    let (closed, refused) = listening().await;
    drop(closed);
    let untrusted = with_certificate(for_localhost()).await;
    for (url, status, cause) in [
        (moved.url.as_str(), 301, "redirects are not followed (to https://www.example.com)"),
        (&format!("http://{refused}/hook"), 502, "refused the connection"),
        (&untrusted, 502, "not trusted"),
    ] {
        let ask = json!({ "text": "?", "review": { "type": "approval" }, "webhookUrl": url });
        let asked = agent.create_message(ask).await;
        person.answer(&asked, json!({ "selectedOption": "approve" })).await.expect(201);
        let row = tried(&person, &asked).await;
        let said = row["responseBody"].as_str().unwrap_or_default();
        assert!(row["statusCode"] == status && said.contains(cause) && !said.contains("secret"), "{row}");
    }
}

/// The row of a message's first try, once it is there.
async fn tried(person: &Person, message: &str) -> Value {
    let look = async {
        loop {
            let logs = person.get("/api/logs?limit=100").await.expect(200);
            let of_message = |row: &&Value| row["direction"] == "outbound" && row.to_string().contains(message);
            if let Some(row) = logs["data"].as_array().unwrap().iter().find(of_message) {
                return row.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(40), look).await.expect("a try is logged")
}
