//! What a person prefers on one surface, as the form has it.

use shared::models::notifications::SurfacePreferences;

use crate::pages::settings::delays::{DELAYS, choices, is_number};

pub struct GeneralSurface {
    /// The member of the API that the form changes.
    pub name: &'static str,
    pub label: &'static str,
    pub preferences: SurfacePreferences,
}

impl GeneralSurface {
    pub fn new(name: &'static str, label: &'static str, preferences: SurfacePreferences) -> Self {
        Self { name, label, preferences }
    }

    pub fn risks(&self) -> [(&'static str, &'static str); 3] {
        [("", "All of them"), ("medium", "Of medium or high risk"), ("high", "Of high risk, or that cannot be undone")]
    }

    pub fn is_risk(&self, value: &str) -> bool {
        // `low` is the lowest, so it means all.
        let chosen = self.preferences.min_risk.map_or("", |risk| risk.word());
        chosen == value || (chosen == "low" && value.is_empty())
    }

    pub fn delays(&self) -> Vec<(String, String)> {
        choices("At once", "If nobody has opened it after", &DELAYS, self.after())
    }

    pub fn is_delay(&self, value: &str) -> bool {
        is_number(value, self.after())
    }

    fn after(&self) -> Option<u32> {
        self.preferences.after_seconds.filter(|seconds| *seconds > 0)
    }
}
