//! The list of decided reviews, the one decided last first.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::ids::AgentId;
use shared::models::{Agent, DecidedMessage, User};
use shared::storage::HistoryPage;
use shared::storage::keys::DecidedPlace;

use crate::components::review_list::row::Row;
use crate::components::review_list::{Choice, ReviewFilter, ReviewList, Tab};
use crate::text::format;

impl ReviewList {
    /// A page of the history.
    pub fn of_history(wanted: &ReviewFilter, page: HistoryPage, agents: &[Agent], reader: &User) -> Self {
        let view = wanted.view();
        let known: HashMap<AgentId, &Agent> = agents.iter().map(|agent| (agent.id, agent)).collect();
        let row = |it: &DecidedMessage| Row::of_decided(it, known.get(&it.message.channel_id).copied(), reader);
        let rows: Vec<Row> = page.reviews.iter().filter_map(row).collect();
        let is_search = !view.search.is_empty() || view.person.is_some();
        Self {
            total: rows.len(),
            is_cut: false,
            rows,
            more: page.next.map(|place| view.query_before(place)),
            read_to: page.next.filter(|_| is_search).map(|place| format::moment(place.time())),
            agents: agents
                .iter()
                .map(|agent| choice(agent.id.to_string(), &agent.name, view.agent == Some(agent.id)))
                .collect(),
            types: vec![],
            outcomes: outcomes(view.tab),
            people: vec![choice(reader.id.to_string(), "Answered by me", view.person == Some(reader.id))],
            channel: agents.first().map(|agent| agent.id),
            api_url: None,
            next: None,
            selected: None,
            messages: page.reviews.into_iter().map(|it| it.message).collect(),
            view,
        }
    }

    /// The path of the same reviews as CSV.
    pub fn csv_path(&self) -> String {
        let Some(filter) = self.view.history() else { return String::new() };
        let search = Some(&self.view.search).filter(|search| !search.is_empty());
        let members = [
            ("status", filter.status.map(|status| status.word().to_owned())),
            ("channel", filter.channel.map(|id| id.to_string())),
            ("person", filter.person.map(|id| id.to_string())),
            ("from", filter.from.map(|at| at.to_string())),
            ("to", filter.to.map(|at| at.to_string())),
            ("search", search.map(|search| utf8_percent_encode(search, NON_ALPHANUMERIC).to_string())),
            ("cursor", self.view.before.map(DecidedPlace::cursor)),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        format!("/api/messages/reviews/history.csv?{}", members.collect::<Vec<_>>().join("&"))
    }
}

fn choice(value: String, label: &str, is_chosen: bool) -> Choice {
    Choice { value, label: label.to_owned(), is_chosen }
}

fn outcomes(chosen: Tab) -> Vec<Choice> {
    let label = |word: &str| match word {
        "completed" => "Answered",
        "expired" => "Expired",
        "cancelled" => "Withdrawn",
        _ => "Outcome",
    };
    let history = Tab::WORDS.into_iter().filter(|(_, tab)| *tab != Tab::Waiting);
    history.map(|(word, tab)| choice(word.to_owned(), label(word), tab == chosen)).collect()
}
