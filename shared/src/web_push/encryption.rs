//! Encryption of a message to a browser: one record of `aes128gcm` (RFC 8188) under a key that only the browser and
//! this message share (RFC 8291).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::SystemRandom;

use crate::error::Error;
use crate::models::push::PushKeys;
use crate::random;

/// The size of a record, in bytes: what every push service accepts.
const RECORD_SIZE: u32 = 4096;

/// The length of what is derived, for ring.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The body of a push request that carries this message.
pub(super) fn encrypt(payload: &[u8], keys: &PushKeys) -> Result<Vec<u8>, Error> {
    let failed = |_| Error::internal("a push message cannot be encrypted");
    let random = SystemRandom::new();
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(failed)?;
    let public = private.compute_public_key().map_err(failed)?;
    let salt = random::bytes::<16>();
    let shared = UnparsedPublicKey::new(&ECDH_P256, keys.public());
    let prk = agree_ephemeral(private, &shared, |secret| input_key(secret, keys, public.as_ref(), &salt));
    let prk = prk.map_err(failed)??;
    let key = derive::<16>(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = derive::<12>(&prk, &[b"Content-Encoding: nonce\0"])?;

    let mut record = payload.to_vec();
    record.push(2); // the last record, without padding
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(failed)?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).map_err(failed)?;

    Ok([&salt[..], &RECORD_SIZE.to_be_bytes(), &[65], public.as_ref(), &record].concat())
}

/// The key material of the message, from the secret that browser and sender agreed on.
fn input_key(secret: &[u8], keys: &PushKeys, sender: &[u8], salt: &[u8]) -> Result<Prk, Error> {
    let agreed = Salt::new(HKDF_SHA256, keys.auth()).extract(secret);
    let input = derive::<32>(&agreed, &[b"WebPush: info\0", keys.public(), sender])?;
    Ok(Salt::new(HKDF_SHA256, salt).extract(&input))
}

fn derive<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let derived = prk.expand(info, Length(N)).and_then(|key| key.fill(&mut bytes));
    derived.map_err(|_| Error::internal("a key of a push message cannot be derived"))?;
    Ok(bytes)
}
