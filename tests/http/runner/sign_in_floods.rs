//! A flood of sign-ins from one address keeps nobody out who has signed in before.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tempfile::TempDir;
use test_support::{Person, Runner};

#[tokio::test]
async fn one_password_at_two_hundred_addresses_is_stopped_and_a_known_browser_signs_in_meanwhile() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let person = runner.person().await;
    let url = person.origin();
    let guess = async |number: usize| {
        Person::signed_out(&url, &format!("nobody{number}@people.example"), "one password for all").sign_in().await
    };
    let flood = join_all((0..200).map(guess));
    let (replies, waited) = tokio::join!(flood, async {
        let began = Instant::now();
        person.sign_in().await.expect(200);
        began.elapsed()
    });
    let judged = replies.iter().filter(|reply| reply.status == 401).count();
    assert!((1..=50).contains(&judged), "{judged} passwords were judged");
    for refused in replies.iter().filter(|reply| reply.status != 401) {
        assert_eq!(refused.status, 429, "{}", refused.text());
        assert!(refused.header("retry-after").parse::<u64>().is_ok());
    }
    assert!(waited < Duration::from_secs(14), "the sign-in took {waited:?}");
}
