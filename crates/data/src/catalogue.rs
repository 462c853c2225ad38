//! Descriptions of known data sets, `datasets/*.toml`: layout, files with checksums, licence,
//! citation, preprocessing, class names. A description of one's own has the same keys.

use super::{DataError, tar::is_inside};
use crate::{base::registry::near, nn::preprocess::Settings};
use serde::Deserialize;
use std::{fs, path::Path};

/// The descriptions that are shipped, by name.
const SHIPPED: &[(&str, &str)] = &[
    ("cifar10", include_str!("../../../datasets/cifar10.toml")),
    ("cifar100", include_str!("../../../datasets/cifar100.toml")),
    ("coco2017", include_str!("../../../datasets/coco2017.toml")),
    ("fashion-mnist", include_str!("../../../datasets/fashion-mnist.toml")),
    ("ilsvrc2012", include_str!("../../../datasets/ilsvrc2012.toml")),
    ("imagenette", include_str!("../../../datasets/imagenette.toml")),
    ("mnist", include_str!("../../../datasets/mnist.toml")),
    ("places365", include_str!("../../../datasets/places365.toml")),
    ("sun397", include_str!("../../../datasets/sun397.toml")),
    ("voc2007", include_str!("../../../datasets/voc2007.toml")),
    ("voc2012", include_str!("../../../datasets/voc2012.toml")),
];

/// One data set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Short name, as in `pixelflip data fetch NAME`.
    pub name: String,
    /// What it is, one line.
    pub title: String,
    /// Layout with its parameters, see `pixelflip list datasets`.
    pub layout: String,
    /// Folder to give to `--data`, below the one that was fetched into; empty for that one.
    #[serde(default)]
    pub folder: String,
    /// Pictures of the part that the layout opens.
    pub pictures: usize,
    /// Terms of use, in words.
    pub licence: String,
    /// Why it cannot be fetched; empty where it can.
    #[serde(default)]
    pub manual: String,
    /// Page that tells more.
    pub homepage: String,
    /// Key of `docs/references.bib`, or the paper in words.
    pub citation: String,
    /// How its class indices are numbered, where that needs words.
    #[serde(default)]
    pub labels: String,
    /// Names of the classes by index; empty where the files of the set have them.
    #[serde(default)]
    pub classes: Vec<String>,
    /// What networks for it usually want; the sidecar of the model decides.
    #[serde(default)]
    pub preprocess: Settings,
    /// What to download.
    #[serde(default, rename = "file")]
    pub files: Vec<Remote>,
}

/// One file to download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Its name in the folder.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its size: more is not taken; 0 where unknown.
    #[serde(default)]
    pub bytes: u64,
    /// MD5, hexadecimal.
    #[serde(default)]
    pub md5: Option<String>,
    /// SHA-256, hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// True for an archive (tar, plain or gzipped) that is unpacked after download.
    #[serde(default)]
    pub unpack: bool,
}

/// The names of the shipped descriptions.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// A shipped description by name, or one of one's own by the path of its `.toml` file.
pub fn find(name: &str) -> Result<Description, DataError> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        let text = fs::read_to_string(path).map_err(|e| DataError::read(path, &e))?;
        return parse(&text, path);
    }
    let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) else {
        let near = near(name, names());
        let hint = match near.as_slice() {
            [] => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
            some => format!("did you mean {}?", some.join(" or ")),
        };
        let expected = "a known data set or the path of a description ending in .toml";
        return Err(DataError::unexpected(path, expected, "another name").hint(hint));
    };
    parse(text, path)
}

fn parse(text: &str, path: &Path) -> Result<Description, DataError> {
    let wrong = |found: String| DataError::unexpected(path, "a description of a data set", found);
    let about: Description = toml::from_str(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start).min(text.len());
        let line = 1 + text.get(..at).map_or(0, |before| before.matches('\n').count());
        wrong(format!("a fault on line {line} ({})", e.message().replace('\n', " ")))
    })?;
    let plain =
        |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    if let Some(file) = about.files.iter().find(|file| !plain(&file.name)) {
        return Err(wrong(format!("`{}`, which is no plain file name", file.name)));
    }
    if !is_inside(&about.folder) {
        return Err(wrong(format!(
            "the folder `{}`, which is not below the one fetched into",
            about.folder
        )));
    }
    let web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if let Some(file) = about.files.iter().find(|file| !web(&file.url)) {
        return Err(wrong(format!("`{}`, which is no address on the web", file.url)));
    }
    if let Some(file) = about.files.iter().find(|file| file.md5.is_none() && file.sha256.is_none())
    {
        return Err(wrong(format!("no checksum of `{}`", file.name)));
    }
    Ok(about)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LAYOUTS, base::registry};

    #[test]
    fn every_shipped_description_is_complete_and_its_layout_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");
        let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        assert_eq!(
            files.filter(|p| p.extension().is_some_and(|e| e == "toml")).count(),
            SHIPPED.len()
        );
        let bib = include_str!("../../../docs/references.bib");
        for name in names() {
            let about = find(name).unwrap();
            assert_eq!(about.name, name);
            assert!(
                registry::build("layout", LAYOUTS, &about.layout.parse().unwrap()).is_ok(),
                "{name}"
            );
            assert!(
                about.citation.contains(' ') || bib.contains(&format!("{{{},", about.citation)),
                "{name}"
            );
            assert!(about.manual.is_empty() != about.files.is_empty(), "{name}: how to get it?");
            let digits = |sum: &String, n: usize| {
                sum.len() == n && sum.bytes().all(|b| b.is_ascii_hexdigit())
            };
            for file in &about.files {
                assert!(file.bytes > 0, "{}: a server may send without end", file.name);
                assert!(file.md5.as_ref().is_none_or(|sum| digits(sum, 32)), "{}", file.name);
                assert!(file.sha256.as_ref().is_none_or(|sum| digits(sum, 64)), "{}", file.name);
            }
            let mut classes = about.classes.clone();
            classes.sort();
            classes.dedup();
            assert_eq!(classes.len(), about.classes.len(), "{name}: a class twice");
            assert!(
                !about.classes.is_empty() || !about.labels.is_empty(),
                "{name}: which classes?"
            );
        }
    }

    #[test]
    fn messages_say_what_is_wrong_with_a_description() {
        let good = "name = 'a'\ntitle = 'a'\nlayout = 'flat'\npictures = 1\nlicence = 'a'\n\
                    homepage = 'a'\ncitation = 'a b'\n";
        let file = |line: &str| {
            format!("{good}[[file]]\nname = 'a'\nurl = 'http://a/a'\nmd5 = 'a'\n{line}")
        };
        assert!(parse(&file(""), Path::new("a.toml")).is_ok());
        let say = |text: &str| parse(text, Path::new("a.toml")).unwrap_err().to_string();
        let messages = [
            find("minst").unwrap_err().to_string(),
            find("xyz").unwrap_err().to_string(),
            say("name = 'a'"),
            say(&format!("{good}urls = 3")),
            say(&format!("folder = '../../etc'\n{good}")),
            say(&format!("folder = '/etc'\n{good}")),
            say(&file("").replace("name = 'a'\nurl", "name = '../a'\nurl")),
            say(&file("").replace("http:", "file:")),
            say(&file("").replace("md5 = 'a'", "")),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
