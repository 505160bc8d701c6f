//! The shapes that formats are written in: records, tagged choices, bounded lists and bounded bytes.
//!
//! Invariant: reading needs no configuration, because every bound is part of the type.

use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, Write};

/// A struct whose encoding is its fields in order.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                $(commonware_codec::Write::write(&self.$field, buf);)*
            }
        }
        impl commonware_codec::EncodeSize for $name {
            fn encode_size(&self) -> usize {
                0 $(+ commonware_codec::EncodeSize::encode_size(&self.$field))*
            }
        }
        impl commonware_codec::Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                Ok(Self { $($field: <$type as commonware_codec::ReadExt>::read(buf)?,)* })
            }
        }
    };
}

/// An enum whose encoding is a tag byte and the fields of the variant in order.
macro_rules! tagged {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $tag:literal => $variant:ident $({ $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })?,)* }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$variant_meta])* $variant $({ $($(#[$field_meta])* $field: $type),* })?,)* }

        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        let tag: u8 = $tag;
                        commonware_codec::Write::write(&tag, buf);
                        $($(commonware_codec::Write::write($field, buf);)*)?
                    })*
                }
            }
        }
        impl commonware_codec::EncodeSize for $name {
            fn encode_size(&self) -> usize {
                match self {
                    $(Self::$variant $({ $($field),* })? => 1 $($(+ commonware_codec::EncodeSize::encode_size($field))*)?,)*
                }
            }
        }
        impl commonware_codec::Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                match <u8 as commonware_codec::ReadExt>::read(buf)? {
                    $($tag => Ok(Self::$variant $({ $($field: <$type as commonware_codec::ReadExt>::read(buf)?),* })?),)*
                    tag => Err(commonware_codec::Error::InvalidEnum(tag)),
                }
            }
        }
    };
}

/// A new name for a fixed-size value.
macro_rules! newtype {
    ($(#[$meta:meta])* pub struct $name:ident(pub $inner:ty);) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl commonware_codec::Write for $name {
            fn write(&self, buf: &mut impl bytes::BufMut) {
                commonware_codec::Write::write(&self.0, buf);
            }
        }
        impl commonware_codec::FixedSize for $name {
            const SIZE: usize = <$inner as commonware_codec::FixedSize>::SIZE;
        }
        impl commonware_codec::Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl commonware_codec::Buf, (): &()) -> Result<Self, commonware_codec::Error> {
                <$inner as commonware_codec::ReadExt>::read(buf).map(Self)
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

/// At most `MAX` items. Reading stops at a longer length before anything is allocated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// The largest length.
    pub const MAX: usize = MAX;

    /// `None` when there are more than `MAX` items.
    pub fn new(items: Vec<T>) -> Option<Self> {
        (items.len() <= MAX).then_some(Self(items))
    }

    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> core::ops::Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Write, const MAX: usize> Write for List<T, MAX> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl<T: EncodeSize, const MAX: usize> EncodeSize for List<T, MAX> {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl<T: Read<Cfg = ()>, const MAX: usize> Read for List<T, MAX> {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        Vec::<T>::read_cfg(buf, &(RangeCfg::from(0..=MAX), ())).map(Self)
    }
}

/// At most `MAX` bytes, shared with the buffer they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob<const MAX: usize>(Bytes);

impl<const MAX: usize> Blob<MAX> {
    /// The largest length in bytes.
    pub const MAX: usize = MAX;

    /// No bytes.
    pub const EMPTY: Self = Self(Bytes::new());

    /// `None` when there are more than `MAX` bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() <= MAX).then_some(Self(bytes))
    }

    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl<const MAX: usize> core::ops::Deref for Blob<MAX> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> Write for Blob<MAX> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl<const MAX: usize> EncodeSize for Blob<MAX> {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl<const MAX: usize> Read for Blob<MAX> {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        Bytes::read_cfg(buf, &RangeCfg::from(0..=MAX)).map(Self)
    }
}

/// A large part of a choice, so that the choice itself stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boxed<T>(Box<T>);

impl<T> Boxed<T> {
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }
}

impl<T> core::ops::Deref for Boxed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Write> Write for Boxed<T> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl<T: EncodeSize> EncodeSize for Boxed<T> {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl<T: Read<Cfg = ()>> Read for Boxed<T> {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        T::read_cfg(buf, &()).map(Self::new)
    }
}
