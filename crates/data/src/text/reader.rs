//! From a text to its words and their vectors.

use crate::{
    DataError,
    base::{geom::Shape, hex},
    nn::{onnx::Embedding, preprocess::TextSettings, tensor::Tensor},
    npy::Header,
};
use regex::Regex;
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, collections::HashMap, fs, ops::Range, path::Path, sync::Arc};

/// Compiled expressions may need this many bytes.
const MAX_EXPRESSION: usize = 1 << 20;

/// A text as a network reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The text; in lower case where the sidecar says so.
    pub text: String,
    /// Where in it the words lie that the network takes, in bytes, one after the other.
    pub words: Vec<Range<usize>>,
    /// Number of each in the vocabulary.
    pub ids: Vec<u32>,
    /// How many words were cut off, since the network takes no more.
    pub cut: usize,
}

impl Document {
    /// The word at a place.
    pub fn word(&self, at: usize) -> &str {
        &self.text[self.words[at].clone()]
    }
}

/// Makes texts into inputs of one network.
#[derive(Clone, Debug)]
pub struct Reader {
    settings: TextSettings,
    expression: Regex,
    numbers: HashMap<String, u32>,
    vectors: Arc<Embedding>,
    unknown: Option<u32>,
    padding: Option<u32>,
    digest: String,
}

impl PartialEq for Reader {
    fn eq(&self, other: &Reader) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Reader {}

impl Reader {
    /// For a network whose words have `input.c` values each. `own` are the vectors that it brings along; files of the
    /// settings lie in `folder`.
    pub fn new(
        settings: &TextSettings,
        folder: &Path,
        own: Option<&Arc<Embedding>>,
        input: Shape,
    ) -> Result<Reader, DataError> {
        let path = folder.join(&settings.vocabulary);
        let content = fs::read(&path).map_err(|e| DataError::read(&path, &e))?;
        let numbers = vocabulary(&path, &content)?;
        let vectors = match (own, &settings.vectors) {
            (Some(own), None) => own.clone(),
            (None, Some(file)) => Arc::new(read_vectors(&folder.join(file))?),
            (own, _) => return Err(one_table(&path, own.is_some())),
        };
        let size = lines(&content);
        if (vectors.words, vectors.values) != (size, input.c) {
            let expected = format!(
                "as many words as there are vectors, {} of {} values",
                vectors.words, input.c
            );
            let found = format!("{size} words, and vectors of {} values", vectors.values);
            return Err(DataError::unexpected(&path, expected, found));
        }
        let find = |word: &Option<String>| match word {
            None => Ok(None),
            Some(word) => numbers.get(word).copied().map(Some).ok_or_else(|| {
                let found = format!("none; the sidecar's table `text` names `{word}`");
                DataError::unexpected(&path, format!("the word `{word}`"), found)
            }),
        };
        let (unknown, padding) = (find(&settings.unknown)?, find(&settings.padding)?);
        let expression = regex::RegexBuilder::new(&settings.tokens)
            .size_limit(MAX_EXPRESSION)
            .build()
            .map_err(|e| no_expression(folder, &settings.tokens, &e))?;
        let digest = digest(settings, &content, &vectors);
        let settings = settings.clone();
        Ok(Reader { settings, expression, numbers, vectors, unknown, padding, digest })
    }

    /// Names all that decides what the network gets of a text, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Words that the network takes at most.
    pub fn length(&self) -> usize {
        self.settings.length
    }

    /// The words of a text.
    pub fn read(&self, text: &str) -> Document {
        let text = if self.settings.lower { text.to_lowercase() } else { text.to_owned() };
        let (mut words, mut ids, mut cut) = (Vec::new(), Vec::new(), 0);
        for found in self.expression.find_iter(&text).filter(|found| !found.is_empty()) {
            let Some(id) = self.numbers.get(found.as_str()).copied().or(self.unknown) else {
                continue;
            };
            if ids.len() == self.settings.length {
                cut += 1;
                continue;
            }
            ids.push(id);
            words.push(found.range());
        }
        Document { text, words, ids, cut }
    }

    /// The vectors of words and of the padding behind them, shape (values, length, 1).
    pub fn tensor(&self, document: &Document) -> Tensor {
        let (values, length) = (self.vectors.values, self.settings.length);
        let mut out = Tensor::zeros(Shape::new(values, length, 1));
        for (at, row) in out.data.chunks_exact_mut(values).enumerate() {
            let id = document.ids.get(at).copied().or(self.padding);
            if let Some(id) = id {
                row.copy_from_slice(self.vectors.vector(id as usize));
            }
        }
        out
    }
}

/// Number of the words of a vocabulary.
fn lines(content: &[u8]) -> usize {
    let ended = content.strip_suffix(b"\n").unwrap_or(content);
    if ended.is_empty() { 0 } else { ended.split(|b| *b == b'\n').count() }
}

/// Words by their line; a word that stands there twice has the first.
fn vocabulary(path: &Path, content: &[u8]) -> Result<HashMap<String, u32>, DataError> {
    let text = std::str::from_utf8(content)
        .map_err(|_| DataError::unexpected(path, "words in UTF-8, one per line", "other bytes"))?;
    let mut numbers = HashMap::new();
    for (number, word) in text.split('\n').take(lines(content)).enumerate() {
        let word: Cow<'_, str> = word.strip_suffix('\r').unwrap_or(word).into();
        numbers.entry(word.into_owned()).or_insert(number as u32);
    }
    if numbers.is_empty() {
        return Err(DataError::unexpected(path, "words, one per line", "none"));
    }
    Ok(numbers)
}

fn one_table(path: &Path, has_own: bool) -> DataError {
    let found = if has_own {
        "two: those of the network, which reads ids, and `vectors` of the sidecar's table `text`"
    } else {
        "none: the network takes vectors, and the sidecar's table `text` names no file `vectors`"
    };
    DataError::unexpected(path, "one table with the vectors of its words", found)
}

fn no_expression(folder: &Path, expression: &str, error: &regex::Error) -> DataError {
    let words = error.to_string();
    let last = words.lines().last().unwrap_or_default().trim();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    let expected = "a regular expression as `tokens` in the sidecar's table `text`";
    DataError::unexpected(folder, expected, format!("`{expression}` ({reason})"))
}

/// A table of vectors, (words, values).
fn read_vectors(path: &Path) -> Result<Embedding, DataError> {
    let bytes = fs::read(path).map_err(|e| DataError::read(path, &e))?;
    let header = Header::read(&bytes, bytes.len() as u64, path)?;
    let expected = "vectors as floats of little-endian bytes, (words, values), row by row";
    let Header { kind, big_endian: false, fortran: false, ref shape, offset } = header else {
        return Err(DataError::unexpected(path, expected, "another order of bytes or values"));
    };
    let ([words, values], true) = (&shape[..], kind.is_float()) else {
        return Err(DataError::unexpected(path, expected, format!("shape {shape:?}")));
    };
    let data = bytes.get(offset..).unwrap_or_default();
    let table: Vec<f32> =
        data.chunks_exact(kind.size()).map(|bytes| kind.value(bytes) as f32).collect();
    if table.len() != words * values || table.iter().any(|v| !v.is_finite()) {
        let found = format!("{} values for {words}x{values}, or values not finite", table.len());
        return Err(DataError::unexpected(path, expected, found));
    }
    Ok(Embedding { words: *words, values: *values, table })
}

fn digest(settings: &TextSettings, vocabulary: &[u8], vectors: &Embedding) -> String {
    let TextSettings { tokens, lower, unknown, padding, length, .. } = settings;
    let mut hash = Sha256::new();
    hash.update(format!("{tokens}\0{lower}\0{unknown:?}\0{padding:?}\0{length}\0"));
    hash.update(Sha256::digest(vocabulary));
    vectors.table.iter().for_each(|v| hash.update(v.to_le_bytes()));
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests;
