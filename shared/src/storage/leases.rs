//! Leases: whoever sends a stored delivery claims it for as long as one attempt may take. After a crash another sender
//! takes over.

use std::time::Duration;

use dynamo::value::{Item, from_item, n, s};
use dynamo::{Conditional, Table, Update, attr};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::{hex, random};

/// Longer than one attempt with its bookkeeping; afterwards the sender counts as dead.
const LEASE: Duration = Duration::from_secs(30);

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::storage) enum State {
    Pending,
    Delivered,
    Failed,
    /// There is nowhere to send it any more.
    Dropped,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// The attributes of a delivery that decide who may send it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    state: State,
    next_attempt_at: Timestamp,
    lease_until: Option<Timestamp>,
}

/// The right to send a delivery.
pub struct Lease(String);

impl Lease {
    /// Its value in the table.
    pub(in crate::storage) fn id(&self) -> &str {
        &self.0
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// The next attempt is due then.
    Again(Timestamp),
    Failed,
    /// There is nowhere to send it any more.
    Dropped,
}

/// The result of claiming a delivery.
pub(in crate::storage) enum Claimed {
    /// The caller holds the delivery until the lease expires.
    Yours(Item, Lease),
    /// It is not due yet: claim it again after this time.
    Early(Duration),
    /// Another sender holds it, at most for this time.
    Leased(Duration),
    Ended(State),
    Gone,
}

/// Claims a delivery that is due, by this update of it.
pub(in crate::storage) async fn claim(table: &Table, update: Update, now: Timestamp) -> Result<Claimed, Error> {
    let lease = hex::encode(&random::bytes::<16>());
    let is_free = attr("leaseUntil").absent().or(attr("leaseUntil").le(s(now))).or(attr("lease").eq(s(&lease)));
    let update = update
        .set("lease", s(&lease))
        .set("leaseUntil", s(now.plus(LEASE)))
        .when(attr("state").eq(s(State::Pending.word())))
        .when(attr("nextAttemptAt").le(s(now)))
        .when(is_free);
    let missed: Progress = match update.send_item(table).await? {
        Conditional::Applied(item) => return Ok(Claimed::Yours(item, Lease(lease))),
        Conditional::Refused(None) => return Ok(Claimed::Gone),
        Conditional::Refused(Some(item)) => from_item(item)?,
    };
    Ok(match (missed.state, missed.lease_until) {
        (State::Pending, Some(until)) if until > now => Claimed::Leased(now.until(until.max(missed.next_attempt_at))),
        (State::Pending, _) => Claimed::Early(now.until(missed.next_attempt_at)),
        (state, _) => Claimed::Ended(state),
    })
}

/// The update that puts a delivery off until it is due again, on the condition that the lease is still valid.
pub(in crate::storage) fn postpone(update: Update, lease: Lease, until: Timestamp) -> Update {
    update
        .set("state", s(State::Pending.word()))
        .set("nextAttemptAt", s(until))
        .set("attempts", n(0))
        .remove("lease")
        .remove("leaseUntil")
        .when(attr("lease").eq(s(lease.0)))
}

/// The update that records how an attempt ended, on the condition that the lease is still valid.
pub(in crate::storage) fn finish(update: Update, lease: Lease, outcome: Outcome, now: Timestamp) -> Update {
    let (state, next) = match outcome {
        Outcome::Delivered => (State::Delivered, now),
        Outcome::Again(next) => (State::Pending, next),
        Outcome::Failed => (State::Failed, now),
        Outcome::Dropped => (State::Dropped, now),
    };
    update
        .set("state", s(state.word()))
        .set("nextAttemptAt", s(next))
        .increase("attempts", n(1))
        .remove("lease")
        .remove("leaseUntil")
        .when(attr("lease").eq(s(lease.0)))
}
