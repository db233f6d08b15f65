//! Batches of the table's stream: what each change means to the clients that watch its channel.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use futures_util::future::join_all;
use shared::aws::Reached;
use shared::error::Error;
use shared::http::App;
use shared::socket_io::frames;
use shared::storage::{
    EndedCredential, PING_INTERVAL, PING_TIMEOUT, SocketEvent, StreamImage, opened_socket, partition,
};

use crate::client::MAX_CLIENT_FRAME_BYTES;
use crate::connection::{self, MAX_FRAME_BYTES};
use crate::truncated::truncated;

/// The pauses in milliseconds before the first frame is tried again: a connection is established a moment after its item
/// is stored.
const OPEN_PAUSES_MS: [u64; 4] = [20, 40, 80, 160];

/// Sends what a batch means. The records of one partition are sent in order, those of several concurrently. Trouble is
/// logged and given up, because nothing is sent twice.
pub async fn handle(app: &App, batch: Event) {
    let mut by_partition = BTreeMap::<String, Vec<EventRecord>>::new();
    for record in batch.records {
        let partition = partition(&record.change.keys).unwrap_or_default().to_owned();
        by_partition.entry(partition).or_default().push(record);
    }
    let partitions = by_partition.into_values().map(|records| async move {
        for record in records {
            if let Err(err) = publish(app, &record).await {
                tracing::error!(code = err.code(), cause = ?err, "an event for sockets is given up");
            }
        }
    });
    join_all(partitions).await;
}

async fn publish(app: &App, record: &EventRecord) -> Result<(), Error> {
    let (old, new) = (image(&record.change.old_image), image(&record.change.new_image));
    if let Some(id) = opened_socket(old, new) {
        return open(app, id).await;
    }
    if let Some(ended) = EndedCredential::of(old, new) {
        return end_all(app, ended).await;
    }
    let events = SocketEvent::of(old, new)?;
    let Some(first) = events.first() else { return Ok(()) };
    let (sockets, owner) = (app.store.sockets(), first.owner);
    let watchers = sockets.watchers(owner, first.channel).await?;
    let number = record.change.sequence_number.as_deref().unwrap_or_default();
    if watchers.is_empty() || !sockets.claim_event(first, number).await? {
        return Ok(());
    }
    for event in events {
        let for_agents = frame(&event, &event.for_agents);
        let for_humans = event.for_humans.as_ref().map_or_else(|| for_agents.clone(), |data| frame(&event, data));
        let of = |is_person: bool| if is_person { for_humans.clone() } else { for_agents.clone() };
        let addressed = watchers.iter().map(|it| (it.connection.clone(), of(it.is_person))).collect();
        connection::send_all(app, owner, addressed).await;
    }
    Ok(())
}

fn frame(event: &SocketEvent, data: &str) -> String {
    let whole = frames::event(event.name, data);
    if whole.len() <= MAX_FRAME_BYTES {
        return whole;
    }
    let room = MAX_FRAME_BYTES - (whole.len() - data.len());
    frames::event(event.name, &truncated(data, room))
}

/// Ends the connections that presented a credential.
async fn end_all(app: &App, ended: EndedCredential<'_>) -> Result<(), Error> {
    let ids = app.store.sockets().of_credential(ended.user, ended.hash).await?;
    join_all(ids.iter().map(|id| app.end_socket(id))).await.into_iter().collect()
}

/// Sends the first frame of the server.
async fn open(app: &App, id: &str) -> Result<(), Error> {
    let Some(gateway) = &app.sockets else { return Ok(()) };
    if !app.store.sockets().open(id).await? {
        return Ok(());
    }
    let frame = frames::open(&frames::new_id(), [PING_INTERVAL, PING_TIMEOUT], MAX_CLIENT_FRAME_BYTES);
    let mut pauses = OPEN_PAUSES_MS.into_iter();
    while gateway.send(id, &frame).await? == Reached::Gone {
        let Some(pause) = pauses.next() else { return app.store.sockets().close(id).await };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Ok(())
}

fn image(image: &StreamImage) -> Option<&StreamImage> {
    Some(image).filter(|image| !image.is_empty())
}
