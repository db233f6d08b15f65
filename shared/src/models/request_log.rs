//! The log of API calls.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, LogId, UserId};
use crate::validation::{FromParams, Params};

/// Which side made the call
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A call of this service
    Inbound,
    /// A webhook's delivery
    Outbound,
}

/// One call, with its secrets masked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    pub id: LogId,
    #[schema(example = "POST")]
    pub method: String,
    /// Without the query
    #[schema(example = "/api/v1/messages")]
    pub path: String,
    #[schema(minimum = 100, maximum = 599, example = 201)]
    pub status_code: u16,
    #[schema(example = 12)]
    pub duration_ms: u64,
    pub direction: Direction,
    /// The API key that made the call; null for a delivery, for a person's call, and for calls before keys were logged
    pub api_key_id: Option<ApiKeyId>,
    /// Its first characters
    #[schema(example = "hp_Zr8kQ2Lw")]
    pub api_key_prefix: Option<String>,
    /// The person who made the call: the log's own user, or an owner who changed their account; null for agents
    pub user_id: Option<UserId>,
    /// The name of that owner; null for what the user did
    pub user_name: Option<String>,
    /// JSON as text: secrets masked, long texts cut, 2 KiB of it at most
    #[schema(example = r#"{"text":"May I?"}"#)]
    pub request_body: Option<String>,
    /// As `requestBody`
    pub response_body: Option<String>,
    pub created_at: Timestamp,
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    pub data: Vec<LogEntry>,
    /// Give it as `cursor` to read on; null at the end
    pub next_cursor: Option<LogId>,
}

/// `GET /api/logs`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListLogs {
    #[param(value_type = Option<usize>, minimum = 1, maximum = 100, default = 50)]
    pub limit: usize,
    /// The `nextCursor` of the page before
    #[param(rename = "cursor", value_type = Option<String>)]
    pub before: Option<LogId>,
}

impl FromParams for ListLogs {
    fn from_params(params: &mut Params) -> Option<Self> {
        let limit = params.limit(50);
        let cursor = params.text("cursor").map(|text| text.parse());
        if let Some(Err(_)) = cursor {
            params.problem("cursor", "not_a_cursor", "cursor must be the nextCursor of an earlier page");
        }
        Some(Self { limit: limit?, before: cursor.and_then(Result::ok) })
    }
}
