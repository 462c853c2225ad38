//! As much XML as annotation files have: elements and text. Attributes, comments and declarations
//! are passed over.

use super::DataError;
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
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of an element inside, trimmed.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.trim())
    }
}

fn parse(text: &str) -> Result<Element, &'static str> {
    let mut open: Vec<Element> = vec![Element::default()];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let inner = open.last_mut().expect("the document itself is never closed");
        inner.text.push_str(&unescape(&rest[..at]));
        rest = &rest[at..];
        let end = if rest.starts_with("<!--") { "-->" } else { ">" };
        let length = rest.find(end).ok_or("a tag without end")?;
        let tag = rest[..length].trim_start_matches('<');
        rest = &rest[length + end.len()..];
        if tag.starts_with(['!', '?']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            close(&mut open, name.trim())?;
            continue;
        }
        let is_empty = tag.ends_with('/');
        let name =
            tag.trim_end_matches('/').split_whitespace().next().ok_or("a tag without name")?;
        open.push(Element { name: name.to_owned(), ..Element::default() });
        if is_empty {
            close(&mut open, name)?;
        }
        if open.len() > MAX_DEPTH {
            return Err("elements too deep inside each other");
        }
    }
    let [document] = open.as_mut_slice() else { return Err("an element that is not closed") };
    if document.children.len() != 1 {
        return Err("other than one outermost element");
    }
    Ok(document.children.swap_remove(0))
}

fn close(open: &mut Vec<Element>, name: &str) -> Result<(), &'static str> {
    let element = open.pop().expect("the document itself is never closed");
    match open.last_mut() {
        Some(parent) if element.name == name => parent.children.push(element),
        _ => return Err("elements that are closed in another order than opened"),
    }
    Ok(())
}

fn unescape(text: &str) -> String {
    let names = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    names.iter().fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
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
        assert_eq!(a.all("b").count(), 2);
        assert_eq!(a.child("d"), None);
    }

    #[test]
    fn broken_documents_are_refused() {
        let deep = "<a>".repeat(1000);
        for text in
            ["", "words", "<a>", "<a", "</a>", "<a></b>", "<a/><b/>", "<>", "<a><b></a></b>", &deep]
        {
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
