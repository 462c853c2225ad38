//! The gallery: per picture the original, all heat maps, the curves, and what the slider needs to
//! take regions away one by one. Everything here is of the first noise image, so that what is shown
//! is what the network saw when it gave the score.

use super::{
    Source,
    contenders::Contenders,
    pairs::plain,
    passage, picture,
    svg::{self, Chart, Trace},
};
use crate::run::gallery::{Exhibit, Map};
use crate::{
    colours::{Look, Side, short, words},
    data_url::base64,
    eval::{
        curve::ScoreKind,
        metric::{Aopc, CurveMetric as _, Curves, Stops, Trial},
        order::Order,
    },
    explain::HeatMap,
    figure::Point,
    plot::FigureError,
    run::record::Row,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes that all pictures of a page may take, with their curves and what the slider needs.
const BYTES: usize = 14 << 20;

/// What is shown.
#[derive(Serialize)]
pub(super) struct Gallery {
    items: Vec<Item>,
    /// Pictures that there was no room for.
    left_out: usize,
    /// How heat maps are scaled.
    caption: String,
    /// The colours of a heat map from left to right.
    colours: Vec<String>,
    /// What the ends of the scale mean.
    ends: [&'static str; 2],
    /// True when zero is white, so that maps can be laid over the picture like ink.
    diverging: bool,
}

/// One picture.
#[derive(Serialize)]
struct Item {
    index: usize,
    image: String,
    note: String,
    width: usize,
    height: usize,
    picture: String,
    fill: Option<String>,
    /// A text, of which the regions are words; then there is no picture.
    text_html: Option<String>,
    /// The curves of each order that was run, the first one first.
    charts: Vec<OrderChart>,
    maps: Vec<Tile>,
}

/// The curves of one picture in one order.
#[derive(Serialize)]
struct OrderChart {
    order: &'static str,
    chart_html: String,
}

/// One heat map.
#[derive(Serialize)]
struct Tile {
    index: usize,
    label: String,
    method: String,
    mark: String,
    sample_html: String,
    /// The picture, or nothing where the method gives nothing, and for a text.
    picture: Option<String>,
    /// A text in the colours of the map.
    text_html: Option<String>,
    /// Its scale, or why there is none.
    words: String,
    /// AOPC on this picture, and of which order where that is not the usual one.
    aopc: String,
}

/// What the slider needs of one picture.
#[derive(Serialize)]
pub(super) struct Chain {
    width: usize,
    height: usize,
    side: u64,
    columns: usize,
    steps: usize,
    /// Regions that are gone at each score, where these are not 0, 1, 2, ...
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<u32>,
    /// Whether the score is a probability, of which changes are said in percent; a logit has no zero
    /// that they could refer to.
    probability: bool,
    lines: Vec<Link>,
}

/// One method on one picture.
#[derive(Serialize)]
struct Link {
    m: usize,
    orders: Vec<Removal>,
}

/// One order of removal.
#[derive(Serialize)]
struct Removal {
    order: &'static str,
    /// Ids of the removed regions, first removed first: 32-bit numbers, little endian, base64.
    regions: String,
    /// The score after 0, 1, 2, ... removed regions: 32-bit floats, little endian, base64.
    scores: String,
}

/// Scores of the first noise image by picture, method and order.
type Scores<'a> = BTreeMap<(&'a str, &'a str, Order), &'a [f32]>;

pub(super) fn gallery(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
) -> Result<(Gallery, Vec<Chain>), FigureError> {
    let scores = scores(source);
    let (mut items, mut chains, mut bytes) = (Vec::new(), Vec::new(), 0);
    for exhibit in source.exhibits {
        let item = item(source, contenders, &scores, exhibit, items.len())?;
        let chain = chain(source, contenders, &scores, exhibit);
        bytes += size(&item) + length(&chain);
        if bytes > BYTES {
            break;
        }
        chains.push(chain);
        items.push(item);
    }
    let colours = source.look.colours;
    let diverging = colours.side == Side::Diverging;
    let shade = |i: u32| {
        let [r, g, b] = colours.colour(f64::from(i) / 16.0).0;
        format!("rgb({r} {g} {b})")
    };
    let gallery = Gallery {
        left_out: source.exhibits.len() - items.len(),
        items,
        caption: caption(source),
        colours: (0..=16).map(shade).collect(),
        ends: if diverging {
            ["against the class", "for the class"]
        } else {
            ["least relevant", "most relevant"]
        },
        diverging,
    };
    Ok((gallery, chains))
}

/// How heat maps are scaled, and what the colours mean where a map has one sign only.
fn caption(source: &Source<'_>) -> String {
    let scaled = source.look.caption();
    let maps = source.exhibits.iter().flat_map(|e| &e.maps);
    let mut heats = maps.filter_map(|m| m.heat.as_ref());
    if heats.any(|heat| is_one_sided(&source.look, heat)) {
        format!(
            "{scaled} A map without values below 0 has a scale from 0 on. Where a method never gives \
             values below 0, as a norm of the gradient, red means relevant, not for the class."
        )
    } else {
        scaled
    }
}

fn size(item: &Item) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let maps = item.maps.iter().map(|m| length(&m.picture) + length(&m.text_html));
    let fill = item.fill.as_ref().map_or(0, String::len);
    let charts = item.charts.iter().map(|c| c.chart_html.len());
    item.picture.len()
        + length(&item.text_html)
        + fill
        + charts.sum::<usize>()
        + maps.sum::<usize>()
}

fn length(chain: &Chain) -> usize {
    let removals = chain.lines.iter().flat_map(|line| &line.orders);
    removals.map(|r| r.regions.len() + r.scores.len()).sum()
}

fn scores<'a>(source: &Source<'a>) -> Scores<'a> {
    let Some(first) = source.groups.first().map(|g| &g.setting) else { return Scores::new() };
    let of_first = |r: &&Row| {
        r.repeat == 0
            && r.perturbation == first.perturbation
            && r.region == first.region
            && r.score_kind == first.score_kind
            && source.exhibits.iter().any(|e| e.image == r.image)
    };
    let rows = source.rows.iter().filter(of_first);
    let scores = |r: &'a Row| {
        let scores = r.scores.as_deref().filter(|s| s.iter().all(|v| v.is_finite()))?;
        Some(((r.image.as_str(), r.method.as_str(), r.order), scores))
    };
    rows.filter_map(scores).collect()
}

fn item(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
    scores: &Scores<'_>,
    exhibit: &Exhibit,
    index: usize,
) -> Result<Item, FigureError> {
    let tile = |(m, method): (usize, &str)| tile(source, contenders, scores, exhibit, m, method);
    let methods = contenders.0.iter().map(|c| c.method).enumerate();
    let fill = exhibit.fill.as_ref().map(|(_, fill)| picture::of_picture(fill)).transpose()?;
    let removed = source.groups.first().and_then(|g| g.setting.removed.as_ref());
    let ticks: Vec<String> = removed.into_iter().flatten().map(u32::to_string).collect();
    Ok(Item {
        index,
        image: exhibit.image.clone(),
        note: exhibit.note.clone(),
        width: exhibit.picture.shape.w,
        height: exhibit.picture.shape.h,
        picture: match &exhibit.text {
            Some(_) => String::new(),
            None => picture::of_picture(&exhibit.picture)?,
        },
        fill,
        text_html: exhibit.text.as_ref().map(|text| passage::html(text, None)),
        charts: charts(contenders, scores, exhibit, index, &ticks),
        maps: methods.filter_map(tile).collect(),
    })
}

fn tile(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
    scores: &Scores<'_>,
    exhibit: &Exhibit,
    index: usize,
    method: &str,
) -> Option<Tile> {
    let map = exhibit.maps.iter().find(|m| m.method == method)?;
    let contender = &contenders.0[index];
    let look = &source.look;
    let words = match (&map.heat, &map.reason) {
        (Some(heat), _) => scale(look, heat),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "no heat map".to_owned(),
    };
    let curve = |order| scores.get(&(exhibit.image.as_str(), method, order)).copied();
    let setting = source.groups.first().map(|g| &g.setting);
    let trial = Trial {
        own: Curves { morf: curve(Order::Morf), lerf: curve(Order::Lerf), flip: None },
        random: Curves::default(),
        stops: setting.map_or(Stops::Each, |s| s.stops()),
    };
    let order = source.groups.first().and_then(|g| g.orders().next()).unwrap_or(Order::Morf);
    let aopc = Aopc(order).value(&trial).map_or("–".to_owned(), plain);
    Some(Tile {
        index,
        label: contender.label.clone(),
        method: method.to_owned(),
        mark: contender.mark.clone(),
        sample_html: svg::sample(&contender.style),
        picture: map
            .heat
            .as_ref()
            .filter(|_| exhibit.text.is_none())
            .map(|heat| picture::of_heat(heat, look)),
        text_html: exhibit
            .text
            .as_ref()
            .zip(map.heat.as_ref())
            .map(|(text, heat)| passage::html(text, Some((heat, look)))),
        words,
        aopc: match order {
            Order::Morf => format!("AOPC {aopc}"),
            Order::Lerf => format!("AOPC {order} {aopc}"),
        },
    })
}

/// True for a map on a scale with two sides that has nothing on the side below 0.
fn is_one_sided(look: &Look, heat: &HeatMap) -> bool {
    look.colours.side == Side::Diverging && heat.iter().all(|v| *v >= 0.0)
}

/// The scale of a heat map, in a few words.
fn scale(look: &Look, heat: &HeatMap) -> String {
    match look.range(heat) {
        Some(range) if is_one_sided(look, heat) => format!("norm, 0 to {}", short(range.high)),
        range => words(range, look.colours.side),
    }
}

/// The score of one picture against removed regions, in each order that was run.
fn charts(
    contenders: &Contenders<'_>,
    scores: &Scores<'_>,
    exhibit: &Exhibit,
    index: usize,
    ticks: &[String],
) -> Vec<OrderChart> {
    let was_run = |order: &Order| scores.keys().any(|(_, _, o)| o == order);
    let orders = Order::ALL.into_iter().filter(was_run);
    let chart = |order: Order| OrderChart {
        order: order.name(),
        chart_html: chart(contenders, scores, exhibit, &format!("e{index}-{order}"), ticks, order),
    };
    orders.map(chart).collect()
}

fn chart(
    contenders: &Contenders<'_>,
    scores: &Scores<'_>,
    exhibit: &Exhibit,
    key: &str,
    ticks: &[String],
    order: Order,
) -> String {
    let image = exhibit.image.as_str();
    let point = |&v: &f32| Point { value: f64::from(v), interval: None };
    let mut traces: Vec<Trace> = Vec::new();
    for (m, contender) in contenders.0.iter().enumerate().rev() {
        if let Some(scores) = scores.get(&(image, contender.method, order)) {
            traces.push(Trace {
                contender: m,
                mark: contender.mark.clone(),
                name: contender.label.clone(),
                style: contender.style.clone(),
                banded: false,
                points: scores.iter().map(point).collect(),
            });
        }
    }
    svg::chart(&Chart {
        title: &format!("score of {image} against removed regions, {order}"),
        x_label: &format!("number of removed regions ({order})"),
        ticks,
        y_label: "score",
        traces: &traces,
        key,
    })
}

fn chain(
    source: &Source<'_>,
    contenders: &Contenders<'_>,
    scores: &Scores<'_>,
    exhibit: &Exhibit,
) -> Chain {
    let setting = source.groups.first().map(|g| &g.setting);
    let columns = source.manifest.protocol.regions.as_ref().map_or(1, |size| size.grid[1]);
    let link = |(m, contender): (usize, &super::contenders::Contender<'_>)| {
        let map = exhibit.maps.iter().find(|map| map.method == contender.method)?;
        let removal = |order: Order| {
            let scores = *scores.get(&(exhibit.image.as_str(), map.method.as_str(), order))?;
            let regions = setting.map_or(0, |s| s.stops().gone(scores.len() - 1));
            Some(removal(map, order, scores, regions))
        };
        Some(Link { m, orders: Order::ALL.into_iter().filter_map(removal).collect() })
    };
    Chain {
        width: exhibit.picture.shape.w,
        height: exhibit.picture.shape.h,
        side: setting.map_or(1, |s| s.region),
        columns,
        steps: setting.and_then(|s| s.steps).unwrap_or(0),
        removed: setting.and_then(|s| s.removed.clone()).unwrap_or_default(),
        probability: setting.is_some_and(|s| s.score_kind == ScoreKind::Softmax),
        lines: contenders.0.iter().enumerate().filter_map(link).collect(),
    }
}

fn removal(map: &Map, order: Order, scores: &[f32], count: usize) -> Removal {
    let regions: Vec<u8> = match order {
        Order::Morf => map.order.iter().take(count).flat_map(|id| id.to_le_bytes()).collect(),
        Order::Lerf => map.order.iter().rev().take(count).flat_map(|id| id.to_le_bytes()).collect(),
    };
    let scores: Vec<u8> = scores.iter().flat_map(|v| v.to_le_bytes()).collect();
    Removal { order: order.name(), regions: base64(&regions), scores: base64(&scores) }
}
