//! Random choices that a failed run's seed repeats.

/// A generator with a fresh seed, or the one in `PLACET_TEST_SEED`. The seed is printed, and the
/// output of a failed test shows it.
#[allow(clippy::print_stderr, reason = "the seed is needed to repeat a failed run")]
pub fn from_env() -> fastrand::Rng {
    let fresh = || u64::from_le_bytes(shared::secrets::random());
    let seed = std::env::var("PLACET_TEST_SEED").map_or_else(|_| fresh(), |text| text.parse().expect("a seed"));
    eprintln!("PLACET_TEST_SEED={seed} repeats this run");
    fastrand::Rng::with_seed(seed)
}
