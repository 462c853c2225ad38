//! A look at a protobuf file before it is decoded: is it whole, and does it have a sane number of
//! parts? Decoding makes a structure of some hundred bytes of two bytes of file, so a hostile file
//! is stopped here.

use super::error::Damage;
use std::ops::Range;

/// Nodes with their inputs, outputs and attributes, and weights. The largest classifiers have some
/// ten thousands.
const MAX_PARTS: usize = 300_000;

/// `ModelProto.graph`
const GRAPH: u64 = 7;

/// `ModelProto.functions`
const FUNCTION: u64 = 25;

/// `GraphProto.node`
const NODE: u64 = 1;

/// `FunctionProto.node`
const FUNCTION_NODE: u64 = 7;

/// One field of a message.
struct Field {
    number: u64,
    /// Bytes of the value of a length-delimited field; empty for numbers.
    body: Range<usize>,
}

/// Walks over the fields of a message without looking into them.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        Fields { bytes, at: range.start, end: range.end }
    }

    fn varint(&mut self) -> Result<u64, Damage> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            self.skip(1, start)?;
            let byte = self.bytes[self.at - 1];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damage::NotProtobuf { at: start })
    }

    /// Moves over `n` bytes of the field that starts at `start`.
    fn skip(&mut self, n: u64, start: usize) -> Result<(), Damage> {
        let left = (self.end - self.at) as u64;
        if n > left {
            return Err(Damage::CutOff { at: start, needed: n, left });
        }
        self.at += n as usize;
        Ok(())
    }

    fn field(&mut self) -> Result<Field, Damage> {
        let start = self.at;
        let tag = self.varint()?;
        let number = tag >> 3;
        let mut body = 0..0;
        match tag & 7 {
            _ if number == 0 => return Err(Damage::NotProtobuf { at: start }),
            0 => drop(self.varint()?),
            1 => self.skip(8, start)?,
            2 => {
                let n = self.varint()?;
                let from = self.at;
                self.skip(n, start)?;
                body = from..self.at;
            }
            5 => self.skip(4, start)?,
            _ => return Err(Damage::NotProtobuf { at: start }),
        }
        Ok(Field { number, body })
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<Field, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.end).then(|| self.field())
    }
}

/// Checks that `bytes` are a whole protobuf message with as many parts as a model may have.
pub(super) fn check(bytes: &[u8]) -> Result<(), Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    let mut parts = 0;
    for field in Fields::new(bytes, 0..bytes.len()) {
        let field = field?;
        parts += 1;
        match field.number {
            GRAPH => parts += parts_of_graph(bytes, field.body, NODE)?,
            FUNCTION => parts += parts_of_graph(bytes, field.body, FUNCTION_NODE)?,
            _ => {}
        }
        if parts > MAX_PARTS {
            return Err(Damage::TooManyParts { limit: MAX_PARTS });
        }
    }
    Ok(())
}

/// [`check`] of a graph alone.
pub(super) fn check_graph(bytes: &[u8]) -> Result<(), Damage> {
    match parts_of_graph(bytes, 0..bytes.len(), NODE)? {
        parts if parts > MAX_PARTS => Err(Damage::TooManyParts { limit: MAX_PARTS }),
        _ => Ok(()),
    }
}

/// The parts of a graph and of its nodes, which are fields of number `node`. Other parts (weights, inputs) take little more memory
/// than file.
fn parts_of_graph(bytes: &[u8], graph: Range<usize>, node: u64) -> Result<usize, Damage> {
    let mut parts = 0;
    for part in Fields::new(bytes, graph) {
        let part = part?;
        parts += 1;
        if part.number == node {
            for field in Fields::new(bytes, part.body) {
                field?;
                parts += 1;
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_reaches_over_the_end_is_cut_off() {
        // field 7, 5 bytes announced, 2 there
        assert_eq!(check(&[0x3a, 5, 1, 2]), Err(Damage::CutOff { at: 0, needed: 5, left: 2 }));
        assert_eq!(check(&[]), Err(Damage::Empty));
        assert_eq!(check(b"version https"), Err(Damage::NotProtobuf { at: 0 }));
    }

    #[test]
    fn a_bomb_of_empty_nodes_is_stopped_before_it_is_decoded() {
        let nodes = [0x0a, 0].repeat(MAX_PARTS);
        let mut file = vec![0x3a];
        prost::encoding::encode_varint(nodes.len() as u64, &mut file);
        file.extend(nodes);
        assert_eq!(check(&file), Err(Damage::TooManyParts { limit: MAX_PARTS }));
    }
}
