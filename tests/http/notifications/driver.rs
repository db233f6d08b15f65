//! Delivers notifications in tests: a worker passes the table's stream to `events`, and the test passes each queued
//! notification to `notify`, at the time of the test's clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use placet_local::event_sources::Workers;
use serde_json::{Value, json};
use shared::http::App;
use shared::mail::Mailer;
use shared::outbound::Outbound;
use shared::secrets::ServerSecrets;
use shared::storage::keys;
use test_support::functions::{DEAD_LETTERS_SUFFIX, Function};
use test_support::{Item, Person, World};

use crate::webhooks::event_stream::stream_source;

pub struct NotifyDriver {
    /// The state of the `events` function.
    pub events: App,
    notify: App,
    expiry: App,
    /// The batches that the stream delivered so far.
    pub stream_events: Arc<Mutex<Vec<Event>>>,
    sqs: aws_sdk_sqs::Client,
    queue: String,
    pub dead_letters: String,
    _workers: Workers,
}

impl NotifyDriver {
    pub async fn start(world: &World) -> Self {
        let queue = world.notification_queue("").await;
        let dead_letters = world.notification_queue(DEAD_LETTERS_SUFFIX).await;
        let events = world.function("events").notifying_on(&queue).on_queue(&world.queue(&[]).await);
        let notify = App { outbound: Outbound::new(true), ..world.function("notify") };
        let notify = notify.notifying_on(&queue).with_failed_notifications(&dead_letters);
        let expiry = world.function("expiry").notifying_on(&queue);
        let stream_events = Arc::<Mutex<Vec<Event>>>::default();
        let (source, _) = stream_source(world).await;
        let (on_stream, keep, mut workers) = (events.clone(), stream_events.clone(), Workers::default());
        workers.start(|stop| {
            source.consume(stop, move |event: Event| {
                let app = on_stream.clone();
                keep.lock().unwrap().push(event.clone());
                async move { events::handle(&app, event).await }
            })
        });
        Self { events, notify, expiry, stream_events, sqs: world.sqs.clone(), queue, dead_letters, _workers: workers }
    }

    /// Receives the next queued notification; `None` if there is none within `wait` seconds.
    pub async fn next_within(&self, wait: i32) -> Option<SqsMessage> {
        received(&self.sqs, &self.queue, wait).await
    }

    pub async fn next(&self) -> SqsMessage {
        for _ in 0..10 {
            if let Some(message) = self.next_within(2).await {
                return message;
            }
        }
        panic!("no notification was queued")
    }

    /// The message of a notification that failed for good.
    pub async fn dead_letter(&self) -> Option<SqsMessage> {
        received(&self.sqs, &self.dead_letters, 0).await
    }

    /// The same driver, whose function has other secrets.
    pub fn with_secrets(&self, secrets: ServerSecrets) -> Self {
        self.with_notify(App { secrets, ..self.notify.clone() })
    }

    /// The same driver, whose function sends e-mails over this.
    pub fn with_mailer(mut self, mailer: Mailer) -> Self {
        self.notify.mailer = Function::named("notify").with_its_mail(mailer);
        self
    }

    /// Another process of that function, over another mailer.
    pub fn sending_over(&self, mailer: Mailer) -> Self {
        self.with_notify(App { mailer, ..self.notify.clone() })
    }

    /// Passes all batches of the stream to `events` once more.
    pub async fn replay_stream(&self) {
        let events = self.stream_events.lock().unwrap().clone();
        for event in events {
            assert!(events::handle(&self.events, event).await.batch_item_failures.is_empty());
        }
    }

    /// Puts a message into the queue, as the topic of SES does.
    pub async fn put(&self, body: &Value) {
        self.sqs.send_message().queue_url(&self.queue).message_body(body.to_string()).send().await.expect("sent");
    }

    /// The same driver, whose function may call other hosts.
    pub fn with_outbound(&self, outbound: Outbound) -> Self {
        self.with_notify(App { outbound, ..self.notify.clone() })
    }

    fn with_notify(&self, notify: App) -> Self {
        let (events, expiry, stream_events) = (self.events.clone(), self.expiry.clone(), self.stream_events.clone());
        let (sqs, queue, dead_letters) = (self.sqs.clone(), self.queue.clone(), self.dead_letters.clone());
        Self { events, notify, expiry, stream_events, sqs, queue, dead_letters, _workers: Workers::default() }
    }

    /// Runs what is due by the test's clock, as happens every minute.
    pub async fn sweep(&self) {
        assert_eq!(expiry::handle(&self.expiry).await.expect("the shards can be read").failed, 0);
    }

    /// Passes the queued notification to the function, which is done with it.
    pub async fn deliver_next(&self) {
        assert!(self.deliver(&self.next().await).await);
    }

    /// Passes a queued notification to the function; returns whether the message leaves the queue.
    pub async fn deliver(&self, message: &SqsMessage) -> bool {
        let mut event = SqsEvent::default();
        event.records = vec![message.clone()];
        notify::handle(&self.notify, event).await.batch_item_failures.is_empty()
    }
}

/// Waits until `events` has planned `count` notifications of a person; returns their items.
pub async fn planned(world: &World, person: &Person, count: usize) -> Vec<Item> {
    let user = person.user_id().await.parse().unwrap();
    let enough = async {
        loop {
            let items = world.items(keys::user_partition(user), keys::NOTIFICATIONS).await;
            if items.len() >= count {
                return items;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), enough).await.expect("the request is processed")
}

/// Quiet hours that began an hour ago.
pub fn quiet_for_two_hours(world: &World) -> Value {
    let now = world.app.clock.now().epoch_seconds();
    let time = |seconds: i64| format!("{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60);
    json!({ "from": time(now - 3600), "to": time(now + 2 * 3600), "timeZone": "Etc/UTC" })
}

async fn received(sqs: &aws_sdk_sqs::Client, queue: &str, wait: i32) -> Option<SqsMessage> {
    let request = sqs.receive_message().queue_url(queue).wait_time_seconds(wait);
    let message = request.send().await.expect("received").messages.unwrap_or_default().pop()?;
    let mut notification = SqsMessage::default();
    (notification.message_id, notification.receipt_handle, notification.body) =
        (message.message_id, message.receipt_handle, message.body);
    Some(notification)
}
