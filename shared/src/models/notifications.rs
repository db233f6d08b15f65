//! How a person wants to be notified: of all agents, and of one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::models::Change;
use crate::models::quiet_hours::QuietHours;
use crate::review::Risk;
use crate::validation::{FromObject, JsonObject};

/// The longest delay of a notification, in seconds.
const MAX_SECONDS: u32 = 24 * 3600;
const MIN_REMINDER: u64 = 60;

/// How a person is notified of requests
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(default = json!({}))]
pub struct NotificationPreferences {
    /// By push messages to browsers
    #[schema(required = true)]
    pub push: SurfacePreferences,
    /// By e-mail to the address of the account
    #[schema(required = true)]
    pub email: SurfacePreferences,
    /// By the person's webhook
    #[schema(required = true)]
    pub webhook: SurfacePreferences,
    /// Why e-mails have ended; null if they have not, or were turned on again
    #[schema(required = true)]
    pub email_ended: Option<EmailEnd>,
    /// When nothing notifies
    #[schema(required = true)]
    pub quiet_hours: Option<QuietHours>,
    /// After how many seconds without an answer each surface notifies once more, exact to a minute; null for never
    #[schema(required = true, minimum = 60, maximum = 86400)]
    pub remind_after_seconds: Option<u32>,
}

impl NotificationPreferences {
    /// Whether any surface is on.
    pub fn is_any_enabled(&self) -> bool {
        NotificationSurface::ALL.into_iter().any(|surface| self.on(surface).enabled)
    }

    /// What the person prefers on one surface.
    pub fn on(&self, surface: NotificationSurface) -> &SurfacePreferences {
        match surface {
            NotificationSurface::Push => &self.push,
            NotificationSurface::Email => &self.email,
            NotificationSurface::Webhook => &self.webhook,
        }
    }

    /// The preferences for requests of one agent.
    pub fn of_agent(self, agent: &AgentNotifications) -> Self {
        let mut email = self.email.of_agent(&agent.email);
        email.enabled &= self.email_ended.is_none();
        Self { push: self.push.of_agent(&agent.push), email, webhook: self.webhook.of_agent(&agent.webhook), ..self }
    }

    /// When a request of this risk may notify that would do so at `at`: then, or when quiet hours end.
    pub fn after_quiet_hours(&self, at: Timestamp, risk: Risk) -> Timestamp {
        self.quiet_hours.as_ref().map_or(at, |quiet| quiet.passed(at, risk))
    }
}

/// Why, and when, the e-mails to a person have ended
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmailEnd {
    pub reason: EmailEndReason,
    pub at: Timestamp,
}

/// What ends the e-mails to a person
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmailEndReason {
    /// The address takes no e-mails
    Bounced,
    /// Somebody marked one as spam
    Complained,
    /// The link or the button in an e-mail was used
    Unsubscribed,
}

/// Where a person is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationSurface {
    Push,
    Email,
    Webhook,
}

impl NotificationSurface {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Push, Self::Email, Self::Webhook];
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
    /// After how many seconds a request notifies that nobody has opened by then, exact to a minute; null for at once
    #[schema(required = true, minimum = 0, maximum = 86400)]
    pub after_seconds: Option<u32>,
    /// Whether the question is in the notification; otherwise it only says which agent asks
    #[schema(required = true)]
    pub show_content: bool,
}

impl Default for SurfacePreferences {
    fn default() -> Self {
        Self { enabled: false, min_risk: None, after_seconds: None, show_content: true }
    }
}

impl SurfacePreferences {
    /// Whether a request of this risk notifies.
    pub fn admits(&self, risk: Risk) -> bool {
        self.enabled && self.min_risk.is_none_or(|min| risk >= min)
    }

    /// For how many seconds a request waits for somebody to open it.
    pub fn delay_seconds(&self) -> u32 {
        self.after_seconds.unwrap_or(0)
    }

    fn of_agent(self, agent: &AgentSurface) -> Self {
        Self {
            enabled: agent.enabled.unwrap_or(self.enabled),
            min_risk: agent.min_risk.or(self.min_risk),
            after_seconds: agent.after_seconds.or(self.after_seconds),
            show_content: self.show_content,
        }
    }
}

/// How a person is notified of one agent's requests: what is null is as for all agents
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(default = json!({}))]
pub struct AgentNotifications {
    /// Until then, no request of the agent notifies; null if it is not muted
    #[schema(required = true)]
    pub muted_until: Option<Timestamp>,
    #[schema(required = true)]
    pub push: AgentSurface,
    #[schema(required = true)]
    pub email: AgentSurface,
    #[schema(required = true)]
    pub webhook: AgentSurface,
}

impl AgentNotifications {
    /// Whether a surface is on for the agent in particular.
    pub fn is_any_enabled(&self) -> bool {
        [&self.push, &self.email, &self.webhook].iter().any(|surface| surface.enabled == Some(true))
    }

    /// Whether nothing of the agent notifies now.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| now < until)
    }
}

/// What differs for one agent on one surface
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentSurface {
    #[schema(required = true)]
    pub enabled: Option<bool>,
    #[schema(required = true)]
    pub min_risk: Option<Risk>,
    #[schema(required = true, minimum = 0, maximum = 86400)]
    pub after_seconds: Option<u32>,
}

/// Changes of [`NotificationPreferences`]: what is absent stays as it is, null clears a member.
#[derive(Default, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchNotifications {
    pub push: Option<PatchSurface>,
    pub email: Option<PatchSurface>,
    pub webhook: Option<PatchSurface>,
    #[schema(value_type = Option<QuietHours>)]
    pub quiet_hours: Change<QuietHours>,
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 86400)]
    pub remind_after_seconds: Change<u32>,
}

/// Changes of [`SurfacePreferences`].
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchSurface {
    pub enabled: Option<bool>,
    #[schema(value_type = Option<Risk>)]
    pub min_risk: Change<Risk>,
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 86400)]
    pub after_seconds: Change<u32>,
    pub show_content: Option<bool>,
}

/// Changes of [`AgentNotifications`]: what is absent stays as it is, null is as for all agents.
#[derive(Default, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchAgentNotifications {
    /// Mutes the agent until then
    #[schema(value_type = Option<Timestamp>)]
    pub muted_until: Change<Timestamp>,
    /// The same, counted from now: at most 30 days
    #[schema(minimum = 60, maximum = 2592000)]
    pub mute_for_seconds: Option<u32>,
    pub push: Option<PatchAgentSurface>,
    pub email: Option<PatchAgentSurface>,
    pub webhook: Option<PatchAgentSurface>,
}

/// Changes of [`AgentSurface`].
#[derive(Default, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchAgentSurface {
    #[schema(value_type = Option<bool>)]
    pub enabled: Change<bool>,
    #[schema(value_type = Option<Risk>)]
    pub min_risk: Change<Risk>,
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 86400)]
    pub after_seconds: Change<u32>,
}

impl PatchNotifications {
    /// Whether the change turns e-mails on.
    pub fn turns_email_on(&self) -> bool {
        self.email.as_ref().is_some_and(|email| email.enabled == Some(true))
    }

    /// The preferences after the change.
    pub fn applied_to(&self, before: &NotificationPreferences) -> NotificationPreferences {
        let surface = |patch: &Option<PatchSurface>, before: &SurfacePreferences| {
            patch.as_ref().map_or_else(|| before.clone(), |patch| patch.applied_to(before))
        };
        NotificationPreferences {
            push: surface(&self.push, &before.push),
            email: surface(&self.email, &before.email),
            webhook: surface(&self.webhook, &before.webhook),
            email_ended: before.email_ended.filter(|_| !self.turns_email_on()),
            quiet_hours: self.quiet_hours.applied_to(before.quiet_hours.clone()),
            remind_after_seconds: self.remind_after_seconds.applied_to(before.remind_after_seconds),
        }
    }
}

impl PatchSurface {
    fn applied_to(&self, before: &SurfacePreferences) -> SurfacePreferences {
        SurfacePreferences {
            enabled: self.enabled.unwrap_or(before.enabled),
            min_risk: self.min_risk.applied_to(before.min_risk),
            after_seconds: self.after_seconds.applied_to(before.after_seconds),
            show_content: self.show_content.unwrap_or(before.show_content),
        }
    }
}

impl PatchAgentNotifications {
    /// What applies to the agent after the change.
    pub fn applied_to(&self, before: &AgentNotifications, now: Timestamp) -> AgentNotifications {
        let until = self.mute_for_seconds.map(|seconds| now.plus(std::time::Duration::from_secs(seconds.into())));
        let surface = |patch: &Option<PatchAgentSurface>, before: &AgentSurface| {
            patch.as_ref().map_or_else(|| before.clone(), |patch| patch.applied_to(before))
        };
        AgentNotifications {
            muted_until: until.or_else(|| self.muted_until.applied_to(before.muted_until)).filter(|until| now < *until),
            push: surface(&self.push, &before.push),
            email: surface(&self.email, &before.email),
            webhook: surface(&self.webhook, &before.webhook),
        }
    }
}

impl PatchAgentSurface {
    fn applied_to(&self, before: &AgentSurface) -> AgentSurface {
        AgentSurface {
            enabled: self.enabled.applied_to(before.enabled),
            min_risk: self.min_risk.applied_to(before.min_risk),
            after_seconds: self.after_seconds.applied_to(before.after_seconds),
        }
    }
}

impl FromObject for PatchNotifications {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let [push, email, webhook] = ["push", "email", "webhook"].map(|name| object.object(name));
        let quiet_hours = Change::member(object, "quietHours", |o, name| o.object::<QuietHours>(name));
        let remind_after_seconds =
            Change::member(object, "remindAfterSeconds", |o, name| seconds(o, name, MIN_REMINDER, MAX_SECONDS));
        Some(Self { push, email, webhook, quiet_hours, remind_after_seconds })
    }
}

impl FromObject for PatchSurface {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let PatchAgentSurface { enabled, min_risk, after_seconds } = PatchAgentSurface::from_object(object)?;
        let enabled = enabled.as_set().copied();
        let show_content = object.boolean("showContent");
        Some(Self { enabled, min_risk, after_seconds, show_content })
    }
}

impl FromObject for PatchAgentNotifications {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        const MAX_MUTE: u32 = 30 * 24 * 3600;
        let muted_until = Change::member(object, "mutedUntil", JsonObject::timestamp);
        let mute_for_seconds = seconds(object, "muteForSeconds", 60, MAX_MUTE);
        let [push, email, webhook] = ["push", "email", "webhook"].map(|name| object.object(name));
        Some(Self { muted_until, mute_for_seconds, push, email, webhook })
    }
}

impl FromObject for PatchAgentSurface {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let enabled = Change::member(object, "enabled", JsonObject::boolean);
        let min_risk = Change::member(object, "minRisk", |o, name| o.one_of(name, &Risk::WORDS));
        let after_seconds = Change::member(object, "afterSeconds", |o, name| seconds(o, name, 0, MAX_SECONDS));
        Some(Self { enabled, min_risk, after_seconds })
    }
}

/// A number of seconds from `min` to `max`.
fn seconds(object: &mut JsonObject<'_>, name: &str, min: u64, max: u32) -> Option<u32> {
    let seconds = object.integer(name, min)?;
    let fitting = u32::try_from(seconds).ok().filter(|seconds| *seconds <= max);
    if fitting.is_none() {
        object.problem(name, "too_large", format!("{name} may be at most {max}"));
    }
    fitting
}
