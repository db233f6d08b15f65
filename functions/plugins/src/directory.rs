//! Plugins from a directory: what an installation adds to the bundled ones, without a build.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use bytes::Bytes;

use crate::check;

/// The files of a plugin, which were checked.
pub struct Source {
    pub manifest: Cow<'static, str>,
    pub page: Cow<'static, str>,
    pub icon: Option<Icon>,
}

/// The icon of a plugin.
#[derive(Clone, Debug)]
pub struct Icon {
    pub mime_type: &'static str,
    pub bytes: Bytes,
}

/// Reads each subdirectory as a plugin. The error names everything that is wrong with all of them.
pub fn read(directory: &Path) -> Result<Vec<Source>, String> {
    let entries = fs::read_dir(directory).map_err(|err| format!("{}: {err}", directory.display()))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|it| it.path()).filter(|it| it.is_dir()).collect();
    paths.sort();
    let (mut sources, mut problems) = (vec![], vec![]);
    for path in paths {
        match read_one(&path) {
            Ok(source) => sources.push(source),
            Err(found) => problems.push(format!("{}: {}", path.display(), found.join("; "))),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems.join("\n")) }
}

fn read_one(path: &Path) -> Result<Source, Vec<String>> {
    let text = |name: &str| fs::read_to_string(path.join(name)).map_err(|err| format!("{name}: {err}"));
    let (manifest, page) = match (text(check::MANIFEST), text(check::PAGE)) {
        (Ok(manifest), Ok(page)) => (manifest, page),
        (manifest, page) => return Err([manifest.err(), page.err()].into_iter().flatten().collect()),
    };
    let icon = icon(path);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let problems = check::problems(name, &manifest, &page, icon.as_ref().map(|icon| icon.bytes.len()));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Source { manifest: manifest.into(), page: page.into(), icon })
}

fn icon(path: &Path) -> Option<Icon> {
    check::ICONS.iter().find_map(|(name, mime_type)| {
        let bytes = fs::read(path.join(name)).ok()?;
        Some(Icon { mime_type, bytes: bytes.into() })
    })
}
