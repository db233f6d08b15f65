//! Notifications of people: subscriptions of browsers, push messages and what push services answer.

mod driver;
mod email;
mod email_links;
mod email_setup;
mod failures;
mod mail_server;
mod one_outcome;
mod preferences;
mod push_messages;
mod push_service;
mod ses;
mod subscribed;
mod subscriptions;
mod surfaces;
mod webhooks;
