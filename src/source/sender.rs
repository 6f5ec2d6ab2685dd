//! The sender on the `From ` line of an mbox, in the forms that known writers put there.

/// Parts the text behind `From ` into the sender and what follows it, without blanks around both.
///
/// A sender is one address (RFC 5321 section 4.1.2, with or without `<` `>`; its local part may be quoted), the
/// `DIGITS@xxx` of Google, the `-` of Netscape, the `???@???` of Eudora, or nothing. `None` for any other first word.
pub(super) fn split(tail: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = tail.trim_ascii();
    let quoted = match text {
        [b'"', rest @ ..] => rest.iter().position(|&b| b == b'"').map_or(0, |end| end.saturating_add(2)),
        _ => 0,
    };
    let rest = text.get(quoted..).unwrap_or_default();
    let end =
        rest.iter().position(|b| matches!(b, b' ' | b'\t')).map_or(text.len(), |n| n.saturating_add(quoted));
    let (sender, rest) = text.split_at_checked(end)?;
    let known = matches!(sender, b"" | b"-" | b"???@???" | b"<>") || is_address(sender);
    known.then(|| (sender, rest.trim_ascii()))
}

fn is_address(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"<").and_then(|w| w.strip_suffix(b">")).unwrap_or(word);
    let Some(at) = memchr::memrchr(b'@', word) else { return false };
    let (local, domain) =
        (word.get(..at).unwrap_or_default(), word.get(at.saturating_add(1)..).unwrap_or_default());
    is_local(local) && is_domain(domain)
}

fn is_local(local: &[u8]) -> bool {
    let quoted = local.len() > 2 && local.starts_with(b"\"") && local.ends_with(b"\"");
    quoted
        || (!local.is_empty()
            && local.iter().all(|b| b.is_ascii_graphic() && !b"\"<>()[],;:\\@".contains(b) || *b > 127))
}

fn is_domain(domain: &[u8]) -> bool {
    let literal = domain.starts_with(b"[") && domain.ends_with(b"]") && domain.len() > 2;
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') || *b > 127;
    // A dot at the end is that of a sentence.
    literal || (domain.iter().all(name) && domain.last().is_some_and(|&b| b != b'.'))
}
