//! Bytes cut into pieces, as a network may cut them.

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
