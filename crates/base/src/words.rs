//! Words for people.

/// `1 picture`, `2 pictures`; `1 box`, `2 boxes`.
pub fn count(n: usize, noun: &str) -> String {
    let hisses = ["s", "x", "sh", "ch"].iter().any(|end| noun.ends_with(end));
    match n {
        1 => format!("1 {noun}"),
        n if hisses => format!("{n} {noun}es"),
        n => format!("{n} {noun}s"),
    }
}

/// `is` of one, `are` of several.
pub fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// `a, b or c`.
pub fn either(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_several() {
        let said = [count(0, "picture"), count(1, "picture"), count(2, "picture")];
        assert_eq!(said, ["0 pictures", "1 picture", "2 pictures"]);
        let said = [count(1, "box"), count(2, "box"), count(3, "class"), count(2, "full pass")];
        assert_eq!(said, ["1 box", "2 boxes", "3 classes", "2 full passes"]);
        assert_eq!([are(0), are(1), are(2)], ["are", "is", "are"]);
    }

    #[test]
    fn lists_read_as_people_write_them() {
        let items = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!([0, 1, 2, 3].map(|n| list(&items(n))), ["", "0", "0 and 1", "0, 1 and 2"]);
        assert_eq!([either(&["a"]), either(&["a", "b", "c"])], ["a", "a, b or c"]);
    }
}
