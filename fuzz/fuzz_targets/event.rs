//! libFuzzer's door to `targets::event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::event(bytes));
