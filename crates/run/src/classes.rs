//! Class by class: how often the network says a class, how often it is right, and the average precision. For
//! data sets whose pictures show several classes.

use super::picture::Picture;
use crate::{
    eval::precision::AveragePrecision,
    nn::head::Head,
    table::{Column, Table},
};

/// One class of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    /// Its index.
    pub class: u64,
    /// Its name; empty where nothing says it.
    pub name: String,
    /// Pictures that count: used ones with labels, of which it is known whether they show the class.
    pub pictures: u64,
    /// Those that show it.
    pub shown: u64,
    /// Those of which the network says it ([`Head::says`]).
    pub said: u64,
    /// Share of those of which the network says it if they show it, and only then.
    pub right: Option<f64>,
    /// How well its scores tell pictures that show it from others; `None` where none shows it.
    pub precision: Option<AveragePrecision>,
}

/// All classes of a network, from pictures that kept their labels and logits; none without such.
pub fn by_class(pictures: &[Picture], head: Head, names: &[String]) -> Vec<ClassRow> {
    let kept: Vec<Kept<'_>> = pictures.iter().filter_map(Kept::of).collect();
    let classes = kept.first().map_or(0, |picture| picture.logits.len());
    (0..classes).map(|class| row(&kept, class, head, names)).collect()
}

/// The mean average precision over classes that some picture shows.
pub fn mean_precision(rows: &[ClassRow]) -> Option<f64> {
    let known: Vec<f64> = rows.iter().filter_map(|row| Some(row.precision?.area)).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// What is needed of a picture.
struct Kept<'a> {
    labels: &'a [u64],
    unsure: &'a [u64],
    logits: &'a [f32],
}

impl<'a> Kept<'a> {
    fn of(picture: &'a Picture) -> Option<Kept<'a>> {
        let labels = picture.labels.as_deref().filter(|labels| !labels.is_empty())?;
        let unsure = picture.unsure.as_deref().unwrap_or_default();
        Some(Kept { labels, unsure, logits: picture.logits.as_deref()? })
    }
}

fn row(kept: &[Kept<'_>], class: usize, head: Head, names: &[String]) -> ClassRow {
    let number = class as u64;
    let shows = |p: &Kept<'_>| p.labels.contains(&number);
    // a class that only doubtful objects show is neither there nor missing
    let counted = kept.iter().filter(|p| shows(p) || !p.unsure.contains(&number));
    let counted: Vec<&Kept<'_>> = counted.filter(|p| class < p.logits.len()).collect();
    let said: Option<Vec<bool>> = counted.iter().map(|p| head.says(p.logits, class)).collect();
    let right = said.as_ref().filter(|said| !said.is_empty()).map(|said| {
        let good = said.iter().zip(&counted).filter(|(said, p)| **said == shows(p)).count();
        good as f64 / said.len() as f64
    });
    let scores: Vec<(f32, bool)> = counted.iter().map(|p| (p.logits[class], shows(p))).collect();
    ClassRow {
        class: number,
        name: names.get(class).cloned().unwrap_or_default(),
        pictures: counted.len() as u64,
        shown: counted.iter().filter(|p| shows(p)).count() as u64,
        said: said.iter().flatten().filter(|said| **said).count() as u64,
        right,
        precision: AveragePrecision::of(&scores),
    }
}

/// What the columns mean.
pub const NOTES: &[(&str, &str)] = &[
    ("class", "class index"),
    ("name", "its name; null where nothing says it"),
    (
        "pictures",
        "pictures with labels, without those of which only difficult objects show the class",
    ),
    ("shown", "those that show the class"),
    ("said", "those of which the network says it"),
    ("right", "share of pictures of which the network says it exactly if they show it"),
    ("ap", "average precision as in VOC 2010 and later: area under the precision at each recall"),
    ("ap_2007", "average precision as in VOC 2007: mean of the precision at 11 recalls"),
];

/// One row per class.
pub fn table(rows: &[ClassRow]) -> Table {
    let number = |value: fn(&ClassRow) -> u64| {
        Column::Integer(rows.iter().map(|row| Some(value(row))).collect())
    };
    let precision = |value: fn(AveragePrecision) -> f64| {
        Column::Float(rows.iter().map(|row| row.precision.map(value)).collect())
    };
    let name = |row: &ClassRow| Some(row.name.clone()).filter(|name| !name.is_empty());
    let mut table = Table::default();
    table.push("class", number(|row| row.class));
    table.push("name", Column::Text(rows.iter().map(name).collect()));
    table.push("pictures", number(|row| row.pictures));
    table.push("shown", number(|row| row.shown));
    table.push("said", number(|row| row.said));
    table.push("right", Column::Float(rows.iter().map(|row| row.right).collect()));
    table.push("ap", precision(|p| p.area));
    table.push("ap_2007", precision(|p| p.eleven_points));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(labels: &[u64], unsure: &[u64], logits: &[f32]) -> Picture {
        Picture {
            labels: Some(labels.to_vec()),
            unsure: Some(unsure.to_vec()),
            logits: Some(logits.to_vec()),
            ..Picture::skipped(String::new(), String::new(), None)
        }
    }

    #[test]
    fn classes_are_counted_each_for_itself() {
        let pictures = [
            picture(&[0, 1], &[], &[2.0, 1.0, -1.0]),
            picture(&[1], &[0], &[3.0, -1.0, -2.0]),
            picture(&[0], &[], &[-1.0, 0.5, -3.0]),
            picture(&[], &[], &[9.0, 9.0, 9.0]),
            Picture::skipped("x".to_owned(), "broken".to_owned(), None),
        ];
        let rows = by_class(&pictures, Head::Sigmoid, &["cat".to_owned(), "dog".to_owned()]);
        // class 0: the second picture does not count; said of the first, not of the third
        assert_eq!(
            (rows[0].pictures, rows[0].shown, rows[0].said, rows[0].right),
            (2, 2, 1, Some(0.5))
        );
        // class 1: scores 1, -1, 0.5 of shown, shown, not: precision 1, then 2/3
        assert_eq!((rows[1].pictures, rows[1].shown, rows[1].said), (3, 2, 2));
        assert!((rows[1].precision.unwrap().area - 5.0 / 6.0).abs() < 1e-12);
        assert!((rows[1].right.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        // class 2: no picture shows it, none is said to
        assert_eq!((rows[2].shown, rows[2].right, rows[2].precision), (0, Some(1.0), None));
        assert_eq!((rows[1].name.as_str(), rows[2].name.as_str()), ("dog", ""));
        assert!((mean_precision(&rows).unwrap() - f64::midpoint(1.0, 5.0 / 6.0)).abs() < 1e-12);
        assert_eq!(mean_precision(&by_class(&pictures[4..], Head::Sigmoid, &[])), None);
    }

    #[test]
    fn every_column_has_its_note() {
        let table = table(&[]);
        let names: Vec<&str> = NOTES.iter().map(|(name, _)| *name).collect();
        assert_eq!(table.schema().iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }
}
