//! The bytes of a message: un-stuffed (RFC 1939 3) as they come, nothing else touched.

use memchr::memmem;

/// Undoes byte-stuffing over pieces of any size.
///
/// A line ends in CRLF and nothing else: a message may hold lone LF and CR. A line that begins with a dot which was not
/// doubled cannot come from a server that stuffs; its dot is kept, since such a server doubles none.
#[derive(Debug)]
pub(super) struct Unstuffer {
    is_line_start: bool,
    is_done: bool,
    /// Whether a lone dot at a line start was seen.
    pub(super) has_bare_dot: bool,
    finder: memmem::Finder<'static>,
}

impl Unstuffer {
    pub(super) fn new() -> Self {
        let finder = memmem::Finder::new(b"\r\n.");
        Self { is_line_start: true, is_done: false, has_bare_dot: false, finder }
    }

    /// Whether the line with the single dot has come.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Takes what it can from the front of `input` into `out`, and says how much that was. What it leaves (two bytes at
    /// most) is to be given again with more behind it. It takes nothing more once it is done.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 0_usize;
        while !self.is_done {
            let rest = input.get(at..).unwrap_or_default();
            if self.is_line_start {
                match rest {
                    [] | [b'.'] | [b'.', b'\r'] => return at,
                    [b'.', b'\r', b'\n', ..] => {
                        self.is_done = true;
                        return at.saturating_add(3);
                    }
                    // The first dot goes, the second one is the message's.
                    [b'.', b'.', ..] => {
                        out.push(b'.');
                        at = at.saturating_add(2);
                    }
                    [b'.', ..] => {
                        self.has_bare_dot = true;
                        out.push(b'.');
                        at = at.saturating_add(1);
                    }
                    _ => {}
                }
                self.is_line_start = false;
                continue;
            }
            if let Some(found) = self.finder.find(rest) {
                let end = found.saturating_add(2);
                out.extend_from_slice(rest.get(..end).unwrap_or_default());
                at = at.saturating_add(end);
                self.is_line_start = true;
                continue;
            }
            // A line end that the piece cuts in two, or that a dot may follow, waits for more.
            let held = if rest.ends_with(b"\r\n") { 2 } else { usize::from(rest.ends_with(b"\r")) };
            let end = rest.len().saturating_sub(held);
            out.extend_from_slice(rest.get(..end).unwrap_or_default());
            return at.saturating_add(end);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `wire` in pieces of `size`; gives the message and what was left over.
    fn fed(wire: &[u8], size: usize) -> (Vec<u8>, Vec<u8>, bool) {
        let mut unstuffer = Unstuffer::new();
        let (mut out, mut waiting) = (Vec::new(), Vec::new());
        for piece in wire.chunks(size) {
            waiting.extend_from_slice(piece);
            let used = unstuffer.feed(&waiting, &mut out);
            waiting.drain(..used);
            assert!(unstuffer.is_done() || waiting.len() <= 2, "it holds back {waiting:?}");
        }
        assert!(unstuffer.is_done(), "no end in {wire:?}");
        (out, waiting, unstuffer.has_bare_dot)
    }

    #[track_caller]
    fn check(wire: &[u8], message: &[u8], bare: bool) {
        let then = [wire, b"+OK next\r\n"].concat();
        for size in [1, 2, 3, 5, 7, 1000] {
            let (out, left, has_bare_dot) = fed(&then, size);
            assert_eq!(out, message, "in pieces of {size}");
            assert_eq!(left, b"+OK next\r\n", "in pieces of {size}");
            assert_eq!(has_bare_dot, bare);
        }
    }

    #[test]
    fn a_message_comes_out_as_it_was_before_stuffing() {
        check(b".\r\n", b"", false);
        check(b"\r\n.\r\n", b"\r\n", false);
        check(b"a\r\n..\r\n...b\r\n.\r\n", b"a\r\n.\r\n..b\r\n", false);
        check(b"..\r\n.\r\n", b".\r\n", false);
        check(b"a\r\r\n.\r\n", b"a\r\r\n", false);
    }

    #[test]
    fn lone_line_ends_and_nul_are_no_line_ends() {
        check(b"a\n.\nb\r.\r\0\r\n.\r\n", b"a\n.\nb\r.\r\0\r\n", false);
        check(b"a\n.\r\n.\r\n", b"a\n.\r\n", false);
    }

    #[test]
    fn a_dot_that_was_not_doubled_stays() {
        check(b".a\r\n.\rb\r\n.\r\n", b".a\r\n.\rb\r\n", true);
    }

    #[test]
    fn whatever_is_stuffed_is_the_same_after_it() {
        // Every message of up to six of these bytes.
        let letters = b".\r\na";
        for length in 0..=6_u32 {
            for n in 0..4_usize.pow(length) {
                let mut message: Vec<u8> = (0..length).map(|i| letters[n / 4_usize.pow(i) % 4]).collect();
                message.extend_from_slice(b"\r\n");
                let mut wire = Vec::new();
                let mut rest = &message[..];
                while !rest.is_empty() {
                    let end = memmem::find(rest, b"\r\n").map_or(rest.len(), |at| at + 2);
                    if rest[0] == b'.' {
                        wire.push(b'.');
                    }
                    wire.extend_from_slice(&rest[..end]);
                    rest = &rest[end..];
                }
                wire.extend_from_slice(b".\r\n");
                assert_eq!(fed(&wire, 1).0, message, "{wire:?}");
                assert_eq!(fed(&wire, 100).0, message, "{wire:?}");
            }
        }
    }
}
