//! Content encodings: how a body was packed for its way.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use photondb_exec::FetchError;

/// What servers are told that we take.
pub(crate) const ACCEPTED: &str = "deflate;q=1, gzip;q=0.5";

/// Encodings of one body, one in the other.
const LAYERS_MAX: usize = 4;

/// Unpacks a body by the value of its `Content-Encoding`.
pub(crate) fn decode(encodings: &str, body: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    let mut layers: Vec<&str> = encodings.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if layers.len() > LAYERS_MAX {
        return Err(FetchError::ContentEncoding);
    }
    // A body that is empty, as that of an answer to HEAD, is packed in nothing.
    if body.is_empty() {
        return Ok(body);
    }
    let mut body = body;
    while let Some(layer) = layers.pop() {
        body = match layer.to_ascii_lowercase().as_str() {
            "identity" => body,
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(body.as_slice()), bytes_max)?,
            // Some servers leave out the frame that the standard asks for.
            "deflate" => match read(ZlibDecoder::new(body.as_slice()), bytes_max) {
                Err(FetchError::ContentEncoding) => read(DeflateDecoder::new(body.as_slice()), bytes_max)?,
                decoded => decoded?,
            },
            _ => return Err(FetchError::ContentEncoding),
        };
    }
    Ok(body)
}

fn read(decoder: impl Read, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    let mut decoded = Vec::new();
    let limit = (bytes_max as u64).saturating_add(1);
    decoder.take(limit).read_to_end(&mut decoded).map_err(|_| FetchError::ContentEncoding)?;
    if decoded.len() > bytes_max {
        return Err(FetchError::ResponseTooLarge { bytes_max });
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn bodies_are_unpacked() {
        let zlib = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(b"text").and_then(|()| encoder.finish()).unwrap_or_default()
        };
        let raw = {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(b"text").and_then(|()| encoder.finish()).unwrap_or_default()
        };
        for (encoding, body) in [
            ("", b"text".to_vec()),
            ("identity", b"text".to_vec()),
            ("GZIP", gzip(b"text")),
            ("gzip, x-gzip", gzip(&gzip(b"text"))),
            ("deflate", zlib),
            ("deflate", raw),
        ] {
            assert_eq!(decode(encoding, body, 64), Ok(b"text".to_vec()), "{encoding}");
        }
        assert_eq!(decode("gzip", Vec::new(), 4), Ok(Vec::new()));
    }

    #[test]
    fn bad_and_boundless_bodies_are_refused() {
        assert_eq!(decode("gzip", b"text".to_vec(), 9), Err(FetchError::ContentEncoding));
        assert_eq!(decode("br", b"text".to_vec(), 9), Err(FetchError::ContentEncoding));
        assert_eq!(decode("gzip,gzip,gzip,gzip,gzip", gzip(b"t"), 9), Err(FetchError::ContentEncoding));
        let bomb = gzip(&vec![0; 1 << 20]);
        assert_eq!(decode("gzip", bomb, 1000), Err(FetchError::ResponseTooLarge { bytes_max: 1000 }));
    }
}
