//! Whether a notification is sent now, later or never, by what its person prefers and has seen by now.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::delivery::retries;
use shared::models::notifications::NotificationSurface;
use shared::models::{Review, ReviewStatus};
use shared::review::{Act, Risk};
use shared::storage::{DeliveryOutcome as Outcome, Notification, NotificationContext};

/// When a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    Now,
    /// Quiet hours last until then.
    Later(Timestamp),
    Never,
}

/// When a claimed notification is sent.
pub fn of(of: &Notification, context: &NotificationContext, now: Timestamp) -> Timing {
    if of.is_digest() {
        let at = context.preferences.after_quiet_hours(now, Risk::Low);
        return if at > now { Timing::Later(at) } else { Timing::Now };
    }
    let Some(review) = pending(context) else {
        // What became of a request replaces its push message, and needs none if nothing can have been sent.
        let is_replaced = of.surface() == NotificationSurface::Push && !of.is_first_attempt();
        return if is_replaced { Timing::Now } else { Timing::Never };
    };
    let (preferences, risk) = (&context.preferences, Act::notified_risk(review.action.as_ref()));
    let on_surface = preferences.on(of.surface());
    let is_seen = on_surface.delay_seconds() > 0 && of.is_first_attempt() && review.seen_at.is_some();
    if context.is_muted || is_seen || !on_surface.admits(risk) {
        return Timing::Never;
    }
    match preferences.after_quiet_hours(now, risk) {
        // Expiry follows within a minute, and replaces what was sent before.
        at if at >= review.expires_at => Timing::Never,
        at if at > now => Timing::Later(at),
        _ => Timing::Now,
    }
}

/// When the person is reminded of a request that a first notification is sent of, unless it has expired by then.
pub fn reminder(of: &Notification, context: &NotificationContext, now: Timestamp) -> Option<Timestamp> {
    let review = pending(context).filter(|_| !of.has_reminder)?;
    let span = Duration::from_secs(context.preferences.remind_after_seconds?.into());
    Some(now.plus(span)).filter(|at| *at < review.expires_at)
}

/// The next attempt after one that failed. Nothing is attempted once it would be of no use.
pub fn again(of: &Notification, useful: Duration, retry_after: Option<Duration>, now: Timestamp) -> Outcome {
    match retries::next_delay(of.attempts, retry_after) {
        Some(delay) if delay < useful => Outcome::Again(now.plus(delay)),
        Some(_) => Outcome::Dropped,
        None => Outcome::Failed,
    }
}

/// The request, while nobody has decided it.
pub fn pending(context: &NotificationContext) -> Option<&Review> {
    let review = context.message.as_ref()?.review.as_ref()?;
    (review.status == ReviewStatus::Pending).then_some(review)
}
