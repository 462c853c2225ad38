#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bytes.len() + pixelflip::run::machine::cores();
});
