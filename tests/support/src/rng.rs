//! Random numbers that can be repeated with a seed.

/// A generator with a new seed, or with the one in `PLACET_TEST_SEED`. It prints the seed, which the
/// output of a failed test shows.
#[allow(clippy::print_stderr, reason = "the seed is needed to repeat a failed run")]
pub fn from_env() -> fastrand::Rng {
    let new_seed = || u64::from_le_bytes(shared::random::bytes());
    let seed = std::env::var("PLACET_TEST_SEED").map_or_else(|_| new_seed(), |text| text.parse().expect("a seed"));
    eprintln!("PLACET_TEST_SEED={seed} repeats this run");
    fastrand::Rng::with_seed(seed)
}
