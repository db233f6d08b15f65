//! The functions without routes, and the maintenance of the engines.

use std::time::Duration;

use shared::clock::Clock;
use shared::http::App;
use shared::limits::Limits;

use crate::StartError;
use crate::engines::Engines;
use crate::engines::stream_retention::{RETENTION, StreamRetention};
use crate::engines::ttl_sweeper::TtlSweeper;
use crate::event_sources::checkpoints::Checkpoints;
use crate::event_sources::sources::EventSources;
use crate::event_sources::{Workers, schedule, wait_notifier};
use crate::sockets::Hub;
use crate::sqs::Queues;
use crate::sqs::sqlite::now;

/// The schedule of the `expiry` function, as in infra/template.yaml.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(3600);
/// How often processed stream records are deleted.
const TRIM_INTERVAL: Duration = Duration::from_secs(60);

/// Starts everything; it runs until the workers are stopped.
pub async fn start(app: &App, engines: &Engines, hub: Hub) -> Result<Workers, StartError> {
    let sources = engines.event_sources().await?;
    let mut workers = Workers::default();
    let maintenance = Maintenance {
        clock: app.clock.clone(),
        checkpoints: sources.stream.checkpoints.clone(),
        stream_retention: engines.stream_retention.clone(),
        ttl_sweeper: engines.ttl_sweeper.clone(),
        queues: engines.queues.clone(),
    };
    let trimming = maintenance.clone();
    workers.start(|stop| schedule::every(MAINTENANCE_INTERVAL, stop, move || maintenance.clone().run()));
    workers.start(|stop| schedule::every(TRIM_INTERVAL, stop, move || trimming.clone().trim_stream()));
    // Limits of its own: slow receivers of webhooks do not delay notifications.
    let notify = app.clone().limited(Limits::default());
    start_functions(&mut workers, (app, hub), app, &notify, sources);
    let app = app.clone();
    workers.start(|stop| schedule::every(EXPIRY_INTERVAL, stop, move || run_expiry(app.clone())));
    Ok(workers)
}

/// Connects the stream to sockets and to the function `events`, and the queues to `webhooks` and `notify`, each with its
/// own state.
pub fn start_functions(
    workers: &mut Workers,
    (events_app, hub): (&App, Hub),
    webhooks_app: &App,
    notify_app: &App,
    sources: EventSources,
) {
    let EventSources { stream, deliveries, notifications } = sources;
    let app = events_app.clone();
    workers.start(|stop| {
        stream.consume(stop, move |event| {
            let app = app.clone();
            wait_notifier::notify(&app.long_polls, &event);
            hub.publish(&event);
            async move { events::handle(&app, event).await }
        })
    });
    let app = webhooks_app.clone();
    workers.start(|stop| {
        deliveries.consume(stop, move |event| {
            let app = app.clone();
            async move { webhooks::handle(&app, event).await }
        })
    });
    let app = notify_app.clone();
    workers.start(|stop| {
        notifications.consume(stop, move |event| {
            let app = app.clone();
            async move { notify::handle(&app, event).await }
        })
    });
}

/// Runs the function `expiry` once. Items that failed are retried by the next run; each failure is
/// logged where it occurs.
async fn run_expiry(app: App) {
    if let Err(err) = expiry::handle(&app).await {
        tracing::warn!(code = err.code(), "the due items could not be read");
    }
}

/// Deletes old records from the engines.
#[derive(Clone)]
struct Maintenance {
    clock: Clock,
    checkpoints: Checkpoints,
    stream_retention: StreamRetention,
    ttl_sweeper: TtlSweeper,
    queues: Queues,
}

impl Maintenance {
    async fn run(self) {
        // What expires is deleted by the system's clock.
        if self.clock.is_in_doubt() {
            return tracing::error!("no old records were deleted: the clock jumped and is not confirmed yet");
        }
        if let Err(err) = self.queues.delete_expired().await {
            tracing::warn!(cause = %err, "old messages of the queues could not be deleted");
        }
        if let Err(cause) = self.ttl_sweeper.sweep().await {
            tracing::warn!(cause, "expired items could not be deleted");
        }
    }

    /// Deletes processed stream records. Unprocessed ones are kept, however old they are.
    async fn trim_stream(self) {
        let trimmed = async {
            let Some(processed_until) = self.checkpoints.processed_until().await? else { return Ok(0) };
            self.stream_retention.trim(processed_until.min(now() / 1000 - RETENTION)).await
        };
        if let Err(err) = trimmed.await {
            let cause: rusqlite::Error = err;
            tracing::warn!(%cause, "processed stream records could not be deleted");
        }
    }
}
