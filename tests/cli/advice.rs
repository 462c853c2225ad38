//! What the program says so that nobody works for nothing, or believes too much.

use super::{Desk, SMALL, picture, stderr, stdout};
use std::fs;

#[test]
fn runs_of_different_methods_are_ranked_together_although_both_have_the_random_order() {
    let desk = Desk::new(4);
    let run = |methods: &str, out: &str| {
        let ours = SMALL.replace("random,gradient,lrp-epsilon", methods);
        desk.expect(0, &format!("{ours} --out {out}"));
    };
    run("random,gradient", "a");
    run("random,lrp-epsilon", "b");
    desk.expect(0, &format!("{SMALL} --out both"));
    let ranking = |folders: &str| {
        desk.expect(0, &format!("rank {folders} --out tabs"));
        fs::read_to_string(desk.path("tabs/pairs.csv")).unwrap()
    };
    assert_eq!(ranking("a b"), ranking("both"));
    assert_eq!(ranking("both both"), ranking("both"));
}

#[test]
fn pictures_that_do_not_fit_are_told_once_and_leave_the_folder_free() {
    let desk = Desk::new(0);
    for i in 0..40 {
        picture(i, 48).save(desk.path(&format!("pictures/{i}.png"))).unwrap();
    }
    let told = stderr(&desk.expect(2, &format!("{SMALL} --out out")));
    // once as a warning, once as the error
    assert_eq!(told.matches("the picture is 48x48 pixels").count(), 2, "{told}");
    assert!(!desk.path("out").exists());
    desk.expect(0, &format!("{SMALL} --resize exact --out out"));
    let told =
        stderr(&desk.expect(2, &format!("{SMALL} --resize short=40 --crop center --out out")));
    assert!(
        told.contains(r#"`preprocess.resize` is "exact" there and {"short":40} here"#),
        "{told}"
    );
    assert!(!told.contains("mean"), "only what differs: {told}");
}

#[test]
fn one_picture_that_fits_is_found_among_many_that_do_not() {
    let desk = Desk::new(1);
    for i in 1..40 {
        picture(i, 48).save(desk.path(&format!("pictures/1{i}.png"))).unwrap();
    }
    // not among those that are looked at first
    fs::rename(desk.path("pictures/0.png"), desk.path("pictures/1110.png")).unwrap();
    let told = stderr(&desk.expect(1, &format!("{SMALL} --out out")));
    assert!(told.contains("none of 16 pictures fits, looking at all 40"), "{told}");
    assert!(told.contains("1 picture, 12 curves, 39 pictures skipped"), "{told}");
}

#[test]
fn a_folder_without_a_usable_picture_is_as_it_was() {
    let desk = Desk::new(20);
    // those that are looked at before fit, but have no label
    let told = stderr(&desk.expect(2, &format!("{SMALL} --target label --out out")));
    assert!(told.contains("no picture could be used, 20 were tried"), "{told}");
    assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 0);
    desk.expect(0, &format!("{SMALL} --out out"));
}

#[test]
fn a_dry_run_says_what_will_fail_and_that_there_are_few_regions() {
    let desk = Desk::new(2);
    let ours = SMALL
        .replace("random,", "grad-cam:upsample=none,random,")
        .replace("--region 8", "--region 9");
    let ours = ours.replace("--steps 8", "");
    let said = stdout(&desk.expect(0, &format!("{ours} --dry-run")));
    assert!(said.contains("nothing from grad-cam:layer=last"), "{said}");
    assert!(said.contains("pictures of 32x32 pixels have only 9 regions of 9x9"), "{said}");
    let told = stderr(&desk.expect(1, &format!("{ours} --out out")));
    assert!(told.contains("warning: pictures of 32x32 pixels have only 9 regions"), "{told}");
    let few = "2 pictures are too few: statements on methods against removing regions at random (3 tests) \
               take at least 7";
    assert!(said.contains(few) && told.contains(&format!("warning: {few}")), "{said}\n{told}");
}

#[test]
fn a_protocol_with_other_keys_and_classes_of_another_network_are_said() {
    let desk = Desk::new(2);
    let told = stderr(&desk.expect(0, &format!("{SMALL} --protocol samek2017 --out out")));
    assert!(told.contains("this is not the protocol `samek2017`: `methods`, `region`"), "{told}");
    let whole = "run --model m.onnx --data pictures --protocol samek2017 --dry-run --out dry";
    assert!(!stdout(&desk.expect(0, whole)).contains("this is not"));

    for class in ["frog", "ship"] {
        fs::create_dir_all(desk.path(&format!("sorted/{class}"))).unwrap();
        fs::copy(desk.path("pictures/0.png"), desk.path(&format!("sorted/{class}/0.png"))).unwrap();
    }
    let sorted = SMALL.replace("--data pictures", "--data sorted");
    let told = stderr(&desk.expect(0, &format!("{sorted} --out order")));
    assert!(told.contains("`sorted` has 2 classes and the network has 10 classes"), "{told}");
    let names = "airplane automobile bird cat deer dog frog horse ship truck".replace(' ', "\n");
    fs::write(desk.path("names.txt"), names).unwrap();
    let told = stderr(&desk.expect(0, &format!("{sorted} --classes names.txt --out names")));
    assert!(!told.contains("the network has 10"), "{told}");
    let found = &super::manifest(&desk, "names")["data"]["found"];
    assert!(found.as_str().unwrap().contains("numbered by the network's class names"), "{found}");
}

#[test]
fn runs_without_anything_in_common_are_no_comparison() {
    let desk = Desk::new(4);
    desk.expect(0, &format!("{SMALL} --out a"));
    desk.expect(0, &format!("{SMALL} --perturbation blur --out b"));
    let said = stdout(&desk.expect(1, "diff a b"));
    assert!(said.contains("nothing to compare"), "{said}");
    assert!(
        said.contains("`uniform` with regions of 8x8 (logit) is in the first run only"),
        "{said}"
    );
    assert!(
        said.contains("`blur:sigma=3` with regions of 8x8 (logit) is in the second run"),
        "{said}"
    );
}

#[test]
fn a_map_that_orders_nothing_is_said_once() {
    let desk = Desk::new(3);
    let ours = SMALL.replace("gradient", "constant");
    let told = stderr(&desk.expect(0, &format!("{ours} --out out")));
    let line = "`constant` finds all regions equally relevant, so their order is chance";
    assert_eq!(told.matches(line).count(), 1, "{told}");
}

#[test]
fn heat_maps_with_channels_last_are_not_stretched_into_shape() {
    let desk = Desk::new(2);
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 32, 32, 3), }";
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").into_bytes());
    bytes.extend((0..2 * 32 * 32 * 3).map(|i| (i % 251) as u8));
    fs::write(desk.path("hwc.npy"), bytes).unwrap();
    for more in ["", " --upsample bilinear"] {
        let told =
            stderr(&desk.expect(2, &format!("{SMALL} --heatmaps x=hwc.npy{more} --out out")));
        assert!(told.contains("channels must come first: (C, H, W)"), "{more}: {told}");
    }
    // sides that another tool has rounded are no other shape
    fs::create_dir(desk.path("coarse")).unwrap();
    for i in 0..2 {
        let map = "0 1 2 3 4\n".repeat(4);
        fs::write(desk.path(&format!("coarse/{i}.txt")), map).unwrap();
    }
    desk.expect(0, &format!("{SMALL} --heatmaps x=coarse --upsample bilinear --out out"));
}
