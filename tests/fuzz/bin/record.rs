#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("record"), |octets: &[u8]| {
    mxparity_fuzz::targets::record(octets);
});
