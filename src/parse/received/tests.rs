#![allow(clippy::arithmetic_side_effects, clippy::panic, reason = "tests count in the open")]

use super::*;

/// `key=value` lines for what was read, in a fixed order.
fn shown(value: &str) -> String {
    let parsed = received(value.as_bytes(), 10, ByteRange::of_usize(0, value.len() + 10));
    let hop = parsed.value;
    let text = |r: Option<ByteRange>| {
        r.map(|r| {
            let bytes = value.as_bytes().get(r.start() as usize - 10..r.end() as usize - 10);
            String::from_utf8_lossy(bytes.expect("inside")).into_owned()
        })
    };
    let mut out: Vec<String> = Vec::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push(format!("{key}={value}"));
        }
    };
    add("helo", text(hop.helo));
    add("rdns", text(hop.rdns));
    add("ip", hop.peer_ip.map(|i| i.to_string()));
    add("by", text(hop.by));
    add("with", text(hop.with));
    add("id", text(hop.id));
    add("for", text(hop.for_));
    add("sender", text(hop.envelope_from));
    add("user", text(hop.user));
    add("date", hop.date.map(|d| crate::types::time::rfc3339(d.utc)));
    out.join(" ")
}

#[test]
fn a_postfix_field_is_split() {
    let field = " from mx1.sender.example (mx1.sender.example [192.0.2.10])\r\n\tby mail.rcpt.example (Postfix) with ESMTP id 4F3D21234\r\n\tfor <bob@rcpt.example>; Tue, 14 May 2024 09:15:27 +0200 (CEST)";
    assert_eq!(
        shown(field),
        "helo=mx1.sender.example rdns=mx1.sender.example ip=192.0.2.10 by=mail.rcpt.example with=ESMTP id=4F3D21234 for=bob@rcpt.example date=2024-05-14T07:15:27Z"
    );
}
