//! The figures of docs/PERFORMANCE.md that need no clock: the cost of each route is as documented,
//! and the recorded measurements are within their bounds.

use placet_bench::figures::{Figures, MAX_GROWTH, MAX_REST_MB, MAX_START_RATIO, MAX_ZIP_BYTES, Route};
use test_support::World;
use test_support::route_costs::{self, RouteCosts};

/// Routes with more round trips: reads that follow what they found, such as a search that fills its
/// page, waits for several reviews, and operations with more than one write (password changes, uploads, deletions).
const LONGER_ROUTES: [&str; 16] = [
    "GET /api/v1/messages?channel={agent}&search=a&has_attachments=true",
    "GET /api/v1/reviews/wait?ids={message}",
    "POST /api/v1/files/store",
    "POST /api/v1/files/upload",
    "POST /api/v1/files/store-text",
    "POST /api/auth/login",
    "GET /api/agents/stats",
    "GET /api/messages/reviews/history?channel={agent}&search=a",
    "POST /api/messages/{message}/respond, a file",
    "POST /api/files/store",
    "POST /api/files/upload",
    "DELETE /api/auth/sessions/{session}",
    "DELETE /api/users/{user}",
    "DELETE /api/agents/{agent}",
    "DELETE /api/v1/agents/{agent}",
    "POST /api/auth/change-password",
];

/// `make route-costs` adds a new route without its times, which the next `make bench` measures.
const MAX_UNTIMED_ROUTES: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_costs_what_the_docs_say() {
    let world = World::start().await;
    // Other engines may count units differently, and how calls overlap depends on how long each takes; the number of
    // calls is the same.
    let embedded = world.database().is_some();
    let costs = RouteCosts::new(&world).await;
    let kept = Figures::load().routes;
    let names: Vec<String> = route_costs::routes().iter().map(route_costs::name).collect();
    assert_eq!(names, kept.iter().map(|it| it.name.clone()).collect::<Vec<_>>(), "run `make route-costs`");
    let mut different = vec![];
    for (route, kept) in route_costs::routes().iter().zip(kept) {
        let mut measured = costs.cost(route).await;
        let documented = kept.cost();
        // On a busy machine, calls that are sent together may look as if one followed the other.
        for _ in 0..2 {
            if kept.name.starts_with("GET ") && measured.round_trips > documented.round_trips {
                measured = costs.cost(route).await;
            }
        }
        if !embedded {
            (measured.read_units, measured.write_units) = (documented.read_units, documented.write_units);
            measured.round_trips = documented.round_trips;
        }
        if measured != documented {
            different.push(format!("{}: measured {measured:?}, documented {documented:?}", kept.name));
        }
    }
    assert!(different.is_empty(), "run `make route-costs` if the change is intended:\n{}", different.join("\n"));
}

#[test]
fn a_read_is_one_round_trip_and_a_write_two() {
    let max_round_trips = |route: &Route| if route.name.starts_with("GET ") { 1 } else { 2 };
    let longer = Figures::load().routes.into_iter().filter(|route| route.round_trips > max_round_trips(route));
    let longer: Vec<String> = longer.map(|route| route.name).collect();
    assert_eq!(longer, LONGER_ROUTES);
}

#[test]
fn the_performance_page_is_generated_from_the_figures() {
    assert_eq!(Figures::load_page(), Figures::load().render_page());
}

#[test]
fn the_measured_figures_are_within_their_bounds() {
    let kept = Figures::load();
    let untimed = kept.routes.iter().filter(|it| it.timed.is_none()).count();
    assert!(!kept.functions.is_empty() && !kept.growth.is_empty() && untimed <= MAX_UNTIMED_ROUTES, "run `make bench`");
    for it in &kept.functions {
        assert!(it.zip_bytes <= MAX_ZIP_BYTES, "{}: {} bytes", it.name, it.zip_bytes);
        assert!(it.start_ratio <= MAX_START_RATIO, "{}: {}", it.name, it.start_ratio);
        assert!(it.rest_mb <= MAX_REST_MB, "{}: {} MB", it.name, it.rest_mb);
    }
    for it in &kept.growth {
        // The number of polls of a held call is jittered.
        let held = it.call.ends_with("timeout");
        let ratios = [it.calls_ratio, it.units_ratio];
        assert!(held || ratios.iter().all(|ratio| *ratio <= MAX_GROWTH), "{}: {}: {ratios:?}", it.what, it.call);
    }
}
