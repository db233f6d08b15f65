//! The limit of open file descriptors. Each connection takes one; so do files and databases.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for files and databases: this many, or half of them if there are fewer.
const RESERVED: usize = 1024;

/// Raises the process's soft limit to its hard limit and returns the limit.
pub fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { raised.current } else { limit.current };
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// The number of connections that fit, at most `wanted`.
pub fn max_connections(descriptors: usize, wanted: usize) -> usize {
    wanted.min(descriptors - RESERVED.min(descriptors / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_files_and_databases() {
        assert_eq!([256, 1024, 4096, 1_048_576].map(|all| max_connections(all, 10_000)), [128, 512, 3072, 10_000]);
        assert_eq!(max_connections(4096, 100), 100);
    }
}
