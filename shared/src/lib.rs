//! What the functions share.
//!
//! - [`app`]: the state of every router; how a function starts
//! - [`http`]: what surrounds every router: error bodies, request ids, the log line
//! - [`cors`]: which scripts of other sites may call; [`normal_path`]: paths with too many slashes
//! - [`call_log`]: what people can look up of their agents' calls
//! - [`auth`], [`extract`]: extractors: who calls, and what they sent
//! - [`input`]: reading JSON and queries so that one answer names everything wrong
//! - [`models`], [`review`]: what clients send and see; what reviews ask and which answers fit
//! - [`storage`]: the table and the bucket; whose data it is comes first in every call
//! - [`waiting`]: holding a caller until something changes
//! - [`outbound`]: calls to hosts that strangers named
//! - [`webhook`]: one try of bringing an event to an agent's webhook
//! - [`queue`]: deliveries that wait to be sent
//! - [`permissions`]: what each function may do in AWS
//! - [`error`]: the one table of refusals
//! - [`ids`], [`secrets`], [`sealed`], [`server_secret`], [`share_link`], [`clock`], [`json`],
//!   [`image`], [`webhook_url`], [`webhook_secret`]: small types with rules
//! - [`openapi`]: what the generated document says of them
//! - [`config`]: the only reader of the environment; [`logs`], [`meter`]: what is told of requests

pub mod app;
pub mod auth;
pub mod call_log;
pub mod clock;
pub mod config;
pub mod cors;
pub mod error;
pub mod extract;
pub mod http;
pub mod ids;
pub mod image;
pub mod input;
pub mod json;
pub mod logs;
pub mod meter;
pub mod models;
pub mod normal_path;
pub mod openapi;
pub mod outbound;
pub mod permissions;
pub mod queue;
pub mod review;
pub mod sealed;
pub mod secrets;
pub mod server_secret;
pub mod share_link;
pub mod storage;
pub mod waiting;
pub mod webhook;
pub mod webhook_secret;
pub mod webhook_url;
