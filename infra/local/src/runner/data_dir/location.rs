//! The location of the data directory: the command line's, else the platform's directory for
//! application data. Earlier versions used the working directory, where coding agents work.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::choose_native_strategy;

use crate::StartError;
use crate::engines::DATABASE;
use crate::runner::options::Options;

/// The default of earlier versions, in the working directory.
const LEGACY_DIR: &str = ".placet";

/// The data directory for these options. Warns if data of an earlier version is used or ignored.
pub fn resolve(options: &Options) -> Result<PathBuf, StartError> {
    if let Some(path) = &options.data_dir {
        return Ok(path.clone());
    }
    let platform = choose_native_strategy().map_err(|_| {
        StartError::message("There is no home directory for the data: choose a directory with --data-dir.")
    })?;
    let (default, legacy) = (platform.data_dir().join("placet"), Path::new(LEGACY_DIR));
    if !is_used(legacy) {
        return Ok(default);
    }
    let legacy = legacy.canonicalize().unwrap_or_else(|_| legacy.to_owned());
    if is_used(&default) || !has_same_owner(&legacy, platform.home_dir()) {
        tracing::warn!(
            "the data in {} is not used: the data directory is {}; --data-dir chooses another",
            legacy.display(),
            default.display()
        );
        return Ok(default);
    }
    tracing::warn!(
        "the data directory is {}, the default of earlier versions, where programs in this working directory can \
         read it; to move it, stop the runner, then: mkdir -p {} && mv {} {}",
        legacy.display(),
        default.parent().unwrap_or(&default).display(),
        legacy.display(),
        default.display()
    );
    Ok(legacy)
}

fn is_used(path: &Path) -> bool {
    path.join(DATABASE).exists()
}

/// Whether the directory belongs to the owner of the home directory, and not to another user.
fn has_same_owner(path: &Path, home: &Path) -> bool {
    let owner = |path: &Path| path.metadata().map(|it| it.uid()).ok();
    owner(path).is_some() && owner(path) == owner(home)
}
