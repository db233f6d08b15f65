//! What a person's webhook is sent, in the format that its receiver documents.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::ids::MessageId;
use crate::models::WebhookFormat;
use crate::models::notification_webhook::ntfy_topic;
use crate::review::Risk;
use crate::storage::{PersonalWebhook, Webhook};
use crate::webhook::Target;

/// What a person is notified of.
#[derive(Clone, Debug)]
pub struct Notice {
    pub kind: NoticeKind,
    /// `None` for a test.
    pub message_id: Option<MessageId>,
    /// The agent's name, as plain text.
    pub agent: String,
    /// The question in one line of plain text.
    pub text: String,
    /// The risk that decides how people are notified.
    pub notified_risk: Risk,
    /// What the agent declared of the act, if there is one.
    pub risk: Option<Risk>,
    pub reversible: Option<bool>,
    /// Where people answer; it leads to the sign-in.
    pub url: String,
    pub expires_at: Option<Timestamp>,
}

/// Why a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    Request,
    Reminder,
    Test,
}

impl NoticeKind {
    fn event(self) -> &'static str {
        match self {
            Self::Request => "review:requested",
            Self::Reminder => "review:reminder",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// Where it is sent by a person's webhook, and the body.
    pub fn request(&self, webhook: &PersonalWebhook) -> (Target, String) {
        let (url, body) = match webhook.format {
            WebhookFormat::Json => (webhook.url.clone(), self.json()),
            WebhookFormat::Slack => (webhook.url.clone(), self.slack()),
            WebhookFormat::Ntfy => self.ntfy(&webhook.url),
        };
        let settings = Webhook {
            url: None,
            headers: webhook.headers.clone().unwrap_or_default(),
            auth: webhook.auth.clone(),
            secrets: vec![],
        };
        let target = Target::of_agent(&url, &settings).with_secret_path();
        (target, body.to_string())
    }

    fn json(&self) -> Value {
        json!({
            "event": self.kind.event(), "messageId": self.message_id, "channelId": self.message_id.map(MessageId::channel),
            "agent": self.agent, "text": self.text, "risk": self.risk, "reversible": self.reversible, "url": self.url,
            "expiresAt": self.expires_at,
        })
    }

    fn title(&self) -> String {
        match self.kind {
            NoticeKind::Request | NoticeKind::Test => self.agent.clone(),
            NoticeKind::Reminder => format!("Reminder: {}", self.agent),
        }
    }

    /// `verbatim`: Slack makes no mentions of what an agent wrote.
    fn slack(&self) -> Value {
        let (title, text) = (slack_text(&self.title()), slack_text(&self.text));
        let section = |text: String| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
        let until = self.expires_at.map(|at| {
            let seconds = at.epoch_seconds();
            format!(" · answer by <!date^{seconds}^{{date_short_pretty}} {{time}}|{at}>")
        });
        let link = format!("<{}|Open the request>{}", slack_text(&self.url), until.unwrap_or_default());
        json!({
            "text": format!("{title}: {text}"),
            "blocks": [
                { "type": "section", "text": section(format!("*{title}*\n{text}")) },
                { "type": "context", "elements": [section(link)] },
            ],
        })
    }

    fn ntfy(&self, url: &str) -> (String, Value) {
        // The URL was checked when it was set.
        let (server, topic) =
            ntfy_topic(url).map_or_else(|| (url.to_owned(), String::new()), |(url, topic)| (url.into(), topic));
        let priority = match self.notified_risk {
            Risk::Low => 2,
            Risk::Medium => 3,
            Risk::High => 4,
        };
        let body = json!({
            "topic": topic, "title": self.title(), "message": self.text, "priority": priority, "click": self.url,
            "actions": [{ "action": "view", "label": "Open the request", "url": self.url }],
        });
        (server, body)
    }
}

/// The three characters that mean something to Slack, as it wants them.
fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
