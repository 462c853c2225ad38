//! Checks that need something from outside the project. Where that is not here they are left out, which is said;
//! `PIXELFLIP_REQUIRE=assets,curl` makes them fail instead, so that nothing goes untested unnoticed.

use std::io::Write;

/// What checks may need: the development assets beside the checkout, programs, file systems that can be
/// mounted.
pub(crate) const NEEDS: [&str; 6] = ["assets", "chromium", "curl", "faketime", "mounts", "slurm"];

/// Says that a check is left out because what it needs is not here; fails where that is required.
pub(crate) fn left_out(need: &str, why: &str) {
    let required = std::env::var("PIXELFLIP_REQUIRE").unwrap_or_default();
    check(need, &required, why);
    // not captured with the output of tests that pass
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}

fn check(need: &str, required: &str, why: &str) {
    assert!(NEEDS.contains(&need), "`{need}` is none of {}", NEEDS.join(", "));
    for word in required.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        assert!(
            NEEDS.contains(&word),
            "`PIXELFLIP_REQUIRE`: `{word}` is none of {}",
            NEEDS.join(", ")
        );
        assert!(word != need, "`PIXELFLIP_REQUIRE` names `{need}`, but {why}");
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use std::panic::catch_unwind;

    #[test]
    fn what_is_required_is_not_left_out() {
        check("curl", "", "it is not here");
        check("curl", "assets, mounts", "it is not here");
        for (need, required) in [("curl", "assets,curl"), ("curl", "culr"), ("dog", "")] {
            assert!(catch_unwind(|| check(need, required, "it is not here")).is_err(), "{need}");
        }
    }
}
