//! Texts with their words in the colours of a heat map: inside the page, and `texts.html` that has nothing else.

use super::{Source, svg::escape};
use crate::{
    colours::Look,
    explain::{HeatMap, labels::labels},
    run::gallery::{Exhibit, Passage},
};
use image::Rgb;
use std::fmt::Write as _;

/// Below this brightness a colour has white letters.
const DARK: f64 = 140.0;

/// A text whose words are numbered, and coloured where there is a map of them.
pub(super) fn html(passage: &Passage, heat: Option<(&HeatMap, &Look)>) -> String {
    let used = |heat: &HeatMap| heat.slice(ndarray::s![..passage.words.len(), ..]).to_owned();
    let fits = |heat: &HeatMap| heat.ncols() == 1 && heat.nrows() >= passage.words.len();
    let scale = heat.filter(|(heat, _)| fits(heat)).map(|(heat, look)| {
        let heat = used(heat);
        (look.range(&heat), heat, look)
    });
    let (mut out, mut at) = (String::new(), 0);
    for (number, word) in passage.words.iter().enumerate() {
        out += &lines(&passage.text[at..word.start]);
        let style = scale.as_ref().map_or(String::new(), |(range, heat, look)| {
            let value = heat[[number, 0]];
            format!(" style=\"{}\" title=\"{value:.4}\"", style(look.colour(value, *range)))
        });
        let shown = lines(&passage.text[word.clone()]);
        let _ = write!(out, "<span data-u=\"{number}\"{style}>{shown}</span>");
        at = word.end;
    }
    out + &lines(&passage.text[at..])
}

/// Escaped text that keeps its lines.
fn lines(text: &str) -> String {
    let text = text.replace('\t', " ").replace('\r', "");
    text.split('\n').map(escape).collect::<Vec<String>>().join("\n")
}

/// Background and letters that can be read on it.
fn style(Rgb([r, g, b]): Rgb<u8>) -> String {
    let bright = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    let letters = if bright < DARK { "#fff" } else { "#000" };
    format!("background:rgb({r} {g} {b});color:{letters}")
}

/// All texts of a run that were kept, with the map of each method; `None` of pictures.
pub(super) fn texts(source: &Source<'_>) -> Option<String> {
    let known: Vec<(&Exhibit, &Passage)> =
        source.exhibits.iter().filter_map(|e| Some((e, e.text.as_ref()?))).collect();
    if known.is_empty() {
        return None;
    }
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Texts</title>\n<style>body{max-width:60rem;\
         margin:1rem auto;padding:0 1rem;font:1rem/1.7 system-ui,sans-serif;color:#000;background:#fff}\
         p{white-space:pre-wrap;overflow-wrap:anywhere}span{border-radius:.2em}</style>\n<h1>Texts</h1>\n",
    );
    let _ = writeln!(
        out,
        "<p>Words in the colours of their relevance; words without a colour have none, are not in the vocabulary, or lie \
         behind the end of what the network reads. {}</p>",
        escape(&source.look.caption())
    );
    for (exhibit, passage) in known {
        let _ =
            writeln!(out, "<h2>{}</h2>\n<p>{}</p>", escape(&exhibit.image), escape(&exhibit.note));
        let names: Vec<&str> = exhibit.maps.iter().map(|map| map.method.as_str()).collect();
        for (map, label) in exhibit.maps.iter().zip(labels(&names)) {
            let Some(heat) = &map.heat else { continue };
            let text = html(passage, Some((heat, &source.look)));
            let _ = writeln!(out, "<h3>{}</h3>\n<p>{text}</p>", escape(&label));
        }
    }
    Some(out + "</html>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn words_have_the_colour_of_their_relevance_and_the_rest_none() {
        let passage = Passage { text: "<ice>,\nhockey!".to_owned(), words: vec![1..4, 7..13] };
        let heat = array![[1.0], [-1.0], [0.0]];
        let look = Look::default();
        let range = look.range(&array![[1.0], [-1.0]]);
        let (most, least) = (style(look.colour(1.0, range)), style(look.colour(-1.0, range)));
        assert_eq!(
            html(&passage, Some((&heat, &look))),
            format!(
                "&lt;<span data-u=\"0\" style=\"{most}\" title=\"1.0000\">ice</span>&gt;,\n<span data-u=\"1\" style=\"{least}\" title=\"-1.0000\">hockey</span>!"
            )
        );
        assert_ne!(most, least);
        let plain = "&lt;<span data-u=\"0\">ice</span>&gt;,\n<span data-u=\"1\">hockey</span>!";
        assert_eq!(html(&passage, None), plain);
    }
}
