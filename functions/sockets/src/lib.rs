//! Socket.IO on an API Gateway WebSocket API. The gateway holds the connections; this function answers the frames of
//! clients, and sends what a change of the table means to those who watch the channel.
//!
//! - `client`: what the gateway says of one connection: its beginning, a frame, its end
//! - `broadcast`: batches of the table's stream
//! - `connection`: frames to clients; a client that is gone is removed at the first 410
//! - `truncated`: events that fit a message of the gateway
//!
//! The function `expiry` pings the clients.

mod broadcast;
mod client;
mod connection;
mod truncated;

use aws_lambda_events::event::dynamodb;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::http::App;
use shared::iam::Permission;

pub use client::GatewayEvent;
pub use connection::MAX_FRAME_BYTES;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:BatchWriteItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Sockets("execute-api:ManageConnections"),
];

/// What invokes this function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    Gateway(Box<GatewayEvent>),
    Stream(dynamodb::Event),
}

/// Handles an event and gives the response to it. Nothing is repeated: an event reaches a connection at most once.
pub async fn handle(app: &App, event: Incoming) -> Value {
    match event {
        Incoming::Gateway(event) => json!({ "statusCode": Box::pin(client::handle(app, *event)).await }),
        Incoming::Stream(batch) => {
            Box::pin(broadcast::handle(app, batch)).await;
            json!({ "batchItemFailures": [] })
        }
    }
}
