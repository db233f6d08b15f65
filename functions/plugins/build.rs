//! Reads `web/plugins/*`, refuses what is no plugin, and writes the table of those that are: to
//! add a plugin is to add a directory. The files next to the directories are parts of several pages: a page has
//! `<!-- include base.css -->` in their places.

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

    let built = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = "&[".to_owned();
    for directory in &directories {
        let [manifest, page] = [check::MANIFEST, check::PAGE].map(|name| directory.join(name));
        let icon =
            check::ICONS.iter().map(|(name, mime)| (directory.join(name), mime)).find(|(path, _)| path.is_file());
        let icon_size = icon.as_ref().map(|(path, _)| fs::metadata(path)).transpose()?.map(|it| it.len() as usize);
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let html =
            with_parts(fs::read_to_string(&page)?, &plugins).map_err(|err| format!("{}: {err}", page.display()))?;
        let problems = check::problems(name, &fs::read_to_string(&manifest)?, &html, icon_size);
        if !problems.is_empty() {
            return Err(format!("{}: {}", directory.display(), problems.join("; ")).into());
        }
        let page = built.join(format!("{name}.html"));
        fs::write(&page, html)?;
        let icon = icon.map_or("None".to_owned(), |(path, mime)| format!("Some(({mime:?}, include_bytes!({path:?})))"));
        write!(table, "(include_str!({manifest:?}), include_str!({page:?}), {icon}),")?;
    }
    table.push(']');
    if directories.len() > check::MAX_PLUGINS {
        return Err(format!("at most {} plugins can be bundled", check::MAX_PLUGINS).into());
    }
    fs::write(built.join("bundled.rs"), table)?;
    Ok(())
}

/// The page with the parts that it includes.
fn with_parts(mut page: String, plugins: &Path) -> Result<String, Box<dyn Error>> {
    const BEGIN: &str = "<!-- include ";
    while let Some((before, rest)) = page.split_once(BEGIN) {
        let (name, after) = rest.split_once(" -->").ok_or("an include has no end")?;
        let part = fs::read_to_string(plugins.join(name)).map_err(|err| format!("{name}: {err}"))?;
        let part = match name.rsplit_once('.') {
            Some((_, "css")) => format!("<style>\n{part}</style>"),
            Some((_, "js")) => format!("<script>\n{part}</script>"),
            _ => part,
        };
        page = format!("{before}{part}{after}");
    }
    Ok(page)
}
