//! Plain tables for terminals: columns by width, text made safe, nothing cut that identifies an item.

use unicode_width::UnicodeWidthChar as _;

use crate::types::text::{is_plain, shown};

/// `text` made safe and cut to `width` columns, with `…` where something was left out.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = shown(text);
    if columns(&text) <= width {
        return text;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    out
}

/// Columns that a text takes.
fn columns(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.chars().map(|c| c.width().unwrap_or(0)).sum() }
}

/// `text` followed by blanks up to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let used = columns(text);
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// A number with thin groups of three digits for people: `48,212`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, c) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// One thing or many: `1 item`, `2 items`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Items, with the messages inside others apart where there are any: `13,091 messages and 385 inside others`.
pub(super) fn items(total: u64, inside: u64) -> String {
    let top = total.saturating_sub(inside);
    match inside {
        0 => counted(total, "item", "items"),
        1 => format!("{} and 1 inside another", counted(top, "message", "messages")),
        _ => format!("{} and {} inside others", counted(top, "message", "messages"), grouped(inside)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_keep_the_columns_straight() {
        assert_eq!(fit("日本語テスト", 7), "日本語…");
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(grouped(48_212), "48,212");
        assert_eq!(counted(1, "item", "items"), "1 item");
        assert_eq!(items(13_476, 385), "13,091 messages and 385 inside others");
        assert_eq!(
            (items(3, 0), items(2, 1)),
            ("3 items".to_owned(), "1 message and 1 inside another".to_owned())
        );
    }
}
