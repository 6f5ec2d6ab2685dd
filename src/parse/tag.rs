//! HTML tags: their attributes, and which of them end a line.

use super::bytes::{from, part};

/// Attributes of a start tag that matter here, raw.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) style: &'a [u8],
    pub(crate) class: &'a [u8],
    pub(crate) id: &'a [u8],
    pub(crate) hidden: bool,
    pub(crate) href: &'a [u8],
    pub(crate) src: &'a [u8],
    pub(crate) alt: &'a [u8],
    pub(crate) title: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) kind: &'a [u8],
    pub(crate) color: &'a [u8],
}

/// Whether an element of this name is of that kind.
pub(crate) fn is_block(name: &[u8]) -> bool {
    const BLOCKS: &[&[u8]] = &[
        b"p",
        b"br",
        b"div",
        b"tr",
        b"td",
        b"th",
        b"li",
        b"ul",
        b"ol",
        b"dl",
        b"dt",
        b"dd",
        b"hr",
        b"h1",
        b"h2",
        b"h3",
        b"h4",
        b"h5",
        b"h6",
        b"table",
        b"tbody",
        b"thead",
        b"tfoot",
        b"blockquote",
        b"pre",
        b"center",
        b"form",
        b"option",
        b"select",
        b"title",
        b"body",
        b"head",
        b"html",
        b"address",
        b"article",
        b"aside",
        b"section",
        b"header",
        b"footer",
        b"main",
        b"nav",
        b"figure",
        b"figcaption",
        b"fieldset",
        b"legend",
        b"caption",
        b"details",
        b"summary",
        b"iframe",
        b"input",
        b"button",
        b"textarea",
        b"dir",
        b"menu",
        b"meta",
        b"link",
        b"noscript",
        b"optgroup",
        b"xmp",
        b"style",
        b"script",
        b"frame",
        b"col",
        b"colgroup",
    ];
    BLOCKS.iter().any(|b| b.len() == name.len() && b.eq_ignore_ascii_case(name))
}

/// Whether an element of this name is of that kind.
pub(crate) fn is_void(name: &[u8]) -> bool {
    const VOIDS: &[&[u8]] = &[
        b"br", b"hr", b"img", b"input", b"meta", b"link", b"area", b"base", b"col", b"embed", b"source",
        b"track", b"wbr", b"frame",
    ];
    VOIDS.iter().any(|b| b.len() == name.len() && b.eq_ignore_ascii_case(name))
}

/// Reads attributes up to the `>`; answers how many bytes they take with it and whether the tag closes itself.
/// `None` when the tag never ends.
pub(crate) fn read_attributes<'a>(text: &'a [u8], out: &mut Attributes<'a>) -> Option<(usize, bool)> {
    let mut rest = text;
    let mut closed = false;
    loop {
        match rest {
            [] => return None,
            [b'>', r @ ..] => return Some((text.len().saturating_sub(r.len()), closed)),
            [b'/', r @ ..] => {
                closed = true;
                rest = r;
                continue;
            }
            [b, r @ ..] if b.is_ascii_whitespace() => {
                rest = r;
                continue;
            }
            _ => {}
        }
        closed = false;
        let stops = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/');
        let len = rest.iter().position(stops)?.max(1);
        let name = part(rest, 0..len);
        rest = from(rest, len).trim_ascii_start();
        let mut value: &[u8] = b"";
        if let Some(after) = rest.strip_prefix(b"=") {
            let after = after.trim_ascii_start();
            if let [q @ (b'"' | b'\''), inner @ ..] = after {
                let end = memchr::memchr(*q, inner)?;
                value = part(inner, 0..end);
                rest = from(inner, end.saturating_add(1));
            } else {
                let end = after.iter().position(|b| b.is_ascii_whitespace() || *b == b'>')?;
                value = part(after, 0..end);
                rest = from(after, end);
            }
        }
        let slot = match name.len() {
            2 if name.eq_ignore_ascii_case(b"id") => &mut out.id,
            3 if name.eq_ignore_ascii_case(b"src") => &mut out.src,
            3 if name.eq_ignore_ascii_case(b"alt") => &mut out.alt,
            4 if name.eq_ignore_ascii_case(b"href") => &mut out.href,
            4 if name.eq_ignore_ascii_case(b"type") => &mut out.kind,
            5 if name.eq_ignore_ascii_case(b"style") => &mut out.style,
            5 if name.eq_ignore_ascii_case(b"class") => &mut out.class,
            5 if name.eq_ignore_ascii_case(b"title") => &mut out.title,
            5 if name.eq_ignore_ascii_case(b"value") => &mut out.value,
            5 if name.eq_ignore_ascii_case(b"color") => &mut out.color,
            6 if name.eq_ignore_ascii_case(b"hidden") => {
                out.hidden = true;
                continue;
            }
            _ => continue,
        };
        if slot.is_empty() {
            *slot = value;
        }
    }
}
