//! What owners say of users, and what people prefer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::{NotificationPreferences, PatchNotifications, Role, User};
use crate::secrets::Password;
use crate::validation::email::Email;
use crate::validation::{FromObject, JsonObject};
use crate::words::words;

const MAX_NAME: usize = 100;

/// `POST /api/users`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreateUser {
    #[schema(value_type = String, max_length = 254, example = "ben@example.com")]
    pub email: Email,
    #[schema(min_length = 1, max_length = 100, example = "Ben")]
    pub display_name: String,
    /// Without one a temporary password is made, and given back once
    #[schema(value_type = Option<String>, min_length = 8, max_length = 1024)]
    pub password: Option<Password>,
    #[schema(required = false, default = "member")]
    pub role: Role,
}

impl FromObject for CreateUser {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let email = object.require("email", |o| Email::member(o, "email"));
        let display_name = object.require("displayName", |o| o.label("displayName", MAX_NAME));
        let password = Password::member(object, "password");
        let role = object.one_of("role", &Role::WORDS).unwrap_or(Role::Member);
        Some(Self { email: email?, display_name: display_name?, password, role })
    }
}

/// A user who was just made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedUser {
    #[serde(flatten)]
    pub user: User,
    /// For the first sign-in, when the request had no password: shown this once
    pub temporary_password: Option<String>,
}

/// `PATCH /api/users/{id}`: what is absent or null stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PatchUser {
    #[schema(min_length = 1, max_length = 100)]
    pub display_name: Option<String>,
    pub role: Option<Role>,
    #[schema(value_type = Option<String>, max_length = 254)]
    pub email: Option<Email>,
    /// Ends the user's sessions; they have to change it at their next sign-in
    #[schema(value_type = Option<String>, min_length = 8, max_length = 1024)]
    pub password: Option<Password>,
}

impl FromObject for PatchUser {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        Some(Self {
            display_name: object.label("displayName", MAX_NAME),
            role: object.one_of("role", &Role::WORDS),
            email: Email::member(object, "email"),
            password: Password::member(object, "password"),
        })
    }
}

impl PatchUser {
    /// The user after the change.
    pub fn applied_to(&self, user: &User) -> User {
        let mut user = user.clone();
        user.display_name = self.display_name.clone().unwrap_or(user.display_name);
        user.role = self.role.unwrap_or(user.role);
        user.email = self.email.as_ref().map_or(user.email, |email| email.as_str().to_owned());
        user.must_change_password |= self.password.is_some();
        user
    }
}

/// The colours of the pages
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    Light,
    Dark,
    #[default]
    System,
}

words!(Theme { "light" => Light, "dark" => Dark, "system" => System });

/// What a user has chosen for the pages
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Preferences {
    pub theme: Theme,
    pub notifications: NotificationPreferences,
}

/// `PATCH /api/preferences`: what is absent or null stays as it is.
#[derive(ToSchema)]
pub struct PatchPreferences {
    pub theme: Option<Theme>,
    pub notifications: Option<PatchNotifications>,
}

impl FromObject for PatchPreferences {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let theme = object.one_of("theme", &Theme::WORDS);
        Some(Self { theme, notifications: object.object("notifications") })
    }
}
