//! Where something is in the data file, and what its bytes must be.

/// Encoded length of a pointer.
pub(crate) const POINTER_BYTES: usize = 16;

const SLOTS_BIT: u32 = 1 << 31;

/// A place in the data file with the checksum of what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointer {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes stored.
    pub length: u32,
    /// CRC32C of them.
    pub checksum: u32,
    /// For a node: whether a value below it stands in a slot.
    pub slots_below: bool,
}

impl Pointer {
    pub(crate) fn encode(&self) -> [u8; POINTER_BYTES] {
        let length = self.length | if self.slots_below { SLOTS_BIT } else { 0 };
        let value = u128::from(self.offset) | u128::from(length) << 64 | u128::from(self.checksum) << 96;
        value.to_le_bytes()
    }

    /// Reads a pointer; `None` for a pointer to nothing.
    pub(crate) fn decode(bytes: [u8; POINTER_BYTES]) -> Option<Self> {
        let value = u128::from_le_bytes(bytes);
        let offset = value as u64;
        let length = (value >> 64) as u32;
        (offset != 0).then_some(Self {
            offset,
            length: length & !SLOTS_BIT,
            checksum: (value >> 96) as u32,
            slots_below: length & SLOTS_BIT != 0,
        })
    }

    /// Reads a pointer from the start of some bytes.
    pub(crate) fn decode_slice(bytes: &[u8]) -> Option<Self> {
        Self::decode(read::array_at(bytes, 0)?)
    }

    /// Encodes a pointer or a pointer to nothing.
    pub(crate) fn encode_optional(pointer: Option<&Self>) -> [u8; POINTER_BYTES] {
        pointer.map_or([0; POINTER_BYTES], Self::encode)
    }
}

/// Reads little-endian integers from bytes that may be too short.
pub(crate) mod read {
    pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
        bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
        bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..at + N)?.try_into().ok()
    }
}
