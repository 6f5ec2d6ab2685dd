//! Characters that no reader sees: without width, soft hyphens, controls of direction.

/// Whether text holds characters that no reader sees. The joiners U+200C and U+200D count only behind a character up to
/// U+024F, where no script needs them; a byte order mark at the beginning does not count.
pub fn is_in(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut last = ' ';
    text.chars().enumerate().any(|(n, c)| {
        let before = std::mem::replace(&mut last, c);
        match c {
            '\u{feff}' => n > 0,
            '\u{200c}' | '\u{200d}' => before <= '\u{24f}',
            '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' => true,
            c => is_parting(c),
        }
    })
}

/// Whether a character that no reader sees cuts the word around it: a blank without width, or a control of direction.
fn is_parting(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The words of a text that such characters cut, in parts, line by line: blanks stand in the place of those. `None`
/// where there is no such word.
pub fn parted(text: &str) -> Option<String> {
    if text.is_ascii() || !text.contains(is_parting) {
        return None;
    }
    let mut out = String::new();
    for word in text.split_whitespace().filter(|word| {
        let inner = word.trim_matches(|c: char| is_parting(c) || !c.is_alphanumeric());
        inner.contains(is_parting)
    }) {
        out.extend(word.chars().map(|c| if is_parting(c) { ' ' } else { c }));
        out.push('\n');
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_reader_sees_is_told_and_what_a_script_needs_is_not() {
        for text in ["pass\u{200b}word", "un\u{ad}do", "a\u{202e}b", "a\u{200d}b", "a\u{feff}b", "\u{2066}x"]
        {
            assert!(is_in(text), "{text:?}");
        }
        for text in [
            "plain",
            "caf\u{e9}",
            "\u{feff}mark first",
            "\u{645}\u{6cc}\u{200c}\u{62e}",
            "\u{1f469}\u{200d}\u{1f467}",
        ] {
            assert!(!is_in(text), "{text:?}");
        }
    }

    #[test]
    fn words_are_cut_at_blanks_without_width_and_controls_of_direction_only() {
        assert_eq!(parted("open Rechnung\u{202e}fdp.exe now").as_deref(), Some("Rechnung fdp.exe\n"));
        assert_eq!(parted("pass\u{200b}word").as_deref(), Some("pass word\n"));
        for text in ["un\u{ad}do", "\u{200e}word\u{200f} x", "plain", "\u{200b}"] {
            assert_eq!(parted(text), None, "{text:?}");
        }
    }
}
