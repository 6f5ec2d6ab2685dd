//! The mails of `tests/hostile/killers.py`: twice the bytes take twice the time, the program reads them in bounded
//! memory, and the good mail beside them is read. `SCALE=full` takes mails thirty times as long.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mailtrail::auth::{self, KeyStore};
use mailtrail::facts::derive::{Scratch, Seen, derive};
use mailtrail::facts::files::{AttachmentReader, MessageTree};
use mailtrail::route::{self, Mail, Settings};

use crate::support;

fn killers() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/killers.py"))
}

/// One input of each kind, of about so many bytes.
fn all(dir: &Path, bytes: usize) -> Vec<PathBuf> {
    fs::create_dir_all(dir).unwrap();
    let made = Command::new("python3").arg(killers()).arg("--all").arg(dir).arg(bytes.to_string()).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    support::files_below(dir).into_iter().map(|name| dir.join(name)).collect()
}

/// What all commands do with a mail: its facts, the way of each message in it, its signatures, and what it holds taken
/// out again.
fn read(message: &[u8]) {
    let settings = Settings { own_hosts: vec!["a.example.org".to_owned()], ..Settings::default() };
    let mut children = Vec::new();
    derive(message, &mut Scratch::default(), &mut |seen: Seen<'_>| {
        let Seen { message, header, facts, text } = seen;
        let _chain = route::chain(&Mail { message, header, facts: &facts }, &settings);
        for stretch in (0..text.stretches.len()).step_by(7) {
            let _part = text.part_of(stretch);
        }
        let mut files = AttachmentReader::new(message);
        for (n, file) in facts.attachments.iter().enumerate() {
            assert!(files.read(file).is_some(), "file {n} of {}", facts.attachments.len());
        }
        children.extend(facts.child.map(|child| child.part));
    });
    let _report = auth::check(message, None, &KeyStore::default());
    if !children.is_empty() {
        let mut tree = MessageTree::new(message.to_vec());
        for part in &children {
            assert!(tree.child(part).is_some(), "{part}");
        }
    }
}

/// What this thread has had of a processor; `None` where the system does not say.
fn processor() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn took(message: &[u8]) -> Duration {
    let (start, before) = (Instant::now(), processor());
    read(message);
    before.and_then(|before| processor()?.checked_sub(before)).unwrap_or_else(|| start.elapsed())
}

#[test]
fn twice_the_bytes_of_any_killer_take_twice_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let full = std::env::var("SCALE").is_ok_and(|scale| scale == "full");
    let bytes = if full { 9_000_000 } else { 300_000 };
    let (once, twice) = (all(&dir.path().join("1"), bytes), all(&dir.path().join("2"), 2 * bytes));
    let mut wrong = Vec::new();
    for (once, twice) in once.iter().zip(&twice) {
        let name = once.file_name().unwrap().to_string_lossy();
        let (once, twice) = (fs::read(once).unwrap(), fs::read(twice).unwrap());
        // A busy machine may disturb a measure, but not each of four.
        let mut seen = (Duration::MAX, Duration::MAX);
        for _ in 0..4 {
            seen = (seen.0.min(took(&once)), seen.1.min(took(&twice)));
            if seen.1 < seen.0.mul_f64(2.6) + Duration::from_millis(100) {
                break;
            }
        }
        let grows = seen.1 >= seen.0.mul_f64(2.6) + Duration::from_millis(100);
        println!(
            "{name}: {:.3} s, {:.3} s{}",
            seen.0.as_secs_f64(),
            seen.1.as_secs_f64(),
            if grows { " !" } else { "" }
        );
        if grows {
            wrong.push(format!("{name}: {:?} for {bytes} bytes, {:?} for twice as many", seen.0, seen.1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the program with 512 MiB of memory for its data.
fn bounded(args: &[&str]) -> support::Ran {
    let mut command = Command::new("sh");
    command.env_remove("MAILTRAIL_CASE").args(["-c", "ulimit -d 524288; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_mailtrail")).args(args);
    support::finish(command)
}

#[test]
fn a_killer_is_read_in_bounded_memory_with_the_good_mail_beside_it() {
    let full = std::env::var("SCALE").is_ok_and(|scale| scale == "full");
    let bytes = if full { "32000000" } else { "1000000" };
    for kind in [
        "uu-long-name",
        "yenc-tiny",
        "children",
        "parts-attached",
        "cc-words",
        "qp-nested",
        "mmdf",
        "hops-bare",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (source, case, out) = (dir.path().join("in"), dir.path().join("case"), dir.path().join("out"));
        fs::create_dir(&source).unwrap();
        let file = source.join("killer");
        let made = Command::new("python3").arg(killers()).arg(&file).args([kind, bytes]).status().unwrap();
        assert!(made.success());
        fs::write(source.join("good.eml"), "From: a@example.org\nSubject: x\n\nquizzical\n").unwrap();
        let (case, source, out) = (case.to_str().unwrap(), source.to_str().unwrap(), out.to_str().unwrap());
        let start = Instant::now();
        bounded(&["import", "--quiet", "--case", case, source]).ok();
        assert_eq!(bounded(&["search", "--case", case, "--count", "quizzical"]).ok().text().trim(), "1");
        bounded(&["trust", "set", "--case", case, "--host", "b.example.org"]).ok();
        let items = bounded(&["list", "--case", case, "--json"]).ok().json();
        let item = items.iter().find(|item| item["path"] == "killer").unwrap()["item"].as_str().unwrap();
        bounded(&["show", "--case", case, item]).ok();
        bounded(&["hops", "--case", case, item]).ok();
        bounded(&["auth", "--case", case, item]).ok();
        if kind != "mmdf" {
            bounded(&["export", "--case", case, "--quiet", "--attachments", "--to", out, "*"]).ok();
        }
        bounded(&["verify", "--case", case]).ok();
        assert!(start.elapsed() < Duration::from_mins(4), "{kind}: {:?}", start.elapsed());
        println!("{kind}: {:?}", start.elapsed());
    }
}
