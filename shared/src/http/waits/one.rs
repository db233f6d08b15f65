//! Waiting until one review is decided.

use std::sync::Arc;

use crate::caller::AgentCaller;
use crate::error::Error;
use crate::http::App;
use crate::http::waits::{Patience, Recheck, Waited, poll_after, until_expiry};
use crate::ids::{MaybeChannel, MessageId};
use crate::long_poll::{Holder, LongPoll, Next, Outcome, Pace};
use crate::models::Message;
use crate::storage::{Awaited, Look, PendingReview};

/// What a wait knows of its review.
struct Watched {
    pending: PendingReview,
    look: Option<Look>,
    recheck: Recheck,
}

impl App {
    /// Waits until a review is decided, or time is up, or the process is closing. 404 once it is deleted.
    pub async fn wait_for_review(
        &self,
        agent: &AgentCaller,
        channel: MaybeChannel,
        id: MessageId,
        patience: Patience,
    ) -> Result<Waited, Error> {
        let mut poll = LongPoll::begin(&self.long_polls, patience.timeout).for_messages([id]);
        // Boxed: what loads a message is large, and the wait holds it no longer than it loads.
        let pending = match Box::pin(self.store.reviews().load_awaited(agent, channel, id)).await? {
            Awaited::Pending(pending) => pending,
            Awaited::Decided(message) => {
                poll.notify(&message);
                return Ok(Waited::Decided(message));
            }
        };
        poll.acquire_slot(Holder::Agents(pending.owner))?;
        let mut watched = Watched { pending, look: None, recheck: Recheck::default() };
        if patience.is_patient
            && !self.holds(&watched.pending, None)
            && let Some(message) = Box::pin(self.look_once(agent, &mut watched, true)).await?
        {
            return Ok(Waited::Decided(message));
        }
        let decided = self.watch(agent, &mut poll, &mut watched, patience.is_patient).await?;
        if let Some(message) = &decided {
            poll.notify(message);
        }
        let holds = self.holds(&watched.pending, watched.look.as_ref());
        Ok(decided.map_or(Waited::TimedOut { poll_after: poll_after(holds) }, Waited::Decided))
    }

    /// The message once its review is decided; `None` when the wait ends before.
    async fn watch(
        &self,
        agent: &AgentCaller,
        poll: &mut LongPoll<'_>,
        watched: &mut Watched,
        is_patient: bool,
    ) -> Result<Option<Box<Message>>, Error> {
        while !is_patient || self.holds(&watched.pending, watched.look.as_ref()) {
            let expires_at = watched.pending.expires_at;
            match poll.next(self.pace(watched), || until_expiry(self.clock.now(), expires_at)).await {
                Next::Look => {}
                Next::Heard(_, Outcome::Decided(decided)) => {
                    // The key may have been revoked during the wait.
                    Box::pin(self.store.admit(agent, &[])).await?;
                    return Ok(Some(Box::new(Arc::unwrap_or_clone(decided))));
                }
                Next::Heard(_, Outcome::Deleted) => return Err(Error::NotFound("message")),
                Next::Ended => break,
            }
            let seen = Box::pin(self.look_once(agent, watched, poll.is_final())).await;
            if let Some(decided) = poll.tolerate_outage(seen)?.flatten() {
                return Ok(Some(decided));
            }
        }
        Ok(None)
    }

    fn pace(&self, watched: &Watched) -> Pace {
        match watched.look.is_some_and(|look| look.is_near(self.clock.now())) {
            true => Pace::NearReview,
            false => Pace::Review,
        }
    }

    /// The message if its review is decided. It is read only if the index does not list it, or if it is due.
    async fn look_once(
        &self,
        agent: &AgentCaller,
        watched: &mut Watched,
        is_final: bool,
    ) -> Result<Option<Box<Message>>, Error> {
        let reviews = self.store.reviews();
        if self.clock.now() < watched.pending.expires_at {
            let look = reviews.look(&watched.pending).await?;
            watched.look = Some(look);
            if look.is_listed || !(is_final || watched.recheck.is_due()) {
                return Ok(None);
            }
        }
        match reviews.reload_awaited(agent, &watched.pending).await? {
            Awaited::Decided(message) => Ok(Some(message)),
            Awaited::Pending(pending) => {
                watched.pending = pending;
                watched.recheck.postpone();
                Ok(None)
            }
        }
    }
}
