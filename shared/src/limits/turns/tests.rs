use super::*;
use crate::clock::Timestamp;
use std::future::pending;

fn settings() -> Settings {
    Settings { requests_per_second: 1, burst: 3, at_once: 2, ..Settings::default() }
}

fn user() -> UserId {
    UserId::new(Timestamp::from_millis(1_767_225_600_000))
}

async fn verify(callers: &Callers, hashed: &SecretHash, user: UserId) {
    let done = callers.in_turn(std::slice::from_ref(hashed), verified(hashed, user)).await;
    done.and_then(|it| it).unwrap();
}

#[tokio::test]
async fn a_credential_has_a_rate_once_it_is_verified_and_no_other_pays_for_it() {
    let (callers, [first, second]) = (Callers::new(&settings()), ["first", "second"].map(SecretHash::of));
    for _ in 0..100 {
        callers.in_turn(std::slice::from_ref(&first), async {}).await.unwrap();
    }
    verify(&callers, &first, user()).await;
    let mut refused = None;
    for _ in 0..3 {
        refused = callers.in_turn(std::slice::from_ref(&first), async {}).await.err();
    }
    assert_eq!(refused.and_then(|err| err.retry_after()), Some(1));
    verify(&callers, &second, user()).await;
}

#[tokio::test]
async fn requests_of_one_credential_queue_and_those_of_another_do_not() {
    let callers = Callers::new(&Settings { burst: 100, ..settings() });
    let [flood, other] = ["flood", "other"].map(SecretHash::of);
    verify(&callers, &flood, user()).await;
    verify(&callers, &other, user()).await;
    let held = async |hashed: SecretHash| callers.in_turn(&[hashed], pending::<()>()).await;
    let soon = Duration::from_millis(50);
    let flooding = async { tokio::join!(held(flood.clone()), held(flood.clone())) };
    let meanwhile = async {
        tokio::task::yield_now().await;
        let queued = callers.in_turn(std::slice::from_ref(&flood), async {});
        assert!(tokio::time::timeout(soon, queued).await.is_err());
        // The same person's other credential, too, has a turn left.
        callers.in_turn(std::slice::from_ref(&other), async {}).await.unwrap();
    };
    tokio::select! {
        _ = flooding => unreachable!(),
        () = meanwhile => {}
    }
}

#[tokio::test]
async fn who_steps_aside_leaves_the_turn_to_others() {
    let callers = Callers::new(&Settings { burst: 100, at_once: 1, ..settings() });
    let key = SecretHash::of("key");
    verify(&callers, &key, user()).await;
    let waits = callers.in_turn(std::slice::from_ref(&key), async {
        step_aside();
        pending::<()>().await
    });
    tokio::select! {
        _ = waits => unreachable!(),
        done = callers.in_turn(std::slice::from_ref(&key), async {}) => done.unwrap(),
    }
}

#[tokio::test]
async fn made_up_credentials_take_no_memory() {
    let callers = Callers::new(&settings());
    for number in 0..1_000 {
        let made_up = SecretHash::of(&number.to_string());
        callers.in_turn(std::slice::from_ref(&made_up), async { forget(&made_up) }).await.unwrap();
    }
    assert!(callers.lock().credentials.is_empty());
    for number in 0..MAX_REMEMBERED + 10 {
        verify(&callers, &SecretHash::of(&number.to_string()), user()).await;
    }
    assert!(callers.lock().credentials.len() <= MAX_REMEMBERED);
}
