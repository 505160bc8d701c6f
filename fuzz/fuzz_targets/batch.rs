//! libFuzzer's door to `targets::batch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::batch(bytes));
