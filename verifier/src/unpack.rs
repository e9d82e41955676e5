//! The bytes of a file: their hash, and what is compressed in them.

use std::borrow::Cow;
use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as certificates have it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text in a file, compressed or not; the first bytes tell, whatever the file is called.
pub(crate) fn unpack(bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    match bytes {
        [0x1f, 0x8b, ..] => {
            let mut text = Vec::new();
            MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
            Ok(text.into())
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd(bytes).map(Cow::from),
        _ => Ok(bytes.into()),
    }
}

/// The contents of all frames of a zstd stream.
fn zstd(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    while !bytes.is_empty() {
        let mut decoder = FrameDecoder::new();
        match decoder.init(&mut bytes) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = usize::try_from(length).map_err(io::Error::other)?;
                bytes = bytes.get(length..).ok_or(io::ErrorKind::UnexpectedEof)?;
                continue;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        decoder.decode_blocks(&mut bytes, BlockDecodingStrategy::All).map_err(io::Error::other)?;
        text.extend(decoder.collect().unwrap_or_default());
    }
    Ok(text)
}
