//! The bytes of a file: their hash, and what is compressed in them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sha2::{Digest as _, Sha256};

/// Where the bytes of a history are. They are read from the beginning, and perhaps twice.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file, which need not fit into memory.
    File(&'a Path),
}

impl<'a> Source<'a> {
    fn open(self) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Source::Bytes(bytes) => Box::new(bytes),
            Source::File(path) => Box::new(File::open(path)?),
        })
    }

    /// The SHA-256 of the bytes, as certificates have it.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn sha256(self) -> io::Result<String> {
        let mut hashing = Hashing::new(self.open()?);
        io::copy(&mut hashing, &mut io::sink())?;
        Ok(hexadecimal(hashing.hash))
    }

    /// The text, compressed or not, with the hash of what it is unpacked from.
    pub(crate) fn text(self, bytes_max: u64) -> io::Result<Text<'a>> {
        let mut bytes = BufReader::with_capacity(BUFFER_BYTES, Hashing::new(self.open()?));
        let packed = match bytes.fill_buf()? {
            beginning if beginning.starts_with(GZIP) => {
                Packed::Gzip(Box::new(MultiGzDecoder::new(bytes)))
            }
            beginning if beginning.starts_with(ZSTD) => {
                Packed::Zstd(Box::new(Zstd { bytes, frame: None }))
            }
            _ => Packed::Not(bytes),
        };
        Ok(Text { packed, left: bytes_max, bytes_max })
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Whether bytes are compressed; the first ones tell, whatever the file is called.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP) || bytes.starts_with(ZSTD)
}

/// The SHA-256 of some bytes, as certificates have it.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So much is read and hashed at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Hashes whatever is read through it.
struct Hashing<R> {
    bytes: R,
    hash: Sha256,
}

impl<R> Hashing<R> {
    fn new(bytes: R) -> Hashing<R> {
        Hashing { bytes, hash: Sha256::new() }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

type Bytes<'a> = BufReader<Hashing<Box<dyn Read + Send + 'a>>>;

/// What is in a file, compressed or not. It is unpacked piece by piece, and no further than to a
/// limit: a file of ten megabytes may stand for as many gigabytes.
pub(crate) struct Text<'a> {
    packed: Packed<'a>,
    left: u64,
    bytes_max: u64,
}

enum Packed<'a> {
    Not(Bytes<'a>),
    Gzip(Box<MultiGzDecoder<Bytes<'a>>>),
    Zstd(Box<Zstd<Bytes<'a>>>),
}

impl Text<'_> {
    /// The hash of all bytes, read or not.
    pub(crate) fn sha256(self) -> io::Result<String> {
        let mut bytes = match self.packed {
            Packed::Not(bytes) => bytes,
            Packed::Zstd(decoder) => decoder.bytes,
            Packed::Gzip(decoder) => decoder.into_inner(),
        };
        io::copy(&mut bytes, &mut io::sink())?;
        Ok(hexadecimal(bytes.into_inner().hash))
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.packed {
            // What is as large as its file is no bomb.
            Packed::Not(bytes) => return bytes.read(buffer),
            Packed::Gzip(decoder) => decoder.read(buffer)?,
            Packed::Zstd(decoder) => decoder.read(buffer)?,
        };
        let too_much =
            || io::Error::other(format!("it unpacks to more than {} bytes", self.bytes_max));
        self.left = self.left.checked_sub(read as u64).ok_or_else(too_much)?;
        Ok(read)
    }
}

/// The contents of all frames of a zstd stream.
struct Zstd<R> {
    bytes: R,
    /// The frame that is being unpacked.
    frame: Option<FrameDecoder>,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(frame) = &mut self.frame else {
                if self.bytes.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.frame = next_frame(&mut self.bytes)?;
                continue;
            };
            let read = frame.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if frame.is_finished() {
                self.frame = None;
            } else {
                let block = BlockDecodingStrategy::UptoBlocks(1);
                frame.decode_blocks(&mut self.bytes, block).map_err(io::Error::other)?;
            }
        }
    }
}

/// The next frame; `None` if it is one to be skipped.
fn next_frame(bytes: &mut impl Read) -> io::Result<Option<FrameDecoder>> {
    let mut decoder = FrameDecoder::new();
    match decoder.init(&mut *bytes) {
        Ok(()) => Ok(Some(decoder)),
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => {
            let length = u64::from(length);
            match io::copy(&mut bytes.take(length), &mut io::sink())? {
                skipped if skipped == length => Ok(None),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn unpack(bytes: &[u8], bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        Source::Bytes(bytes).text(bytes_max)?.read_to_end(&mut unpacked)?;
        Ok(unpacked)
    }

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

    #[test]
    fn the_hash_is_that_of_the_file_wherever_reading_it_ended() {
        let text = "a line\n".repeat(100_000);
        for bytes in [text.clone().into_bytes(), bomb(3), b"".to_vec()] {
            for read in [0, 1, 10_000] {
                let mut unpacked = Source::Bytes(&bytes).text(50 << 20).expect("memory");
                let mut some = vec![0; read.min(bytes.len())];
                unpacked.read_exact(&mut some).expect("so much there is");
                assert_eq!(unpacked.sha256().expect("memory"), sha256(&bytes));
            }
            assert_eq!(Source::Bytes(&bytes).sha256().expect("memory"), sha256(&bytes));
        }
    }
}
