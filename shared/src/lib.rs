//! What the functions share.
//!
//! - [`app`]: the state of every router; how a function starts
//! - [`http`]: what surrounds every router: error bodies, request ids, the log line
//! - [`cors`]: which scripts of other sites may call; [`normal_path`]: paths with too many slashes
//! - [`call_log`]: what people can look up of their agents' calls
//! - [`auth`], [`extract`] (with `upload`): extractors: who calls, and what they sent
//! - [`site`], [`origin`]: at which hosts the service answers; where a request was sent, and from which page
//! - [`body`]: reading a request's body within bounds
//! - [`form_data`], [`media_type`], [`charset`]: what an uploaded file is called, of which type it is, and
//!   what its text says
//! - [`input`]: reading JSON and queries so that one answer names everything wrong
//! - [`models`], [`review`]: what clients send and see; what reviews ask and which answers fit
//! - [`storage`]: the table and the bucket; whose data it is comes first in every call
//! - [`waiting`]: holding a caller until something changes
//! - [`limits`]: what keeps one caller from stopping the others
//! - [`outbound`]: calls to hosts that strangers named
//! - [`webhook`]: one try of bringing an event to an agent's webhook
//! - [`queue`]: deliveries that wait to be sent
//! - [`permissions`]: what each function may do in AWS
//! - [`error`]: the one table of refusals
//! - [`search`]: comparing texts as people search them
//! - [`ids`], [`secrets`], [`sealed`], [`server_secret`], [`share_link`], [`device_cookie`],
//!   [`clock`], [`json`], [`image`], [`webhook_url`], [`webhook_secret`]: small types with rules
//! - [`openapi`]: what the generated document says of them
//! - [`config`]: the only reader of the environment; [`logs`], [`meter`]: what is told of requests

pub mod app;
pub mod auth;
pub mod body;
pub mod call_log;
pub mod charset;
pub mod clock;
pub mod config;
pub mod cors;
pub mod device_cookie;
pub mod error;
pub mod extract;
pub mod form_data;
pub mod http;
pub mod ids;
pub mod image;
pub mod input;
pub mod json;
pub mod limits;
pub mod logs;
pub mod media_type;
pub mod meter;
pub mod models;
pub mod normal_path;
pub mod openapi;
pub mod origin;
pub mod outbound;
pub mod permissions;
pub mod queue;
pub mod review;
pub mod routes;
pub mod sealed;
pub mod search;
pub mod secrets;
pub mod server_secret;
pub mod share_link;
pub mod site;
pub mod storage;
mod upload;
pub mod waiting;
pub mod webhook;
pub mod webhook_secret;
pub mod webhook_url;
