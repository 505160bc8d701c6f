//! libFuzzer's door to `targets::change`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::change(bytes));
