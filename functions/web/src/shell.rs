//! What surrounds every page of somebody who is signed in: who they are, where they are, how much
//! waits for them.

use shared::app::App;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::models::{Message, ReviewStatus, Role, Theme, User};
use shared::storage::PageContext;

use crate::icons::icon;
use crate::page::PageError;

/// The pages of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Inbox,
    Channels,
    Files,
    Status,
    Logs,
    Settings,
}

impl Place {
    pub const ALL: [Place; 6] = [Self::Inbox, Self::Channels, Self::Files, Self::Status, Self::Logs, Self::Settings];

    pub fn label(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::Channels => "Channels",
            Self::Files => "Files",
            Self::Status => "Status",
            Self::Logs => "Logs",
            Self::Settings => "Settings",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Inbox => "/",
            Self::Channels => "/channels",
            Self::Files => "/files",
            Self::Status => "/status",
            Self::Logs => "/logs",
            Self::Settings => "/settings",
        }
    }

    pub fn icon(self) -> &'static str {
        icon(match self {
            Self::Inbox => "inbox",
            Self::Channels => "chat",
            Self::Files => "file",
            Self::Status => "pulse",
            Self::Logs => "list",
            Self::Settings => "gear",
        })
    }
}

pub struct Shell {
    pub user: User,
    pub theme: Theme,
    /// The number of the last change that this page can know of: it waits for the next.
    pub sequence: u64,
    pub place: Place,
    /// How many reviews wait for an answer.
    pub pending: usize,
}

impl Shell {
    /// Around a page that has read what is pending anyway. Who still has a password that somebody
    /// else knows is sent to change it first.
    pub fn around(place: Place, visit: PageContext, pending: usize) -> Result<Self, PageError> {
        if visit.user.must_change_password {
            return Err(PageError::PasswordFirst);
        }
        let PageContext { user, theme, sequence } = visit;
        Ok(Self { user, theme, sequence, place, pending })
    }

    /// Around any other page; to be read beside what the page shows.
    pub async fn of(app: &App, human: &HumanCaller, place: Place) -> Result<Self, PageError> {
        let (visit, pending) = tokio::try_join!(app.store.inbox().page_context(human), pending(app, human))?;
        Self::around(place, visit, pending.len())
    }

    pub fn is_owner(&self) -> bool {
        self.user.role == Role::Owner
    }

    pub fn places(&self) -> [Place; 6] {
        Place::ALL
    }

    /// Two letters for who is signed in.
    pub fn initials(&self) -> String {
        initials(&self.user.display_name)
    }
}

/// The first letters of the first two words of a name.
pub fn initials(name: &str) -> String {
    name.split_whitespace().take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

pub async fn pending(app: &App, human: &HumanCaller) -> Result<Vec<Message>, Error> {
    app.store.reviews().list(human, Some(ReviewStatus::Pending), None).await
}
