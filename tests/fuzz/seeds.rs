//! Inputs to begin with: the recorded answers, replies and certificates of `fixtures`, cut to what each
//! target reads.
//!
//! Reads files; knows no more of TLS than where a message begins and ends.

use std::{fs, path::Path};

/// Pieces in which seeds arrive: octet by octet, small, and as large as one octet can say.
const PIECES: [u8; 3] = [1, 7, 255];

/// Every recorded flight with its name, in the order of the names.
pub fn flights(fixtures: &Path) -> Vec<(String, Vec<u8>)> {
    files(&fixtures.join("flights"), "bin")
}

pub fn records(fixtures: &Path) -> Vec<Vec<u8>> {
    in_pieces(flights(fixtures).into_iter().map(|(_, flight)| flight))
}

pub fn server_hellos(fixtures: &Path) -> Vec<Vec<u8>> {
    messages(fixtures).filter(|(kind, _)| *kind == 2).map(|(_, body)| body).collect()
}

/// Of every chain in a flight, and of the certificates that today's libraries will not make.
pub fn certificates(fixtures: &Path) -> Vec<Vec<u8>> {
    let chains = messages(fixtures).filter(|(kind, _)| *kind == 11);
    let sent = chains.flat_map(|(_, body)| {
        let mut list = &body[3..];
        let mut chain = Vec::new();
        while let Some((length, rest)) = list.split_first_chunk() {
            let (der, rest) = rest.split_at(length24(*length));
            chain.push(der.to_vec());
            list = rest;
        }
        chain
    });
    let old = files(&fixtures.join("certificates"), "pem");
    let old = old.into_iter().map(|(name, pem)| {
        let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).expect(&name);
        pem.contents
    });
    sent.chain(old).collect()
}

/// Each behind the suite that its hello chose.
pub fn key_exchanges(fixtures: &Path) -> Vec<Vec<u8>> {
    let mut suite = Vec::new();
    let mut seeds = Vec::new();
    for (kind, body) in messages(fixtures) {
        match kind {
            2 => {
                let after = 2 + 32 + 1 + usize::from(body[34]);
                suite = body[after..after + 2].to_vec();
            }
            12 => seeds.push([&suite[..], &body].concat()),
            _ => {}
        }
    }
    seeds
}

/// What servers say in the golden dialogues, and the replies by cause.
pub fn replies(fixtures: &Path) -> Vec<Vec<u8>> {
    let said = |(_, dialogue): (String, Vec<u8>)| {
        let dialogue = String::from_utf8(dialogue).expect("a dialogue is text");
        let lines = dialogue.lines().filter_map(|line| line.strip_prefix("S: "));
        lines.flat_map(|line| [line, "\r\n"]).collect::<String>().into_bytes()
    };
    let collected = |(_, replies): (String, Vec<u8>)| {
        let replies = String::from_utf8(replies).expect("replies are text");
        let reply = |paragraph: &str| {
            let lines = paragraph.lines().filter(|line| !line.starts_with('#'));
            lines.flat_map(|line| [line, "\r\n"]).collect::<String>().into_bytes()
        };
        replies.split("\n\n").map(reply).collect::<Vec<_>>()
    };
    let dialogues = files(&fixtures.join("dialogues"), "smtp").into_iter().map(said);
    let replies = files(&fixtures.join("replies"), "txt").into_iter().flat_map(collected);
    in_pieces(dialogues.chain(replies))
}

fn in_pieces(streams: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    streams
        .zip(PIECES.into_iter().cycle())
        .map(|(all, piece)| [&[piece], &all[..]].concat())
        .collect()
}

/// The handshake messages of every flight, one flight after the other.
fn messages(fixtures: &Path) -> impl Iterator<Item = (u8, Vec<u8>)> {
    flights(fixtures).into_iter().flat_map(|(_, flight)| {
        let mut handshake = Vec::new();
        let mut rest = &flight[..];
        while let Some(([kind, _, _, high, low], behind)) = rest.split_first_chunk() {
            let (fragment, next) = behind.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            if *kind == 22 {
                handshake.extend(fragment);
            }
            rest = next;
        }
        let mut messages = Vec::new();
        let mut rest = &handshake[..];
        while let Some(([kind, length @ ..], behind)) = rest.split_first_chunk::<4>() {
            let (body, next) = behind.split_at(length24(*length));
            messages.push((*kind, body.to_vec()));
            rest = next;
        }
        messages
    })
}

fn length24([a, b, c]: [u8; 3]) -> usize {
    u32::from_be_bytes([0, a, b, c]) as usize
}

/// The examples of RFC 8461 §3.2 and §8.3, and what else a policy can be.
pub fn sts_policies(_: &Path) -> Vec<Vec<u8>> {
    let example = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n\
                   mx: backupmx.example.com\r\nmax_age: 604800\r\n";
    let others = [
        "version: STSv1\nmode: none\nmax_age: 86400",
        "max_age : 31557601\nversion:STSv1\n\nmode: testing\nmode: none\nmx: xn--bcher-kva.example\nnext: 1\n",
        "version: STSv2\nmode: Enforce\nmx: 192.0.2.1\nmax_age: 1d\n# end",
        "<!DOCTYPE html><html>",
    ];
    [example].into_iter().chain(others).map(|file| file.as_bytes().to_vec()).collect()
}

/// Digests of both kinds, whole certificates, and the forms of a zone file.
pub fn tlsa_records(fixtures: &Path) -> Vec<Vec<u8>> {
    let digests = [[&[3, 1, 1][..], &[0xab; 32]].concat(), [&[2, 0, 2][..], &[0xab; 64]].concat()];
    let whole = certificates(fixtures).into_iter().map(|der| [&[3, 0, 0], &der[..]].concat());
    let written = [format!("3 1 1 {}", "ab".repeat(32)), format!("2\t0 2 {}", "AB CD ".repeat(32))];
    digests.into_iter().chain(whole).chain(written.map(String::into_bytes)).collect()
}

/// The files of a folder with this ending, by name.
fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}
