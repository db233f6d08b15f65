//! E-mail addresses.

use crate::validation::JsonObject;

/// An e-mail address in the form it is compared in: trimmed, lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The longest address, in characters.
    pub const MAX: usize = 254;

    /// The address of a login form. It is not validated: an invalid one belongs to no account.
    pub fn typed(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// An address for an account: something on both sides of one `@`, no spaces.
    pub fn checked(text: &str) -> Option<Self> {
        let email = Self::typed(text);
        is_email(&email.0).then_some(email)
    }

    /// A member of a body that must be an address.
    pub fn member(object: &mut JsonObject<'_>, name: &str) -> Option<Self> {
        let text = object.string(name)?;
        let email = Self::checked(&text);
        if email.is_none() {
            object.problem(name, "not_an_email", format!("{name} must be an e-mail address"));
        }
        email
    }

    /// The address, trimmed and in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rough shape that browsers ask of an e-mail field; only a mail that arrives proves more.
pub fn is_email(text: &str) -> bool {
    let no_odd = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.split_once('@');
    no_odd
        && text.len() <= Email::MAX
        && parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}
