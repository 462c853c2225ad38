//! What a network answers about a picture, from its logits.

use crate::nn::head::{Head, best};

/// The class with the largest logit, the first of several; logits must be finite.
pub fn predicted(logits: &[f32]) -> Result<usize, String> {
    let bad = logits.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(format!("{bad} of {} logits are not finite", logits.len()));
    }
    best(logits, None).ok_or_else(|| "there are no classes".to_owned())
}

/// Whether the network says one of a picture's labels; `None` without labels, and for an output that says no
/// class.
pub fn right(head: Head, logits: &[f32], labels: &[usize]) -> Option<bool> {
    let said = labels.iter().map(|label| says(head, logits, *label));
    said.collect::<Option<Vec<bool>>>()
        .filter(|said| !said.is_empty())
        .map(|said| said.contains(&true))
}

/// Whether the network says that a picture is of class `label`; never of a class that does not exist.
fn says(head: Head, logits: &[f32], label: usize) -> Option<bool> {
    let says = head.says(logits, label.min(logits.len() - 1))?;
    Some(says && label < logits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_largest_logits_is_predicted() {
        assert_eq!(predicted(&[0.0, 3.0, -1.0, 3.0]), Ok(1));
        let error = predicted(&[0.0, f32::NAN, f32::INFINITY]).unwrap_err();
        assert_eq!(error, "2 of 3 logits are not finite");
    }
}
