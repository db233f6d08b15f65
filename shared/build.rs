//! Lists the bundled plugins: a review's type may be the name of one. What they are is read, and
//! checked, by `functions/plugins/build.rs`, which also sees to it that a directory is named as its
//! plugin.

#![allow(clippy::print_stdout, reason = "it is how a build script speaks to cargo")]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let plugins = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../web/plugins").canonicalize()?;
    println!("cargo::rerun-if-changed={}", plugins.display());
    let mut names = vec![];
    for entry in fs::read_dir(&plugins)? {
        let entry = entry?;
        if entry.path().join("plugin.json").is_file() {
            names.push(entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?);
        }
    }
    names.sort();
    fs::write(Path::new(&env::var("OUT_DIR")?).join("plugin_names.rs"), format!("&{names:?}"))?;
    Ok(())
}
