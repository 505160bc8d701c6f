//! libFuzzer's door to `targets::margin_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::margin_file(bytes));
