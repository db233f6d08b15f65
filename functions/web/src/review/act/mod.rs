//! The act that an approval is about, as its card shows it.
//!
//! - [`editor`]: which arguments may be edited, and how
//! - [`change`]: what was changed, before and after
//! - [`confirmation`]: the second step that an act needs which is of high risk or cannot be undone

pub mod change;
pub mod confirmation;
pub mod editor;

use serde_json::value::RawValue;
use shared::error::{FieldError, Step};
use shared::json::Json;
use shared::models::Review;
use shared::review::{Act, Choice, Effect, Kind, Risk};

use crate::extract::FormFields;
use crate::review::answer::submitted;
use crate::text::Html;
use crate::text::format;
use crate::text::json_tree::{tree_of, write_copy_button};
use crate::text::visible::{escape, write_literal};
use change::Change;
use editor::{Editor, Place};

/// The first characters of a digest or a receipt that are shown.
const SHORT: usize = 12;

/// An act, ready for the template.
pub struct ActView {
    pub act: Act,
    /// The arguments: of a decided act those that were decided on.
    pub args: Html,
    /// The same as JSON.
    pub raw: Html,
    /// Arguments that are absent and may be added.
    pub absent: Vec<Place>,
    /// The digest of the act with these arguments.
    pub digest: String,
    /// What was decided, once it was.
    pub effect: Option<Effect>,
    /// What the person changed.
    pub changes: Vec<Change>,
    /// The proof of the decision.
    pub receipt: Option<String>,
    /// When the agent used the approval, as HTML.
    pub consumed: Option<String>,
}

impl ActView {
    /// The act of a review, if it is about one; `can_edit` while it can be answered.
    pub fn of(review: &Review, can_edit: bool) -> Option<Self> {
        let act = review.act()?;
        let decision = review.decision.as_ref();
        let args = decision.map_or(&act.args, |decision| &decision.action.args);
        let changes = change::between(&act.args, args);
        let editor = Editor::new(&act);
        let tree = tree_of(args.as_str(), &|pointer, value: &RawValue| {
            if can_edit { editor.attributes(pointer, value.get()) } else { change::attributes(&changes, pointer) }
        });
        let digest = decision.map_or(review.action_digest.as_ref(), |decision| Some(&decision.action_digest));
        let absent = if can_edit { editor.absent(&act.args.value()) } else { vec![] };
        Some(Self {
            args: tree,
            raw: raw(args),
            absent,
            digest: digest.cloned().unwrap_or_default(),
            effect: decision.map(|decision| decision.effect),
            changes,
            receipt: review.receipt.clone(),
            consumed: review.consumption.as_ref().map(|consumption| format::moment(consumption.at)),
            act,
        })
    }

    /// The bytes of its HTML.
    pub fn len(&self) -> usize {
        self.args.0.len() + self.raw.0.len() + 2 * self.act.args.len()
    }

    /// Whether any argument may be edited.
    pub fn is_editable(&self) -> bool {
        !self.act.editable.is_empty()
    }

    /// The risk as a word for classes, and its icon and words for people.
    pub fn risk(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let risk = self.act.risk?;
        let icon = match risk {
            Risk::Low => "shield",
            Risk::Medium => "caution",
            Risk::High => "alert",
        };
        Some((risk.word(), icon, risk.label()))
    }

    /// Why allowing it needs a second step, if it does.
    pub fn warning(&self) -> Option<String> {
        self.act.warning()
    }

    /// What has to be typed to confirm it.
    pub fn phrase(&self) -> &str {
        confirmation::phrase(&self.act)
    }

    /// Whether it was decided that it may be done.
    pub fn is_allowed(&self) -> bool {
        self.effect == Some(Effect::Allow)
    }

    /// The digest in short.
    pub fn short_digest(&self) -> &str {
        let hex = self.digest.strip_prefix("sha256:").unwrap_or(&self.digest);
        hex.get(..SHORT).unwrap_or(hex)
    }

    /// The end of a receipt, which differs between receipts.
    pub fn short_receipt<'a>(&self, receipt: &'a str) -> &'a str {
        receipt.get(receipt.len().saturating_sub(SHORT)..).unwrap_or(receipt)
    }

    /// The attributes of an option's button.
    pub fn button(&self, option: &Choice) -> Html {
        let mut html = String::new();
        match option.effect() {
            Effect::Deny => html.push_str(r#"data-effect="deny" formnovalidate"#),
            Effect::Allow => {
                html.push_str(r#"data-effect="allow""#);
                if self.act.is_high_risk() {
                    html.push_str(" data-hold");
                }
            }
        }
        Html(html)
    }

    /// Whether an option allows it.
    pub fn is_allowing(&self, option: &Choice) -> bool {
        option.effect() == Effect::Allow
    }
}

/// A form with an option that allows the act, which is what an edit is checked with.
pub fn allowing(kind: &Kind, typed: &FormFields) -> FormFields {
    let Kind::Approval(approval) = kind else { return typed.clone() };
    let allowing = approval.options.iter().find(|option| option.effect() == Effect::Allow);
    let chosen = allowing.map(|option| ("option".to_owned(), submitted(&option.id)));
    FormFields(chosen.into_iter().chain(typed.0.iter().cloned()).collect())
}

/// The argument that a problem is about, as a JSON Pointer, and a sentence.
pub fn place_and_sentence(problem: &FieldError) -> Option<(String, String)> {
    let steps = problem.path.strip_prefix(&[Step::from("response"), Step::from("editedArgs")])?;
    let token = |step: &Step| match step {
        Step::Name(name) => name.replace('~', "~0").replace('/', "~1"),
        Step::Index(index) => index.to_string(),
    };
    let pointer: String = steps.iter().map(|step| format!("/{}", token(step))).collect();
    let sentence = problem.message.strip_prefix(&format!("{pointer}: ")).unwrap_or(&problem.message);
    Some((pointer.clone(), format!("{sentence}.")))
}

/// Arguments as the JSON that was sent, and a button that copies it.
fn raw(args: &Json) -> Html {
    let mut html = String::from(r#"<pre class="tree-raw" tabindex="0">"#);
    write_literal(&mut html, args.as_str());
    html.push_str("</pre>");
    write_copy_button(&mut html, args.as_str());
    Html(html)
}

/// An attribute with an escaped value.
fn write_attribute(html: &mut String, name: &str, value: &str) {
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    escape(html, value);
    html.push('"');
}
