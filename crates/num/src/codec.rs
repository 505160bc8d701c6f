//! How the integers travel: fixed width, big-endian, as the codec library writes its primitives.
//!
//! Invariant: every value has exactly one encoding and every encoding of the right length is a value,
//! except `Side`, which has two.

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt, Write};

use crate::{Cash, Duration, Fix, Lots, Position, Side, Ticks, Timestamp};

macro_rules! integer {
    ($name:ident, $primitive:ty, $make:expr, $take:expr) => {
        impl Write for $name {
            fn write(&self, buf: &mut impl BufMut) {
                let take: fn(Self) -> $primitive = $take;
                take(*self).write(buf);
            }
        }
        impl FixedSize for $name {
            const SIZE: usize = <$primitive as FixedSize>::SIZE;
        }
        impl Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
                <$primitive>::read(buf).map($make)
            }
        }
    };
}

integer!(Cash, i64, Self::from_micros, Self::micros);
integer!(Fix, i64, Self::from_raw, Self::raw);
integer!(Ticks, i64, Self::new, Self::get);
integer!(Lots, u64, Self::new, Self::get);
integer!(Position, i64, Self::new, Self::get);
integer!(Timestamp, u64, Self::from_millis, Self::millis);
integer!(Duration, u64, Self::from_millis, Self::millis);

impl Write for Side {
    fn write(&self, buf: &mut impl BufMut) {
        let tag: u8 = match self {
            Self::Buy => 0,
            Self::Sell => 1,
        };
        tag.write(buf);
    }
}

impl FixedSize for Side {
    const SIZE: usize = 1;
}

impl Read for Side {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        match u8::read(buf)? {
            0 => Ok(Self::Buy),
            1 => Ok(Self::Sell),
            tag => Err(Error::InvalidEnum(tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_codec::{DecodeExt, Encode};

    #[test]
    fn values_round_trip_and_a_side_is_one_of_two() {
        for raw in [i64::MIN, -1, 0, 1, i64::MAX] {
            let cash = Cash::from_micros(raw);
            assert_eq!(Cash::decode(cash.encode()).unwrap(), cash);
            let ticks = Ticks::new(raw);
            assert_eq!(Ticks::decode(ticks.encode()).unwrap(), ticks);
        }
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(Side::decode(side.encode()).unwrap(), side);
        }
        assert!(Side::decode(vec![2]).is_err());
        assert!(Lots::decode(vec![0; 7]).is_err());
    }
}
