//! Writes `docs/openapi.json` from the code: `make openapi`.

#![allow(clippy::expect_used, reason = "a failed run says why")]

fn main() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    std::fs::write(file, test_support::openapi::text()).expect("docs/openapi.json can be written");
}
