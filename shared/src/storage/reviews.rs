//! What becomes of reviews. An answer and an expiry are the same conditional update from two
//! sides: pending and not yet due, or pending and due. Exactly one can ever hold.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};

use crate::auth::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{FileId, MessageId, UserId, new_ulid};
use crate::models::{Answer, Message, ModifiedFiles, Review, ReviewStatus};
use crate::review::answer;
use crate::storage::keys::{Key, owned};
use crate::storage::messages::{MessageItem, file_in};
use crate::storage::updating::{self, Updated};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Channel, Store, deliveries, outbox, read, size, text};

impl Store {
    /// Stores a person's answer. Two calls: what is asked, then the one conditional update.
    pub async fn answer(
        &self,
        human: &HumanCaller,
        id: Option<MessageId>,
        mut answer: Answer,
    ) -> Result<Message, Error> {
        let key = id.map(Key::message);
        let named = answer.modified_file_ids.as_ref().map(ModifiedFiles::files).unwrap_or_default();
        let files: Vec<_> =
            named.into_iter().map(|(path, text)| (path, file_in(id.map(MessageId::channel), &text))).collect();
        let mut wanted: Vec<Key> = files.iter().filter_map(|(_, file)| file.map(Key::file)).collect();
        wanted.extend(key.clone());
        let opened = self.open(human, id.map(MessageId::channel), &wanted).await;
        let (channel, mut items) = opened.map_err(|err| err.or_not_found("message"))?;

        let item = key.and_then(|key| items.0.remove(&key)).ok_or(Error::NotFound("message"))?;
        let room = size::MAX_ITEM.saturating_sub(size::of(&item) + size::growth(&item) + 1024);
        let item = read::<MessageItem>(item)?;
        let callback = item.review.as_ref().and_then(|review| review.callback.as_ref());
        let event_room = deliveries::room_for_event(item.webhook_url.as_deref(), callback);
        let message = Message::from(item);
        self.judge(&message, &mut answer, room, event_room).await?;
        let unclaimed = self.usable_files(files, items).await?;
        self.store_answer(&message, channel.owner(), answer, &unclaimed).await
    }

    /// Makes of the response what may be stored: the review is pending, takes it, and has room for
    /// it, as has the event that its webhook is sent.
    async fn judge(&self, message: &Message, answer: &mut Answer, room: usize, event_room: usize) -> Result<(), Error> {
        let review = message.review.as_ref().ok_or(Error::NotFound("review"))?;
        match review.status {
            ReviewStatus::Completed => return Err(Error::ReviewAlreadyResponded),
            ReviewStatus::Expired => return Err(Error::ReviewExpired),
            ReviewStatus::Pending => {}
        }
        if !review.is_pending_at(self.clock.now()) {
            return Err(outcome(&self.settled(message.clone()).await?));
        }
        answer.within_limits()?;
        answer.response = answer::checked(&review.understood(), answer.response.clone())?;
        let names = answer.modified_file_ids.as_ref().map_or(0, ModifiedFiles::len);
        if answer.response.len() + answer.feedback.as_ref().map_or(0, String::len) + names > room {
            return Err(Error::TooLarge(format!("This message has room for an answer of {room} bytes.")));
        }
        let event = outbox::answered_payload(message, answer, self.clock.now())?.len();
        if event > event_room {
            let sentence = "The answer is too large for a webhook: as JSON it has";
            return Err(Error::TooLarge(format!("{sentence} {event} bytes, and may have {event_room}.")));
        }
        Ok(())
    }

    /// Stores the answer, together with files that it refers to and nothing else yet: they stay.
    async fn store_answer(
        &self,
        message: &Message,
        by: UserId,
        answer: Answer,
        unclaimed: &[FileId],
    ) -> Result<Message, Error> {
        let now = self.clock.now();
        let decision_id = new_ulid(now).to_string();
        let optional = [
            ("feedback", answer.feedback.map(text)),
            (
                "modifiedFileIds",
                answer.modified_file_ids.map(|files| match files {
                    ModifiedFiles::List(ids) => AttributeValue::L(ids.into_iter().map(text).collect()),
                    ModifiedFiles::Edits(edits) => text(edits.as_str()),
                }),
            ),
        ];
        let mut set =
            "SET review.#status = :decided, ownerSort = :sort, updatedAt = :now, review.#response = :response, \
            review.completedAt = :now, review.respondedBy = :by, review.decisionId = :decision"
                .to_owned();
        let mut update = self
            .decide(message.id, ReviewStatus::Completed, &decision_id)
            .condition_expression("review.#status = :pending AND review.expiresAt > :now")
            .expression_attribute_names("#response", "response")
            .expression_attribute_values(":response", text(answer.response.as_str()))
            .expression_attribute_values(":by", text(by))
            .expression_attribute_values(":now", text(now));
        for (name, value) in optional {
            if let Some(value) = value {
                set.push_str(&format!(", review.{name} = :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), value);
            }
        }
        let update = update.update_expression(set + " REMOVE dueShard, dueSort");
        let decision = if unclaimed.is_empty() {
            decided(update).await?
        } else {
            self.decided_with_files(message.id, &update, unclaimed).await?
        };
        match decision.or_made_by(&decision_id) {
            Decision::Made(item) => Ok(item.into()),
            Decision::Missed(None) => Err(Error::NotFound("message")),
            Decision::Missed(Some(item)) => {
                let review = item.review.as_ref().ok_or(Error::NotFound("review"))?;
                match review.status {
                    ReviewStatus::Completed => Err(Error::ReviewAlreadyResponded),
                    ReviewStatus::Expired => Err(Error::ReviewExpired),
                    ReviewStatus::Pending => Err(outcome(&self.settled(item.into()).await?)),
                }
            }
        }
    }

    /// A decision that keeps files. The transaction tells nothing of the items, so the message is
    /// read afterwards, and its decision's id says whose it is.
    async fn decided_with_files(
        &self,
        id: MessageId,
        update: &UpdateItemFluentBuilder,
        files: &[FileId],
    ) -> Result<Decision, Error> {
        let mut transaction = Transaction::default();
        transaction.update(updating::in_transaction(update)?);
        for file in files {
            let keep = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(Key::file(*file).attributes()))
                .update_expression("REMOVE dueShard, dueSort, announced")
                .condition_expression("attribute_exists(pk)");
            transaction.update(keep.build().map_err(Error::internal)?);
        }
        if let Outcome::Refused(position @ 1..) = self.commit(transaction).await? {
            let sentence = format!("{} was deleted meanwhile", files[position - 1]);
            return Err(Error::field(["modifiedFileIds".into()], "unknown_file", sentence));
        }
        let key = Key::message(id);
        let item = self.get_all(vec![key.clone()]).await?.take(&key)?;
        Ok(Decision::Missed(item))
    }

    /// The message with its review as decided at this moment. Who finds a pending review due
    /// stores its expiry before telling anyone, so that nobody is told two different outcomes.
    pub async fn settled(&self, message: Message) -> Result<Message, Error> {
        let now = self.clock.now();
        let due = |it: &Message| {
            it.review.as_ref().is_some_and(|it| it.status == ReviewStatus::Pending && !it.is_pending_at(now))
        };
        if !due(&message) {
            return Ok(message);
        }
        match self.expired(message.id, now).await? {
            Decision::Made(item) | Decision::Missed(Some(item)) => Ok(item.into()),
            Decision::Missed(None) => Err(Error::NotFound("message")),
        }
    }

    /// Expires a review if it is pending and due, as whoever looks at it would; whether it was.
    pub async fn expire(&self, id: MessageId) -> Result<bool, Error> {
        Ok(matches!(self.expired(id, self.clock.now()).await?, Decision::Made(_)))
    }

    async fn expired(&self, id: MessageId, now: Timestamp) -> Result<Decision, Error> {
        let decision_id = new_ulid(now).to_string();
        let update = self
            .decide(id, ReviewStatus::Expired, &decision_id)
            .update_expression(
                "SET review.#status = :decided, ownerSort = :sort, updatedAt = :now, review.decisionId = :decision \
                 REMOVE dueShard, dueSort",
            )
            .condition_expression("review.#status = :pending AND review.expiresAt <= :now")
            .expression_attribute_values(":now", text(now));
        Ok(decided(update).await?.or_made_by(&decision_id))
    }

    /// Notes that a person has opened a pending review; waits hurry from then on. Gives the
    /// message as it is then.
    pub async fn mark_seen(&self, channel: &Channel, message: Message) -> Result<Message, Error> {
        let unseen = |it: &Review| it.status == ReviewStatus::Pending && it.seen_at.is_none();
        if message.channel_id != channel.id() || !message.review.as_ref().is_some_and(unseen) {
            return Ok(message);
        }
        let update = self
            .update(message.id)
            .update_expression("SET review.seenAt = :now")
            .condition_expression("review.#status = :pending AND attribute_not_exists(review.seenAt)")
            .expression_attribute_values(":now", text(self.clock.now()))
            .expression_attribute_values(":pending", text(ReviewStatus::Pending.word()));
        match decided(update).await? {
            Decision::Made(item) | Decision::Missed(Some(item)) => Ok(item.into()),
            Decision::Missed(None) => Err(Error::NotFound("message")),
        }
    }

    /// The part that both outcomes share.
    fn decide(&self, id: MessageId, status: ReviewStatus, decision_id: &str) -> UpdateItemFluentBuilder {
        self.update(id)
            .expression_attribute_values(":decision", text(decision_id))
            .expression_attribute_values(":decided", text(status.word()))
            .expression_attribute_values(":pending", text(ReviewStatus::Pending.word()))
            .expression_attribute_values(":sort", text(owned::review(status, id)))
    }

    fn update(&self, id: MessageId) -> UpdateItemFluentBuilder {
        self.updating(&Key::message(id)).expression_attribute_names("#status", "status")
    }
}

/// What to tell somebody whose answer came too late: that which is stored.
fn outcome(settled: &Message) -> Error {
    match &settled.review {
        Some(review) if review.status == ReviewStatus::Completed => Error::ReviewAlreadyResponded,
        _ => Error::ReviewExpired,
    }
}

/// How a conditional update ended: with the item as it is now, either way.
enum Decision {
    Made(MessageItem),
    Missed(Option<MessageItem>),
}

impl Decision {
    /// The SDK may have sent the update twice, with the first reply lost: what the second one missed
    /// is then the decision of the very same call.
    fn or_made_by(self, decision_id: &str) -> Self {
        let of = |item: &MessageItem| item.review.as_ref()?.decision_id.clone();
        match self {
            Self::Missed(Some(item)) if of(&item).as_deref() == Some(decision_id) => Self::Made(item),
            other => other,
        }
    }
}

async fn decided(update: UpdateItemFluentBuilder) -> Result<Decision, Error> {
    match updating::sent(update).await? {
        Updated::Made(item) => read(item).map(Decision::Made),
        Updated::Missed(item) => item.map(read).transpose().map(Decision::Missed),
    }
}
