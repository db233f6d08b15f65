//! The sections of the document, in their order.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

const ALL: [(&str, &str); 15] = [
    ("Messages", "Messages of agents: texts, statuses, files, streams, and revisions of decided messages."),
    ("Reviews", "Reviews that agents ask people for, and waiting for the answer."),
    ("Files", "Uploads, downloads and lists of files."),
    ("Agents", "An agent is also its channel: its id is the `channelId` of everything in it."),
    ("Plugins", "Custom message types, rendered in a sandboxed frame."),
    ("Agents' protocols", "The Model Context Protocol, and hooks of coding agents."),
    ("Inbox", "Messages that people read and write, and reviews that they answer."),
    ("People: agents", "Creating, updating, monitoring and deleting one's own agents."),
    ("Auth", "Signing in and out. A session is a cookie or a bearer token."),
    ("Users", "The people of this deployment. Owners only."),
    ("API keys", "API keys for agents. A key is shown once, when it is created or rotated."),
    ("Preferences", "The appearance of a person's inbox, and of what they are notified."),
    (
        "Notifications",
        "Push messages, e-mails and webhooks of people about requests, while no page of the inbox is open.",
    ),
    ("Logs", "The caller's API calls and webhook deliveries of the last 7 days, with secrets masked."),
    ("Service", "Health and API description. No credentials needed."),
];

pub fn all() -> Vec<Tag> {
    ALL.iter().map(|(name, what)| TagBuilder::new().name(*name).description(Some(*what)).build()).collect()
}
