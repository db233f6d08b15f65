//! Former paths and names, until every caller has the new ones.
pub use crate::aws::queue;
pub use crate::http::{body, cors, device_cookie, extract, form_data, normal_path, origin, site};
pub use crate::models::share_link;
pub use crate::secrets::{server_secret, webhook_secret};
pub mod app {
    pub use crate::http::app::App;
    pub use crate::lambda::*;
}
pub mod sealed {
    pub use crate::secrets::Encrypted as Sealed;
}
pub mod meter {
    pub use crate::telemetry::cost::{
        BackgroundTasks as Beside, CostInterceptor as Meter, CostTotals as Spent, RequestCost as Bill,
        S3CallCounter as BlobMeter, record_channel as for_channel, record_message as made_message,
        record_user as for_user, spawn_background as off_path, with_cost as billed_to,
    };
}
pub mod logs {
    pub use crate::telemetry::logging::*;
}
pub mod call_log {
    pub use crate::request_log::*;
}
pub mod permissions {
    pub use crate::iam::Permission as Need;
}
pub mod waiting {
    pub use crate::long_poll::{LongPolls as Waits, *};
}
pub mod input {
    pub use crate::validation::{JsonObject as Object, ValidationErrors as Problems, *};
}
pub mod auth {
    pub use crate::http::auth::*;
    pub use crate::http::session_cookie::*;
}
pub mod webhook_url {
    pub use crate::models::webhook_url::*;
    pub use crate::outbound::public_address::*;
}
