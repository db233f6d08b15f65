//! Clients of AWS services.
//!
//! - [`clients`]: the SDK's clients, created once per process; [`lazy`]: those created on first use
//! - `https_client`: the HTTPS client that the SDK uses
//! - [`parameter_store`]: reads a parameter of the Systems Manager
//! - [`ses`]: sends e-mails to people
//! - [`queue`]: the queue of deliveries
//! - [`socket_gateway`]: the connections of a WebSocket API; `signed_request`: calls without an SDK

pub mod clients;
mod https_client;
pub mod lazy;
pub mod parameter_store;
pub mod queue;
pub mod ses;
mod signed_request;
pub mod socket_gateway;

pub use clients::{Clients, Connection, Endpoints};
pub use lazy::Lazy;
pub use socket_gateway::{Reached, SocketGateway};

/// Where a deployed function finds AWS, from Lambda's environment alone. Probing other sources
/// (profiles, the instance metadata service) would slow down every cold start.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// `AWS_REGION`
    pub region: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, `..._S3`, `..._SQS`, `..._SSM`, or `AWS_ENDPOINT_URL` for each: emulators.
    pub dynamodb: Option<String>,
    pub s3: Option<String>,
    pub sqs: Option<String>,
    pub ssm: Option<String>,
    /// `AWS_ENDPOINT_URL_SESV2`
    pub ses: Option<String>,
    /// Credentials come from a URL (`AWS_CONTAINER_CREDENTIALS_FULL_URI`), where an environment
    /// outlives them, rather than from `AWS_ACCESS_KEY_ID` and its companions.
    pub asks_for_credentials: bool,
}
