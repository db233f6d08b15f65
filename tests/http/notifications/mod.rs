//! Notifications of people: subscriptions of browsers, push messages and what push services answer.

mod driver;
mod failures;
mod one_outcome;
mod preferences;
mod push_messages;
mod push_service;
mod subscriptions;
mod webhooks;
