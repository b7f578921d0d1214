#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("reply"), |octets: &[u8]| {
    mxparity_fuzz::targets::reply(octets);
});
