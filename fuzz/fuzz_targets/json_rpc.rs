//! libFuzzer's door to `targets::json_rpc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::json_rpc(bytes));
