//! Evidence written on the fly: small, seeded, the same bytes every time.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A small generator of numbers (xorshift64*); the same seed gives the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// One message with a hop, some words and now and then an attachment; LF line ends.
pub(crate) fn message(n: u64) -> String {
    let mut seeded = Seeded::new(n + 1);
    let words =
        ["cargo", "invoice", "harbour", "Zoll", "façade", "quay", "manifest", "東京", "ledger", "tide"];
    let mut out = String::new();
    write!(
        out,
        "Received: from mail{h}.example.net (mail{h}.example.net [192.0.2.{h}])\n\tby mx.example.org (Postfix) with ESMTP id 4Q{n:06}\n\tfor <bob@example.org>; Mon, {d:2} Mar 2025 10:{m:02}:00 +0100\n\
         From: Alice {n} <alice{a}@example.com>\nTo: Bob <bob@example.org>\nSubject: note {n} about {w}\n\
         Message-ID: <{n}.test@example.com>\nDate: Mon, {d:2} Mar 2025 10:{m:02}:00 +0100\nMIME-Version: 1.0\n",
        h = n % 200 + 1,
        d = [3, 10, 17, 24, 31][usize::try_from(n % 5).unwrap()],
        m = n % 60,
        a = n % 7,
        w = words[usize::try_from(n % 10).unwrap()],
    )
    .unwrap();
    if n % 11 == 3 {
        out.push_str(
            "Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: text/plain; charset=utf-8\n\n",
        );
    } else {
        out.push_str("Content-Type: text/plain; charset=utf-8\n\n");
    }
    for _ in 0..20 + seeded.below(200) {
        let word = words[usize::try_from(seeded.below(10)).unwrap()];
        let sep = if seeded.below(9) == 0 { "\n" } else { " " };
        write!(out, "{word}{}{sep}", seeded.below(50)).unwrap();
    }
    out.push('\n');
    if n % 11 == 3 {
        write!(
            out,
            "--bb\nContent-Type: application/octet-stream; name=\"f{n}.bin\"\nContent-Disposition: attachment; filename=\"f{n}.bin\"\nContent-Transfer-Encoding: base64\n\nAAEC{}\n--bb--\n",
            "AwQF".repeat(usize::try_from(1 + n % 17).unwrap())
        )
        .unwrap();
    }
    out
}

/// An mbox with the messages `from..to`.
pub(crate) fn mbox(from: u64, to: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for n in from..to {
        out.extend_from_slice(b"From alice@example.com Mon Mar  3 10:00:00 2025\n");
        out.extend_from_slice(message(n).as_bytes());
        out.push(b'\n');
    }
    out
}

/// A folder as it might be seized: two mboxes (one CRLF), a Maildir, an EML with a child, and things that are no mail.
pub(crate) fn folder(dir: &Path, items: u64) {
    fs::create_dir_all(dir.join("Maildir/cur")).unwrap();
    fs::create_dir_all(dir.join("Maildir/new")).unwrap();
    fs::create_dir_all(dir.join("Maildir/tmp")).unwrap();
    fs::write(dir.join("inbox"), mbox(0, items / 2)).unwrap();
    let crlf = String::from_utf8(mbox(items / 2, items / 2 + items / 4)).unwrap().replace('\n', "\r\n");
    fs::write(dir.join("sent.mbox"), crlf).unwrap();
    for n in 0..items / 4 {
        let name = format!("17000000{:02}.M{n}P1.host:2,S", n % 100);
        fs::write(dir.join("Maildir/cur").join(name), message(n + 1000)).unwrap();
    }
    let child = message(5000);
    let parent = format!(
        "From: carol@example.org\nTo: dave@example.org\nSubject: fwd\nDate: Tue, 4 Mar 2025 09:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=xx\n\n--xx\nContent-Type: text/plain\n\nsee below\n--xx\nContent-Type: message/rfc822\n\n{child}\n--xx--\n"
    );
    fs::write(dir.join("forward.eml"), parent).unwrap();
    fs::write(dir.join("notes.txt"), "just some notes\nnothing else\n").unwrap();
    fs::write(dir.join("empty"), "").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
}
