//! libFuzzer's door to `targets::signed_block`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::signed_block(bytes));
