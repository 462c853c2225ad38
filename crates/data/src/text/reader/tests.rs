use super::*;
use crate::testing::Folder;
use proptest::prelude::*;

/// Vectors (id, 1) for five words, the first of which is padding.
fn reader(folder: &Folder, unknown: Option<&str>, length: usize) -> Result<Reader, DataError> {
    folder.file("vocab.txt", "<pad>\nice\nhockey\nnew-york\n?\n");
    let settings = TextSettings {
        tokens: r"[a-z]+(?:['\-.][a-z]+)*".to_owned(),
        lower: true,
        vocabulary: "vocab.txt".to_owned(),
        unknown: unknown.map(str::to_owned),
        padding: None,
        length,
        vectors: None,
    };
    let table = (0..5u8).flat_map(|id| [f32::from(id), 1.0]).collect();
    let own = Arc::new(Embedding { words: 5, values: 2, table });
    Reader::new(&settings, &folder.child(""), Some(&own), Shape::new(2, length, 1))
}

#[test]
fn words_are_matches_in_the_vocabulary_and_others_are_dropped() {
    let folder = Folder::new();
    let reader = reader(&folder, None, 4).unwrap();
    let document = reader.read("Ice Hockey, in New-York: hockey!");
    assert_eq!(document.ids, [1, 2, 3, 2]);
    let words: Vec<&str> = (0..4).map(|at| document.word(at)).collect();
    assert_eq!(words, ["ice", "hockey", "new-york", "hockey"]);
    assert_eq!(reader.tensor(&document).data, [1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 1.0]);
}

#[test]
fn unknown_words_may_have_a_word_of_their_own_and_long_texts_are_cut() {
    let folder = Folder::new();
    let reader = reader(&folder, Some("?"), 3).unwrap();
    let document = reader.read("ice is hockey was hockey");
    assert_eq!((document.ids, document.cut), (vec![1, 4, 2], 2));
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = Folder::new();
    let unknown = folder.says(reader(&folder, Some("<unk>"), 3));
    let settings = |text: &str| toml::from_str::<TextSettings>(text).unwrap();
    let own = Arc::new(Embedding { words: 4, values: 2, table: vec![0.0; 8] });
    let shape = Shape::new(2, 3, 1);
    let say = |text: &str, own: Option<&Arc<Embedding>>| {
        folder.says(Reader::new(&settings(text), &folder.child(""), own, shape))
    };
    let plain = "vocabulary = 'vocab.txt'\nlength = 3\n";
    let messages = [
        unknown,
        say(plain, Some(&own)),
        say(plain, None),
        say("vocabulary = 'none.txt'\nlength = 3", Some(&own)),
        say(
            &format!("{plain}tokens = '['"),
            Some(&Arc::new(Embedding { words: 5, values: 2, table: vec![0.0; 10] })),
        ),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

proptest! {
    /// Every row of the input is the vector of a word or padding, and words are where the text has them.
    #[test]
    fn padding_lies_behind_the_words_and_is_none_of_them(text in "[a-zA-Z .?]{0,80}", length in 1usize..12) {
        let folder = Folder::new();
        let reader = reader(&folder, Some("?"), length).unwrap();
        let document = reader.read(&text);
        let tensor = reader.tensor(&document);
        prop_assert!(document.words.len() <= length && document.ids.len() == document.words.len());
        for (at, row) in tensor.data.chunks(2).enumerate() {
            let expected = document.ids.get(at).map_or([0.0, 0.0], |id| [*id as f32, 1.0]);
            prop_assert_eq!(row, expected);
        }
        let joined: Vec<&str> = (0..document.words.len()).map(|at| document.word(at)).collect();
        let all: Vec<String> = text.to_lowercase().split(|c: char| !c.is_ascii_lowercase() && c != '.')
            .flat_map(|part| part.split("..").map(str::to_owned).collect::<Vec<_>>()).collect();
        prop_assert!(joined.iter().all(|word| all.iter().any(|part| part.contains(word))));
    }
}
