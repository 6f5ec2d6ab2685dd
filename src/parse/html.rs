//! HTML to text for searching: what a reader sees, what is hidden from him, and where links lead.
//!
//! One linear pass, no tree. Inline tags, comments and entities inside a word do not split it.

use super::bytes::{byte, from, part};
use super::entity;
use super::tag::{Attributes, is_block, is_void, read_attributes};

/// What was read from one HTML text; reused from part to part.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Text that a reader sees.
    pub visible: String,
    /// Text that a reader does not see: hidden by style or attribute, comments, scripts, tags that never end.
    pub hidden: String,
    /// Targets of links and sources of images, each once, one a line.
    pub links: String,
    /// Whether text was hidden by style or attribute.
    pub hides: bool,
    /// Where in the HTML the first of it begins.
    pub hides_at: usize,
}

impl Page {
    fn clear(&mut self) {
        self.visible.clear();
        self.hidden.clear();
        self.links.clear();
        self.hides = false;
        self.hides_at = 0;
    }
}

/// Longest link that is kept, in bytes.
const MAX_LINK: usize = 4096;
/// Most links of one text that are compared to find doubles.
const MAX_LINKS: usize = 2000;

/// The element whose content is hidden, and how many of its name are open inside it.
struct Hiding {
    name: Vec<u8>,
    depth: u32,
}

struct Scan<'a, 'b> {
    html: &'a str,
    page: &'b mut Page,
    hiding: Option<Hiding>,
    pre: u32,
    has_background: bool,
    rules: super::css::Hidden,
    seen: std::collections::HashSet<u64>,
}

/// Reads `html` into `page`.
pub fn read(html: &str, page: &mut Page) {
    page.clear();
    let bytes = html.as_bytes();
    let has = |what: &[u8]| memchr::memmem::find(bytes, what).is_some();
    let has_background = has(b"background") || has(b"bgcolor") || has(b"BACKGROUND") || has(b"BGCOLOR");
    Scan {
        html,
        page,
        hiding: None,
        pre: 0,
        has_background,
        rules: super::css::Hidden::default(),
        seen: std::collections::HashSet::new(),
    }
    .run();
}

impl<'a> Scan<'a, '_> {
    fn run(&mut self) {
        let bytes = self.html.as_bytes();
        let mut at = 0;
        loop {
            let rest = from(bytes, at);
            let Some(n) = memchr::memchr2(b'<', b'&', rest) else {
                self.text(at, bytes.len());
                return;
            };
            let hit = at.saturating_add(n);
            self.text(at, hit);
            at = match (byte(bytes, hit), byte(bytes, hit.saturating_add(1))) {
                (b'&', _) => {
                    let (taken, text) = entity::read(from(bytes, hit), false);
                    if taken == 0 {
                        self.push("&");
                    } else {
                        self.push(text.as_str());
                    }
                    hit.saturating_add(taken.max(1))
                }
                (_, b'!' | b'?') => self.declaration(hit),
                (_, b'/') => self.end_tag(hit),
                (_, b) if b.is_ascii_alphabetic() => self.start_tag(hit),
                _ => {
                    self.push("<");
                    hit.saturating_add(1)
                }
            };
        }
    }

    fn out(&mut self) -> &mut String {
        if self.hiding.is_some() { &mut self.page.hidden } else { &mut self.page.visible }
    }

    fn push(&mut self, text: &str) {
        self.out().push_str(text);
    }

    /// Ends the word before.
    fn gap(&mut self, with: char) {
        let out = self.out();
        if !out.is_empty() && !out.ends_with('\n') {
            if out.ends_with(' ') {
                out.pop();
            }
            out.push(with);
        }
    }

    /// Text between tags; outside `pre` a run of blanks is one blank.
    fn text(&mut self, start: usize, end: usize) {
        let Some(text) = self.html.get(start..end).filter(|t| !t.is_empty()) else { return };
        let pre = self.pre > 0;
        let out = self.out();
        if pre {
            out.push_str(text);
            return;
        }
        let mut rest = text;
        loop {
            let bytes = rest.as_bytes();
            let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
            if blank > 0 && !out.is_empty() && !out.ends_with([' ', '\n']) {
                out.push(' ');
            }
            rest = rest.get(blank..).unwrap_or_default();
            let bytes = rest.as_bytes();
            if bytes.is_empty() {
                return;
            }
            // Up to a double blank or a blank that is no space.
            let mut last_space = false;
            let odd = bytes.iter().position(|b| {
                let stop = matches!(b, b'\n' | b'\r' | b'\t' | 12) || last_space && *b == b' ';
                last_space = *b == b' ';
                stop
            });
            let n = odd.unwrap_or(bytes.len());
            out.push_str(rest.get(..n).unwrap_or_default());
            rest = rest.get(n..).unwrap_or_default();
        }
    }

    /// A comment, doctype or processing instruction at `at`; answers where it ends.
    fn declaration(&mut self, at: usize) -> usize {
        let bytes = self.html.as_bytes();
        let rest = from(bytes, at);
        if !rest.starts_with(b"<!--") {
            return match memchr::memchr(b'>', rest) {
                Some(n) => at.saturating_add(n).saturating_add(1),
                None => self.rest_hidden(at),
            };
        }
        let inner = from(rest, 4);
        // `<!-->` and `<!--->` are empty comments.
        if inner.starts_with(b">") {
            return at.saturating_add(5);
        }
        if inner.starts_with(b"->") {
            return at.saturating_add(6);
        }
        let end = memchr::memmem::find(inner, b"-->");
        let len = end.unwrap_or(inner.len());
        let start = at.saturating_add(4);
        let stop = start.saturating_add(len);
        self.stripped(start, stop);
        stop.saturating_add(if end.is_some() { 3 } else { 0 })
    }

    /// Appends the text of a comment to the hidden text, its tags left out.
    fn stripped(&mut self, start: usize, stop: usize) {
        let Some(text) = self.html.get(start..stop) else { return };
        let out = &mut self.page.hidden;
        // A condition for one program, such as `[if mso]>`.
        let text = if text.starts_with("[if") { text.split_once(']').map_or("", |(_, t)| t) } else { text };
        let before = out.len();
        let mut first = true;
        for piece in text.split('<') {
            let shown = if first { piece } else { piece.split_once('>').map_or("", |(_, t)| t) };
            first = false;
            let shown = shown.trim();
            if !shown.is_empty() {
                out.push_str(shown);
                out.push(' ');
            }
        }
        if out.len() > before {
            out.push('\n');
        }
    }

    /// A tag that never ends hides the rest of the text.
    fn rest_hidden(&mut self, at: usize) -> usize {
        if let Some(rest) = self.html.get(at..) {
            self.page.hidden.push('\n');
            self.page.hidden.push_str(rest);
        }
        self.html.len()
    }

    fn end_tag(&mut self, at: usize) -> usize {
        let bytes = self.html.as_bytes();
        let rest = from(bytes, at.saturating_add(2));
        let Some(end) = memchr::memchr(b'>', rest) else { return self.rest_hidden(at) };
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-')).count();
        let name = part(rest, 0..len);
        if let Some(h) = &mut self.hiding {
            let is = |other: &[u8]| other.eq_ignore_ascii_case(name);
            if h.name.eq_ignore_ascii_case(name) {
                h.depth = h.depth.saturating_sub(1);
            }
            let implied = match h.name.as_slice() {
                b"li" => is(b"ul") || is(b"ol"),
                b"td" | b"th" => is(b"tr") || is(b"table"),
                b"tr" | b"tbody" => is(b"table"),
                b"p" => is(b"div") || is(b"td") || is(b"body"),
                _ => is(b"body"),
            };
            if h.depth == 0 || implied {
                self.page.hidden.push('\n');
                self.hiding = None;
            }
        }
        if name.eq_ignore_ascii_case(b"pre") {
            self.pre = self.pre.saturating_sub(1);
        }
        if is_block(name) {
            self.gap('\n');
        }
        at.saturating_add(3).saturating_add(end)
    }

    fn start_tag(&mut self, at: usize) -> usize {
        let bytes = self.html.as_bytes();
        let rest = from(bytes, at.saturating_add(1));
        let len = rest.iter().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/')).count();
        let name = part(rest, 0..len);
        let mut attributes = Attributes::default();
        let Some((taken, closed)) = read_attributes(from(rest, len), &mut attributes) else {
            return self.rest_hidden(at);
        };
        let after = at.saturating_add(1).saturating_add(len).saturating_add(taken);
        let raw = name.eq_ignore_ascii_case(b"script") || name.eq_ignore_ascii_case(b"style");
        if raw {
            return self.raw_element(name, after);
        }
        let block = is_block(name);
        if let Some(h) = &mut self.hiding {
            let is = |other: &[u8]| other.eq_ignore_ascii_case(name);
            let implied = match h.name.as_slice() {
                b"p" => block && !is(b"br"),
                b"li" => is(b"li"),
                b"td" | b"th" => is(b"td") || is(b"th") || is(b"tr"),
                b"tr" => is(b"tr"),
                _ => false,
            };
            if implied {
                self.page.hidden.push('\n');
                self.hiding = None;
            } else if h.name.eq_ignore_ascii_case(name) && !closed {
                h.depth = h.depth.saturating_add(1);
            }
        }
        if block {
            let td = name.eq_ignore_ascii_case(b"td") || name.eq_ignore_ascii_case(b"th");
            self.gap(if td { ' ' } else { '\n' });
        }
        if name.eq_ignore_ascii_case(b"pre") {
            self.pre = self.pre.saturating_add(1);
        }
        let hides = attributes.hidden
            || super::css::hides(attributes.style, attributes.color, self.has_background)
            || self.rules.matches(name, attributes.class, attributes.id);
        if hides && self.hiding.is_none() && !is_void(name) && !name.eq_ignore_ascii_case(b"body") {
            // Only text makes it an anomaly: hidden images are on every page.
            self.hiding = Some(Hiding { name: name.to_ascii_lowercase(), depth: 1 });
            if !self.page.hides && self.hides_text(after) {
                self.page.hides = true;
                self.page.hides_at = at;
            }
        }
        self.attribute_texts(name, &attributes);
        after
    }

    /// Whether text other than blanks stands near behind `at`, tags left out.
    fn hides_text(&self, at: usize) -> bool {
        let mut in_tag = false;
        let near = part(self.html.as_bytes(), at..at.saturating_add(2000));
        let mut rest = near;
        while let [b, r @ ..] = rest {
            match b {
                b'<' if r.starts_with(b"/") && !in_tag && rest.len() == near.len() => return false,
                b'<' => in_tag = true,
                b'>' if in_tag => in_tag = false,
                b'&' if !in_tag => {
                    let (taken, text) = entity::read(rest, false);
                    if taken > 0 {
                        let seen = |c: char| !c.is_whitespace() && !crate::types::text::steers(c);
                        if text.as_str().chars().any(seen) {
                            return true;
                        }
                        rest = from(rest, taken);
                        continue;
                    }
                }
                b if !in_tag && b.is_ascii_alphanumeric() => return true,
                128.. if !in_tag && !r.starts_with(&[0xa0]) && !matches!(b, 0xe2 | 0xc2 | 0x80..=0xbf) => {
                    return true;
                }
                _ => {}
            }
            rest = r;
        }
        false
    }

    /// The content of `script` and `style`: up to its end tag, no tags inside.
    fn raw_element(&mut self, name: &[u8], start: usize) -> usize {
        let bytes = self.html.as_bytes();
        let mut at = start;
        let end = loop {
            let Some(n) = memchr::memmem::find(from(bytes, at), b"</") else { break bytes.len() };
            at = at.saturating_add(n);
            if super::bytes::starts_with_fold(from(bytes, at.saturating_add(2)), name) {
                break at;
            }
            at = at.saturating_add(2);
        };
        if name.eq_ignore_ascii_case(b"style") {
            self.rules.read(part(bytes, start..end));
        } else if let Some(script) = self.html.get(start..end) {
            self.page.hidden.push_str(script);
            self.page.hidden.push('\n');
        }
        match memchr::memchr(b'>', from(bytes, end)) {
            Some(n) => end.saturating_add(n).saturating_add(1),
            None => bytes.len(),
        }
    }

    /// Text in attributes that a reader can see, and links.
    fn attribute_texts(&mut self, name: &[u8], attributes: &Attributes<'a>) {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        for value in [attributes.alt, attributes.title] {
            if !value.is_empty() {
                self.push(" ");
                entity::push_all(value, self.out());
                self.push(" ");
            }
        }
        if (is(b"input") || is(b"button")) && !attributes.value.is_empty() {
            let hidden = attributes.kind.eq_ignore_ascii_case(b"hidden");
            let out = if hidden { &mut self.page.hidden } else { &mut self.page.visible };
            out.push(' ');
            entity::push_all(attributes.value, out);
            out.push('\n');
        }
        for link in [attributes.href, attributes.src] {
            self.link(link);
        }
    }

    fn link(&mut self, link: &[u8]) {
        let link = link.trim_ascii();
        let local = link.is_empty()
            || link.starts_with(b"#")
            || link.len() > MAX_LINK
            || super::bytes::starts_with_fold(link, b"cid:")
            || super::bytes::starts_with_fold(link, b"data:");
        if local {
            return;
        }
        if self.seen.len() < MAX_LINKS && !self.seen.insert(hash(link)) {
            return;
        }
        entity::push_all(link, &mut self.page.links);
        self.page.links.push('\n');
    }
}

/// FNV-1a: the same on every machine.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        let mut page = Page::default();
        read(html, &mut page);
        page
    }

    fn visible(html: &str) -> String {
        page(html).visible.trim().to_owned()
    }

    #[test]
    fn words_come_whole_out_of_tags_comments_and_entities() {
        assert_eq!(visible("pass<b>wo</b>rd"), "password");
        assert_eq!(visible("pass<!-- x -->word"), "password");
        assert_eq!(visible("p&#97;ss&#x77;ord caf&eacute;"), "password caf\u{e9}");
        assert_eq!(visible("<p>one</p><p>two<br>three</p>"), "one\ntwo\nthree");
        assert_eq!(visible("<td>a</td><td>b</td>"), "a\nb");
        assert_eq!(visible("a  \n b"), "a b");
        assert_eq!(visible("1 < 2 && 3 > 2 &notanentity; AT&T"), "1 < 2 && 3 > 2 &notanentity; AT&T");
    }

    #[test]
    fn hidden_text_is_kept_apart_and_told() {
        for html in [
            "a<div style=\"display:none\">secret</div>b",
            "a<span style='VISIBILITY : hidden'>secret</span>b",
            "a<p hidden>secret</p>b",
            "a<font style=\"font-size:0px\">secret</font>b",
            "a<style>.x{display:none}</style><i class=\"y x\">secret</i>b",
            "a<span style=\"color:#ffffff\">secret</span>b",
        ] {
            let page = page(html);
            assert!(page.hides, "{html}");
            assert_eq!(page.hidden.trim(), "secret", "{html}");
            assert!(!page.visible.contains("secret"), "{html}");
        }
        let comment = page("a<!-- secret -->b");
        assert!(!comment.hides);
        assert_eq!(comment.hidden.trim(), "secret");
        assert!(!page("<div style=\"display:none\"><img src=x></div>").hides);
    }

    #[test]
    fn nested_hidden_elements_end_where_they_end() {
        let page = page("<div style=\"display:none\">a<div>b</div>c</div>d");
        assert_eq!(page.visible.trim(), "d");
    }

    #[test]
    fn links_are_kept_once() {
        let page =
            page("<a href=\"http://x.test/?a=1&amp;b=2\">x</a><a href='http://x.test/?a=1&amp;b=2'>y</a>");
        assert_eq!(page.links, "http://x.test/?a=1&b=2\n");
    }

    #[test]
    fn a_tag_that_never_ends_hides_nothing_from_search() {
        assert!(page("a <b title=\"open secret words").hidden.contains("secret"));
        assert!(page("a <!-- open secret").hidden.contains("secret"));
    }

    #[test]
    fn bombs_take_linear_time() {
        for bomb in [
            "<div>".repeat(100_000),
            "<!--".repeat(100_000),
            "<a title=\"".repeat(100_000),
            "&".repeat(500_000),
            "<script>".repeat(100_000),
            "<div style=display:none>".repeat(50_000),
            "</".repeat(200_000),
        ] {
            page(&bomb);
        }
    }
}
