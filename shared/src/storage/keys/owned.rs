//! Places in the index `owner`.

use crate::ids::{AgentId, FileId, MessageId};
use crate::models::ReviewStatus;
use crate::storage::keys::FILES;

/// The prefix of agents in the index `owner`.
pub const AGENTS: &str = "AGENT#";

/// An agent's place in the index `owner`.
pub fn agent(agent: AgentId) -> String {
    format!("{AGENTS}{}", agent.ulid())
}

/// A file's place in the index `owner`.
pub fn file(file: FileId) -> String {
    format!("{FILES}{}", file.ulid())
}

/// A pending review's place in the index `owner`; they sort by channel, so that one channel's are a range.
pub fn pending_review(message: MessageId) -> String {
    format!("{}{}", pending_in(message.channel()), message.ulid())
}

/// Agents that are being removed.
pub const REMOVALS: &str = "REMOVAL#";

/// The place in the index `owner` of an agent that is being deleted.
pub fn removal(agent: AgentId) -> String {
    format!("{REMOVALS}{}", agent.ulid())
}

/// The prefix of all of a person's reviews of one status.
pub fn reviews(status: ReviewStatus) -> String {
    format!("REVIEW#{}#", status.word())
}

fn pending_in(channel: AgentId) -> String {
    format!("{}{}#", reviews(ReviewStatus::Pending), channel.ulid())
}

/// From where to where pending reviews sort: one channel's, or those of all.
pub fn pending(channel: Option<AgentId>) -> [String; 2] {
    let prefix = channel.map_or_else(|| reviews(ReviewStatus::Pending), pending_in);
    let last = format!("{prefix}~"); // which sorts after every id
    [prefix, last]
}

/// The same of all channels that sort before `channel`.
pub fn pending_before(channel: AgentId) -> [String; 2] {
    // No review is called just this, so that the bound, which is inclusive, takes none in.
    [reviews(ReviewStatus::Pending), pending_in(channel)]
}
