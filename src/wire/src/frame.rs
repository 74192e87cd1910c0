//! Frames: token (u64), length (u32), both little-endian, and a JSON text.

use bytes::{Bytes, BytesMut};

/// Bytes before the JSON text.
pub const HEADER_BYTES: usize = 12;

/// Which query of a connection a frame belongs to; chosen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The query it belongs to.
    pub token: Token,
    /// The JSON text, not looked at yet.
    pub body: Bytes,
}

/// A frame that claims to be larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Query size ({size}) greater than maximum ({}).", .bytes_max)]
pub struct FrameTooLarge {
    /// The query it belongs to.
    pub token: Token,
    /// The claimed size.
    pub size: u32,
    /// The largest size allowed.
    pub bytes_max: usize,
}

/// Takes one whole frame from the front of `buffer`, without copying its body. Memory is
/// only taken for bytes that have arrived, whatever the header claims.
pub fn take_frame(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Frame>, FrameTooLarge> {
    let Some(header) = buffer.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let (token, size) = split_header(header);
    let length = size as usize;
    if length > bytes_max {
        return Err(FrameTooLarge { token, size, bytes_max });
    }
    let total = HEADER_BYTES + length;
    if buffer.len() < total {
        return Ok(None);
    }
    let mut frame = buffer.split_to(total).freeze();
    let body = frame.split_off(HEADER_BYTES);
    Ok(Some(Frame { token, body }))
}

/// Appends a frame around `body`.
pub fn write_frame(token: Token, body: &[u8], output: &mut Vec<u8>) {
    let start = begin_frame(token, output);
    output.extend_from_slice(body);
    end_frame(start, output);
}

/// Appends a header whose length is filled in by [`end_frame`].
pub fn begin_frame(token: Token, output: &mut Vec<u8>) -> usize {
    let start = output.len();
    output.extend_from_slice(&token.0.to_le_bytes());
    output.extend_from_slice(&[0; 4]);
    start
}

/// Fills in the length of the frame that began at `start`; `false` when the body does not
/// fit into a frame.
pub fn end_frame(start: usize, output: &mut [u8]) -> bool {
    let length = output.len().saturating_sub(start + HEADER_BYTES);
    let Ok(length) = u32::try_from(length) else { return false };
    match output.get_mut(start + 8..start + HEADER_BYTES) {
        Some(slot) => {
            slot.copy_from_slice(&length.to_le_bytes());
            true
        }
        None => false,
    }
}

/// Splits a header.
pub fn split_header(header: &[u8; HEADER_BYTES]) -> (Token, u32) {
    let (token, size) = header.split_at(8);
    let token = token.try_into().map_or(0, u64::from_le_bytes);
    let size = size.try_into().map_or(0, u32::from_le_bytes);
    (Token(token), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip() {
        let mut bytes = Vec::new();
        write_frame(Token(7), b"[1]", &mut bytes);
        write_frame(Token(u64::MAX), b"", &mut bytes);
        let mut buffer = BytesMut::from(bytes.as_slice());
        let first = take_frame(&mut buffer, 100).expect("small").expect("whole");
        assert_eq!((first.token, first.body.as_ref()), (Token(7), b"[1]".as_slice()));
        let second = take_frame(&mut buffer, 100).expect("small").expect("whole");
        assert_eq!((second.token, second.body.len()), (Token(u64::MAX), 0));
        assert_eq!(take_frame(&mut buffer, 100), Ok(None));
    }

    #[test]
    fn large_claims_are_refused_before_the_bytes_arrive() {
        let mut buffer = BytesMut::new();
        buffer.extend_from_slice(&9u64.to_le_bytes());
        buffer.extend_from_slice(&u32::MAX.to_le_bytes());
        let error = take_frame(&mut buffer, 64).expect_err("too large");
        assert_eq!(error.to_string(), "Query size (4294967295) greater than maximum (64).");
        assert_eq!(error.token, Token(9));
    }
}
