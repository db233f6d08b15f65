//! Failures of calls to other hosts.

use crate::error::Error;

/// Why a call failed. No variant reveals more than the caller may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFailure {
    #[error("leads to a private address")]
    Private,
    #[error("has a name that cannot be resolved")]
    UnknownHost,
    #[error("refused the connection")]
    Refused,
    #[error("cannot be reached")]
    Unreachable,
    #[error("reset the connection")]
    Reset,
    #[error("does not speak TLS on this port")]
    NoTls,
    #[error("failed the TLS handshake")]
    TlsFailed,
    #[error("presents an expired certificate")]
    CertificateExpired,
    #[error("presents a certificate that is not valid yet")]
    CertificateNotYetValid,
    #[error("presents a certificate for another name")]
    CertificateOfAnotherName,
    #[error("presents a certificate that is not trusted: it is self-signed, or its issuer is unknown")]
    CertificateNotTrusted,
    #[error("took too long to answer")]
    TimedOut,
    #[error("ended its response early, or sent invalid HTTP")]
    Broken,
    #[error("sent a response that is too large")]
    TooLarge,
}

impl UpstreamFailure {
    /// The error for a caller who gave the `url` and waits for the response.
    pub fn refusal(self) -> Error {
        match self {
            Self::Private => Error::field(["url".into()], "private_address", "url leads to a private address"),
            other => Error::UpstreamFailed(other),
        }
    }
}
