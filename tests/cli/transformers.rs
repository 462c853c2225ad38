//! Experiments on transformers: methods of attention, and patches that are left out.

use super::{Desk, stdout};
use pixelflip::run::record::{AllLogits, Row, read_folder};
use std::fs;

/// The usual desk with a small transformer in place of the network (`scripts/make_tiny_vit.py`).
fn desk() -> Desk {
    let desk = Desk::new(3);
    fs::write(desk.path("m.onnx"), include_bytes!("../data/vit.onnx")).unwrap();
    desk
}

#[test]
fn patches_left_out_are_a_perturbation_beside_fills() {
    let desk = desk();
    desk.expect(
        0,
        "run --model m.onnx --data pictures --methods \
         attnlrp,attention-rollout,legrad,gradient,random --perturbation tokens,uniform --region 8 \
         --steps 16 --repeats 2 --out r",
    );
    let rows: Vec<Row> = read_folder(&desk.path("r/curves"), AllLogits::Skip).unwrap();
    let tokens: Vec<&Row> = rows.iter().filter(|row| row.perturbation == "tokens").collect();
    assert_eq!((tokens.len(), rows.len()), (3 * 5 * 2 * 2, 2 * 3 * 5 * 2 * 2));
    for row in &tokens {
        let scores = row.scores.as_ref().unwrap();
        assert_eq!(scores.len(), 17);
        // with all patches gone there is the class token alone: the same for all pictures, methods, orders
        let last = tokens[0].scores.as_ref().unwrap()[16];
        if row.target == tokens[0].target {
            assert!((scores[16] - last).abs() < 1e-5, "{scores:?}");
        }
        let other = rows.iter().find(|r| r.perturbation == "uniform" && r.image == row.image);
        assert_eq!(scores[0].to_bits(), other.unwrap().scores.as_ref().unwrap()[0].to_bits());
        assert!(row.macs > Some(0));
    }
}

#[test]
fn what_has_no_patches_to_leave_out_is_refused_with_what_was_found() {
    let (vit, plain) = (desk(), Desk::new(3));
    let run = "run --model m.onnx --data pictures --out r";
    insta::assert_snapshot!(
        [
            plain.told(&format!("{run} --methods gradient --perturbation tokens --region 8")),
            vit.told(&format!("{run} --methods gradient --perturbation tokens --region 9")),
            plain.told(&format!("{run} --methods attention-rollout,legrad,gradient")),
        ]
        .concat()
    );
}

#[test]
fn a_trace_says_what_softmax_class_token_and_positions_keep() {
    let said = stdout(
        &desk().expect(0, "explain --model m.onnx --input pictures/0.png --method attnlrp --trace"),
    );
    let last = said.lines().last().unwrap();
    for words in [
        " by constants that are added, such as positions",
        " by softmax",
        " by constants in the sequence, such as a class token",
    ] {
        assert!(last.contains(words), "{last}");
    }
}
