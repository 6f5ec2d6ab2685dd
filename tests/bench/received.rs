//! Time to read one `Received` field: `cargo bench --bench received -- FOLDER` reads every file below it.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use mailtrail::parse::header;
use mailtrail::parse::known::Known;
use mailtrail::parse::received::received;
use mailtrail::types::ByteRange;

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|arg| !arg.starts_with('-'))
        .unwrap_or_else(|| "corpus/mailbox".to_owned());
    let mut paths = Vec::new();
    files(Path::new(&folder), &mut paths);
    paths.sort();
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let start = if bytes.starts_with(b"From ") {
            bytes.iter().position(|&b| b == b'\n').map_or(0, |n| n + 1)
        } else {
            0
        };
        let header = header::read(&bytes[start..]).value;
        fields.extend(header.fields.iter().filter(|f| f.known == Known::Received).map(|f| f.value.to_vec()));
    }
    assert!(!fields.is_empty(), "no Received field below {folder}");
    let bytes: usize = fields.iter().map(Vec::len).sum();
    let mut best = f64::MAX;
    let mut hops = 0usize;
    for _ in 0..7 {
        let started = Instant::now();
        for field in &fields {
            let read = received(field, 0, ByteRange::of_usize(0, field.len()));
            hops += usize::from(std::hint::black_box(read).value.by.is_some());
        }
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{} fields of {} bytes on average: {:.2} us each, best of 7 rounds ({hops} times a server was told)",
        fields.len(),
        bytes / fields.len(),
        best * 1e6 / f64::from(u32::try_from(fields.len()).unwrap())
    );
}
