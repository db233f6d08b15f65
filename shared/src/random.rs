//! Random bytes from the operating system.

/// `N` random bytes from the system's source of randomness.
///
/// # Panics
/// When the system cannot supply randomness: no secret or id could be generated safely.
#[expect(clippy::expect_used, reason = "without randomness no key or id may be generated")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system supplies randomness");
    bytes
}
