//! The page of results, in a real browser: the script of the page is driven by a script of the test
//! and the browser prints what became of the document.

#[path = "common/skip.rs"]
mod skip;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use std::{
    fs,
    path::{Path, PathBuf},
    process,
};
use tempfile::TempDir;

/// Names a browser is known by; `CHROMIUM` names another one.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A picture's name that is markup, and one with quotes.
const NAMES: [&str; 3] = ["<img src=x onerror=fail()>.png", "it's \"b\" & c.png", "plain.png"];

const METHODS: &str = "random,gradient,sensitivity:norm=l2,lrp-epsilon";

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || {
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        BROWSERS.iter().find_map(|b| folders.iter().map(|f| f.join(b)).find(|p| p.is_file()))
    };
    named.or_else(found)
}

fn program(folder: &Path, arguments: &[&str]) -> process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pixelflip"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn done(folder: &Path, arguments: &[&str]) {
    let output = program(folder, arguments);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A finished run on three pictures below `out`.
fn run() -> TempDir {
    run_by("uniform")
}

/// The same by these perturbations.
fn run_by(perturbations: &str) -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::copy(root.join("tests/data/onnx/tinyvgg.ts17_fix.onnx"), desk.path().join("m.onnx"))
        .unwrap();
    let sidecar = "channels = 'rgb'\nscale = 0.00392156862745098\nmean = [0.5, 0.4, 0.3]\n\
                   std = [0.2, 0.3, 0.25]\n";
    fs::write(desk.path().join("m.toml"), sidecar).unwrap();
    fs::create_dir(desk.path().join("pictures")).unwrap();
    for (i, name) in NAMES.iter().enumerate() {
        let wave = |v: u32, step: u32| (127.0 + 120.0 * (f64::from(v * step) * 0.07).sin()) as u8;
        let i = i as u32;
        let at = |x, y| Rgb([wave(x, i + 2), wave(y, i + 3), wave(x + y, 2 * i + 1)]);
        RgbImage::from_fn(32, 32, at).save(desk.path().join("pictures").join(name)).unwrap();
    }
    let arguments = "run --model m.onnx --data pictures --region 8 --steps 8 --repeats 2 --out out";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    // there are no boxes, so the second metric is not defined
    arguments.extend(["--methods", METHODS, "--metrics", "sparseness,iou"]);
    arguments.extend(["--perturbation", perturbations]);
    done(desk.path(), &arguments);
    desk
}

/// Told to the browser before anything else: remember what goes wrong.
const WATCH: &str = "<script>window.wrong = [];
addEventListener('error', (e) => wrong.push('error: ' + e.message));
addEventListener('unhandledrejection', (e) => wrong.push('rejected: ' + e.reason));
addEventListener('securitypolicyviolation', (e) => wrong.push('policy: ' + e.blockedURI));
window.fail = () => wrong.push('a file name was run');</script>";

/// What the test does with the page; `say` writes into the document, which the browser prints.
const DRIVE: &str = r##"<script>
// somebody is there before the pictures are
const early = document.querySelector('[data-exhibit] [data-role="step"]');
early.value = "3";
early.dispatchEvent(new Event("input"));
const earlyScore = document.querySelector('[data-exhibit] [data-role="score"]').textContent;
addEventListener("load", () => {
  const said = [];
  const say = (name, value) => said.push(name + "=" + JSON.stringify(value));
  const one = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const visible = (e) => e.getClientRects().length > 0;
  try {
    // switches
    const lines = () => all('[data-panel="s0p0"] .line').filter(visible).length;
    say("lines at first", lines());
    one('[data-switch="1"]').click();
    say("lines with one off", lines());
    one('[data-all="off"]').click();
    say("lines with none", lines());
    one('[data-all="on"]').click();
    say("lines with all", lines());
    // tabs
    say("panels at first", all("[data-panel]").filter(visible).length);
    all("[data-tab]")[3].click();
    say("panel chosen", all("[data-panel]").filter(visible).map((p) => p.dataset.panel));
    all("[data-tab]")[0].click();
    // read-out by pointer and by keys
    const chart = one('[data-panel="s0p0"] svg.chart');
    const frame = chart.getBoundingClientRect();
    chart.dispatchEvent(new PointerEvent("pointermove",
      { clientX: frame.left + frame.width * 634 / 680, clientY: frame.top + 50, bubbles: true }));
    const readout = one('[data-panel="s0p0"] .readout');
    say("read-out", readout.innerText.split("\n")[0]);
    say("read-out lines", all("div", readout).length);
    const first = one("span:last-child", one("div", readout)).textContent.split(" ")[0];
    say("read-out is the table", one(".ranking tbody tr td:nth-of-type(3)").textContent.startsWith(first.slice(0, 5)));
    chart.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
    chart.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    say("read-out by keys", readout.innerText.split("\n")[0]);
    say("read-out by ear", [chart.getAttribute("role"), chart.getAttribute("aria-valuenow"),
      chart.getAttribute("aria-valuetext").split(",").length]);
    one('[data-switch="1"]').click();
    say("read-out with one off", all("div", readout).length);
    one('[data-switch="1"]').click();
    say("read-out with all", all("div", readout).length);
    // paired differences
    const pairs = one(".matrix.pairs");
    const words = one(".chosen-pair");
    const cell = (row, column) => all("td", pairs.tBodies[0].rows[row])[column];
    cell(0, 1).click();
    say("pair by click", words.textContent === cell(0, 1).title);
    cell(0, 1).dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    say("a method against itself is passed over", words.textContent === cell(2, 1).title);
    say("stops in the matrix", all('td[tabindex="0"]', pairs).length);
    say("pairs in the list", all("#differences details tbody tr").length);
    // names of rows stay
    say("names that stay", all("tbody th[scope=row]").every((th) => getComputedStyle(th).position === "sticky"));
    // paper
    dispatchEvent(new Event("beforeprint"));
    say("folded on paper", all("details:not([open])").length);
    dispatchEvent(new Event("afterprint"));
    say("folded again", all("details:not([open])").length > 0);
    // sort
    const table = one(".ranking");
    const column = (k) => Array.from(table.tBodies[0].rows).map((row) => row.cells[k].textContent.trim());
    const before = column(1);
    const head = table.tHead.rows[0].cells[0];
    one("button", head).click();
    say("sorted up", column(0));
    one("button", head).click();
    say("sorted down", column(0));
    say("direction", head.getAttribute("aria-sort"));
    one("button", head).click();
    say("as before", JSON.stringify(column(1)) === JSON.stringify(before));
    // metrics of heat maps
    const measures = one(".measures");
    const heads = all("button", measures.tHead);
    say("metrics", heads.map((button) => button.textContent.trim()));
    heads[2].click();
    const means = Array.from(measures.tBodies[0].rows).map((row) => Number(row.cells[2].dataset.v));
    say("means", means.length);
    say("sorted by a metric", means.every((mean, i) => i === 0 || means[i - 1] <= mean));
    say("metrics that are not defined", all("#heat-maps code").map((name) => name.textContent));
    say("layout of mean ranks", all(".ranks").filter(visible).map((chart) => chart.classList[2]));
    // filter
    const field = one("[data-filter]");
    field.value = "LERF lrp";
    field.dispatchEvent(new Event("input"));
    say("filtered", one("[data-count]").textContent);
    // slider
    const exhibit = one("[data-exhibit]");
    const part = (role) => one('[data-role="' + role + '"]', exhibit);
    const canvas = one("canvas", exhibit);
    const copy = new OffscreenCanvas(32, 32).getContext("2d", { willReadFrequently: true });
    const pixels = () => {
      copy.drawImage(canvas, 0, 0);
      return Array.from(copy.getImageData(0, 0, 32, 32).data);
    };
    const changed = (a, b) => {
      let count = 0;
      for (let i = 0; i < a.length; i += 4) {
        if (a[i] !== b[i] || a[i + 1] !== b[i + 1] || a[i + 2] !== b[i + 2]) count += 1;
      }
      return count;
    };
    say("score at once", earlyScore.split(":")[0]);
    const soon = pixels();
    part("step").value = "0";
    part("step").dispatchEvent(new Event("input"));
    const whole = pixels();
    say("pixels gone at once", changed(whole, soon) / 64);
    const width = (e) => e.getBoundingClientRect().width;
    say("slider on a row of its own", width(part("step").closest("label")) > 0.95 * width(one(".controls", exhibit)));
    say("names at the ends of lines", all('[data-panel="s0p0"] .long').filter(visible).length);
    say("other ways to measure", all(".bars tbody tr").length > 3 && all(".verdict").length === 1);
    const scores = [];
    for (const step of [0, 1, 8]) {
      part("step").value = String(step);
      part("step").dispatchEvent(new Event("input"));
      scores.push(part("score").textContent);
      say("pixels gone after " + step, changed(whole, pixels()) / 64);
    }
    say("scores", scores);
    const morf = pixels();
    part("order").value = "lerf";
    part("order").dispatchEvent(new Event("change"));
    say("order matters", changed(morf, pixels()) > 0);
    say("chart of the order", all("[data-order]", exhibit).filter(visible).map((part) =>
      one("svg", part).textContent.includes("(" + part.dataset.order + ")") && part.dataset.order));
    say("change of a logit", part("score").textContent.includes(" %"));
    all(".maps button", exhibit)[1].click();
    say("map chosen", part("method").value === all(".maps li", exhibit)[1].dataset.m);
    say("maps pressed", all('.maps button', exhibit).map((b) => b.getAttribute("aria-pressed")));
    one("#overlay").click();
    say("overlay", one(".heat", exhibit).style.backgroundImage.includes("url("));
    // names from users are text
    say("names", all(".exhibit h3").map((h) => h.textContent).sort());
    // appearance
    const colour = () => getComputedStyle(document.body).backgroundColor;
    one("#appearance").click();
    const light = colour();
    one("#appearance").click();
    say("dark is darker", colour() !== light);
    // everything that can be used has a name
    const named = (e) => (e.textContent + (e.getAttribute("aria-label") || "") + e.title +
      (e.labels ? Array.from(e.labels).map((l) => l.textContent).join("") : "")).trim() !== "";
    say("without a name", all("button, input, select").filter((e) => !named(e)).length);
  } catch (e) { say("exception", String(e) + e.stack); }
  say("wrong", window.wrong);
  const out = document.createElement("pre");
  out.id = "said";
  out.textContent = said.join("\n");
  document.body.append(out);
});
</script>"##;

/// What the page must say to that.
const EXPECTED: &str = r#"
lines at first=4
lines with one off=3
lines with none=0
lines with all=4
panels at first=1
panel chosen=["s0p3"]
read-out="8 regions removed"
read-out lines=4
read-out is the table=true
read-out by keys="1 region removed"
read-out by ear=["slider","1",5]
read-out with one off=3
read-out with all=4
pair by click=true
a method against itself is passed over=true
stops in the matrix=1
pairs in the list=6
names that stay=true
folded on paper=0
folded again=true
sorted up=["1","2","3","4"]
sorted down=["4","3","2","1"]
direction="descending"
as before=true
metrics=["Rank","Method","sparseness"]
means=4
sorted by a metric=true
metrics that are not defined=["iou:object=auto"]
layout of mean ranks=["broad"]
filtered="1 of 8 rows"
score at once="3 of 8 regions removed"
pixels gone at once=3
slider on a row of its own=true
names at the ends of lines=4
other ways to measure=true
pixels gone after 0=0
pixels gone after 1=1
pixels gone after 8=8
order matters=true
chart of the order=["lerf"]
change of a logit=false
map chosen=true
maps pressed=["false","true","false","false"]
overlay=true
names=["<img src=x onerror=fail()>.png","it's \"b\" & c.png","plain.png"]
dark is darker=true
without a name=0
wrong=[]
"#;

/// Opens a page without a network and gives the document that it became, and the console.
fn open(browser: &Path, page: &Path, more: &[&str]) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let mut command = process::Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=4000"]);
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,900"]);
    let output = command.args(more).arg(format!("file://{}", page.display())).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let console: Vec<String> = text(&output.stderr)
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .map(str::to_owned)
        .collect();
    (text(&output.stdout), console.join("\n"))
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&")
}

// a browser takes seconds to start
#[test]
fn the_page_works_in_a_browser_and_says_nothing_on_its_console() {
    let Some(browser) = browser() else {
        return skip::left_out("chromium", "there is no Chromium on this machine");
    };
    let desk = run();
    let page = fs::read_to_string(desk.path().join("out/report.html")).unwrap();
    let driven = page.replacen("<head>", &format!("<head>{WATCH}"), 1).replacen(
        "</body>",
        &format!("{DRIVE}</body>"),
        1,
    );
    let path = desk.path().join("driven.html");
    fs::write(&path, driven).unwrap();
    let (document, console) = open(&browser, &path, &["--dump-dom"]);
    let said = document.split("<pre id=\"said\">").nth(1);
    let said = said.unwrap_or_else(|| panic!("the page did not get ready\n{console}"));
    let said = unescaped(said.split("</pre>").next().unwrap());
    for line in EXPECTED.trim().lines() {
        assert!(said.lines().any(|l| l == line), "expected {line}\n{said}\n{console}");
    }
    assert!(said.contains("\"0 of 8 regions removed: score "), "{said}");
    assert_eq!(console, "");
}

/// What the test asks a page on a small screen: whether it is wider than the screen, and which methods
/// the diagram of mean ranks names.
const MEASURE: &str = r#"<script>
addEventListener("load", () => {
  const root = document.documentElement;
  const charts = Array.from(document.querySelectorAll(".ranks")).filter((c) => c.getClientRects().length > 0);
  const inside = (name) => {
    const place = name.getBoundingClientRect();
    return place.left >= 0 && place.right <= root.clientWidth;
  };
  const names = charts.flatMap((chart) => Array.from(chart.querySelectorAll(".name")));
  const fits = () => root.scrollWidth <= root.clientWidth;
  const settings = () => Array.from(document.querySelectorAll(".setting")).filter((e) => e.getClientRects().length > 0).length;
  const shown = [fits(), charts.length, names.filter(inside).map((name) => name.textContent).sort(), settings()];
  const choice = document.querySelector("[data-settings]");
  for (const value of ["1", "all"]) {
    choice.value = value;
    choice.dispatchEvent(new Event("change"));
    shown.push(settings());
  }
  const out = document.createElement("pre");
  out.id = "said";
  out.textContent = shown.concat([document.querySelectorAll(".places .line").length, fits()]).join(" ");
  document.body.append(out);
});
</script>"#;

#[test]
fn on_a_small_screen_nothing_is_cut_off() {
    let Some(browser) = browser() else {
        return skip::left_out("chromium", "there is no Chromium on this machine");
    };
    let desk = run_by("uniform,mean-image");
    let page = fs::read_to_string(desk.path().join("out/report.html")).unwrap();
    let path = desk.path().join("measured.html");
    fs::write(&path, page.replacen("</body>", &format!("{MEASURE}</body>"), 1)).unwrap();
    // the narrowest window that there is
    let (document, console) = open(&browser, &path, &["--dump-dom", "--window-size=390,900"]);
    let said = document.split("<pre id=\"said\">").nth(1);
    let said = said.unwrap_or_else(|| panic!("the page did not get ready\n{console}"));
    let names = "gradient,lrp-epsilon,random,sensitivity";
    // one setting at a time, the second, then both; places of four methods
    assert_eq!(said.split("</pre>").next().unwrap(), format!("true 1 {names} 1 1 2 4 true"));
    assert_eq!(console, "");
}

#[test]
fn the_page_is_made_again_from_the_folder_alone() {
    let desk = run();
    let path = |name: &str| desk.path().join(name);
    let first = fs::read(path("out/report.html")).unwrap();
    done(desk.path(), &["report", "out", "--out", "again.html"]);
    assert!(fs::read(path("again.html")).unwrap() == first, "the same bytes");
    done(desk.path(), &["report", "out", "--gallery", "1", "--out", "small.html"]);
    let small = fs::read_to_string(path("small.html")).unwrap();
    assert_eq!(small.matches("<article").count(), 1);
    done(
        desk.path(),
        &["report", "out", "--colormap", "viridis", "--percentile", "95", "--out", "v.html"],
    );
    let viridis = fs::read_to_string(path("v.html")).unwrap();
    assert!(viridis.contains("95th percentile of relevance") && viridis.contains("rgb(68 1 84)"));

    // the report only reads: neither the model nor the pictures are needed
    let articles = |name: &str| fs::read_to_string(path(name)).unwrap().matches("<article").count();
    for (from, to) in [("m.onnx", "moved.onnx"), ("pictures", "moved")] {
        fs::rename(path(from), path(to)).unwrap();
    }
    done(desk.path(), &["report", "out", "--out", "far.html"]);
    assert!(fs::read(path("far.html")).unwrap() == first, "the same bytes");
    fs::rename(path("out/gallery.parquet"), path("kept")).unwrap();
    done(desk.path(), &["report", "out", "--out", "none.html"]);
    assert_eq!(articles("none.html"), 0);
    let refused = program(desk.path(), &["report", "out", "--gallery", "2", "--out", "no.html"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("the run kept 0 pictures, not 2: with `--gallery 2`"), "{told}");
    // what is lost is explained again by the command of the run, to the last bit
    for (from, to) in [("moved.onnx", "m.onnx"), ("moved", "pictures")] {
        fs::rename(path(from), path(to)).unwrap();
    }
    done(desk.path(), &["run", "out/manifest.json", "--out", "out"]);
    assert!(fs::read(path("out/gallery.parquet")).unwrap() == fs::read(path("kept")).unwrap());

    for (arguments, message) in [
        (vec!["report", "missing"], "which every folder of results has"),
        (vec!["report", "pictures"], "which every folder of results has"),
        (vec!["report", "out", "--colormap", "virdis"], "did you mean `viridis`?"),
        (vec!["report", "out", "--percentile", "20"], "above 50 and up to 100"),
    ] {
        let refused = program(desk.path(), &arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && told.contains(message), "{told}");
    }
}
