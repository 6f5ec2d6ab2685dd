//! Writes made-up mail for benchmarks: `gen --seed 1 --count 100000 --profile text --shape mbox --to FILE`.
//!
//! Profiles: `text` (8.8 KB a message), `attach` (35 KB, base64 attachments), `list` (patches). Shapes: `mbox` (to a
//! file or, with `-`, to stdout) and `maildir` (to a folder). The same arguments give the same bytes on every machine.

#![allow(
    clippy::cast_possible_truncation,
    clippy::naive_bytecount,
    clippy::format_push_string,
    clippy::range_minus_one,
    clippy::range_plus_one,
    clippy::match_same_arms,
    clippy::assigning_clones,
    clippy::redundant_slicing,
    clippy::manual_is_multiple_of,
    reason = "made-up mail on a 64-bit machine; not part of the product"
)]

mod generate;
mod words;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use generate::{Generator, Profile};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut seed, mut count, mut profile, mut shape, mut to) =
        (1, 1000, Profile::Text, String::from("mbox"), None);
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().ok_or("a flag without a value")?;
        match flag.as_str() {
            "--seed" => seed = value.parse()?,
            "--count" => count = value.parse::<u64>()?,
            "--profile" => profile = Profile::named(&value).ok_or("profile is text, attach or list")?,
            "--shape" => shape = value,
            "--to" => to = Some(value),
            "--bench" => {}
            _ => return Err(format!("unknown flag {flag}").into()),
        }
    }
    let to = to.ok_or("say where: --to FILE (or -, or a folder for maildir)")?;
    let mut generator = Generator::new(seed, profile);
    let bytes = match shape.as_str() {
        "mbox" if to == "-" => mbox(&mut generator, count, io::stdout().lock())?,
        "mbox" => mbox(&mut generator, count, File::create(&to)?)?,
        "maildir" => maildir(&mut generator, count, Path::new(&to))?,
        _ => return Err("shape is mbox or maildir".into()),
    };
    writeln!(io::stderr(), "{count} messages, {bytes} bytes")?;
    Ok(())
}

/// An mboxrd file; answers its size.
fn mbox(generator: &mut Generator, count: u64, to: impl Write) -> io::Result<u64> {
    let mut to = BufWriter::with_capacity(1 << 20, to);
    let (mut bytes, mut quoted) = (0, String::new());
    for _ in 0..count {
        let mail = generator.next_mail();
        // The mail is UTF-8; finding text in it is far quicker than looking at each line.
        let text = std::str::from_utf8(&mail.bytes).map_err(io::Error::other)?;
        let mut body = text;
        if text.contains("\nFrom ") || text.contains(">From ") {
            quoted.clear();
            for line in text.split_inclusive('\n') {
                if line.trim_start_matches('>').starts_with("From ") {
                    quoted.push('>');
                }
                quoted.push_str(line);
            }
            body = &quoted;
        }
        to.write_all(mail.separator.as_bytes())?;
        to.write_all(body.as_bytes())?;
        to.write_all(b"\n")?;
        bytes += (mail.separator.len() + body.len() + 1) as u64;
    }
    to.flush()?;
    Ok(bytes)
}

/// A Maildir; answers the sum of its files' sizes.
fn maildir(generator: &mut Generator, count: u64, to: &Path) -> io::Result<u64> {
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(to.join(folder))?;
    }
    let mut bytes = 0;
    for n in 0..count {
        let mail = generator.next_mail();
        let size = mail.bytes.len();
        let wire = size + mail.bytes.iter().filter(|&&b| b == b'\n').count();
        let at = mail.delivered;
        let (folder, flags) = if n % 10 == 9 { ("new", "") } else { ("cur", ":2,S") };
        let name =
            format!("{at}.M{:06}P{}.mail,S={size},W={wire}{flags}", n % 1_000_000, 1000 + n / 1_000_000);
        fs::write(to.join(folder).join(name), &mail.bytes)?;
        bytes += size as u64;
    }
    Ok(bytes)
}
