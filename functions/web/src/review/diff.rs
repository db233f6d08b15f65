//! The differences between two versions of a text.

use std::time::{Duration, Instant};

use similar::{ChangeTag, TextDiff};

use crate::text::budget::Budget;

/// The most lines that one comparison shows.
const MAX_LINES: usize = 1_000;
/// Unchanged lines that are shown around a change.
const CONTEXT_LINES: usize = 3;

/// The differences between two texts.
pub struct Diff {
    /// The number of the earlier version.
    pub since: u32,
    /// The file whose text it is; none for the message's own.
    pub of: Option<String>,
    pub added: usize,
    pub removed: usize,
    /// Empty where the texts differ and were not compared.
    pub lines: Vec<Line>,
}

/// A line of the comparison.
pub struct Line {
    kind: Kind,
    pub text: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Same,
    Added,
    Removed,
    /// Lines that are left out.
    Gap,
}

impl Line {
    /// The CSS class of the line.
    pub fn class(&self) -> &'static str {
        match self.kind {
            Kind::Same => "same",
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Gap => "gap",
        }
    }

    /// The mark in front of the line.
    pub fn mark(&self) -> &'static str {
        match self.kind {
            Kind::Same => " ",
            Kind::Added => "+",
            Kind::Removed => "−",
            Kind::Gap => "⋯",
        }
    }

    /// The mark in words, for screen readers.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Same => "",
            Kind::Added => "added: ",
            Kind::Removed => "removed: ",
            Kind::Gap => "lines left out",
        }
    }
}

impl Diff {
    /// Two texts that differ, where the comparison would take too long or be too large to show.
    pub fn unknown(since: u32, of: Option<&str>) -> Self {
        Self { since, of: of.map(str::to_owned), added: 0, removed: 0, lines: vec![] }
    }

    /// Whether the texts differ but were not compared.
    pub fn is_unknown(&self) -> bool {
        self.lines.is_empty()
    }

    /// The bytes of its HTML, at most.
    fn len(&self) -> usize {
        // The tags around each line, and characters that HTML writes with five.
        self.lines.iter().map(|line| 120 + 5 * line.text.len()).sum()
    }
}

/// Compares two texts within the budget of the page; `None` when they are equal.
pub fn between(before: &str, after: &str, since: u32, of: Option<&str>, budget: &mut Budget) -> Option<Diff> {
    if before == after {
        return None;
    }
    let Some(time) = budget.comparison() else { return Some(Diff::unknown(since, of)) };
    let began = Instant::now();
    let found = compared(before, after, since, of, time, MAX_LINES.min(budget.lines()));
    budget.compared(began.elapsed(), found.lines.len());
    Some(if budget.takes(found.len()) { found } else { Diff::unknown(since, of) })
}

fn compared(before: &str, after: &str, since: u32, of: Option<&str>, time: Duration, most: usize) -> Diff {
    // Comparing texts that have nothing in common takes very long. After the timeout the result is still correct,
    // but may contain more changes than necessary.
    let diff = TextDiff::configure().timeout(time).diff_lines(before, after);
    let (mut added, mut removed, mut lines) = (0, 0, vec![]);
    for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if index > 0 {
            lines.push(Line { kind: Kind::Gap, text: String::new() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => Kind::Same,
                ChangeTag::Insert => Kind::Added,
                ChangeTag::Delete => Kind::Removed,
            };
            added += usize::from(matches!(kind, Kind::Added));
            removed += usize::from(matches!(kind, Kind::Removed));
            if lines.len() == most {
                lines.push(Line { kind: Kind::Gap, text: String::new() });
            }
            if lines.len() > most {
                continue;
            }
            lines.push(Line { kind, text: change.value().trim_end_matches(['\n', '\r']).to_owned() });
        }
    }
    Diff { since, of: of.map(str::to_owned), added, removed, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_removed_and_left_out() {
        let before = (1..=20).map(|n| format!("line {n}\n")).collect::<String>();
        let after = before.replace("line 2\n", "line two\n").replace("line 19\n", "");
        let diff = between(&before, &after, 1, None, &mut Budget::default());
        assert_eq!(diff.as_ref().map(|diff| (diff.added, diff.removed)), Some((1, 2)));
        let gaps = diff.iter().flat_map(|diff| &diff.lines).filter(|line| line.class() == "gap");
        assert_eq!(gaps.count(), 1);
        assert!(between("same", "same", 1, None, &mut Budget::default()).is_none());
    }
}
