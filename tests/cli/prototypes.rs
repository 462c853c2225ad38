//! Prototypes, end to end.

use super::{
    Desk, skip, stderr, stdout,
    survive::{begin, wait_until},
};
use pixelflip::{
    run::prototypes::{Judged, PrototypeRow},
    table::record::Record as _,
};
use std::{fs, path::Path};

/// Two classes under three rows of priors, one of which is learned from pictures; all that is drawn at random is.
const FEW: &str = "prototype --model m.onnx --class 3,7 --prior l2,jitter --prior total-variation,blur:every=2 \
                   --prior patch-prior:patches=20:of=all --init noise --restarts 2 --steps 3 --data pictures --judge m.onnx";

#[test]
fn prototypes_are_the_same_bytes_for_any_number_of_threads_in_shards_and_after_a_stop() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{FEW} --threads 1 --out one"));
    let one = desk.tables("one");
    for name in [
        "grid.png",
        "traces.svg",
        "prototypes.html",
        "judges.csv",
        "nearest.parquet",
        "pictures/class-003-l2+jitter.png",
    ] {
        assert!(one.contains_key(name), "{name}: {:?}", one.keys());
    }
    desk.expect(0, &format!("{FEW} --threads 3 --out three"));
    assert!(one == desk.tables("three"), "3 threads");
    for i in 0..2 {
        desk.expect(0, &format!("{FEW} --shard {i}/2 --out shards"));
    }
    desk.expect(0, &format!("{FEW} --out shards"));
    assert!(one == desk.tables("shards"), "shards");
    let stopped = stderr(&desk.expect(75, &format!("{FEW} --max-time 0s --out out")));
    assert!(stopped.contains("stopped with 0 of 6 prototypes done"), "{stopped}");
    desk.expect(0, &format!("{FEW} --shard 1/3 --out out"));
    let gone_on = stderr(&desk.expect(0, &format!("{FEW} --out out")));
    assert!(gone_on.contains("6 prototypes, 6 steps each, 2 of them done already"), "{gone_on}");
    assert!(one == desk.tables("out"), "after a stop");
    // what was lost is made again, and a complete folder is left as it is
    fs::remove_file(desk.path("out/parts/unit-00004.json")).unwrap();
    desk.expect(0, &format!("{FEW} --out out"));
    desk.expect(0, "prototype out/manifest.json --out out");
    assert!(one == desk.tables("out"), "after a loss");
    // other prototypes have another folder
    let refused = stderr(&desk.expect(2, &format!("{FEW} --seed 1 --out out")));
    assert!(refused.contains("`seed` is 0 there and 1 here"), "{refused}");
    let refused =
        stderr(&desk.expect(2, "run --model m.onnx --data pictures --region 8 --out out"));
    assert!(refused.contains("prototypes"), "{refused}");
}

#[test]
fn killed_prototypes_go_on_and_are_the_same_bytes() {
    let desk = Desk::new(1);
    let long = "prototype --model m.onnx --prior l2,jitter --steps 60 --threads 1 --out";
    desk.expect(0, &format!("{long} one"));
    let mut child = begin(&desk, &format!("{long} out"));
    wait_until(&mut child, || desk.path("out/parts/unit-00001.json").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let gone_on = stderr(&desk.expect(0, &format!("{long} out")));
    assert!(gone_on.contains("of them done already"), "{gone_on}");
    let out = desk.tables("out");
    assert!(!out.keys().any(|name| name.contains("manifest") && name.ends_with("tmp")));
    assert!(desk.tables("one") == out);
}

#[test]
fn what_diverges_is_named_and_the_rest_is_kept() {
    let desk = Desk::new(1);
    let told = "prototype --model m.onnx --class 1 --prior l2 --prior l2:weight=1e38,total-variation:weight=1e300 \
                --prior expert --steps 4 --out out";
    let output = desk.expect(1, told);
    let said = stderr(&output);
    assert!(said.contains("no prototype `class-001-l2+total-variation`: "), "{said}");
    assert!(
        said.contains(" is not finite after ") && said.contains("choose a smaller `step`"),
        "{said}"
    );
    assert!(said.contains("the row `expert` stays empty") && said.contains("--data"), "{said}");
    assert_eq!(said.matches("`expert` is learned").count(), 1, "{said}");
    assert!(
        said.contains("1 prototype, ") && said.contains("1 could not be made, 1 cannot be had"),
        "{said}"
    );
    assert_eq!(stdout(&output).lines().count(), 4);
    let page = fs::read_to_string(desk.path("out/prototypes.html")).unwrap();
    assert!(page.contains("choose a smaller") && page.contains(">none</div>"));
}

#[test]
fn neurons_are_climbed_too() {
    let desk = Desk::new(1);
    let conv = "/features/features.2/Conv";
    let output = desk.expect(
        0,
        &format!("prototype --model m.onnx --objective neuron:{conv}:1 --steps 5 --out n"),
    );
    assert!(
        stdout(&output).contains(&format!("neuron:layer={conv}:channel=1")),
        "{}",
        stdout(&output)
    );
    assert!(desk.path("n/pictures/neuron-l2.png").exists());
}

#[test]
fn bad_input_of_prototypes() {
    let desk = Desk::new(1);
    fs::write(desk.path("g.onnx"), "no network").unwrap();
    fs::create_dir(desk.path("full")).unwrap();
    fs::write(desk.path("full/notes.txt"), "mine").unwrap();
    let told = [
        "--class 10",
        "--class bird",
        "--class 5-3",
        "--objective logits",
        "--objective neuron:nowhere:0",
        "--objective neuron",
        "--prior l3",
        "--prior l2:weight=-1",
        "--prior patch-prior",
        "--prior generator",
        "--prior expert:density=missing.onnx",
        "--prior l2 --prior l2",
        "--optimiser sgd",
        "--generator g.onnx",
        "--generator m.onnx",
        "--codes fit",
        "--judge scenes",
        "--judge missing.onnx",
        "--init missing.npy",
        "--keep first",
        "--steps 0",
        "--data nowhere",
        "--out full",
    ];
    let told = told.map(|flags| desk.told(&format!("prototype --model m.onnx {flags}")));
    insta::with_settings!({ filters => [(r"cannot read[^\n]*missing[^\n]*", "cannot read [missing]")] }, {
        insta::assert_snapshot!("bad_input_of_prototypes", told.concat());
    });
}

/// Probability of each prototype by its own network, and whether the other one agrees.
fn own_and_other(desk: &Desk, folder: &str) -> Vec<(f64, bool)> {
    let rows = PrototypeRow::read(&desk.path(&format!("{folder}/prototypes.parquet"))).unwrap();
    let judged = Judged::read(&desk.path(&format!("{folder}/judges.parquet"))).unwrap();
    rows.iter().zip(judged).map(|(row, judged)| (row.probability.unwrap(), judged.agrees)).collect()
}

#[test]
fn networks_take_their_prototypes_for_digits_and_with_a_decoder_each_others() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if !shared.exists() {
        return skip::left_out("assets", "the MNIST networks are not here");
    }
    let desk = Desk::new(0);
    let shared = shared.display();
    let (lenet, burn) = ("mnist_lenet5_lrptoolbox", "mnist_burn_bn");
    let decoder = format!(
        "--generator {shared}/prototypes/mnist_decoder/decoder_z16.onnx \
         --codes {shared}/prototypes/mnist_decoder/mean_codes.npy --prior l2:weight=0.05"
    );
    for (own, other, out) in [(lenet, burn, "a"), (burn, lenet, "b")] {
        let models =
            format!("--model {shared}/models/{own}.onnx --judge {shared}/models/{other}.onnx");
        desk.expect(0, &format!("prototype {models} --out {out}"));
        let pixels = own_and_other(&desk, out);
        assert!(pixels.len() == 10 && pixels.iter().all(|(p, _)| *p > 0.99), "{own}: {pixels:?}");
        desk.expect(0, &format!("prototype {models} {decoder} --steps 60 --out {out}g"));
        let painted = own_and_other(&desk, &format!("{out}g"));
        assert!(painted.iter().all(|(p, agrees)| *p > 0.99 && *agrees), "{own}: {painted:?}");
    }
}
