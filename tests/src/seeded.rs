//! Chance that can be repeated.

/// Random choices that follow from a seed (splitmix64).
pub struct Seeded(u64);

impl Seeded {
    /// A fresh seed, or the one in `PLACET_TEST_SEED`. It is printed, which a failed test shows.
    #[allow(clippy::print_stderr, reason = "who repeats a failed run needs the seed")]
    pub fn from_env() -> Self {
        let fresh = || u64::from_le_bytes(shared::secrets::random());
        let seed = std::env::var("PLACET_TEST_SEED").map_or_else(|_| fresh(), |text| text.parse().expect("a seed"));
        eprintln!("PLACET_TEST_SEED={seed} repeats this run");
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end + 1));
        }
    }
}
