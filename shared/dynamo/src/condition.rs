//! Conditions on attributes, rendered with generated placeholders: names may be reserved words,
//! values are never part of an expression's text.

use std::collections::HashMap;

use crate::key::PK;
use crate::value::{Item, Value};

/// A condition on the attributes of one item.
#[derive(Clone, Debug)]
pub struct Condition(Node);

#[derive(Clone, Debug)]
enum Node {
    Function(&'static str, String, Option<Value>),
    Compare(String, &'static str, Value),
    CompareSize(String, &'static str, Value),
    OneOf(String, Vec<Value>),
    Not(Box<Node>),
    Both(Box<Node>, &'static str, Box<Node>),
}

/// An attribute by its path: names joined by dots, list positions in brackets, as in
/// `review.status` or `attachments[2].id`.
#[derive(Clone, Debug)]
pub struct Attribute(String);

/// The attribute at a path, to build a condition on it.
pub fn attr(path: impl Into<String>) -> Attribute {
    Attribute(path.into())
}

/// The item exists.
pub fn item_exists() -> Condition {
    attr(PK).exists()
}

/// The item does not exist.
pub fn item_absent() -> Condition {
    attr(PK).absent()
}

impl Attribute {
    /// The attribute is there, whatever its value.
    pub fn exists(self) -> Condition {
        Condition(Node::Function("attribute_exists", self.0, None))
    }

    /// The attribute is not there.
    pub fn absent(self) -> Condition {
        Condition(Node::Function("attribute_not_exists", self.0, None))
    }

    /// The attribute has this value.
    pub fn eq(self, value: Value) -> Condition {
        self.compare("=", value)
    }

    /// The attribute is what it was when it was read: it has this value, or none.
    pub fn is_still(self, read: Option<Value>) -> Condition {
        match read {
            Some(value) => self.eq(value),
            None => self.absent(),
        }
    }

    /// The attribute has another value, or is not there.
    pub fn ne(self, value: Value) -> Condition {
        self.compare("<>", value)
    }

    /// The attribute is there and less than `value`.
    pub fn lt(self, value: Value) -> Condition {
        self.compare("<", value)
    }

    /// The attribute is there and at most `value`.
    pub fn le(self, value: Value) -> Condition {
        self.compare("<=", value)
    }

    /// The attribute is there and greater than `value`.
    pub fn gt(self, value: Value) -> Condition {
        self.compare(">", value)
    }

    /// The attribute is there and at least `value`.
    pub fn ge(self, value: Value) -> Condition {
        self.compare(">=", value)
    }

    /// The attribute has one of these values.
    pub fn one_of(self, values: impl IntoIterator<Item = Value>) -> Condition {
        Condition(Node::OneOf(self.0, values.into_iter().collect()))
    }

    /// The attribute is a list that has `value` as an element.
    pub fn contains(self, value: Value) -> Condition {
        Condition(Node::Function("contains", self.0, Some(value)))
    }

    /// The attribute is a list of exactly this length.
    pub fn len_is(self, length: usize) -> Condition {
        Condition(Node::CompareSize(self.0, "=", crate::value::count(length)))
    }

    /// The attribute is a list shorter than this.
    pub fn len_below(self, length: usize) -> Condition {
        Condition(Node::CompareSize(self.0, "<", crate::value::count(length)))
    }

    fn compare(self, operator: &'static str, value: Value) -> Condition {
        Condition(Node::Compare(self.0, operator, value))
    }
}

impl Condition {
    /// Both conditions hold.
    pub fn and(self, other: Self) -> Self {
        Self(Node::Both(Box::new(self.0), "AND", Box::new(other.0)))
    }

    /// At least one of the conditions holds.
    pub fn or(self, other: Self) -> Self {
        Self(Node::Both(Box::new(self.0), "OR", Box::new(other.0)))
    }

    pub(crate) fn render(self, placeholders: &mut Placeholders) -> String {
        self.0.render(placeholders)
    }
}

impl std::ops::Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

impl Node {
    fn render(self, placeholders: &mut Placeholders) -> String {
        match self {
            Self::Function(function, path, None) => format!("{function}({})", placeholders.path(&path)),
            Self::Function(function, path, Some(value)) => {
                format!("{function}({}, {})", placeholders.path(&path), placeholders.value(value))
            }
            Self::Compare(path, operator, value) => {
                format!("{} {operator} {}", placeholders.path(&path), placeholders.value(value))
            }
            Self::CompareSize(path, operator, value) => {
                format!("size({}) {operator} {}", placeholders.path(&path), placeholders.value(value))
            }
            Self::OneOf(path, values) => {
                let values: Vec<String> = values.into_iter().map(|value| placeholders.value(value)).collect();
                format!("{} IN ({})", placeholders.path(&path), values.join(", "))
            }
            Self::Not(node) => format!("NOT {}", node.render(placeholders)),
            Self::Both(left, operator, right) => {
                format!("({} {operator} {})", left.render(placeholders), right.render(placeholders))
            }
        }
    }
}

/// The names and values that an expression's placeholders stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placeholders {
    names: HashMap<String, String>,
    values: Item,
}

impl Placeholders {
    /// A path with a placeholder for each of its names.
    pub fn path(&mut self, path: &str) -> String {
        let steps: Vec<String> = path.split('.').map(|step| self.step(step)).collect();
        steps.join(".")
    }

    fn step(&mut self, step: &str) -> String {
        let (name, position) = step.split_at(step.find('[').unwrap_or(step.len()));
        let next = format!("#n{}", self.names.len());
        let placeholder = self.names.entry(name.to_owned()).or_insert(next);
        format!("{placeholder}{position}")
    }

    /// A placeholder for a value.
    pub fn value(&mut self, value: Value) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The names by their placeholders; `None` when there are none, which DynamoDB wants absent.
    pub fn names(&self) -> Option<HashMap<String, String>> {
        let swapped = self.names.iter().map(|(name, placeholder)| (placeholder.clone(), name.clone()));
        Some(swapped.collect()).filter(|names: &HashMap<_, _>| !names.is_empty())
    }

    /// The values by their placeholders, likewise.
    pub fn values(&self) -> Option<Item> {
        Some(self.values.clone()).filter(|values| !values.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{n, s};

    #[test]
    fn conditions_are_rendered_with_a_placeholder_for_each_name_and_value() {
        let mut placeholders = Placeholders::default();
        let fits = attr("events").absent().or(attr("events").len_below(3).and(!attr("ids").contains(s("a"))));
        let rendered = fits.and(attr("review.status").one_of([s("pending"), n(1)])).render(&mut placeholders);
        assert_eq!(
            rendered,
            "((attribute_not_exists(#n0) OR (size(#n0) < :v0 AND NOT contains(#n1, :v1))) AND #n2.#n3 IN (:v2, :v3))"
        );
        assert_eq!(placeholders.names().map(|names| names["#n3"].clone()).as_deref(), Some("status"));
        assert_eq!(placeholders.values().map(|values| values[":v3"].clone()), Some(n(1)));
    }

    #[test]
    fn positions_of_a_list_are_part_of_the_path_and_not_of_a_name() {
        let mut placeholders = Placeholders::default();
        assert_eq!(placeholders.path("attachments[12].id"), "#n0[12].#n1");
        assert_eq!(placeholders.path("id"), "#n1");
    }
}
