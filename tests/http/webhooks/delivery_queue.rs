//! The delivery queue through the AWS SDK: the embedded queue behaves like SQS.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
    QueueAttributeName as Name, SendMessageBatchRequestEntry,
};
use placet_local::sqs::sqlite::QueueDb;
use placet_local::sqs::{Queues, Settings, VisibilityChange};
use serde_json::json;
use test_support::World;

async fn send(sqs: &Client, queue: &str, body: &str) {
    sqs.send_message().queue_url(queue).message_body(body).send().await.expect("sent");
}

async fn receive(sqs: &Client, queue: &str, wait: i32) -> Vec<Message> {
    let request = sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(wait);
    let all = request.message_system_attribute_names(MessageSystemAttributeName::All);
    all.send().await.expect("received").messages.unwrap_or_default()
}

async fn receive_one(sqs: &Client, queue: &str) -> Message {
    let mut found = vec![];
    for _ in 0..10 {
        found = receive(sqs, queue, 2).await;
        if !found.is_empty() {
            break;
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn receive_count(message: &Message) -> &str {
    &message.attributes.as_ref().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

fn receipt(message: &Message) -> &str {
    message.receipt_handle().unwrap()
}

#[tokio::test]
async fn a_message_is_received_and_gone_once_deleted() {
    let world = World::start().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    assert!(receive(sqs, &queue, 0).await.is_empty());
    let text = "Grüße <&> \"👋\"\n\t\u{FFFD}";
    let (message, sent) = tokio::join!(receive_one(sqs, &queue), async {
        sqs.send_message().queue_url(&queue).message_body(text).send().await.unwrap()
    });
    assert_eq!(message.body(), Some(text));
    assert_eq!((message.message_id(), message.md5_of_body()), (sent.message_id(), sent.md5_of_message_body()));
    // The expected sum is from `md5sum`.
    assert_eq!(sent.md5_of_message_body(), Some("b6c8632b8726a98fa3e52ec6e56e0d81"));
    assert_eq!(receive_count(&message), "1");
    // A received message is invisible to other receivers.
    assert!(receive(sqs, &queue, 0).await.is_empty());
    sqs.delete_message().queue_url(&queue).receipt_handle(receipt(&message)).send().await.unwrap();
    let left = sqs.get_queue_attributes().queue_url(&queue).attribute_names(Name::All).send().await.unwrap();
    let left = left.attributes.unwrap();
    assert_eq!(left[&Name::ApproximateNumberOfMessages], "0");
    assert_eq!(left[&Name::ApproximateNumberOfMessagesNotVisible], "0");
}

#[tokio::test]
async fn an_undeleted_message_returns_and_ends_in_the_dead_letter_queue() {
    let world = World::start().await;
    let sqs = &world.sqs;
    let dead = world.queue(&[]).await;
    let arn = sqs.get_queue_attributes().queue_url(&dead).attribute_names(Name::QueueArn).send().await.unwrap();
    let arn = arn.attributes.unwrap()[&Name::QueueArn].clone();
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 2 }).to_string();
    let queue = world.queue(&[(Name::RedrivePolicy, &policy), (Name::VisibilityTimeout, "1")]).await;
    send(sqs, &queue, "again").await;
    let began = Instant::now();
    let first = receive_one(sqs, &queue).await;
    let second = receive_one(sqs, &queue).await;
    assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!((second.message_id(), receive_count(&second)), (first.message_id(), "2"));
    assert_ne!(receipt(&first), receipt(&second));
    assert!(receive(sqs, &queue, 2).await.is_empty());
    assert_eq!(receive_one(sqs, &dead).await.body(), Some("again"));
}

#[tokio::test]
async fn visibility_can_be_extended_and_reset() {
    let world = World::start().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    let began = Instant::now();
    sqs.send_message().queue_url(&queue).message_body("later").delay_seconds(1).send().await.unwrap();
    let found = receive(sqs, &queue, 0).await;
    assert!(found.is_empty() || began.elapsed() > Duration::from_secs(1), "{found:?}");
    let message = match found.into_iter().next() {
        Some(message) => message,
        None => receive_one(sqs, &queue).await,
    };
    assert!(began.elapsed() > Duration::from_millis(800), "{:?}", began.elapsed());
    // Invisible for ten minutes, then visible again at once.
    for (timeout, seen) in [(600, 0), (0, 1)] {
        let hide = sqs.change_message_visibility().queue_url(&queue).receipt_handle(receipt(&message));
        hide.visibility_timeout(timeout).send().await.unwrap();
        assert_eq!(receive(sqs, &queue, 0).await.len(), seen, "{timeout}");
    }
}

#[tokio::test]
async fn batch_entries_succeed_or_fail_separately() {
    let world = World::start().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    let entry =
        |id: &str, body: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let batch = |entries| sqs.send_message_batch().queue_url(&queue).set_entries(Some(entries));
    let sent = batch(vec![entry("a", "A"), entry("b", "\u{1}"), entry("c", "C")]).send().await.unwrap();
    assert_eq!(sent.successful().iter().map(|it| it.id()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(
        sent.failed().iter().map(|it| (it.id(), it.code())).collect::<Vec<_>>(),
        [("b", "InvalidMessageContents")]
    );

    let mut found = receive(sqs, &queue, 1).await;
    while found.len() < 2 {
        found.extend(receive(sqs, &queue, 1).await);
    }
    let hide = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.visibility_timeout(0).build().unwrap()
    };
    let hidden = sqs.change_message_visibility_batch().queue_url(&queue);
    let hidden =
        hidden.entries(hide("good", receipt(&found[0]))).entries(hide("bad", "nonsense")).send().await.unwrap();
    assert_eq!((hidden.successful().len(), hidden.failed()[0].code()), (1, "ReceiptHandleIsInvalid"));
    let again = receive_one(sqs, &queue).await;
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let entries = vec![delete("1", receipt(&again)), delete("2", receipt(&found[1])), delete("3", "nonsense")];
    let deleted = sqs.delete_message_batch().queue_url(&queue).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!((deleted.successful().len(), deleted.failed()[0].code()), (2, "ReceiptHandleIsInvalid"));
    assert!(receive(sqs, &queue, 0).await.is_empty());
}

#[tokio::test]
async fn invalid_calls_are_refused_with_the_errors_of_sqs() {
    let world = World::start().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    let code = |err: &dyn ProvideErrorMetadata| err.code().unwrap_or_default().rsplit('.').next().unwrap().to_owned();
    let entry =
        |id: &str, body: String| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let batch = |entries| sqs.send_message_batch().queue_url(&queue).set_entries(Some(entries)).send();

    let gone = sqs.send_message().queue_url(format!("{queue}-gone")).message_body("x").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_queue_does_not_exist(), "{gone:?}");
    let unknown = sqs.get_queue_url().queue_name("nothing-of-the-kind").send().await.unwrap_err();
    assert!(unknown.as_service_error().unwrap().is_queue_does_not_exist(), "{unknown:?}");
    let empty = batch(vec![]).await.unwrap_err();
    assert!(empty.as_service_error().unwrap().is_empty_batch_request(), "{empty:?}");
    let many = batch((0..11).map(|n| entry(&n.to_string(), "x".to_owned())).collect()).await.unwrap_err();
    assert!(many.as_service_error().unwrap().is_too_many_entries_in_batch_request(), "{many:?}");
    let twice = batch(vec![entry("a", "x".to_owned()), entry("a", "y".to_owned())]).await.unwrap_err();
    assert!(twice.as_service_error().unwrap().is_batch_entry_ids_not_distinct(), "{twice:?}");
    let long = batch(vec![entry("a", "x".repeat(700_000)), entry("b", "x".repeat(700_000))]).await.unwrap_err();
    assert!(long.as_service_error().unwrap().is_batch_request_too_long(), "{long:?}");
    let large = sqs.send_message().queue_url(&queue).message_body("x".repeat(2_000_000)).send().await.unwrap_err();
    assert_eq!(code(&large), "InvalidParameterValue");
    let control = sqs.send_message().queue_url(&queue).message_body("\u{1}").send().await.unwrap_err();
    assert!(control.as_service_error().unwrap().is_invalid_message_contents(), "{control:?}");
    let handle = sqs.delete_message().queue_url(&queue).receipt_handle("nonsense").send().await.unwrap_err();
    assert!(handle.as_service_error().unwrap().is_receipt_handle_is_invalid(), "{handle:?}");
    assert!(receive(sqs, &queue, 0).await.is_empty());
}

/// SQS counts the twelve hours from the receive, so it always rejects exactly 43,200 s.
#[tokio::test]
async fn a_received_message_stays_invisible_for_less_than_twelve_hours() {
    let world = World::embedded().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    send(sqs, &queue, "x").await;
    let message = receive_one(sqs, &queue).await;
    let hide = |seconds| {
        let change = sqs.change_message_visibility().queue_url(&queue).receipt_handle(receipt(&message));
        change.visibility_timeout(seconds).send()
    };
    let refused = hide(43_200).await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));
    assert!(refused.message().unwrap().contains("Total VisibilityTimeout"), "{refused:?}");
    hide(43_190).await.unwrap();
    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id("a").receipt_handle(receipt(&message));
    let entry = entry.visibility_timeout(43_200).build().unwrap();
    let batch = sqs.change_message_visibility_batch().queue_url(&queue).entries(entry).send().await.unwrap();
    assert!(batch.failed()[0].message().unwrap().contains("Total VisibilityTimeout"), "{batch:?}");
}

/// The queue hides the message as long as it can; the sender then hides it again.
#[tokio::test]
async fn a_delivery_can_be_delayed_for_longer_than_the_queue_allows() {
    let world = World::embedded().await;
    let (sqs, queue) = (&world.sqs, world.queue(&[]).await);
    let app = world.app.clone().on_queue(&queue);
    send(sqs, &queue, "x").await;
    let message = receive_one(sqs, &queue).await;
    let day = Duration::from_secs(24 * 3600);
    app.queue.delay(receipt(&message), day).await.expect("a time that SQS accepts");
    app.queue.delay_all(&[(receipt(&message), day)]).await.expect("the same in a batch");
}

#[tokio::test]
async fn embedded_queues_survive_a_restart() {
    let dir = tempfile::TempDir::new().unwrap();
    let open = || Queues::new(QueueDb::open(dir.path()).unwrap());
    let queues = open();
    queues.ensure_queue("q", Settings { visibility_timeout: 600, ..Settings::default() }).await.unwrap();
    let bodies = ["in flight", "hidden", "untouched"].map(|body| (body.to_owned(), None));
    queues.send("q", bodies.into()).await.unwrap();
    let mut taken = queues.receive("q", 2, None, None).await.unwrap();
    let hidden = taken.pop().unwrap();
    let changed = queues.change_visibility("q", vec![(hidden.receipt, 600)]).await.unwrap();
    assert_eq!(changed, [VisibilityChange::Changed]);

    let queues = open();
    let mut found: Vec<_> = queues.receive("q", 10, None, None).await.unwrap();
    found.sort_by_key(|message| message.receive_count);
    let found: Vec<_> = found.iter().map(|it| (it.body.as_str(), it.receive_count)).collect();
    // The message in flight is visible again; the one hidden on purpose is still invisible.
    assert_eq!(found, [("untouched", 1), ("in flight", 2)]);
}
