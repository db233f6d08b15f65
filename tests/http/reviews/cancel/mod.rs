//! Reviews that their agent takes back
//!
//! - [`calls`]: `POST /api/v1/reviews/{id}/cancel`: what it stores, refuses and costs
//! - [`notices`]: waits, webhooks, lists and pages

pub mod calls;
pub mod notices;
