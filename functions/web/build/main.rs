//! Joins the scripts, compresses the assets, and writes the table of assets that `assets.rs` serves.

#![allow(clippy::print_stdout, reason = "it is how a build script speaks to cargo")]

mod bundle;

use std::error::Error;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let web = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../web").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let (assets, scripts, worker) = (web.join("assets"), web.join("scripts"), web.join("worker"));
    for folder in [&assets, &scripts, &worker] {
        println!("cargo::rerun-if-changed={}", folder.display());
    }

    let mut files = vec![];
    for (folder, entry) in [(&scripts, "app.js"), (&worker, "sw.js")] {
        let joined = out.join(entry);
        fs::write(&joined, bundle::join(folder, entry)?)?;
        files.push(joined);
    }
    for entry in fs::read_dir(&assets)? {
        files.push(entry?.path());
    }
    files.sort();

    let mut table = "&[\n".to_owned();
    for file in &files {
        table.push_str(&entry(file, &out)?);
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// One entry of the table: the file, a version that changes with its bytes, and the same compressed where
/// that is smaller.
fn entry(file: &Path, out: &Path) -> Result<String> {
    let name = file.file_name().and_then(|name| name.to_str()).ok_or("an asset's name is not UTF-8")?;
    let bytes = fs::read(file)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let (version, kind) = (hasher.finish(), content_type(name)?);

    let compressed = gzip(&bytes)?;
    let gzip_file = out.join(format!("{name}.gz"));
    let mut gzip = "None".to_owned();
    if compressed.len() < bytes.len() {
        fs::write(&gzip_file, compressed)?;
        gzip = format!("Some(include_bytes!({gzip_file:?}))");
    }
    let mut entry = String::new();
    write!(entry, "Asset {{ name: {name:?}, kind: {kind:?}, version: \"{version:016x}\", ")?;
    let integrity = format!("sha256-{}", STANDARD.encode(Sha256::digest(&bytes)));
    write!(entry, "integrity: {integrity:?}, ")?;
    writeln!(entry, "bytes: include_bytes!({file:?}), gzip: {gzip} }},")?;
    Ok(entry)
}

fn content_type(name: &str) -> Result<&'static str> {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        Some("png") => Ok("image/png"),
        Some("webmanifest") => Ok("application/manifest+json"),
        _ => Err(format!("{name}: assets of this kind have no content type yet").into()),
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
