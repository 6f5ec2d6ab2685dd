//! Mailboxes as many programs write them, made at random from messages that are known: the splitter finds these and no
//! others. `SCALE=full` makes 100,000 in place of 2,000.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use mailtrail::source::{Cut, Event, Limits, Long, Options, list, read};
use mailtrail::types::AnomalyKind;

/// Xorshift from a seed: the same mailboxes everywhere.
struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        rng.below(7);
        rng
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// How a program keeps `From ` lines of bodies apart from separators.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quoting {
    MboxRd,
    MboxO,
    None,
    Length,
}

/// How a program writes its separators.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Dated,
    Odd,
    Undated,
    Patch,
}

/// A program that writes mailboxes.
#[derive(Clone, Copy, Debug)]
struct Program {
    quoting: Quoting,
    form: Form,
    /// Whether an empty line ends each message.
    blank: bool,
    crlf: bool,
}

const DATED: &[&str] = &[
    "From ann@sender.example Thu Nov 20 08:15:04 2025",
    "From - Thu Nov  6 08:15:04 2025",
    "From bob at sender.example  Wed Feb  1 19:06:04 2006",
    "From 1849216372849216372@xxx Thu Nov 20 08:15:04 +0000 2025",
    "From MAILER-DAEMON Fri 3 Jul 2009 08:15:04 +0900",
    "From ???@??? Tue May 14 07:15:20 2024",
];
const ODD: &[&str] = &[
    "From ann@sender.example Sat Apr 12 2025 15:59:28",
    "From - Sat Apr 12 2025 15:59:28 GMT+0200 (Central European Summer Time)",
    "From ann@sender.example Mon Jan 00 00:00:00 0000",
    "From ann@sender.example Thu 20 Nov 08:15:04 CET 2025",
    "From ann@sender.example Tue Jun 05 10:11:12 GMT+02:00 2012",
];
const UNDATED: &[&str] = &[
    "From ",
    "From - ",
    "From -",
    "From ann@sender.example",
    "From <ann@sender.example>",
    "From \"ann lee\"@sender.example",
    "From 1844347792267117879@xxx",
    "From ???@???",
];
const PATCH: &str = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001";
const SENTENCES: &[&str] = &[
    "From the desk of Ann Lee",
    "From Russia with love",
    "From here on",
    "From Ann",
    "From ann@sender.example to you and me",
    "From ann@sender.example:",
    "From 10 to 12 on Thu Nov 20",
];
const ANNOUNCED: &[&str] = &[
    "--b1\nContent-Type: message/rfc822\n",
    "--b1\nContent-Type: message/rfc822; name=\"x\"\nContent-Disposition: inline\n",
    "---------- Forwarded message ----------\n",
    "----- Begin Included Message -----\n",
];
const INTRODUCED: &[&str] =
    &["Begin forwarded message:\n", "-----Urspr\u{fc}ngliche Nachricht-----\n", "--- Forwarded by Ann ---\n"];
const WORDS: &[&str] =
    &["Hello,", "the invoice is attached.", "> quoted", "-- ", "see you", "a: b", "Kind regards", "x"];

fn separator(rng: &mut Rng, form: Form) -> String {
    rng.one(match form {
        Form::Dated => DATED,
        Form::Odd => ODD,
        Form::Undated => UNDATED,
        Form::Patch => &[PATCH],
    })
    .to_owned()
        + "\n"
}

/// A header block as messages have it, without the empty line behind it.
fn fields(rng: &mut Rng, number: usize) -> String {
    let mut all = Vec::new();
    for _ in 0..rng.below(4) * rng.below(6) {
        all.push("Received: from a.example (a.example [192.0.2.1])\n\tby b.example; Thu, 20 Nov 2025 08:15:04 +0000\n".into());
    }
    for field in [
        "From: Ann <ann@sender.example>\n",
        "To: bob@rcpt.example\n",
        "Date: Thu, 20 Nov 2025 08:15:04 +0000\n",
    ] {
        if rng.chance(85) {
            all.push(field.to_owned());
        }
    }
    if rng.chance(20) {
        all.push(format!("X-Long-{number}: {}\n", "x".repeat(rng.below(3) * rng.below(9000))));
    }
    if rng.chance(20) {
        all.push(format!("X-Folded: a\n{}", "\tb c d e f\n".repeat(rng.below(600))));
    }
    if rng.chance(10) {
        all.push("Content-Length: 98765432\n".to_owned());
    }
    let turn = rng.below(all.len().max(1));
    all.rotate_left(turn);
    all.push("Subject: x\n".to_owned());
    all.push(format!("Message-ID: <{number}@sender.example>\n"));
    all.concat()
}

fn words(rng: &mut Rng) -> String {
    let lines: Vec<&str> = (0..=rng.below(4)).flat_map(|_| [rng.one(WORDS), "\n"]).collect();
    lines.concat()
}

/// What people and programs put into messages, and what is no separator in a box without quotes.
fn piece(rng: &mut Rng, program: Program) -> String {
    let gap = if rng.chance(60) { "\n" } else { "" };
    let block = fields(rng, 7);
    let any = [Form::Dated, Form::Odd, Form::Undated][rng.below(3)];
    match rng.below(14) {
        0 => format!("{gap}{}\n{}", rng.one(SENTENCES), if rng.chance(50) { block } else { words(rng) }),
        1 => format!("{gap}{}\n{}", rng.one(UNDATED), words(rng)),
        2 => format!("word\n{}\n{block}", rng.one(UNDATED)),
        3 => format!("word\n{}\nand more\n", rng.one(DATED)),
        4 if program.form != Form::Patch => format!("{gap}{PATCH}\n{block}\n---\n a | 2 +-\n"),
        5 => format!("\n{}\n{}{block}", rng.one(ANNOUNCED), separator(rng, any)),
        6 => format!("\n{}\n{}{block}", rng.one(INTRODUCED), separator(rng, Form::Undated)),
        7 => format!("{gap}> {}\n> {}\n {}", rng.one(DATED), rng.one(UNDATED), separator(rng, any)),
        8 => format!("\n{block}\n"),
        9 => format!("\n{}\nNote: a\nNote: b\nTo be\n", rng.one(UNDATED)),
        10 => format!("\n{}\nX-A: a\nX-B: b\n", rng.one(UNDATED)),
        11 => format!("{gap}>{}>>{}", separator(rng, any), separator(rng, any)),
        12 => format!("{}\n\n\n", "long ".repeat(rng.below(2000))),
        // Only a program that quotes, or tells the length, can write this and be understood.
        _ if matches!(program.quoting, Quoting::MboxRd | Quoting::MboxO | Quoting::Length) => {
            format!("{gap}{}{block}\n{}{block}", separator(rng, any), separator(rng, Form::Dated))
        }
        _ => words(rng),
    }
}

fn quoted(body: &str, quoting: Quoting) -> String {
    let is_quoted = |line: &str| match quoting {
        Quoting::MboxRd => line.trim_start_matches('>').starts_with("From "),
        Quoting::MboxO => line.starts_with("From "),
        Quoting::None | Quoting::Length => false,
    };
    body.split_inclusive('\n')
        .map(|line| if is_quoted(line) { format!(">{line}") } else { line.to_owned() })
        .collect()
}

/// A message as it must be found: start of its separator, of itself, its end, end of its terminator; whether its
/// separator had to be inferred.
type Truth = (u64, u64, u64, u64, bool);

fn mailbox(rng: &mut Rng) -> (Program, Vec<u8>, Vec<Truth>) {
    let form = [Form::Dated, Form::Odd, Form::Undated, Form::Undated, Form::Patch][rng.below(5)];
    let quoting = [Quoting::MboxRd, Quoting::MboxO, Quoting::None, Quoting::Length][rng.below(4)];
    // Without an empty line only a date tells, and a length is what tells best.
    let blank = form == Form::Undated || quoting == Quoting::Length || rng.chance(70);
    let program = Program { quoting, form, blank, crlf: rng.chance(30) };
    let ends = |text: &str| if program.crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
    let mut out = Vec::new();
    let mut truth = Vec::new();
    for number in 0..=rng.below(6) {
        let mut body: String = (0..rng.below(5)).map(|_| piece(rng, program)).collect();
        body.push_str("\nbye\n");
        let body = ends(&quoted(&body, quoting));
        let mut header = fields(rng, number);
        if quoting == Quoting::Length {
            header = header.replace("Content-Length: 98765432\n", "");
            header = format!("{header}Content-Length: {}\n", body.len());
        }
        let separator = ends(&separator(rng, form));
        let message = ends(&(header + "\n")) + &body;
        let from = out.len() as u64;
        let start = from + separator.len() as u64;
        let end = start + message.len() as u64;
        let tail = ends(if program.blank { "\n" } else { "" });
        out.extend_from_slice(format!("{separator}{message}{tail}").as_bytes());
        let inferred = matches!(form, Form::Odd | Form::Undated) || (!program.blank && number > 0);
        truth.push((from, start, end, end + tail.len() as u64, inferred));
    }
    (program, out, truth)
}

fn found(path: &Path, limits: Limits) -> Vec<Truth> {
    let listing = list(path).unwrap();
    let mut out: Vec<Truth> = Vec::new();
    let inferred =
        |notes: &[mailtrail::types::Anomaly]| notes.iter().any(|n| n.kind == AnomalyKind::SeparatorInferred);
    read(&listing, &Options { limits, ..Options::default() }, &mut |event| {
        match event {
            Event::Open(open) => assert_eq!(open.kind, "mbox"),
            Event::Bytes(bytes) => {
                for cut in bytes.cuts {
                    let Cut::Item { separator, body, terminator, notes, .. } = cut else { panic!("a gap") };
                    let at = |place: usize| bytes.base + place as u64;
                    out.push((
                        at(separator.start),
                        at(body.start),
                        at(body.end),
                        at(terminator.end),
                        inferred(&notes),
                    ));
                }
            }
            Event::Long(Long::Start { start, separator, .. }) => {
                out.push((start - separator.len() as u64, start, 0, 0, false));
            }
            Event::Long(Long::End { end, terminator, notes, .. }) => {
                let last = out.last_mut().unwrap();
                (last.2, last.3, last.4) = (end, end + terminator.len() as u64, inferred(&notes));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

#[test]
fn mailboxes_of_all_programs_are_parted_into_the_messages_that_were_put_in() {
    let cases: u64 = if std::env::var("SCALE").is_ok_and(|scale| scale == "full") { 100_000 } else { 2_000 };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("box");
                for seed in (thread..cases).step_by(usize::try_from(threads).unwrap()) {
                    let mut rng = Rng::new(seed);
                    let (program, bytes, truth) = mailbox(&mut rng);
                    fs::write(&path, &bytes).unwrap();
                    let batch = [1 + rng.below(300), 4096, 2 << 20][rng.below(3)];
                    let in_memory = [1, 32 << 20][rng.below(2)];
                    let found = found(&path, Limits { batch, in_memory, ..Limits::default() });
                    if found != truth {
                        fs::write(std::env::temp_dir().join("mbox_generator.failed"), &bytes).unwrap();
                    }
                    assert_eq!(found, truth, "seed {seed}, {program:?}");
                }
            });
        }
    });
}
