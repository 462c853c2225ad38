//! Rows that are written and read: a struct declares each of its columns once. The name of a field is that of the
//! column, its type says how it is written and read, its comment is the note in the file.

use super::{Cell, Column, Growing, Table, TableError};
use std::{collections::BTreeMap, fmt::Display, path::Path, str::FromStr};

/// A column, as its declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Name.
    pub name: &'static str,
    /// Type in words.
    pub kind: &'static str,
    /// What its values mean.
    pub note: &'static str,
    /// Whether it is left out of tables in which no row has a value.
    pub sparse: bool,
    /// What earlier versions called it.
    pub once: Option<&'static str>,
}

/// How values of type `T` stand in a column.
pub trait Codec<T> {
    /// What the column holds.
    type Cell: Cell;

    /// A value as a cell.
    fn cell(value: &T) -> Option<Self::Cell>;

    /// The cells of the column `name` as values; the error says in words what is wrong.
    fn values(name: &str, cells: Vec<Option<Self::Cell>>) -> Result<Vec<T>, String>;
}

/// Values as they are: a plain type has no nulls, an `Option` may have some.
pub struct Plain;

/// Values as words, by `Display` and `FromStr`; without nulls.
pub struct Word;

/// As [`Word`], with nulls.
pub struct MaybeWord;

/// Lists of whole numbers below 2^24, which single precision holds exactly; with nulls.
pub struct Counts;

fn no_nulls<C>(name: &str, cells: Vec<Option<C>>) -> Result<Vec<C>, String> {
    let missing = |row| format!("column `{name}` has no value in row {row}");
    let cells = cells.into_iter().enumerate();
    cells.map(|(row, cell)| cell.ok_or_else(|| missing(row))).collect()
}

impl<C: Cell + Clone> Codec<C> for Plain {
    type Cell = C;

    fn cell(value: &C) -> Option<C> {
        Some(value.clone())
    }

    fn values(name: &str, cells: Vec<Option<C>>) -> Result<Vec<C>, String> {
        no_nulls(name, cells)
    }
}

impl<C: Cell + Clone> Codec<Option<C>> for Plain {
    type Cell = C;

    fn cell(value: &Option<C>) -> Option<C> {
        value.clone()
    }

    fn values(_: &str, cells: Vec<Option<C>>) -> Result<Vec<Option<C>>, String> {
        Ok(cells)
    }
}

/// 1 for true, 0 for false.
impl Codec<bool> for Plain {
    type Cell = u64;

    fn cell(value: &bool) -> Option<u64> {
        Some(u64::from(*value))
    }

    fn values(name: &str, cells: Vec<Option<u64>>) -> Result<Vec<bool>, String> {
        Ok(no_nulls(name, cells)?.into_iter().map(|cell| cell == 1).collect())
    }
}

/// 1 for true, 0 for false.
impl Codec<Option<bool>> for Plain {
    type Cell = u64;

    fn cell(value: &Option<bool>) -> Option<u64> {
        value.map(u64::from)
    }

    fn values(_: &str, cells: Vec<Option<u64>>) -> Result<Vec<Option<bool>>, String> {
        Ok(cells.into_iter().map(|cell| cell.map(|cell| cell == 1)).collect())
    }
}

macro_rules! counts {
    ($type:ty) => {
        impl Codec<Option<Vec<$type>>> for Counts {
            type Cell = Vec<f32>;

            fn cell(value: &Option<Vec<$type>>) -> Option<Vec<f32>> {
                value.as_ref().map(|counts| counts.iter().map(|n| *n as f32).collect())
            }

            fn values(
                _: &str,
                cells: Vec<Option<Vec<f32>>>,
            ) -> Result<Vec<Option<Vec<$type>>>, String> {
                let counts = |list: Vec<f32>| list.iter().map(|n| *n as $type).collect();
                Ok(cells.into_iter().map(|cell| cell.map(counts)).collect())
            }
        }
    };
}
counts!(u32);
counts!(u64);

fn parse<T: FromStr<Err: Display>>(name: &str, word: &str) -> Result<T, String> {
    word.parse().map_err(|e: T::Err| format!("column `{name}`: {e}"))
}

impl<T: Display + FromStr<Err: Display>> Codec<T> for Word {
    type Cell = String;

    fn cell(value: &T) -> Option<String> {
        Some(value.to_string())
    }

    fn values(name: &str, cells: Vec<Option<String>>) -> Result<Vec<T>, String> {
        no_nulls(name, cells)?.iter().map(|word| parse(name, word)).collect()
    }
}

impl<T: Display + FromStr<Err: Display>> Codec<Option<T>> for MaybeWord {
    type Cell = String;

    fn cell(value: &Option<T>) -> Option<String> {
        value.as_ref().map(ToString::to_string)
    }

    fn values(name: &str, cells: Vec<Option<String>>) -> Result<Vec<Option<T>>, String> {
        let one = |word: &Option<String>| word.as_deref().map(|word| parse(name, word)).transpose();
        cells.iter().map(one).collect()
    }
}

/// Rows whose columns are declared by [`record!`](crate::record).
pub trait Record: Sized {
    /// The columns, in their order.
    const COLUMNS: &'static [Declared];

    /// One column per field, in the order of [`Self::COLUMNS`].
    fn columns(rows: &[Self]) -> Vec<Column>;

    /// Moves the columns of these rows out of a table that may have others, too; the error says in words what is
    /// missing or wrong.
    fn take(table: &mut Table) -> Result<Vec<Self>, String>;

    /// The rows as a table, without sparse columns of nulls.
    fn table(rows: &[Self]) -> Table {
        let mut table = Table::default();
        for (declared, column) in Self::COLUMNS.iter().zip(Self::columns(rows)) {
            if !declared.sparse || !column.is_null() {
                table.push(declared.name, column);
            }
        }
        table
    }

    /// The rows as a table with all columns.
    fn dense(rows: &[Self]) -> Table {
        let mut table = Table::default();
        for (declared, column) in Self::COLUMNS.iter().zip(Self::columns(rows)) {
            table.push(declared.name, column);
        }
        table
    }

    /// The notes that a file has on its columns, those of a table.
    fn notes_of(table: &Table) -> BTreeMap<String, String> {
        let note = |c: &Declared| (format!("column {}", c.name), c.note.to_owned());
        Self::COLUMNS.iter().filter(|c| table.has(c.name)).map(note).collect()
    }

    /// The notes on all columns that are not sparse.
    fn notes() -> BTreeMap<String, String> {
        Self::notes_of(&Self::table(&[]))
    }

    /// Writes rows as one Parquet file, whole or not at all.
    fn write(path: &Path, rows: &[Self]) -> Result<(), TableError> {
        let table = Self::table(rows);
        table.write_parquet(path, &Self::notes_of(&table))
    }

    /// A file of rows that grows part by part.
    fn growing(path: &Path) -> Growing {
        Growing::new(path, Self::notes())
    }

    /// Reads the rows of one file.
    fn read(path: &Path) -> Result<Vec<Self>, TableError> {
        Self::read_without(path, &[])
    }

    /// Reads the rows of one file, but for columns that have a default and are left at it.
    fn read_without(path: &Path, left: &[&str]) -> Result<Vec<Self>, TableError> {
        let mut table = Self::read_table(path, left)?;
        Self::take(&mut table)
            .map_err(|problem| TableError::Content { path: path.to_owned(), problem })
    }

    /// Those of the columns that a file has, but for some.
    fn read_table(path: &Path, left: &[&str]) -> Result<Table, TableError> {
        let wanted = Self::COLUMNS.iter().filter(|c| !left.contains(&c.name));
        let names = wanted.flat_map(|c| [Some(c.name), c.once]).flatten();
        Table::read_parquet(path, Some(&names.collect::<Vec<&str>>()))
    }
}

/// The values of the column `name`, or of the one that was `once` called otherwise; one that is not there has `default`
/// in every row, if there is one.
#[doc(hidden)]
pub fn take_column<T: Clone, C: Codec<T>>(
    table: &mut Table,
    rows: usize,
    name: &str,
    once: Option<&str>,
    default: Option<T>,
) -> Result<std::vec::IntoIter<T>, String> {
    let name = once.filter(|once| !table.has(name) && table.has(once)).unwrap_or(name);
    let values = match default {
        Some(value) if !table.has(name) => vec![value; rows],
        _ => C::values(name, table.take::<C::Cell>(name)?)?,
    };
    Ok(values.into_iter())
}

/// One column of rows.
#[doc(hidden)]
pub fn column<'r, T: 'r, C: Codec<T>>(values: impl Iterator<Item = &'r T>) -> Column {
    C::Cell::into_column(values.map(C::cell).collect())
}

/// Type of a column in words.
#[doc(hidden)]
pub const fn kind<T, C: Codec<T>>() -> &'static str {
    <C::Cell as Cell>::KIND
}

/// A text without the space that a comment begins with.
#[doc(hidden)]
pub const fn note(text: &'static str) -> &'static str {
    text.trim_ascii()
}

/// How a field is written when nothing is said: [`Plain`].
#[doc(hidden)]
#[macro_export]
macro_rules! codec {
    () => {
        $crate::record::Plain
    };
    ($codec:ty) => {
        $codec
    };
}

/// The default of a column, for files without it.
#[doc(hidden)]
#[macro_export]
macro_rules! default {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

/// Whether a column is left out where no row has a value.
#[doc(hidden)]
#[macro_export]
macro_rules! sparse {
    (sparse) => {
        true
    };
    ($($other:tt)*) => {
        false
    };
}

/// The name of a column: that of the field, unless it is said.
#[doc(hidden)]
#[macro_export]
macro_rules! column_name {
    ($field:ident, column($name:literal, once $once:literal)) => {
        $name
    };
    ($field:ident, $($other:tt)*) => {
        stringify!($field)
    };
}

/// What earlier versions called a column.
#[doc(hidden)]
#[macro_export]
macro_rules! once {
    (column($name:literal, once $once:literal)) => {
        Some($once)
    };
    ($($other:tt)*) => {
        None
    };
}

/// Declares a struct whose fields are the columns of a table: name, type and, as its comment, the note. `as Word`
/// writes a value by its name; `= VALUE` is what the column holds in files that lack it; `= VALUE => sparse` leaves it
/// out where all are null; `=> column("NAME", once "NAME")` calls the column otherwise than the field, and reads the one
/// that earlier versions called by the second name.
///
/// ```
/// use pixelflip_table::{record, record::Record};
///
/// record! {
///     /// One measured time.
///     #[derive(Clone, Debug, PartialEq)]
///     pub struct Time {
///         /// path of the picture
///         pub image: String,
///         /// elapsed time
///         pub seconds: f64,
///         /// number of the try; earlier versions did not write it
///         pub attempt: Option<u64> = None,
///     }
/// }
///
/// let rows = [Time { image: "a".to_owned(), seconds: 0.5, attempt: Some(1) }];
/// let mut table = Time::table(&rows);
/// assert_eq!(table.schema()[1], ("seconds", "numbers"));
/// assert_eq!(Time::take(&mut table).unwrap(), rows);
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$about:meta])*
        $seen:vis struct $name:ident {
            $(
                $(#[doc = $note:literal])+
                $shown:vis $field:ident: $type:ty $(as $codec:ty)? $(= $default:expr)? $(=> $how:ident $(($($names:tt)*))?)?
            ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[allow(clippy::doc_markdown, reason = "comments of fields are notes in files")]
        $seen struct $name {
            $($(#[doc = $note])+ $shown $field: $type,)*
        }

        impl $crate::record::Record for $name {
            const COLUMNS: &'static [$crate::record::Declared] = &[$(
                $crate::record::Declared {
                    name: $crate::column_name!($field, $($how $(($($names)*))?)?),
                    kind: $crate::record::kind::<$type, $crate::codec!($($codec)?)>(),
                    note: $crate::record::note(concat!($($note),+)),
                    sparse: $crate::sparse!($($how)?),
                    once: $crate::once!($($how $(($($names)*))?)?),
                },
            )*];

            fn columns(rows: &[Self]) -> Vec<$crate::Column> {
                vec![$(
                    $crate::record::column::<$type, $crate::codec!($($codec)?)>(
                        rows.iter().map(|row| &row.$field),
                    ),
                )*]
            }

            fn take(table: &mut $crate::Table) -> Result<Vec<Self>, String> {
                let rows = table.rows();
                $(
                    let mut $field = $crate::record::take_column::<$type, $crate::codec!($($codec)?)>(
                        table,
                        rows,
                        $crate::column_name!($field, $($how $(($($names)*))?)?),
                        $crate::once!($($how $(($($names)*))?)?),
                        $crate::default!($($default)?),
                    )?;
                )*
                let row = |_| Some($name { $($field: $field.next()?,)* });
                // all columns have as many values, so no row is cut off
                Ok((0..rows).map_while(row).collect())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        /// Something of every type.
        #[derive(Clone, Debug, PartialEq)]
        struct Row {
            /// its
            /// name
            name: String,
            /// how many
            count: Option<u64>,
            /// whether it is so
            so: Option<bool> = None,
            /// a letter
            letter: char as Word = 'z',
            /// another
            other: Option<char> as MaybeWord,
            /// numbers
            list: Option<Vec<f32>> = None,
            /// where there are some
            steps: Option<Vec<u32>> as Counts = None => sparse,
            /// as in a sentence
            order: u64 => column("place", once "order"),
        }
    }

    fn rows() -> [Row; 2] {
        let first = Row {
            name: "a".to_owned(),
            count: Some(3),
            so: Some(true),
            letter: 'x',
            other: None,
            list: Some(vec![0.5, -1.0]),
            steps: None,
            order: 1,
        };
        let second = Row {
            name: "b".to_owned(),
            count: None,
            so: Some(false),
            letter: 'y',
            other: Some('q'),
            list: None,
            steps: None,
            order: 2,
        };
        [first, second]
    }

    #[test]
    fn rows_are_read_as_they_were_written_and_notes_are_the_comments() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.parquet");
        Row::write(&path, &rows()).unwrap();
        assert_eq!(Row::read(&path).unwrap(), rows());
        let slim = Row::read_without(&path, &["list"]).unwrap();
        assert!(slim[0].list.is_none() && slim[1] == rows()[1]);
        assert_eq!(Row::notes()["column name"], "its name");
        assert_eq!(
            Row::COLUMNS[2],
            Declared {
                name: "so",
                kind: "whole numbers",
                note: "whether it is so",
                sparse: false,
                once: None
            }
        );
        let mut grows = Row::growing(&path);
        rows().iter().for_each(|row| grows.append(&Row::table(std::slice::from_ref(row))).unwrap());
        grows.finish().unwrap();
        assert_eq!(Row::read(&path).unwrap(), rows());
    }

    #[test]
    fn a_sparse_column_is_there_where_a_row_has_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.parquet");
        assert!(!Row::table(&rows()).has("steps") && Row::dense(&rows()).has("steps"));
        assert!(!Row::notes().contains_key("column steps"));
        let mut some = rows();
        some[1].steps = Some(vec![0, 7, 1 << 23]);
        Row::write(&path, &some).unwrap();
        assert_eq!(Row::read(&path).unwrap(), some);
        assert_eq!(Row::notes_of(&Row::table(&some))["column steps"], "where there are some");
    }

    #[test]
    fn a_column_is_read_by_its_new_name_and_by_the_one_that_it_had_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.parquet");
        let mut table = Row::table(&rows());
        assert!(table.has("place") && !table.has("order"));
        let places = table.take::<u64>("place").unwrap();
        table.push("order", Column::Integer(places));
        table.write_parquet(&path, &BTreeMap::new()).unwrap();
        assert_eq!(Row::read(&path).unwrap(), rows());
        let mut neither = Row::table(&rows());
        neither.take::<u64>("place").unwrap();
        assert_eq!(Row::take(&mut neither).unwrap_err(), "it has no column `place`");
    }

    #[test]
    fn columns_that_older_files_lack_have_their_default_and_others_are_missed() {
        let mut table = Row::table(&rows());
        table.take::<u64>("so").unwrap();
        table.take::<String>("letter").unwrap();
        table.push("extra", Column::Integer(vec![None, None]));
        let old = Row::take(&mut table).unwrap();
        assert_eq!((old[0].so, old[0].letter), (None, 'z'));
        assert_eq!(table.schema(), [("extra", "whole numbers")], "what is not theirs stays");
        let mut table = Row::table(&rows());
        table.take::<String>("name").unwrap();
        assert_eq!(Row::take(&mut table).unwrap_err(), "it has no column `name`");
        let mut table = Row::table(&rows());
        table.take::<String>("letter").unwrap();
        table.push("letter", Column::Text(vec![Some("x".to_owned()), Some("xy".to_owned())]));
        assert_eq!(
            Row::take(&mut table).unwrap_err(),
            "column `letter`: too many characters in string"
        );
    }
}
