//! One list of routes per group: `routes!` makes the router and the OpenAPI
//! description from the same handlers, so no route lacks its description.
//!
//! `utoipa-axum` has the same idea, but builds the whole description whenever a router is made,
//! which is at each start of a Lambda function. Here a function's binary has the routes only:
//! `Docs` is code that only `make openapi` and the tests call.

use axum::handler::Handler;
use axum::routing::{MethodFilter, Router, on};
use utoipa::openapi::HttpMethod;

use crate::http::app::App;

#[doc(hidden)]
pub use pastey::paste;

/// Declares the routes of a group: each list of handlers becomes a function that returns their
/// router, and all of them become `Docs`, which describes them. Methods and paths are those of the
/// handlers' `#[utoipa::path]`.
///
/// ```text
/// shared::routes! {
///     pub fn router = [
///         list::list, create::create, // /api/users
///         show::show,                 // /api/users/{id}
///     ];
/// }
/// ```
#[macro_export]
macro_rules! routes {
    ($($visibility:vis fn $router:ident = [$($module:ident :: $handler:ident),+ $(,)?];)+) => {
        $(
            /// The routes of this group, without their state.
            $visibility fn $router() -> axum::Router<$crate::http::app::App> {
                $crate::http::routes::paste! {
                    axum::Router::new()
                        $(.merge($crate::http::routes::route::<$module::[<__path_ $handler>], _, _>($module::$handler)))+
                }
            }
        )+

        /// The OpenAPI description of these routes.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($module::$handler),+),+))]
        pub struct Docs;
    };
}

/// The router of one handler, under the path and the methods that `P` describes.
pub fn route<P, H, T>(handler: H) -> Router<App>
where
    P: utoipa::Path,
    H: Handler<T, App>,
    T: 'static,
{
    let filters = P::methods().into_iter().map(filter).reduce(MethodFilter::or);
    match filters {
        Some(filter) => Router::new().route(&P::path(), on(filter, handler)),
        None => Router::new(),
    }
}

fn filter(method: HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
