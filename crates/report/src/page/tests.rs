use super::*;
use crate::{
    cells, curves as figures,
    data_url::base64,
    demo,
    run::{
        doubt::Doubt,
        gallery::Exhibit,
        manifest::{Manifest, Outcome, Results, Skipped},
        measure::Measure,
        record::Row,
    },
    summary::summarise,
};
use serde_json::{Value, json};

pub(super) fn manifest() -> Manifest {
    demo::manifest()
}

pub(super) fn made(rows: &[Row], exhibits: &[Exhibit], manifest: &Manifest) -> String {
    measured(rows, exhibits, manifest, &[])
}

fn measured(
    rows: &[Row],
    exhibits: &[Exhibit],
    manifest: &Manifest,
    measures: &[Measure],
) -> String {
    let groups = cells::group(rows).unwrap();
    let heading = figures::Heading { model: "a net".to_owned(), data: "pictures".to_owned() };
    let dress = figures::Dress::of(&groups);
    let figures = figures::figures(&groups, &heading, &dress);
    page(&Source {
        manifest,
        rows,
        groups: &groups,
        summary: &summarise(rows).unwrap(),
        contests: &contests(&groups),
        dress: &dress,
        figures: &figures,
        maps: &Maps::of(measures, Resampling::default()),
        exhibits,
        look: Look::default(),
    })
    .unwrap()
}

fn demo_page() -> String {
    made(&demo::records(6, 2, 10), &demo::exhibits(2), &manifest())
}

/// The numbers for the script.
fn data(page: &str) -> Value {
    let text = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_answer_comes_first_and_names_the_best_method() {
    let page = demo_page();
    let answer = page.split("class=\"answer\"").nth(1).unwrap();
    let answer = answer.split("</div>").next().unwrap();
    let summary = summarise(&demo::records(6, 2, 10)).unwrap();
    let best = &summary.rows[0].method;
    assert!(answer.contains(&format!("<b>{best}</b> ranks first of 8")), "{answer}");
    assert!(answer.contains("Its lead over the second, <b>"), "{answer}");
    assert!(answer.contains("random"), "{answer}");
}

/// The sentences at the top.
pub(super) fn answer(page: &str) -> &str {
    page.split("class=\"answer\"").nth(1).unwrap().split("</div>").next().unwrap()
}

#[test]
fn a_lead_that_the_test_does_not_find_is_no_victory() {
    // four pictures: intervals can be clear, but no signed-rank test can be
    let page = made(&demo::records(4, 1, 10), &[], &manifest());
    let said = answer(&page);
    assert!(said.contains("4 pictures are too few to tell methods apart by a test"), "{said}");
    assert!(said.contains("4 pictures are too few to say whether a method does better"), "{said}");
    assert!(!said.contains("found to do"), "{said}");
    let many = made(&demo::records(40, 1, 10), &[], &manifest());
    let said = answer(&many);
    assert!(!said.contains("nor from") && !said.contains("No method is found"), "{said}");
}

#[test]
fn the_answer_says_what_other_settings_say() {
    let mut rows = demo::records(12, 1, 10);
    let best = summarise(&rows).unwrap().rows[0].method.clone();
    let with = |perturbation: &str, rows: &[Row]| -> Vec<Row> {
        let other = rows.iter().cloned();
        other.map(|row| Row { perturbation: perturbation.to_owned(), ..row }).collect()
    };
    let same = with("blur:sigma=3", &rows);
    let mut other = with("mean-image", &rows);
    for row in other.iter_mut().filter(|row| row.method == best) {
        let start = row.scores.as_ref().unwrap()[0];
        row.scores.iter_mut().flatten().for_each(|v| *v = start);
    }
    rows.extend(same);
    let said = made(&rows, &[], &manifest());
    assert!(answer(&said).contains("is first by the other setting, too."), "{}", answer(&said));
    rows.extend(other);
    let said = made(&rows, &[], &manifest());
    let expected =
        format!("<b>{best}</b> is first by 1 of the 2 other settings (place 8 at worst)");
    assert!(answer(&said).contains(&expected), "{}", answer(&said));
}

#[test]
fn the_answer_says_which_method_the_other_order_prefers() {
    let mut rows = demo::records(20, 1, 10);
    let best = summarise(&rows).unwrap().rows[0].method.clone();
    let said = made(&rows, &[], &manifest());
    assert!(answer(&said).contains("By ABPC") || answer(&said).contains("by ABPC as well"));
    // the least relevant regions of the first cost as much as the most relevant ones
    let morf: Vec<Row> =
        rows.iter().filter(|r| r.method == best && r.order == Order::Morf).cloned().collect();
    for row in rows.iter_mut().filter(|r| r.method == best && r.order == Order::Lerf) {
        row.scores = morf.iter().find(|m| m.image == row.image).unwrap().scores.clone();
    }
    let page = made(&rows, &[], &manifest());
    let said = answer(&page);
    assert!(said.contains(&format!("<b>{best}</b> ranks first of 8 by AOPC")), "{said}");
    let number = format!("is first and <b>{best}</b> number ");
    assert!(said.contains(&number) && said.contains("against 0, a clear difference of"), "{said}");
    rows.retain(|row| row.order == Order::Morf);
    assert!(!answer(&made(&rows, &[], &manifest())).contains("ABPC"));
}

#[test]
fn methods_that_do_worse_than_chance_are_named_as_such() {
    let mut rows = demo::records(20, 1, 10);
    for row in rows.iter_mut().filter(|r| r.method == "gradient" && r.order == Order::Morf) {
        let start = row.scores.as_ref().unwrap()[0];
        row.scores.iter_mut().flatten().for_each(|v| *v = start);
    }
    let page = made(&rows, &[], &manifest());
    assert!(answer(&page).contains("Worse than it: <b>gradient</b>."), "{}", answer(&page));
}

#[test]
fn a_method_with_easy_pictures_only_is_compared_on_these() {
    // its own pictures have falls six times as long, and there it loses
    let (easy_one, best) = ("gradient-x-input", "lrp-samek2017");
    let mut rows = demo::records(12, 1, 10);
    let easy = |row: &Row| row.image.as_str() < "val/0006.png";
    rows.retain(|row| easy(row) || row.method != easy_one);
    for row in rows.iter_mut().filter(|row| easy(row)) {
        row.scores.iter_mut().flatten().for_each(|v| *v *= 6.0);
    }
    let summary = summarise(&rows).unwrap();
    let morf = |method: &str| {
        summary.rows.iter().find(|r| r.method == method && r.order == Order::Morf).unwrap()
    };
    assert!(morf(easy_one).aopc.unwrap().mean > morf(best).aopc.unwrap().mean);
    assert!(morf(easy_one).rank > morf(best).rank);
    let page = made(&rows, &[], &manifest());
    assert!(
        answer(&page).contains(&format!("<b>{best}</b> ranks first of 8")),
        "{}",
        answer(&page)
    );
    assert!(answer(&page).contains("on average over the steps and 6 pictures"));
    assert!(!answer(&page).contains("is −"), "no lead is negative: {}", answer(&page));
    assert!(page.contains("places are by the images that all methods have"));
}

#[test]
fn without_a_picture_in_common_there_is_no_ranking() {
    let mut rows = demo::records(4, 1, 10);
    let other = demo::records(4, 1, 10).into_iter();
    rows.extend(other.map(|row| Row { perturbation: "blur:sigma=3".to_owned(), ..row }));
    // under the first perturbation no picture has both
    let first = |row: &Row| row.perturbation == "uniform";
    rows.retain(|row| !first(row) || (row.method == "gradient") == row.image.contains("0001"));
    let page = made(&rows, &[], &manifest());
    assert!(answer(&page).contains("there is no ranking"), "{}", answer(&page));
    assert!(!answer(&page).contains("ranks first"));
}

#[test]
fn pictures_with_very_long_curves_do_not_make_the_page_huge() {
    // single pixels, one by one: more than 1 MB of scores a picture, here always the same ones
    let mut exhibits = demo::exhibits(12);
    let image = exhibits[0].image.clone();
    exhibits.iter_mut().for_each(|e| e.image.clone_from(&image));
    let page = made(&demo::records(1, 1, 20_000), &exhibits, &manifest());
    let shown = page.matches("<article").count();
    assert!((1..12).contains(&shown), "{shown} pictures");
    assert!(page.contains(&format!("{} more pictures were kept", 12 - shown)));
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = demo_page();
    for outside in ["http://", "https://", "src=\"/", "url(/", "@import", "<link rel=\"style"] {
        let allowed = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!allowed.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn names_from_users_cannot_become_markup() {
    let evil = "<script>alert('1')</script>\"x'&.png";
    let mut rows = demo::records(4, 1, 10);
    rows.iter_mut()
        .filter(|r| r.image.contains("0000"))
        .for_each(|r| evil.clone_into(&mut r.image));
    let mut exhibits = demo::exhibits(1);
    evil.clone_into(&mut exhibits[0].image);
    exhibits[0].note = format!("predicted: {evil}</p>");
    exhibits[0].maps[2].reason = Some(evil.to_owned());
    exhibits[0].maps[2].heat = None;
    let mut manifest = manifest();
    evil.clone_into(&mut manifest.model.name);
    let (image, reason) = (evil.to_owned(), "</script><b>".to_owned());
    let skipped = vec![Skipped { image, reason }];
    manifest.results = Some(Outcome::Ranking(Results { skipped, ..Results::default() }));
    for row in rows.iter_mut().filter(|r| r.method == "gradient") {
        row.method = format!("</script><i>{evil}");
    }
    let page = made(&rows, &exhibits, &manifest);
    assert!(
        !page.contains("<script>alert")
            && !page.contains("<i>&lt;script")
            && !page.contains("<i><")
    );
    assert_eq!(page.matches("</script>").count(), 2, "only the two of the page itself");
    assert!(page.contains("&lt;script&gt;alert(&#x27;1&#x27;)"), "it is shown as text");
    let markup = page.split("<script type").next().unwrap();
    assert!(!markup.contains("=\"<") && !markup.contains("\"x'&.png"));
    data(&page);
}

#[test]
fn doubts_about_the_preprocessing_are_the_first_note() {
    let mut manifest = manifest();
    let doubt = Doubt::Chance { right: 1, labelled: 100, classes: 10 };
    let results = Results { doubts: vec![doubt], ..Results::default() };
    manifest.results = Some(Outcome::Ranking(results));
    let page = made(&demo::records(4, 1, 10), &[], &manifest);
    let note = page.split("<p class=\"caveat\">").nth(1).unwrap();
    assert!(note.contains("1 of 100 labelled pictures (1.0 %) are classified right"), "{note}");
}

#[test]
fn charts_and_tables_are_there_without_a_script() {
    let page = demo_page();
    assert!(page.matches("<svg class=\"chart\"").count() >= 5 + 2);
    let static_part = page.split("<script").next().unwrap();
    for method in ["random", "gradient-x-input", "lrp-samek2017"] {
        assert!(static_part.contains(&format!("<title>{method}</title>")), "{method}");
    }
    assert!(static_part.matches("<tr data-m=").count() == 8, "the ranking");
    assert!(static_part.contains("@article{samek2017evaluating,"));
    assert!(
        static_part.contains("12 of 144 relevance values are not finite"),
        "what failed is said"
    );
}

#[test]
fn the_numbers_of_read_outs_are_those_of_the_curves() {
    let rows = demo::records(6, 2, 10);
    let data = data(&made(&rows, &[], &manifest()));
    let groups = cells::group(&rows).unwrap();
    let heading = figures::Heading { model: String::new(), data: String::new() };
    let figure = figures::aopc(&groups[0], &heading, &figures::Dress::of(&groups));
    let best = figure.panels[0].lines.last().unwrap();
    let names: Vec<&str> =
        data["methods"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let lines = data["charts"][0]["lines"].as_array().unwrap();
    let line =
        lines.iter().find(|l| names[l["m"].as_u64().unwrap() as usize] == best.name).unwrap();
    for (k, point) in best.points.iter().enumerate() {
        let found = line["v"][k].as_f64().unwrap();
        assert!((found - point.value).abs() <= 5e-4 * point.value.abs(), "{found} {}", point.value);
    }
    assert_eq!(data["charts"][0]["steps"], json!((0..=10).collect::<Vec<_>>()));
}

#[test]
fn curves_and_slider_of_a_run_with_stops_say_how_many_regions_are_gone() {
    let stops = [0u32, 2, 5, 10];
    let (mut rows, exhibits) = (demo::records(6, 1, 10), demo::exhibits(1));
    for row in &mut rows {
        let all = row.scores.take().unwrap();
        row.scores = Some(stops.map(|k| all[k as usize]).to_vec());
        row.removed = Some(stops.to_vec());
    }
    let page = made(&rows, &exhibits, &manifest());
    assert!(
        answer(&page).contains("10 regions of 9x9 pixels are removed at 3 stops"),
        "{}",
        answer(&page)
    );
    let data = data(&page);
    assert_eq!(data["charts"][0]["names"], json!(["0", "2", "5", "10"]));
    let exhibit = &data["exhibits"][0];
    assert_eq!((&exhibit["removed"], &exhibit["steps"]), (&json!(stops), &json!(3)));
    let map = exhibits[0].maps.iter().find(|m| m.method == "lrp-samek2017").unwrap();
    let first: Vec<u8> = map.order.iter().take(10).flat_map(|id| id.to_le_bytes()).collect();
    let lines = exhibit["lines"].as_array().unwrap();
    assert!(lines.iter().any(|l| l["orders"][0]["regions"] == base64(&first)));
    let axis = page.split("<svg class=\"chart\"").nth(1).unwrap().split("</svg>").next().unwrap();
    assert!(axis.contains(">5</text>") && axis.contains(">10</text>"), "{axis}");
}

#[test]
fn the_slider_has_the_order_of_the_map_and_the_scores_of_the_first_noise_image() {
    let (rows, exhibits) = (demo::records(6, 2, 10), demo::exhibits(1));
    let data = data(&made(&rows, &exhibits, &manifest()));
    let exhibit = &data["exhibits"][0];
    assert_eq!((&exhibit["side"], &exhibit["columns"]), (&json!(9), &json!(4)));
    let link = exhibit["lines"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| data["methods"][l["m"].as_u64().unwrap() as usize] == "lrp-samek2017");
    let lerf = &link.unwrap()["orders"][1];
    assert_eq!(lerf["order"], "lerf");
    let map = exhibits[0].maps.iter().find(|m| m.method == "lrp-samek2017").unwrap();
    let last: Vec<u8> = map.order.iter().rev().take(10).flat_map(|id| id.to_le_bytes()).collect();
    assert_eq!(lerf["regions"], base64(&last));
    let row = rows.iter().find(|r| {
        r.method == map.method && r.order == crate::eval::order::Order::Lerf && r.repeat == 0
    });
    let scores = row.unwrap().scores.as_ref().unwrap();
    let scores: Vec<u8> = scores.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(lerf["scores"], base64(&scores));
}

#[test]
fn a_page_without_pictures_orders_or_pairs_is_still_a_page() {
    let mut rows = demo::records(2, 1, 4);
    rows.retain(|r| r.method == "gradient" && r.order == crate::eval::order::Order::Lerf);
    let page = made(&rows, &[], &manifest());
    assert!(page.contains("<b>gradient</b> is the only method"), "{page}");
    assert!(page.contains("too few images for intervals: 2"));
    assert!(!page.contains("id=\"gallery\""));
}

/// One value of a metric of which less is better.
fn measure(image: usize, method: &str, metric: &str, value: Option<f64>) -> Measure {
    Measure {
        image: format!("val/{image:04}.png"),
        method: method.to_owned(),
        metric: metric.to_owned(),
        direction: "lower".to_owned(),
        value,
        reason: None,
    }
}

/// What a page says about metrics of heat maps.
fn heat_maps(page: &str) -> &str {
    page.split("<section id=\"heat-maps\"").nth(1).unwrap().split("</section>").next().unwrap()
}

#[test]
fn metrics_of_heat_maps_have_a_table_and_take_part_in_the_agreement() {
    let complexity = "effective-complexity:share=0.1";
    let mut measures = Vec::new();
    for image in 0..6 {
        let value = |scale: f64| Some(scale * (image as f64 + 1.0));
        measures.push(measure(image, "gradient", complexity, value(1.0)));
        let lrp = value(10.0).filter(|_| image > 0);
        measures.push(measure(image, "lrp-samek2017", complexity, lrp));
        measures.push(measure(image, "gradient", "context-ratio", None));
    }
    let rows = demo::records(6, 2, 10);
    let page = measured(&rows, &[], &manifest(), &measures);
    assert!(page.contains("<a href=\"#heat-maps\">Heat maps</a>"));
    let section = heat_maps(&page);
    let head = "title=\"effective-complexity:share=0.1\">effective-complexity \
                <small>lower is better</small><small>5 pictures</small>";
    assert!(section.contains(head), "{section}");
    assert_eq!(
        section.matches("<tr>\n<td").count(),
        2,
        "the random order has no heat map: {section}"
    );
    // the first picture counts for neither: one method has no value there
    let place = |text: &str| section.find(text).unwrap_or_else(|| panic!("{text} in {section}"));
    assert!(place("data-v=\"4e1\"") < place("data-v=\"4e0\""), "the better method by AOPC first");
    assert!(section.contains("lrp-samek2017: 40.00, 95 % interval "), "{section}");
    assert_eq!(section.matches("<small>1 undefined</small>").count(), 1);
    assert!(section.contains("Not defined on any picture: <code>context-ratio</code>."));
    let agreement = page.split("id=\"agreement\"").nth(1).unwrap();
    let agreement = agreement.split("</section>").next().unwrap();
    assert!(agreement.contains("effective-complexity, share 0.1"));
    assert!(agreement.contains("uniform, AOPC, most relevant first"), "{agreement}");
}

#[test]
fn without_metrics_of_heat_maps_there_is_no_section() {
    assert!(!demo_page().contains("heat-maps"));
}

#[test]
fn metrics_that_are_defined_nowhere_are_named_without_a_table() {
    let evil = "<b>\"iou\"";
    let measures = [measure(0, "gradient", evil, None)];
    let page = measured(&demo::records(4, 1, 10), &[], &manifest(), &measures);
    let section = heat_maps(&page);
    let said = "Not defined on any picture: <code>&lt;b&gt;&quot;iou&quot;</code>.";
    assert!(section.contains(said) && !section.contains("<table"), "{section}");
}

#[test]
fn a_parameter_is_in_a_heading_where_it_says_something() {
    let of = |image: usize, layer: &str| {
        let metric =
            format!("parameter-randomisation:mode=cascading:likeness=spearman:layer={layer}");
        measure(image, "gradient", &metric, Some(0.5))
    };
    let measures: Vec<Measure> = (0..4).flat_map(|i| [of(i, "all"), of(i, "conv1")]).collect();
    let page = measured(&demo::records(4, 1, 10), &[], &manifest(), &measures);
    let section = heat_maps(&page);
    for head in ["layer=<wbr>all", "layer=<wbr>conv1"] {
        assert!(
            section.contains(&format!(">parameter-randomisation:<wbr>{head} <small>")),
            "{section}"
        );
    }
}

#[test]
fn mean_ranks_are_drawn_for_wide_and_for_narrow_screens_with_every_name() {
    let page = demo_page();
    let ranks = page.split("id=\"ranks\"").nth(1).unwrap().split("</section>").next().unwrap();
    let charts: Vec<&str> = ranks.split("<svg ").skip(1).collect();
    assert_eq!(charts.len(), 2);
    for (chart, layout) in charts.iter().zip(["broad", "narrow"]) {
        assert!(chart.starts_with(&format!("class=\"chart ranks {layout}\"")));
        for (method, _) in demo::METHODS {
            let label = method.split(":norm").next().unwrap();
            assert!(chart.contains(label), "{method} in {chart}");
        }
    }
}

#[test]
fn the_gallery_has_the_curves_of_both_orders_and_shows_the_first() {
    let page = demo_page();
    let exhibit = page.split("<article").nth(1).unwrap().split("</article>").next().unwrap();
    assert_eq!(exhibit.matches("<svg class=\"chart\"").count(), 2);
    assert!(exhibit.contains("<div data-order=\"morf\"><svg"), "{exhibit}");
    assert!(exhibit.contains("<div data-order=\"lerf\" hidden><svg"), "{exhibit}");
    assert!(exhibit.contains("· AOPC ") && !exhibit.contains("· AOPC lerf"));
}

#[test]
fn a_run_of_the_other_order_alone_says_so_in_the_gallery() {
    let mut rows = demo::records(4, 1, 10);
    rows.retain(|row| row.order == Order::Lerf);
    let page = made(&rows, &demo::exhibits(1), &manifest());
    let exhibit = page.split("<article").nth(1).unwrap();
    assert!(exhibit.contains("<div data-order=\"lerf\"><svg"), "{exhibit}");
    assert!(exhibit.contains("· AOPC lerf ") && !exhibit.contains("AOPC lerf –"), "{exhibit}");
    assert!(page.contains("the rank of its method by AOPC lerf."));
}

#[test]
fn differences_from_the_random_order_are_printed_with_their_intervals() {
    let page = demo_page();
    let row = page.split("<tr data-m=\"0\">").nth(1).unwrap().split("</tr>").next().unwrap();
    assert_eq!(row.matches(" to ").count(), 2, "two intervals in numbers: {row}");
    let mut rows = demo::records(4, 1, 10);
    rows.retain(|row| row.method != cells::RANDOM);
    let without = made(&rows, &[], &manifest());
    let said = "With <code>random</code> among the methods there would also be columns";
    assert!(page.contains(">vs random</th><th") && !page.contains(said));
    assert!(!without.contains("interval of that") && without.contains(said));
}

#[test]
fn rankings_of_three_methods_are_not_compared_by_their_agreement() {
    let with = |count: usize| {
        let mut rows = demo::records(4, 1, 10);
        let names: Vec<&str> = demo::METHODS.iter().take(count).map(|(name, _)| *name).collect();
        rows.retain(|row| names.contains(&row.method.as_str()));
        let page = made(&rows, &[], &manifest());
        page.split("id=\"agreement\"")
            .nth(1)
            .unwrap()
            .split("</section>")
            .next()
            .unwrap()
            .to_owned()
    };
    let (three, four) = (with(3), with(4));
    assert!(!three.contains("<table") && three.contains("fewer than four methods"), "{three}");
    assert!(four.contains("<b>A</b>") && !four.contains("fewer than four"), "{four}");
}
