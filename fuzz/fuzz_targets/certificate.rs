//! libFuzzer's door to `targets::certificate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::certificate(bytes));
