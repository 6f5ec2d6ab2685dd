//! The little of CSS that hides text in mail.

use super::bytes::{byte, from, part};

/// Longest style that is read, in bytes.
const MAX_STYLE: usize = 4096;
/// Most rules of style sheets that are kept.
const MAX_RULES: usize = 200;

/// A style in lower case without blanks, for looking things up in it.
fn squeezed(style: &[u8]) -> Vec<u8> {
    let kept = part(style, 0..MAX_STYLE).iter().filter(|b| !b.is_ascii_whitespace());
    kept.map(u8::to_ascii_lowercase).collect()
}

/// The value of a property: from its colon to the next semicolon.
fn property<'a>(style: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    style.split(|&b| b == b';').rev().find_map(|rule| {
        let value = rule.strip_prefix(name)?.strip_prefix(b":")?;
        Some(value.strip_suffix(b"!important").unwrap_or(value))
    })
}

/// Whether a length is nothing that can be seen: zero, or one pixel or point.
fn tiny(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let (number, unit) = (part(value, 0..digits), from(value, digits));
    let number = std::str::from_utf8(number).ok().and_then(|n| n.parse::<f32>().ok());
    match (number, unit) {
        (Some(n), b"px" | b"pt") => n <= 1.0,
        (Some(n), b"" | b"%" | b"em" | b"rem") => n <= 0.01,
        _ => false,
    }
}

fn zero(value: Option<&[u8]>) -> bool {
    value.is_some_and(|v| v.starts_with(b"0") && tiny(v))
}

fn is_white(color: &[u8]) -> bool {
    matches!(color, b"#fff" | b"#ffffff" | b"white" | b"rgb(255,255,255)" | b"#fefefe" | b"#fdfdfd")
}

fn far(value: Option<&[u8]>) -> bool {
    value.is_some_and(|v| {
        v.starts_with(b"-") && from(v, 1).iter().take_while(|b| b.is_ascii_digit()).count() >= 3
    })
}

/// Whether a `style` attribute, or a `color` attribute, hides the text of its element. White counts where the page
/// names no background at all.
pub(crate) fn hides(style: &[u8], color: &[u8], has_background: bool) -> bool {
    if !color.is_empty() && !has_background && is_white(&squeezed(color)) {
        return true;
    }
    !style.is_empty() && hides_squeezed(&squeezed(style), has_background)
}

fn hides_squeezed(style: &[u8], has_background: bool) -> bool {
    let get = |name: &[u8]| property(style, name);
    let is = |name: &[u8], value: &[u8]| get(name) == Some(value);
    let clipped = is(b"overflow", b"hidden");
    let color = get(b"color").unwrap_or_default();
    let same = !color.is_empty() && (is(b"background-color", color) || is(b"background", color));
    is(b"display", b"none")
        || is(b"visibility", b"hidden")
        || is(b"visibility", b"collapse")
        || get(b"font-size").is_some_and(tiny)
        || zero(get(b"opacity"))
        || color == b"transparent"
        || same
        || is_white(color) && !has_background
        || clipped
            && (zero(get(b"max-height"))
                || zero(get(b"height"))
                || zero(get(b"max-width"))
                || zero(get(b"width")))
        || far(get(b"text-indent"))
        || far(get(b"left"))
        || far(get(b"top"))
        || far(get(b"margin-left"))
}

/// Classes, ids and elements that style sheets of the page hide.
#[derive(Default)]
pub(crate) struct Hidden {
    rules: Vec<(u8, Vec<u8>)>,
}

impl Hidden {
    /// Reads a style sheet. Rules under `@media` are left out: they hide for one kind of screen.
    pub(crate) fn read(&mut self, sheet: &[u8]) {
        let mut at = 0;
        while let Some(n) = memchr::memchr(b'{', from(sheet, at)) {
            let open = at.saturating_add(n);
            let selectors = part(sheet, at..open);
            if selectors.contains(&b'@') && memchr::memmem::find(selectors, b"@media").is_some() {
                at = Self::skip(sheet, open);
                continue;
            }
            let inner = from(sheet, open.saturating_add(1));
            let len = memchr::memchr(b'}', inner).unwrap_or(inner.len());
            if hides_squeezed(&squeezed(part(inner, 0..len)), true) {
                for selector in selectors.split(|&b| b == b',') {
                    self.keep(selector);
                }
            }
            at = open.saturating_add(len).saturating_add(2);
        }
    }

    /// Past the block that opens at `open`, with the blocks in it.
    fn skip(sheet: &[u8], open: usize) -> usize {
        let mut depth = 0usize;
        for (n, b) in from(sheet, open).iter().enumerate() {
            match b {
                b'{' => depth = depth.saturating_add(1),
                b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return open.saturating_add(n).saturating_add(1);
                    }
                }
                _ => {}
            }
        }
        sheet.len()
    }

    /// Keeps a selector that is one class or id; longer ones would need the tree.
    fn keep(&mut self, selector: &[u8]) {
        let selector = selector.trim_ascii();
        let selector =
            selector.rsplit(|b| matches!(b, b'/' | b'>' | b'<')).next().unwrap_or_default().trim_ascii();
        let dot = selector.iter().position(|b| matches!(b, b'.' | b'#'));
        let Some(dot) = dot else { return };
        let name = from(selector, dot.saturating_add(1));
        let simple =
            !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let prefix = part(selector, 0..dot);
        if simple && prefix.iter().all(u8::is_ascii_alphanumeric) && self.rules.len() < MAX_RULES {
            self.rules.push((byte(selector, dot), name.to_vec()));
        }
    }

    /// Whether an element of these classes or this id is hidden.
    pub(crate) fn matches(&self, _name: &[u8], class: &[u8], id: &[u8]) -> bool {
        self.rules.iter().any(|(kind, name)| match kind {
            b'.' => class.split(u8::is_ascii_whitespace).any(|c| c == name.as_slice()),
            _ => id == name.as_slice(),
        })
    }
}
