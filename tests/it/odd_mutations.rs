//! Mail that hides senders and words, mutated: nothing fails, every place lies inside, what comes out is bounded.
#![allow(
    clippy::cast_possible_truncation,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "small numbers; names of our own files"
)]

use std::fs;
use std::time::{Duration, Instant};

use mailtrail::facts::derive::{Scratch, Seen, derive};
use mailtrail::facts::{Role, files};

use crate::support::{self, evidence::Seeded};

/// How often each file is mutated; 10,000 times with `SCALE=full`.
fn rounds() -> u64 {
    if std::env::var("SCALE").is_ok_and(|scale| scale == "full") { 10_000 } else { 200 }
}

/// The beginnings of the names of files that show such a quirk.
const KINDS: &[&str] = &[
    "address-",
    "calendar-",
    "charset-",
    "disposition-",
    "encoded-word-",
    "escapes-",
    "flowed-",
    "invisible-",
    "message-id-",
    "mime-message-in-file",
    "mime-no-message-in-file",
    "name-",
    "protected-",
];

/// Signs that mean something to the readers of such mail.
const SIGNS: &[&[u8]] = &[
    b"\"",
    b"<",
    b">",
    b"(",
    b")",
    b",",
    b";",
    b":",
    b"@",
    b"\\",
    b"=?utf-8?B?",
    b"?=",
    b"\x1b$B",
    b"\x1b(B",
    b"\x0e",
    b"~{",
    b"\xc2\xa0",
    b"\xe2\x80\xae",
    b"\n ",
    b"\n",
    b"\r\n",
    b"--b1\n",
    b" at ",
    b"=",
    b"\x80",
    b"\0",
];

fn mutated(mail: &[u8], rng: &mut Seeded) -> Vec<u8> {
    let mut out = mail.to_vec();
    for _ in 0..=rng.below(3) {
        let len = out.len().max(1) as u64;
        let at = rng.below(len) as usize;
        let to = (at + rng.below(40) as usize).min(out.len());
        match rng.below(6) {
            0 => out.truncate(at),
            1 => drop(out.drain(at.min(to)..to)),
            2 => {
                let piece = out[at.min(to)..to].to_vec();
                let again = piece.repeat(1 + rng.below(20) as usize);
                out.splice(at..at, again);
            }
            3 => {
                if let Some(byte) = out.get_mut(at) {
                    *byte = rng.next() as u8;
                }
            }
            _ => {
                let sign = SIGNS[rng.below(SIGNS.len() as u64) as usize];
                let at = at.min(out.len());
                out.splice(at..at, sign.iter().copied());
            }
        }
    }
    out
}

#[test]
fn mutated_mail_is_read_and_what_comes_out_is_bounded() {
    let mut scratch = Scratch::default();
    let mut count = 0;
    for entry in fs::read_dir(support::own_corpus().join("mail")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_odd = KINDS.iter().any(|kind| name.starts_with(kind)) && name.ends_with(".eml");
        let mail = fs::read(&path).unwrap();
        if !is_odd || mail.len() > 20_000 {
            continue;
        }
        let mut rng = Seeded::new(mail.iter().fold(7, |sum, b| (sum * 31 + u64::from(*b)) & 0xffff_ffff));
        for _ in 0..rounds() {
            let mail = mutated(&mail, &mut rng);
            let began = Instant::now();
            let mut text_len = 0;
            derive(&mail, &mut scratch, &mut |Seen { message, facts, text, .. }| {
                assert!(files::ranges_hold(message, &facts), "{name}: {:?}", String::from_utf8_lossy(&mail));
                assert!(text.stretches.iter().all(|(_, range)| text.text.get(range.clone()).is_some()));
                text_len += text.text.len();
                assert!(facts.addresses.len() <= mail.len() + 1);
            });
            assert!(text_len <= 40 * mail.len() + 1000, "{name}: {text_len} of {}", mail.len());
            assert!(began.elapsed() < Duration::from_secs(10), "{name}");
            count += 1;
        }
    }
    assert!(count > 50 * rounds(), "{count}");
}

#[test]
fn no_stray_sign_makes_an_address_of_a_list_vanish() {
    let mut rng = Seeded::new(11);
    let mut scratch = Scratch::default();
    for _ in 0..rounds() * 10 {
        let people = 2 + rng.below(4);
        let mut list = Vec::new();
        for n in 0..people {
            list.push(match rng.below(4) {
                0 => format!("p{n}@x.example"),
                1 => format!("<p{n}@x.example>"),
                2 => format!("Name{n} Last <p{n}@x.example>"),
                _ => format!("\"Last, Name{n}\" <p{n}@x.example>"),
            });
        }
        let mut value = list.join(", ");
        // One stray sign beside a blank or a comma, or at an end.
        let places: Vec<usize> =
            value.match_indices([' ', ',']).map(|(at, _)| at).chain([0, value.len()]).collect();
        let at = places[rng.below(places.len() as u64) as usize];
        let sign = ["\"", "(", ")", "<", ">", ";", "\\", "\"\"", "[", ":", "'"][rng.below(11) as usize];
        value.insert_str(at, sign);
        let mail = format!("From: a@b.example\nTo: {value}\n\nx\n");
        derive(mail.as_bytes(), &mut scratch, &mut |seen| {
            for n in 0..people {
                let wanted = format!("p{n}@x.example");
                let found = seen.facts.in_role(Role::To).any(|m| m.address == wanted);
                assert!(found, "{wanted} of {value:?}: {:?}", seen.facts.addresses);
            }
        });
    }
}
