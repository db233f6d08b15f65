//! `/api/v1/agents` and `/api/agents`
//!
//! - [`create_and_list`], [`updates`], [`avatars`], [`stats`]: agents and their settings
//! - [`relations`]: what keys change of agents, management and sub-agents
//! - [`deletion`]: deleting an agent with its channel

pub mod avatars;
pub mod create_and_list;
pub mod deletion;
pub mod relations;
pub mod stats;
pub mod updates;
