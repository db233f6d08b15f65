//! Rules that hold for every route: the document, errors, costs, tenants, faults.

pub mod bad_json;
pub mod cost;
pub mod cost_scaling;
pub mod cross_origin;
pub mod errors;
pub mod examples;
pub mod fault_injection;
pub mod openapi;
pub mod performance;
pub mod template;
pub mod tenants;
