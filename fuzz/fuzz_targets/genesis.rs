//! libFuzzer's door to `targets::genesis`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::genesis(bytes));
