//! The sections of the document, in their order.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

const ALL: [(&str, &str); 13] = [
    ("Messages", "What agents send: texts, states, files, drafts that grow, and revisions of what was answered."),
    ("Reviews", "What agents ask people, and waiting for the answer."),
    ("Files", "Bytes in and out."),
    ("Agents", "An agent is also its channel: its id is the `channelId` of everything in it."),
    ("Plugins", "Custom message types, drawn in a sandboxed frame."),
    ("Inbox", "What people read, write and answer."),
    ("People: agents", "Agents as their owner makes, changes, watches and removes them."),
    ("Auth", "Signing in and out: a session is a cookie, or a bearer token."),
    ("Users", "The people of this deployment. Owners only."),
    ("API keys", "Keys for agents. A key is shown once, when it is made or rotated."),
    ("Preferences", "How the inbox looks to a person."),
    ("Logs", "The caller's API calls and webhook deliveries of the last 7 days, secrets masked."),
    ("Service", "Whether it runs, and what it can do. No credentials needed."),
];

pub fn all() -> Vec<Tag> {
    ALL.iter().map(|(name, what)| TagBuilder::new().name(*name).description(Some(*what)).build()).collect()
}
