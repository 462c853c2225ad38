//! What is behind the object: grounds, skies, water, blurred lights, and things of no class.
//! None of it is told which class the picture is going to show.

use super::{
    canvas::{Canvas, Light, Pose, SIDE, stamp},
    class::Dab,
    math::{Draw, Noise, P, Rgb, dome, floor, lit, mix, p, ray, rgb, step, wave},
};

/// The kinds of backdrop.
static GROUNDS: [fn(&mut Draw) -> Canvas; 6] =
    [landscape, forest_floor, water, blurred_lights, planks, stone];

/// A backdrop of any kind.
pub(super) fn ground(draw: &mut Draw) -> Canvas {
    draw.pick(&GROUNDS)(draw)
}

/// Sky with clouds above hills and a field.
fn landscape(draw: &mut Draw) -> Canvas {
    let skies = [
        (rgb(96, 150, 205), rgb(205, 225, 235)),
        (rgb(120, 140, 165), rgb(225, 215, 205)),
        (rgb(105, 110, 165), rgb(245, 195, 150)),
        (rgb(60, 90, 130), rgb(150, 175, 190)),
    ];
    let fields = [
        (rgb(70, 105, 50), rgb(130, 150, 75)),
        (rgb(170, 150, 85), rgb(205, 190, 125)),
        (rgb(115, 95, 70), rgb(165, 145, 110)),
        (rgb(185, 175, 160), rgb(220, 215, 205)),
    ];
    let ((zenith, haze), (near, far)) = (draw.pick(&skies), draw.pick(&fields));
    let (near, far) = (draw.tint(near, 0.06), draw.tint(far, 0.06));
    let horizon = draw.range(24.0, 66.0);
    let (rolling, clouds, grass) = (Noise::draw(draw), Noise::draw(draw), Noise::draw(draw));
    let (cover, hills) = (draw.range(0.45, 0.65), draw.range(2.0, 14.0));
    Canvas::paint(|at| {
        let ridge = horizon - hills * rolling.octaves(at.x / 30.0, 0.0, 3);
        if at.y < ridge {
            let air = mix(zenith, haze, step(0.0, 1.0, at.y / horizon));
            let cloud = clouds.octaves(at.x / 26.0, at.y / 13.0, 4);
            return mix(air, [0.97, 0.97, 0.96], 0.8 * step(cover, cover + 0.2, cloud));
        }
        let hill = horizon - 0.3 * hills * rolling.octaves(at.x / 17.0, 9.0, 2);
        if at.y < hill {
            return lit(mix(far, haze, 0.45), 0.7 + 0.3 * grass.value(at.x / 4.0, at.y / 2.0));
        }
        // tufts get larger towards the eye
        let depth = (at.y - hill) / (SIDE as f32 - hill + 1.0);
        let size = 1.5 + 7.0 * depth;
        let tuft = grass.octaves((at.x - 48.0) / size, at.y / size * 1.6, 3);
        lit(mix(far, near, step(0.0, 0.8, depth)), 0.6 + 0.8 * tuft)
    })
}

/// Earth, moss and leaves from above, in three tones.
fn forest_floor(draw: &mut Draw) -> Canvas {
    let tones = [
        [rgb(58, 48, 36), rgb(104, 84, 55), rgb(98, 118, 62)],
        [rgb(36, 52, 34), rgb(72, 100, 50), rgb(150, 165, 90)],
        [rgb(92, 62, 42), rgb(160, 105, 60), rgb(205, 160, 95)],
        [rgb(74, 70, 66), rgb(130, 124, 112), rgb(100, 112, 88)],
    ];
    let [low, middle, high] = draw.pick(&tones).map(|tone| draw.tint(tone, 0.05));
    let (coarse, fine, patches) = (Noise::draw(draw), Noise::draw(draw), Noise::draw(draw));
    let size = draw.range(7.0, 20.0);
    Canvas::paint(|at| {
        let soil = coarse.octaves(at.x / size, at.y / size, 4);
        let moss = patches.octaves(at.x / 24.0, at.y / 24.0, 2);
        let colour =
            mix(mix(low, middle, step(0.3, 0.7, soil)), high, step(0.5, 0.68, moss) * soil);
        lit(colour, 0.7 + 0.6 * fine.octaves(at.x / 2.5, at.y / 2.5, 2))
    })
}

/// Ripples with glints, lighter towards the top.
fn water(draw: &mut Draw) -> Canvas {
    let tones = [
        (rgb(22, 62, 92), rgb(88, 150, 172)),
        (rgb(18, 78, 82), rgb(120, 178, 160)),
        (rgb(52, 70, 62), rgb(140, 150, 120)),
        (rgb(40, 55, 100), rgb(150, 165, 205)),
    ];
    let (deep, bright) = draw.pick(&tones);
    let (deep, bright) = (draw.tint(deep, 0.06), draw.tint(bright, 0.06));
    let (ripples, swell) = (Noise::draw(draw), Noise::draw(draw));
    let (long, short) = (draw.range(12.0, 26.0), draw.range(4.0, 8.0));
    Canvas::paint(|at| {
        let bent = at.y + 6.0 * swell.octaves(at.x / 22.0, at.y / 22.0, 2);
        let ripple = ripples.octaves(at.x / long, bent / short, 3);
        let crest = step(0.5, 0.9, 1.0 - (2.0 * ripple - 1.0).abs() * 3.0);
        let far = 0.45 * (1.0 - at.y / SIDE as f32);
        let colour = mix(deep, bright, (far + 0.7 * step(0.25, 0.8, ripple)).min(1.0));
        mix(colour, [0.92, 0.96, 0.97], 0.28 * crest)
    })
}

/// Discs of light out of focus before a dim gradient.
fn blurred_lights(draw: &mut Draw) -> Canvas {
    let tones = [
        (rgb(30, 45, 35), rgb(110, 130, 70)),
        (rgb(45, 32, 40), rgb(150, 95, 80)),
        (rgb(24, 36, 56), rgb(90, 115, 150)),
        (rgb(70, 66, 58), rgb(185, 175, 150)),
    ];
    let (dark, pale) = draw.pick(&tones);
    let (dark, pale) = (draw.tint(dark, 0.05), draw.tint(pale, 0.08));
    let (down, haze) = (ray(draw.unit()), Noise::draw(draw));
    let mut canvas = Canvas::paint(|at| {
        let slope = (at - p(48.0, 48.0)).dot(down) / 68.0;
        mix(dark, pale, 0.3 + 0.3 * slope + 0.4 * haze.octaves(at.x / 30.0, at.y / 30.0, 3) - 0.2)
    });
    for _ in 0..draw.count(14, 26) {
        let centre = p(draw.range(-6.0, 102.0), draw.range(-6.0, 102.0));
        let (radius, strength) = (draw.range(4.0, 15.0), draw.range(0.15, 0.55));
        let colour = draw.tint(mix(pale, [1.0; 3], 0.25), 0.16);
        canvas.retouch_around(centre, radius + 1.5, |at, under| {
            let distance = (at - centre).len();
            let rim = 0.75 + 0.25 * step(0.5, 0.95, distance / radius);
            mix(under, colour, strength * rim * step(radius + 1.5, radius - 1.0, distance))
        });
    }
    canvas
}

/// Boards with grain and gaps, in any direction.
fn planks(draw: &mut Draw) -> Canvas {
    let woods = [
        (rgb(92, 62, 40), rgb(165, 120, 78)),
        (rgb(125, 105, 88), rgb(195, 178, 152)),
        (rgb(66, 58, 54), rgb(128, 116, 104)),
        (rgb(150, 98, 58), rgb(222, 172, 112)),
    ];
    let (dark, pale) = draw.pick(&woods);
    let (dark, pale) = (draw.tint(dark, 0.04), draw.tint(pale, 0.05));
    let (axis, wide) = (ray(draw.unit()), draw.range(17.0, 34.0));
    let (grain, knots, boards) = (Noise::draw(draw), Noise::draw(draw), Noise::draw(draw));
    Canvas::paint(|at| {
        let q = at.along(axis);
        let board = floor(q.y / wide);
        let bend = 5.0 * knots.octaves(q.x / 28.0 + board * 7.3, q.y / 14.0, 2);
        let line = grain.octaves(q.x / 34.0 + board * 3.7, (q.y + bend) / 2.6, 3);
        let tone = 0.75 + 0.5 * boards.value(board * 1.7 + 0.5, 0.5);
        let gap = step(0.06, 0.02, (q.y / wide - board - 0.5).abs().max(0.0) - 0.42);
        let edge = 1.0 - 0.6 * (1.0 - gap).min(1.0);
        lit(mix(dark, pale, step(0.2, 0.8, line)), tone * edge)
    })
}

/// Rock or sand with dark cracks.
fn stone(draw: &mut Draw) -> Canvas {
    let rocks = [
        rgb(150, 148, 145),
        rgb(190, 165, 130),
        rgb(120, 105, 98),
        rgb(205, 198, 185),
        rgb(165, 110, 85),
    ];
    let base = draw.pick(&rocks);
    let base = draw.tint(base, 0.06);
    let (relief, crack, spots) = (Noise::draw(draw), Noise::draw(draw), Noise::draw(draw));
    let (size, depth) = (draw.range(14.0, 34.0), draw.range(0.0, 0.55));
    Canvas::paint(|at| {
        let height = relief.octaves(at.x / size, at.y / size, 5);
        let vein = (crack.octaves(at.x / 26.0, at.y / 26.0, 3) - 0.5).abs();
        let lichen = step(0.66, 0.74, spots.octaves(at.x / 9.0, at.y / 9.0, 2));
        let colour = mix(base, lit(base, 0.72), lichen);
        lit(colour, (0.45 + 1.05 * height) * (1.0 - depth * step(0.035, 0.008, vein)))
    })
}

/// Outlines of the things that belong to no class.
#[derive(Clone, Copy)]
enum Outline {
    Pebble,
    Slab,
    Twig,
    Ring,
    Wedge,
}

/// Surfaces of the things that belong to no class: those of the classes, too.
#[derive(Clone, Copy)]
enum Surface {
    Plain,
    Bands,
    Dots,
    Mottled,
}

/// Scatters things of no class over the canvas.
pub(super) fn clutter(canvas: &mut Canvas, light: &Light, palette: &[Rgb], draw: &mut Draw) {
    use Outline::{Pebble, Ring, Slab, Twig, Wedge};
    use Surface::{Bands, Dots, Mottled, Plain};
    for _ in 0..draw.count(3, 7) {
        let outline = draw.pick(&[Pebble, Slab, Twig, Ring, Wedge]);
        let surface = draw.pick(&[Plain, Bands, Dots, Mottled]);
        let radius = draw.range(5.0, 13.0);
        let place = Pose {
            centre: p(draw.range(0.0, 96.0), draw.range(0.0, 96.0)),
            radius: if matches!(outline, Twig) { 1.5 * radius } else { radius },
            axis: ray(draw.unit()),
            mirror: false,
        };
        let colours = (draw.pick(palette), draw.pick(palette));
        let muted = |colour| lit(mix(colour, [0.5; 3], 0.25), 0.9);
        let (main, second) = (muted(colours.0), muted(colours.1));
        let (squash, grain) = (draw.range(0.5, 0.9), Noise::draw(draw));
        if matches!(outline, Pebble | Slab | Wedge) {
            light.cast(canvas, &place);
        }
        stamp(canvas, &place, light, |at| {
            let depth = inside(outline, at, squash, grain)?;
            let pattern = pattern(surface, at, grain);
            let colour = mix(main, second, pattern);
            Some(Dab { colour, height: dome(depth, 0.4) * 0.3 })
        });
    }
}

/// Depth below the outline, `None` outside.
fn inside(outline: Outline, at: P, squash: f32, lumps: Noise) -> Option<f32> {
    let depth = match outline {
        Outline::Pebble => {
            let lump = 0.25 * lumps.value(at.x * 1.4, at.y * 1.4);
            1.0 - lump - at.in_ellipse(p(0.0, 0.0), 1.0, squash).sqrt()
        }
        Outline::Slab => -at.to_box(p(0.78, 0.78 * squash * squash), 0.12),
        Outline::Twig => {
            let bent = p(at.x, at.y + squash * 0.3 * at.x * at.x);
            0.1 - bent.to_segment(p(-0.85, 0.0), p(0.85, 0.0))
        }
        Outline::Ring => 0.16 - (at.len() - 0.8).abs(),
        Outline::Wedge => (0.55 * squash - at.y).min(0.8 * (at.y + 0.75) - at.x.abs()),
    };
    (depth > 0.0).then_some(depth)
}

/// How much of the second colour shows.
fn pattern(surface: Surface, at: P, grain: Noise) -> f32 {
    match surface {
        Surface::Plain => 0.2 * grain.value(at.x * 4.0, at.y * 4.0),
        Surface::Bands => step(0.4, 0.6, wave(at.x * 2.2)),
        Surface::Dots => step(0.4, 0.6, wave(at.x * 1.6) * wave(at.y * 1.6)),
        Surface::Mottled => step(0.35, 0.65, grain.octaves(at.x * 4.0, at.y * 4.0, 2)),
    }
}
