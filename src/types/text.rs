//! Text from evidence on its way out: the only escapers for terminals, CSV and file names.

/// Text for a terminal or a log line: every character that could steer a terminal, hide or reorder text is shown
/// as `\u{..}` (C0 and C1 controls, DEL, bidirectional marks, zero-width characters, line and paragraph separators).
/// A backslash stays as it is.
pub fn shown(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    push_shown(&mut out, text, false);
    out
}

/// Whether there is nothing but visible ASCII and blanks: what needs no look at each character.
pub fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, b| plain & (b' '..=b'~').contains(&b))
}

/// As [`shown`], but line feeds and tabs stay: for the body of a message. A lone CR is shown, CRLF becomes LF.
pub fn shown_block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_shown(&mut out, text, true);
    out
}

fn push_shown(out: &mut String, text: &str, block: bool) {
    use std::fmt::Write as _;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if block && (c == '\n' || c == '\t') {
            out.push(c);
        } else if block && c == '\r' && chars.peek() == Some(&'\n') {
        } else if steers(c) {
            // Writing to a String cannot fail.
            write!(out, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default();
        } else {
            out.push(c);
        }
    }
}

/// Whether a character steers a terminal, reorders text or cannot be seen.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A CSV cell with a number of ours, quoted like every other. It is no text from evidence, so a minus needs no guard.
pub fn csv_number(number: i64) -> String {
    format!("\"{number}\"")
}

/// A CSV cell, always quoted. A cell that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab, CR, LF and
/// the full-width signs first) gets a leading `'`; so does one that starts with `'`, so that the form can be undone.
/// Characters that steer a terminal are escaped as in [`shown`]; the raw value is in the JSON form.
pub fn csv_cell(text: &str) -> String {
    let text = shown(text);
    let risky =
        text.starts_with(['=', '+', '-', '@', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\\']);
    let mut out = String::with_capacity(text.len() + 3);
    out.push('"');
    if risky {
        out.push('\'');
    }
    for (n, piece) in text.split('"').enumerate() {
        if n > 0 {
            out.push_str("\"\"");
        }
        out.push_str(piece);
    }
    out.push('"');
    out
}

/// Longest file name made from a claimed name, in bytes.
const MAX_NAME: usize = 100;

/// A file name from a name that a message claims: ASCII letters, digits, `.`, `-`, `_` only, never empty, never
/// starting with a dot or dash, never a device name, at most 100 bytes. Not unique: put an ordinal in front.
pub fn file_name(claimed: &str) -> String {
    let base = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut out = String::new();
    for c in base.chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
        if out.len() >= MAX_NAME {
            break;
        }
        out.push(c);
    }
    let trimmed = out.trim_start_matches(['.', '-']).trim_end_matches(['.', ' ']).to_owned();
    let stem = trimmed.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    if trimmed.is_empty() {
        "unnamed".to_owned()
    } else if device {
        format!("_{trimmed}")
    } else {
        trimmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_cannot_clear_the_screen() {
        assert_eq!(shown("hi\u{1b}[2J"), "hi\\u{1b}[2J");
        assert_eq!(shown("a\u{202e}b\u{9b}c\r\n"), "a\\u{202e}b\\u{9b}c\\u{d}\\u{a}");
        assert_eq!(shown_block("a\r\nb\rc\td"), "a\nb\\u{d}c\td");
    }

    #[test]
    fn a_subject_cannot_be_a_formula() {
        assert_eq!(csv_cell("=1+1"), "\"'=1+1\"");
        assert_eq!(csv_cell("\t=1"), "\"'\\u{9}=1\"");
        assert_eq!(csv_cell("say \"hi\""), "\"say \"\"hi\"\"\"");
    }

    #[test]
    fn a_claimed_name_cannot_leave_its_folder() {
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("..\\..\\x.exe"), "x.exe");
        assert_eq!(file_name("..."), "unnamed");
        assert_eq!(file_name("CON.txt"), "_CON.txt");
        assert_eq!(file_name("a\0b:c|d"), "a_b_c_d");
        assert!(file_name(&"x".repeat(300)).len() <= 100);
    }
}
