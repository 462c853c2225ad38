//! Texts as inputs of a network: words, their ids, and one vector for each.
//!
//! A text becomes a map of one column: one row for each word that the network takes, the values of its vector as
//! channels. Behind the last word lies padding, which belongs to no word.

mod reader;

pub use reader::{Document, Reader};
