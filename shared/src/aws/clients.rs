//! The SDK's clients: one HTTPS client for all of them, TLS roots compiled in, bounded in time.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::ReconnectMode;
use memchr::memmem::Finder;
use rustls::pki_types::CertificateDer;

use crate::aws::https_client::HttpsClient;
use crate::aws::{AwsSettings, Lazy};
use crate::telemetry::cost::{CostInterceptor, S3CallCounter};

/// Clients of the three engines; clones share their connections. Every call needs the table, few
/// need the others, and making a client is a good part of a function's start.
#[derive(Clone)]
pub struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub s3: Lazy<aws_sdk_s3::Client>,
    pub sqs: Lazy<aws_sdk_sqs::Client>,
}

/// What all calls of a deployed function share.
#[derive(Clone)]
pub struct Connection {
    pub(super) https: HttpsClient,
    pub(super) credentials: SharedCredentialsProvider,
}

impl Connection {
    /// The HTTPS client and the credentials, as Lambda's environment says.
    pub fn new(aws: &AwsSettings) -> Self {
        let https = HttpsClient::new(Roots::of_region(&aws.region).certificates(), CONNECT_TIMEOUT);
        let credentials = match aws.asks_for_credentials {
            true => {
                let sleep = SharedAsyncSleep::new(TokioSleep::new());
                let ours = ProviderConfig::empty().with_http_client(https.clone()).with_sleep_impl(sleep);
                SharedCredentialsProvider::new(EcsCredentialsProvider::builder().configure(&ours).build())
            }
            false => SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()),
        };
        Self { https, credentials }
    }

    /// The same with fixed credentials, for emulators.
    pub fn with_keys(region: &str, access_key: &str, secret_key: &str) -> Self {
        let https = HttpsClient::new(Roots::of_region(region).certificates(), CONNECT_TIMEOUT);
        let credentials = Credentials::new(access_key, secret_key, None, None, "fixed");
        Self { https, credentials: SharedCredentialsProvider::new(credentials) }
    }
}

/// Engines that are not AWS's: emulators, or the ones embedded in the local runner.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
    pub sqs: String,
    pub access_key: String,
    pub secret_key: String,
    /// What takes the requests to engines in this process, where no connection leads to them.
    pub in_process: Option<SharedHttpClient>,
}

impl Clients {
    /// Those of a deployed function.
    pub fn deployed(aws: &AwsSettings, connection: &Connection) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new(aws.region.clone()))
            .credentials_provider(connection.credentials.clone())
            .http_client(connection.https.clone())
            .timeout_config(timeouts(1))
            .retry_config(retries())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            // AWS refuses calls whose time is wrong by more than five minutes. That is to stop a function whose clock is
            // wrong; corrected signatures would let it expire what is not due.
            .disable_clock_skew_correction(true)
            .build();
        Self::with(&config, [&aws.dynamodb, &aws.s3, &aws.sqs].map(Option::as_deref), aws.s3.is_some())
    }

    /// Those of a person's program: region, credentials and endpoints wherever the SDK looks.
    pub async fn from_env() -> Self {
        let config = loader(1).load().await;
        let path_style = config.endpoint_url().is_some();
        Self::with(&config, [None; 3], path_style)
    }

    pub async fn at(endpoints: &Endpoints) -> Self {
        let credentials = Credentials::new(&endpoints.access_key, &endpoints.secret_key, None, None, "fixed");
        let urls = [&endpoints.dynamodb, &endpoints.s3, &endpoints.sqs].map(|it| Some(it.as_str()));
        let config = loader(EMULATOR_TIMEOUT_FACTOR).region(Region::new("us-east-1"));
        let Some(http) = &endpoints.in_process else {
            return Self::with(&config.credentials_provider(credentials).load().await, urls, true);
        };
        // There is no connection that a failed call could spoil.
        let retries = retries().with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        // Nor one that could stall.
        let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let config = config.http_client(http.clone()).retry_config(retries).no_credentials().load().await;
        let mut builders = Builders::with(&config, urls, true);
        // Signatures would tell this process who it is; only S3's URLs leave it.
        builders.dynamodb.set_allow_no_auth();
        builders.sqs.set_allow_no_auth();
        builders.s3 = builders.s3.credentials_provider(credentials);
        builders.build()
    }

    fn with(config: &SdkConfig, urls: [Option<&str>; 3], path_style: bool) -> Self {
        Builders::with(config, urls, path_style).build()
    }
}

struct Builders {
    dynamodb: aws_sdk_dynamodb::config::Builder,
    s3: aws_sdk_s3::config::Builder,
    sqs: aws_sdk_sqs::config::Builder,
}

impl Builders {
    /// With the endpoints of DynamoDB, S3 and SQS, where the configuration does not say them.
    fn with(config: &SdkConfig, [dynamodb_url, s3_url, sqs_url]: [Option<&str>; 3], path_style: bool) -> Self {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(config).interceptor(CostInterceptor);
        let mut s3 = aws_sdk_s3::config::Builder::from(config)
            .interceptor(S3CallCounter)
            .force_path_style(path_style)
            .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired);
        let mut sqs = aws_sdk_sqs::config::Builder::from(config);
        // Not those that are absent: that would take away what the configuration itself says.
        if let Some(url) = dynamodb_url {
            dynamodb = dynamodb.endpoint_url(url);
        }
        if let Some(url) = s3_url {
            s3 = s3.endpoint_url(url);
        }
        if let Some(url) = sqs_url {
            sqs = sqs.endpoint_url(url);
        }
        Self { dynamodb, s3, sqs }
    }

    fn build(self) -> Clients {
        let Self { dynamodb, s3, sqs } = self;
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            s3: Lazy::new(move || aws_sdk_s3::Client::from_conf(s3.build())),
            sqs: Lazy::new(move || aws_sdk_sqs::Client::from_conf(sqs.build())),
        }
    }
}

/// An emulator shares its machine with its callers and may need this many times as long.
const EMULATOR_TIMEOUT_FACTOR: u32 = 3;

fn loader(timeout_factor: u32) -> ConfigLoader {
    let config = aws_config::defaults(behavior()).http_client(https(Roots::AndDigiCert, timeout_factor));
    config.timeout_config(timeouts(timeout_factor)).retry_config(retries())
}

fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The time for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// One attempt may hang for 3 s, a call with its retries for 10: well inside a request's time.
fn timeouts(timeout_factor: u32) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT * timeout_factor)
        .read_timeout(Duration::from_secs(3) * timeout_factor)
        .operation_timeout(Duration::from_secs(10) * timeout_factor)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(50))
}

fn https(roots: Roots, timeout_factor: u32) -> SharedHttpClient {
    SharedHttpClient::new(HttpsClient::new(roots.certificates(), CONNECT_TIMEOUT * timeout_factor))
}

/// Whose roots AWS's endpoints have, as their subjects say it. Reading all of Mozilla's would be
/// most of a function's start, and each one more is seen in it.
#[derive(Clone, Copy)]
enum Roots {
    /// Amazon Trust Services, and Starfield for older clients.
    Amazon,
    /// The same, and DigiCert: in China, in GovCloud, and wherever else a person's program may look.
    AndDigiCert,
}

impl Roots {
    fn of_region(region: &str) -> Self {
        let apart = ["cn-", "us-gov-"].iter().any(|partition| region.starts_with(partition));
        if apart { Self::AndDigiCert } else { Self::Amazon }
    }

    fn authorities(self) -> &'static [&'static str] {
        match self {
            Self::Amazon => &["Amazon Root CA", "Starfield Services Root"],
            Self::AndDigiCert => &["Amazon Root CA", "Starfield Services Root", "DigiCert"],
        }
    }

    fn certificates(self) -> impl Iterator<Item = CertificateDer<'static>> {
        let names: Vec<Finder<'_>> = self.authorities().iter().map(Finder::new).collect();
        let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        certificates.filter(move |it| names.iter().any(|name| name.find(it).is_some())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;

    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_roots_of_aws_are_there_and_few_others() {
        let count = |roots: Roots| roots.certificates().count();
        // Amazon has four, Starfield one for services, DigiCert a dozen.
        assert_eq!(count(Roots::of_region("eu-central-1")), 5);
        assert!((8..=20).contains(&count(Roots::of_region("cn-north-1"))));
    }

    #[test]
    fn a_deployed_function_signs_with_its_own_time() {
        let (region, asks_for_credentials) = ("eu-central-1".to_owned(), false);
        let aws =
            AwsSettings { region, dynamodb: None, s3: None, sqs: None, ssm: None, ses: None, asks_for_credentials };
        let clients = Clients::deployed(&aws, &Connection::new(&aws));
        assert_eq!(clients.dynamodb.config().disable_clock_skew_correction(), Some(true));
    }

    #[test]
    fn what_is_made_later_is_made_once_for_all_clones() {
        let made = Arc::new(AtomicU32::new(0));
        let counted = made.clone();
        let later = Lazy::new(move || counted.fetch_add(1, Relaxed));
        let copy = later.clone();
        assert_eq!(made.load(Relaxed), 0);
        assert_eq!((*later, *copy), (0, 0));
        assert_eq!(made.load(Relaxed), 1);
    }
}
