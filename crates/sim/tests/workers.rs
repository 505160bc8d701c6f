//! What more workers are for.

use sim::{Capacity, carry};

#[test]
fn what_a_network_carries_grows_with_its_workers() {
    let rate = |workers| {
        let question = Capacity { workers, transactions: 3_000, ..Capacity::default() };
        let carried = carry(&question).expect("a fair network");
        assert_eq!(carried.bytes, 3_000 * sim::TRANSACTION_BYTES, "{workers} workers: {carried:?}");
        carried.bytes / carried.millis
    };
    let (one, two, four) = (rate(1), rate(2), rate(4));
    assert!(two * 2 > one * 3 && four * 4 > two * 5, "{one}, {two} and {four} bytes a millisecond");
}
