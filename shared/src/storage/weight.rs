//! About how many bytes of a response something takes, before its JSON is written.

use crate::json::Json;
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Attachment, Message, Review};

/// Cuts a list to what fits one response, but never to nothing. Lists without a cursor rather
/// leave texts of attachments out than messages.
pub(super) fn within_budget(messages: &mut Vec<Message>) {
    let mut sum = 0;
    let fit = messages.iter().take_while(|message| {
        sum += weight(message);
        sum <= MAX_PAGE_BYTES
    });
    let fit = fit.count().max(1);
    messages.truncate(fit);
}

/// About how many bytes of a response an attachment's text takes, if it is shown: its JSON is
/// not known before it is read.
pub(super) fn text_weight(attachment: &Attachment) -> usize {
    if attachment.is_shown_as_text() { attachment.size as usize * 3 / 2 } else { 0 }
}

/// The most bytes that a text takes as JSON inside Lambda's response, which is itself a JSON string: a control
/// character is `\\u0001` there.
pub(super) fn escaped(text: &str) -> usize {
    text.len() + text.bytes().filter(|b| *b < b' ' || b"\"\\".contains(b)).count() * 6
}

/// How many bytes JSON takes in such a string.
fn quoted(json: &Option<Json>) -> usize {
    json.as_ref().map_or(0, quoted_text)
}

fn quoted_text(json: &Json) -> usize {
    json.len() + json.as_str().bytes().filter(|b| b"\"\\".contains(b)).count()
}

/// About how many bytes of a response a message takes, the texts of its attachments aside.
pub(super) fn weight(message: &Message) -> usize {
    let review = |it: &Review| {
        let feedback = it.feedback.as_deref().map_or(0, escaped);
        let reason = it.cancel_reason.as_deref().map_or(0, escaped);
        let decided = it.decision.as_ref().map_or(0, |it| escaped(&it.action.name) + quoted_text(&it.action.args));
        let receipt = it.receipt.as_ref().map_or(0, String::len);
        let known = quoted(&it.payload) + quoted(&it.action) + quoted(&it.response) + quoted(&it.callback);
        known + feedback + reason + decided + receipt
    };
    let names: usize = message.attachments.iter().map(|it| 500 + escaped(&it.filename)).sum();
    let events: usize = message.status_events.iter().map(|it| 500 + escaped(&it.text)).sum();
    let text = message.text.as_deref().map_or(0, escaped);
    1000 + events + text + quoted(&message.metadata) + message.review.as_ref().map_or(0, review) + names
}

/// The same with those texts.
pub(super) fn weight_with_texts(message: &Message) -> usize {
    weight(message) + message.attachments.iter().map(text_weight).sum::<usize>()
}
