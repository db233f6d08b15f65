//! Calls to hosts that clients name, protected against SSRF: the address of each connection is checked,
//! so private addresses are never called, whatever the URL or the name servers say. Redirects are not
//! followed, and proxy settings of the environment are ignored.
//!
//! - [`public_address`]: which addresses may be called

pub mod public_address;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower::Service;

pub use crate::error::UpstreamFailure;
pub use crate::error::UpstreamFailure as Failure;
use crate::outbound::public_address::may_be_called;

/// An HTTP client. Clones share it; it is created on first use, so that functions which never call
/// another host do not pay for it.
#[derive(Clone)]
pub struct Outbound {
    loopback: bool,
    resolver: Resolver,
    client: Arc<OnceLock<Client<HttpsConnector<PublicHosts>, Full<Bytes>>>>,
}

/// Looks up the addresses of a host.
type Resolver = Arc<dyn Fn(String, u16) -> Resolving + Send + Sync>;
type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

impl Outbound {
    /// `loopback` lets this machine's own loopback addresses through, for development and tests.
    pub fn new(loopback: bool) -> Self {
        Self::with_resolver(loopback, Arc::new(|host, port| Box::pin(system_resolver(host, port))))
    }

    fn with_resolver(loopback: bool, resolver: Resolver) -> Self {
        Self { loopback, resolver, client: Arc::default() }
    }

    /// Whether this machine's own services may be called.
    pub fn is_for_development(&self) -> bool {
        self.loopback
    }

    /// Sends a request and reads the response body; more than `max` bytes is a failure. `within` limits
    /// the time for all of it.
    pub async fn fetch(
        &self,
        request: Request<Bytes>,
        within: Duration,
        max: usize,
    ) -> Result<Response<Bytes>, Failure> {
        let whole = async {
            let (parts, body) = self.send(request).await?.into_parts();
            Ok(Response::from_parts(parts, read(body, max).await?))
        };
        tokio::time::timeout(within, whole).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// Sends a request. The response body has not arrived yet: read it under a time limit.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, Failure> {
        let client = self
            .client
            .get_or_init(|| client(PublicHosts { loopback: self.loopback, resolver: self.resolver.clone() }));
        client.request(request.map(Full::new)).await.map_err(|err| failure_of(&err))
    }
}

async fn system_resolver(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("loopback", &self.loopback).finish_non_exhaustive()
    }
}

async fn read(mut body: Incoming, max: usize) -> Result<Bytes, Failure> {
    let mut kept = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| Failure::Broken)?.into_data() else { continue };
        if kept.len() + chunk.len() > max {
            return Err(Failure::TooLarge);
        }
        kept.extend_from_slice(&chunk);
    }
    Ok(kept.freeze())
}

fn failure_of(err: &legacy::Error) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(err);
    while let Some(found) = cause {
        let io = found.downcast_ref::<io::Error>();
        let known = found.downcast_ref().copied().or_else(|| io.and_then(of_io));
        if let Some(failure) = known.or_else(|| found.downcast_ref().map(of_tls)) {
            return failure;
        }
        // What an I/O error is made of is not its source, but what it wraps.
        cause = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => found.source(),
        };
    }
    if err.is_connect() { Failure::Unreachable } else { Failure::Broken }
}

/// What ends a connection; an end while TLS is agreed on has no other cause in it.
fn of_io(err: &io::Error) -> Option<Failure> {
    match err.kind() {
        io::ErrorKind::ConnectionRefused => Some(Failure::Refused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Some(Failure::Reset),
        io::ErrorKind::UnexpectedEof if err.to_string().contains("handshake") => Some(Failure::NoTls),
        _ => None,
    }
}

fn of_tls(err: &rustls::Error) -> Failure {
    use rustls::CertificateError as Certificate;
    match err {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => Failure::CertificateExpired,
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Failure::CertificateNotYetValid,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                Failure::CertificateOfAnotherName
            }
            // One that signed itself may be refused for being a CA's, before its issuer is looked for.
            _ => Failure::CertificateNotTrusted,
        },
        rustls::Error::InvalidMessage(_) => Failure::NoTls,
        _ => Failure::TlsFailed,
    }
}

/// No connection is used twice: the address is checked for each call, and a Lambda that was frozen does
/// not write into a connection that has died meanwhile.
fn client(hosts: PublicHosts) -> Client<HttpsConnector<PublicHosts>, Full<Bytes>> {
    let tls = tls_config(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(hosts);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
}

/// TLS 1.2 and 1.3 for a client that trusts these roots.
#[expect(clippy::expect_used, reason = "ring has ciphers for every version of TLS that rustls counts as safe")]
pub fn tls_config(roots: impl Iterator<Item = CertificateDer<'static>>) -> ClientConfig {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(store)
        .with_no_client_auth()
}

impl Default for Outbound {
    /// One that calls public addresses only.
    fn default() -> Self {
        Self::new(false)
    }
}

/// Connects to hosts by their public addresses only.
#[derive(Clone)]
struct PublicHosts {
    loopback: bool,
    resolver: Resolver,
}

impl PublicHosts {
    /// Whether this address may be connected to.
    fn admits(&self, address: IpAddr) -> bool {
        may_be_called(address, self.loopback)
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, Failure> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        // An address in letters resolves to itself, so this is the one gate for both.
        let found = (self.resolver)(host.to_owned(), port).await.map_err(|_| Failure::UnknownHost)?;
        let open: Vec<SocketAddr> = found.iter().copied().filter(|it| self.admits(it.ip())).collect();
        if open.is_empty() {
            return Err(if found.is_empty() { Failure::UnknownHost } else { Failure::Private });
        }
        let stream = TcpStream::connect(&*open).await.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        stream.map(TokioIo::new).map_err(|err: io::Error| of_io(&err).unwrap_or(Failure::Unreachable))
    }
}

impl Service<Uri> for PublicHosts {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[cfg(test)]
mod tests;
