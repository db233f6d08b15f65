//! Reviews that their agent takes back
//!
//! - [`calls`]: `POST /api/v1/reviews/{id}/cancel`: what it stores, refuses and costs
//! - [`supersede`]: a new message in place of a pending review; long-lived reviews
//! - [`notices`]: waits, webhooks, lists and pages
//! - [`races`]: concurrent answer, cancellation, expiry, superseding and deletion

pub mod calls;
pub mod notices;
pub mod races;
pub mod supersede;
