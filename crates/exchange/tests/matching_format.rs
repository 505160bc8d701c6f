//! What a command stream must look like: every broken byte is refused with its place and the reason.

use exchange::book::PagedBook;
use exchange::stream::{Command, Field, MarketLimits, Replayer, Stream, StreamError};
use num::{Lots, Side, Ticks};
use proptest::prelude::*;
use wire::OrderId;

const GOLDEN: &[u8] = include_bytes!("matching_golden.bin");

/// One record of each operation.
fn small() -> Stream {
    let (id, lots, price) = (OrderId(1), Lots::new(5), Ticks::new(100));
    Stream {
        seed: 9,
        commands: vec![
            Command::Add { id, side: Side::Buy, lots, price },
            Command::Cancel { id },
            Command::Market { id: OrderId(2), side: Side::Sell, lots },
            Command::Immediate { id: OrderId(3), side: Side::Sell, lots, limit: price },
        ],
    }
}

/// The small stream with some bytes replaced.
fn broken(at: usize, with: &[u8]) -> Result<Stream, StreamError> {
    let mut bytes = small().to_bytes();
    bytes[at..at + with.len()].copy_from_slice(with);
    Stream::parse(&bytes)
}

#[test]
fn a_stream_reads_back_what_was_written() {
    assert_eq!(Stream::parse(&small().to_bytes()), Ok(small()));
    assert_eq!(Stream::parse(GOLDEN).map(|stream| stream.to_bytes()), Ok(GOLDEN.to_vec()));
    let empty = Stream { seed: u64::MAX, commands: Vec::new() };
    assert_eq!(Stream::parse(&empty.to_bytes()), Ok(empty));
}

#[test]
fn a_broken_header_is_refused() {
    assert_eq!(broken(7, b"2"), Err(StreamError::Magic { have: *b"MEWL0002", need: *b"MEWL0001" }));
    assert_eq!(broken(8, &[33]), Err(StreamError::HeaderSize { have: 33, need: 32 }));
    assert_eq!(broken(12, &[25]), Err(StreamError::RecordSize { have: 25, need: 24 }));
    assert_eq!(broken(16, &[5]), Err(StreamError::Length { have: 96, need: 120, count: 5 }));
    let need = u128::from(u64::MAX) * 24;
    assert_eq!(broken(16, &[255; 8]), Err(StreamError::Length { have: 96, need, count: u64::MAX }));
}

#[test]
fn every_stream_cut_short_or_with_bytes_to_spare_is_refused() {
    let mut bytes = small().to_bytes();
    for end in 0..bytes.len() {
        let error = Stream::parse(&bytes[..end]).unwrap_err();
        let expected = if end < 32 {
            StreamError::HeaderTruncated { have: end, need: 32 }
        } else {
            StreamError::Length { have: end - 32, need: 96, count: 4 }
        };
        assert_eq!(error, expected);
    }
    bytes.push(0);
    assert_eq!(Stream::parse(&bytes), Err(StreamError::Length { have: 97, need: 96, count: 4 }));
}

#[test]
fn a_broken_record_is_refused_with_its_number_and_place() {
    let not_zero = |record, byte, field, have| Err(StreamError::NotZero { record, byte, field, have });
    let unknown = |have| Err(StreamError::Operation { record: 0, byte: 32, have });
    assert_eq!(broken(32, &[0]), unknown(0));
    assert_eq!(broken(32, &[5]), unknown(5));
    assert_eq!(broken(33, &[2]), Err(StreamError::Side { record: 0, byte: 32, have: 2 }));
    assert_eq!(broken(35, &[1]), not_zero(0, 32, Field::Padding, 256));
    assert_eq!(broken(57, &[1]), not_zero(1, 56, Field::Side, 1));
    assert_eq!(broken(60, &[7]), not_zero(1, 56, Field::Lots, 7));
    assert_eq!(broken(72, &[0xFF; 8]), not_zero(1, 56, Field::Price, -1));
    assert_eq!(broken(96, &[3]), not_zero(2, 80, Field::Price, 3));
    let number = StreamError::OrderNumber { record: 3, byte: 104, have: 2, need: 3 };
    assert_eq!(broken(112, &[2]), Err(number));
    assert_eq!(number.to_string(), "record 3 at byte 104: order number is 2, need 3, the next one");
}

/// Applies one order to a book where one bid rests and answers with (rejected orders, trades, resting).
fn offer(limits: MarketLimits, command: Command) -> (u64, usize, u32) {
    let mut replayer = Replayer::<PagedBook>::new(limits);
    let (lots, price) = (Lots::new(5), Ticks::new(100));
    replayer.apply(&Command::Add { id: OrderId(1), side: Side::Buy, lots, price });
    replayer.apply(&command);
    (replayer.result().counts.rejected_orders, replayer.fills().len(), replayer.result().end.resting)
}

#[test]
fn orders_outside_the_limits_are_counted_and_change_nothing() {
    let limits = MarketLimits { price_max: Ticks::new(1_000), lots_max: Lots::new(50), resting_max: 1 };
    let add = |lots, price| {
        let (lots, price) = (Lots::new(lots), Ticks::new(price));
        offer(limits, Command::Add { id: OrderId(2), side: Side::Sell, lots, price })
    };
    let untouched = (1, 0, 1);
    for price in [i64::MIN, -1, 0, 1_001, i64::MAX] {
        assert_eq!(add(1, price), untouched, "price {price}");
    }
    for lots in [0, 51, u64::MAX] {
        assert_eq!(add(lots, 100), untouched, "{lots} lots");
    }
    // The book is full for an order that may rest, not for one that only takes.
    assert_eq!(add(1, 100), untouched);
    let id = OrderId(2);
    assert_eq!(offer(limits, Command::Market { id, side: Side::Sell, lots: Lots::new(50) }), (0, 1, 0));
    assert_eq!(offer(limits, Command::Market { id, side: Side::Sell, lots: Lots::new(51) }), untouched);
}

#[test]
fn what_cannot_rest_in_a_hand_made_stream_is_dropped_and_counted() {
    let limits = MarketLimits { lots_max: Lots::new(u64::MAX), ..MarketLimits::default() };
    let mut replayer = Replayer::<PagedBook>::new(limits);
    let (side, price) = (Side::Buy, Ticks::new(100));
    for (id, lots) in [(1, 5), (1, 6), (2, u64::MAX)] {
        replayer.apply(&Command::Add { id: OrderId(id), side, lots: Lots::new(lots), price });
    }
    let result = replayer.result();
    assert_eq!((result.counts.refused_rests, result.end.resting), (2, 1));
    assert_eq!(result.counts.dropped_lots, u128::from(u64::MAX) + 6);
}

proptest! {
    #[test]
    fn any_change_of_one_byte_is_refused_or_reads_back_as_it_is(at in 0usize..GOLDEN.len(), with: u8) {
        let mut bytes = GOLDEN.to_vec();
        bytes[at] = with;
        if let Ok(stream) = Stream::parse(&bytes) {
            prop_assert_eq!(stream.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read_back_as_they_are(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(stream) = Stream::parse(&bytes) {
            prop_assert_eq!(stream.to_bytes(), bytes);
        }
    }
}
