use crate::{
    Dataset, Network, Options,
    base::geom::Shape,
    nn::{onnx::Embedding, preprocess::TextSettings},
    testing::{Folder, rows},
    text::Reader,
};
use std::sync::Arc;

fn options(folder: &Folder) -> Options {
    folder.file("words/vocab.txt", "ice\nhockey\nmoon\n");
    let settings: TextSettings =
        toml::from_str("vocabulary = 'vocab.txt'\nlength = 3\ntokens = '[a-z]+'").unwrap();
    let own = Arc::new(Embedding { words: 3, values: 1, table: vec![1.0, 2.0, 3.0] });
    let shape = Shape::new(1, 3, 1);
    let reader = Reader::new(&settings, &folder.child("words"), Some(&own), shape).unwrap();
    let names = vec!["space".to_owned(), "sport".to_owned()];
    let network = Some(Network { classes: 2, names });
    Options { network, text: Some(Arc::new(reader)), ..Options::default() }
}

fn open(folder: &Folder, name: &str) -> Result<Box<dyn Dataset>, crate::DataError> {
    crate::open(&folder.child(name), &options(folder))
}

#[test]
fn tables_of_all_kinds_have_the_same_texts() {
    let folder = Folder::new();
    let texts = "Ice, hockey!;sport\nThe moon;space\n";
    folder.file("a/test.csv", format!("body;class\n{texts}"));
    folder.file("b/test.tsv", "text\tlabel\nIce, hockey!\t1\nThe moon\t0\n");
    let lines =
        "{\"text\": \"Ice, hockey!\", \"label\": 1}\n{\"text\": \"The moon\", \"label\": 0}\n";
    folder.file("c/test.jsonl", lines);
    for name in ["a", "b", "c", "a/test.csv"] {
        let set = open(&folder, name).unwrap();
        let found: Vec<(String, Option<usize>)> = rows(&*set);
        let expected = [("test/000000".to_owned(), Some(1)), ("test/000001".to_owned(), Some(0))];
        assert_eq!(found, expected, "{name}");
        assert_eq!(set.item(0).unwrap().image.data, [1.0, 2.0, 0.0], "{name}");
        assert_eq!((set.words(0), set.words(1)), (Some(2), Some(1)), "{name}");
    }
}

#[test]
fn folders_are_classes_and_what_is_cut_or_empty_is_counted() {
    let folder = Folder::new();
    folder.file("set/sport/1.txt", "ice ice ice hockey");
    folder.file("set/space/2.txt", "moon");
    folder.file("set/space/3.txt", "nothing known");
    let set = open(&folder, "set").unwrap();
    let described = set.describe();
    assert_eq!(
        described,
        "3 texts with labels, numbered by the network's class names, 1 cut to the 3 words that the \
         network takes, 1 without a word of the vocabulary"
    );
    assert_eq!(set.label(2), Some(1), "the network's number of `sport`");
    let document = set.document(2).unwrap();
    assert_eq!((document.words.len(), document.cut, document.word(2)), (3, 1, "ice"));
    let empty = folder.says(set.item(1));
    assert_eq!(empty, "`space/3.txt`: expected a text with words of the vocabulary, found none");
}

#[test]
fn a_text_is_known_by_its_content_and_a_set_by_how_it_is_read() {
    let folder = Folder::new();
    folder.file("a.csv", "text,label\nice,1\n");
    let set = open(&folder, "a.csv").unwrap();
    let fingerprint = set.fingerprint();
    assert_eq!(set.content(0).unwrap(), super::digest(b"ice"));
    let settings: TextSettings =
        toml::from_str("vocabulary = 'vocab.txt'\nlength = 3\ntokens = '[a-z]+'\nunknown = 'moon'")
            .unwrap();
    let own = Arc::new(Embedding { words: 3, values: 1, table: vec![1.0, 2.0, 3.0] });
    let shape = Shape::new(1, 3, 1);
    let other = Reader::new(&settings, &folder.child("words"), Some(&own), shape).unwrap();
    let options = Options { text: Some(Arc::new(other)), ..options(&folder) };
    assert_ne!(crate::open(&folder.child("a.csv"), &options).unwrap().fingerprint(), fingerprint);
}

#[test]
fn what_is_no_text_is_named() {
    let folder = Folder::new();
    folder.file("a.csv", "words,label\nice,1\n");
    folder.file("b.csv", "text,label\nice,7\n");
    folder.file("c.jsonl", "{\"text\": 3}\n");
    folder.file("d/one.txt", "ice");
    folder.file("e/a.csv", "text\nice\n");
    folder.file("e/b.csv", "text\nice\n");
    let mut messages: Vec<String> = ["a.csv", "b.csv", "c.jsonl", "d", "e"]
        .map(|name| folder.says(open(&folder, name).map(|_| ())))
        .to_vec();
    let layout = |layout: &str, text: bool| {
        let given = options(&folder);
        let text = given.text.clone().filter(|_| text);
        let options = Options { layout: Some(layout.parse().unwrap()), text, ..given };
        folder.says(crate::open(&folder.child("b.csv"), &options).map(|_| ()))
    };
    messages.extend([layout("flat", true), layout("texts", false)]);
    insta::assert_snapshot!(messages.join("\n"));
}
