//! Value and Greeks of a contract in a market; knows no account.
