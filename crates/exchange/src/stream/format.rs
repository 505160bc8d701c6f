//! The bytes of a command stream, read and written.
//!
//! Invariant: `parse` accepts exactly what `to_bytes` writes; the room it takes is bounded by the length
//! of its input, whatever the header claims. Left out on purpose: the text form of a stream.

use num::{Lots, Side, Ticks};
use wire::OrderId;

use super::{Command, Stream};

const MAGIC: [u8; 8] = *b"MEWL0001";
const HEADER_BYTES: usize = 32;
const RECORD_BYTES: usize = 24;
const RECORD_BYTES_WIDE: u128 = 24;

const ADD: u8 = 1;
const CANCEL: u8 = 2;
const MARKET: u8 = 3;
const IMMEDIATE: u8 = 4;

/// A field that some records must leave zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Padding,
    Side,
    Lots,
    Price,
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Padding => "padding",
            Self::Side => "side",
            Self::Lots => "quantity",
            Self::Price => "price",
        })
    }
}

/// Why bytes are no stream. Records are counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    #[error("header: {have} bytes, need {need}")]
    HeaderTruncated { have: usize, need: usize },
    #[error("header: magic is \"{}\", need \"{}\"", have.escape_ascii(), need.escape_ascii())]
    Magic { have: [u8; 8], need: [u8; 8] },
    #[error("header: header size is {have}, need {need}")]
    HeaderSize { have: u32, need: usize },
    #[error("header: record size is {have}, need {need}")]
    RecordSize { have: u32, need: usize },
    #[error("after the header: {have} bytes, need {need} for {count} records")]
    Length { have: usize, need: u128, count: u64 },
    #[error("record {record} at byte {byte}: unknown operation {have}, need 1 to 4")]
    Operation { record: usize, byte: usize, have: u8 },
    #[error("record {record} at byte {byte}: side is {have}, need 0 or 1")]
    Side { record: usize, byte: usize, have: u8 },
    #[error("record {record} at byte {byte}: {field} is {have}, need 0")]
    NotZero { record: usize, byte: usize, field: Field, have: i64 },
    #[error("record {record} at byte {byte}: order number is {have}, need {need}, the next one")]
    OrderNumber { record: usize, byte: usize, have: u64, need: u64 },
}

/// One record as it lies in the bytes.
struct Record {
    operation: u8,
    side: u8,
    padding: u16,
    lots: u32,
    order: u64,
    price: i64,
}

/// Where a record is, for errors.
#[derive(Clone, Copy)]
struct Position {
    record: usize,
    byte: usize,
}

impl Stream {
    /// Reads a whole stream; the bytes must end with the last record.
    pub fn parse(bytes: &[u8]) -> Result<Self, StreamError> {
        let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(StreamError::HeaderTruncated { have: bytes.len(), need: HEADER_BYTES });
        };
        let (count, seed) = parse_header(header)?;
        let need = u128::from(count) * RECORD_BYTES_WIDE;
        if u128::try_from(body.len()).ok() != Some(need) {
            return Err(StreamError::Length { have: body.len(), need, count });
        }
        let (records, _) = body.as_chunks::<RECORD_BYTES>();
        let mut commands = Vec::with_capacity(records.len());
        let mut next_order = 1;
        for (record, bytes) in records.iter().enumerate() {
            let position = Position { record, byte: HEADER_BYTES + record * RECORD_BYTES };
            commands.push(Record::read(bytes).decode(position, &mut next_order)?);
        }
        Ok(Self { seed, commands })
    }

    /// The bytes that `parse` reads back; orders must be numbered 1, 2, 3 and so on for that.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.commands.len() * RECORD_BYTES);
        bytes.extend(MAGIC);
        for size in [HEADER_BYTES, RECORD_BYTES] {
            bytes.extend(u32::try_from(size).expect("invariant: both sizes are small").to_le_bytes());
        }
        let count = u64::try_from(self.commands.len()).expect("invariant: lengths have 64 bits or fewer");
        bytes.extend(count.to_le_bytes());
        bytes.extend(self.seed.to_le_bytes());
        for command in &self.commands {
            Record::of(command).write(&mut bytes);
        }
        bytes
    }
}

fn parse_header(header: &[u8; HEADER_BYTES]) -> Result<(u64, u64), StreamError> {
    let magic = take::<8>(header, 0);
    if magic != MAGIC {
        return Err(StreamError::Magic { have: magic, need: MAGIC });
    }
    let have = u32::from_le_bytes(take(header, 8));
    if usize::try_from(have) != Ok(HEADER_BYTES) {
        return Err(StreamError::HeaderSize { have, need: HEADER_BYTES });
    }
    let have = u32::from_le_bytes(take(header, 12));
    if usize::try_from(have) != Ok(RECORD_BYTES) {
        return Err(StreamError::RecordSize { have, need: RECORD_BYTES });
    }
    Ok((u64::from_le_bytes(take(header, 16)), u64::from_le_bytes(take(header, 24))))
}

/// `N` bytes from `offset` on.
fn take<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    *bytes[offset..].first_chunk().expect("invariant: offsets are inside header and record")
}

impl Record {
    fn read(bytes: &[u8; RECORD_BYTES]) -> Self {
        Self {
            operation: bytes[0],
            side: bytes[1],
            padding: u16::from_le_bytes(take(bytes, 2)),
            lots: u32::from_le_bytes(take(bytes, 4)),
            order: u64::from_le_bytes(take(bytes, 8)),
            price: i64::from_le_bytes(take(bytes, 16)),
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.operation, self.side]);
        bytes.extend(self.padding.to_le_bytes());
        bytes.extend(self.lots.to_le_bytes());
        bytes.extend(self.order.to_le_bytes());
        bytes.extend(self.price.to_le_bytes());
    }

    fn decode(&self, position: Position, next_order: &mut u64) -> Result<Command, StreamError> {
        position.require_zero(Field::Padding, i64::from(self.padding))?;
        let Position { record, byte } = position;
        if !(ADD..=IMMEDIATE).contains(&self.operation) {
            return Err(StreamError::Operation { record, byte, have: self.operation });
        }
        let id = OrderId(self.order);
        if self.operation == CANCEL {
            position.require_zero(Field::Side, i64::from(self.side))?;
            position.require_zero(Field::Lots, i64::from(self.lots))?;
            position.require_zero(Field::Price, self.price)?;
            return Ok(Command::Cancel { id });
        }
        let side = match self.side {
            0 => Side::Buy,
            1 => Side::Sell,
            have => return Err(StreamError::Side { record, byte, have }),
        };
        if self.order != *next_order {
            return Err(StreamError::OrderNumber { record, byte, have: self.order, need: *next_order });
        }
        *next_order += 1;
        let lots = Lots::new(u64::from(self.lots));
        let price = Ticks::new(self.price);
        match self.operation {
            ADD => Ok(Command::Add { id, side, lots, price }),
            IMMEDIATE => Ok(Command::Immediate { id, side, lots, limit: price }),
            _ => {
                position.require_zero(Field::Price, self.price)?;
                Ok(Command::Market { id, side, lots })
            }
        }
    }

    fn of(command: &Command) -> Self {
        let (operation, id, order) = match *command {
            Command::Cancel { id } => (CANCEL, id, None),
            Command::Add { id, side, lots, price } => (ADD, id, Some((side, lots, price))),
            Command::Market { id, side, lots } => (MARKET, id, Some((side, lots, Ticks::new(0)))),
            Command::Immediate { id, side, lots, limit } => (IMMEDIATE, id, Some((side, lots, limit))),
        };
        let (side, lots, price) = order.map_or((0, 0, 0), |(side, lots, price)| {
            let side = match side {
                Side::Buy => 0,
                Side::Sell => 1,
            };
            (side, u32::try_from(lots.get()).unwrap_or(u32::MAX), price.get())
        });
        Self { operation, side, padding: 0, lots, order: id.0, price }
    }
}

impl Position {
    const fn require_zero(self, field: Field, have: i64) -> Result<(), StreamError> {
        if have == 0 {
            return Ok(());
        }
        Err(StreamError::NotZero { record: self.record, byte: self.byte, field, have })
    }
}
