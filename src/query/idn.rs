//! Host names in their two spellings: `bücher.example` and `xn--bcher-kva.example` (RFC 3492, RFC 5890).

/// Parameters of RFC 3492 section 5.
const BASE: u32 = 36;
const TMIN: u32 = 1;
const TMAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;

/// Longest label that is looked at, in characters.
const LONGEST: usize = 255;

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - TMIN) * TMAX / 2 {
        delta /= BASE - TMIN;
        k += BASE;
    }
    k + (BASE - TMIN + 1) * delta / (delta + SKEW)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(TMIN, TMAX)
}

/// A label as ASCII without its `xn--`.
fn encode(label: &str) -> Option<String> {
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (128u32, 0u32, 72u32, basic);
    while (done as usize) < points.len() {
        let next = points.iter().copied().filter(|&p| p >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for &point in &points {
            if point < n {
                delta = delta.checked_add(1)?;
            }
            if point == n {
                let (mut q, mut k) = (delta, BASE);
                loop {
                    let t = threshold(k, bias);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (BASE - t))?);
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                out.push(digit(q)?);
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(out)
}

/// RFC 3492 section 5: a to z are 0 to 25, the digits 26 to 35.
fn digit(value: u32) -> Option<char> {
    let value = u8::try_from(value).ok().filter(|&value| value < 36)?;
    Some(char::from(if value < 26 { b'a' + value } else { b'0' + value - 26 }))
}

/// The label of ASCII without its `xn--`.
fn decode(text: &str) -> Option<String> {
    let (basic, rest) = text.rsplit_once('-').unwrap_or(("", text));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut rest = rest.bytes();
    while rest.len() > 0 {
        let (before, mut weight, mut k) = (i, 1u32, BASE);
        loop {
            let value = match rest.next()? {
                c @ b'a'..=b'z' => u32::from(c - b'a'),
                c @ b'0'..=b'9' => u32::from(c - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(value.checked_mul(weight)?)?;
            let t = threshold(k, bias);
            if value < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
            k += BASE;
        }
        let count = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(i - before, count, before == 0);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

/// A host name in its other spelling; `None` when it has only one.
pub(super) fn other(host: &str) -> Option<String> {
    let is_plain = host.is_ascii();
    let host = host.to_lowercase();
    if host.chars().count() > LONGEST || (is_plain && !host.contains("xn--")) {
        return None;
    }
    let composed: String = unicode_normalization::UnicodeNormalization::nfc(host.as_str()).collect();
    let turn = |label: &str| match label.strip_prefix("xn--") {
        Some(rest) if is_plain => decode(rest),
        None if !label.is_ascii() => encode(label).map(|rest| format!("xn--{rest}")),
        _ => Some(label.to_owned()),
    };
    let labels: Option<Vec<String>> = composed.split('.').map(turn).collect();
    labels.map(|labels| labels.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_lead_to_each_other() {
        for (unicode, ascii) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("mail.müller-straße.example", "mail.xn--mller-strae-46a18a.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("例え.jp", "xn--r8jz45g.jp"),
        ] {
            assert_eq!(other(ascii).as_deref(), Some(unicode));
            assert_eq!(other(unicode).as_deref(), Some(ascii));
        }
        assert_eq!(other("Bücher.Example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(other("example.org"), None);
        assert_eq!(other("xn--\u{1}"), None);
        assert_eq!(other("xn--99999999999"), None);
    }
}
