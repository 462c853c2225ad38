//! Figures as PDF: one page of lines, areas and texts, as the SVG shows them. A text is the outlines of its glyphs, so
//! that a reader needs no font. A backend of plotters of our own: a converter of SVG would cost some forty crates.

use ab_glyph::{Font as _, FontRef, GlyphId, OutlineCurve, Point};
use flate2::{Compression, write::ZlibEncoder};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
    text_anchor::{HPos, VPos},
};
use std::{
    collections::BTreeSet,
    convert::Infallible,
    fmt::Write as _,
    io::{self, Write as _},
};

/// Positions of plotters are whole numbers: so many of them stand for one unit of a figure's layout.
pub(super) const FINENESS: f64 = 20.0;

/// What a font size of plotters is in ems, as in its SVG.
const EM: f64 = 1.0 / 1.24;

/// How far the line on which letters stand lies below the top, or below the middle, in ems; as in SVG.
const TOP: f64 = 0.76;
const MIDDLE: f64 = 0.27;

/// From an end of a quarter of the unit circle to its control point.
const ARC: f64 = 0.552_284_75;

type Done = Result<(), DrawingErrorKind<Infallible>>;
type Place = (f64, f64);

/// A page while it is drawn.
pub(super) struct Page<'a> {
    size: (u32, u32),
    ink: &'a mut Ink,
    font: FontRef<'static>,
}

/// What is on a page.
#[derive(Default)]
pub(super) struct Ink {
    content: String,
    /// Opacities in percent.
    opacities: BTreeSet<u8>,
}

impl Ink {
    /// Adds an operator with its operands.
    fn put(&mut self, operator: std::fmt::Arguments<'_>) {
        self.content.write_fmt(operator).expect("a text takes all");
        self.content.push('\n');
    }

    fn colour(&mut self, colour: BackendColor, operator: &str) {
        let percent = (100.0 * colour.alpha).round() as u8;
        self.opacities.insert(percent);
        let (r, g, b) = colour.rgb;
        let [r, g, b] = [r, g, b].map(|v| f64::from(v) / 255.0);
        self.put(format_args!("/A{percent} gs {r:.3} {g:.3} {b:.3} {operator}"));
    }

    fn area<S: BackendStyle>(&mut self, style: &S) {
        self.colour(style.color(), "rg");
    }

    fn stroke<S: BackendStyle>(&mut self, style: &S) {
        self.colour(style.color(), "RG");
        self.put(format_args!("{} w", style.stroke_width()));
    }

    /// Begins an area or its outline; what ends it.
    fn begin<S: BackendStyle>(&mut self, style: &S, fill: bool) -> char {
        if fill {
            self.area(style);
            'f'
        } else {
            self.stroke(style);
            'S'
        }
    }

    fn path(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        for (i, (x, y)) in points.into_iter().enumerate() {
            self.put(format_args!("{x} {y} {}", if i == 0 { 'm' } else { 'l' }));
        }
    }

    fn circle(&mut self, (x, y): Place, r: f64) {
        let quarters = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 0.0)];
        self.put(format_args!("{} {y} m", x + r));
        for pair in quarters.windows(2) {
            let [(ax, ay), (bx, by)] = [pair[0], pair[1]];
            let control = [(ax + ARC * bx, ay + ARC * by), (bx + ARC * ax, by + ARC * ay)];
            let at = |(u, v): Place| (x + r * u, y + r * v);
            self.curve([at(control[0]), at(control[1]), at((bx, by))]);
        }
    }

    fn curve(&mut self, [(ax, ay), (bx, by), (x, y)]: [Place; 3]) {
        self.put(format_args!("{ax:.1} {ay:.1} {bx:.1} {by:.1} {x:.1} {y:.1} c"));
    }

    /// Adds a piece of an outline that goes on from `last`.
    fn piece(&mut self, curve: &OutlineCurve, last: Option<Point>, at: impl Fn(Point) -> Place) {
        let (OutlineCurve::Line(start, _)
        | OutlineCurve::Quad(start, ..)
        | OutlineCurve::Cubic(start, ..)) = curve;
        if last != Some(*start) {
            let (x, y) = at(*start);
            self.put(format_args!("{x:.1} {y:.1} m"));
        }
        match curve {
            OutlineCurve::Line(_, end) => {
                let (x, y) = at(*end);
                self.put(format_args!("{x:.1} {y:.1} l"));
            }
            OutlineCurve::Quad(start, control, end) => {
                let (control, towards) = (at(*control), 2.0 / 3.0);
                let between =
                    |(x, y): Place| (x + towards * (control.0 - x), y + towards * (control.1 - y));
                self.curve([between(at(*start)), between(at(*end)), at(*end)]);
            }
            OutlineCurve::Cubic(_, a, b, end) => self.curve([at(*a), at(*b), at(*end)]),
        }
    }

    /// The file: one page, so many points wide.
    pub(super) fn file(self, size: (u32, u32), points: f64) -> io::Result<Vec<u8>> {
        let scale = points / f64::from(size.0);
        let height = scale * f64::from(size.1);
        // positions count from the upper left corner downwards, corners of lines are round
        let (down, content) = (-scale, &self.content);
        let content = format!("{scale:.6} 0 0 {down:.6} 0 {height:.3} cm\n1 j\n{content}");
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(content.as_bytes())?;
        let packed = packed.finish()?;
        let head = format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len());
        let stream = [head.as_bytes(), &packed, b"\nendstream"].concat();
        let opacity = |percent: &u8| {
            let share = f64::from(*percent) / 100.0;
            format!("/A{percent} << /ca {share} /CA {share} >> ")
        };
        let opacities: String = self.opacities.iter().map(opacity).collect();
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {points:.3} {height:.3}] /Contents 4 0 R \
             /Resources << /ExtGState << {opacities}>> >> >>"
        );
        Ok(assembled(&[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            page.into_bytes(),
            stream,
        ]))
    }
}

impl<'a> Page<'a> {
    /// An empty page of so many positions, whose texts have this font.
    pub(super) fn new(size: (u32, u32), ink: &'a mut Ink, font: FontRef<'static>) -> Page<'a> {
        Page { size, ink, font }
    }

    /// Units of the font in an em.
    fn em(&self) -> f64 {
        self.font.units_per_em().map_or(1.0, f64::from)
    }

    /// Draws a glyph with its left end at `x` on the line, `scale` positions for a unit of the font.
    fn glyph(&mut self, id: GlyphId, x: f64, scale: f64) {
        let Some(outline) = self.font.outline(id) else { return };
        // glyphs grow upwards, pages downwards
        let at = |p: Point| (x + f64::from(p.x) * scale, -f64::from(p.y) * scale);
        let mut last = None;
        for curve in &outline.curves {
            self.ink.piece(curve, last, at);
            let (OutlineCurve::Line(.., end)
            | OutlineCurve::Quad(.., end)
            | OutlineCurve::Cubic(.., end)) = curve;
            last = Some(*end);
        }
    }
}

impl DrawingBackend for Page<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Done {
        self.ink.colour(colour, "rg");
        self.ink.put(format_args!("{x} {y} 1 1 re f"));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        let how = self.ink.begin(style, fill);
        let (width, height) = (right - left, bottom - top);
        self.ink.put(format_args!("{left} {top} {width} {height} re {how}"));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        if style.color().alpha > 0.0 {
            self.ink.stroke(style);
            self.ink.path(path);
            self.ink.put(format_args!("S"));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done {
        let how = self.ink.begin(style, fill);
        self.ink.circle((f64::from(x), f64::from(y)), f64::from(radius));
        self.ink.put(format_args!("{how}"));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        outline: I,
        style: &S,
    ) -> Done {
        self.ink.area(style);
        self.ink.path(outline);
        self.ink.put(format_args!("h f"));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Done {
        let em = style.size() * EM;
        let scale = em / self.em();
        let glyphs: Vec<GlyphId> = text.chars().map(|c| self.font.glyph_id(c)).collect();
        let advances: Vec<f64> =
            glyphs.iter().map(|id| f64::from(self.font.h_advance_unscaled(*id)) * scale).collect();
        let width: f64 = advances.iter().sum();
        let mut at = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        let down = em
            * match style.anchor().v_pos {
                VPos::Top => TOP,
                VPos::Center => MIDDLE,
                VPos::Bottom => -MIDDLE,
            };
        let (cos, sin) = match style.transform() {
            FontTransform::None => (1, 0),
            FontTransform::Rotate90 => (0, 1),
            FontTransform::Rotate180 => (-1, 0),
            FontTransform::Rotate270 => (0, -1),
        };
        self.ink.put(format_args!("q {cos} {sin} {} {cos} {x} {y} cm", -sin));
        self.ink.put(format_args!("1 0 0 1 0 {down:.1} cm"));
        self.ink.colour(style.color(), "rg");
        for (id, advance) in glyphs.into_iter().zip(advances) {
            self.glyph(id, at, scale);
            at += advance;
        }
        self.ink.put(format_args!("f Q"));
        Ok(())
    }
}

/// A file of these objects, numbered from 1, of which the first is the catalogue.
fn assembled(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = String::new();
    for (i, object) in objects.iter().enumerate() {
        let _ = writeln!(places, "{:010} 00000 n ", file.len());
        file.extend(format!("{} 0 obj\n", i + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let (table, count) = (file.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<< /Size {count} /Root 1 0 R >>\n\
         startxref\n{table}\n%%EOF\n"
    );
    file.extend(end.bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drawing::{Anchor, Drawing, INK},
        plot_drawing,
    };
    use flate2::read::ZlibDecoder;
    use std::io::Read as _;

    /// The operators of the page.
    fn content(file: &[u8]) -> String {
        let after =
            |what: &[u8]| file.windows(what.len()).position(|w| w == what).unwrap() + what.len();
        let mut text = String::new();
        ZlibDecoder::new(&file[after(b"stream\n")..]).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_page_has_its_size_its_shapes_and_texts_as_outlines() {
        let mut drawing = Drawing::new(200.0, 100.0, "", "");
        drawing.line((10.0, 20.0), (30.0, 20.0), 2.0, (255, 0, 0));
        drawing.dot((50.0, 50.0), 4.0, (0, 0, 255));
        drawing.label((100.0, 50.0), "I", 20.0, Anchor::Left, INK);
        let file = plot_drawing::pdf(&drawing, 100.0).unwrap();
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("%PDF-1.4") && text.ends_with("%%EOF\n"));
        assert!(text.contains("/MediaBox [0 0 100.000 50.000]"), "half a point for a unit");
        let content = content(&file);
        // 20 positions for a unit
        assert!(
            content.contains("1.000 0.000 0.000 RG\n40 w\n200 400 m\n600 400 l\nS"),
            "{content}"
        );
        assert!(content.contains("0.000 0.000 1.000 rg\n1080 1000 m"), "{content}");
        // an I is one rectangle: four corners
        let glyph = content.split("2000 1000 cm").nth(1).unwrap().split("f Q").next().unwrap();
        let moves = |line: &&str| line.ends_with(" m") || line.ends_with(" l");
        let corner = |line: &str| line[..line.len() - 2].to_owned();
        let corners: BTreeSet<String> = glyph.lines().filter(moves).map(corner).collect();
        assert_eq!((corners.len(), glyph.contains(" c\n")), (4, false), "{glyph}");
    }

    #[test]
    fn the_table_of_a_file_says_where_its_objects_are() {
        let file = assembled(&[b"one".to_vec(), b"two".to_vec()]);
        let text = String::from_utf8_lossy(&file).into_owned();
        let bytes = |from: usize| String::from_utf8_lossy(&file[from..]).into_owned();
        let table: usize =
            text.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert!(bytes(table).starts_with("xref\n0 3\n"));
        let places = bytes(table);
        for (i, line) in places.lines().skip(3).take(2).enumerate() {
            let place: usize = line[..10].parse().unwrap();
            assert!(bytes(place).starts_with(&format!("{} 0 obj", i + 1)), "{line}");
        }
    }
}
