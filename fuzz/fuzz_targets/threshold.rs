//! libFuzzer's door to `targets::threshold`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::threshold(bytes));
