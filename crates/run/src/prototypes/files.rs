//! The folder of prototypes.
//!
//! ```text
//! manifest.json            what was made and what came out
//! pictures/*.png, *.npy    each prototype: as a picture, and with all digits (for codes also *.code.npy)
//! nearest/*.png            copies of the pictures of the data set that are most like it
//! parts/unit-*.json        what is known of each unit; with it the unit is done
//! prototypes, traces, judges, nearest (.parquet, .csv)
//! ```
//!
//! Files are whole or not there; the record of a unit is written after its pictures.

use super::{
    Gathered, Judged, Nearest, PrototypeError, PrototypePlan, PrototypeRow, TraceRow, Unit,
    work::{Done, Made},
};
use crate::{
    base::{atomic, text::plain_lines},
    data::tensor::{read_array, write_npy},
    lock::{FOLDER as LOCKS, Lock, Share},
    machine,
    nn::tensor::Tensor,
    output::{self, MANIFEST, OutputError},
    plan::RESULTS_VERSION,
    table::record::Record,
};
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use ndarray::Ix3;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Name in manifests.
pub(super) const STUDY: &str = "prototypes";

/// Name in manifests, for those who read them.
pub const MANIFEST_OF: &str = STUDY;

/// Folders below the results.
const FOLDERS: [&str; 3] = ["pictures", "parts", "nearest"];

/// A folder that belongs to one plan, and to this process as long as this lives.
pub struct Files {
    root: PathBuf,
    share: Share,
    lock: Lock,
}

/// What came out, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Prototypes with a picture.
    pub prototypes: usize,
    /// Prototypes without one, though there could have been one.
    pub failed: usize,
    /// Those of rows that cannot be had here.
    pub impossible: usize,
    /// Prototypes that their own network takes for their class.
    pub recognised: usize,
    /// Judgements of other networks.
    pub judgements: usize,
    /// Those that agree.
    pub agree: usize,
}

impl Facts {
    /// Counts the rows.
    pub fn of(gathered: &Gathered) -> Facts {
        let rows = &gathered.prototypes;
        let count = |is: fn(&PrototypeRow) -> bool| rows.iter().filter(|row| is(row)).count();
        Facts {
            prototypes: count(|row| row.reason.is_none()),
            failed: count(|row| row.reason.is_some() && !row.impossible),
            impossible: count(|row| row.impossible),
            recognised: count(|row| row.class.is_some() && row.class == row.predicted),
            judgements: gathered.judged.len(),
            agree: gathered.judged.iter().filter(|judged| judged.agrees).count(),
        }
    }
}

impl Files {
    /// Makes the folder and claims it, or takes it up again if it holds the same prototypes.
    pub fn open(root: &Path, plan: &PrototypePlan, share: Share) -> Result<Files, PrototypeError> {
        let manifest = manifest(plan, None);
        make(root)?;
        check_owner(root, &manifest)?;
        let lock = Lock::claim(root, share)?;
        let files = Files { root: root.to_owned(), share, lock };
        let _guard = Lock::opening(root)?;
        check_owner(root, &manifest)?;
        FOLDERS.iter().try_for_each(|folder| make(&root.join(folder)))?;
        if output::read_json(root)?.is_none() {
            files.write_manifest(&manifest)?;
        }
        Ok(files)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The lock on it.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Which units this process is to do.
    pub fn share(&self) -> Share {
        self.share
    }

    /// What a unit is called in messages.
    pub fn name(&self, plan: &PrototypePlan, unit: Unit) -> String {
        Files::stem(plan, unit)
    }

    /// File name of a unit's picture without its ending.
    pub(super) fn stem(plan: &PrototypePlan, unit: Unit) -> String {
        let class = unit.class.map_or("neuron".to_owned(), |class| format!("class-{class:03}"));
        format!("{class}-{}", plan.rows[unit.row].label)
    }

    /// Numbers of the units that are done.
    pub fn finished(&self) -> Result<BTreeSet<usize>, PrototypeError> {
        let path = self.root.join("parts");
        let unreadable = |source| OutputError::Unreadable { path: path.clone(), source };
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let number: Option<usize> = name
                .to_str()
                .and_then(|n| n.strip_prefix("unit-")?.strip_suffix(".json")?.parse().ok());
            found.extend(number);
        }
        Ok(found)
    }

    fn unit(&self, unit: Unit) -> PathBuf {
        self.root.join(format!("parts/unit-{:05}.json", unit.index))
    }

    fn picture(&self, plan: &PrototypePlan, unit: Unit, ending: &str) -> PathBuf {
        self.root.join(format!("pictures/{}.{ending}", Files::stem(plan, unit)))
    }

    /// Writes what came out of a unit.
    pub(super) fn write(
        &self,
        plan: &PrototypePlan,
        unit: Unit,
        done: &Done,
        made: Option<&Made>,
    ) -> Result<(), PrototypeError> {
        if let Some(Made { climbed, canvas, painted }) = made {
            let path = self.picture(plan, unit, "png");
            save(&path, &png(canvas))?;
            write_npy(&self.picture(plan, unit, "npy"), &canvas.to_chw().view().into_dyn())?;
            if *painted {
                let code = ndarray::ArrayView1::from(&climbed.data[..]).into_dyn();
                write_npy(&self.picture(plan, unit, "code.npy"), &code)?;
            }
        }
        let text = serde_json::to_string(done).expect("plain data");
        save(&self.unit(unit), text.as_bytes())
    }

    /// Reads back what came out of a unit.
    pub(super) fn read(&self, unit: Unit) -> Result<Done, PrototypeError> {
        let path = self.unit(unit);
        let damaged = |problem: String| PrototypeError::Damaged { path: path.clone(), problem };
        let bytes = fs::read(&path).map_err(|e| damaged(e.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))
    }

    /// The canvas of a unit that is done.
    pub(super) fn canvas(
        &self,
        plan: &PrototypePlan,
        unit: Unit,
    ) -> Result<Tensor, PrototypeError> {
        let path = self.picture(plan, unit, "npy");
        let array = read_array(&path)?;
        let shape = plan.lens(&plan.rows[unit.row]).canvas();
        let picture =
            array.into_dimensionality::<Ix3>().ok().map(|array| Tensor::from_chw(array.view()));
        picture.filter(|picture| picture.shape == shape).ok_or_else(|| {
            let problem = format!("it is not of {shape}");
            PrototypeError::Damaged { path: self.unit(unit), problem }
        })
    }

    /// Keeps a copy of a picture of the data set.
    pub(super) fn write_copy(
        &self,
        plan: &PrototypePlan,
        unit: Unit,
        rank: u64,
        canvas: &Tensor,
    ) -> Result<(), PrototypeError> {
        let path = self.root.join(format!("nearest/{}-{rank}.png", Files::stem(plan, unit)));
        save(&path, &png(canvas))
    }

    /// Writes the tables.
    pub(super) fn write_tables(&self, gathered: &Gathered) -> Result<(), PrototypeError> {
        self.write_table::<PrototypeRow>("prototypes", &gathered.prototypes)?;
        self.write_table::<TraceRow>("traces", &gathered.traces)?;
        if !gathered.judged.is_empty() {
            self.write_table::<Judged>("judges", &gathered.judged)?;
        }
        if !gathered.nearest.is_empty() {
            self.write_table::<Nearest>("nearest", &gathered.nearest)?;
        }
        Ok(())
    }

    fn write_table<R: Record>(&self, name: &str, rows: &[R]) -> Result<(), PrototypeError> {
        R::write(&self.root.join(format!("{name}.parquet")), rows)?;
        // a point of each step is for other programs
        if name != "traces" {
            R::dense(rows).write_csv(&self.root.join(format!("{name}.csv")))?;
        }
        Ok(())
    }

    /// Takes back that all is there, since there is more to do.
    pub fn reopen(&self, plan: &PrototypePlan) -> Result<(), PrototypeError> {
        let whole = output::read_json(&self.root)?
            .is_some_and(|old| old.get("results").is_some_and(Value::is_object));
        if whole { self.write_manifest(&manifest(plan, None)) } else { Ok(()) }
    }

    /// Writes the manifest with what came out, after everything else.
    pub fn complete(&self, plan: &PrototypePlan, facts: &Facts) -> Result<(), PrototypeError> {
        self.write_manifest(&manifest(plan, Some(facts)))
    }

    /// What the manifest will say.
    pub fn manifest(&self, plan: &PrototypePlan, facts: &Facts) -> Value {
        manifest(plan, Some(facts))
    }

    fn write_manifest(&self, manifest: &Value) -> Result<(), PrototypeError> {
        let text = serde_json::to_string_pretty(manifest).expect("plain data") + "\n";
        save(&self.root.join(MANIFEST), plain_lines(&text).as_bytes())
    }
}

/// The content of the manifest. No times and dates, as everywhere.
fn manifest(plan: &PrototypePlan, facts: Option<&Facts>) -> Value {
    let network = |model: &crate::nn::model::Model| {
        let shape = model.graph.input_shape();
        json!({
            "name": model.name, "digest": model.digest, "input": [shape.c, shape.h, shape.w],
            "classes": model.graph.classes(), "parameters": model.graph.parameters(), "multiply_adds": model.graph.macs(),
        })
    };
    let notes: Vec<&String> = plan.model.notes.iter().chain(&plan.net.note).collect();
    let row = |row: &super::PriorRow| json!({ "label": row.label, "priors": row.name(), "painted": row.painted });
    json!({
        "program": "pixelflip",
        "version": env!("CARGO_PKG_VERSION"),
        "results_version": RESULTS_VERSION,
        "study": STUDY,
        "digest": plan.digest(),
        "results": facts,
        "config": plan.config,
        "model": network(&plan.model),
        "generator": plan.generator.as_ref().map(|generator| {
            json!({ "name": generator.name(), "digest": generator.digest(), "code": generator.code().len() })
        }),
        "judges": plan.judges.iter().map(|judge| network(&judge.model)).collect::<Vec<_>>(),
        "data": plan.data.as_ref().map(|data| {
            json!({ "name": data.name(), "fingerprint": data.fingerprint(), "pictures": data.len() })
        }),
        "rows": plan.rows.iter().map(row).collect::<Vec<_>>(),
        "notes": notes,
        "machine": { "cpu": machine::features() },
    })
}

/// Refuses a folder with other results, or with other things.
fn check_owner(root: &Path, manifest: &Value) -> Result<(), OutputError> {
    let Some(old) = output::read_json(root)? else {
        let unreadable = |source| OutputError::Unreadable { path: root.to_owned(), source };
        let ours =
            |name: &str| name == LOCKS || atomic::is_temporary(name) || FOLDERS.contains(&name);
        for entry in fs::read_dir(root).map_err(unreadable)? {
            if !ours(&entry.map_err(unreadable)?.file_name().to_string_lossy()) {
                return Err(OutputError::Foreign { path: root.to_owned() });
            }
        }
        return Ok(());
    };
    if old.get("study").and_then(Value::as_str) != Some(STUDY) {
        let differences = vec!["it holds no prototypes".to_owned()];
        return Err(OutputError::OtherRun { path: root.to_owned(), differences });
    }
    if old.get("digest") == manifest.get("digest") {
        return Ok(());
    }
    let mut differences = differences(&old, manifest);
    if differences.is_empty() {
        differences.push("its manifest has another digest".to_owned());
    }
    Err(OutputError::OtherRun { path: root.to_owned(), differences })
}

/// What makes two sets of prototypes different, in words.
fn differences(old: &Value, new: &Value) -> Vec<String> {
    // where things lie does not count: what is found there does
    let config = |manifest: &Value| {
        let mut keys =
            manifest.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        keys.retain(|key, _| !super::config::PATHS.contains(&key.as_str()));
        keys
    };
    let facts = [
        ("the network is not the same", "/model/digest"),
        ("the generator is not the same", "/generator/digest"),
        ("the other networks are not the same", "/judges"),
        ("the pictures are not the same", "/data/fingerprint"),
        ("it was made by another version of pixelflip", "/results_version"),
    ];
    let other = facts.into_iter().filter(|(_, at)| old.pointer(at) != new.pointer(at));
    let other = other.map(|(said, _)| said.to_owned());
    output::other_configs(&config(old), &config(new)).into_iter().chain(other).collect()
}

fn make(folder: &Path) -> Result<(), OutputError> {
    let unwritable = |source| OutputError::Unwritable { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(unwritable)
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), PrototypeError> {
    let unwritable = |source: io::Error| OutputError::Unwritable { path: path.to_owned(), source };
    Ok(atomic::write(path, bytes).map_err(unwritable)?)
}

/// A canvas as PNG with 8 bits per channel; values without bounds are stretched from the smallest to the largest.
fn png(canvas: &Tensor) -> Vec<u8> {
    let (low, high) = canvas.data.iter().fold((0.0f32, 1.0f32), |(a, b), v| (a.min(*v), b.max(*v)));
    let byte = |v: &f32| ((v - low) / (high - low) * 255.0).round() as u8;
    let bytes: Vec<u8> = canvas.data.iter().map(byte).collect();
    let colour = if canvas.shape.c == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    let mut out = vec![];
    let size = (canvas.shape.w as u32, canvas.shape.h as u32);
    PngEncoder::new(&mut out)
        .write_image(&bytes, size.0, size.1, colour)
        .expect("1 or 3 channels, in memory");
    out
}
