//! `/settings`: what a person sets for themselves and their agents, and owners for everybody. What
//! is changed is changed by the API, which the pages' forms call.

pub mod agents;
pub mod keys;
pub mod plugins;
pub mod profile;
pub mod users;

/// The pages of the settings' own navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Profile,
    Keys,
    Agents,
    Users,
    Plugins,
}

impl Tab {
    const ALL: [Self; 5] = [Self::Profile, Self::Keys, Self::Agents, Self::Users, Self::Plugins];

    /// Those that somebody may open.
    pub fn shown_to(is_owner: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |it| is_owner || *it != Self::Users)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Profile => "Profile",
            Self::Keys => "API keys",
            Self::Agents => "Agents",
            Self::Users => "Users",
            Self::Plugins => "Plugins",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Profile => "/settings",
            Self::Keys => "/settings/keys",
            Self::Agents => "/settings/agents",
            Self::Users => "/settings/users",
            Self::Plugins => "/settings/plugins",
        }
    }
}
