//! Pages for people are served on the inbox's host only.

use axum::Extension;
use axum::extract::{OriginalUri, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use shared::error::Error;
use shared::http::session_cookie::remove_session;
use shared::http::site::{Place, Site};

use crate::response::PageError;

/// On another host, redirects to the same path of the inbox, if the client may learn where the inbox is. The redirect
/// removes the session cookie that an earlier version set on this host: browsers send it to every port of the host.
pub async fn require_inbox_host(
    Extension(site): Extension<Site>,
    Extension(place): Extension<Place>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    if place == Place::Inbox {
        return next.run(request).await;
    }
    let inbox = request.method().is_safe().then(|| site.inbox_for(request.extensions())).flatten();
    match inbox {
        Some(inbox) => {
            let path = uri.path_and_query().map_or("/", |it| it.as_str());
            let there = Redirect::temporary(&format!("{inbox}{path}"));
            (remove_session(request.headers()), there).into_response()
        }
        None => PageError::from(Error::NotAtInbox).into_response(),
    }
}
