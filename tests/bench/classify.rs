//! How long it takes to say what a refusal is about, over every reply of `fixtures/replies`.
//!
//! Fails where the mean of an optimised build is not held.

use std::{fs, hint::black_box, net::IpAddr, path::Path, time::Instant};

use mxparity::smtp::{
    HelloName, Mailbox, Reply, ReplyReader, ReversePath,
    cause::{Context, Moment, diagnose},
};

const MOST_MICROS: f64 = 5.0;

/// Every reply with the line that says whose it is.
fn replies() -> Vec<(String, Reply)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/replies");
    let mut replies = Vec::new();
    for file in fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("a readable folder").path();
        let text = fs::read_to_string(&path).expect("a readable file");
        for paragraph in text.split("\n\n") {
            let (heading, lines) = paragraph.trim().split_once('\n').expect("heading and reply");
            let wire = lines.replace('\n', "\r\n") + "\r\n";
            let reply = ReplyReader::default().push(wire.as_bytes()).expect("a reply");
            replies.push((heading.to_owned(), reply.expect("a whole reply")));
        }
    }
    replies
}

fn main() {
    let recipient: Mailbox = "info@domain.example".parse().expect("a mailbox");
    let sender: ReversePath = "check@sender.example".parse().expect("a sender");
    let helo: HelloName = "probe.example".parse().expect("a name");
    let ours: [IpAddr; 2] =
        ["203.0.113.7", "2001:db8::7"].map(|address| address.parse().expect("an address"));
    let context = Context {
        moment: Moment::Recipient,
        recipient: Some(&recipient),
        sender: &sender,
        helo: &helo,
        ours: &ours,
        theirs: &[],
    };
    let rounds = if cfg!(debug_assertions) { 10 } else { 2_000 };
    let replies = replies();
    let mut times: Vec<(f64, &str)> = Vec::new();
    for (heading, reply) in &replies {
        let began = Instant::now();
        for _ in 0..rounds {
            black_box(diagnose(black_box(reply), &context));
        }
        times.push((began.elapsed().as_secs_f64() * 1e6 / f64::from(rounds), heading));
    }
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    let count = u32::try_from(times.len()).expect("a few hundred");
    let mean = times.iter().map(|(micros, _)| micros).sum::<f64>() / f64::from(count);
    println!("{count} replies: {mean:.2} us in the mean; the slowest:");
    for (micros, heading) in &times[..5] {
        println!("{micros:8.2} us  {heading}");
    }
    if !cfg!(debug_assertions) {
        assert!(mean < MOST_MICROS, "{mean:.2} us is more than {MOST_MICROS} us");
    }
}
