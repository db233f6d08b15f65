//! docs/PERFORMANCE.md, where no clock is asked: what each route costs is what it says, nothing
//! grows with what lies beside it, and what was measured is within its bounds.

use placet_bench::figures::{Figures, MOST_GROWTH, MOST_REST_MB, MOST_START_RATIO, MOST_ZIP_BYTES, Route};
use test_support::World;
use test_support::route_costs::{self, RouteCosts};

/// Reads that go from what they find to more of it, as a search does whose page is not full; and
/// writes that are more than one write: a password's or a session's change, bytes that are noted
/// before they are put, removals.
const LONGER: [&str; 12] = [
    "GET /api/v1/messages?channel={agent}&search=a&has_attachments=true",
    "POST /api/v1/files/store",
    "POST /api/v1/files/upload",
    "POST /api/v1/files/store-text",
    "POST /api/auth/login",
    "GET /api/agents/stats",
    "POST /api/messages/{message}/respond, a file",
    "POST /api/files/store",
    "POST /api/files/upload",
    "DELETE /api/users/{user}",
    "DELETE /api/agents/{agent}",
    "POST /api/auth/change-password",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_costs_what_the_docs_say() {
    let world = World::start().await;
    // Another engine may count units otherwise; it is called as often.
    let embedded = world.database().is_some();
    let costs = RouteCosts::new(&world).await;
    let kept = Figures::kept().routes;
    let names: Vec<String> = route_costs::routes().iter().map(route_costs::name).collect();
    assert_eq!(names, kept.iter().map(|it| it.name.clone()).collect::<Vec<_>>(), "run `make figures`");
    let mut different = vec![];
    for (route, kept) in route_costs::routes().iter().zip(kept) {
        let mut measured = costs.cost(route).await;
        let said = kept.cost();
        if !embedded {
            (measured.read_units, measured.write_units) = (said.read_units, said.write_units);
        }
        if measured != said {
            different.push(format!("{}: {measured:?}, and the page says {said:?}", kept.name));
        }
    }
    assert!(different.is_empty(), "run `make figures` if this is meant:\n{}", different.join("\n"));
}

#[test]
fn a_read_is_one_round_trip_and_a_write_two() {
    let most = |route: &Route| if route.name.starts_with("GET ") { 1 } else { 2 };
    let longer = Figures::kept().routes.into_iter().filter(|route| route.round_trips > most(route));
    let longer: Vec<String> = longer.map(|route| route.name).collect();
    assert_eq!(longer, LONGER);
}

#[test]
fn the_performance_page_is_generated_from_the_figures() {
    assert_eq!(Figures::kept_page(), Figures::kept().page());
}

#[test]
fn the_measured_figures_are_within_their_bounds() {
    let kept = Figures::kept();
    assert!(!kept.functions.is_empty() && !kept.growth.is_empty() && kept.routes.iter().all(|it| it.timed.is_some()));
    for it in &kept.functions {
        assert!(it.zip_bytes <= MOST_ZIP_BYTES, "{}: {} bytes", it.name, it.zip_bytes);
        assert!(it.start_ratio <= MOST_START_RATIO, "{}: {}", it.name, it.start_ratio);
        assert!(it.rest_mb <= MOST_REST_MB, "{}: {} MB", it.name, it.rest_mb);
    }
    for it in &kept.growth {
        // How often a held call looks is jittered.
        let held = it.call.ends_with("timeout");
        let ratios = [it.calls_ratio, it.units_ratio];
        assert!(held || ratios.iter().all(|ratio| *ratio <= MOST_GROWTH), "{}: {}: {ratios:?}", it.what, it.call);
    }
}
