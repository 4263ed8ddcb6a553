//! Content codings: a cassette holds bodies as they were before they were compressed, so that secrets in
//! them are found and people can read them.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The body before the codings that a Content-Encoding header names; `None` where it names none.
///
/// # Errors
/// Why it cannot be decoded: a coding that is not known, bytes that are not in it, more than `limit` bytes.
pub fn decoded(body: &[u8], codings: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
    let mut decoded: Option<Vec<u8>> = None;
    // The last coding was applied last.
    for coding in codings.rsplit(',') {
        let coding = coding.trim().to_ascii_lowercase();
        let bytes = decoded.as_deref().unwrap_or(body);
        let plain = match coding.as_str() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(bytes), limit),
            // Some servers leave the header of zlib out.
            "deflate" => read(ZlibDecoder::new(bytes), limit)
                .or_else(|_| read(DeflateDecoder::new(bytes), limit)),
            _ => return Err(format!("its coding {coding} is not known here")),
        };
        let plain = plain.map_err(|error| format!("it is not in its coding {coding}: {error}"))?;
        decoded = Some(plain);
    }
    Ok(decoded)
}

fn read(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    reader.take(limit + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it holds more than {limit} bytes"
        )));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const LIMIT: u64 = 100;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"text").expect("memory takes it");
        raw.write_all(b"text").expect("memory takes it");
        for (coding, body) in [
            ("gzip", gzip(b"text")),
            ("X-GZIP, identity", gzip(b"text")),
            ("gzip, gzip", gzip(&gzip(b"text"))),
            ("deflate", zlib.finish().expect("memory takes it")),
            ("deflate", raw.finish().expect("memory takes it")),
        ] {
            let plain = decoded(&body, coding, LIMIT).expect(coding);
            assert_eq!(plain.as_deref(), Some(&b"text"[..]), "{coding}");
        }
        assert_eq!(decoded(b"text", "identity", LIMIT), Ok(None));
        assert_eq!(decoded(b"text", "", LIMIT), Ok(None));
    }

    #[test]
    fn what_cannot_be_decoded_says_why() {
        for (body, coding, reason) in [
            (b"text".to_vec(), "br", "its coding br is not known here"),
            (b"text".to_vec(), "gzip", "it is not in its coding gzip"),
            (
                gzip(b"text")[..12].to_vec(),
                "gzip",
                "it is not in its coding gzip",
            ),
            (gzip(&[0; 101]), "gzip", "more than 100 bytes"),
        ] {
            let error = decoded(&body, coding, LIMIT).expect_err(reason);
            assert!(error.contains(reason), "{error}");
        }
    }
}
