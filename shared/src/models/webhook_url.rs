//! Where webhooks may go: http or https, and no address that is private, by its own notation or
//! by what its name resolves to when it is set. What it resolves to later is checked again when
//! it is connected to.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::net::lookup_host;
use url::{Host, Url};

use crate::error::{Error, Step};
use crate::outbound::public_address::may_be_called;
use crate::validation::JsonObject;

const MAX: usize = 2000;
/// Of a user name and a password, in characters.
pub const MAX_CREDENTIAL: usize = 256;
/// How long a name may take to resolve.
const RESOLVING: Duration = Duration::from_secs(2);

/// A URL that may be stored as a webhook's.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    /// Without credentials.
    url: Url,
    /// As it was given.
    whole: Url,
    userinfo: Option<Userinfo>,
    /// It may lead to this machine's own loopback addresses.
    loopback: bool,
}

/// The user name and password of a URL, decoded: credentials for HTTP's Basic scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct Userinfo {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Userinfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Userinfo(***)")
    }
}

impl Userinfo {
    /// Takes them out of a URL, if it has any.
    fn take_from(url: &mut Url) -> Result<Option<Self>, &'static str> {
        const WRONG: &str = "has a user name or password that basic auth cannot carry: at most 256 characters each, \
            no control characters, no colon in the name";
        if url.username().is_empty() && url.password().is_none() {
            return Ok(None);
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| WRONG);
        let (username, password) = (decoded(url.username())?, decoded(url.password().unwrap_or_default())?);
        let fits = |text: &str| text.chars().count() <= MAX_CREDENTIAL && !text.chars().any(char::is_control);
        if !fits(&username) || !fits(&password) || username.contains(':') {
            return Err(WRONG);
        }
        // Only URLs without a host refuse these, and have neither.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Some(Self { username, password }))
    }
}

/// A URL as it may be shown, and the credentials that stood in it.
pub fn split(text: &str) -> (String, Option<Userinfo>) {
    let Ok(mut url) = Url::parse(text) else { return (text.to_owned(), None) };
    match Userinfo::take_from(&mut url) {
        Ok(Some(userinfo)) => (url.into(), Some(userinfo)),
        Ok(None) => (text.to_owned(), None),
        Err(_) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            (url.into(), None)
        }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebhookUrl").field(&self.as_str()).finish()
    }
}

impl WebhookUrl {
    /// With its credentials, to be kept where nothing shows it.
    pub fn whole(&self) -> &str {
        self.whole.as_str()
    }

    /// As it may be shown: without credentials.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The credentials that stood in it.
    pub fn userinfo(&self) -> Option<&Userinfo> {
        self.userinfo.as_ref()
    }

    /// The origin of a stored URL, for where its path may be a secret.
    pub fn origin_of(stored: &str) -> String {
        Url::parse(stored).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }

    /// Reads an optional member of an object.
    pub fn member(object: &mut JsonObject<'_>, name: &str) -> Option<Self> {
        let text = object.short_string(name, MAX)?;
        match Self::parse(&text, object.may_name_loopback()) {
            Ok(url) => Some(url),
            Err(why) => {
                object.problem(name, "not_a_webhook_url", format!("{name} {why}"));
                None
            }
        }
    }

    /// Refuses a name that leads to a private address as of now. One that does not resolve, or
    /// not in time, may be set.
    pub async fn check_target(&self, member: &str) -> Result<(), Error> {
        self.check_target_at(vec![member.into()]).await
    }

    /// The same for a member that is not at the body's top.
    pub async fn check_target_at(&self, path: Vec<Step>) -> Result<(), Error> {
        let (Some(Host::Domain(name)), Some(port)) = (self.url.host(), self.url.port_or_known_default()) else {
            return Ok(());
        };
        if leads_inside(name, port, self.loopback).await {
            let sentence = "this name must not lead to a private address";
            return Err(Error::field(path, "not_a_webhook_url", sentence));
        }
        Ok(())
    }

    /// `loopback` lets it name this machine's own loopback addresses.
    pub fn parse(text: &str, loopback: bool) -> Result<Self, &'static str> {
        let whole = Url::parse(text).map_err(|_| "must be an absolute URL")?;
        let mut url = whole.clone();
        let userinfo = Userinfo::take_from(&mut url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must be an http or https URL");
        }
        let public = match url.host() {
            Some(Host::Ipv4(address)) => may_be_called(IpAddr::V4(address), loopback),
            Some(Host::Ipv6(address)) => may_be_called(IpAddr::V6(address), loopback),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                loopback || (name != "localhost" && !name.ends_with(".localhost"))
            }
            None => return Err("must name a host"),
        };
        if public { Ok(Self { url, whole, userinfo, loopback }) } else { Err("must not lead to a private address") }
    }
}

/// Whether any of the addresses that a name has now is private.
async fn leads_inside(name: &str, port: u16, loopback: bool) -> bool {
    match tokio::time::timeout(RESOLVING, lookup_host((name, port))).await {
        Ok(Ok(mut addresses)) => addresses.any(|address| !may_be_called(address.ip(), loopback)),
        Ok(Err(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls_are_taken() {
        for url in ["https://example.com/hook?x=1", "http://93.184.215.14:8080/", "https://[2606:4700::1111]/"] {
            assert!(WebhookUrl::parse(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn credentials_are_taken_out_of_a_url_and_decoded() {
        let split = |text: &str| WebhookUrl::parse(text, false).map(|it| (it.as_str().to_owned(), it.userinfo));
        let with = |username: &str, password: &str| {
            Some(Userinfo { username: username.to_owned(), password: password.to_owned() })
        };
        for (text, url, userinfo) in [
            ("https://u:secret@example.com/h", "https://example.com/h", with("u", "secret")),
            ("https://token@example.com/", "https://example.com/", with("token", "")),
            ("https://:pw@example.com/", "https://example.com/", with("", "pw")),
            ("https://a%40b:p%3a%2f%C3%A9@example.com/?q#f", "https://example.com/?q#f", with("a@b", "p:/é")),
            ("https://u:p@q@example.com/", "https://example.com/", with("u", "p@q")),
            ("HTTPS:\\\\u:p@example.com", "https://example.com/", with("u", "p")),
            ("https://example.com/@u:p", "https://example.com/@u:p", None),
            ("https://@example.com/", "https://example.com/", None),
        ] {
            assert_eq!(split(text), Ok((url.to_owned(), userinfo)), "{text}");
        }
        let long = format!("https://{}@example.com/", "u".repeat(257));
        for text in ["https://a%3Ab:p@example.com/", "https://u:%0a@example.com/", "https://%ff@example.com/", &long] {
            assert!(split(text).is_err(), "{text}");
        }
        let debugged = format!("{:?}", WebhookUrl::parse("https://user:secret@example.com/", false));
        assert!(!debugged.contains("secret") && !debugged.contains("user:"), "{debugged}");
    }

    #[tokio::test]
    async fn a_name_is_refused_for_what_it_resolves_to() {
        // Every machine has this name; by its notation alone it is refused, too.
        assert!(leads_inside("localhost", 80, false).await);
        assert!(!leads_inside("no-such-name.invalid", 80, false).await);
    }

    #[tokio::test]
    async fn a_runner_that_is_told_to_takes_its_own_machine_and_nothing_else_that_is_private() {
        for url in ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"] {
            assert!(WebhookUrl::parse(url, true).is_ok(), "{url}");
        }
        assert!(!leads_inside("localhost", 80, true).await);
        for url in ["http://10.0.0.1/", "http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/"] {
            assert!(WebhookUrl::parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn private_ones_are_refused_in_any_notation() {
        for url in [
            "ftp://example.com",
            "example.com/hook",
            "http://",
            "http://localhost/",
            "http://a.localhost./",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[::127.0.0.1]/",
            "http://１２７.0.0.1/",
        ] {
            assert!(WebhookUrl::parse(url, false).is_err(), "{url}");
        }
    }
}
