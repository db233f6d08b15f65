//! What handlers of pages take from a request.

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use http::request::Parts;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::body;
use shared::http::origin::Sender;
use shared::storage::Store;

use crate::response::PageError;

/// The most bytes of a form.
const MAX_FORM: usize = 2 * 1024 * 1024;
/// The most fields of a form. A review has at most 500 options or fields.
const MAX_FIELDS: usize = 2_000;

/// The fields of a submitted form, by name, as they came.
#[derive(Clone, Default)]
pub struct FormFields(pub Vec<(String, String)>);

impl FormFields {
    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field, unless it is empty.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.first(name).filter(|it| !it.is_empty()).map(str::to_owned)
    }

    /// Whether a field has this value among its own.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, given)| key == name && given == value)
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// The person who is signed in; a request without a session is redirected to the sign-in page.
pub struct Visitor(pub HumanCaller);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let human = <HumanCaller as FromRequestParts<S>>::from_request_parts(parts, state).await;
        Ok(Self(human?))
    }
}

/// A form, read within the limits of its size.
pub struct SubmittedForm(pub FormFields);

impl<S> FromRequest<S> for SubmittedForm
where
    S: Send + Sync,
    Store: FromRef<S>,
{
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body, state, MAX_FORM, "A form may have at most 2 MiB.").await?;
        let request = Request::from_parts(parts, Body::from(bytes));
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) if fields.len() > MAX_FIELDS => {
                Err(Error::TooLarge(format!("A form may have at most {MAX_FIELDS} fields.")).into())
            }
            Ok(Form(fields)) => {
                // Browsers write line ends as CRLF, in names as in values.
                let plain = |text: String| text.replace("\r\n", "\n");
                Ok(Self(FormFields(fields.into_iter().map(|(name, value)| (plain(name), plain(value))).collect())))
            }
            Err(rejection) => Err(Error::of_framework(rejection.status()).into()),
        }
    }
}

/// A form that a page of this site sent. Browsers say where a form comes from, and a page of another site cannot change
/// that; the cookie's SameSite=Lax is the other half of the protection.
pub struct SameOriginForm;

impl<S: Send + Sync> FromRequestParts<S> for SameOriginForm {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        match Sender::of(&parts.headers) {
            Sender::OwnPage => Ok(Self),
            Sender::ForeignPage | Sender::NoPage => Err(Error::ForeignForm.into()),
        }
    }
}
