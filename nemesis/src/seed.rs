//! One generator a concern, derived from one seed by the concern's name, so that a new consumer of
//! randomness shifts nobody else.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator for `concern`: the seed keys the cipher, the name selects one of its 2⁶⁴ streams.
pub(crate) fn rng(seed: u64, concern: &str) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(fnv1a(concern));
    rng
}

/// FNV-1a, 64 bits: small, and the same on every machine and in every version, which the standard
/// library's hashers do not promise.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
