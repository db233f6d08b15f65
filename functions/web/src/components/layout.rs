//! What surrounds every page of a person who is signed in: the navigation, the person's name, and how many reviews are
//! pending.

use std::collections::HashMap;
use std::fmt::Display;

use shared::caller::HumanCaller;
use shared::http::App;
use shared::models::{Role, Theme, User};
use shared::storage::{PageContext, PendingList};

use crate::components::icons::icon;
use crate::response::PageError;

/// An item of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NavItem {
    Inbox,
    Channels,
    Files,
    Status,
    Logs,
    Settings,
}

impl NavItem {
    /// All items, in their order.
    pub const ALL: [NavItem; 6] = [Self::Inbox, Self::Channels, Self::Files, Self::Status, Self::Logs, Self::Settings];

    /// The item's text.
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

    /// The path of its page.
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

    /// Its icon, as SVG.
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

/// What the layout of a page shows.
pub struct Layout {
    pub user: User,
    pub theme: Theme,
    /// The number of the last change that this page includes; scripts wait for the next one.
    pub sequence: u64,
    /// Whether the page's lists may not show that change yet.
    pub is_changing: bool,
    pub current: NavItem,
    /// How many reviews are pending.
    pub pending: usize,
    /// Whether there are more: those that were counted fill a response.
    pub is_pending_cut: bool,
    /// How many of them are of which agent, by its id; empty on the inbox, whose list shows it.
    pub waiting: HashMap<String, usize>,
}

impl Layout {
    /// The layout of a page that has loaded the pending reviews anyway. A person with a temporary password has to
    /// change it first.
    pub fn around(current: NavItem, context: PageContext, pending: &PendingList) -> Result<Self, PageError> {
        if context.user.must_change_password {
            return Err(PageError::PasswordFirst);
        }
        let PageContext { user, theme, sequence, is_changing } = context;
        let (pending, is_pending_cut) = (pending.messages.len(), pending.is_cut);
        Ok(Self { user, theme, sequence, is_changing, current, pending, is_pending_cut, waiting: HashMap::new() })
    }

    /// Loads the layout of any other page, in parallel with what the page shows.
    pub async fn of(app: &App, human: &HumanCaller, current: NavItem) -> Result<Self, PageError> {
        let pending = app.store.reviews().pending(human, None);
        let (context, pending) = tokio::try_join!(app.store.inbox().page_context(human), pending)?;
        let mut layout = Self::around(current, context, &pending)?;
        for message in pending.messages {
            *layout.waiting.entry(message.channel_id.to_string()).or_default() += 1;
        }
        Ok(layout)
    }

    /// The title of a page, with the number of pending reviews before it: "(2) Inbox".
    pub fn title(&self, page: &str) -> String {
        if self.pending > 0 { format!("({}) {page}", self.at_least(self.pending)) } else { page.to_owned() }
    }

    /// A number of pending reviews as it is shown: "400+" if older ones were not counted.
    pub fn at_least(&self, count: impl Display) -> String {
        at_least(count, self.is_pending_cut)
    }

    /// Whether the person is an owner.
    pub fn is_owner(&self) -> bool {
        self.user.role == Role::Owner
    }

    /// The items of the navigation.
    pub fn nav_items(&self) -> [NavItem; 6] {
        NavItem::ALL
    }

    /// The initials of the person who is signed in.
    pub fn initials(&self) -> String {
        initials(&self.user.display_name)
    }
}

/// A number as it is shown: "400+" if there are more than were counted.
pub fn at_least(count: impl Display, is_cut: bool) -> String {
    format!("{count}{}", if is_cut { "+" } else { "" })
}

/// The first letters of the first two words of a name.
pub fn initials(name: &str) -> String {
    name.split_whitespace().take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}
