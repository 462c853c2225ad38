//! The clusters of each class, and which of them look elsewhere than the others.

use super::About;
use crate::{
    eval::stats::{Estimate, Resampling, estimate},
    explain::labels::label,
    run::clusters::{ClassClusters, Clustered, Shrunk},
    table::{Sheet, TableError},
};
use std::{collections::BTreeMap, path::Path};

/// Clusters with fewer pictures than this are not judged.
const FEWEST: usize = 5;

/// A cluster of a class and a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// Canonical name of the method.
    pub method: String,
    /// The class.
    pub class: u64,
    /// Number of the cluster, from 0.
    pub cluster: u64,
    /// Its pictures.
    pub members: Vec<String>,
    /// Its share of the class's maps.
    pub share: f64,
    /// Share of the positive relevance outside the object: of its pictures, and of all others of the class.
    pub outside: [Option<Estimate>; 2],
    /// The same within the frame.
    pub frame: [Option<Estimate>; 2],
    /// Its mean map.
    pub mean: Vec<f32>,
}

impl Strategy {
    /// Whether its relevance is farther from the object, or nearer to the frame, than that of the others beyond doubt.
    pub fn unusual(&self) -> Option<&'static str> {
        let above = |[own, rest]: [Option<Estimate>; 2]| {
            own.and_then(|own| own.lo())
                .zip(rest.and_then(|rest| rest.hi()))
                .is_some_and(|(lo, hi)| lo > hi)
        };
        match (self.members.len() >= FEWEST, above(self.outside), above(self.frame)) {
            (true, true, true) => Some("far from the object and near the frame"),
            (true, true, false) => Some("far from the object"),
            (true, false, true) => Some("near the frame"),
            _ => None,
        }
    }
}

/// A class under a method.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    /// What was found.
    pub found: ClassClusters,
    /// Sizes of its clusters.
    pub sizes: Vec<usize>,
}

/// All clusters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// By method and class.
    pub classes: Vec<ClassRow>,
    /// By method, class and cluster.
    pub strategies: Vec<Strategy>,
}

impl Summary {
    /// Of what was found.
    pub fn of(found: &Clustered) -> Summary {
        let maps: BTreeMap<(&str, &str), &Shrunk> =
            found.maps.iter().map(|map| ((&map.method[..], &map.image[..]), map)).collect();
        let mut groups: BTreeMap<(&str, u64), BTreeMap<u64, Vec<&Shrunk>>> = BTreeMap::new();
        for member in &found.members {
            if let Some(map) = maps.get(&(&member.method[..], &member.image[..])) {
                let class = groups.entry((&member.method, member.class)).or_default();
                class.entry(member.cluster).or_default().push(map);
            }
        }
        let mut strategies = Vec::new();
        for ((method, class), clusters) in &groups {
            for (cluster, own) in clusters {
                let rest = clusters.iter().filter(|(other, _)| *other != cluster);
                let rest: Vec<&Shrunk> = rest.flat_map(|(_, maps)| maps.iter().copied()).collect();
                strategies.push(strategy(method, *class, *cluster, own, &rest));
            }
        }
        let row = |class: &ClassClusters| {
            let own = groups.get(&(&class.method[..], class.class));
            ClassRow {
                found: class.clone(),
                sizes: own.map_or_else(Vec::new, |own| own.values().map(Vec::len).collect()),
            }
        };
        Summary { classes: found.classes.iter().map(row).collect(), strategies }
    }

    /// The clusters of a class under a method.
    pub fn of_class<'a>(
        &'a self,
        method: &'a str,
        class: u64,
    ) -> impl Iterator<Item = &'a Strategy> {
        self.strategies.iter().filter(move |s| s.method == method && s.class == class)
    }

    /// Classes of a method, those with the largest gap behind several clusters first.
    pub fn by_gap<'a>(&'a self, method: &str) -> Vec<&'a ClassRow> {
        let key = |row: &&ClassRow| {
            let several = row.found.clusters.is_some_and(|count| count > 1);
            if several { row.found.gap.unwrap_or(0.0) } else { -1.0 }
        };
        let mut own: Vec<&ClassRow> =
            self.classes.iter().filter(|row| row.found.method == method).collect();
        own.sort_by(|a, b| key(b).total_cmp(&key(a)).then(a.found.class.cmp(&b.found.class)));
        own
    }

    /// Writes `strategies` as CSV and Parquet.
    pub fn write(&self, folder: &Path, about: &About) -> Result<(), TableError> {
        let rows: Vec<(String, &Strategy)> =
            self.strategies.iter().map(|row| (about.class(row.class), row)).collect();
        let sheet = sheet().about("model", &about.model).about("data", &about.data);
        sheet.write(folder, "strategies", &rows)
    }

    /// The cells of a table for a terminal.
    pub fn lines(&self, about: &About) -> Vec<Vec<String>> {
        let head = ["class", "method", "maps", "clusters", "gap", "sizes", "unusual"];
        let line = |row: &ClassRow| {
            let unusual = self.of_class(&row.found.method, row.found.class);
            let unusual: Vec<String> = unusual
                .filter_map(|s| Some(format!("cluster {}: {}", s.cluster + 1, s.unusual()?)))
                .collect();
            let sizes: Vec<String> = row.sizes.iter().map(usize::to_string).collect();
            let reason = row.found.reason.clone();
            vec![
                about.class(row.found.class),
                label(&row.found.method),
                row.found.pictures.to_string(),
                row.found.clusters.map_or("-".to_owned(), |count| count.to_string()),
                row.found.gap.map_or("-".to_owned(), |gap| format!("{gap:.3}")),
                sizes.join(" + "),
                reason.unwrap_or_else(|| {
                    if unusual.is_empty() { "-".to_owned() } else { unusual.join(", ") }
                }),
            ]
        };
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain(self.classes.iter().map(line))
            .collect()
    }

    /// What came out, in words, for the first method.
    pub fn sentences(&self, about: &About) -> Vec<String> {
        let Some(method) = about.methods.first() else { return Vec::new() };
        let own: Vec<&ClassRow> = self.by_gap(method);
        let counted: Vec<&&ClassRow> =
            own.iter().filter(|row| row.found.clusters.is_some()).collect();
        let several: Vec<&&&ClassRow> =
            counted.iter().filter(|row| row.found.clusters.is_some_and(|n| n > 1)).collect();
        let mut said = vec![format!(
            "The maps of {} of {} classes fall into several clusters (`{}`).",
            several.len(),
            counted.len(),
            label(method)
        )];
        for row in several {
            let parts = self.of_class(method, row.found.class).filter_map(|s| {
                let [own, rest] = s.outside;
                let percent = |e: Option<Estimate>| e.map(|e| format!("{:.0} %", 100.0 * e.mean));
                let outside =
                    percent(own).zip(percent(rest)).map_or(String::new(), |(own, rest)| {
                        format!(
                            ", with {own} of its relevance outside the object (the others {rest})"
                        )
                    });
                let [own, rest] = s.frame;
                let frame = percent(own).zip(percent(rest)).map_or(String::new(), |(own, rest)| {
                    format!(" and {own} in the frame (the others {rest})")
                });
                Some(format!(
                    "cluster {} of {} pictures is {}{outside}{frame}",
                    s.cluster + 1,
                    s.members.len(),
                    s.unusual()?
                ))
            });
            let parts: Vec<String> = parts.collect();
            let sizes: Vec<String> = row.sizes.iter().map(usize::to_string).collect();
            let parts = if parts.is_empty() {
                "none of them is farther from the object or nearer to the frame than the others beyond doubt".to_owned()
            } else {
                parts.join("; ")
            };
            said.push(format!(
                "`{}`: {} clusters of {} pictures (gap {:.3}); {parts}.",
                about.class(row.found.class),
                row.found.clusters.unwrap_or(0),
                sizes.join(" and "),
                row.found.gap.unwrap_or(f64::NAN)
            ));
        }
        said
    }

    /// What a reader must know.
    pub fn caveats(&self) -> Vec<String> {
        let refused: Vec<&ClassRow> =
            self.classes.iter().filter(|row| row.found.reason.is_some()).collect();
        let refused = (!refused.is_empty()).then(|| {
            format!(
                "{} classes are not clustered, the first since {}",
                refused.len(),
                refused[0].found.reason.as_deref().unwrap_or_default()
            )
        });
        let undefined: u64 = self.classes.iter().map(|row| row.found.undefined).sum();
        let undefined = (undefined > 0).then(|| {
            format!("{undefined} maps have nothing to cluster (`reason` in maps.parquet says why)")
        });
        let gap = Some(
            "clusters say that maps differ, not that the network is wrong: look at the members of one that is unusual"
                .to_owned(),
        );
        [refused, undefined, gap].into_iter().flatten().collect()
    }
}

fn strategy(method: &str, class: u64, cluster: u64, own: &[&Shrunk], rest: &[&Shrunk]) -> Strategy {
    let of = |maps: &[&Shrunk], value: fn(&Shrunk) -> Option<f64>| {
        let values: Vec<f64> = maps.iter().filter_map(|map| value(map)).collect();
        estimate(&values, Resampling::default())
    };
    let both = |value: fn(&Shrunk) -> Option<f64>| [of(own, value), of(rest, value)];
    let size = own.first().and_then(|map| map.values.as_ref()).map_or(0, Vec::len);
    let mean = |k: usize| {
        let sum: f64 =
            own.iter().filter_map(|map| map.values.as_ref()).map(|v| f64::from(v[k])).sum();
        (sum / own.len() as f64) as f32
    };
    Strategy {
        method: method.to_owned(),
        class,
        cluster,
        members: own.iter().map(|map| map.image.clone()).collect(),
        share: own.len() as f64 / (own.len() + rest.len()) as f64,
        outside: both(|map| map.outside),
        frame: both(|map| map.frame),
        mean: (0..size).map(mean).collect(),
    }
}

/// The columns of the table.
pub(crate) fn sheet<'a>() -> Sheet<'a, (String, &'a Strategy)> {
    type Row<'a> = (String, &'a Strategy);
    let mean = |e: Option<Estimate>| e.map(|e| e.mean);
    let lo = |e: Option<Estimate>| e.and_then(|e| e.lo());
    let hi = |e: Option<Estimate>| e.and_then(|e| e.hi());
    Sheet::default()
        .text("method", "canonical name, with all parameters", |r: &Row<'a>| Some(&r.1.method))
        .text("class", "name of the class", |r| Some(&r.0))
        .whole("cluster", "number of the cluster, from 0; large ones first", |r| Some(r.1.cluster))
        .whole("pictures", "its pictures", |r| Some(r.1.members.len() as u64))
        .number("share", "its share of the maps of the class", |r| Some(r.1.share))
        .number("outside", "mean share of the positive relevance outside the object", move |r| {
            mean(r.1.outside[0])
        })
        .number("outside_lo", "lower end of its 95 % bootstrap interval", move |r| {
            lo(r.1.outside[0])
        })
        .number("outside_hi", "upper end", move |r| hi(r.1.outside[0]))
        .number("outside_rest", "the mean of the other pictures of the class", move |r| {
            mean(r.1.outside[1])
        })
        .number(
            "frame",
            "mean share of the positive relevance within 15 % of the shorter side from an edge",
            move |r| mean(r.1.frame[0]),
        )
        .number("frame_lo", "lower end of its 95 % bootstrap interval", move |r| lo(r.1.frame[0]))
        .number("frame_hi", "upper end", move |r| hi(r.1.frame[0]))
        .number("frame_rest", "the mean of the other pictures of the class", move |r| {
            mean(r.1.frame[1])
        })
        .text(
            "unusual",
            "where it looks, if beyond doubt elsewhere than the others of the class",
            |r| r.1.unusual(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::clusters::Member;

    fn found() -> Clustered {
        let mut found = Clustered::default();
        for k in 0..20u64 {
            let tag = k >= 12;
            found.maps.push(Shrunk {
                image: format!("{k:02}"),
                method: "gradient".to_owned(),
                target: 1,
                right: Some(true),
                side: 2,
                values: Some(if tag { vec![0.0, 0.0, 1.0, 0.0] } else { vec![0.5, 0.5, 0.0, 0.0] }),
                outside: Some(if tag { 0.9 } else { 0.2 } + 0.001 * k as f64),
                frame: Some(0.5),
                failed: false,
                reason: None,
            });
            found.members.push(Member {
                image: format!("{k:02}"),
                method: "gradient".to_owned(),
                class: 1,
                cluster: u64::from(tag),
                x: 0.0,
                y: 0.0,
            });
        }
        let class = |class, clusters: Option<u64>, reason: Option<&str>| ClassClusters {
            method: "gradient".to_owned(),
            class,
            pictures: 20,
            undefined: 0,
            clusters,
            gap: clusters.map(|_| 0.25),
            reason: reason.map(str::to_owned),
        };
        found.classes = vec![class(0, None, Some("7 maps are too few")), class(1, Some(2), None)];
        found
    }

    #[test]
    fn the_cluster_that_looks_elsewhere_is_named() {
        let summary = Summary::of(&found());
        let [first, second] = &summary.strategies[..] else { panic!("two clusters") };
        assert_eq!((first.unusual(), second.unusual()), (None, Some("far from the object")));
        assert_eq!((second.members.len(), second.mean.clone()), (8, vec![0.0, 0.0, 1.0, 0.0]));
        let about = About {
            methods: vec!["gradient".to_owned()],
            classes: vec!["cat".to_owned(), "fish".to_owned()],
            ..About::default()
        };
        let said = summary.sentences(&about).join("\n");
        assert!(said.contains("`fish`: 2 clusters of 12 and 8 pictures"), "{said}");
        assert!(said.contains("cluster 2 of 8 pictures is far from the object"), "{said}");
        assert!(
            summary.caveats()[0].contains("1 classes are not clustered, the first since 7 maps")
        );
        let lines = summary.lines(&about);
        assert_eq!(lines[1][6], "7 maps are too few");
    }

    #[test]
    fn every_column_has_its_note() {
        let sheet = sheet();
        let noted = |name: &str| sheet.notes().contains_key(&format!("column {name}"));
        assert!(sheet.names().all(noted));
    }
}
