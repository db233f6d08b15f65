//! Reads `web/plugins/*`, refuses what is no plugin, and writes the table of those that are: to
//! add a plugin is to add a directory.

#![allow(clippy::print_stdout, reason = "it is how a build script speaks to cargo")]

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/check.rs"]
mod check;

fn main() -> Result<(), Box<dyn Error>> {
    let plugins = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../web/plugins").canonicalize()?;
    println!("cargo::rerun-if-changed={}", plugins.display());
    let mut directories: Vec<PathBuf> =
        fs::read_dir(&plugins)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    directories.retain(|path| path.is_dir());
    directories.sort();

    let mut table = "&[".to_owned();
    for directory in &directories {
        let [manifest, page] = ["plugin.json", "render.html"].map(|name| directory.join(name));
        let problems = problems_of(directory, &fs::read_to_string(&manifest)?, &fs::read_to_string(&page)?);
        if !problems.is_empty() {
            return Err(format!("{}: {}", directory.display(), problems.join("; ")).into());
        }
        write!(table, "(include_str!({manifest:?}), include_str!({page:?})),")?;
    }
    table.push(']');
    if directories.len() > check::MAX_PLUGINS {
        return Err(format!("at most {} plugins can be bundled", check::MAX_PLUGINS).into());
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("bundled.rs"), table)?;
    Ok(())
}

fn problems_of(directory: &Path, manifest: &str, page: &str) -> Vec<String> {
    let mut problems = check::problems(manifest, page);
    let name = directory.file_name().and_then(|name| name.to_str());
    let named = serde_json::from_str::<serde_json::Value>(manifest).ok();
    if named.as_ref().and_then(|it| it["name"].as_str()) != name {
        problems.push("name must be that of the directory: that makes it the only one".to_owned());
    }
    problems
}
