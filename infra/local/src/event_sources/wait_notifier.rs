//! Ends waits by the table's stream: it shows every decision and every deletion, whichever function or process made
//! it. So the waits of the local runner need not look at the table.

use aws_lambda_events::event::dynamodb::Event;
use shared::long_poll::LongPolls;
use shared::storage::{decided_message, message_of};

/// Ends the waits of this process for messages that these records show as decided or deleted.
pub fn notify(waits: &LongPolls, event: &Event) {
    for record in &event.records {
        let (old, new) = (&record.change.old_image, &record.change.new_image);
        let image = if new.is_empty() { old } else { new };
        let Some(message) = message_of(image).filter(|message| waits.is_awaited(*message)) else { continue };
        if new.is_empty() {
            waits.notify_deleted(message);
            continue;
        }
        match decided_message(new.clone()) {
            Ok(Some(decided)) => waits.notify(&decided),
            Ok(None) => {}
            // The waits find out when they look.
            Err(err) => tracing::error!(code = err.code(), %message, "an image cannot be read"),
        }
    }
}
