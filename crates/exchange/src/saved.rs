//! How the state is written to bytes and read back.
//!
//! Integers are of fixed width, big-endian; what `wire` has a format for is written in it; a collection is its
//! length and its items. A struct is its fields in the order in which `saved!` names them, and `saved!` takes
//! each struct apart whole: a field that is added and not saved does not compile.
//!
//! Invariant: a value has exactly one encoding (maps and sets are read only in rising order), so that equal
//! states are equal bytes. Reading is total: any bytes are a value or an error, and what is allocated is at most
//! proportional to the bytes that are there.
//! Left out on purpose: whether what was read makes sense together. `snapshot` judges that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use commonware_codec::{Copying, ReadExt, Write};
use num::{Cash, Duration, Fix, Lots, Position, Side, Ticks, Timestamp};

/// Why bytes are no saved value, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {reason}")]
pub struct LoadError {
    pub at: usize,
    pub reason: LoadReason,
}

/// What is wrong with saved bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadReason {
    #[error("{have} bytes are left, {need} are needed")]
    Ends { have: usize, need: usize },
    #[error("{have} bytes are left over")]
    LeftOver { have: usize },
    #[error("{have} is none of the choices")]
    Choice { have: u8 },
    #[error("a key is not above the one before")]
    NotRising,
    #[error("the value has no meaning")]
    Value,
}

/// Saved bytes as they are read.
#[derive(Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A value that can be saved and read back.
pub trait Save: Sized {
    fn save(&self, out: &mut Vec<u8>);
    fn load(input: &mut Input<'_>) -> Result<Self, LoadError>;
}

impl<'a> Input<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// All has been read, or the error that says so.
    pub fn finish(&self) -> Result<(), LoadError> {
        match self.bytes.len() {
            0 => Ok(()),
            have => Err(self.refuse(LoadReason::LeftOver { have })),
        }
    }

    /// An error at the present byte.
    pub(crate) const fn refuse(&self, reason: LoadReason) -> LoadError {
        LoadError { at: self.at, reason }
    }

    fn take(&mut self, need: usize) -> Result<&'a [u8], LoadError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(need) else {
            return Err(self.refuse(LoadReason::Ends { have: self.bytes.len(), need }));
        };
        (self.bytes, self.at) = (rest, self.at + need);
        Ok(taken)
    }

    /// The length of a collection; its items have a byte or more each.
    fn length(&mut self) -> Result<usize, LoadError> {
        let length = usize::load(self)?;
        if length > self.bytes.len() {
            return Err(self.refuse(LoadReason::Ends { have: self.bytes.len(), need: length }));
        }
        Ok(length)
    }

    /// A value in its format of `wire`.
    fn coded<T: ReadExt>(&mut self) -> Result<T, LoadError> {
        let mut rest = Copying(self.bytes);
        let value = T::read(&mut rest).map_err(|_| self.refuse(LoadReason::Value))?;
        self.take(self.bytes.len() - rest.0.len())?;
        Ok(value)
    }
}

/// Saves a struct as these fields, which must be all it has.
macro_rules! saved {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::saved::Save for $name {
            fn save(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::saved::Save::save($field, out);)*
            }
            fn load(input: &mut $crate::saved::Input<'_>) -> Result<Self, $crate::saved::LoadError> {
                Ok(Self { $($field: $crate::saved::Save::load(input)?),* })
            }
        }
    };
}

/// Saves an enum as a tag byte and the fields of the variant.
macro_rules! saved_choice {
    ($name:ty { $($tag:literal => $variant:ident $({ $($field:ident),* $(,)? })?),* $(,)? }) => {
        impl $crate::saved::Save for $name {
            fn save(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => { out.push($tag); $($($crate::saved::Save::save($field, out);)*)? })*
                }
            }
            fn load(input: &mut $crate::saved::Input<'_>) -> Result<Self, $crate::saved::LoadError> {
                match <u8 as $crate::saved::Save>::load(input)? {
                    $($tag => Ok(Self::$variant $({ $($field: $crate::saved::Save::load(input)?),* })?),)*
                    have => Err(input.refuse($crate::saved::LoadReason::Choice { have })),
                }
            }
        }
    };
}

macro_rules! saved_integer {
    ($($name:ty),*) => {$(
        impl Save for $name {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
            fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
                let mut bytes = [0; size_of::<$name>()];
                bytes.copy_from_slice(input.take(size_of::<$name>())?);
                Ok(Self::from_be_bytes(bytes))
            }
        }
    )*};
}

macro_rules! saved_on_wire {
    ($($name:ty),* $(,)?) => {$(
        impl Save for $name {
            fn save(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
            fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
                input.coded()
            }
        }
    )*};
}

saved_integer!(u8, u16, u32, u64, i64, i128);
saved_on_wire!(
    Cash,
    Duration,
    Fix,
    Lots,
    Position,
    Side,
    Ticks,
    Timestamp,
    crypto::Digest,
    crypto::PublicKey,
    wire::AccountId,
    wire::Author,
    wire::Certificate,
    wire::Change,
    wire::ComboLeg,
    wire::Conditions,
    wire::Equivocation,
    wire::HaltCause,
    wire::InstrumentId,
    wire::Label,
    wire::MarginModel,
    wire::NewOrder,
    wire::OrderEnd,
    wire::OrderId,
    wire::ParameterName,
    wire::Permission,
    wire::PostOnly,
    wire::ProtectionLimits,
    wire::ReduceOnly,
    wire::RootSignature,
    wire::Rung,
    wire::SelfTrade,
    wire::UnderlyingId,
);

impl Save for usize {
    fn save(&self, out: &mut Vec<u8>) {
        u64::try_from(*self).unwrap_or(u64::MAX).save(out);
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let number = u64::load(input)?;
        Self::try_from(number).map_err(|_| input.refuse(LoadReason::Value))
    }
}

impl Save for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        match u8::load(input)? {
            0 => Ok(false),
            1 => Ok(true),
            have => Err(input.refuse(LoadReason::Choice { have })),
        }
    }
}

impl Save for String {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        out.extend(self.as_bytes());
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let length = input.length()?;
        let bytes = input.take(length)?.to_vec();
        Self::from_utf8(bytes).map_err(|_| input.refuse(LoadReason::Value))
    }
}

impl<T: Save> Save for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Ok(if bool::load(input)? { Some(T::load(input)?) } else { None })
    }
}

impl<A: Save, B: Save> Save for (A, B) {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
        self.1.save(out);
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Ok((A::load(input)?, B::load(input)?))
    }
}

impl<T: Save, const N: usize> Save for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|item| item.save(out));
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let items = (0..N).map(|_| T::load(input)).collect::<Result<Vec<T>, _>>()?;
        Self::try_from(items).map_err(|_| input.refuse(LoadReason::Value))
    }
}

impl<T: Save> Save for Vec<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        self.iter().for_each(|item| item.save(out));
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let length = input.length()?;
        (0..length).map(|_| T::load(input)).collect()
    }
}

impl<T: Save> Save for VecDeque<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        self.iter().for_each(|item| item.save(out));
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Vec::load(input).map(Self::from)
    }
}

impl<K: Save + Ord, V: Save> Save for BTreeMap<K, V> {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        for (key, value) in self {
            key.save(out);
            value.save(out);
        }
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let length = input.length()?;
        let mut map = Self::new();
        for _ in 0..length {
            let key = K::load(input)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(input.refuse(LoadReason::NotRising));
            }
            let value = V::load(input)?;
            map.insert(key, value);
        }
        Ok(map)
    }
}

impl<T: Save + Ord> Save for BTreeSet<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        self.iter().for_each(|item| item.save(out));
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let length = input.length()?;
        let mut set = Self::new();
        for _ in 0..length {
            let item = T::load(input)?;
            if set.last().is_some_and(|last| *last >= item) {
                return Err(input.refuse(LoadReason::NotRising));
            }
            set.insert(item);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Sample = BTreeMap<u16, (Option<String>, Vec<i128>)>;

    fn saved_bytes(value: &impl Save) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.save(&mut bytes);
        bytes
    }

    fn load<T: Save>(bytes: &[u8]) -> Result<T, LoadError> {
        let mut input = Input::new(bytes);
        let value = T::load(&mut input)?;
        input.finish().map(|()| value)
    }

    proptest! {
        #[test]
        fn what_was_saved_is_read_and_nothing_else_is_the_same_bytes(
            value: Sample,
            garbage in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = saved_bytes(&value);
            prop_assert_eq!(load::<Sample>(&bytes), Ok(value));
            prop_assert!(load::<Sample>(&[&bytes[..], &[0]].concat()).is_err());
            if let Ok(value) = load::<Sample>(&garbage) {
                prop_assert_eq!(saved_bytes(&value), garbage);
            }
        }
    }

    #[test]
    fn keys_must_rise_and_lengths_must_be_there() {
        let twice = saved_bytes(&vec![5u8, 5]);
        assert_eq!(load::<BTreeSet<u8>>(&twice).map_err(|it| it.reason), Err(LoadReason::NotRising));
        let endless = saved_bytes(&usize::MAX);
        let ends = LoadReason::Ends { have: 0, need: usize::MAX };
        assert_eq!(load::<Vec<u8>>(&endless), Err(LoadError { at: 8, reason: ends }));
        assert_eq!(load::<bool>(&[2]).map_err(|it| it.reason), Err(LoadReason::Choice { have: 2 }));
    }
}
