//! Which calls are logged, and what of them.

use http::Method;

use crate::ids::UserId;

/// What a logged call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A call of the agents' API.
    Agents,
    /// A person decides a review. What they typed is in the review only.
    Decision,
    /// An owner manages users; this one, if the path names one that stays.
    Users(Option<UserId>),
}

impl Subject {
    /// `None` for a call that is not logged.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        if path.starts_with("/api/v1/") || path == "/mcp" {
            return Some(Self::Agents);
        }
        if method.is_safe() {
            return None;
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts[..] {
            ["api", "messages", _, "respond"] | ["reviews", _] => Some(Self::Decision),
            ["api", "users"] => Some(Self::Users(None)),
            // The log of a deleted user is deleted with them.
            ["api", "users", _] if method == Method::DELETE => Some(Self::Users(None)),
            ["api", "users", user] => Some(Self::Users(user.parse().ok())),
            _ => None,
        }
    }

    /// Whether the request's body is logged.
    pub fn has_request_body(self) -> bool {
        !matches!(self, Self::Decision)
    }

    /// Whether the response's body is logged.
    pub fn has_response_body(self) -> bool {
        matches!(self, Self::Agents)
    }

    /// The user whose account the call changes, unless they did it themselves.
    pub fn changed_user(self) -> Option<UserId> {
        match self {
            Self::Users(user) => user,
            Self::Agents | Self::Decision => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn decisions_and_changes_of_users_are_logged_and_reading_is_not() {
        let user = UserId::new(Timestamp::from_millis(1));
        let of = |method, path: String| Subject::of(&method, &path);
        assert_eq!(of(Method::POST, "/api/messages/msg_1/respond".into()), Some(Subject::Decision));
        assert_eq!(of(Method::POST, "/reviews/msg_1".into()), Some(Subject::Decision));
        assert_eq!(of(Method::PATCH, format!("/api/users/{user}")), Some(Subject::Users(Some(user))));
        assert_eq!(of(Method::DELETE, format!("/api/users/{user}")), Some(Subject::Users(None)));
        for path in ["/reviews/msg_1", "/api/users", "/", "/api/agents"] {
            assert_eq!(of(Method::GET, path.into()), None, "{path}");
        }
        assert_eq!(of(Method::POST, "/api/messages".into()), None);
    }
}
