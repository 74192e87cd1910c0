//! Bytes cut into pieces, as a network may cut them.

use std::io::{self, Read};

/// Several ways to cut: not at all, after every byte, and unevenly, as the bytes themselves
/// say.
pub(crate) fn cuttings(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    [vec![bytes], bytes.chunks(1).collect(), uneven(bytes)]
}

fn uneven(bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(last) = rest.last() {
        let at = (1 + usize::from(last ^ rest[0]) % 61).min(rest.len());
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Gives no more than one piece at a time.
pub(crate) struct Cut<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    piece: &'a [u8],
}

impl<'a> Cut<'a> {
    /// The pieces in their order.
    pub(crate) fn new(pieces: Vec<&'a [u8]>) -> Self {
        Self { pieces: pieces.into_iter(), piece: &[] }
    }
}

impl Read for Cut<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = self.pieces.next().unwrap_or_default();
        }
        self.piece.read(out)
    }
}
