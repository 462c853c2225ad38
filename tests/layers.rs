//! The shape of the crate, enforced: a module uses lower layers only, and outer crates stay behind
//! the module that wraps them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bottom first. Modules of one layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &["table"], // no file of it is looked at: it is the only one that may name polars
    &["base"],
    &["nn"],
    &["explain", "perturb", "data"],
    &["eval", "prototype"],
    &["run"],
    &["report"],
    &["api", "error", "outcome", "pictures", "predict"], // the library as callers see it
    &["cli"],
];

/// The same inside a layer: its modules, bottom first.
type Inside = (&'static str, &'static [&'static [&'static str]]);

const INSIDE: &[Inside] = &[
    (
        "nn",
        &[
            &["kernel"],
            &["tensor"],
            &["patch"],
            &["op"],
            &["head"],
            &["graph"],
            &["exact", "stream", "subset", "session", "randomise", "preprocess"],
            &["tune", "onnx", "canon"],
            &["model"],
            &["mapping"],
        ],
    ),
    (
        "run",
        &[
            &["answer", "embedded", "event", "imported", "machine", "memory", "methods", "picture"],
            &["record", "shard", "stop", "stops"],
            &["accuracy", "bench", "classes", "config", "doubt", "lock"],
            &["plan"],
            &["identity", "inputs", "spread", "subject", "models"],
            // the frame of all studies, under the names by which others know its parts
            &["study", "known", "manifest", "output", "runner"],
            &["measure"],
            &["gallery", "merge", "prototypes", "results"],
            &["curves"],
            &["estimate"],
            // the studies
            &["ranking", "clusters", "context", "probe", "properties"],
            &["compare"],
            &["studies"],
            &["status"],
        ],
    ),
    (
        "report",
        &[
            &["colours", "demo", "figure", "ladder", "plot_pdf", "scratch", "text"],
            &["cells", "layers", "scale", "trace"],
            &["naming", "styles"],
            &["columns", "contest", "drawing", "verdict"],
            &["subsets", "summary"],
            &["ranking"],
            &["diff", "map_metrics", "plot"],
            &["agreement", "curves", "data_url", "heatmap", "plot_drawing"],
            &["bump", "plot_grid", "properties", "rank", "sheets"],
            &["prototypes", "rank_figures", "rank_tables"],
            &["catalogue"],
            &["page"],
            &["outcome", "probe"],
            &["clusters", "compare", "context"],
        ],
    ),
];

/// A word of the code and the only places (prefixes of paths below `src/`) where it may stand.
const FENCES: &[(&str, &[&str])] = &[
    ("polars", &[]), // only crates/table
    ("plotters", &["report/plot"]),
    ("minijinja", &["report/page/"]),
    ("clap", &["cli/", "main.rs"]),
    ("anyhow", &["cli/", "main.rs"]),
    ("indicatif", &["cli/"]),
    ("signal_hook", &["cli/"]),
    ("println", &["cli/", "main.rs"]),
    ("eprintln", &["cli/", "main.rs"]),
    ("print", &["cli/", "main.rs"]),
    ("eprint", &["cli/", "main.rs"]),
    ("unsafe", &["nn/kernel/"]),
    // no clock, environment or thread count below `run`
    ("Instant", &["run/", "report/", "cli/"]),
    ("SystemTime", &["run/", "report/", "cli/"]),
    ("var_os", &["run/", "cli/"]),
    // the kernels may ask how finely to cut, which changes no bits
    ("current_num_threads", &["nn/kernel/parallel.rs", "run/", "cli/"]),
    ("available_parallelism", &["run/", "cli/"]),
];

/// Top-level modules that are not part of the order.
const OUTSIDE: &[&str] = &["lib", "main"];

/// Layers without a folder in `crates`: `table` is there to name what others may not, the others are in `src`.
const NO_LAYER_FILES: &[&str] = &["table", "api", "error", "outcome", "pictures", "predict", "cli"];

/// One source file: its path below `src/`, or its crate and its path below the crate's `src/`; its top-level
/// module; its code without comments, texts and tests.
struct Source {
    path: String,
    module: String,
    code: String,
}

/// The files of the program and of all layers; `crates/nn/src/op/add.rs` has the path `nn/op/add.rs`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = files(&root.join("src"), "");
    for layer in LAYERS.iter().copied().flatten().filter(|layer| !NO_LAYER_FILES.contains(layer)) {
        found.extend(files(&root.join("crates").join(layer).join("src"), &format!("{layer}/")));
    }
    found
}

/// The files below a folder, whose paths begin with `prefix`.
fn files(root: &Path, prefix: &str) -> Vec<Source> {
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    files.iter().map(|file| source(root, prefix, file)).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn source(root: &Path, prefix: &str, file: &Path) -> Source {
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    let path = format!("{prefix}{path}");
    let module = path.split(['/', '.']).next().unwrap().to_owned();
    let code = code(&fs::read_to_string(file).unwrap());
    Source { path, module, code }
}

/// The text without comments and without what stands between double quotes, up to the tests at its
/// end. Good enough for rustfmt's layout; raw strings with quotes inside would need more.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' if !(before == '\'' && chars.peek() == Some(&'\'')) => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => {
                chars.by_ref().find(|c| *c == '\n');
                out.push('\n');
            }
            c if !quoted => out.push(c),
            _ => {}
        }
        before = c;
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Identifiers of the code.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_word(c)).filter(|w| !w.is_empty())
}

/// Top-level modules named after `crate::`, also inside `crate::{a::B, c::{D, E}}`.
fn uses(code: &str) -> Vec<String> {
    heads_after(code, "crate::")
}

/// As [`uses`], after another path.
fn heads_after(code: &str, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tail in code.split(path).skip(1) {
        match tail.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.push(tail.chars().take_while(|c| is_word(*c)).collect()),
        }
    }
    found
}

/// The first word of each item of a group, whose opening brace is already gone.
fn heads(group: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut item = String::new();
    let mut depth = 1;
    for c in group.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || (depth == 1 && c == ',') {
            found.push(item.trim().chars().take_while(|c| is_word(*c)).collect());
            item.clear();
        } else {
            item.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    found.retain(|head: &String| !head.is_empty());
    found
}

/// Layers that the code names: as `crate::nn` below the crate's root, as `pixelflip_nn` or
/// `pixelflip::nn` from outside. Other words after `crate::` are modules of the same crate.
fn layers_used(code: &str) -> Vec<String> {
    let outside = words(code).filter_map(|word| word.strip_prefix("pixelflip_")).map(str::to_owned);
    uses(code).into_iter().filter(|used| rank(used).is_some()).chain(outside).collect()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_use_lower_layers_only() {
    let sources = sources();
    for layer in LAYERS.iter().copied().flatten().filter(|layer| **layer != "table") {
        assert!(sources.iter().any(|s| s.module == *layer), "`{layer}` has no files");
    }
    for Source { path, module, code } in sources {
        if OUTSIDE.contains(&module.as_str()) {
            continue;
        }
        let mine = rank(&module).unwrap_or_else(|| panic!("{path}: give `{module}` a layer"));
        for used in layers_used(&code).iter().filter(|used| **used != module) {
            let lower = rank(used).is_some_and(|theirs| theirs < mine);
            assert!(lower, "{path}: `{module}` must not use `{used}`");
        }
    }
}

/// Which modules of its own layer a file uses.
fn beside(layer: &str, inside: &str, module: &str, code: &str) -> Vec<String> {
    let mut used = heads_after(code, &format!("{layer}::"));
    used.extend(heads_after(code, "crate::"));
    // of a file or the head of a folder, `super` is the layer
    if !inside.contains('/') || inside == format!("{module}/mod.rs") {
        used.extend(heads_after(code, "super::"));
    }
    used
}

#[test]
fn modules_inside_a_layer_use_lower_ones_only() {
    for Source { path, code, .. } in sources() {
        let Some((layer, inside)) = path.split_once('/').filter(|_| !path.contains("tests")) else {
            continue;
        };
        let Some((_, order)) = INSIDE.iter().find(|(name, _)| *name == layer) else { continue };
        let rank = |module: &str| order.iter().position(|modules| modules.contains(&module));
        let module: String = inside.chars().take_while(|c| is_word(*c)).collect();
        if module == "lib" {
            continue;
        }
        let mine = rank(&module);
        let mine = mine.unwrap_or_else(|| panic!("{path}: give `{module}` a place in `INSIDE`"));
        for used in beside(layer, inside, &module, &code).iter().filter(|used| **used != module) {
            // words that are no module of this layer are other layers and items
            let lower = rank(used).is_none_or(|theirs| theirs < mine);
            assert!(lower, "{path}: `{module}` must not use `{used}`");
        }
    }
}

#[test]
fn outer_crates_stay_behind_the_module_that_wraps_them() {
    for Source { path, code, .. } in sources() {
        for word in words(&code) {
            let fence = FENCES.iter().find(|(fenced, _)| *fenced == word);
            let inside = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
            if let Some((_, places)) = fence {
                assert!(inside(places), "{path}: `{word}` belongs into {places:?}");
            }
        }
    }
}

#[test]
fn plain_and_grouped_uses_are_seen_and_comments_and_texts_are_not() {
    let text = "use crate::{\n    nn::{graph::Graph, op},\n    eval,\n};\n// crate::cli\n\
                let a = \"crate::report\"; let b = '\"'; crate::run::go(\"\\\"\", x);\n\
                #[cfg(test)]\nmod tests {\n    use crate::cli;\n}";
    assert_eq!(uses(&code(text)), ["nn", "eval", "run"]);
    assert!(words(&code("a.println!(\"unsafe\")")).eq(["a", "println"]));
}
