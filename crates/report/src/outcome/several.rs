//! One page of several runs: how they rank side by side, and the page of each.

use super::{Opened, OutcomeError};
use crate::{
    agreement::setting_names,
    base::words::list,
    cells::Group,
    colours::Look,
    contest::Contest,
    curves::Dress,
    naming::spoken,
    page::{
        self,
        several::{Member, Ranking},
    },
    run::gallery::Exhibit,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Why several runs make no page together.
#[derive(Debug, thiserror::Error)]
pub enum SeveralError {
    /// One folder, named twice.
    #[error("`{}` and `{}` are one folder: name each run once", .0.display(), .1.display())]
    Twice(PathBuf, PathBuf),
    /// A run without two methods on the same pictures.
    #[error("`{}` has no ranking: no picture has curves of two methods or more", .0.display())]
    NoRanking(PathBuf),
    /// They rank by different orders of removal.
    #[error(
        "`{}` ranks by {} and `{}` by {}: runs of one page remove regions in the same order first",
        .first.display(), spoken(.by), .other.display(), spoken(.other_by)
    )]
    Metric {
        /// The first run.
        first: PathBuf,
        /// Canonical name of its metric.
        by: String,
        /// Another one.
        other: PathBuf,
        /// Canonical name of its metric.
        other_by: String,
    },
    /// They have no two methods in common.
    #[error(
        "`{}` and `{}` have {} in common: the rankings of one page need at least two methods that both have",
        .first.display(), .other.display(), shared(.methods)
    )]
    Apart {
        /// The first run.
        first: PathBuf,
        /// Another one.
        other: PathBuf,
        /// What both have.
        methods: Vec<String>,
    },
}

fn shared(methods: &[String]) -> String {
    match methods {
        [] => "no method".to_owned(),
        some => format!("only `{}`", list(some)),
    }
}

/// The page of several folders of results, each with the pictures that its gallery shows: an overview of their
/// rankings, then the page of each run. A method looks the same in all of them.
pub fn several(
    folders: &[PathBuf],
    exhibits: Vec<Vec<Exhibit>>,
    look: Look,
) -> Result<String, OutcomeError> {
    once_each(folders)?;
    let opened = folders.iter().zip(exhibits).map(|(folder, shown)| Opened::of(folder, shown));
    let opened = opened.collect::<Result<Vec<Opened>, OutcomeError>>()?;
    let groups: Result<Vec<Vec<Group<'_>>>, OutcomeError> =
        opened.iter().map(|run| run.ledger.groups()).collect();
    let groups = groups?;
    let contests: Vec<Vec<Contest>> = groups.iter().map(|groups| page::contests(groups)).collect();
    fit(folders, &contests)?;
    let dress = Dress::of_all(groups.iter().flatten());
    let mut members = Vec::new();
    for ((name, run), (groups, contests)) in
        names(folders).into_iter().zip(&opened).zip(groups.iter().zip(&contests))
    {
        members.push(Member {
            page: run.page(groups, contests, &dress, look)?,
            subject: format!("{} on {}", run.manifest.model.name, run.manifest.data.name),
            whole: run.manifest.is_whole(),
            rankings: rankings(contests),
            name,
        });
    }
    Ok(page::several::page(&members, &dress)?)
}

/// The rankings of a run, called by what tells its settings apart; the only one needs no name.
fn rankings(contests: &[Contest]) -> Vec<Ranking<'_>> {
    let settings = setting_names(&contests.iter().map(|c| &c.setting).collect::<Vec<_>>());
    let name = |setting: String| if contests.len() > 1 { setting } else { String::new() };
    contests
        .iter()
        .zip(settings)
        .map(|(contest, s)| Ranking { setting: name(s), contest })
        .collect()
}

fn once_each(folders: &[PathBuf]) -> Result<(), SeveralError> {
    let real = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
    for (i, folder) in folders.iter().enumerate() {
        if let Some(other) = folders[..i].iter().find(|other| real(other) == real(folder)) {
            return Err(SeveralError::Twice(other.clone(), folder.clone()));
        }
    }
    Ok(())
}

/// Rankings are compared by the places of the methods that both have, by one metric.
fn fit(folders: &[PathBuf], contests: &[Vec<Contest>]) -> Result<(), SeveralError> {
    let ranks = |contests: &Vec<Contest>| contests.iter().any(|c| c.methods.len() > 1);
    if let Some(none) = contests.iter().position(|contests| !ranks(contests)) {
        return Err(SeveralError::NoRanking(folders[none].clone()));
    }
    let methods = |contests: &Vec<Contest>| -> BTreeSet<String> {
        contests.iter().flat_map(|c| &c.methods).cloned().collect()
    };
    let pairs = (0..folders.len()).flat_map(|a| (a + 1..folders.len()).map(move |b| (a, b)));
    for (a, b) in pairs {
        let (first, first_folder, other, folder) =
            (&contests[a], &folders[a], &contests[b], &folders[b]);
        if other[0].metric != first[0].metric {
            return Err(SeveralError::Metric {
                first: first_folder.clone(),
                by: first[0].metric.clone(),
                other: folder.clone(),
                other_by: other[0].metric.clone(),
            });
        }
        let both: Vec<String> = methods(first).intersection(&methods(other)).cloned().collect();
        if both.len() < 2 {
            return Err(SeveralError::Apart {
                first: first_folder.clone(),
                other: folder.clone(),
                methods: both,
            });
        }
    }
    Ok(())
}

/// The last parts of the paths, as few as tell them apart.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let parts = |folder: &Path| -> Vec<String> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        folder.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let all: Vec<Vec<String>> = folders.iter().map(|folder| parts(folder)).collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or(1);
    let last = |n: usize| -> Vec<String> {
        all.iter().map(|parts| parts[parts.len().saturating_sub(n)..].join("/")).collect()
    };
    let unlike = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (1..longest).map(last).find(unlike).unwrap_or_else(|| last(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demo, run::record::Row, table::record::Record};

    /// A folder of results with these curves.
    fn folder(root: &Path, name: &str, rows: &[Row]) -> PathBuf {
        let folder = root.join(name);
        std::fs::create_dir_all(folder.join("curves")).unwrap();
        Row::write(&folder.join("curves/part-00000.parquet"), rows).unwrap();
        let manifest = serde_json::to_vec(&demo::manifest()).unwrap();
        std::fs::write(folder.join("manifest.json"), manifest).unwrap();
        folder
    }

    fn made(folders: &[PathBuf]) -> Result<String, String> {
        let none = folders.iter().map(|_| Vec::new()).collect();
        several(folders, none, Look::default()).map_err(|e| e.to_string())
    }

    #[test]
    fn runs_that_rank_alike_and_otherwise_are_told_apart_in_the_answer() {
        let root = tempfile::tempdir().unwrap();
        let rows = demo::records(12, 1, 10);
        let turned = rows.iter().cloned().map(|row| Row {
            scores: row.scores.map(|s| s.iter().map(|v| 10.0 - v).collect()),
            ..row
        });
        let turned: Vec<Row> = turned.collect();
        let a = folder(root.path(), "x/run", &rows);
        let b = folder(root.path(), "y/run", &rows);
        let c = folder(root.path(), "turned", &turned);
        let page = made(&[a.clone(), b.clone()]).unwrap();
        let answer = |page: &str| {
            let text = page.split("class=\"answer\"").nth(1).unwrap();
            text.split("</div>").next().unwrap().to_owned()
        };
        let said = answer(&page);
        assert!(said.contains("is first in both rankings"), "{said}");
        assert!(said.contains("over the 8 methods that both have is 1.00"), "{said}");
        assert_eq!(page.matches("<iframe").count(), 2, "the page of each run");
        assert!(page.contains("x/run") && page.contains("y/run"), "names are told apart");
        let said = answer(&made(&[a, b, c]).unwrap());
        assert!(said.contains("-1.00") || said.contains("−1.00"), "{said}");
    }

    #[test]
    fn equal_means_share_the_first_place_and_without_a_fall_there_is_none() {
        let root = tempfile::tempdir().unwrap();
        let rows = demo::records(12, 1, 10);
        let one: Vec<Row> = rows.iter().filter(|r| r.method == "gradient").cloned().collect();
        let twin = one.iter().cloned().map(|row| Row { method: "sobel".to_owned(), ..row });
        let same: Vec<Row> = one.iter().cloned().chain(twin).collect();
        let flat = same
            .iter()
            .cloned()
            .map(|row| Row { scores: row.scores.map(|s| vec![s[0]; s.len()]), ..row });
        let a = folder(root.path(), "a", &same);
        let b = folder(root.path(), "b", &flat.collect::<Vec<Row>>());
        let page = made(&[a, b]).unwrap();
        let shared = "<code>sobel</code> share the first place in 1 of 2 rankings (a)";
        assert!(page.contains(shared));
        assert!(page.contains("No method is first in 1 of 2 rankings (b)"));
        assert!(!page.contains("tau of a and b"), "ties have no order to agree on");
    }

    #[test]
    fn runs_that_do_not_fit_together_are_refused_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let rows = demo::records(12, 1, 10);
        let a = folder(root.path(), "a", &rows);
        assert!(made(&[a.clone(), a.clone()]).unwrap_err().contains("name each run once"));
        let other = rows.iter().cloned().map(|row| match &row.method[..] {
            "random" => row,
            name => Row { method: format!("other-{name}"), ..row },
        });
        let other = folder(root.path(), "b", &other.collect::<Vec<Row>>());
        let said = made(&[a.clone(), other]).unwrap_err();
        assert!(said.contains("have only `random` in common"), "{said}");
        let lone: Vec<Row> = rows.iter().filter(|r| r.method == "random").cloned().collect();
        let lone = folder(root.path(), "c", &lone);
        assert!(made(&[a, lone]).unwrap_err().contains("no picture has curves of two methods"));
    }
}
