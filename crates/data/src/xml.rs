//! What annotation files hold of XML: elements and text. Attributes, comments and declarations are
//! passed over.

use super::DataError;
use roxmltree::{Document, Node, ParsingOptions};
use std::{fs, path::Path};

/// Elements inside each other; annotation files have four or five.
const MAX_DEPTH: usize = 32;

/// One element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads the outermost element of a file.
    pub(super) fn read(path: &Path) -> Result<Element, DataError> {
        let text = fs::read_to_string(path).map_err(|e| DataError::read(path, &e))?;
        parse(&text).map_err(|found| DataError::unexpected(path, "XML", found))
    }

    /// The first element inside with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All elements inside with this name.
    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of an element inside, trimmed.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.trim())
    }
}

fn parse(text: &str) -> Result<Element, String> {
    // declarations of document types stand in some annotations; entities in them are bounded
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|e| format!("a fault ({e})"))?;
    element(document.root_element(), 0)
}

fn element(node: Node<'_, '_>, depth: usize) -> Result<Element, String> {
    if depth > MAX_DEPTH {
        return Err("elements too deep inside each other".to_owned());
    }
    let own = node.children().filter(Node::is_text).filter_map(|child| child.text());
    let children = node.children().filter(Node::is_element);
    Ok(Element {
        name: node.tag_name().name().to_owned(),
        text: own.collect(),
        children: children.map(|child| element(child, depth + 1)).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_texts_are_found_and_the_rest_is_passed_over() {
        let text =
            "<?xml version='1.0'?>\n<!-- a > b --><a x='1'><b> 3 &lt; 4 </b><c/><b>2</b></a>\n";
        let a = parse(text).unwrap();
        assert_eq!(a.text("b"), Some("3 < 4"));
        assert_eq!(a.text("c"), Some(""));
        assert_eq!(a.children("b").count(), 2);
        assert_eq!(a.child("d"), None);
    }

    #[test]
    fn entities_and_cdata_are_text() {
        let text = "\u{feff}<?xml version='1.0'?><!DOCTYPE a [<!ENTITY dog 'Hund'>]>\n<a>\
                    <b>K&#246;ter &#x26; &dog; &amp;lt;</b><c><![CDATA[1 < 2 &amp; ]]>3</c></a>";
        let a = parse(text).unwrap();
        assert_eq!(a.text("b"), Some("K\u{f6}ter & Hund &lt;"));
        assert_eq!(a.text("c"), Some("1 < 2 &amp; 3"));
    }

    #[test]
    fn entities_that_grow_without_end_are_refused() {
        let line = |k: usize| format!("<!ENTITY e{} '{}'>", k + 1, format!("&e{k};").repeat(10));
        let lines: String = (0..12).map(line).collect::<Vec<_>>().concat();
        let text = format!("<!DOCTYPE a [<!ENTITY e0 'xxxxxxxxxx'>{lines}]><a>&e12;</a>");
        assert!(parse(&text).is_err());
    }

    #[test]
    fn broken_documents_are_refused() {
        let deep = ["<a>".repeat(1000), "</a>".repeat(1000)].concat();
        for text in [
            "",
            "words",
            "<a>",
            "<a",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<>",
            "<a><b></a></b>",
            "<a>&b;</a>",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[<>/ab!?\\- &;\\PC]{0,60}") {
            let _ = parse(&text);
        }
    }
}
