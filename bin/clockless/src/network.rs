//! The genesis of a network, and the folder that holds one, with its configurations.
//!
//! Invariant: the digest of a genesis is the digest of its meaning: two files that read alike are one network.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    path::Path,
};

use crypto::{Digest, PublicKey, SealingKey, SigningKey, ThresholdKey};
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wire::{Committee, Endpoint, List, Member, Successor};

use crate::failure::Failure;

/// What all validators agree on before the first round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkGenesis {
    pub name: String,
    pub epoch: u64,
    pub validators: Vec<Validator>,
    /// The public key of a coin that a dealer dealt, hexadecimal. Without it the validators make their coin in
    /// epoch 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coin_key: Option<String>,
    pub wave_length: u8,
    pub leaders_per_round: u16,
    pub gc_depth: u64,
    /// Rounds from one checkpoint to the next, where a log can be cut and a newcomer begin.
    #[serde(default = "checkpoint_rounds")]
    pub checkpoint_rounds: u64,
    /// Every so many commits the root is attested to.
    pub attest_every: u64,
    pub exchange: exchange::Genesis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    pub name: String,
    /// Ed25519 public key, 64 hexadecimal digits.
    pub key: String,
    pub stake: u64,
    /// To what its shares of the coin are sealed, 96 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<String>,
}

const fn checkpoint_rounds() -> u64 {
    128
}

impl NetworkGenesis {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
    }

    /// The name of the network that signatures are bound to.
    pub fn digest(&self) -> Digest {
        let bytes = serde_json::to_vec(self).expect("invariant: a genesis has only plain values");
        Digest::of("clockless network genesis 2026", &bytes)
    }

    pub fn committee(&self) -> Result<Committee, Failure> {
        self.committee_of(self.epoch)
    }

    /// The committee that makes the coin, in epoch 0, with what is sealed to its members.
    pub fn founders(&self) -> Result<(Committee, Vec<SealingKey>), Failure> {
        let sealing = |(index, validator): (usize, &Validator)| {
            let text = validator.sealing.as_ref();
            text.and_then(|text| hex::decode(text).ok()?.try_into().ok()).map(SealingKey).ok_or_else(|| {
                Failure::bad_input(format!(
                    "genesis: validators[{index}].sealing must be 96 hexadecimal digits"
                ))
            })
        };
        let sealing: Result<Vec<SealingKey>, Failure> =
            self.validators.iter().enumerate().map(sealing).collect();
        Ok((self.committee_of(0)?, sealing?))
    }

    /// The members as a change of the committee names them, when all say what is sealed to them.
    pub fn successors(&self) -> Result<Vec<Successor>, Failure> {
        let (committee, sealing) = self.founders()?;
        let member = |(author, sealing)| {
            let (key, stake) = (committee.key(author).unwrap_or_default(), committee.stake(author));
            Successor { key, sealing, stake, endpoint: None, workers: List::default() }
        };
        Ok(committee.authors().zip(sealing).map(member).collect())
    }

    fn committee_of(&self, epoch: u64) -> Result<Committee, Failure> {
        let mut members = Vec::new();
        for (index, validator) in self.validators.iter().enumerate() {
            let key = parse_key(&validator.key).ok_or_else(|| {
                Failure::bad_input(format!("genesis: validators[{index}].key must be 64 hexadecimal digits"))
            })?;
            members.push(Member { key, stake: validator.stake });
        }
        Committee::new(epoch, members)
            .map_err(|error| Failure::bad_input(format!("genesis: validators: {error}")))
    }

    /// The key of the coin that was dealt; `None` when the validators make theirs.
    pub fn coin_key(&self) -> Result<Option<ThresholdKey>, Failure> {
        let Some(text) = &self.coin_key else { return Ok(None) };
        let members = u32::try_from(self.validators.len()).ok().and_then(NonZeroU32::new);
        let key = hex::decode(text).ok().zip(members);
        key.and_then(|(bytes, members)| ThresholdKey::decode(bytes, members)).map(Some).ok_or_else(|| {
            Failure::bad_input("genesis: coin_key is no key of a coin for this many validators".to_owned())
        })
    }

    pub fn parameters(&self) -> ordering::Parameters {
        ordering::Parameters {
            wave_length: self.wave_length,
            leaders_per_round: self.leaders_per_round,
            gc_depth: self.gc_depth,
            checkpoint_rounds: self.checkpoint_rounds,
        }
    }
}

pub fn parse_key(text: &str) -> Option<PublicKey> {
    Some(PublicKey(hex::decode(text).ok()?.try_into().ok()?))
}

/// An address as a change of the committee names it.
pub fn endpoint_of(address: SocketAddr) -> Endpoint {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Endpoint { ip: ip.octets(), port: address.port() }
}

pub fn address_of(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(Ipv6Addr::from(endpoint.ip).to_canonical(), endpoint.port)
}

/// Reads a secret key of 64 hexadecimal digits from a file.
pub fn read_signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let bytes = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(SigningKey::from_bytes).ok_or_else(|| {
        Failure::bad_input(format!("{}: a secret key of 64 hexadecimal digits is expected", path.display()))
    })
}

/// Reads a configuration: a file, over it what the environment may say with CLOCKLESS_ before it, over that the
/// command line.
pub fn read_config<T: DeserializeOwned>(
    path: &Path,
    overrides: &[&str],
    command_line: &impl Serialize,
) -> Result<T, Failure> {
    if !path.is_file() {
        return Err(Failure::bad_input(format!("{}: there is no such file", path.display())));
    }
    let environment = Env::prefixed("CLOCKLESS_").only(overrides);
    let figment = Figment::new().merge(Toml::file_exact(path)).merge(environment);
    let figment = figment.merge(Serialized::defaults(command_line));
    figment.extract().map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
}

/// Writes a configuration as people read it.
pub fn write_config(path: &Path, config: &impl Serialize) -> Result<(), Failure> {
    let text = toml::to_string_pretty(config).map_err(|error| Failure::failed(error.to_string()))?;
    fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// Writes a file that only its owner can read; refuses to overwrite.
pub fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()));
    written.map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_kinds_come_back() {
        for text in ["127.0.0.1:7000", "[2001:db8::1]:443"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(address_of(endpoint_of(address)), address);
        }
    }
}
