//! What differs for one agent on one surface, as the form of its page has it.

use shared::models::notifications::AgentSurface;
use shared::review::Risk;

use crate::pages::settings::delays::{DELAYS, choices, is_number};

const GENERAL: &str = "As for all agents";

pub struct SurfaceForm {
    /// The member of the API that the form changes.
    pub name: &'static str,
    pub label: &'static str,
    surface: AgentSurface,
}

impl SurfaceForm {
    pub fn new(name: &'static str, label: &'static str, surface: AgentSurface) -> Self {
        Self { name, label, surface }
    }

    pub fn enabled(&self) -> [(&'static str, &'static str); 3] {
        [("", GENERAL), ("true", "Yes"), ("false", "No")]
    }

    pub fn is_enabled(&self, value: &str) -> bool {
        self.surface.enabled.map_or("", |enabled| if enabled { "true" } else { "false" }) == value
    }

    pub fn risks(&self) -> [(&'static str, &'static str); 4] {
        [
            ("", GENERAL),
            ("low", "All of them"),
            ("medium", "Of medium or high risk"),
            ("high", "Of high risk, or that cannot be undone"),
        ]
    }

    pub fn is_risk(&self, value: &str) -> bool {
        self.surface.min_risk.map_or("", Risk::word) == value
    }

    pub fn delays(&self) -> Vec<(String, String)> {
        let set = self.surface.after_seconds.filter(|it| *it > 0);
        let mut delays = choices(GENERAL, "If nobody has opened it after", &DELAYS, set);
        delays.insert(1, ("0".to_owned(), "At once".to_owned()));
        delays
    }

    pub fn is_delay(&self, value: &str) -> bool {
        is_number(value, self.surface.after_seconds)
    }
}
