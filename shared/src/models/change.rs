//! The change of one field in a PATCH.

use crate::validation::JsonObject;

/// Absent leaves a field as it is, null clears it.
#[derive(Debug, Default)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    /// Reads a member. One that is wrong has its problem noted, and what it would change is moot.
    pub fn member<'a>(
        object: &mut JsonObject<'a>,
        name: &str,
        read: impl FnOnce(&mut JsonObject<'a>, &str) -> Option<T>,
    ) -> Self {
        if object.has(name) {
            read(object, name).map_or(Self::Keep, Self::Set)
        } else if object.is_null(name) {
            Self::Clear
        } else {
            Self::Keep
        }
    }

    /// Whether the member was absent.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Whether the member was null.
    pub fn is_clear(&self) -> bool {
        matches!(self, Self::Clear)
    }

    /// What a field that was `before` is after the change.
    pub fn applied_to(&self, before: Option<T>) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// The new value, if there is one.
    pub fn as_set(&self) -> Option<&T> {
        if let Self::Set(value) = self { Some(value) } else { None }
    }
}
