//! At which host names the service answers, and with what.
//!
//! A deployment answers at every name that leads to it. The local runner shares its addresses with
//! every other program of the machine, and browsers send a host's cookies to all of its ports. So
//! people's pages have a host of their own there ([`Hosts`]), agents call the API at the ordinary
//! addresses, and any other name is refused: a page of another site can point its own name here.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderValue, Uri};
use url::Url;

use crate::error::Error;
use crate::http::origin;

/// Clones share it. The default answers with everything at every host.
#[derive(Clone, Debug, Default)]
pub struct Site(Option<Arc<Hosts>>);

/// The hosts of a service that serves pages and the API at different hosts.
#[derive(Debug)]
pub struct Hosts {
    /// The origin of people's pages.
    pub inbox: Url,
    /// If agents must not learn the inbox's host: which connections may.
    pub confidant: Option<fn(&Extensions) -> bool>,
    /// What agents call.
    pub api_url: String,
    /// Whether agents may call at any IP address, not only at those of loopback.
    pub any_address: bool,
    /// Names, in lower case, at which agents may call, in addition to `localhost`.
    pub names: Vec<String>,
}

/// What is served where a request was sent; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everything.
    Inbox,
    /// Everything but people's pages.
    Api,
}

impl Site {
    /// A service that answers at these hosts only.
    pub fn of(hosts: Hosts) -> Self {
        Self(Some(Arc::new(hosts)))
    }

    /// Notes where a request was sent, or refuses it if that is no host of ours.
    pub fn admit(&self, request: &mut Request) -> Result<(), Error> {
        let place = match &self.0 {
            None => Place::Inbox,
            Some(hosts) => hosts.place_of(request.uri(), request.headers()).ok_or(Error::UnknownHost)?,
        };
        if self.0.as_ref().is_some_and(|hosts| hosts.inbox.scheme() == "https") && place == Place::Inbox {
            request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
        }
        request.extensions_mut().insert(place);
        Ok(())
    }

    /// The inbox's origin, without a trailing slash, for a request to another host: none
    /// if they may not learn it.
    pub fn inbox_for(&self, connection: &Extensions) -> Option<String> {
        let hosts = self.0.as_ref()?;
        let may_learn = hosts.confidant.is_none_or(|confidant| confidant(connection));
        may_learn.then(|| hosts.inbox.origin().ascii_serialization())
    }

    /// What agents call, where that is known and another than the pages' own origin.
    pub fn api_url(&self) -> Option<&str> {
        let hosts = self.0.as_ref().filter(|hosts| hosts.confidant.is_some())?;
        Some(&hosts.api_url)
    }

    /// The origin of links to people's pages that are sent to people, where it is known: never the host that agents must
    /// not learn, to which the agents' address leads its people.
    pub fn link_origin(&self) -> Option<String> {
        let hosts = self.0.as_ref()?;
        Some(match hosts.confidant {
            Some(_) => hosts.api_url.clone(),
            None => hosts.inbox.origin().ascii_serialization(),
        })
    }

    /// Whether a request was sent to a host that agents must not learn, so that nothing may be
    /// answered which can read its own address.
    pub fn is_hidden(&self, headers: &HeaderMap) -> bool {
        let hosts = self.0.as_ref().filter(|hosts| hosts.confidant.is_some());
        hosts.is_some_and(|hosts| hosts.named(headers).is_some_and(|name| hosts.is_inbox(&name)))
    }

    /// The origin of links that are handed out: where the request was sent, but never the host that
    /// agents must not learn.
    pub fn origin_of_links(&self, headers: &HeaderMap) -> Option<String> {
        match &self.0 {
            Some(hosts) if self.is_hidden(headers) => Some(hosts.api_url.clone()),
            _ => origin::of(headers),
        }
    }
}

impl Hosts {
    fn place_of(&self, uri: &Uri, headers: &HeaderMap) -> Option<Place> {
        let name = self.named(headers)?;
        // A proxy's form of a request names the host twice.
        if uri.authority().is_some_and(|authority| name_of(authority) != name) {
            return None;
        }
        if self.is_inbox(&name) {
            return Some(Place::Inbox);
        }
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_agents = match address {
            Ok(address) => self.any_address || address.to_canonical().is_loopback(),
            Err(_) => name == "localhost" || self.names.contains(&name),
        };
        is_agents.then_some(Place::Api)
    }

    fn named(&self, headers: &HeaderMap) -> Option<String> {
        let mut hosts = headers.get_all(http::header::HOST).iter();
        let (host, None) = (hosts.next()?, hosts.next()) else { return None };
        let authority = Authority::try_from(host.as_bytes()).ok().filter(|it| !it.as_str().contains('@'))?;
        Some(name_of(&authority))
    }

    fn is_inbox(&self, name: &str) -> bool {
        self.inbox.host_str().is_some_and(|host| host == name)
    }
}

/// The host as it is compared. Ports are left out: a tunnel or a container changes them.
fn name_of(authority: &Authority) -> String {
    authority.host().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn hosts(any_address: bool) -> Hosts {
        Hosts {
            inbox: Url::parse("http://placet-12ab.localhost:3001").unwrap_or_else(|_| unreachable!()),
            confidant: Some(|_| false),
            api_url: "http://127.0.0.1:3001".to_owned(),
            any_address,
            names: vec!["placet.lan".to_owned()],
        }
    }

    fn place(hosts: &Hosts, host: &str) -> Option<Place> {
        let headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_str(host).ok()?)]);
        hosts.place_of(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn pages_have_one_host_and_agents_the_usual_ones() {
        for name in ["placet-12ab.localhost:3001", "PLACET-12ab.localhost.", "placet-12ab.localhost:9"] {
            assert_eq!(place(&hosts(false), name), Some(Place::Inbox), "{name}");
        }
        for name in [
            "127.0.0.1:3001",
            "localhost",
            "LocalHost.:3001",
            "[::1]:3001",
            "127.0.0.2",
            "placet.lan:3001",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(place(&hosts(false), name), Some(Place::Api), "{name}");
        }
        for name in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "placet-12ac.localhost:3001",
            "a.placet-12ab.localhost",
            "evil.localhost",
            "127.1",
            "2130706433",
            "0.0.0.0:3001",
            "192.168.1.5:3001",
            "user@127.0.0.1",
            "",
            "127.0.0.1/",
            "127.0.0.1, evil.example",
        ] {
            assert_eq!(place(&hosts(false), name), None, "{name}");
        }
        assert_eq!(place(&hosts(true), "192.168.1.5:3001"), Some(Place::Api));
        assert_eq!(place(&hosts(true), "[fd00::2]:3001"), Some(Place::Api));
        assert_eq!(place(&hosts(true), "evil.example"), None);
    }

    #[test]
    fn a_request_that_names_two_hosts_is_refused() {
        let site = Site::of(hosts(false));
        let request = |uri: &str, names: &[&'static str]| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = uri.parse().unwrap_or_else(|_| unreachable!());
            for name in names {
                request.headers_mut().append(http::header::HOST, HeaderValue::from_static(name));
            }
            site.admit(&mut request).is_ok()
        };
        assert!(request("/", &["127.0.0.1"]) && request("http://127.0.0.1/", &["127.0.0.1"]));
        assert!(!request("http://evil.example/", &["127.0.0.1"]) && !request("http://127.0.0.1/", &["evil.example"]));
        assert!(!request("/", &["127.0.0.1", "evil.example"]) && !request("/", &[]));
    }
}
