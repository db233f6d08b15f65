//! Waiting until one of several reviews is decided.

use std::sync::Arc;
use std::time::Duration;

use crate::caller::AgentCaller;
use crate::error::Error;
use crate::http::App;
use crate::http::waits::{Patience, Recheck, poll_after, until_expiry};
use crate::ids::MessageId;
use crate::long_poll::{Holder, LongPoll, Next, Outcome, Pace};
use crate::models::Message;
use crate::storage::{Look, PendingReview, SeveralReviews};

/// What became of several reviews, each list in the order of the ids.
pub struct SeveralWaited {
    /// Those that are no longer pending, as many as fit one response.
    pub decided: Vec<Message>,
    /// The ids of further ones.
    pub more: Vec<MessageId>,
    pub pending: Vec<MessageId>,
    /// What the caller may not see, or what is no review.
    pub unknown: Vec<MessageId>,
    /// How long a patient client may sleep before it asks again.
    pub poll_after: Duration,
}

/// What a wait knows of its reviews.
struct Watched {
    found: SeveralReviews,
    /// Of the pending ones, in their order; empty before the first look.
    looks: Vec<Look>,
    /// A decided message that this process stored.
    heard: Option<Arc<Message>>,
    recheck: Recheck,
}

impl App {
    /// Waits until one of these reviews is decided, or none of them can be, or time is up.
    pub async fn wait_for_reviews(
        &self,
        agent: &AgentCaller,
        ids: &[MessageId],
        patience: Patience,
    ) -> Result<SeveralWaited, Error> {
        let mut poll = LongPoll::begin(&self.long_polls, patience.timeout).for_messages(ids.iter().copied());
        let found = Box::pin(self.store.reviews().load_several(agent, ids.to_vec())).await?;
        let mut watched = Watched { found, looks: vec![], heard: None, recheck: Recheck::default() };
        poll.retain(|id| watched.is_pending(id));
        let first = watched.found.pending.first().filter(|_| watched.found.decided.is_empty());
        let waits_for = first.map(|first| first.owner);
        if let Some(owner) = waits_for {
            poll.acquire_slot(Holder::Agents(owner))?;
            self.watch_several(&mut poll, &mut watched, patience.is_patient).await?;
        }
        // A key may be revoked during a wait, so it is read again before an answer is given.
        Box::pin(self.several_waited(waits_for.map(|_| agent), ids, watched)).await
    }

    async fn watch_several(
        &self,
        poll: &mut LongPoll<'_>,
        watched: &mut Watched,
        is_patient: bool,
    ) -> Result<(), Error> {
        if is_patient && !self.holds_any(watched) {
            Box::pin(self.look_at_several(watched, true)).await?;
        }
        while !watched.has_ended() && (!is_patient || self.holds_any(watched)) {
            let pending = &watched.found.pending;
            let expires_at = pending.iter().map(|one| one.expires_at).min().unwrap_or(self.clock.now());
            let pace = Pace::Reviews(u32::try_from(pending.len()).unwrap_or(u32::MAX));
            match poll.next(pace, || until_expiry(self.clock.now(), expires_at)).await {
                Next::Look => {
                    let seen = Box::pin(self.look_at_several(watched, poll.is_final())).await;
                    poll.tolerate_outage(seen)?;
                }
                Next::Heard(_, Outcome::Decided(message)) => watched.heard = Some(message),
                Next::Heard(id, Outcome::Deleted) => watched.remove(id),
                Next::Ended => break,
            }
            poll.retain(|id| watched.is_pending(id));
        }
        Ok(())
    }

    fn holds_any(&self, watched: &Watched) -> bool {
        let mut pending = watched.found.pending.iter().enumerate();
        pending.any(|(place, one)| self.holds(one, watched.looks.get(place)))
    }

    /// Looks at all, and reads the status of those that the index does not list and of those that are due.
    async fn look_at_several(&self, watched: &mut Watched, is_final: bool) -> Result<(), Error> {
        let reviews = self.store.reviews();
        watched.looks = reviews.look_at_all(&watched.found.pending).await?;
        let now = self.clock.now();
        let is_quiet = |(one, look): &(&PendingReview, &Look)| look.is_listed && now < one.expires_at;
        let all = watched.found.pending.iter().zip(&watched.looks);
        let changed: Vec<MessageId> = all.filter(|it| !is_quiet(it)).map(|(one, _)| one.id).collect();
        let is_due = watched.found.pending.iter().any(|one| now >= one.expires_at);
        if changed.is_empty() || !(is_final || is_due || watched.recheck.is_due()) {
            return Ok(());
        }
        let mut reloaded = reviews.reload_several(changed).await?;
        if reloaded.decided.is_empty() && reloaded.unknown.is_empty() {
            watched.recheck.postpone();
        }
        watched.found.decided.append(&mut reloaded.decided);
        watched.found.unknown.extend_from_slice(&reloaded.unknown);
        for gone in watched.found.decided.clone().into_iter().chain(reloaded.unknown) {
            watched.forget(gone);
        }
        Ok(())
    }

    /// The response: decided messages with the texts of their files, after `again`, the caller of a call that has waited,
    /// was authenticated again.
    async fn several_waited(
        &self,
        again: Option<&AgentCaller>,
        ids: &[MessageId],
        mut watched: Watched,
    ) -> Result<SeveralWaited, Error> {
        if let Some(heard) = &watched.heard {
            watched.found.decided.push(heard.id);
            watched.forget(heard.id);
        }
        let holds = self.holds_any(&watched);
        let SeveralReviews { pending, decided, mut unknown } = watched.found;
        let in_order =
            |some: Vec<MessageId>| -> Vec<MessageId> { ids.iter().copied().filter(|id| some.contains(id)).collect() };
        let (messages, more) = match watched.heard {
            Some(heard) => {
                if let Some(agent) = again {
                    self.store.admit(agent, &[]).await?;
                }
                (vec![Arc::unwrap_or_clone(heard)], vec![])
            }
            None => self.store.reviews().load_decided(again, &in_order(decided.clone())).await?,
        };
        // What was deleted after it was decided.
        let is_gone = |id: &MessageId| !more.contains(id) && messages.iter().all(|message| message.id != *id);
        unknown.extend(decided.into_iter().filter(is_gone));
        let pending = in_order(pending.iter().map(|one| one.id).collect());
        let is_open = holds || !more.is_empty() || pending.is_empty();
        let decided = self.blobs.with_texts(messages).await?;
        Ok(SeveralWaited { decided, more, pending, unknown: in_order(unknown), poll_after: poll_after(is_open) })
    }
}

impl Watched {
    fn has_ended(&self) -> bool {
        self.heard.is_some() || !self.found.decided.is_empty() || self.found.pending.is_empty()
    }

    fn is_pending(&self, id: MessageId) -> bool {
        self.found.pending.iter().any(|one| one.id == id)
    }

    /// A message was deleted.
    fn remove(&mut self, id: MessageId) {
        self.forget(id);
        self.found.unknown.push(id);
    }

    fn forget(&mut self, id: MessageId) {
        if let Some(place) = self.found.pending.iter().position(|one| one.id == id) {
            self.found.pending.remove(place);
            if place < self.looks.len() {
                self.looks.remove(place);
            }
        }
    }
}
