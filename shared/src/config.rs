//! Settings. Only this file reads the environment.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::aws::AwsSettings;
use crate::aws::parameter_store::UnreadableParameter;
use crate::http::cors::Cors;
use crate::limits::Settings;
use crate::secrets::{ServerSecret, ServerSecrets};
use crate::storage::HISTORY_LIFETIME;

/// The longest time a long poll may take: HTTP APIs end a request after 30 s, and the response needs some of it.
pub const MAX_WAIT: Duration = Duration::from_secs(29);

/// A setting that is absent or invalid. The function does not start.
#[derive(thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    #[error("the environment variable {0} is not {1}")]
    Invalid(&'static str, &'static str),
    #[error(transparent)]
    UnreadableParameter(#[from] UnreadableParameter),
    #[error("the parameter {0} is no list of secrets of at least 32 characters each")]
    InvalidParameter(String),
}

/// A function's `main` prints the error's `Debug`, so it is the readable sentence.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl AwsSettings {
    fn from_env() -> Result<Self, ConfigError> {
        let endpoint = |name| present(name).or_else(|| present("AWS_ENDPOINT_URL"));
        Ok(Self {
            region: required("AWS_REGION")?,
            dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            s3: endpoint("AWS_ENDPOINT_URL_S3"),
            sqs: endpoint("AWS_ENDPOINT_URL_SQS"),
            ssm: endpoint("AWS_ENDPOINT_URL_SSM"),
            ses: endpoint("AWS_ENDPOINT_URL_SESV2"),
            asks_for_credentials: present("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some(),
        })
    }
}

/// The settings of a deployed function.
#[derive(Clone, Debug)]
pub struct Config {
    pub aws: AwsSettings,
    /// `PLACET_TABLE`: the DynamoDB table's name.
    pub table: String,
    /// `PLACET_BUCKET`: the S3 bucket's name.
    pub bucket: String,
    /// `PLACET_MAX_WAIT_MS`: the longest a review wait holds, 1 to 29,000; 29,000 when unset.
    pub max_wait: Duration,
    /// `PLACET_HISTORY_DAYS`: how long the history of a decided act outlives its message; 400 days when unset.
    pub history_lifetime: Duration,
    /// See [`limits`].
    pub limits: Settings,
    /// Where the deployment's secrets are.
    pub secrets: SecretSource,
    /// `PLACET_CORS_ORIGINS`: origins whose scripts may call the agents' API, none when unset.
    pub cors: Cors,
    /// `PLACET_SOURCE_ADDRESSES`: `gateway` when the gateway sees the callers themselves, so that sign-ins are limited by
    /// their addresses; unset when something in front of it makes the requests.
    pub has_source_addresses: bool,
    /// `PLACET_QUEUE`: the URL of the queue of deliveries; only `events` and `webhooks` need it.
    pub queue: Option<String>,
    /// `PLACET_DEAD_LETTERS`: the URL of the dead-letter queue of deliveries; only `webhooks` needs it.
    pub dead_letters: Option<String>,
    /// `PLACET_SOCKETS`: the management endpoint of the WebSocket API, with its stage; unset where there is none.
    pub sockets: Option<String>,
    /// See [`plugins_directory`].
    pub plugins: Option<PathBuf>,
    /// `PLACET_NOTIFICATIONS`: the URL of the queue of notifications; unset in a deployment that sends none.
    pub notifications: Option<String>,
    /// `PLACET_FAILED_NOTIFICATIONS`: the URL of the dead-letter queue of notifications; only `notify` needs it.
    pub failed_notifications: Option<String>,
    /// `PLACET_MAIL_FROM`: the address that e-mails are sent from; unset in a deployment that sends none.
    pub mail_from: Option<String>,
    /// `PLACET_MAIL_CONFIGURATION_SET`: the configuration set of SES that reports bounces and complaints.
    pub mail_configuration_set: Option<String>,
    /// `PLACET_URL`: the address of the service, as its contact for push services.
    pub url: Option<String>,
}

/// Where a function finds the deployment's secrets: lists, separated by commas, of at least 32 characters each that
/// cannot be guessed. The first is the current one; those that it replaced follow.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A function that neither signs nor encrypts has none.
    None,
    /// `PLACET_SECRETS`: the list itself.
    Environment(ServerSecrets),
    /// `PLACET_SECRETS_PARAMETER`: the name of a `SecureString` of the Systems Manager, with its version.
    Parameter(String),
}

impl Config {
    /// Reads all settings of a deployed function.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            aws: AwsSettings::from_env()?,
            table: required("PLACET_TABLE")?,
            bucket: required("PLACET_BUCKET")?,
            max_wait: max_wait()?,
            history_lifetime: history_lifetime()?,
            limits: limits()?,
            secrets: secrets()?,
            cors: cors()?.unwrap_or_default(),
            has_source_addresses: source_addresses()?,
            queue: present("PLACET_QUEUE"),
            dead_letters: present("PLACET_DEAD_LETTERS"),
            sockets: present("PLACET_SOCKETS"),
            plugins: plugins_directory(),
            notifications: present("PLACET_NOTIFICATIONS"),
            failed_notifications: present("PLACET_FAILED_NOTIFICATIONS"),
            mail_from: present("PLACET_MAIL_FROM"),
            mail_configuration_set: present("PLACET_MAIL_CONFIGURATION_SET"),
            url: present("PLACET_URL"),
        })
    }

    /// The URL of the queue; an error for functions that cannot work without it.
    pub fn require_queue(&self) -> Result<&str, ConfigError> {
        self.queue.as_deref().ok_or(ConfigError::Missing("PLACET_QUEUE"))
    }

    /// The WebSocket API, for the function that cannot work without it.
    pub fn require_sockets(&self) -> Result<&str, ConfigError> {
        self.sockets.as_deref().ok_or(ConfigError::Missing("PLACET_SOCKETS"))
    }

    /// The dead-letter queue, for the function that cannot work without it.
    pub fn require_dead_letters(&self) -> Result<&str, ConfigError> {
        self.dead_letters.as_deref().ok_or(ConfigError::Missing("PLACET_DEAD_LETTERS"))
    }

    /// The queues of notifications, for the function that cannot work without them.
    pub fn require_notifications(&self) -> Result<(), ConfigError> {
        self.notifications.as_ref().ok_or(ConfigError::Missing("PLACET_NOTIFICATIONS"))?;
        self.failed_notifications.as_ref().ok_or(ConfigError::Missing("PLACET_FAILED_NOTIFICATIONS")).map(drop)
    }
}

/// The folder `plugins` beside a deployed function's program, if a deployment has put one there.
pub fn plugins_directory() -> Option<PathBuf> {
    let directory = PathBuf::from(present("LAMBDA_TASK_ROOT")?).join("plugins");
    directory.is_dir().then_some(directory)
}

/// The first owner of a local runner: `PLACET_OWNER_EMAIL` and `PLACET_OWNER_PASSWORD`, each
/// optional.
pub fn local_owner() -> (Option<String>, Option<String>) {
    (present("PLACET_OWNER_EMAIL"), present("PLACET_OWNER_PASSWORD"))
}

/// `PLACET_SMTP` of the local runner, for a URL whose password must not be in the list of processes.
pub fn smtp() -> Option<String> {
    present("PLACET_SMTP")
}

fn present(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &'static str) -> Result<String, ConfigError> {
    present(name).ok_or(ConfigError::Missing(name))
}

fn secrets() -> Result<SecretSource, ConfigError> {
    let name = "PLACET_SECRETS";
    if let Some(parameter) = present("PLACET_SECRETS_PARAMETER") {
        return Ok(SecretSource::Parameter(parameter));
    }
    let Some(list) = present(name) else { return Ok(SecretSource::None) };
    let secrets = ServerSecrets::parse(&list);
    secrets.map(SecretSource::Environment).ok_or(ConfigError::Invalid(name, "a list of at least 32 characters each"))
}

/// `PLACET_PREVIOUS_SECRETS` of the local runner: secrets that the file `secret` had before, separated by commas or
/// spaces. What they signed and encrypted is still accepted.
pub fn previous_secrets() -> Result<Vec<ServerSecret>, ConfigError> {
    let name = "PLACET_PREVIOUS_SECRETS";
    let list = present(name).unwrap_or_default();
    let texts = list.split([',', ' ', '\n']).filter(|text| !text.is_empty());
    let secret =
        |text| ServerSecret::new(text).ok_or(ConfigError::Invalid(name, "a list of at least 32 characters each"));
    texts.map(secret).collect()
}

fn source_addresses() -> Result<bool, ConfigError> {
    let name = "PLACET_SOURCE_ADDRESSES";
    match present(name).as_deref() {
        None => Ok(false),
        Some("gateway") => Ok(true),
        Some(_) => Err(ConfigError::Invalid(name, "gateway, or unset")),
    }
}

/// `PLACET_MAX_WAIT_MS`, which the local runner reads too.
pub fn max_wait() -> Result<Duration, ConfigError> {
    let name = "PLACET_MAX_WAIT_MS";
    let Some(text) = present(name) else { return Ok(MAX_WAIT) };
    let wait = text.parse().ok().map(Duration::from_millis);
    wait.filter(|wait| (Duration::from_millis(1)..=MAX_WAIT).contains(wait))
        .ok_or(ConfigError::Invalid(name, "a number of milliseconds from 1 to 29000"))
}

/// `PLACET_HISTORY_DAYS`, which the local runner reads too.
pub fn history_lifetime() -> Result<Duration, ConfigError> {
    let name = "PLACET_HISTORY_DAYS";
    let Some(text) = present(name) else { return Ok(HISTORY_LIFETIME) };
    let days = text.parse::<u64>().ok().filter(|days| (1..=36_500).contains(days));
    let days = days.ok_or(ConfigError::Invalid(name, "a number of days from 1 to 36500"))?;
    Ok(Duration::from_secs(days * 24 * 3600))
}

/// The limits of one caller; the defaults stand where the environment sets nothing:
/// `PLACET_MAX_REQUESTS_PER_SECOND` of one credential (a tenfold may come at once),
/// `PLACET_MAX_WAITS_PER_USER`, `PLACET_MAX_DELIVERIES_PER_CHANNEL`, and `PLACET_MAX_BODY_MEMORY_MIB`
/// of all bodies; `PLACET_STORED_GIB_PER_USER` of files.
pub fn limits() -> Result<Settings, ConfigError> {
    let usual = Settings::default();
    let rate = at_least_1("PLACET_MAX_REQUESTS_PER_SECOND", usual.requests_per_second)?;
    let waits = at_least_1("PLACET_MAX_WAITS_PER_USER", to_u32(usual.waits_per_user))?;
    let deliveries = at_least_1("PLACET_MAX_DELIVERIES_PER_CHANNEL", to_u32(usual.deliveries_per_channel))?;
    let memory = at_least_1("PLACET_MAX_BODY_MEMORY_MIB", to_u32(usual.body_memory / MIB))?;
    let stored = at_least_1("PLACET_STORED_GIB_PER_USER", u32::try_from(usual.stored_bytes / GIB).unwrap_or(u32::MAX))?;
    Ok(Settings {
        stored_bytes: u64::from(stored).saturating_mul(GIB),
        requests_per_second: rate,
        burst: rate.saturating_mul(10),
        waits_per_user: waits as usize,
        deliveries_per_channel: deliveries as usize,
        body_memory: (memory as usize).saturating_mul(MIB),
        ..usual
    })
}

const MIB: usize = 1024 * 1024;
const GIB: u64 = 1024 * 1024 * 1024;

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// `PLACET_MAX_CONNECTIONS`: how many connections the local runner has open at once.
pub fn max_connections() -> Result<usize, ConfigError> {
    at_least_1("PLACET_MAX_CONNECTIONS", 10_000).map(|count| count as usize)
}

fn at_least_1(name: &'static str, usual: u32) -> Result<u32, ConfigError> {
    let Some(text) = present(name) else { return Ok(usual) };
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or(ConfigError::Invalid(name, "a whole number from 1 to 1000000"))
}

/// `PLACET_CORS_ORIGINS`, which the local runner reads too; `None` when it is unset.
pub fn cors() -> Result<Option<Cors>, ConfigError> {
    let name = "PLACET_CORS_ORIGINS";
    let Some(list) = present(name) else { return Ok(None) };
    Cors::of(&list)
        .map(Some)
        .ok_or(ConfigError::Invalid(name, "* or a list of origins such as https://app.example.com"))
}
