//! Reviews: answering, expiring, cancelling and marking them as seen. An answer, a cancellation and an expiry are
//! the same conditional update: pending and not yet due, or pending and due. Exactly one of them can succeed.
//!
//! - `cancel`: a review that its agent withdraws
//! - `consume`: an approved act that its agent does, once
//! - `decision`: what an answer decides about an act
//! - `history`: decided reviews, by the time of their decision
//! - `list`: lists of reviews
//! - `look`: looks of waits, and the sign that somebody is about to answer

mod cancel;
mod consume;
mod decision;
mod history;
mod list;
mod look;

pub(super) use cancel::{cancellation, refusal};
pub use history::HistoryPage;
pub(super) use history::place_decided;
pub use list::PendingList;
pub use look::{Awaited, Look, PendingReview, SeveralReviews};

use dynamo::value::{Value, from_item, s};
use dynamo::{Conditional, Key, Transaction, Update, attr, item_exists, item_size};

use crate::caller::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{FileId, MessageId, new_ulid};
use crate::models::{Answer, Message, ModifiedFiles, Review, ReviewStatus, Surface};
use crate::review::answer;
use crate::secrets::ServerSecret;
use crate::storage::files::file_in;
use crate::storage::items::MessageItem;
use crate::storage::keys::{self, DecidedPlace};
use crate::storage::reviews::decision::{DecidedReview, Decider};
use crate::storage::room;
use crate::storage::{Channel, Store, webhooks};

/// Reviews: what a message asks of a person, and what becomes of it.
#[derive(Clone, Copy)]
pub struct Reviews<'a> {
    pub(super) store: &'a Store,
}

impl Reviews<'_> {
    /// Stores a person's answer. Two calls: what is asked, then the one conditional update.
    /// `secret` signs the receipt of a decision about an act.
    pub async fn answer(
        self,
        human: &HumanCaller,
        id: MessageId,
        mut answer: Answer,
        (surface, secret): (Surface, &ServerSecret),
    ) -> Result<Message, Error> {
        let key = keys::message(id);
        let named = answer.modified_file_ids.as_ref().map(ModifiedFiles::files).unwrap_or_default();
        let files: Vec<_> = named.into_iter().map(|(path, text)| (path, file_in(id.channel(), &text))).collect();
        let mut wanted: Vec<Key> = files.iter().map(|(_, file)| keys::file(*file)).collect();
        wanted.push(key.clone());
        let opened = self.store.open_channel(human, id.channel(), &wanted).await;
        let (channel, mut items) = opened.map_err(|err| err.or_not_found("message"))?;

        let item = items.take_item(&key).ok_or(Error::NotFound("message"))?;
        let room = item_size::MAX_ITEM.saturating_sub(item_size::of(&item) + room::growth(&item) + 1024);
        let item = from_item::<MessageItem>(item)?;
        let callback = item.review.as_ref().and_then(|review| review.callback.as_ref());
        let event_room = webhooks::room_for_event(item.webhook_url.as_deref(), callback);
        let message = Message::from(item);
        self.check_answer(&message, &mut answer).await?;
        let now = self.store.clock.now();
        let decision_id = new_ulid(now).to_string();
        let by = Decider { user: channel.owner(), surface, now, decision_id: &decision_id, secret };
        let decided = DecidedReview::of(&message, &answer, by)?;
        check_room(&answer, decided.as_ref(), room)?;
        let event = webhooks::answered_payload(&message, &answer, decided.as_ref().map(DecidedReview::parts), now)?;
        check_event_room(&event, event_room)?;
        let unclaimed = self.store.files().usable_files(files, items).await?;
        self.store_answer(&message, answer, decided, by, &unclaimed).await
    }

    /// Checks that the review is pending and accepts the response, which is replaced by its stored form.
    async fn check_answer(self, message: &Message, answer: &mut Answer) -> Result<(), Error> {
        let review = message.review.as_ref().ok_or(Error::NotFound("review"))?;
        match review.status {
            ReviewStatus::Completed => return Err(Error::ReviewAlreadyResponded),
            ReviewStatus::Expired => return Err(Error::ReviewExpired),
            ReviewStatus::Cancelled => return Err(Error::ReviewCancelled),
            ReviewStatus::Pending => {}
        }
        if !review.is_pending_at(self.store.clock.now()) {
            return Err(outcome(&self.resolve_expiry(message.clone()).await?));
        }
        answer.within_limits()?;
        answer.response = answer::checked(&review.kind(), review.act().as_ref(), answer.response.clone())?;
        Ok(())
    }

    /// Stores the answer. Files that it names and nothing else refers to yet are kept by the same transaction.
    async fn store_answer(
        self,
        message: &Message,
        answer: Answer,
        decided: Option<DecidedReview>,
        Decider { user, surface, now, decision_id, .. }: Decider<'_>,
        unclaimed: &[FileId],
    ) -> Result<Message, Error> {
        let modified = answer.modified_file_ids.map(|files| match files {
            ModifiedFiles::List(ids) => Value::L(ids.into_iter().map(s).collect()),
            ModifiedFiles::Edits(edits) => s(edits.as_str()),
        });
        let update = decide(message.id, ReviewStatus::Completed, decision_id, (now, now))
            .set("review.response", s(answer.response.as_str()))
            .set("review.completedAt", s(now))
            .set("review.respondedBy", s(user))
            .set("review.respondedOn", s(surface.word()))
            .set_some("review.feedback", answer.feedback.map(s))
            .set_some("review.modifiedFileIds", modified)
            .when(attr("review.expiresAt").gt(s(now)));
        let update = DecidedReview::store(decided.as_ref(), update)?;
        let decision = if unclaimed.is_empty() {
            update.send(&self.store.table).await?
        } else {
            self.decide_with_files(message.id, update, unclaimed).await?
        };
        match made_by(decision, decision_id) {
            Conditional::Applied(item) => Ok(item.into()),
            Conditional::Refused(None) => Err(Error::NotFound("message")),
            Conditional::Refused(Some(item)) => {
                let review = item.review.as_ref().ok_or(Error::NotFound("review"))?;
                match review.status {
                    ReviewStatus::Completed => Err(Error::ReviewAlreadyResponded),
                    ReviewStatus::Expired => Err(Error::ReviewExpired),
                    ReviewStatus::Cancelled => Err(Error::ReviewCancelled),
                    ReviewStatus::Pending => Err(outcome(&self.resolve_expiry(item.into()).await?)),
                }
            }
        }
    }

    /// A decision that keeps files. A transaction returns no items, so the message is read afterwards; its
    /// decision's id shows which call made it.
    async fn decide_with_files(
        self,
        id: MessageId,
        update: Update,
        files: &[FileId],
    ) -> Result<Conditional<MessageItem>, Error> {
        let mut transaction = Transaction::new();
        transaction.push(Write::Review, update);
        for file in files {
            let keep = Update::new(keys::file(*file)).remove("dueShard").remove("dueSort").remove("announced");
            transaction.push(Write::File(*file), keep.when(item_exists()));
        }
        if let Conditional::Refused(Write::File(file)) = transaction.commit(&self.store.table).await? {
            let sentence = format!("{file} was deleted meanwhile");
            return Err(Error::field(["modifiedFileIds".into()], "unknown_file", sentence));
        }
        Ok(Conditional::Refused(self.store.table.get(&keys::message(id)).await?))
    }

    /// The message with its review as of now. A pending review that is due is stored as expired first, so that
    /// every reader sees the same outcome.
    pub async fn resolve_expiry(self, message: Message) -> Result<Message, Error> {
        let now = self.store.clock.now();
        let due = message.review.as_ref().filter(|it| it.status == ReviewStatus::Pending && !it.is_pending_at(now));
        let Some(expires_at) = due.map(|review| review.expires_at) else { return Ok(message) };
        match self.store_expiry(message.id, expires_at, now).await?.into_item() {
            Some(item) => Ok(item.into()),
            None => Err(Error::NotFound("message")),
        }
    }

    /// The same for what is stored of the message.
    pub(super) async fn settle(self, item: MessageItem) -> Result<MessageItem, Error> {
        let now = self.store.clock.now();
        match &item.review {
            Some(review) if review.status == ReviewStatus::Pending && review.expires_at <= now => {
                let expired = self.store_expiry(item.id, review.expires_at, now).await?;
                expired.into_item().ok_or(Error::NotFound("message"))
            }
            _ => Ok(item),
        }
    }

    /// Expires a review, whose expiry is `expires_at`, if it is pending and due. Gives whether it was.
    pub async fn expire(self, id: MessageId, expires_at: Timestamp) -> Result<bool, Error> {
        Ok(self.store_expiry(id, expires_at, self.store.clock.now()).await?.is_applied())
    }

    async fn store_expiry(
        self,
        id: MessageId,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Conditional<MessageItem>, Error> {
        let decision_id = new_ulid(now).to_string();
        let update = decide(id, ReviewStatus::Expired, &decision_id, (expires_at, now));
        let update = update.when(attr("review.expiresAt").le(s(now)));
        Ok(made_by(update.send(&self.store.table).await?, &decision_id))
    }

    /// Records that a person has opened a pending review; long polls then poll more often. Gives the message
    /// afterwards.
    pub async fn mark_seen(self, channel: &Channel, message: Message, surface: Surface) -> Result<Message, Error> {
        let unseen = |it: &Review| it.status == ReviewStatus::Pending && it.seen_at.is_none();
        if message.channel_id != channel.id() || !message.review.as_ref().is_some_and(unseen) {
            return Ok(message);
        }
        let update = Update::new(keys::message(message.id))
            .set("review.seenAt", s(self.store.clock.now()))
            .set("review.seenOn", s(surface.word()))
            .when(attr("review.status").eq(s(ReviewStatus::Pending.word())))
            .when(attr("review.seenAt").absent());
        let seen = update.send::<MessageItem>(&self.store.table).await?.into_item();
        seen.map(Message::from).ok_or(Error::NotFound("message"))
    }
}

/// Checks that the item has room for the answer.
fn check_room(answer: &Answer, decided: Option<&DecidedReview>, room: usize) -> Result<(), Error> {
    let names = answer.modified_file_ids.as_ref().map_or(0, ModifiedFiles::len);
    let receipt = decided.map_or(0, |decided| decided.receipt.len());
    if answer.response.len() + answer.feedback.as_ref().map_or(0, String::len) + names + receipt > room {
        return Err(Error::TooLarge(format!("This message has room for an answer of {room} bytes.")));
    }
    Ok(())
}

/// Checks that the webhook's event has room for the answer.
fn check_event_room(event: &str, room: usize) -> Result<(), Error> {
    if event.len() > room {
        let sentence = "The answer is too large for a webhook: as JSON it has";
        return Err(Error::TooLarge(format!("{sentence} {} bytes, and may have {room}.", event.len())));
    }
    Ok(())
}

/// The writes that decide a review.
enum Write {
    Review,
    File(FileId),
}

/// The part of the update that an answer, a cancellation and an expiry share. `ended_at` is when the review was decided:
/// its place in the history.
fn decide(id: MessageId, status: ReviewStatus, decision_id: &str, (ended_at, now): (Timestamp, Timestamp)) -> Update {
    let place = DecidedPlace::new(ended_at, id);
    Update::new(keys::message(id))
        .set("review.status", s(status.word()))
        .set("review.decisionId", s(decision_id))
        .set("ownerSort", s(keys::owned_decided(status, place)))
        .set("dueShard", s(keys::agents_decided(id.channel())))
        .set("dueSort", s(keys::agents_decided_sort(status, place)))
        .set("updatedAt", s(now))
        .when(attr("review.status").eq(s(ReviewStatus::Pending.word())))
}

/// The SDK may have sent the update twice, with the first reply lost: the second one is then refused because of
/// the decision of this very call.
fn made_by(decision: Conditional<MessageItem>, decision_id: &str) -> Conditional<MessageItem> {
    let of = |item: &MessageItem| item.review.as_ref()?.decision_id.clone();
    match decision {
        Conditional::Refused(Some(item)) if of(&item).as_deref() == Some(decision_id) => Conditional::Applied(item),
        other => other,
    }
}

/// The error for an answer that came too late, by the stored outcome.
fn outcome(settled: &Message) -> Error {
    match settled.review.as_ref().map(|review| review.status) {
        Some(ReviewStatus::Completed) => Error::ReviewAlreadyResponded,
        Some(ReviewStatus::Cancelled) => Error::ReviewCancelled,
        _ => Error::ReviewExpired,
    }
}
