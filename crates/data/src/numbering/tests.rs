use super::*;

/// `known`: the network's names of its classes; `classes`: how many it has.
fn with(names: &[&str], known: &[&str], classes: usize, layout: &str) -> Result<Numbering, String> {
    let own = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let network = Network { classes, names: own(known) };
    let rule = rule(layout);
    let path = Path::new("pictures");
    number(&own(names), Some(&network), rule, path).map_err(|e| e.to_string())
}

fn rule(text: &str) -> Rule {
    let get =
        |key: &str| text.split(':').find_map(|p| p.strip_prefix(&format!("{key}="))).unwrap_or("");
    let numbers = match get("numbers") {
        "index" => Numbers::Index,
        "order" => Numbers::Order,
        "names" => Numbers::Names,
        _ => Numbers::Auto,
    };
    Rule { numbers, first: get("first").parse().ok(), layout: "classes" }
}

fn numbered(names: &[&str], known: &[&str]) -> Result<Numbering, String> {
    with(names, known, known.len(), "")
}

#[test]
fn names_get_the_numbers_of_the_networks_classes() {
    let cifar = ["airplane", "automobile", "bird", "cat"];
    let found = numbered(&["Bird", "airplane"], &cifar).unwrap();
    assert_eq!(found.numbers, [2, 0]);
    assert_eq!(found.classes, ["airplane", "automobile", "Bird", "cat"]);
    // names as lists of ImageNet have them
    let known = ["n01440764 tench, Tinca tinca", "n01443537 goldfish, Carassius auratus"];
    for name in ["tench", "n01440764", "Tinca_tinca", "tench, Tinca tinca"] {
        assert_eq!(numbered(&[name], &known).unwrap().numbers, [0], "{name}");
    }
    assert_eq!(numbered(&["great-white shark"], &["great white shark"]).unwrap().numbers, [0]);
}

#[test]
fn a_name_of_two_classes_is_none_unless_it_is_the_whole_of_one() {
    let birds = ["crane, bird", "crane, machine", "maillot, tank suit", "maillot"];
    assert!(numbered(&["crane"], &birds).unwrap().words.contains("knows none"));
    assert_eq!(numbered(&["maillot"], &birds).unwrap().numbers, [3]);
}

#[test]
fn unknown_names_stand_in_order_and_a_mixture_is_refused() {
    let found = numbered(&["a", "b"], &["x", "y", "z"]).unwrap();
    assert_eq!((found.numbers, found.classes.len()), (vec![0, 1], 2));
    let error = |names: &[&str], known: &[&str]| numbered(names, known).err().unwrap();
    let mixture = error(&["cat", "dgo"], &["bird", "cat", "dog"]);
    let twice = error(&["n01440764", "tench"], &["n01440764 tench"]);
    insta::assert_snapshot!([mixture, twice].join("\n"));
}

/// `0` ... `last` as folders are listed.
fn digits(first: usize, last: usize) -> Vec<String> {
    let mut names: Vec<String> = (first..=last).map(|k| k.to_string()).collect();
    names.sort();
    names
}

#[test]
fn names_that_are_whole_numbers_and_hold_0_are_the_classes() {
    for (last, classes) in [(10, 11), (10, 1000), (999, 1000)] {
        let names = digits(0, last);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = with(&names, &[], classes, "").unwrap();
        let expected: Vec<usize> = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(found.numbers, expected);
        assert_eq!(found.classes.len(), classes);
        assert_eq!((found.classes[10].as_str(), found.classes[2].as_str()), ("10", "2"));
        assert_eq!(found.words, ", whose names are the classes' numbers");
    }
    // in any writing, with gaps, under a network with other names
    let known = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let found = numbered(&["+3", "00", "007", "10.0"], &known).unwrap();
    assert_eq!(found.numbers, [3, 0, 7, 10]);
    assert_eq!(found.classes, known, "the network's names say more than the numbers");
    // what the network calls its classes comes first
    let found = numbered(&["0", "1"], &["1", "0"]).unwrap();
    assert_eq!(found.numbers, [1, 0]);
}

#[test]
fn whole_numbers_without_0_are_not_guessed() {
    let from_one = digits(1, 10);
    let from_one: Vec<&str> = from_one.iter().map(String::as_str).collect();
    let refused = |classes| with(&from_one, &[], classes, "").unwrap_err();
    let numbers = |layout| with(&from_one, &[], 11, layout).unwrap().numbers;
    assert_eq!(numbers("first=1"), [0, 9, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(numbers("numbers=index:first=1"), numbers("first=1"));
    assert_eq!(numbers("first=0"), [1, 10, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(numbers("numbers=index"), numbers("first=0"));
    assert_eq!(numbers("numbers=order"), (0..10).collect::<Vec<_>>());
    // as many classes as there are names: they cannot be but 0 to 9
    let all = with(&from_one, &[], 10, "").unwrap();
    assert_eq!(
        (all.numbers, &*all.words),
        (numbers("first=1"), ", whose names are the classes' numbers, counted from 1")
    );
    assert!(with(&["1", "3"], &[], 2, "").is_err());
    let words = [
        refused(1000),
        refused(11),
        refused(9),
        with(&["17", "5"], &[], 1000, "").unwrap_err(),
        with(&from_one, &[], 10, "numbers=index").unwrap_err(),
        with(&["0", "10"], &[], 10, "").unwrap_err(),
        with(&["-1", "0"], &[], 10, "").unwrap_err(),
        with(&["0", "007", "7"], &[], 10, "").unwrap_err(),
        with(&["0", "1", "10", "2", "logs"], &[], 11, "").unwrap_err(),
        with(&["0", "ant"], &[], 11, "numbers=index").unwrap_err(),
        with(&["0", "1"], &[], 2, "numbers=names").unwrap_err(),
        with(&["18446744073709551615", "0"], &[], 2, "").unwrap_err(),
    ];
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn without_a_network_it_is_said_what_a_run_would_do() {
    let words =
        |names: &[String], layout| number(names, None, rule(layout), Path::new("x")).unwrap().words;
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let all = [
        words(&digits(0, 10), ""),
        words(&digits(1, 10), ""),
        words(&digits(1, 10), "first=1"),
        words(&own(&["ant", "bee"]), ""),
        words(&own(&["c1", "c10", "c2"]), "numbers=order"),
        words(&own(&["ant", "bee"]), "numbers=names"),
    ];
    insta::assert_snapshot!(all.join("\n"));
    let huge = own(&["0", "18446744073709551615"]);
    assert!(number(&huge, None, rule(""), Path::new("x")).is_err());
}

#[test]
fn words_among_numbers_matter_only_where_the_order_gives_other_numbers() {
    // the letters follow the digits, each in its place
    assert_eq!(with(&["0", "1", "2", "A"], &[], 4, "").unwrap().numbers, [0, 1, 2, 3]);
    // one name that happens to be a number
    assert_eq!(with(&["1984", "emma", "ulysses"], &[], 3, "").unwrap().numbers, [0, 1, 2]);
    assert_eq!(
        with(&["0", "1", "10", "2", "x"], &[], 5, "numbers=order").unwrap().numbers.len(),
        5
    );
}
