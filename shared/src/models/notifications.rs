//! How a person wants to be notified.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::Change;
use crate::review::Risk;
use crate::validation::{FromObject, JsonObject};

/// How a person is notified of requests
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(default = json!({}))]
pub struct NotificationPreferences {
    /// By push messages to browsers
    #[schema(required = true)]
    pub push: SurfacePreferences,
}

/// Whether and of what a person is notified on one surface
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SurfacePreferences {
    #[schema(required = true)]
    pub enabled: bool,
    /// The lowest risk of an act that notifies; null for every request. A request without an act counts as `medium`, an
    /// act that is not reversible as `high`.
    #[schema(required = true)]
    pub min_risk: Option<Risk>,
    /// Whether the question is in the notification; otherwise it only says which agent asks
    #[schema(required = true)]
    pub show_content: bool,
}

impl Default for SurfacePreferences {
    fn default() -> Self {
        Self { enabled: false, min_risk: None, show_content: true }
    }
}

impl SurfacePreferences {
    /// Whether a request of this risk notifies.
    pub fn admits(&self, risk: Risk) -> bool {
        self.enabled && self.min_risk.is_none_or(|min| risk >= min)
    }
}

/// Changes of [`NotificationPreferences`]: what is absent stays as it is, null clears a member.
#[derive(Default, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchNotifications {
    pub push: Option<PatchSurface>,
}

/// Changes of [`SurfacePreferences`].
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchSurface {
    pub enabled: Option<bool>,
    #[schema(value_type = Option<Risk>)]
    pub min_risk: Change<Risk>,
    pub show_content: Option<bool>,
}

impl PatchNotifications {
    /// The preferences after the change.
    pub fn applied_to(&self, before: &NotificationPreferences) -> NotificationPreferences {
        let mut after = before.clone();
        if let Some(push) = &self.push {
            after.push = push.applied_to(&before.push);
        }
        after
    }
}

impl PatchSurface {
    fn applied_to(&self, before: &SurfacePreferences) -> SurfacePreferences {
        SurfacePreferences {
            enabled: self.enabled.unwrap_or(before.enabled),
            min_risk: match self.min_risk {
                Change::Keep => before.min_risk,
                Change::Clear => None,
                Change::Set(risk) => Some(risk),
            },
            show_content: self.show_content.unwrap_or(before.show_content),
        }
    }
}

impl FromObject for PatchNotifications {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        Some(Self { push: object.object("push") })
    }
}

impl FromObject for PatchSurface {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let enabled = object.boolean("enabled");
        let min_risk = Change::member(object, "minRisk", |object, name| object.one_of(name, &Risk::WORDS));
        let show_content = object.boolean("showContent");
        Some(Self { enabled, min_risk, show_content })
    }
}
