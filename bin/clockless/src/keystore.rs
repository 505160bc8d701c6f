//! A person's secret key at rest: encrypted under a password, or as words to write down.
//!
//! Invariant: the file gives nothing away without its password but the public key, and nothing in it can be
//! changed without being found out. A wrong password and a changed file cannot be told apart.
//! The words are the 32 secret bytes themselves in the coding of BIP-39, checksum included: there is no passphrase
//! and no path of derivation to lose with them.

use argon2::{Algorithm, Argon2, Params, Version};
use bip39::{Language, Mnemonic};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use crypto::{PublicKey, SigningKey};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const VERSION: u32 = 1;
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";
/// The second recommendation of RFC 9106: for when 2 GiB are too much to ask.
const USUAL_COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// What somebody else's file may ask of this machine.
const COST_MAX: Cost = Cost { memory_kib: 1024 * 1024, passes: 32, lanes: 16 };
/// 256 bits and their checksum.
const WORDS: usize = 24;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keystore {
    version: u32,
    /// 64 hexadecimal digits, as all bytes here.
    public_key: String,
    kdf: String,
    cost: Cost,
    salt: String,
    cipher: String,
    nonce: String,
    ciphertext: String,
}

/// How hard it is to try a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why there is no key in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    #[error("{field} is {have:?}, must be {need}")]
    Field { field: &'static str, have: String, need: String },
    #[error("the password is wrong, or the file was changed")]
    Locked,
    #[error("{have} words, {WORDS} are expected")]
    WordCount { have: usize },
    #[error("word {place} is none of the 2048 English words of BIP-39")]
    Word { place: usize },
    #[error("the words do not fit together: one is wrong, or two are exchanged")]
    Checksum,
}

impl Keystore {
    /// Encrypts a key.
    pub fn seal(key: &SigningKey, password: &str, rng: &mut impl CryptoRng) -> Result<Self, KeystoreError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        rng.fill_bytes(&mut salt);
        rng.fill_bytes(&mut nonce);
        let mut store = Self {
            version: VERSION,
            public_key: key.public_key().to_string(),
            kdf: KDF.to_owned(),
            cost: USUAL_COST,
            salt: hex::encode(salt),
            cipher: CIPHER.to_owned(),
            nonce: hex::encode(nonce),
            ciphertext: String::new(),
        };
        let secret = Zeroizing::new(key.to_bytes());
        let payload = Payload { msg: &secret[..], aad: &store.header() };
        let sealed = store.cipher(password)?.encrypt(&nonce.into(), payload);
        store.ciphertext = hex::encode(sealed.map_err(|_| KeystoreError::Locked)?);
        Ok(store)
    }

    /// The key, for whoever knows the password.
    pub fn open(&self, password: &str) -> Result<SigningKey, KeystoreError> {
        let nonce: [u8; 24] = bytes("nonce", &self.nonce)?;
        let ciphertext: [u8; 48] = bytes("ciphertext", &self.ciphertext)?;
        let payload = Payload { msg: &ciphertext, aad: &self.header() };
        let opened = self.cipher(password)?.decrypt(&nonce.into(), payload);
        let opened = Zeroizing::new(opened.map_err(|_| KeystoreError::Locked)?);
        let secret = opened.as_slice().try_into().map_err(|_| KeystoreError::Locked)?;
        Ok(SigningKey::from_bytes(secret))
    }

    /// The public key that the file claims; `open` finds out whether it is so.
    pub fn public_key(&self) -> Result<PublicKey, KeystoreError> {
        bytes("public_key", &self.public_key).map(PublicKey)
    }

    /// Everything but the ciphertext: it is authenticated with it.
    fn header(&self) -> Vec<u8> {
        let Self { version, public_key, kdf, cost, salt, cipher, nonce, .. } = self;
        let Cost { memory_kib, passes, lanes } = cost;
        let text = format!(
            "clockless keystore {version}\n{public_key}\n{kdf} {memory_kib} {passes} {lanes} {salt}\n{cipher} {nonce}"
        );
        text.into_bytes()
    }

    fn cipher(&self, password: &str) -> Result<XChaCha20Poly1305, KeystoreError> {
        let field = |field, have: &dyn core::fmt::Display, need: &str| {
            Err(KeystoreError::Field { field, have: have.to_string(), need: need.to_owned() })
        };
        if self.version != VERSION {
            return field("version", &self.version, &VERSION.to_string());
        }
        if self.kdf != KDF {
            return field("kdf", &self.kdf, KDF);
        }
        if self.cipher != CIPHER {
            return field("cipher", &self.cipher, CIPHER);
        }
        let salt: [u8; 16] = bytes("salt", &self.salt)?;
        let kdf = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.cost.parameters()?);
        let mut key = Zeroizing::new([0; 32]);
        let derived = kdf.hash_password_into(password.as_bytes(), &salt, &mut key[..]);
        derived.map_err(|_| KeystoreError::Locked)?;
        XChaCha20Poly1305::new_from_slice(&key[..]).map_err(|_| KeystoreError::Locked)
    }
}

impl Cost {
    fn parameters(self) -> Result<Params, KeystoreError> {
        let Self { memory_kib, passes, lanes } = self;
        let fits = memory_kib <= COST_MAX.memory_kib && passes <= COST_MAX.passes && lanes <= COST_MAX.lanes;
        let parameters = Params::new(memory_kib, passes, lanes, None).ok().filter(|_| fits);
        parameters.ok_or_else(|| KeystoreError::Field {
            field: "cost",
            have: format!("{self:?}"),
            need: format!("at least 8 KiB a lane and one pass, at most {COST_MAX:?}"),
        })
    }
}

fn bytes<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], KeystoreError> {
    let read = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    read.ok_or_else(|| KeystoreError::Field {
        field,
        have: text.to_owned(),
        need: format!("{} hexadecimal digits", 2 * N),
    })
}

/// The key as words.
pub fn to_words(key: &SigningKey) -> Zeroizing<String> {
    let secret = Zeroizing::new(key.to_bytes());
    let words = Mnemonic::from_entropy_in(Language::English, &secret[..]);
    Zeroizing::new(words.expect("invariant: 32 bytes are 24 words").to_string())
}

/// The key of such words; letters' case and space between words do not matter.
pub fn from_words(text: &str) -> Result<SigningKey, KeystoreError> {
    let words: Vec<Zeroizing<String>> =
        text.split_whitespace().map(|word| Zeroizing::new(word.to_lowercase())).collect();
    if words.len() != WORDS {
        return Err(KeystoreError::WordCount { have: words.len() });
    }
    let joined = Zeroizing::new(words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" "));
    let words = Mnemonic::parse_in_normalized(Language::English, &joined).map_err(|error| match error {
        bip39::Error::UnknownWord(index) => KeystoreError::Word { place: index + 1 },
        _ => KeystoreError::Checksum,
    })?;
    let secret = Zeroizing::new(words.to_entropy());
    let secret = secret.as_slice().try_into().map_err(|_| KeystoreError::Checksum)?;
    Ok(SigningKey::from_bytes(secret))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes([7; 32])
    }

    fn sealed() -> Keystore {
        Keystore::seal(&key(), "correct horse", &mut ChaCha20Rng::from_seed([1; 32])).unwrap()
    }

    #[test]
    fn only_the_password_opens_it_and_the_secret_is_not_in_it() {
        let store = sealed();
        assert_eq!(store.open("correct horse").unwrap().to_bytes(), [7; 32]);
        assert_eq!(store.open("correct hors").unwrap_err(), KeystoreError::Locked);
        assert_eq!(store.public_key(), Ok(key().public_key()));
        let text = serde_json::to_string(&store).unwrap();
        assert!(!text.contains(&hex::encode([7; 32])));
        assert_eq!(serde_json::from_str::<Keystore>(&text).unwrap(), store);
        let again = Keystore::seal(&key(), "correct horse", &mut ChaCha20Rng::from_seed([2; 32])).unwrap();
        assert_ne!(again.ciphertext, store.ciphertext);
    }

    #[test]
    fn every_change_of_the_file_is_found() {
        let sound = sealed();
        let other = SigningKey::from_bytes([8; 32]).public_key().to_string();
        let cases = [
            (Keystore { version: 2, ..sound.clone() }, "version is \"2\", must be 1"),
            (Keystore { kdf: "none".to_owned(), ..sound.clone() }, "kdf is \"none\""),
            (Keystore { cipher: "none".to_owned(), ..sound.clone() }, "cipher is \"none\""),
            (Keystore { salt: "12".to_owned(), ..sound.clone() }, "32 hexadecimal digits"),
            (Keystore { nonce: "xx".to_owned(), ..sound.clone() }, "48 hexadecimal digits"),
            (Keystore { ciphertext: "00".repeat(47), ..sound.clone() }, "96 hexadecimal digits"),
            (Keystore { ciphertext: "00".repeat(48), ..sound.clone() }, "password is wrong"),
            (Keystore { public_key: other, ..sound.clone() }, "password is wrong"),
            (Keystore { cost: Cost { passes: 2, ..USUAL_COST }, ..sound.clone() }, "password is wrong"),
            (Keystore { cost: Cost { passes: 0, ..USUAL_COST }, ..sound.clone() }, "cost is"),
            (Keystore { cost: Cost { memory_kib: u32::MAX, ..USUAL_COST }, ..sound }, "at most"),
        ];
        for (store, need) in cases {
            let error = store.open("correct horse").unwrap_err().to_string();
            assert!(error.contains(need), "{error} should say {need}");
        }
    }

    #[test]
    fn words_are_the_key_and_a_slip_of_the_pen_is_found() {
        let words = to_words(&key());
        assert_eq!(words.split(' ').count(), WORDS);
        assert_eq!(from_words(&words).unwrap().to_bytes(), [7; 32]);
        assert_eq!(from_words(&format!("  {}\n", words.to_uppercase())).unwrap().to_bytes(), [7; 32]);
        let mut list: Vec<&str> = words.split(' ').collect();
        let wrong = |list: &[&str]| from_words(&list.join(" ")).unwrap_err();
        assert_eq!(wrong(&list[..23]), KeystoreError::WordCount { have: 23 });
        list[4] = "clockless";
        assert_eq!(wrong(&list), KeystoreError::Word { place: 5 });
        list[4] = "zoo";
        assert_eq!(wrong(&list), KeystoreError::Checksum);
    }

    #[test]
    fn the_words_of_the_standard_are_understood() {
        // From the test vectors of BIP-39: 256 bits of zero, and of 0x7f.
        let zero = "abandon ".repeat(23) + "art";
        assert_eq!(from_words(&zero).unwrap().to_bytes(), [0; 32]);
        let words = to_words(&SigningKey::from_bytes([0x7f; 32]));
        assert!(words.starts_with("legal winner thank year wave sausage worth useful legal winner thank"));
        assert!(words.ends_with("title"));
    }
}
