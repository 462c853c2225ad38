//! Texts of others, made fit for a terminal, Markdown and LaTeX.

use std::{borrow::Cow, fmt::Write as _, path::Path};

/// A text with its control characters written out: a name of a file or a class could otherwise colour the
/// terminal, change its title or begin a line of its own. Line breaks and tabs become `\n`, `\r`, `\t`,
/// others `\u001b`, as JSON writes them; so do the marks that turn the direction of what follows.
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful)
}

/// [`plain`], with line breaks and tabs left as they are: for texts of several lines.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_harmful(c) && c != '\n' && c != '\t')
}

/// [`plain`] for a path, whose bytes that are no UTF-8 become U+FFFD.
pub fn plain_path(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}

fn escaped(text: &str, harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !harmful(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => write!(out, "\\u{:04x}", u32::from(c)).expect("a text grows"),
        }
    }
    Cow::Owned(out)
}

/// Control characters (C0, DEL, C1), separators of lines and paragraphs, and marks of direction.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out_and_all_else_stays() {
        let name = "a\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\r\n\t\u{7f}\u{202e}gpj.png";
        let expected =
            "a\\u001b[31mred\\u001b]0;title\\u0007\\u009b2J\\r\\n\\t\\u007f\\u202egpj.png";
        assert_eq!(plain(name), expected);
        for text in ["", "tench, Tinca tinca", "größe 猫 👩\u{200d}🚀", "a\\b|c`d`"] {
            assert!(matches!(plain(text), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(plain_lines("a\tb\nc\u{1b}\r"), "a\tb\nc\\u001b\\r");
    }

    #[test]
    fn what_is_written_out_is_what_json_writes() {
        let name = "a\u{1b}\u{9b}\u{202e}\n";
        let read: String = serde_json::from_str(&format!("\"{}\"", plain(name))).unwrap();
        assert_eq!(read, name);
    }
}
