//! Every minute: what is due is done. Reviews whose time has passed expire, files that nobody
//! claimed go, and removals that were cut short go on.
//!
//! The index `due` is read shard by shard, side by side, oldest first; where nothing is due, that
//! is one query for each. All that is done is conditional or can be repeated, so that an index
//! that lags, a second run at the same time, and a run that dies half-way do no harm. What one
//! run has no time for is due at the next.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future, stream};
use serde::Serialize;
use shared::clock::Timestamp;
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::storage::keys::{self, DueWork};

/// A run begins nothing new after this time. What it began may take the 20 s that a removal takes
/// at most, and one storage call's 10 s: the function needs 60 s.
pub const TIME: Duration = Duration::from_secs(25);
/// How much of one shard is done at once.
const SIDE_BY_SIDE: usize = 8;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Reviews that are expired because of this run.
    pub expired: usize,
    /// Files that no message had claimed.
    pub removed_files: usize,
    /// Removals of agents, users and bytes that this run looked after.
    pub removals_finished: usize,
    /// Due items for which this run had no time left: the next one goes on with them.
    pub unfinished: usize,
    /// Due items that could not be dealt with; each is logged, and due again at the next run.
    pub failed: usize,
}

impl Swept {
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

/// What this function does in AWS.
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
];

/// Does what is due by the clock of `app`. An error says that a shard could not be read; what is
/// due in the others was done.
pub async fn handle(app: &App) -> Result<Swept, Error> {
    handle_within(app, TIME).await
}

/// The same in a time of the caller's choice; however short, each run gets further.
pub async fn handle_within(app: &App, time: Duration) -> Result<Swept, Error> {
    let (now, until) = (app.clock.now(), Instant::now() + time);
    let shards = keys::due_shards().map(|shard| sweep(app, shard, now, until));
    let swept = future::join_all(shards).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let swept = swept.into_iter().fold(Swept::default(), Swept::plus);
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

/// One shard: what is quickly done first, page by page, then removals, each of which may take
/// long: a review does not wait for them.
async fn sweep(app: &App, shard: String, now: Timestamp, until: Instant) -> Result<Swept, Error> {
    let (mut swept, mut removals, mut from) = (Swept::default(), vec![], None);
    loop {
        let page = app.store.due(&shard, now, from).await?;
        let (slow, quick): (Vec<_>, Vec<_>) = page.work.into_iter().partition(DueWork::may_take_long);
        removals.extend(slow);
        swept = swept.plus(do_all(app, quick, until).await);
        from = page.next;
        if from.is_none() || Instant::now() >= until {
            break;
        }
    }
    Ok(swept.plus(do_all(app, removals, until).await))
}

async fn do_all(app: &App, work: Vec<DueWork>, until: Instant) -> Swept {
    let begun = work.into_iter().enumerate().map(|(index, work)| async move {
        // The first of a page is begun in any case, so that a run without time gets further, too.
        if index > 0 && Instant::now() >= until {
            return Swept { unfinished: 1, ..Swept::default() };
        }
        done(app, &work).await.unwrap_or_else(|err| not_done(&work, &err))
    });
    let begun: Vec<_> = begun.collect();
    stream::iter(begun).buffer_unordered(SIDE_BY_SIDE).fold(Swept::default(), async |sum, one| sum.plus(one)).await
}

async fn done(app: &App, work: &DueWork) -> Result<Swept, Error> {
    let App { store, .. } = app;
    let none = Swept::default();
    Ok(match work {
        DueWork::Review(message) => Swept { expired: store.reviews().expire(*message).await?.into(), ..none },
        DueWork::File(file) => Swept { removed_files: store.files().delete_unclaimed(*file).await?.into(), ..none },
        DueWork::Bytes(note) => Swept { removals_finished: store.files().finish_cleanup(note).await?.into(), ..none },
        DueWork::Agent(agent) => {
            store.agents().finish_deletion(*agent).await?;
            Swept { removals_finished: 1, ..none }
        }
        DueWork::User(user) => {
            store.accounts().finish_user_deletion(*user).await?;
            Swept { removals_finished: 1, ..none }
        }
        DueWork::Unknown(key) => return Err(Error::internal(format!("nothing is known to do for sk {}", key.sk))),
    })
}

fn not_done(work: &DueWork, err: &Error) -> Swept {
    match err {
        // A removal went as far as it had time.
        Error::StillRemoving => Swept { unfinished: 1, ..Swept::default() },
        Error::Unavailable(cause) | Error::Internal(cause) => {
            tracing::error!(?work, code = err.code(), cause = cause.as_str(), "due work failed");
            Swept { failed: 1, ..Swept::default() }
        }
        err => {
            tracing::error!(?work, code = err.code(), "due work failed");
            Swept { failed: 1, ..Swept::default() }
        }
    }
}
