//! Counts and checksums of items and objects, independent of their order.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::hex;

/// What a service stores, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    pub items: u64,
    pub objects: u64,
    pub bytes: u64,
    /// The exclusive or of the SHA-256 of each item and of each object with its key, in hexadecimal.
    pub checksum: String,
}

/// Adds up totals.
#[derive(Default)]
pub struct Counter {
    items: u64,
    objects: u64,
    bytes: u64,
    checksum: [u8; 32],
}

impl Counter {
    pub fn add_item(&mut self, item: &Value) {
        self.items += 1;
        // A `Value` is JSON, so nothing can fail.
        let canonical = serde_json_canonicalizer::to_string(item).unwrap_or_default();
        self.mix(&Sha256::digest(canonical.as_bytes()));
    }

    pub fn add_object(&mut self, key: &str, size: u64, sha256: &str) {
        self.objects += 1;
        self.bytes += size;
        self.mix(&Sha256::digest(format!("{key}\n{size}\n{sha256}").as_bytes()));
    }

    pub fn totals(&self) -> Totals {
        let (items, objects, bytes) = (self.items, self.objects, self.bytes);
        Totals { items, objects, bytes, checksum: hex::encode(&self.checksum) }
    }

    fn mix(&mut self, hash: &[u8]) {
        for (sum, byte) in self.checksum.iter_mut().zip(hash) {
            *sum ^= byte;
        }
    }
}
