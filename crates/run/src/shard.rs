//! A share of a run's parts, for many machines.

use std::{fmt, str::FromStr};

/// Variables in which schedulers tell a process its number, counted from 0, and how far their
/// counting is ahead of that.
const NUMBERS: &[(&str, usize)] = &[
    ("SLURM_ARRAY_TASK_ID", 0),
    ("SLURM_PROCID", 0),
    ("OMPI_COMM_WORLD_RANK", 0),
    ("PMI_RANK", 0),
    ("JOB_COMPLETION_INDEX", 0),
    ("SGE_TASK_ID", 1),
];

/// Every `of`-th part, beginning with `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

/// A share as it is asked for: its number, and how many there are, if that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    index: usize,
    of: Option<usize>,
}

/// A text that is no shard.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not two numbers.
    #[error("a shard is written i/n, such as 0/8, or on a cluster auto/n or auto, found `{found}`")]
    Form {
        /// What was written.
        found: String,
    },
    /// A number beyond the last shard.
    #[error("shard {index} of {of} does not exist: they count from 0 to {}, or from 1 to {of}", .of - 1)]
    Index {
        /// The number.
        index: usize,
        /// How many there are.
        of: usize,
    },
    /// `auto` outside a cluster.
    #[error(
        "`{found}` needs the number of the process from a scheduler, such as SLURM_ARRAY_TASK_ID"
    )]
    NoNumber {
        /// What was written.
        found: String,
    },
    /// `auto` without a number of shards, and the folder does not say it either.
    #[error(
        "`auto` takes the number of shards from the folder, but it has not been cut into shards; \
         give the number the first time, as in `auto/8`"
    )]
    NotCut,
}

impl Asked {
    /// From `i/n` or, with the variables of a scheduler, `auto/n` or `auto`. Shards count from 0;
    /// `n/n` is the same as `0/n`, so that counting from 1 covers everything too.
    pub fn parse(
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Asked, ShardError> {
        let form = || ShardError::Form { found: text.to_owned() };
        let (index, of) = match text.split_once('/') {
            Some((index, of)) => {
                (index, Some(of.parse().ok().filter(|of| *of >= 1).ok_or_else(form)?))
            }
            None if text == "auto" => (text, None),
            None => return Err(form()),
        };
        let index = match index {
            "auto" => {
                number(variable).ok_or_else(|| ShardError::NoNumber { found: text.to_owned() })?
            }
            _ => index.parse().map_err(|_| form())?,
        };
        of.map_or(Ok(()), |of| check(index, of))?;
        Ok(Asked { index, of })
    }

    /// The share, in a folder that is cut into `there` shards already, if it is.
    pub fn shard(self, there: Option<usize>) -> Result<Shard, ShardError> {
        let (index, of) = (self.index, self.of.or(there).ok_or(ShardError::NotCut)?);
        check(index, of)?;
        Ok(Shard { index: index % of, of })
    }
}

fn check(index: usize, of: usize) -> Result<(), ShardError> {
    if index > of { Err(ShardError::Index { index, of }) } else { Ok(()) }
}

impl Shard {
    /// True for parts of this share: every n-th one, so that shards take about the same time.
    pub fn takes(self, part: usize) -> bool {
        part % self.of == self.index
    }

    /// Number of shards.
    pub fn total(self) -> usize {
        self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Asked {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Asked, ShardError> {
        Asked::parse(text, |name| std::env::var_os(name)?.into_string().ok())
    }
}

fn number(variable: impl Fn(&str) -> Option<String>) -> Option<usize> {
    NUMBERS
        .iter()
        .find_map(|(name, first)| variable(name)?.parse::<usize>().ok()?.checked_sub(*first))
}

/// Numbers as a scheduler's list: `2,5-7`.
pub fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &n in numbers {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == n => *end = n,
            _ => runs.push((n, n)),
        }
    }
    let shown = |(a, b): (usize, usize)| if a == b { a.to_string() } else { format!("{a}-{b}") };
    runs.into_iter().map(shown).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
        Asked::parse(text, variable)?.shard(None)
    }

    #[test]
    fn every_part_belongs_to_one_shard_however_they_are_counted() {
        for texts in [["0/3", "1/3", "2/3"], ["1/3", "2/3", "3/3"]] {
            let shards = texts.map(|text| parse(text, nothing).unwrap());
            for part in 0..20 {
                assert_eq!(shards.iter().filter(|s| s.takes(part)).count(), 1, "part {part}");
            }
        }
    }

    #[test]
    fn a_scheduler_gives_the_number() {
        let slurm = |name: &str| (name == "SLURM_ARRAY_TASK_ID").then(|| "5".to_owned());
        assert_eq!(parse("auto/8", slurm).unwrap().to_string(), "5/8");
        let grid_engine = |name: &str| (name == "SGE_TASK_ID").then(|| "1".to_owned());
        assert_eq!(parse("auto/8", grid_engine).unwrap().to_string(), "0/8");
        let undefined = |name: &str| (name == "SGE_TASK_ID").then(|| "undefined".to_owned());
        assert_eq!(
            parse("auto/8", undefined),
            Err(ShardError::NoNumber { found: "auto/8".to_owned() })
        );
    }

    #[test]
    fn the_folder_says_how_many_shards_there_are() {
        let slurm = |name: &str| (name == "SLURM_ARRAY_TASK_ID").then(|| "5".to_owned());
        let asked = Asked::parse("auto", slurm).unwrap();
        assert_eq!(asked.shard(Some(8)).unwrap().to_string(), "5/8");
        assert_eq!(asked.shard(Some(4)), Err(ShardError::Index { index: 5, of: 4 }));
        assert_eq!(asked.shard(None), Err(ShardError::NotCut));
        // what is said counts more
        assert_eq!(
            Asked::parse("1/3", nothing).unwrap().shard(Some(8)).unwrap().to_string(),
            "1/3"
        );
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "3", "1/0", "-1/2", "a/2", "1/b", "0/2/3", "1 /2"] {
            let error = parse(text, nothing).unwrap_err();
            assert!(matches!(error, ShardError::Form { .. }), "{text}");
        }
        let error = parse("4/3", nothing).unwrap_err().to_string();
        assert_eq!(error, "shard 4 of 3 does not exist: they count from 0 to 2, or from 1 to 3");
    }

    #[test]
    fn numbers_are_listed_as_schedulers_take_them() {
        assert_eq!(ranges(&[2, 5, 6, 7, 9]), "2,5-7,9");
        assert_eq!(ranges(&[]), "");
    }
}
