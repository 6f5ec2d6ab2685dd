//! Messages in files of another type: what mail programs make of a mail that is attached by hand.

use super::{Encoding, Form, MAX_DEPTH, Part, name};
use crate::parse::bytes::part as cut;
use crate::parse::decode;
use crate::parse::header;
use crate::parse::known::Known;
use crate::parse::value::Context;

/// Bytes at the beginning of a file that are looked at.
const HEAD: usize = 16 << 10;

/// Whether a leaf is a file that is named or typed like a message, and begins like one.
pub(super) fn holds_message(message: &[u8], part: &Part, depth: u32) -> bool {
    let kind = part.content_type.as_str();
    if part.form != Form::Leaf || part.depth.saturating_add(depth) >= MAX_DEPTH {
        return false;
    }
    let typed =
        matches!(kind, "application/eml" | "application/x-eml" | "message/eml" | "application/vnd.eml");
    let may_be = typed
        || kind.starts_with("application/") && kind != "application/pgp-encrypted"
        || kind.starts_with("message/") && !matches!(kind, "message/partial" | "message/external-body")
        || matches!(kind, "text/plain" | "text/eml" | "text/x-eml" | "");
    // Only what has a name can be named like one; most parts have none.
    let named = part.disposition.has_names() || part.parameters.has_names();
    if !may_be || !typed && !named || !typed && !is_eml(&name(part, Context::default()).0) {
        return false;
    }
    let raw = cut(message, part.body.clone());
    let mut decoded = Vec::new();
    let head = match part.encoding {
        Encoding::Identity => cut(raw, 0..HEAD),
        Encoding::Base64 => {
            decode::base64(cut(raw, 0..HEAD), &mut decoded);
            &decoded
        }
        Encoding::QuotedPrintable => {
            let _at = decode::quoted_printable(cut(raw, 0..HEAD), &mut decoded);
            &decoded
        }
        Encoding::Uuencode => return false,
    };
    is_message(head)
}

/// Whether a file name is that of a message.
fn is_eml(name: &str) -> bool {
    let name = name.trim_end_matches(['.', ' ', '"', '\'']).as_bytes();
    let end = name.len().saturating_sub(4);
    name.get(end..).is_some_and(|end| end.eq_ignore_ascii_case(b".eml"))
}

/// Whether bytes begin with the header of a message: fields and nothing else, two of them of those that a message has.
fn is_message(head: &[u8]) -> bool {
    let header = header::read(head).value;
    let mut kinds: Vec<Known> = header
        .fields
        .iter()
        .map(|f| f.known)
        .filter(|known| {
            matches!(
                known,
                Known::From
                    | Known::To
                    | Known::Subject
                    | Known::Date
                    | Known::Received
                    | Known::MessageId
                    | Known::ReturnPath
                    | Known::DeliveredTo
                    | Known::MimeVersion
            )
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    header.junk.is_empty() && kinds.len() >= 2
}
