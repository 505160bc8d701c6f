//! The deterministic state machine: books, ledger, margin, liquidation, settlement, oracle.
