//! Names that folders, files and tables bring along: numbers as names, and what would turn a terminal over.

use super::{Desk, SIDECAR, picture, stderr, stdout};
use std::fs;

/// The pictures of `desk` again, one in each of these class folders.
fn folders(desk: &Desk, root: &str, names: &[&str]) {
    for (i, name) in names.iter().enumerate() {
        let folder = desk.path(&format!("{root}/{name}"));
        fs::create_dir_all(&folder).unwrap();
        picture(i as u32, 32).save(folder.join("p.png")).unwrap();
    }
}

#[test]
fn folders_named_by_numbers_are_the_classes_or_it_is_asked_which() {
    let desk = Desk::new(1);
    folders(&desk, "zero", &["0", "2", "007"]);
    folders(&desk, "one", &["1", "2", "3"]);
    folders(&desk, "many", &["0", "2", "10"]);
    let run = "run --model m.onnx --methods random --steps 2 --region 8 --quiet --dry-run --data";
    let mut told: Vec<String> =
        ["zero", "one", "many"].map(|data| desk.told(&format!("{run} {data}"))).to_vec();
    told.push(stdout(&desk.expect(0, "data check one")));
    told.push(stdout(&desk.expect(0, "data check zero")));
    told.push(stdout(&desk.expect(0, "data check one --layout classes:first=1")));
    insta::assert_snapshot!(told.join("\n"));
    desk.expect(0, &format!("{} zero --out r", run.replace(" --dry-run", "")));
    let manifest = fs::read_to_string(desk.path("r/manifest.json")).unwrap();
    assert!(manifest.contains("whose names are the classes' numbers"), "{manifest}");
}

#[test]
fn numbers_in_names_that_the_order_of_the_text_shuffles_are_told() {
    let desk = Desk::new(0);
    let names: Vec<String> = (1..=10).map(|k| format!("class_{k}")).collect();
    folders(&desk, "sets", &names.iter().map(String::as_str).collect::<Vec<&str>>());
    let run = "run --model m.onnx --methods random --steps 2 --region 8 --dry-run --data sets";
    let noted = |arguments: &str| {
        let plan = stdout(&desk.expect(0, arguments));
        let mut notes =
            plan.lines().filter(|line| line.starts_with("note") && line.contains("as text"));
        notes.next().unwrap_or("").to_owned()
    };
    insta::assert_snapshot!(noted(run));
    assert_eq!(noted(&format!("{run} --layout classes:numbers=order")), "");
    // the network's own names settle it
    fs::write(desk.path("classes.txt"), names.join("\n")).unwrap();
    fs::write(desk.path("m.toml"), format!("{SIDECAR}classes = 'classes.txt'\n")).unwrap();
    assert_eq!(noted(run), "");
}

#[test]
fn labels_that_no_network_can_have_are_refused() {
    let desk = Desk::new(1);
    let told = ["18446744073709551615", "2000000000", "-1", "1e300"].map(|label| {
        fs::write(desk.path("pictures/labels.csv"), format!("file,label\n0.png,{label}\n"))
            .unwrap();
        desk.told("data check pictures")
    });
    insta::assert_snapshot!(told.concat());
}

#[cfg(unix)]
#[test]
fn control_characters_of_names_are_written_out_wherever_they_are_printed() {
    let desk = Desk::new(2);
    let evil = "a\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\nerror: b.png";
    fs::write(desk.path("pictures").join(evil), "no picture").unwrap();
    fs::create_dir(desk.path("sets")).unwrap();
    for class in [evil, "other\r\u{202e}"] {
        fs::create_dir(desk.path("sets").join(class)).unwrap();
        fs::copy(desk.path("pictures/0.png"), desk.path("sets").join(class).join("p.png")).unwrap();
    }
    let classes: Vec<String> = (0..10).map(|k| format!("{k} \u{1b}[5m\u{7}")).collect();
    fs::write(desk.path("classes.txt"), classes.join("\n")).unwrap();
    fs::write(desk.path("m.toml"), format!("{SIDECAR}classes = 'classes.txt'\n")).unwrap();
    let run = "run --model m.onnx --methods random --steps 2 --region 8 --out r --data pictures";
    let all = [
        "data check pictures",
        "data check sets",
        "predict --model m.onnx --input pictures/0.png",
        run,
        &run.replace("--out r", "--out l --log json"),
        &run.replace("--out r --data pictures", "--out s --data sets --verbose"),
        "rank r",
        "diff r r",
        "status r",
    ];
    for arguments in all {
        let output = desk.run(arguments);
        let told = stdout(&output) + &stderr(&output);
        assert!(told.lines().all(|line| !line.starts_with("error: b.png")), "{told}");
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!told.contains(raw), "{arguments}: {told:?}");
    }
    let broken = stderr(&desk.expect(1, "data check pictures"));
    insta::assert_snapshot!(broken);
}

#[cfg(unix)]
#[test]
fn control_characters_of_names_reach_no_figure_page_or_manifest() {
    let desk = Desk::new(1);
    let evil = "a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}";
    folders(&desk, "sets", &[evil, "other"]);
    let model = format!("m{evil}.onnx");
    fs::copy(desk.path("m.onnx"), desk.path(&model)).unwrap();
    fs::copy(desk.path("m.toml"), desk.path(&format!("m{evil}.toml"))).unwrap();
    let run = "run --methods random --steps 2 --region 8 --out r --data sets --model";
    desk.expect(0, &format!("{run} {model}"));
    for file in ["report.html", "manifest.json", "aopc.svg", "summary.csv"] {
        let text = fs::read_to_string(desk.path("r").join(file)).unwrap();
        let raw = |c: char| (c.is_control() && !"\n\r\t".contains(c)) || c == '\u{202e}';
        assert!(!text.contains(raw), "{file}");
    }
    let manifest = fs::read_to_string(desk.path("r/manifest.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(read["model"]["name"], model);
}
