//! libFuzzer's door to `targets::proof`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::proof(bytes));
