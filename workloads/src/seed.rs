//! One seed, many independent streams.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random stream of one concern of one worker.
///
/// Seed, concern and worker are put side by side into ChaCha's 256-bit key rather than added up,
/// so that no two streams coincide, and a new concern shifts nobody else's. ChaCha8 because its
/// output is the same in every version and on every machine.
pub fn stream(seed: u64, concern: &str, worker: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(concern).to_le_bytes());
    key[16..24].copy_from_slice(&(worker as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// FNV-1a, which unlike the standard library's hasher is fixed for good.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn streams_differ_by_seed_concern_and_worker_and_repeat() {
        let first = |seed, concern, worker| stream(seed, concern, worker).random::<u64>();
        let base = first(1, "calls", 0);
        assert_eq!(base, first(1, "calls", 0));
        for other in [first(2, "calls", 0), first(1, "pace", 0), first(1, "calls", 1)] {
            assert_ne!(base, other);
        }
    }
}
