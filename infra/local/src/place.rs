//! Where the data directory is: where the command line says, else the platform's place for a
//! program's data. Earlier versions kept it in the working directory, where coding agents work.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::choose_native_strategy;

use crate::StartError;
use crate::engines::DATABASE;
use crate::options::Options;

/// The default of earlier versions.
const FORMER: &str = ".placet";

/// The data directory that these options choose.
pub fn of(options: &Options) -> Result<PathBuf, StartError> {
    if let Some(path) = &options.data_dir {
        return Ok(path.clone());
    }
    let platform = choose_native_strategy()
        .map_err(|_| StartError::told("There is no home directory to keep data in: choose a place with --data-dir."))?;
    let (default, former) = (platform.data_dir().join("placet"), Path::new(FORMER));
    if !is_used(former) {
        return Ok(default);
    }
    let former = former.canonicalize().unwrap_or_else(|_| former.to_owned());
    if is_used(&default) || !is_of_the_same_user(&former, platform.home_dir()) {
        tracing::warn!(
            "the data in {} is not used: the data directory is {}; --data-dir chooses another",
            former.display(),
            default.display()
        );
        return Ok(default);
    }
    tracing::warn!(
        "the data directory is {}, the default of earlier versions, where programs that work in this directory can \
         read it; to move it, stop the runner, then: mkdir -p {} && mv {} {}",
        former.display(),
        default.parent().unwrap_or(&default).display(),
        former.display(),
        default.display()
    );
    Ok(former)
}

fn is_used(path: &Path) -> bool {
    path.join(DATABASE).exists()
}

/// Nobody else may lay a directory in the way.
fn is_of_the_same_user(path: &Path, home: &Path) -> bool {
    let user = |path: &Path| path.metadata().map(|it| it.uid()).ok();
    user(path).is_some() && user(path) == user(home)
}
