//! A folder with a table of labels: `labels.csv` or `labels.tsv` with the columns `file` and
//! `label` (others are ignored). Labels are all class indices, in any writing (`2`, `2.0`, `2e0`), or all
//! class names, which have the numbers of the network's classes of these names, or else are numbered in
//! sorted order. Several labels of a picture stand in its row with `|` between them, the main one first.
//! `file` is a path below the folder, or just a name if it is unique there. Beside it may
//! lie `classes.txt` or `synset_words.txt` (one class name per line, by index) and a `boxes.csv`.

use super::{
    super::{
        DataError, Dataset, Network, Options,
        boxes::Boxes,
        files::{FileSet, PictureFile},
        listing::{self, DataPath, File, Finder, Missing, Named, count},
        numbering::{self, Numbering, Reading, Rule, number},
        sheet::{Sheet, SheetRow},
    },
    Layout, class_names_beside,
    flat::list_pictures,
};
use crate::base::{
    registry::{Entry, Kind, Param},
    word_enum,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "labels",
    summary: "a folder of pictures with labels.csv or labels.tsv (columns file,label)",
    cite: "",
    params: &[
        Param {
            key: "file",
            default: "auto",
            kind: Kind::Text,
            help: "the table, relative to the folder; auto takes labels.csv or labels.tsv",
        },
        Param {
            key: "missing",
            default: "refuse",
            kind: Kind::Word(Missing::WORDS),
            help: "what to do with rows whose picture is not there",
        },
        Param {
            key: "unlabelled",
            default: "refuse",
            kind: Kind::Word(Unlabelled::WORDS),
            help: "what to do with pictures that have no row",
        },
        numbering::NUMBERS,
        numbering::FIRST,
    ],
    build: |args| {
        Ok(Box::new(Labels {
            file: args.text("file").to_owned(),
            skip_missing: Missing::of(args) == Missing::Skip,
            unlabelled: args.word("unlabelled"),
            rule: Rule::of(args, ENTRY.id)?,
        }))
    },
};

word_enum! {
    enum Unlabelled {
        Refuse = "refuse",
        Skip = "skip",
        Keep = "keep",
    }
}

struct Labels {
    file: String,
    skip_missing: bool,
    unlabelled: Unlabelled,
    rule: Rule,
}

const TABLES: [&str; 2] = ["labels.csv", "labels.tsv"];

impl Layout for Labels {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder && place.file(|name| TABLES.contains(&name)).is_some()
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let listing = list_pictures(place)?;
        let names = class_names_beside(place)?;
        let mut used = 1 + usize::from(names.is_some());
        let table = Table::read(&self.table(place)?, names, options.network.as_ref(), self.rule)?;
        let finder = Finder::of(listing.pictures.iter());
        let mut notes = vec![];
        let named = Named::of(&listing.left_out);
        let labels = table.by_picture(&finder, |mut lost| {
            lost.retain(|at| !named.has(table.sheet.rows[*at].cell(table.file)));
            self.missing(&table, &lost, &mut notes)
        })?;
        let bare = listing.pictures.iter().enumerate().filter(|(at, _)| !labels.contains_key(at));
        self.unlabelled(&table, &bare.map(|(_, file)| file).collect::<Vec<_>>(), &mut notes)?;
        let mut pictures: Vec<PictureFile> = (listing.pictures.iter().cloned().enumerate())
            .map(|(at, file)| {
                let labels = labels.get(&at).copied().unwrap_or_default();
                let also = labels.get(1..).unwrap_or_default().to_vec();
                PictureFile { also, ..PictureFile::new(file, labels.first().copied()) }
            })
            .collect();
        if let Some(path) = place.file(|name| name == "boxes.csv") {
            let boxes = Boxes::read(&path, &finder)?;
            notes.push(count_boxes(&boxes));
            used += 1;
            boxes.found.into_iter().for_each(|(at, bounds)| pictures[at].boxes.push(bounds));
        }
        pictures.retain(|p| p.label.is_some() || self.unlabelled == Unlabelled::Keep);
        if pictures.is_empty() {
            return Err(table.wrong("rows for pictures below the folder", "none"));
        }
        let name = table.sheet.path.file_name().unwrap_or_default().to_string_lossy();
        let pictures_words = count(pictures.len(), "picture");
        let several = match pictures.iter().filter(|p| !p.also.is_empty()).count() {
            0 => String::new(),
            n => format!(", {} with several labels", count(n, "picture")),
        };
        let words = format!("{pictures_words} labelled by `{name}`{}{several}", table.words);
        notes.insert(0, words);
        Ok(Box::new(FileSet {
            name: place.name.clone(),
            pictures,
            classes: table.classes,
            words: notes.join(", ") + &listing.others_words(used),
            left_out: listing.left_out,
            max_pixels: options.max_pixels,
            orientation: options.orientation,
        }))
    }
}

impl Labels {
    fn table(&self, place: &DataPath) -> Result<PathBuf, DataError> {
        if self.file != "auto" {
            return Ok(place.path.join(&self.file));
        }
        place.file(|name| TABLES.contains(&name)).ok_or_else(|| {
            DataError::unexpected(&place.path, "labels.csv or labels.tsv in the folder", "neither")
                .hint("name the table with the layout `labels:file=NAME`")
        })
    }

    /// Rows without a picture: an error or a note.
    fn missing(
        &self,
        table: &Table,
        rows: &[usize],
        notes: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let Some(&first) = rows.first() else { return Ok(()) };
        let what = count(rows.len(), "labelled picture");
        if self.skip_missing {
            notes.push(format!("{what} not there"));
            return Ok(());
        }
        let row = &table.sheet.rows[first];
        let first = format!("first `{}` on line {}", row.cell(table.file), row.line);
        Err(table
            .wrong("a picture for every row", format!("none for {what}, {first}"))
            .hint("the layout `labels:missing=skip` leaves such rows out"))
    }

    /// Pictures without a row: an error or a note.
    fn unlabelled(
        &self,
        table: &Table,
        bare: &[&File],
        notes: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let Some(first) = bare.first() else { return Ok(()) };
        let what = count(bare.len(), "picture");
        match self.unlabelled {
            Unlabelled::Skip => notes.push(format!("{what} without label left out")),
            Unlabelled::Keep => notes.push(format!("{what} without label")),
            Unlabelled::Refuse => {
                let found = format!("none for {what}, first `{}`", first.id);
                let advice = "the layout `labels:unlabelled=skip` leaves them out, \
                              `labels:unlabelled=keep` takes them without label";
                return Err(table.wrong("a row for every picture", found).hint(advice));
            }
        }
        Ok(())
    }
}

fn count_boxes(boxes: &Boxes) -> String {
    let others = match boxes.others {
        0 => String::new(),
        n => format!(" ({n} for other pictures left out)"),
    };
    format!("{} in `boxes.csv`{others}", listing::boxes(boxes.found.len()))
}

/// The table with its labels as class indices.
struct Table {
    sheet: Sheet,
    /// Column of the file names.
    file: usize,
    /// Class indices of each row, the main one first.
    labels: Vec<Vec<usize>>,
    classes: Option<Vec<String>>,
    /// What the labels are.
    words: String,
}

impl Table {
    /// `named`: a file with class names and these names, for labels that are indices.
    fn read(
        path: &Path,
        named: Option<(String, Vec<String>)>,
        network: Option<&Network>,
        rule: Rule,
    ) -> Result<Table, DataError> {
        let sheet = Sheet::read(path)?;
        let (file, label) = (sheet.column("file")?, sheet.column("label")?);
        if let Some(row) = sheet.rows.iter().find(|row| row.cell(label).is_empty()) {
            return Err(sheet.wrong(row.line, "a label in every row", "none"));
        }
        let twice = |row: &&SheetRow| {
            let mut texts: Vec<&str> = texts(row, label).collect();
            texts.sort_unstable();
            texts[0].is_empty() || texts.windows(2).any(|pair| pair[0] == pair[1])
        };
        if let Some(row) = sheet.rows.iter().find(twice) {
            let expected = "different labels with one `|` between two of them";
            return Err(sheet.wrong(row.line, expected, format!("`{}`", row.cell(label))));
        }
        let cells = Cells { sheet: &sheet, column: label, network, rule };
        let is_number = |row: &SheetRow| texts(row, label).any(|t| Reading::of(t) != Reading::Word);
        let as_names =
            rule.wants_names() || !rule.wants_index() && !sheet.rows.iter().any(is_number);
        let (labels, classes, words) = if as_names {
            let (labels, numbering) = cells.names()?;
            (labels, Some(numbering.classes), numbering.words)
        } else {
            let labels = cells.indices(named.as_ref())?;
            let words = indices_words(&labels, rule.first());
            (labels, named.map(|(_, names)| names), words)
        };
        Ok(Table { sheet, file, labels, classes, words })
    }

    /// Label of each picture by its position; rows without a picture go to `missing`.
    fn by_picture(
        &self,
        finder: &Finder<'_>,
        missing: impl FnOnce(Vec<usize>) -> Result<(), DataError>,
    ) -> Result<BTreeMap<usize, &[usize]>, DataError> {
        let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
        let mut lost = vec![];
        for (at, row) in self.sheet.rows.iter().enumerate() {
            let Some(picture) = finder.find(row.cell(self.file)) else {
                lost.push(at);
                continue;
            };
            if let Some(first) = rows.insert(picture, at) {
                let lines = (self.sheet.rows[first].line, row.line);
                let found = format!("lines {} and {}", lines.0, lines.1);
                let expected = format!("one row for `{}`", row.cell(self.file));
                return Err(self
                    .wrong(&expected, found)
                    .hint("several labels of a picture stand in one row, with `|` between them"));
            }
        }
        missing(lost)?;
        Ok(rows.into_iter().map(|(picture, row)| (picture, &self.labels[row][..])).collect())
    }

    fn wrong(&self, expected: &str, found: impl Into<String>) -> DataError {
        DataError::unexpected(&self.sheet.path, expected, found)
    }
}

/// The labels in a row.
fn texts(row: &SheetRow, column: usize) -> impl Iterator<Item = &str> {
    row.cell(column).split('|').map(str::trim)
}

/// The column of labels.
struct Cells<'a> {
    sheet: &'a Sheet,
    column: usize,
    network: Option<&'a Network>,
    rule: Rule,
}

impl Cells<'_> {
    /// Class indices of each row, by names.
    fn names(&self) -> Result<(Vec<Vec<usize>>, Numbering), DataError> {
        let rows = || self.sheet.rows.iter().map(|row| texts(row, self.column));
        let names: BTreeSet<&str> = rows().flatten().collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let numbering = number(&names, self.network, self.rule, &self.sheet.path)?;
        let at = |text| names.binary_search_by(|name| name.as_str().cmp(text));
        let label = |text| numbering.numbers[at(text).expect("the names are those of the rows")];
        Ok((rows().map(|texts| texts.map(&label).collect()).collect(), numbering))
    }

    /// Class indices of each row, by numbers: in all rows, and none beyond the class names.
    fn indices(&self, named: Option<&(String, Vec<String>)>) -> Result<Vec<Vec<usize>>, DataError> {
        let of = |row: &SheetRow| -> Result<Vec<usize>, DataError> {
            texts(row, self.column).map(|text| self.index(row, text, named)).collect()
        };
        let labels = self.sheet.rows.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        self.check_names(&labels)?;
        Ok(labels)
    }

    fn index(
        &self,
        row: &SheetRow,
        text: &str,
        named: Option<&(String, Vec<String>)>,
    ) -> Result<usize, DataError> {
        let wrong = |expected: &str| self.sheet.wrong(row.line, expected, format!("`{text}`"));
        let Some(value) = Reading::whole(text) else {
            let order = format!("`{}:numbers=order`", ENTRY.id);
            return Err(wrong("class indices in all rows or in none").hint(format!(
                "the layout {order} takes all labels for names and numbers them in their order"
            )));
        };
        let first = self.rule.first();
        let class = numbering::class(value, first, self.network).ok_or_else(|| {
            let words = numbering::classes_words(first, self.network);
            let layout = ENTRY.id;
            let lowest = self.lowest();
            wrong(&words).hint(numbering::count_from_one(
                value,
                lowest,
                first,
                self.network,
                layout,
            ))
        })?;
        match named {
            Some((file, names)) if class >= names.len() => {
                let last = (names.len() + first).saturating_sub(1);
                Err(wrong(&format!("labels up to {last}, the classes in `{file}`")))
            }
            _ => Ok(class),
        }
    }

    /// The smallest number.
    fn lowest(&self) -> f64 {
        let texts = self.sheet.rows.iter().flat_map(|row| texts(row, self.column));
        let values = texts.filter_map(Reading::whole);
        values.fold(f64::INFINITY, f64::min)
    }

    /// Refuses numbers that the network has as names of other classes, unless it was told what they are.
    fn check_names(&self, labels: &[Vec<usize>]) -> Result<(), DataError> {
        if self.rule.wants_index() || self.network.is_none_or(|network| network.names.is_empty()) {
            return Ok(());
        }
        let Ok((by_name, _)) = Cells { rule: self.rule.by_names(), ..*self }.names() else {
            return Ok(());
        };
        let pairs = self.sheet.rows.iter().zip(labels).zip(by_name);
        let all = pairs.flat_map(|((row, labels), by_name)| {
            let each = labels.iter().zip(by_name).zip(texts(row, self.column));
            each.map(move |((label, by_name), text)| (row, *label, by_name, text))
        });
        let other = all.into_iter().find(|(_, label, by_name, _)| label != by_name);
        let Some((row, _, by_name, text)) = other else { return Ok(()) };
        let found = format!("`{text}`, which the network calls its class {by_name},");
        let (index, names) = ("`labels:numbers=index`", "`labels:numbers=names`");
        Err(self
            .sheet
            .wrong(row.line, "class indices or the network's names of classes", found)
            .hint(format!("say which with the layout {index} or {names}")))
    }
}

/// `, class indices 0 to 9`.
fn indices_words(labels: &[Vec<usize>], first: usize) -> String {
    let low = labels.iter().flatten().min().map_or(0, |label| label + first);
    let high = labels.iter().flatten().max().map_or(0, |label| label + first);
    let counted = if first == 0 { "" } else { ", counted from 1" };
    format!(", class numbers {low} to {high}{counted}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::geom::Rect,
        testing::{Folder, open, rows, shared},
    };
    use proptest::prelude::*;

    fn folder(files: &[(&str, &str)]) -> Folder {
        let folder = Folder::new();
        for name in ["a.png", "images/b.png"] {
            folder.png(name, 10, 20, 0);
        }
        files.iter().for_each(|(name, text)| drop(folder.file(name, text)));
        folder
    }

    fn labels(set: &dyn Dataset) -> Vec<Option<usize>> {
        rows(set).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_indices_or_names() {
        let indices =
            folder(&[("labels.csv", "label,file,words\n7,b.png,\"x, y\"\n3,./a.png,z\n")]);
        let set = indices.open("").unwrap();
        assert_eq!(labels(&*set), [Some(3), Some(7)]);
        assert_eq!(set.classes(), None);
        insta::assert_snapshot!(set.describe(), @"2 pictures labelled by `labels.csv`, class numbers 3 to 7");
        let names = folder(&[("labels.tsv", "file\tlabel\na\tzebra\nimages/b.png\tant\n")]);
        let set = names.open("").unwrap();
        assert_eq!(labels(&*set), [Some(1), Some(0)]);
        assert_eq!(set.classes().unwrap(), ["ant", "zebra"]);
        let semicolons = folder(&[("my.csv", "\u{feff}file;label\r\na.png;0\r\nb.png;1\r\n")]);
        let set = semicolons.open("labels:file=my.csv").unwrap();
        assert_eq!(labels(&*set), [Some(0), Some(1)]);
    }

    #[test]
    fn a_picture_may_have_several_labels() {
        let sets = |text: &str| {
            let folder = folder(&[("labels.csv", text)]);
            let set = folder.open("").unwrap();
            let labels: Vec<Vec<usize>> = (0..set.len()).map(|i| set.labels(i)).collect();
            (labels, set.fingerprint(), set.describe())
        };
        let (labels, one, words) = sets("file,label\na,zebra | ant\nb,ant\n");
        assert_eq!(labels, [vec![1, 0], vec![0]], "the main one first");
        insta::assert_snapshot!(words, @"2 pictures labelled by `labels.csv`, numbered in the order of their names where the network does not name its classes so, 1 picture with several labels");
        let (_, two, _) = sets("file,label\na,zebra\nb,ant\n");
        assert_ne!(one, two, "another label is another set");
        let (labels, _, words) = sets("file,label\na,7|2.0|3\nb,1\n");
        assert_eq!(labels, [vec![7, 2, 3], vec![1]]);
        insta::assert_snapshot!(words, @"2 pictures labelled by `labels.csv`, class numbers 1 to 7, 1 picture with several labels");
        let different = "different labels with one `|` between two of them";
        let wrong = [
            ("a,zebra|", different),
            ("a,|zebra", different),
            ("a,zebra||ant", different),
            ("a,ant|ant", different),
            ("a,1|two", "class indices in all rows or in none"),
            ("a,1\na,2", "several labels of a picture stand in one row, with `|` between them"),
        ];
        let message = |rows: &str| {
            let folder = folder(&[("labels.csv", &format!("file,label\n{rows}\nb,1\n"))]);
            folder.says(folder.open(""))
        };
        for (rows, expected) in wrong {
            assert!(message(rows).contains(expected), "{rows}: {}", message(rows));
        }
    }

    #[test]
    fn whole_numbers_in_any_writing_are_class_numbers() {
        let folder = Folder::new();
        let rows_of: Vec<String> = (0..=10).map(|k| format!("{k}.png,{k}.0\n")).collect();
        let pandas = format!("file,label\n{}", rows_of.concat());
        (0..=10).for_each(|k| drop(folder.png(&format!("{k}.png"), 1, 1, 0)));
        let check = |text: &str, layout: &str, first: usize| {
            folder.file("labels.csv", text);
            for (id, label) in rows(&*folder.open(layout).unwrap()) {
                assert_eq!(id, format!("{}.png", label.unwrap() + first), "{text}");
            }
        };
        check(&pandas, "", 0);
        check(&pandas.replace(".0\n", ".000000000000000000e+00\n"), "", 0);
        check(&pandas.replace(".0\n", "\n").replace(",1", ",01"), "", 0);
        check(&pandas.replace(',', ";").replace(".0\n", ",0\n"), "", 0);
        let from_one = pandas.replace("0.png,0.0\n", "");
        std::fs::remove_file(folder.child("0.png")).unwrap();
        check(&from_one, "labels:first=1", 1);
    }

    #[test]
    fn numbers_that_can_be_no_classes_are_refused_with_what_settles_it() {
        let message = |text: &str, layout: &str, network: Option<Network>| {
            let folder = folder(&[("labels.csv", text)]);
            let layout = (!layout.is_empty()).then(|| layout.parse().unwrap());
            let options = Options { layout, network, ..Options::default() };
            folder.says(crate::open(folder.path(), &options))
        };
        let network = |classes, names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            Some(Network { classes, names })
        };
        let from_one = "file,label\na,1\nb,10\n";
        let messages = [
            message(from_one, "", network(10, &[])),
            message("file,label\na,0\nb,10\n", "", network(10, &[])),
            message("file,label\na,1\nb,12\n", "labels:first=1", network(10, &[])),
            message("file,label\na,0\nb,1\n", "labels:first=1", None),
            message("file,label\na,0\nb,-1\n", "", None),
            message("file,label\na,0.5\nb,1\n", "", None),
            message("file,label\na,\"1,000\"\nb,1\n", "", None),
            message("file,label\na,0\nb,18446744073709551615\n", "", None),
            message("file,label\na,0\nb,2000000000\n", "", None),
            message("file,label\na,1\nb,2\n", "", network(3, &["1", "2", "3"])),
        ];
        insta::assert_snapshot!(messages.join("\n"));
        // told which
        let folder = folder(&[("labels.csv", "file,label\na,1\nb,2\n")]);
        for (layout, expected) in
            [("labels:numbers=names", [0, 1]), ("labels:numbers=index", [1, 2])]
        {
            let layout = Some(layout.parse().unwrap());
            let network = network(3, &["1", "2", "3"]);
            let options = Options { layout, network, ..Options::default() };
            let set = crate::open(folder.path(), &options).unwrap();
            assert_eq!(labels(&*set), expected.map(Some));
        }
    }

    #[test]
    fn class_names_lie_beside_the_table() {
        let two = [("labels.csv", "file,label\na,0\nb,1\n"), ("classes.txt", "ant\nzebra\n\n")];
        let set = folder(&two).open("").unwrap();
        assert_eq!(set.classes().unwrap(), ["ant", "zebra"]);
    }

    #[test]
    fn missing_pictures_and_labels_are_refused_or_left_out_as_told() {
        let folder = folder(&[("labels.csv", "file,label\na,0\nc.png,1\n")]);
        let refused = folder.says(folder.open(""));
        let bare = folder.says(folder.open("labels:missing=skip"));
        let skip = folder.open("labels:missing=skip:unlabelled=skip").unwrap();
        let keep = folder.open("labels:missing=skip:unlabelled=keep").unwrap();
        assert_eq!(labels(&*skip), [Some(0)]);
        assert_eq!(labels(&*keep), [Some(0), None]);
        let words = [refused, bare, skip.describe(), keep.describe()];
        insta::assert_snapshot!(words.join("\n"));
    }

    #[test]
    fn boxes_are_scaled_from_the_annotated_picture() {
        let good = ("labels.csv", "file,label\na,0\nb,0\n");
        // a.png has 10 x 20 pixels, a quarter of the annotated height and width
        let boxes = "image_id,orig_w,orig_h,x0,y0,x1,y1\na,80,40,4,4,9,40\na,80,40,0,0,80,40\nz,1,1,0,0,1,1\n";
        let scaled = folder(&[good, ("boxes.csv", boxes)]);
        let set = scaled.open("").unwrap();
        let boxes = set.item(0).unwrap().boxes;
        let first = Rect { y0: 1, y1: 10, x0: 1, x1: 3 };
        assert_eq!(boxes, [first, Rect { y0: 0, y1: 10, x0: 0, x1: 20 }]);
        assert_eq!(set.item(1).unwrap().boxes, []);
        assert!(set.describe().contains("2 boxes in `boxes.csv` (1 for other pictures left out)"));
        let own =
            folder(&[good, ("boxes.csv", "file,x0,y0,x1,y1\nb.png,1,2,3,4\na.png,0,0,21,10")]);
        let set = own.open("").unwrap();
        assert_eq!(set.item(1).unwrap().boxes, [Rect { y0: 2, y1: 4, x0: 1, x1: 3 }]);
        insta::assert_snapshot!(own.says(set.item(0)), @"`DIR/a.png`: expected a box inside its 10x20 pixels (height x width), found columns 0 to 21, rows 0 to 10");
    }

    #[test]
    fn messages_name_the_line() {
        let good = ("labels.csv", "file,label\na,0\nb,1\n");
        let message = |files: &[(&str, &str)]| {
            let folder = folder(files);
            folder.says(folder.open("labels"))
        };
        let messages = [
            message(&[]),
            message(&[("labels.csv", "")]),
            message(&[("labels.csv", "file,label\n")]),
            message(&[("labels.csv", "name,class\na,0\n")]),
            message(&[("labels.csv", "file,label\na,0\nb,1,2\n")]),
            message(&[("labels.csv", "file,label\na,0\nb,one\n")]),
            message(&[("labels.csv", "file,label\na,0\nb,\n")]),
            message(&[("labels.csv", "file,label\na,\nb,\n")]),
            message(&[("labels.csv", "file,label\na,0\na.png,1\n")]),
            message(&[("labels.csv", "file,label\nx,0\ny,1\n")]),
            message(&[good, ("classes.txt", "ant\n")]),
            message(&[good, ("boxes.csv", "image_id,x0,y0,x1\n")]),
            message(&[good, ("boxes.csv", "image_id,x0,y0,x1,y1\na,1,1,?,2\n")]),
            message(&[good, ("boxes.csv", "image_id,x0,y0,x1,y1\na,1,1,nan,2\n")]),
            message(&[good, ("boxes.csv", "image_id,x0,y0,x1,y1\na,3,1,3,2\n")]),
            message(&[good, ("boxes.csv", "image_id,orig_w,orig_h,x0,y0,x1,y1\na,8,8,0,0,9,8\n")]),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn two_pictures_of_one_name_need_their_paths() {
        let folder = folder(&[("labels.csv", "file,label\na.png,0\nimages/a.png,1\nb,2\n")]);
        folder.png("images/a.png", 1, 1, 0);
        assert_eq!(labels(&*folder.open("").unwrap()), [Some(0), Some(1), Some(2)]);
        folder.file("labels.csv", "file,label\na,0\nb,2\n");
        assert!(folder.says(folder.open("")).contains("first `a` on line 2"));
    }

    #[test]
    fn the_650_validation_pictures_have_labels_boxes_and_names() {
        let Some(path) = shared("images/imagenet_val") else { return };
        let set = open(&path, "").unwrap();
        insta::assert_snapshot!(set.describe(), @"650 pictures labelled by `labels.csv`, class numbers 0 to 997, 943 boxes in `boxes.csv`");
        assert_eq!((set.len(), set.classes().unwrap().len()), (650, 1000));
        let first = set.item(0).unwrap();
        assert_eq!(first.id, "images/ILSVRC2012_val_00000361.JPEG");
        assert_eq!(first.label, Some(300));
        assert!(set.classes().unwrap()[300].contains("tiger beetle"));
        // 83,81 to 419,311 of 500 x 349: 37.7, 52.7 to 190.2, 202.3 of 227 x 227
        assert_eq!(first.boxes, [Rect { y0: 52, y1: 203, x0: 37, x1: 191 }]);
        assert_eq!((first.image.shape.c, first.image.shape.h, first.image.shape.w), (3, 227, 227));
        let boxes = (0..650).step_by(10).map(|i| set.item(i).unwrap().boxes.len());
        assert!(boxes.min() >= Some(1));
    }

    proptest! {
        #[test]
        fn any_table_is_read_or_refused(text in "(file,label\n)?[a-b0-9,;\"\\PC\n]{0,60}", bytes: Vec<u8>) {
            let folder = folder(&[("labels.csv", &text)]);
            folder.file("boxes.csv", bytes);
            let _ = folder.open("labels:missing=skip:unlabelled=keep");
        }
    }
}
