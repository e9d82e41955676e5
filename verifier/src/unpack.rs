//! The bytes of a file: their hash, and what is compressed in them.

use std::borrow::Cow;
use std::io::{self, Read as _};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as certificates have it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many bytes of a history a compressed byte stands for, roughly.
const TEXT_PER_GZIP: usize = 8;

/// The text in a file, compressed or not; the first bytes tell, whatever the file is called. It is
/// unpacked piece by piece, and no further than to `bytes_max`: a file of ten megabytes may stand
/// for as many gigabytes.
pub(crate) fn unpack(bytes: &[u8], bytes_max: u64) -> io::Result<Cow<'_, [u8]>> {
    match bytes {
        [0x1f, 0x8b, ..] => {
            let likely = bytes.len().saturating_mul(TEXT_PER_GZIP);
            let likely = usize::try_from(bytes_max).map_or(likely, |max| likely.min(max));
            let mut text = Vec::new();
            // A guess: where there is not as much, the text may still be shorter.
            let _ = text.try_reserve(likely);
            MultiGzDecoder::new(bytes).take(bytes_max.saturating_add(1)).read_to_end(&mut text)?;
            limited(&text, bytes_max)?;
            Ok(text.into())
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd(bytes, bytes_max).map(Cow::from),
        _ => Ok(bytes.into()),
    }
}

fn limited(text: &[u8], bytes_max: u64) -> io::Result<()> {
    match text.len() as u64 > bytes_max {
        true => Err(io::Error::other(format!("it unpacks to more than {bytes_max} bytes"))),
        false => Ok(()),
    }
}

/// The contents of all frames of a zstd stream.
fn zstd(mut bytes: &[u8], bytes_max: u64) -> io::Result<Vec<u8>> {
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
        while !decoder.is_finished() {
            let block = BlockDecodingStrategy::UptoBlocks(1);
            decoder.decode_blocks(&mut bytes, block).map_err(io::Error::other)?;
            text.extend(decoder.collect().unwrap_or_default());
            limited(&text, bytes_max)?;
        }
        text.extend(decoder.collect().unwrap_or_default());
        limited(&text, bytes_max)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// So much of one byte, a million times smaller than it will be, in several members.
    fn bomb(members: usize) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 1 << 20]).expect("memory takes every write");
        encoder.finish().expect("memory takes every write").repeat(members)
    }

    #[test]
    fn a_bomb_is_refused_before_it_has_unpacked() {
        let bomb = bomb(50);
        let error = unpack(&bomb, 3 << 20).expect_err("more than three members");
        assert_eq!(error.to_string(), "it unpacks to more than 3145728 bytes");
        assert_eq!(unpack(&bomb, 50 << 20).expect("no more than that").len(), 50 << 20);
    }

    #[test]
    fn frames_of_zstd_are_held_to_the_same() {
        // Frames without content size: one block of a repeated byte, 100 KiB of it.
        let size: u32 = 100 << 10;
        let block = (size << 3) | (1 << 1) | 1;
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
        frame.extend(&block.to_le_bytes()[..3]);
        frame.push(b' ');
        let bomb = frame.repeat(10);
        assert_eq!(unpack(&bomb, 1 << 20).expect("that is enough").len(), 1_024_000);
        let error = unpack(&bomb, 500_000).expect_err("more than five frames");
        assert_eq!(error.to_string(), "it unpacks to more than 500000 bytes");
    }
}
