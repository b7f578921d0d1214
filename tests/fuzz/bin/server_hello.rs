#![no_main]
libfuzzer_sys::fuzz_target!(init: mxparity_fuzz::sow("server_hello"), |octets: &[u8]| {
    mxparity_fuzz::targets::server_hello(octets);
});
