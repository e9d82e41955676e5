//! How the engine sends a container's output: in frames of eight bytes of header (which stream, three
//! zeros, the length in network order) and that many bytes. With a terminal there are no frames.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const HEADER_BYTES: usize = 8;

fn length(header: &[u8; HEADER_BYTES]) -> usize {
    let [_, _, _, _, length @ ..] = *header;
    usize::try_from(u32::from_be_bytes(length)).expect("a frame fits into memory")
}

/// What is in whole frames; a frame that was cut off at the end is left out.
pub(crate) fn content(mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(bytes.len());
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let Some(frame) = rest.get(..length(header)) else { break };
        content.extend_from_slice(frame);
        bytes = &rest[frame.len()..];
    }
    content
}

/// Passes the content of frames on until either side ends.
pub(crate) async fn unwrap(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut header = [0; HEADER_BYTES];
    while from.read_exact(&mut header).await.is_ok() {
        let mut frame = vec![0; length(&header)];
        if from.read_exact(&mut frame).await.is_err() || to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x04more";

    #[test]
    fn frames_of_both_streams_are_joined_and_a_torn_one_is_dropped() {
        assert_eq!(content(TWO), b"onemore");
        assert_eq!(content(&TWO[..TWO.len() - 1]), b"one");
        assert_eq!(content(b""), b"");
    }

    #[tokio::test]
    async fn a_stream_of_frames_reads_as_its_content() {
        let mut content = Vec::new();
        unwrap(TWO, &mut content).await;
        assert_eq!(content, b"onemore");
    }
}
