//! The bytes of a file: their hash, and what is compressed in them.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as certificates have it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text in a file, compressed or not.
pub(crate) fn unpack(bytes: &[u8]) -> io::Result<std::borrow::Cow<'_, [u8]>> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes.into());
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    Ok(text.into())
}
