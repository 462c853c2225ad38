//! The page of a probe.

use super::{
    About, Summary,
    relevance::{RelevanceRow, named},
    sheet::{by_image, map, tensor, words as words_of},
    words,
};
use crate::{
    colours::Look,
    explain::labels::labels,
    page::study::{DataTable, Gallery, Item, Section, StudyPage, Tile, heat, picture},
    plot::FigureError,
    run::probe::{Frame, Probed, Together},
};

pub(super) fn page(
    probed: &Probed,
    summary: &Summary,
    relevance: &[RelevanceRow],
    about: &About,
    svg: String,
    look: &Look,
) -> Result<StudyPage, FigureError> {
    let pictures: usize = summary.pictures.values().sum();
    let mut sections = vec![counts(summary, about, svg), relevances(relevance, about)];
    sections.extend(together(&probed.together, about));
    Ok(StudyPage {
        kicker: "probe".to_owned(),
        question: "Does the network look at the object?".to_owned(),
        title: format!("{} on {}", about.model, about.data),
        subtitle: format!(
            "{pictures} pictures: as they are, with the object removed, and with the object alone"
        ),
        answer: summary.sentences(about),
        caveats: summary.caveats(about).into_iter().map(|text| text + ".").collect(),
        sections,
        gallery: gallery(&probed.frames, about, look)?,
        facts: vec![
            ("pictures".to_owned(), format!("{pictures}, chosen by {}", about.selection)),
            ("fillings".to_owned(), about.fillings.join(", ")),
        ],
        ..StudyPage::default()
    })
}

fn counts(summary: &Summary, about: &About, svg: String) -> Section {
    let head = ["class", "question", "filling", "yes", "control", "p", "said of others"];
    let row = |rate: &super::Rate| {
        vec![
            rate.class.map_or_else(|| "all classes".to_owned(), |class| about.class(class)),
            rate.question.name().replace('-', " "),
            rate.filling.clone(),
            words(rate.found),
            words(rate.control),
            rate.p.map_or("–".to_owned(), |p| format!("{p:.1e}")),
            if rate.base.of > 0 { words(rate.base) } else { "–".to_owned() },
        ]
    };
    Section {
        id: "counts".to_owned(),
        heading: "Counts".to_owned(),
        hint: "Of pictures that the network says to be of their class: with 95 % Wilson intervals, beside the control \
               (the same area elsewhere), and the exact p-value of McNemar's test of the two. Said of others: how often the \
               class is said of pictures of other classes without their object, so what the network says of nothing."
            .to_owned(),
        figures_html: vec![svg],
        tables: vec![DataTable {
            caption: "By class and filling".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: summary.rates.iter().map(row).collect(),
        }],
        ..Section::default()
    }
}

fn relevances(rows: &[RelevanceRow], about: &About) -> Section {
    let names: Vec<&str> = rows.iter().map(|row| &row.method[..]).collect();
    let names = labels(&names);
    let percent = |value: f64| format!("{:.1} %", 100.0 * value);
    let cells = |(row, name): (&RelevanceRow, String)| {
        let (row, target, class) = named(row, about);
        let interval = row.share.and_then(|s| Some((s.lo()?, s.hi()?)));
        vec![
            name,
            target,
            class,
            row.share.map_or("–".to_owned(), |s| percent(s.mean)),
            interval
                .map_or("–".to_owned(), |(lo, hi)| format!("{} to {}", percent(lo), percent(hi))),
            row.area.map_or("–".to_owned(), percent),
            row.share.map_or(0, |s| s.n).to_string(),
        ]
    };
    let head =
        ["method", "explained class", "on", "relevance", "95 % interval", "area", "pictures"];
    Section {
        id: "relevance".to_owned(),
        heading: "Relevance".to_owned(),
        hint: "Share of the positive relevance that is on the object (or on objects of another annotated class), beside \
               the share of the picture's pixels that it has."
            .to_owned(),
        figures_html: vec![],
        tables: vec![DataTable {
            caption: "Mean shares by class".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: rows.iter().zip(names).map(cells).collect(),
        }],
        ..Section::default()
    }
}

/// How often classes occur in one picture, where they do.
fn together(rows: &[Together], about: &About) -> Option<Section> {
    let row = |r: &Together| {
        vec![
            about.class(r.class),
            about.class(r.other),
            format!("{:.1} %", 100.0 * r.share),
            r.both.to_string(),
            r.pictures.to_string(),
        ]
    };
    let head = ["class", "together with", "share", "pictures with both", "pictures with the class"];
    (!rows.is_empty()).then(|| Section {
        id: "together".to_owned(),
        heading: "Classes together".to_owned(),
        hint: "How often objects of two classes are annotated in one picture of the data set."
            .to_owned(),
        figures_html: vec![],
        tables: vec![DataTable {
            caption: "All pairs that occur".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: rows.iter().map(row).collect(),
        }],
        ..Section::default()
    })
}

fn gallery(frames: &[Frame], about: &About, look: &Look) -> Result<Option<Gallery>, FigureError> {
    let mut items = Vec::new();
    for (image, frames) in by_image(frames) {
        let original = frames.iter().find(|f| f.kind == "original").and_then(|f| tensor(f));
        let below = original.as_ref().map(picture).transpose()?.unwrap_or_default();
        let mut tiles = Vec::new();
        // maps beside the picture
        let (maps, pictures): (Vec<&Frame>, Vec<&Frame>) =
            frames.iter().partition(|frame| frame.kind == "map");
        for frame in pictures.iter().take(1).chain(&maps).chain(pictures.iter().skip(1)) {
            tiles.extend(tile(frame, about, &below, look)?);
        }
        let note = frames.iter().find(|f| f.kind == "original").map(|f| f.caption.clone());
        items.push(Item { title: image.to_owned(), note: note.unwrap_or_default(), tiles });
    }
    Ok((!items.is_empty()).then(|| Gallery {
        hint: "The picture, its heat maps, and what takes the place of the object, of everything else, and of the same \
               area elsewhere; below each what the network says of it."
            .to_owned(),
        kinds: about.fillings.clone(),
        items,
    }))
}

fn tile(
    frame: &Frame,
    about: &About,
    below: &str,
    look: &Look,
) -> Result<Option<Tile>, FigureError> {
    let is_map = frame.kind == "map";
    let source = if is_map {
        map(frame).map(|map| heat(&map, look))
    } else {
        tensor(frame).map(|tensor| picture(&tensor)).transpose()?
    };
    let filling = frame.name.as_ref().filter(|_| !is_map);
    let kind = filling.and_then(|name| about.fillings.iter().position(|filling| filling == name));
    Ok(source.map(|source| Tile {
        kind,
        source,
        below: if is_map { below.to_owned() } else { String::new() },
        caption: words_of(frame),
        detail: frame.caption.clone(),
    }))
}
