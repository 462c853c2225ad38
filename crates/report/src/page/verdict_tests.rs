//! What is said of constructed records, on the page and on the terminal.

use super::tests::{answer, made, manifest};
use crate::{
    base::words::count, demo::falls, eval::stats::Resampling, rank::rank, ranking::ranking,
    run::record::Row, subsets::Sets, summary::summarise,
};

/// A sawtooth around 0 that is different on every picture.
fn noise(image: usize) -> f32 {
    (image as f32 + 1.0) * if image.is_multiple_of(2) { 0.125 } else { -0.125 }
}

/// The sentences of the page without markup, then those of the terminal after `run` and after `rank`.
fn said(title: &str, rows: &[Row]) -> String {
    let page = made(rows, &[], &manifest());
    let mut text = vec![format!("== {title}")];
    for paragraph in answer(&page).split("<p").skip(1) {
        let tags = paragraph.split_once('>').map_or("", |(_, text)| text).split('<');
        let plain: Vec<&str> =
            tags.map(|t| t.split_once('>').map_or(t, |(_, text)| text)).collect();
        text.push(plain.concat().trim().to_owned());
    }
    let below = |table: &str, from: usize| -> String {
        table.split("\n\n").skip(from).collect::<Vec<_>>().join("\n")
    };
    text.push(format!("-- run\n{}", below(&ranking(&summarise(rows).unwrap()), 2)));
    let found = rank(rows, &Sets::new(), &[], &[], None, Resampling::default()).unwrap();
    text.join("\n") + &format!("-- rank\n{}", below(&found.text(), 3))
}

#[test]
fn what_is_said_of_few_and_of_enough_pictures() {
    let methods: &[(&str, &dyn Fn(usize) -> f32)] = &[
        ("random", &|_| 1.0),
        ("gradient", &|i| 2.0 + noise(i) / 16.0),
        ("sobel", &|i| 1.5 + noise(i) / 16.0),
    ];
    let of = |images: usize| said(&count(images, "picture"), &falls(images, methods));
    insta::assert_snapshot!([1, 5, 7, 12].map(of).join("\n"));
}

#[test]
fn what_is_said_where_no_method_makes_the_score_fall() {
    let below = falls(
        12,
        &[
            ("random", &|i| -0.75 + noise(i) / 16.0),
            ("gradient", &|i| -0.5 + noise(i) / 16.0),
            ("sobel", &|i| -1.5 + noise(i) / 16.0),
        ],
    );
    let constant = falls(12, &[("random", &|_| 0.0), ("gradient", &|_| 0.0)]);
    let alone = falls(12, &[("gradient", &|i| -0.5 + noise(i) / 16.0)]);
    let chance = falls(12, &[("random", &|_| -0.25), ("gradient", &|i| -0.5 + noise(i) / 16.0)]);
    insta::assert_snapshot!(
        [
            said("a first below 0", &below),
            said("chance is first, below 0", &chance),
            said("a network that never changes its mind", &constant),
            said("one method, below 0", &alone),
        ]
        .join("\n")
    );
}

#[test]
fn what_is_said_of_methods_beside_chance() {
    let mixed = falls(
        12,
        &[
            ("random", &|_| 1.0),
            ("gradient", &|i| 2.0 + noise(i) / 16.0),
            ("sobel", &|i| 0.25 + noise(i) / 16.0),
            ("center-bias", &|i| 0.5 + noise(i) / 16.0),
            ("lime", &|i| 1.0 + noise(i)),
            ("constant", &|_| 1.0),
            ("occlusion", &|i| if i < 3 { 1.25 } else { 1.0 }),
        ],
    );
    let losers = falls(12, &[("random", &|_| 1.0), ("gradient", &|i| 0.5 + noise(i) / 16.0)]);
    let open = falls(12, &[("random", &|_| 1.0), ("gradient", &|i| 1.0 + noise(i))]);
    let without = falls(12, &[("gradient", &|_| 2.0), ("sobel", &|i| 1.0 + noise(i) / 16.0)]);
    let alone = falls(12, &[("gradient", &|i| 2.0 + noise(i) / 16.0)]);
    insta::assert_snapshot!(
        [
            said("better, worse, not told apart, equal", &mixed),
            said("worse only", &losers),
            said("not told apart", &open),
            said("no random order", &without),
            said("one method", &alone),
        ]
        .join("\n")
    );
}

#[test]
fn what_is_said_of_constant_maps() {
    let mut rows = falls(12, &[("random", &|_| 1.0), ("gradient", &|i| 1.0 + noise(i))]);
    for row in rows.iter_mut().filter(|r| r.method == "gradient" && r.image.as_str() > "val/0003") {
        row.tied_fraction = Some(1.0);
    }
    insta::assert_snapshot!(said("maps whose regions all tie", &rows));
}

#[test]
fn what_is_said_of_several_settings() {
    let first: Vec<Row> = falls(
        12,
        &[("gradient", &|i| 2.0 + noise(i) / 16.0), ("sobel", &|i| 1.0 + noise(i) / 16.0)],
    );
    let under = |perturbation: &str, rows: &[Row]| -> Vec<Row> {
        let other = rows.iter().cloned();
        other.map(|row| Row { perturbation: perturbation.to_owned(), ..row }).collect()
    };
    let turned = falls(12, &[("gradient", &|_| 1.0), ("sobel", &|i| 2.0 + noise(i) / 16.0)]);
    let below = falls(12, &[("gradient", &|_| -1.0), ("sobel", &|i| -2.0 + noise(i) / 16.0)]);
    let (same, turned) = (under("blur:sigma=3", &first), under("flip", &turned));
    let below = under("constant:value=0.5", &below);
    let with = |others: &[&[Row]]| [&[&first[..]], others].concat().concat();
    insta::assert_snapshot!(
        [
            said("settings that agree", &with(&[&same])),
            said("settings that disagree", &with(&[&same, &turned])),
            said("a setting without a first", &with(&[&same, &below])),
            said("the first setting has none", &[below.clone(), first.clone()].concat()),
        ]
        .join("\n")
    );
}
