//! The counts as a figure: by class, with intervals, for the first filling.

use super::{About, Question, Rate, Summary};
use crate::{
    drawing::{Anchor, Axis, Drawing, FAINT, GREY},
    eval::stats::proportion::Proportion,
    figure::Style,
};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 210.0;
const TOP: f64 = 120.0;
const ROW: f64 = 30.0;

/// Two panels side by side, one per question; a class is a row, all classes together the first.
pub(super) fn draw(summary: &Summary, about: &About) -> Drawing {
    let filling = about.fillings.first().map_or("", String::as_str);
    let rates = |question: Question| -> Vec<&Rate> {
        let own = |r: &&Rate| r.question == question && r.filling == filling;
        summary.rates.iter().filter(own).collect()
    };
    let rows = rates(Question::StillWithout).len();
    let height = TOP + ROW * rows as f64 + 70.0;
    let title = format!("Samples: {} on {}", about.model, about.data);
    let subtitle = format!(
        "share of pictures with 95 % Wilson intervals, filling {filling}; grey: the same area elsewhere"
    );
    let mut page = Drawing::new(WIDTH, height, &title, &subtitle);
    let half = (WIDTH - LEFT - 60.0) / 2.0;
    let panels = [
        (Question::StillWithout, LEFT, "still of the class without the object"),
        (Question::NotAlone, LEFT + half + 40.0, "no longer of the class by it alone"),
    ];
    for (question, from, words) in panels {
        let axis = Axis::exact(0.0, 1.0, from, from + half);
        page.text((from, TOP - 32.0), words, Anchor::Left);
        let bottom = TOP + ROW * rows as f64;
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let x = axis.position(share);
            page.line((x, TOP - 12.0), (x, bottom), 1.0, FAINT);
            page.label(
                (x, bottom + 18.0),
                &format!("{:.0} %", 100.0 * share),
                13.0,
                Anchor::Middle,
                GREY,
            );
        }
        for (k, rate) in rates(question).into_iter().enumerate() {
            let y = TOP + ROW * (k as f64 + 0.5) - 6.0;
            mark(&mut page, &axis, y + 6.0, rate.control, Style::BASELINE.colour);
            mark(
                &mut page,
                &axis,
                y - 4.0,
                rate.found,
                Style::nth(usize::from(question == Question::NotAlone)).colour,
            );
        }
    }
    for (k, rate) in rates(Question::StillWithout).into_iter().enumerate() {
        let name = rate.class.map_or_else(|| "all classes".to_owned(), |class| about.class(class));
        let name: String = name.chars().take(26).collect();
        page.text((LEFT - 14.0, TOP + ROW * (k as f64 + 0.5) - 5.0), &name, Anchor::Right);
    }
    page
}

fn mark(page: &mut Drawing, axis: &Axis, y: f64, found: Proportion, colour: (u8, u8, u8)) {
    let (Some(share), Some(interval)) = (found.share(), found.wilson()) else { return };
    page.line((axis.position(interval.lo), y), (axis.position(interval.hi), y), 2.5, colour);
    page.dot((axis.position(share), y), 4.5, colour);
}
