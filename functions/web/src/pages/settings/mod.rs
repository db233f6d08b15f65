//! `/settings`: the settings of a person and their agents; for owners, also users and plugins. The forms of these pages
//! call the API.

mod agent_surface;
pub mod agents;
mod delays;
mod general_surface;
pub mod keys;
pub mod notifications;
pub mod plugins;
pub mod profile;
pub mod users;

/// An item of the settings' navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Profile,
    Notifications,
    Keys,
    Agents,
    Users,
    Plugins,
}

impl Tab {
    const ALL: [Self; 6] = [Self::Profile, Self::Notifications, Self::Keys, Self::Agents, Self::Users, Self::Plugins];

    /// The tabs that a person may open.
    pub fn shown_to(is_owner: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |it| is_owner || *it != Self::Users)
    }

    /// The tab's text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Notifications => "Notifications",
            Self::Keys => "API keys",
            Self::Agents => "Agents",
            Self::Users => "Users",
            Self::Plugins => "Plugins",
        }
    }

    /// The path of its page.
    pub fn path(self) -> &'static str {
        match self {
            Self::Profile => "/settings",
            Self::Notifications => "/settings/notifications",
            Self::Keys => "/settings/keys",
            Self::Agents => "/settings/agents",
            Self::Users => "/settings/users",
            Self::Plugins => "/settings/plugins",
        }
    }
}
