//! Containers of all kinds with bytes changed at random: nothing stops the reading, and every byte of each container is
//! in exactly one range. `SCALE=full` makes 10,000 changes of each in place of 200.

use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mailtrail::source::{Cut, Event, Limits, Long, Options, list, read};

const MAIL: &str = "From: a@example.org\nTo: b@example.org\nSubject: x\n\nbody\n";

/// Xorshift from a seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n.max(1) as u64).unwrap()
    }
}

fn mbox() -> Vec<u8> {
    format!(
        "From a@example.org Thu Nov 20 08:15:04 2025\n{MAIL}\nFrom - \n{MAIL}From b Sat Apr 12 2025 15:59:28\n\
         Content-Length: 5\n{MAIL}\n"
    )
    .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 0);
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// One of each kind of container, and every mailbox of our own corpus that is not long.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let long = format!("{}/x.eml", "d".repeat(150));
    let files: [(&str, &[u8]); 4] = [
        ("in", &mbox()),
        ("a/cur/1.2.h", MAIL.as_bytes()),
        (&long, MAIL.as_bytes()),
        ("in.gz", &gzip(&mbox())),
    ];
    let mut all = vec![
        ("mmdf".to_owned(), format!("\x01\x01\x01\x01\n{MAIL}\x01\x01\x01\x01\n").repeat(3).into_bytes()),
        ("gzip".to_owned(), gzip(&mbox())),
        ("bzip2".to_owned(), [bzip2(&mbox()), bzip2(b""), bzip2(MAIL.as_bytes())].concat()),
        ("xz".to_owned(), [xz(&mbox()), vec![0; 4], xz(MAIL.as_bytes())].concat()),
        ("zstd".to_owned(), zstd::encode_all(&mbox()[..], 1).unwrap()),
        ("tar".to_owned(), tar(&files)),
        ("tar twice".to_owned(), [tar(&files), tar(&files[..1])].concat()),
        ("tar.gz".to_owned(), gzip(&tar(&files))),
        ("zip".to_owned(), zip(&files)),
        ("zip twice".to_owned(), [zip(&files[..2]), zip(&files)].concat()),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in ["mbox", "other"] {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_none_or(|end| end != "json")) {
            let bytes = fs::read(&path).unwrap();
            if (1..20_000).contains(&bytes.len()) {
                all.push((path.display().to_string(), bytes));
            }
        }
    }
    all
}

/// Reads a file; every container is covered by its ranges, in order, without a hole.
fn books(path: &Path, limits: Limits) {
    let listing = list(path).unwrap();
    let (mut at, mut items) = (0u64, 0u64);
    read(&listing, &Options { limits, ..Options::default() }, &mut |event| {
        match event {
            Event::Open(_) => (at, items) = (0, 0),
            Event::Bytes(bytes) => {
                assert_eq!(bytes.base, at);
                let mut here = 0;
                for cut in bytes.cuts {
                    let (start, end) = match cut {
                        Cut::Item { separator, body, terminator, .. } => {
                            items += 1;
                            assert!(separator.end == body.start && body.end == terminator.start);
                            (separator.start, terminator.end)
                        }
                        Cut::Gap { range, .. } => (range.start, range.end),
                    };
                    assert!(start == here && end >= start);
                    here = end;
                }
                assert_eq!(here, bytes.data.len());
                at += bytes.data.len() as u64;
            }
            Event::Long(Long::Start { gap, separator, start, .. }) => {
                at += separator.len() as u64;
                assert_eq!(start, at);
                items += u64::from(gap.is_none());
            }
            Event::Long(Long::Part(part)) => at += part.len() as u64,
            Event::Long(Long::End { end, terminator, .. }) => {
                assert_eq!(end, at);
                at += terminator.len() as u64;
            }
            Event::Close(close) => assert_eq!((close.size, close.items), (at, items)),
            Event::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
}

fn changed(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(out.len());
        match rng.below(8) {
            0..=3 if !out.is_empty() => out[at] ^= 1 << rng.below(8),
            4 if !out.is_empty() => out[at] = [0, 0xff, b'\n', b' ', b'F'][rng.below(5)],
            5 => out.truncate(at),
            6 => {
                let from = rng.below(bytes.len());
                let end = (from + rng.below(600)).min(bytes.len());
                out.splice(at..at, bytes[from..end].iter().copied());
            }
            _ => {
                let end = (at + rng.below(600)).min(out.len());
                out.drain(at..end);
            }
        }
    }
    out
}

#[test]
fn no_change_of_a_container_stops_the_reading_or_unbalances_its_books() {
    let rounds = if std::env::var("SCALE").is_ok_and(|scale| scale == "full") { 10_000 } else { 200 };
    let inputs = inputs();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let inputs = &inputs;
            scope.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("x");
                for (number, (name, bytes)) in inputs.iter().enumerate().skip(thread).step_by(threads) {
                    let mut rng = Rng(0x2545_f491_4f6c_dd1d + number as u64);
                    for round in 0..rounds {
                        fs::write(&path, changed(bytes, &mut rng)).unwrap();
                        let batch = [1 + rng.below(700), 2 << 20][rng.below(2)];
                        let archive_memory = [0, 64 << 20][rng.below(2)];
                        let started = Instant::now();
                        books(&path, Limits { batch, archive_memory, in_memory: 1, ..Limits::default() });
                        assert!(started.elapsed() < Duration::from_secs(20), "{name}, round {round}");
                    }
                }
            });
        }
    });
}
