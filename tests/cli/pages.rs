//! One page of several runs.

use super::{Desk, stderr};
use std::fs;

#[test]
fn a_page_of_several_runs_has_their_rankings_and_pages_and_odd_ones_are_refused() {
    let desk = Desk::new(0);
    let run = "run --images 4 --steps 5 --repeats 1 --quiet";
    let methods = "--methods random,gradient,sensitivity";
    desk.expect(0, &format!("{run} {methods} --out a"));
    desk.expect(0, &format!("{run} {methods} --region 12 --out b"));
    desk.expect(0, &format!("{run} --methods random,occlusion --out c"));
    desk.expect(0, "report a b --out both.html --gallery 1");
    let page = fs::read_to_string(desk.path("both.html")).unwrap();
    assert!(page.contains("over the 3 methods that both have is"), "the answer");
    assert!(page.contains("by AOPC, most relevant first"), "the metric in words");
    assert_eq!(page.matches("<iframe srcdoc").count(), 2);
    // what is in the pages inside cannot end the attribute that it stands in
    let inside = page.split("srcdoc=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(
        inside.starts_with("&lt;!doctype html>\n&lt;html") && !inside.contains('<'),
        "{inside:.40}"
    );
    let alone = fs::read_to_string(desk.path("a/report.html")).unwrap();
    assert!(alone.contains("AOPC, most relevant first"));

    let said = stderr(&desk.expect(2, "report a ./a --out x.html"));
    assert!(said.contains("name each run once"), "{said}");
    let said = stderr(&desk.expect(2, "report a c --out x.html"));
    assert!(said.contains("have only `random` in common"), "{said}");
    let said = stderr(&desk.expect(2, "report a nowhere --out x.html"));
    assert!(said.contains("nowhere/manifest.json"), "{said}");
    desk.expect(0, "properties --images 2 --methods lrp-zero --quiet --out p");
    for folders in ["p", "a p"] {
        let said = stderr(&desk.expect(2, &format!("report {folders} --out x.html")));
        assert!(said.contains("`p` has the results of `pixelflip properties`"), "{said}");
    }
    assert!(!desk.path("x.html").exists(), "nothing half made");
}
