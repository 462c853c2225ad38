//! Texts with labels: a table (Parquet, CSV, TSV, JSON lines) with a column of texts and one of labels, or a folder per
//! class with one file per text. They are read as a network needs them, which its sidecar says (the table `text`).

use super::{
    super::{
        DataError, Dataset, Item, Network, Options,
        fingerprint::{Listed, digest, fingerprint},
        listing::{DataPath, count},
        numbering::{self, FIRST, NUMBERS, Reading, Rule, number},
        sheet::Sheet,
        text::{Document, Reader},
    },
    Layout, class_names_beside,
};
use crate::{
    base::registry::{Entry, Kind, Param},
    table::{TableError, blob::Blobs},
};
use rayon::prelude::*;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "texts",
    summary: "texts: a table (.parquet, .csv, .tsv, .jsonl) with texts and labels, or folders of .txt files by class",
    cite: "",
    params: &[
        Param {
            key: "text",
            default: "auto",
            kind: Kind::Text,
            help: "column of the texts; auto knows text, body, sentence, content, document",
        },
        Param {
            key: "label",
            default: "auto",
            kind: Kind::Text,
            help: "column of the labels; auto knows label, labels, class, target; none: without",
        },
        NUMBERS,
        FIRST,
        Param {
            key: "split",
            default: "auto",
            kind: Kind::Text,
            help: "what the name of the table in a folder begins with; auto takes test",
        },
    ],
    build: |args| {
        let given = |key| Some(args.text(key).to_owned()).filter(|text| text != "auto");
        Ok(Box::new(Texts {
            text: given("text"),
            label: given("label"),
            rule: Rule::of(args, ENTRY.id)?,
            split: given("split").unwrap_or_else(|| "test".to_owned()),
        }))
    },
};

const TEXTS: [&str; 5] = ["text", "body", "sentence", "content", "document"];
const LABELS: [&str; 4] = ["label", "labels", "class", "target"];
const ENDINGS: [&str; 4] = [".parquet", ".csv", ".tsv", ".jsonl"];

/// Largest table of texts that is read.
const MAX_BYTES: u64 = 4 << 30;

struct Texts {
    text: Option<String>,
    label: Option<String>,
    rule: Rule,
    split: String,
}

/// A text as it stands in a file.
struct Raw {
    id: String,
    label: Option<String>,
    text: Result<String, DataError>,
}

impl Layout for Texts {
    /// Never: whether a table has texts, the network says.
    fn detect(&self, _place: &DataPath) -> bool {
        false
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let Some(reader) = options.text.clone() else {
            return Err(DataError::unexpected(&place.path, "pictures", "the layout `texts`").hint(
                "a network of texts says so in a table `text` of its sidecar (docs/texts.md)",
            ));
        };
        let raw = self.raw(place)?;
        if raw.is_empty() {
            return Err(DataError::unexpected(&place.path, "texts", "none"));
        }
        let network = options.network.as_ref();
        let named = class_names_beside(place)?.map(|(_, names)| names);
        let labels = self.labels(&raw, network, named, &place.path)?;
        let documents: Vec<_> = raw
            .into_par_iter()
            .map(|Raw { id, text, .. }| Entered::new(id, text, &reader))
            .collect();
        let words = described(&documents, &labels, &reader);
        Ok(Box::new(Set { name: place.name.clone(), documents, labels, words, reader }))
    }
}

impl Texts {
    fn raw(&self, place: &DataPath) -> Result<Vec<Raw>, DataError> {
        let table = |name: &String| ENDINGS.iter().any(|ending| name.ends_with(ending));
        if !place.is_folder {
            return self.table(&place.path);
        }
        let tables: Vec<&String> = place.files.iter().filter(|name| table(name)).collect();
        if tables.is_empty() {
            return folders(place);
        }
        let mut found = tables.iter().filter(|name| name.starts_with(&self.split));
        match (found.next(), found.next(), &tables[..]) {
            (Some(name), None, _) | (None, _, [name]) => self.table(&place.path(name)),
            _ => {
                let expected = format!("one table whose name begins with `{}`", self.split);
                let names: Vec<&str> = tables.iter().map(|name| &name[..]).collect();
                Err(DataError::unexpected(&place.path, expected, names.join(", "))
                    .hint("name another beginning with the layout `texts:split=NAME`"))
            }
        }
    }

    fn table(&self, path: &Path) -> Result<Vec<Raw>, DataError> {
        let size = fs::metadata(path).map_err(|e| DataError::read(path, &e))?.len();
        if size > MAX_BYTES {
            let expected = format!("a table below {MAX_BYTES} bytes");
            return Err(DataError::unexpected(path, expected, format!("{size} bytes")));
        }
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match &ending[..] {
            "parquet" => self.parquet(path),
            "csv" | "tsv" => self.sheet(path),
            "jsonl" => self.lines(path),
            _ => Err(DataError::unexpected(
                path,
                format!("a table of texts ({})", ENDINGS.join(", ")),
                format!("`.{ending}`"),
            )),
        }
    }

    /// The names of the columns of texts and of labels, of those that there are.
    fn columns(&self, has: &[&str], path: &Path) -> Result<(String, Option<String>), DataError> {
        let find = |given: &Option<String>, known: &[&str]| match given {
            Some(name) => has.iter().find(|column| *column == name).map(|c| (*c).to_owned()),
            None => known.iter().find(|name| has.contains(name)).map(|c| (*c).to_owned()),
        };
        let missing = |key: &str, words: String| {
            let found = format!("the columns {}", has.join(", "));
            let advice = format!("name it with the layout `texts:{key}=NAME`");
            DataError::unexpected(path, format!("a column {words}"), found).hint(advice)
        };
        let words = |given: &Option<String>, known: &[&str]| {
            given.as_ref().map_or_else(|| known.join(" or "), Clone::clone)
        };
        let text =
            find(&self.text, &TEXTS).ok_or_else(|| missing("text", words(&self.text, &TEXTS)))?;
        let wanted = self.label.as_deref() != Some("none");
        let label = find(&self.label, &LABELS).filter(|_| wanted);
        if label.is_none() && self.label.is_some() && wanted {
            return Err(missing("label", words(&self.label, &LABELS)));
        }
        Ok((text, label))
    }

    fn parquet(&self, path: &Path) -> Result<Vec<Raw>, DataError> {
        let failed = |e: TableError| match e {
            TableError::Io { source, .. } => DataError::read(path, &source),
            TableError::Content { problem, .. } => {
                let found = format!("a fault: {problem}");
                DataError::unexpected(path, "a Parquet file with texts", found)
            }
        };
        let blobs = Blobs::open(path).map_err(failed)?;
        let (text, label) = self.columns(&blobs.columns().collect::<Vec<_>>(), path)?;
        let rows = blobs.rows();
        let bytes = |column: &str, row| blobs.bytes(column, row).map_err(failed);
        let labels: Vec<Option<String>> = match &label {
            None => vec![None; rows],
            Some(column) if blobs.check_bytes(column).is_ok() => (0..rows)
                .map(
                    |row| Ok(bytes(column, row)?.map(|b| String::from_utf8_lossy(&b).into_owned())),
                )
                .collect::<Result<_, DataError>>()?,
            Some(column) => {
                let numbers = blobs.numbers(column).map_err(failed)?;
                numbers.into_iter().map(|n| n.map(|n| n.to_string())).collect()
            }
        };
        let one = |(row, label): (usize, Option<String>)| {
            let id = named_row(path, row);
            let text = utf8(bytes(&text, row)?.unwrap_or_default(), path, &id);
            Ok(Raw { id, label, text })
        };
        labels.into_iter().enumerate().map(one).collect()
    }

    fn sheet(&self, path: &Path) -> Result<Vec<Raw>, DataError> {
        let sheet = Sheet::read(path)?;
        let (text, label) = self.columns(&sheet.columns(), path)?;
        let text = sheet.column(&text)?;
        let label = label.map(|name| sheet.column(&name)).transpose()?;
        let one = |(row, cells): (usize, &super::super::sheet::SheetRow)| Raw {
            id: named_row(path, row),
            label: label.map(|at| cells.cell(at).to_owned()).filter(|label| !label.is_empty()),
            text: Ok(cells.cell(text).to_owned()),
        };
        Ok(sheet.rows.iter().enumerate().map(one).collect())
    }

    /// A file with one JSON object per line.
    fn lines(&self, path: &Path) -> Result<Vec<Raw>, DataError> {
        let content = fs::read(path).map_err(|e| DataError::read(path, &e))?;
        let content = utf8(content, path, "")?;
        let (mut all, mut columns) = (Vec::new(), None);
        let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (row, line) in lines {
            let wrong = |found: &str| {
                let found = format!("{found} on line {}", row + 1);
                DataError::unexpected(path, "one JSON object with a text per line", found)
            };
            let value: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).map_err(|_| wrong("something else"))?;
            if columns.is_none() {
                columns =
                    Some(self.columns(&value.keys().map(|k| &k[..]).collect::<Vec<_>>(), path)?);
            }
            let Some((text, label)) = &columns else { continue };
            let label = label.as_ref().and_then(|name| match value.get(name) {
                None | Some(serde_json::Value::Null) => None,
                Some(serde_json::Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
            });
            let text = value.get(text).and_then(|v| v.as_str()).ok_or_else(|| wrong("no text"))?;
            all.push(Raw { id: named_row(path, row), label, text: Ok(text.to_owned()) });
        }
        Ok(all)
    }

    /// Class numbers of the labels.
    fn labels(
        &self,
        raw: &[Raw],
        network: Option<&Network>,
        named: Option<Vec<String>>,
        path: &Path,
    ) -> Result<Labels, DataError> {
        let distinct: BTreeSet<&str> = raw.iter().filter_map(|r| r.label.as_deref()).collect();
        if distinct.is_empty() {
            return Ok(Labels {
                numbers: vec![None; raw.len()],
                classes: named,
                words: String::new(),
            });
        }
        let whole = distinct.iter().all(|label| Reading::whole(label).is_some());
        if whole && !self.rule.wants_names() {
            let first = self.rule.first();
            let class = |raw: &Raw| {
                let Some(label) = raw.label.as_deref() else { return Ok(None) };
                let class = Reading::whole(label)
                    .and_then(|value| numbering::class(value, first, network))
                    .ok_or_else(|| {
                        let expected = numbering::classes_words(first, network);
                        DataError::unexpected(path, expected, format!("`{label}` of {}", raw.id))
                    })?;
                Ok(Some(class))
            };
            let numbers = raw.iter().map(class).collect::<Result<_, DataError>>()?;
            return Ok(Labels { numbers, classes: named, words: String::new() });
        }
        let names: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
        let found = number(&names, network, self.rule, path)?;
        let class = |label: &String| names.binary_search(label).ok().map(|at| found.numbers[at]);
        let numbers = raw.iter().map(|raw| raw.label.as_ref().and_then(class)).collect();
        Ok(Labels { numbers, classes: Some(found.classes), words: found.words })
    }
}

fn named_row(path: &Path, row: usize) -> String {
    format!("{}/{row:06}", path.file_stem().unwrap_or_default().to_string_lossy())
}

fn utf8(bytes: Vec<u8>, path: &Path, id: &str) -> Result<String, DataError> {
    let place = if id.is_empty() { String::new() } else { format!(" in `{id}`") };
    String::from_utf8(bytes)
        .map_err(|_| DataError::unexpected(path, "text in UTF-8", format!("other bytes{place}")))
}

/// Texts of folders, each of a class.
fn folders(place: &DataPath) -> Result<Vec<Raw>, DataError> {
    let mut all = Vec::new();
    for class in &place.folders {
        let folder = place.path(class);
        let entries = fs::read_dir(&folder).map_err(|e| DataError::read(&folder, &e))?;
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(|e| DataError::read(&folder, &e))?;
        files.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let id = format!("{class}/{name}");
            let text = fs::read(&path).map_err(|e| DataError::read(&path, &e));
            let text = text.and_then(|bytes| utf8(bytes, &path, ""));
            all.push(Raw { id, label: Some(class.clone()), text });
        }
    }
    if all.is_empty() {
        let expected =
            format!("a table of texts ({}) or folders of .txt files", ENDINGS.join(", "));
        return Err(DataError::unexpected(&place.path, expected, place.words()));
    }
    Ok(all)
}

/// The classes of texts.
struct Labels {
    numbers: Vec<Option<usize>>,
    classes: Option<Vec<String>>,
    /// How they were found.
    words: String,
}

/// A text of a set.
struct Entered {
    id: String,
    text: Result<String, DataError>,
    words: usize,
    cut: usize,
}

impl Entered {
    fn new(id: String, text: Result<String, DataError>, reader: &Reader) -> Entered {
        let read = text.as_ref().map(|text| reader.read(text)).ok();
        let (words, cut) = read.map_or((0, 0), |read| (read.words.len(), read.cut));
        Entered { id, text, words, cut }
    }
}

fn described(documents: &[Entered], labels: &Labels, reader: &Reader) -> String {
    let number = |which: &dyn Fn(&Entered) -> bool| documents.iter().filter(|d| which(d)).count();
    let (cut, empty) = (number(&|d| d.cut > 0), number(&|d| d.words == 0));
    let with = if labels.numbers.iter().any(Option::is_some) { "with" } else { "without" };
    let texts = count(documents.len(), "text");
    let cut = match cut {
        0 => String::new(),
        n => format!(", {n} cut to the {} words that the network takes", reader.length()),
    };
    let empty = match empty {
        0 => String::new(),
        n => format!(", {n} without a word of the vocabulary"),
    };
    format!("{texts} {with} labels{}{cut}{empty}", labels.words)
}

/// See the [module](self).
struct Set {
    name: String,
    documents: Vec<Entered>,
    labels: Labels,
    words: String,
    reader: Arc<Reader>,
}

impl Set {
    fn text(&self, i: usize) -> Result<&str, DataError> {
        self.documents[i].text.as_deref().map_err(Clone::clone)
    }
}

impl Dataset for Set {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.documents.len()
    }

    fn id(&self, i: usize) -> String {
        self.documents[i].id.clone()
    }

    fn label(&self, i: usize) -> Option<usize> {
        self.labels.numbers[i]
    }

    fn item(&self, i: usize) -> Result<Item, DataError> {
        let id = self.id(i);
        let document = self.reader.read(self.text(i)?);
        if document.words.is_empty() {
            let expected = "a text with words of the vocabulary";
            return Err(DataError::unexpected(Path::new(&id), expected, "none"));
        }
        let image = self.reader.tensor(&document);
        Ok(Item { id, image, label: self.label(i), boxes: vec![], mask: None })
    }

    fn words(&self, i: usize) -> Option<usize> {
        Some(self.documents[i].words)
    }

    fn document(&self, i: usize) -> Option<Document> {
        Some(self.reader.read(self.text(i).ok()?))
    }

    fn classes(&self) -> Option<&[String]> {
        self.labels.classes.as_deref()
    }

    fn fingerprint(&self) -> String {
        let list = (0..self.len()).map(|i| Listed {
            id: self.id(i),
            label: self.label(i),
            object: String::new(),
        });
        digest(format!("{}\0{}", fingerprint(list), self.reader.digest()).as_bytes())
    }

    fn content(&self, i: usize) -> Result<String, DataError> {
        Ok(digest(self.text(i)?.as_bytes()))
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

#[cfg(test)]
mod tests;
