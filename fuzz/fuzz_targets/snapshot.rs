//! libFuzzer's door to `targets::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::snapshot(bytes));
