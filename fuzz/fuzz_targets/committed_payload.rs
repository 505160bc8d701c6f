//! libFuzzer's door to `targets::committed_payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::committed_payload(bytes));
