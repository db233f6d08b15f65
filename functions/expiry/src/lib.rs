//! Runs every minute and processes what is due: expires reviews, sends notifications that had to wait, deletes unclaimed
//! files and objects, and continues deletions that were interrupted. `ping`: pings the clients of the WebSocket API.
//!
//! The shards of the index `due` are read concurrently, each oldest first: one query per shard if
//! nothing is due. Every action is conditional or idempotent, so a lagging index, two concurrent runs
//! and a run that is killed do no harm. Work that does not fit into one run is left for the next.

mod ping;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future, stream};
use serde::Serialize;
use shared::clock::Timestamp;
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::storage::keys::{self, DueWork};

/// A run starts no new work after this time. Work in progress may take 20 s (a deletion) and 10 s (a
/// storage call): the function needs a timeout of 60 s.
pub const TIME_BUDGET: Duration = Duration::from_secs(25);
/// How long after the time of its schedule a run may begin. What became due later is left for the next run.
const MAX_DELAY: Duration = Duration::from_secs(5 * 60);
/// How often the oldest pending review is reported. A report reads the keys of all pending reviews.
const PENDING_REPORT_MINUTES: i64 = 5;
/// How much work of one shard runs concurrently.
const MAX_CONCURRENCY: usize = 8;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// Reviews that this run expired.
    pub expired: usize,
    /// Files that no message had claimed.
    pub removed_files: usize,
    /// Deletions of agents, users and objects that this run continued.
    pub removals_finished: usize,
    /// Due items that this run had no time for; the next one continues with them.
    pub unfinished: usize,
    /// Due items whose processing failed; each is logged and due again at the next run.
    pub failed: usize,
}

impl SweepReport {
    fn plus(self, other: Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            removed_files: self.removed_files + other.removed_files,
            removals_finished: self.removals_finished + other.removals_finished,
            unfinished: self.unfinished + other.unfinished,
            failed: self.failed + other.failed,
        }
    }
}

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:BatchWriteItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "due"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Sockets("execute-api:ManageConnections"),
    Permission::Notifications("sqs:SendMessage"),
];

/// Processes what is due by the clock of `app`; nothing while that clock is in doubt. An error means that a shard could
/// not be read; the others were processed.
pub async fn handle(app: &App) -> Result<SweepReport, Error> {
    handle_scheduled(app, None).await
}

/// The same for a run of a schedule. A clock that is more than five minutes ahead of the time of the schedule is not
/// believed: that time comes from another clock.
pub async fn handle_scheduled(app: &App, scheduled: Option<Timestamp>) -> Result<SweepReport, Error> {
    if app.clock.is_in_doubt() {
        tracing::error!("nothing was swept: the clock jumped and is not confirmed yet");
        return Ok(SweepReport::default());
    }
    let now = app.clock.now();
    let latest = scheduled.map_or(now, |at| at.plus(MAX_DELAY));
    if now > latest {
        tracing::error!(
            seconds = latest.until(now).as_secs(),
            "the clock is too far ahead of the schedule: what became due since is left"
        );
    }
    sweep_all(app, now.min(latest), TIME_BUDGET).await
}

/// The same with another time budget. However short it is, each run makes progress.
pub async fn handle_with_budget(app: &App, time: Duration) -> Result<SweepReport, Error> {
    sweep_all(app, app.clock.now(), time).await
}

/// Processes what was due at `now` in all shards.
async fn sweep_all(app: &App, now: Timestamp, time: Duration) -> Result<SweepReport, Error> {
    let until = Instant::now() + time;
    let shards = keys::due_shards().map(|shard| sweep(app, shard, now, until));
    let swept = future::join_all(shards).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let swept = swept.into_iter().fold(SweepReport::default(), SweepReport::plus);
    tracing::info!(
        expired = swept.expired,
        removed_files = swept.removed_files,
        removals_finished = swept.removals_finished,
        unfinished = swept.unfinished,
        failed = swept.failed,
        "swept"
    );
    Ok(swept)
}

/// Whether the run of this minute also reports the oldest pending review: every fifth does.
pub fn reports_pending(now: Timestamp) -> bool {
    now.epoch_seconds() / 60 % PENDING_REPORT_MINUTES == 0
}

/// Logs how long the oldest pending review has waited, for the metric of that name. Zero if none is pending.
pub async fn report_pending(app: &App) -> Result<Duration, Error> {
    let shards: Vec<_> = keys::due_shards().collect();
    let oldest = future::try_join_all(shards.iter().map(|shard| app.store.oldest_pending(shard))).await?;
    let now = app.clock.now();
    let waited = oldest.into_iter().flatten().min().map_or(Duration::ZERO, |requested| requested.until(now));
    tracing::info!(oldest_pending_seconds = waited.as_secs(), "pending reviews");
    Ok(waited)
}

/// Processes one shard: quick work first, page by page, then deletions, each of which may take long.
/// Reviews do not wait for deletions.
async fn sweep(app: &App, shard: String, now: Timestamp, until: Instant) -> Result<SweepReport, Error> {
    let (mut swept, mut removals, mut from) = (SweepReport::default(), vec![], None);
    loop {
        let page = app.store.due(&shard, now, from).await?;
        let (slow, quick): (Vec<_>, Vec<_>) = page.work.into_iter().partition(DueWork::may_take_long);
        removals.extend(slow);
        swept = swept.plus(process_all(app, quick, until).await);
        from = page.next;
        if from.is_none() || Instant::now() >= until {
            break;
        }
    }
    Ok(swept.plus(process_all(app, removals, until).await))
}

async fn process_all(app: &App, work: Vec<DueWork>, until: Instant) -> SweepReport {
    let begun = work.into_iter().enumerate().map(|(index, work)| async move {
        // The first item of a page always starts, so that a run without time makes progress too.
        if index > 0 && Instant::now() >= until {
            return SweepReport { unfinished: 1, ..SweepReport::default() };
        }
        process(app, &work).await.unwrap_or_else(|err| report_failure(&work, &err))
    });
    let begun: Vec<_> = begun.collect();
    stream::iter(begun)
        .buffer_unordered(MAX_CONCURRENCY)
        .fold(SweepReport::default(), async |sum, one| sum.plus(one))
        .await
}

async fn process(app: &App, work: &DueWork) -> Result<SweepReport, Error> {
    let App { store, .. } = app;
    let none = SweepReport::default();
    Ok(match work {
        DueWork::Review(message, expires_at) => {
            SweepReport { expired: store.reviews().expire(*message, *expires_at).await?.into(), ..none }
        }
        DueWork::File(file) => {
            SweepReport { removed_files: store.files().delete_unclaimed(*file).await?.into(), ..none }
        }
        DueWork::Bytes(record) => {
            SweepReport { removals_finished: store.files().finish_cleanup(record).await?.into(), ..none }
        }
        DueWork::Agent(agent) => {
            store.agents().finish_deletion(*agent).await?;
            SweepReport { removals_finished: 1, ..none }
        }
        DueWork::User(user) => {
            store.accounts().finish_user_deletion(*user).await?;
            SweepReport { removals_finished: 1, ..none }
        }
        DueWork::Sign(message) => {
            store.reviews().delete_sign(*message).await?;
            none
        }
        DueWork::Socket(id) => {
            ping::run(app, id).await?;
            none
        }
        DueWork::Notification(reference) => {
            // A crash in between sends a second message, whose claim finds nothing to do.
            if app.notifications.is_set() {
                app.notifications.send_notification(reference).await?;
            }
            store.notifications().remove_due(reference).await?;
            none
        }
        DueWork::Unknown(key) => return Err(Error::internal(format!("unknown kind of due work: sk {}", key.sk))),
    })
}

fn report_failure(work: &DueWork, err: &Error) -> SweepReport {
    match err {
        // A deletion got as far as its time allowed.
        Error::StillRemoving => SweepReport { unfinished: 1, ..SweepReport::default() },
        Error::Unavailable(cause) | Error::Internal(cause) => {
            tracing::error!(?work, code = err.code(), cause = cause.as_str(), "due work failed");
            SweepReport { failed: 1, ..SweepReport::default() }
        }
        err => {
            tracing::error!(?work, code = err.code(), "due work failed");
            SweepReport { failed: 1, ..SweepReport::default() }
        }
    }
}
