//! Every reject has a row: how to be told it. A reject without one fails here.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod refusals;
mod support;

use refusals::{Row, deals, exotics, intents, money, orders, rules};
use support::declared_rejects;

/// In the order of the rejects.
const TABLE: [&[Row]; 13] = [
    intents::ROWS,
    money::ROWS,
    money::GOVERNANCE,
    deals::ROWS,
    money::VAULTS,
    exotics::ROWS,
    intents::OPEN_ORDERS,
    rules::MARKETS,
    rules::TIMES,
    orders::ROWS,
    intents::KEYS,
    money::REPORTERS,
    intents::GROUPS,
];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.into_iter().flatten()
}

#[test]
fn every_reject_has_its_row_in_the_order_of_the_rules() {
    let need: Vec<&str> =
        declared_rejects().into_iter().filter(|name| !money::OUT_OF_REACH.contains(name)).collect();
    assert!(need.len() > 90, "the list of rejects was found: {need:?}");
    let have: Vec<&str> = rows().map(|(name, _)| *name).collect();
    let missing: Vec<&&str> = need.iter().filter(|name| !have.contains(name)).collect();
    assert_eq!(missing, [&""; 0], "no row");
    assert_eq!(have, need);
}

#[test]
fn whoever_breaks_a_rule_is_told_which() {
    for (name, break_it) in rows() {
        let told = break_it().map(|reject| format!("{reject:?}"));
        let told = told.as_deref().and_then(|text| text.split([' ', '(']).next());
        assert_eq!(told, Some(*name));
    }
}
