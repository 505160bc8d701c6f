//! libFuzzer's door to `targets::agreement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::agreement(bytes));
