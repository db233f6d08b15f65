//! File descriptors: every connection takes one, and so do files and the engines' connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is left to files and engines, unless that is more than half.
const OTHERS: usize = 1024;

/// Raises the limit of open descriptors as far as it may be raised, and gives it.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { raised.current } else { limit.current };
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}

/// How many connections there may be where `wanted` are allowed.
pub fn connections(descriptors: usize, wanted: usize) -> usize {
    wanted.min(descriptors - OTHERS.min(descriptors / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_everything_else() {
        assert_eq!([256, 1024, 4096, 1_048_576].map(|all| connections(all, 10_000)), [128, 512, 3072, 10_000]);
        assert_eq!(connections(4096, 100), 100);
    }
}
