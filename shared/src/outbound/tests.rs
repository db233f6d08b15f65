use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::*;

async fn called(outbound: &Outbound, url: &str) -> Result<Response<Bytes>, Failure> {
    let request = Request::get(url).body(Bytes::new()).map_err(|_| Failure::Broken)?;
    outbound.fetch(request, Duration::from_millis(200), 10).await
}

#[tokio::test]
async fn private_addresses_are_never_connected_to() {
    let [wary, own] = [false, true].map(Outbound::new);
    for url in ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"] {
        assert_eq!(called(&wary, url).await.err(), Some(Failure::Private), "{url}");
    }
    for url in ["http://10.0.0.1/", "https://169.254.169.254/", "http://[fd00:ec2::254]/", "http://0.0.0.0/"] {
        assert_eq!(called(&wary, url).await.err(), Some(Failure::Private), "{url}");
        assert_eq!(called(&own, url).await.err(), Some(Failure::Private), "{url}");
    }
}

#[test]
fn certificates_are_refused_with_their_cause() {
    use rustls::CertificateError as Certificate;
    for (certificate, failure) in [
        (Certificate::Expired, Failure::CertificateExpired),
        (Certificate::NotValidYet, Failure::CertificateNotYetValid),
        (Certificate::NotValidForName, Failure::CertificateOfAnotherName),
        (Certificate::UnknownIssuer, Failure::CertificateNotTrusted),
        (Certificate::BadSignature, Failure::CertificateNotTrusted),
    ] {
        assert_eq!(of_tls(&rustls::Error::InvalidCertificate(certificate)), failure);
    }
    let hello = rustls::InvalidMessage::InvalidContentType;
    assert_eq!(of_tls(&rustls::Error::InvalidMessage(hello)), Failure::NoTls);
}

#[tokio::test]
async fn a_host_that_never_answers_is_not_waited_for() -> io::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", silent.local_addr()?);
    assert_eq!(called(&Outbound::new(true), &url).await.err(), Some(Failure::TimedOut));
    drop(silent);
    assert_eq!(called(&Outbound::new(true), &url).await.err(), Some(Failure::Refused));
    Ok(())
}

/// Starts a listener that counts connections and closes them.
async fn counting_listener() -> io::Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, connections) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok((address, connections))
}

/// A client whose lookups give these addresses, one list after the other, and the number of lookups.
fn with_answers(loopback: bool, answers: Vec<Vec<SocketAddr>>) -> (Outbound, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counter = lookups.clone();
    let resolver: Resolver = Arc::new(move |_, _| {
        let answer = answers[counter.fetch_add(1, Ordering::SeqCst)].clone();
        Box::pin(std::future::ready(Ok(answer)))
    });
    (Outbound::with_resolver(loopback, resolver), lookups)
}

#[tokio::test]
async fn dns_rebinding_is_refused() -> io::Result<()> {
    let (inside, connections) = counting_listener().await?;
    // The first lookup returns a public address, the second this machine, the third both.
    let public: SocketAddr = ([192, 88, 99, 1], inside.port()).into();
    let answers = vec![vec![public], vec![inside], vec![inside, public, inside]];
    let (outbound, lookups) = with_answers(false, answers);
    let url = format!("http://rebinding.example:{}/", inside.port());
    for (turn, expected) in [(1, false), (2, true), (3, false)] {
        let failure = called(&outbound, &url).await.err();
        assert!(failure.is_some(), "the host is unreachable");
        assert_eq!(failure == Some(Failure::Private), expected, "{failure:?}");
        // One lookup per call: the checked address is the one that is connected to.
        assert_eq!(lookups.load(Ordering::SeqCst), turn);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nothing connected to the private address");
    Ok(())
}

#[tokio::test]
async fn loopback_names_work_where_loopback_is_allowed() -> io::Result<()> {
    let (inside, connections) = counting_listener().await?;
    let (outbound, _) = with_answers(true, vec![vec![inside]]);
    let url = format!("http://rebinding.example:{}/", inside.port());
    assert!(called(&outbound, &url).await.is_err());
    // The connection was closed without a response, but it was made: the zero of the test above means something.
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    Ok(())
}
