//! Delivers webhooks in tests: a worker passes the table's stream to `events`, and the test passes each
//! queued delivery to `webhooks`, at the time of the test's clock.

use std::sync::{Arc, Mutex};

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use placet_local::event_sources::Workers;
use shared::http::App;
use shared::ids::{AgentId, MessageId};
use shared::outbound::Outbound;
use shared::storage::keys::{self, Key};
use test_support::World;

use crate::webhooks::event_stream::stream_source;

pub struct DeliveryDriver {
    /// The state of the `events` function.
    pub events: App,
    /// The state of the `webhooks` function.
    webhooks: App,
    /// The batches that the stream delivered so far.
    pub stream_events: Arc<Mutex<Vec<Event>>>,
    sqs: aws_sdk_sqs::Client,
    pub queue: String,
    workers: Workers,
}

impl DeliveryDriver {
    pub async fn start(world: &World) -> Self {
        let mut driver = Self::without_stream(world).await;
        let (source, _) = stream_source(world).await;
        let (on_stream, keep) = (driver.events.clone(), driver.stream_events.clone());
        driver.workers.start(|stop| {
            source.consume(stop, move |event: Event| {
                let app = on_stream.clone();
                keep.lock().unwrap().push(event.clone());
                async move { events::handle(&app, event).await }
            })
        });
        driver
    }

    /// A driver whose test passes the stream to `events` itself.
    pub async fn without_stream(world: &World) -> Self {
        // The driver deletes nothing, and receives nothing twice.
        let queue = world.queue(&[(QueueAttributeName::VisibilityTimeout, "3600")]).await;
        let on_queue = |name| App { outbound: Outbound::new(true), ..world.function(name).on_queue(&queue) };
        let dead_letters = world.dead_letter_queue().await;
        let (events, webhooks) = (on_queue("events"), on_queue("webhooks").with_dead_letters(&dead_letters));
        let (stream_events, workers) = (Arc::default(), Workers::default());
        Self { events, webhooks, stream_events, sqs: world.sqs.clone(), queue, workers }
    }

    /// Receives the next queued delivery; `None` if there is none within `wait` seconds.
    pub async fn next_delivery_within(&self, wait: i32) -> Option<SqsMessage> {
        let request = self.sqs.receive_message().queue_url(&self.queue).wait_time_seconds(wait);
        let message = request.send().await.expect("received").messages.unwrap_or_default().pop()?;
        let mut delivery = SqsMessage::default();
        (delivery.message_id, delivery.receipt_handle, delivery.body) =
            (message.message_id, message.receipt_handle, message.body);
        Some(delivery)
    }

    pub async fn next_delivery(&self) -> SqsMessage {
        for _ in 0..10 {
            if let Some(message) = self.next_delivery_within(2).await {
                return message;
            }
        }
        panic!("no delivery was queued")
    }

    /// Passes a queued delivery to the function; returns whether it succeeded.
    pub async fn deliver(&self, message: &SqsMessage) -> bool {
        let mut event = SqsEvent::default();
        event.records = vec![message.clone()];
        let response: SqsBatchResponse = webhooks::handle(&self.webhooks, event).await;
        response.batch_item_failures.is_empty()
    }
}

/// Sets an agent's webhook in the table, because the API refuses a receiver on this machine.
pub async fn set_agent_webhook(world: &World, channel: &str, url: &str) {
    let agent: AgentId = channel.parse().unwrap();
    set_attribute(world, keys::agent(agent), "SET webhookUrl = :url", url).await;
}

/// Sets a message's webhook in the table.
pub async fn set_message_webhook(world: &World, message: &str, url: &str) {
    let message: MessageId = message.parse().unwrap();
    set_attribute(world, keys::message(message), "SET webhookUrl = :url", url).await;
}

/// Sets a review's callback in the table, as JSON.
pub async fn set_callback(world: &World, message: &str, callback: &str) {
    let message: MessageId = message.parse().unwrap();
    set_attribute(world, keys::message(message), "SET review.callback = :url", callback).await;
}

async fn set_attribute(world: &World, key: Key, expression: &str, value: &str) {
    let client = world.write_notifier.observe(&world.clients.dynamodb);
    let update = client.update_item().table_name(&world.table).set_key(Some(key.attributes()));
    let update = update.update_expression(expression).condition_expression("attribute_exists(pk)");
    update.expression_attribute_values(":url", AttributeValue::S(value.to_owned())).send().await.unwrap();
}
