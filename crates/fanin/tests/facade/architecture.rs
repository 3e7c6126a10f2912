//! The house as ARCHITECTURE.md draws it: arrows point down, and a new piece brings what its row in
//! "Where to add things" asks for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The Rust files below a folder, and the file of the same name beside it.
fn sources(path: &str) -> Vec<(String, String)> {
    fn collect(at: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let (folder, mut files) = (root().join(path), vec![]);
    collect(&folder, &mut files);
    let beside = folder.with_extension("rs");
    if beside.exists() {
        files.push(beside);
    }
    files.sort();
    assert!(!files.is_empty(), "{path}: there are no sources");
    let text = |file: PathBuf| {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(file).unwrap())
    };
    files.into_iter().map(text).collect()
}

/// The lines that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..tests].lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The words that follow a marker in the code: `crate::` gives the modules that it names.
fn words_after<'t>(text: &'t str, marker: &'t str) -> BTreeSet<&'t str> {
    let word = |rest: &'t str| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    };
    code(text).flat_map(|line| line.split(marker).skip(1).map(word)).collect()
}

/// Each crate, and the ones that it may use.
const CRATES: [(&str, &[&str]); 10] = [
    ("crates/tensor", &[]),
    ("crates/init", &[]),
    ("crates/derive", &[]),
    ("crates/files", &[]),
    ("crates/nn", &["fanin-tensor", "fanin-init", "fanin-derive", "fanin-files"]),
    ("crates/interop", &["fanin-nn", "fanin-tensor", "fanin-init", "fanin-files"]),
    ("crates/mpi", &["fanin-train"]),
    ("datasets", &["fanin-tensor", "fanin-init", "fanin-files"]),
    ("crates/train", &["fanin-nn", "fanin-datasets", "fanin-tensor", "fanin-init", "fanin-files"]),
    (
        "crates/fanin",
        &[
            "fanin-train",
            "fanin-interop",
            "fanin-nn",
            "fanin-datasets",
            "fanin-tensor",
            "fanin-init",
            "fanin-derive",
        ],
    ),
];

#[test]
fn no_crate_uses_one_above_it() {
    for (folder, allowed) in CRATES {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        for line in dependencies.lines().filter(|line| line.starts_with("fanin")) {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            assert!(allowed.contains(&name), "{folder} must not use {name}");
        }
    }
    let members = fs::read_dir(root().join("crates")).unwrap().count() + 1;
    assert_eq!(members, CRATES.len(), "a crate is missing in this list");
}

/// Each room of fanin-nn, and the rooms that it may use. `parameters` uses of `initialize` the plan
/// alone, which knows no model.
const ROOMS: [(&str, &[&str]); 9] = [
    ("tape", &["buffer", "param", "debug_build", "note"]),
    ("ops", &["note", "parts", "tape"]),
    ("losses", &["note", "ops", "tape"]),
    ("parameters", &["buffer", "param", "pattern", "initialize"]),
    (
        "layers",
        &["buffer", "describe", "module", "ops", "param", "parameters", "parts", "summary", "tape"],
    ),
    ("optim", &["buffer", "note", "param", "parameters", "pattern", "tape"]),
    ("io", &["buffer", "param", "parameters"]),
    (
        "diagnose",
        &["losses", "module", "note", "ops", "optim", "param", "parameters", "tape", "terminal"],
    ),
    ("initialize", &["describe", "diagnose", "module", "param", "parameters", "pattern"]),
];

#[test]
fn no_room_of_nn_uses_one_above_it() {
    for (room, allowed) in ROOMS {
        for (file, text) in sources(&format!("crates/nn/src/{room}")) {
            let used = words_after(&text, "crate::");
            let is_module = |name: &&&str| root().join(format!("crates/nn/src/{name}.rs")).exists();
            for name in used.iter().filter(is_module).filter(|name| **name != room) {
                assert!(allowed.contains(name), "{file} must not use crate::{name}");
            }
        }
    }
    let plan = read("crates/nn/src/initialize/plan.rs");
    let used = words_after(&plan, "crate::");
    assert!(!used.contains("parameters") && !used.contains("module"), "the plan knows a model");
}

/// Fails for each name that a text does not have.
fn assert_named<'n>(
    in_file: &str,
    text: &str,
    names: impl IntoIterator<Item = &'n str>,
    why: &str,
) {
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let missing: Vec<_> = names.into_iter().filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "{in_file} lacks {missing:?}: {why}");
}

fn all(path: &str) -> String {
    sources(path).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn every_operation_has_a_gradient_check() {
    // Dropout is checked with its masks, other random operations with one seed.
    let tests = read("crates/nn/tests/nn/gradients.rs")
        + &all("crates/nn/tests/nn/frame")
        + &read("crates/nn/tests/nn/activations.rs")
        + &read("crates/nn/tests/nn/dropout.rs");
    for (file, text) in sources("crates/nn/src/ops") {
        let mut methods = words_after(&text, "        pub fn ");
        methods.extend(words_after(&text, "    pub fn "));
        methods.remove("");
        assert_named("tests/nn/gradients.rs", &tests, methods, &format!("an operation of {file}"));
    }
}

#[test]
fn every_operation_is_in_the_table_of_var() {
    let table = read("crates/nn/src/tape/var.rs");
    let table = table.split("# All operations").nth(1).unwrap().split("pub struct").next().unwrap();
    for (file, text) in sources("crates/nn/src/ops") {
        let mut methods = words_after(&text, "        pub fn ");
        methods.extend(words_after(&text, "    pub fn "));
        // The lists of functions: `fn elu(alpha: f64 = 1.0) as Elu {`.
        let listed = code(&text).map(str::trim).filter(|line| line.contains(" as "));
        let listed = listed.filter_map(|line| line.strip_prefix("fn "));
        let listed = listed.filter(|name| !name.starts_with('$'));
        methods.extend(listed.map(|line| line.split(['(', ' ']).next().unwrap()));
        methods.remove("");
        assert_named("the table of Var", table, methods, &format!("an operation of {file}"));
    }
}

#[test]
fn the_guide_from_pytorch_names_what_exists() {
    let guide = read("crates/fanin/src/guide/from_pytorch.md");
    let sources: String = [
        "crates/nn/src",
        "crates/init/src",
        "crates/train/src",
        "crates/tensor/src",
        "datasets/src",
    ]
    .map(all)
    .concat();
    let words: BTreeSet<&str> = sources.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let names = guide.split("# Names").nth(1).unwrap().split("# Models").next().unwrap();
    let mut rows = 0;
    for row in names.lines().filter(|line| line.starts_with("| `")) {
        let ours = row.split(" | ").nth(1).unwrap();
        let code = ours.split('`').skip(1).step_by(2).flat_map(|code| code.split('"').step_by(2));
        for word in code.flat_map(|c| c.split(|c: char| !c.is_alphanumeric() && c != '_')) {
            let number = word.starts_with(|c: char| c.is_numeric());
            let own = [
                "a",
                "b",
                "g",
                "data",
                "layer",
                "model",
                "grads",
                "optimizer",
                "w",
                "x",
                "y",
                "z",
                "t",
                "vec",
            ];
            assert!(
                word.is_empty() || number || own.contains(&word) || words.contains(word),
                "the guide says {word}, which no source has: {row}"
            );
        }
        rows += 1;
    }
    assert!(rows >= 30, "the guide has {rows} rows of names");
}

#[test]
fn every_layer_is_tested_and_cast() {
    let (tests, casts) = (all("crates/nn/tests/nn"), read("crates/nn/src/layers/cast.rs"));
    for (file, text) in sources("crates/nn/src/layers") {
        let modules: BTreeSet<&str> = code(&text)
            .filter(|line| line.starts_with("impl<T: Scalar> Module<T> for "))
            .map(|line| line.trim_start_matches("impl<T: Scalar> Module<T> for "))
            .map(|name| name.split(['<', ' ']).next().unwrap())
            .collect();
        assert_named("tests/nn", &tests, modules.clone(), &format!("a layer of {file}"));
        assert_named("layers/cast.rs", &casts, modules, &format!("a layer of {file}"));
    }
}

#[test]
fn every_loss_and_optimizer_is_compared_with_pytorch() {
    let tests = all("crates/nn/tests/nn/frame") + &all("crates/nn/tests/nn/losses");
    let listed = read("crates/nn/src/losses.rs");
    let list = listed.split("\nlosses! {").nth(1).unwrap().split('}').next().unwrap();
    let losses = list.split(';').filter_map(|line| line.split(": ").nth(1));
    assert_named("tests/nn/losses", &tests, losses, "a loss");

    let tests =
        read("crates/nn/tests/nn/torch_optim.rs") + &read("crates/nn/tests/nn/optimizers.rs");
    let listed = read("crates/nn/src/optim.rs");
    let list = listed.split("\noptimizers! {").nth(1).unwrap().split('}').next().unwrap();
    let names = list.split(';').filter_map(|line| line.split(": ").nth(1));
    let optimizers =
        names.flat_map(|names| names.split(' ')).filter(|name| !name.ends_with("Rule"));
    assert_named("tests/nn/optimizers.rs", &tests, optimizers, "an optimizer");
}

#[test]
fn every_fault_of_the_doctor_is_tested() {
    let verdicts = all("crates/nn/src/diagnose");
    let faults = words_after(&verdicts, "Fault::");
    assert_named("tests/nn", &all("crates/nn/tests/nn"), faults, "a fault");
}

#[test]
fn every_metric_is_compared_with_scikit_learn() {
    let golden = read("crates/train/golden/make.py");
    for (file, _) in sources("crates/train/src/metrics") {
        let name = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        assert!(
            name == "metrics" || golden.contains(name),
            "crates/train/golden/make.py has no case for {file}"
        );
    }
}

#[test]
fn the_map_leads_to_files_that_exist() {
    let folders = ["crates/", "datasets/", "examples/", "benches/", "docs/", "fuzz/", "interop/"];
    for file in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let map = read(file);
        let quoted = map.split('`').skip(1).step_by(2).map(|code| code.split(' ').next().unwrap());
        let paths: Vec<_> =
            quoted.filter(|path| folders.iter().any(|f| path.starts_with(f))).collect();
        assert!(paths.len() > 20, "{file} names {} paths", paths.len());
        for path in paths {
            assert!(root().join(path).exists(), "{file} names {path}, which does not exist");
        }
    }
}
