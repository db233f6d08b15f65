//! Failures of calls to other hosts.

use crate::error::Error;

/// Why a call came to nothing. No variant tells more than the caller may know.
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
    #[error("could not agree on how to speak TLS")]
    TlsFailed,
    #[error("shows a certificate that has expired")]
    CertificateExpired,
    #[error("shows a certificate that is not valid yet")]
    CertificateNotYetValid,
    #[error("shows a certificate of another name")]
    CertificateOfAnotherName,
    #[error("shows a certificate that is not trusted: it is self-signed, or its issuer is unknown")]
    CertificateNotTrusted,
    #[error("took too long to answer")]
    TimedOut,
    #[error("broke off its answer, or sent what is no HTTP")]
    Broken,
    #[error("answered more than may be read")]
    TooLarge,
}

impl UpstreamFailure {
    /// What it means to somebody who wants the answer passed on, and gave its `url`.
    pub fn refusal(self) -> Error {
        match self {
            Self::Private => Error::field(["url".into()], "private_address", "url leads to a private address"),
            other => Error::UpstreamFailed(other),
        }
    }
}
