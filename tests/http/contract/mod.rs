//! Rules that hold for every route.
//!
//! - [`openapi`], [`examples`]: the published contract
//! - [`errors`], [`bad_json`], [`cross_origin`]: errors and headers
//! - [`tenants`]: one user's data is never another's; [`key_scopes`]: what an API key may reach
//! - [`cost`], [`cost_scaling`], [`performance`]: DynamoDB calls and capacity
//! - [`fault_injection`]: storage failures
//! - [`layers`]: the modules of `shared` stand in layers; [`module_circles`]: no circle of modules in any crate
//! - [`template`]: the deployment matches the code; [`function_roles`]: so do its permissions

pub mod bad_json;
pub mod cost;
pub mod cost_scaling;
pub mod cross_origin;
pub mod errors;
pub mod examples;
pub mod fault_injection;
pub mod function_roles;
pub mod key_scopes;
pub mod layers;
pub mod module_circles;
pub mod openapi;
pub mod performance;
pub mod schema_version;
pub mod template;
pub mod tenants;
