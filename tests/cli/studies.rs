//! Properties are a study like the ranking: parts, shards, resume, status, merge.

use super::{Desk, stderr, stdout};
use std::fs;

const FEW: &str =
    "properties --model m.onnx --data pictures --threads 2 --methods lrp-zero,gradient-x-input";

#[test]
fn shards_of_properties_put_together_are_the_bytes_of_one_call() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{FEW} --out one"));
    for i in 0..2 {
        desk.expect(0, &format!("{FEW} --shard {i}/2 --out own{i}"));
    }
    let told = stdout(&desk.expect(3, "status own0 own1"));
    assert_eq!(told, "3 of 3 parts are done, but not put together yet\n");
    desk.expect(3, "merge own0 --out half");
    desk.expect(0, "merge own0 own1 --out whole");
    assert!(desk.tables("one") == desk.tables("whole"));
    assert_eq!(
        stdout(&desk.expect(0, "status whole")),
        "complete: 3 of 3 parts are done and put together\n"
    );
}

#[test]
fn properties_go_on_where_they_were_and_keep_to_their_folder() {
    let desk = Desk::new(3);
    desk.expect(0, &format!("{FEW} --out one"));
    let stopped = desk.expect(75, &format!("{FEW} --max-time 0s --out out"));
    assert!(stderr(&stopped).contains("--max-time"), "{}", stderr(&stopped));
    desk.expect(0, &format!("{FEW} --shard 1/3 --out out"));
    let gone_on = stderr(&desk.expect(0, &format!("{FEW} --out out")));
    assert!(
        gone_on.contains("3 pictures, 25 explanations each, 1 of them done already"),
        "{gone_on}"
    );
    assert!(desk.tables("one") == desk.tables("out"));
    // a part that was lost is made again
    fs::remove_file(desk.path("out/parts/properties-00002.parquet")).unwrap();
    desk.expect(0, &format!("{FEW} --out out"));
    assert!(desk.tables("one") == desk.tables("out"));
    // other methods are another study of this name, and a ranking is another study
    let refused = stderr(&desk.expect(2, &format!("{FEW},lrp-z-plus --out out")));
    assert!(refused.contains("`out` holds the results of another run: `methods` is"), "{refused}");
    let refused =
        stderr(&desk.expect(2, "run --model m.onnx --data pictures --region 8 --out out"));
    assert!(
        refused.contains("it is of the study `properties` there and `ranking` here"),
        "{refused}"
    );
}
