#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("certificate"), |octets: &[u8]| {
    mxparity_fuzz::targets::certificate(octets);
});
