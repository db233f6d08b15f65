//! A review, ready for the template: what is asked with the form to answer it, or the outcome.

use shared::caller::HumanCaller;
use shared::clock::Timestamp;
use shared::error::Error;
use shared::http::App;
use shared::json::Json;
use shared::models::stream::StreamState;
use shared::models::{Message, Review, ReviewStatus};
use shared::review::form::{Field, FieldType, SelectOption};
use shared::review::{Kind, TextInput};
use shared::storage::Channel;

use crate::components::layout::initials;
use crate::components::message::{Extent, Loaded, MessageView};
use crate::extract::FormFields;
use crate::review::act::ActView;
use crate::review::act::change::{self, Change};
use crate::review::answer::{self, input_name};
use crate::review::diff::Diff;
use crate::review::field;
use crate::review::summary;
use crate::review::versions::{self, Changes, Version};
use crate::text::Html;
use crate::text::budget;
use crate::text::excerpt;
use crate::text::format;
use crate::text::json_tree::{json_tree, members_tree};

/// Bytes of files' texts that a review shows.
const MAX_FILE_TEXT_BYTES: u64 = 512 * 1024;

/// A review, ready for the template.
pub struct ReviewView {
    pub id: String,
    pub channel: String,
    pub agent: String,
    /// What is asked, in a few words.
    pub excerpt: String,
    pub message: MessageView,
    /// The act that it is about.
    pub act: Option<ActView>,
    /// Arguments of the act that were refused, by JSON Pointers, and why.
    pub misplaced: Vec<(String, String)>,
    /// Whether the agent is still writing it.
    pub streaming: bool,
    pub kind_word: String,
    pub kind: Kind,
    pub payload: Option<Html>,
    /// Members of the payload that its type does not know.
    pub details: Option<Html>,
    pub age: String,
    pub left: String,
    pub urgent: bool,
    pub expires: String,
    /// When it expires, as a moment for scripts.
    pub expires_at: Timestamp,
    pub versions: Vec<Version>,
    pub diffs: Vec<Diff>,
    /// What was typed, and the problems with it in sentences.
    pub typed: FormFields,
    pub problems: Vec<String>,
    /// What was written in a form that came too late, if one did.
    pub unsent: Option<Vec<String>>,
    status: ReviewStatus,
    /// Whether its act is of high risk or cannot be undone.
    pub is_high_risk: bool,
    /// The message, which says where it stands in a list.
    pub source: Message,
    /// Who answered, when, and what.
    pub by: &'static str,
    pub decided: Option<String>,
    /// Of a cancelled review: why, and the message that replaced it.
    pub cancel_reason: Option<String>,
    pub superseded_by: Option<String>,
    pub chosen: Vec<String>,
    pub answers: Vec<(String, String)>,
    pub feedback: Option<String>,
    /// The stored response.
    pub response: Option<Html>,
}

impl ReviewView {
    /// Loads what a page shows of the review of a message.
    pub async fn of(app: &App, human: &HumanCaller, channel: &Channel, message: Message) -> Result<Self, Error> {
        let message = message.for_humans();
        let review = message.review.clone().ok_or(Error::NotFound("review"))?;
        let (loaded, (versions, changes)) = tokio::try_join!(
            Loaded::of(&app.blobs, &message, MAX_FILE_TEXT_BYTES),
            versions::of(app, human, &message)
        )?;
        let shown = RenderedParts::of(&review, loaded, changes).await?;
        Ok(Self::new(app.clock.now(), channel, (message, review), shown, versions))
    }

    fn new(
        now: Timestamp,
        channel: &Channel,
        (message, review): (Message, Review),
        shown: RenderedParts,
        versions: Vec<Version>,
    ) -> Self {
        let is_own_answer = review.responded_by == Some(channel.owner());
        Self {
            id: message.id.to_string(),
            channel: message.channel_id.to_string(),
            agent: channel.agent.name.clone(),
            excerpt: excerpt::of_message(&message),
            message: shown.message,
            act: shown.act,
            misplaced: vec![],
            streaming: message.stream_state == Some(StreamState::Streaming),
            kind_word: summary::kind_word(&review.kind).to_owned(),
            kind: review.kind(),
            payload: shown.payload,
            details: shown.details,
            age: format::age(message.created_at, now),
            left: format::left(review.expires_at, now),
            urgent: format::is_urgent(review.expires_at, now),
            expires: format::moment(review.expires_at),
            expires_at: review.expires_at,
            versions,
            diffs: shown.diffs,
            typed: FormFields::default(),
            problems: vec![],
            unsent: None,
            status: review.status,
            by: if is_own_answer { "you" } else { "somebody else" },
            decided: review.completed_at.or(review.cancelled_at).map(format::moment),
            cancel_reason: review.cancel_reason.clone(),
            superseded_by: message.superseded_by.map(|id| id.to_string()),
            chosen: summary::chosen(&review),
            answers: summary::answers(&review),
            feedback: review.feedback.clone(),
            response: shown.response,
            is_high_risk: review.is_high_risk(),
            source: message,
        }
    }

    /// The name of the comment's input: part of the response where the review allows that, else feedback.
    pub fn comment_name(&self) -> &'static str {
        match &self.kind {
            Kind::Approval(approval) if approval.allow_comment => "comment",
            _ => "feedback",
        }
    }

    /// The initials of the agent.
    pub fn initials(&self) -> String {
        initials(&self.agent)
    }

    /// Whether it can still be answered.
    pub fn is_pending(&self) -> bool {
        self.status == ReviewStatus::Pending
    }

    /// Whether it was answered.
    pub fn is_completed(&self) -> bool {
        self.status == ReviewStatus::Completed
    }

    /// Whether its agent withdrew it.
    pub fn is_cancelled(&self) -> bool {
        self.status == ReviewStatus::Cancelled
    }

    /// The earlier versions.
    pub fn earlier(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().take_while(|version| !version.is_this)
    }

    /// What a field of the form shows: what was typed, else its default.
    pub fn value(&self, field: &Field) -> String {
        // A page never contains a password that was typed.
        let typed = self.typed.first(&input_name(field)).filter(|_| field.kind != FieldType::Password);
        typed.map_or_else(|| field::default_value(field), str::to_owned)
    }

    /// Whether a field shows its default.
    pub fn shows_default(&self, field: &Field) -> bool {
        self.typed.first(&input_name(field)).is_none()
    }

    /// Whether a checkbox is checked.
    pub fn is_checked(&self, field: &Field) -> bool {
        if self.problems.is_empty() {
            field.is_checked_by_default()
        } else {
            self.typed.first(&input_name(field)).is_some()
        }
    }

    /// Whether an option of a field is chosen: as it was submitted, else by default.
    pub fn is_chosen(&self, field: &Field, option: &SelectOption) -> bool {
        if self.problems.is_empty() {
            field.is_default(option)
        } else {
            self.typed.has(&input_name(field), &answer::submitted(&option.text))
        }
    }

    /// Whether none of a field's options is chosen.
    pub fn is_unanswered(&self, field: &Field) -> bool {
        !field.options.iter().any(|option| !option.text.is_empty() && self.is_chosen(field, option))
    }

    /// What the person changed of the act's arguments in the form that was submitted.
    pub fn edits(&self) -> Vec<Change> {
        let edited = self.typed.filled("editedArgs").and_then(Json::parse);
        let both = self.act.as_ref().zip(edited);
        both.map(|(act, edited)| change::between(&act.act.args, &edited)).unwrap_or_default()
    }

    /// How many they are, for the button that allows them.
    pub fn with_changes(&self) -> String {
        match self.edits().len() {
            0 => String::new(),
            count => format!("with {}", change::counted(count)),
        }
    }

    /// What was typed into an input, empty by default.
    pub fn typed(&self, name: &str) -> &str {
        self.typed.first(name).unwrap_or_default()
    }

    /// The text of a text review: what was typed, else its prefill.
    pub fn text_of(&self, input: &TextInput) -> String {
        if self.problems.is_empty() { input.prefill.clone().unwrap_or_default() } else { self.typed("text").to_owned() }
    }

    /// The JSON of a freeform review: what was typed, else an empty object.
    pub fn json_typed(&self) -> &str {
        if self.problems.is_empty() { "{}" } else { self.typed("json") }
    }
}

/// What is laid out of a review, within the budget of a page.
struct RenderedParts {
    message: MessageView,
    act: Option<ActView>,
    payload: Option<Html>,
    details: Option<Html>,
    response: Option<Html>,
    diffs: Vec<Diff>,
}

impl RenderedParts {
    async fn of(review: &Review, loaded: Loaded, changes: Changes) -> Result<Self, Error> {
        let payload = review.payload.as_ref().map(|it| json_tree(it.as_str()));
        let details = review.payload.as_ref().and_then(|it| details(&review.kind(), it));
        let response = review.response.as_ref().map(|it| json_tree(it.as_str()));
        let act = ActView::of(review, review.status == ReviewStatus::Pending);
        let act_len = act.as_ref().map_or(0, ActView::len);
        let always: String = [&payload, &details, &response].into_iter().flatten().map(|it| it.0.as_str()).collect();
        let layout = budget::spend(loaded.len() + changes.len(), move |budget| {
            budget.takes_anyway(&always);
            budget.takes(act_len);
            let shown = loaded.lay_out(Extent::Whole, budget);
            (shown, changes.compare(budget))
        });
        let (message, diffs) = layout.await?;
        Ok(Self { message, act, payload, details, response, diffs })
    }
}

/// The members of a payload that the review's type does not define: a title, a command, an amount.
fn details(kind: &Kind, payload: &Json) -> Option<Html> {
    let known: &[&str] = match kind {
        Kind::Approval(_) => &["options", "allowComment"],
        Kind::Selection(_) => &["mode", "items", "options", "multiple"],
        Kind::Form(_) => &["fields", "submitLabel", "dismissLabel"],
        Kind::TextInput(_) => &["placeholder", "prefill", "markdown", "minLength", "maxLength"],
        // The form shows all of it.
        Kind::Freeform => return None,
    };
    members_tree(payload.as_str(), |name| !known.contains(&name))
}
