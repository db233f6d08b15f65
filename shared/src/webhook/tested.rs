//! How the receiver of a test event answered.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::webhook::{Answer, Target};

/// Of an answer's body, in characters.
const MAX_BODY: usize = 500;

/// How the receiver of a test event answered
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTested {
    /// It answered with a 2xx within 10 s
    delivered: bool,
    /// Null when there was no answer
    #[schema(minimum = 100, maximum = 999, example = 200)]
    status: Option<u16>,
    #[schema(example = 120)]
    duration_ms: u64,
    /// The first 500 characters of the answer, the webhook's own secrets masked
    body: Option<String>,
    /// Why there was no answer, or where to a redirect leads that is not followed
    #[schema(example = "refused the connection")]
    error: Option<String>,
}

impl WebhookTested {
    /// What came back.
    pub fn of(answer: &Answer, target: &Target, took: Duration) -> Self {
        let (status, body) = match answer {
            Answer::Http { status, body, .. } => {
                let text = target.masked(String::from_utf8_lossy(body).into_owned());
                (Some(*status), Some(text.chars().take(MAX_BODY).collect()))
            }
            Answer::None(_) => (None, None),
        };
        Self {
            delivered: status.is_some_and(|it| it.is_success()),
            status: status.map(|it| it.as_u16()),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            body,
            error: answer.failure(target),
        }
    }
}
