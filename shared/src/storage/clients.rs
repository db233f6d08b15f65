//! The SDK's clients: one HTTPS client for both, TLS roots compiled in, bounded in time.

use std::fmt::Write;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem::find;
use rustls::pki_types::CertificateDer;

use crate::meter::Meter;

/// Clients of the three engines; clones share their connections.
#[derive(Clone, Debug)]
pub struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
}

/// Engines that are not AWS's: emulators, or the ones embedded in the local runner.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
    pub sqs: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Clients {
    /// Region, credentials and endpoints as the SDK finds them.
    pub async fn from_env() -> Self {
        let config = loader(1).load().await;
        let path_style = config.endpoint_url().is_some();
        Self::with(&config, None, path_style)
    }

    pub async fn at(endpoints: &Endpoints) -> Self {
        let credentials = Credentials::new(&endpoints.access_key, &endpoints.secret_key, None, None, "fixed");
        let config = loader(EMULATORS_PATIENCE).region(Region::new("us-east-1"));
        let config = config.credentials_provider(credentials).load().await;
        Self::with(&config, Some(endpoints), true)
    }

    fn with(config: &SdkConfig, endpoints: Option<&Endpoints>, path_style: bool) -> Self {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(config).interceptor(Meter);
        let mut s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(path_style)
            .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);
        let mut sqs = aws_sdk_sqs::config::Builder::from(config);
        if let Some(endpoints) = endpoints {
            sqs = sqs.endpoint_url(&endpoints.sqs);
            dynamodb = dynamodb.endpoint_url(&endpoints.dynamodb);
            s3 = s3.endpoint_url(&endpoints.s3);
        }
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        }
    }
}

/// An emulator shares its machine with whoever calls it, and may need this many times as long.
const EMULATORS_PATIENCE: u32 = 3;

/// One attempt may hang for 3 s, a call with its retries for 10: well inside a request's time.
fn loader(patience: u32) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2) * patience)
        .read_timeout(Duration::from_secs(3) * patience)
        .operation_timeout(Duration::from_secs(10) * patience)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(50)))
}

fn https() -> SharedHttpClient {
    let roots = TrustStore::empty().with_pem_certificate(root_certificates());
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // Only a context that we gave can be wrong; the system's roots are the other choice.
        Err(_) => builder.build_https(),
    }
}

/// Whose roots AWS's endpoints have, as their subjects say it: Amazon Trust Services, Starfield
/// for older clients, and DigiCert in some regions.
const AUTHORITIES: [&[u8]; 3] = [b"Amazon Root CA", b"Starfield Services Root", b"DigiCert"];

/// Their roots as PEM, the form that the client takes. Reading all of Mozilla's would be most of a
/// function's start.
fn root_certificates() -> String {
    let is_theirs =
        |certificate: &&CertificateDer<'_>| AUTHORITIES.iter().any(|name| find(certificate, name).is_some());
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(is_theirs).fold(String::new(), |mut pem, certificate| {
        let body = STANDARD.encode(certificate);
        // Writing to a String cannot fail.
        let _ = writeln!(pem, "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
        pem
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_aws_are_there_and_few_others() {
        let pem = root_certificates();
        let count = pem.matches("BEGIN CERTIFICATE").count();
        // Amazon has four, Starfield one for services, DigiCert a dozen.
        assert!((6..=20).contains(&count), "{count}");
    }
}
