//! What runs beside the routes: the functions that no route calls, and the upkeep of the engines.

use std::time::Duration;

use shared::app::App;

use crate::StartError;
use crate::durable::now;
use crate::engines::Engines;
use crate::mappings::positions::Positions;
use crate::mappings::sources::Sources;
use crate::mappings::{Mappings, schedule};
use crate::queue::Queues;
use crate::stream_log::{KEPT, StreamLog};
use crate::time_to_live::TimeToLive;

const EVERY_MINUTE: Duration = Duration::from_secs(60);
const EVERY_HOUR: Duration = Duration::from_secs(3600);

/// Starts all of it, until it is told to stop.
pub async fn start(app: &App, engines: &Engines) -> Result<Mappings, StartError> {
    let sources = engines.sources().await?;
    let mut mappings = Mappings::default();
    let upkeep = Upkeep {
        positions: sources.stream.positions.clone(),
        stream_log: engines.stream_log.clone(),
        time_to_live: engines.time_to_live.clone(),
        queues: engines.queues.clone(),
    };
    mappings.start(|stop| schedule::every(EVERY_HOUR, stop, move || upkeep.clone().run()));
    deliver(&mut mappings, app, app, sources);
    let state = app.clone();
    mappings.start(|stop| {
        schedule::every(EVERY_MINUTE, stop, move || {
            let app = state.clone();
            async move {
                // What it could not do is due again in a minute; each is logged where it failed.
                if let Err(err) = expiry::handle(&app).await {
                    tracing::warn!(code = err.code(), "what is due could not be read");
                }
            }
        })
    });
    Ok(mappings)
}

/// Brings what is decided to whom it concerns: the stream to `events`, the queue to `webhooks`,
/// each with its own state.
pub fn deliver(mappings: &mut Mappings, of_events: &App, of_webhooks: &App, sources: Sources) {
    let Sources { stream, deliveries } = sources;
    let state = of_events.clone();
    mappings.start(|stop| {
        stream.consume(stop, move |event| {
            let app = state.clone();
            async move { events::handle(&app, event).await }
        })
    });
    let state = of_webhooks.clone();
    mappings.start(|stop| {
        deliveries.consume(stop, move |event| {
            let app = state.clone();
            async move { webhooks::handle(&app, event).await }
        })
    });
}

#[derive(Clone)]
struct Upkeep {
    positions: Positions,
    stream_log: StreamLog,
    time_to_live: TimeToLive,
    queues: Queues,
}

impl Upkeep {
    /// Removes what nobody needs any more. Nothing of the stream goes before it was read, however
    /// long the runner was not running.
    async fn run(self) {
        let work = async {
            if let Some(read) = self.positions.done_before().await? {
                self.stream_log.trim(read.min(now() / 1000 - KEPT)).await?;
            }
            self.queues.drop_old().await
        };
        if let Err(err) = work.await {
            tracing::warn!(cause = %err, "old records could not be removed");
        }
        if let Err(cause) = self.time_to_live.sweep().await {
            tracing::warn!(cause, "items whose time is past could not be removed");
        }
    }
}
