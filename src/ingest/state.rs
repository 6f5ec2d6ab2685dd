//! What the place of a message in its container tells of its state.

use crate::types::RelPath;
use crate::types::record::File;

/// Flags of a Maildir name (<https://cr.yp.to/proto/maildir.html>), in the order of the standard.
const FLAGS: &[(u8, &str)] = &[
    (b'D', "draft"),
    (b'F', "flagged"),
    (b'P', "passed"),
    (b'R', "replied"),
    (b'S', "seen"),
    (b'T', "trashed"),
];

/// State words of a message at `path` of a container of this kind: Maildir flags, and `undelivered` in `tmp`.
pub fn words(kind: &str, path: &RelPath) -> Vec<&'static str> {
    if kind != "maildir" {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut up = path.as_bytes().rsplit(|&b| b == b'/');
    let name = up.next().unwrap_or_default();
    let folder = up.next().unwrap_or_default();
    if folder == b"tmp" {
        out.push("undelivered");
    }
    // `:2,FLAGS`; other systems write `;` or `!`, because they cannot have a colon in a name.
    let info = name.windows(3).rposition(|w| matches!(w, [b':' | b';' | b'!', b'2', b',']));
    if let Some(flags) = info.and_then(|at| name.get(at + 3..)) {
        out.extend(FLAGS.iter().filter(|(flag, _)| flags.contains(flag)).map(|(_, word)| *word));
    }
    out
}

/// State words of a file that is one message: those of its place, or of the flags that the server told.
pub(super) fn words_of(file: &File) -> Vec<&'static str> {
    match &file.server {
        Some(server) => server.words(),
        None => words(&file.kind, &file.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maildir_flags_become_words_and_tmp_is_undelivered() {
        let of = |path: &str| words("maildir", &RelPath::new(path));
        assert_eq!(of("Maildir/cur/1.M2P3.host,S=4:2,FS"), ["flagged", "seen"]);
        assert_eq!(of("cur/1.x!2,RS"), ["replied", "seen"]);
        assert_eq!(of("tmp/1.x"), ["undelivered"]);
        assert_eq!(words("eml", &RelPath::new("a:2,S")), Vec::<&str>::new());
    }
}
