//! Where a training run stands in its data.

use serde::{Deserialize, Serialize};

/// Where a training run stands in its data: a few numbers, to be saved with the checkpoint of the model.
///
/// It is valid for the same data set, seed and plan (batch size, balance, mixture, shuffle, `drop_last`), under any
/// number of workers, and under another number of ranks as well, provided that all ranks had read the same number of
/// batches: the batches that none had read are dealt out anew. Transforms and normalisation are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResumeState {
    /// The seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The number of the epoch's batches that were read, over all ranks.
    pub batch: u64,
    /// Stands for the labels of the data set, its class names, the names of some of its files, and the plan's configuration.
    pub fingerprint: u64,
}

/// FNV-1a, 64 bits (G. Fowler, L. C. Noll, K.-P. Vo): the same on every platform and in every release, unlike the
/// standard library's.
#[derive(Clone, Debug)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a part; its length too, so that no two sequences of parts run together.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_fnv_1a_and_keep_parts_apart() {
        let of = |parts: &[&[u8]]| {
            let mut fingerprint = Fingerprint::new();
            parts.iter().for_each(|part| fingerprint.add(part));
            fingerprint.finish()
        };
        // The published value of "a" is reached when the length is left out.
        let a = (0xcbf2_9ce4_8422_2325_u64 ^ u64::from(b'a')).wrapping_mul(0x0000_0100_0000_01b3);
        assert_eq!(a, 0xaf63_dc4c_8601_ec8c);
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"", b"a"]), of(&[b"a", b""]));
    }
}
