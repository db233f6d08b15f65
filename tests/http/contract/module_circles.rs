//! No circle of modules: what the modules of one folder import of each other has an order, in every crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use test_support::sources::{code_of, root, source_files};

/// A module by its path in the crate; the crate's root is empty.
type Module = Vec<String>;

/// The modules of a crate, each with its code without tests and comments.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    let files = source_files(src).into_iter().filter(|file| !file.ends_with("tests.rs"));
    let module = |file: &Path| {
        let path = file.strip_prefix(src).unwrap().with_extension("");
        let names = path.iter().map(|name| name.to_str().unwrap().to_owned());
        names.filter(|name| !["mod", "lib", "main"].contains(&name.as_str())).collect()
    };
    let mut modules = BTreeMap::<Module, String>::new();
    for file in files {
        modules.entry(module(&file)).or_default().push_str(&code_of(&file));
    }
    modules
}

/// Collects the paths of a use tree, or the one path of an expression, from its start in `text`.
fn collect(text: &str, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let (mut path, mut at) = (prefix.to_vec(), name.len());
    path.push(name);
    match text[at..].strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            at += 3;
            while !text[at..].starts_with('}') {
                let rest = text[at..].trim_start_matches([' ', '\n', ',']);
                at = text.len() - rest.len();
                if !rest.starts_with('}') {
                    at += collect(rest, &path, found);
                    at += text[at..].find([',', '}']).unwrap();
                }
            }
            at + 1
        }
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') => at + 2 + collect(rest, &path, found),
        _ => {
            found.push(path);
            at
        }
    }
}

/// The modules that a module's code names.
fn imports(module: &Module, code: &str, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let mut paths = vec![];
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let is_start = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if is_start {
            collect(&code[at..], &[], &mut paths);
        }
    }
    let resolve = |path: Vec<String>| {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let mut target = if ups > 0 { module[..module.len() - ups].to_vec() } else { vec![] };
        target.extend(path.into_iter().skip(ups.max(1)));
        while !modules.contains_key(&target) {
            target.pop();
        }
        target
    };
    paths.into_iter().map(resolve).collect()
}

/// What the modules of each folder import of each other.
fn siblings(modules: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
    let mut folders = BTreeMap::<Module, BTreeMap<String, BTreeSet<String>>>::new();
    for (module, code) in modules {
        for import in imports(module, code, modules) {
            let common = module.iter().zip(&import).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(common), import.get(common)) {
                let folder = folders.entry(module[..common].to_vec()).or_default();
                folder.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    folders
}

/// The modules that are in a circle: what is left when those that import none of the others are taken away.
fn circles(mut folder: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let before = folder.len();
        let names: BTreeSet<String> = folder.keys().cloned().collect();
        folder.retain(|_, imports| imports.iter().any(|import| names.contains(import)));
        if folder.len() == before {
            return folder;
        }
    }
}

#[test]
fn the_modules_of_a_folder_import_each_other_in_one_direction() {
    let parts = ["shared", "functions", "infra", "bench"];
    let files: Vec<_> = parts.iter().flat_map(|part| source_files(&root().join(part))).collect();
    let crates: BTreeSet<_> = files
        .iter()
        .filter(|file| file.ends_with("src/lib.rs") || file.ends_with("src/main.rs"))
        .map(|file| file.parent().unwrap())
        .collect();
    let mut found = vec![];
    for src in &crates {
        for (folder, imports) in siblings(&modules(src)) {
            let circle = circles(imports);
            if !circle.is_empty() {
                found.push(format!("{} {}: {circle:?}", src.display(), folder.join("::")));
            }
        }
    }
    assert!(crates.len() > 15, "{crates:?}");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_circle_is_found() {
    let code = [
        (vec![], "pub mod a; pub mod b; pub mod c;"),
        (vec!["a"], "use crate::{b::{self, X}, c};"),
        (vec!["b", "inner"], "use super::super::a::Y;"),
        (vec!["c"], "fn c() { crate::d::e() }"),
    ];
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Module>();
    let mut modules: BTreeMap<Module, String> =
        code.into_iter().map(|(path, text)| (owned(path), text.to_owned())).collect();
    modules.insert(owned(vec!["b"]), String::new());
    let found = circles(siblings(&modules).remove(&vec![]).unwrap());
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["a", "b"]);
}
