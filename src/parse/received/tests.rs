//! Tests of Received fields.

#![allow(clippy::arithmetic_side_effects, clippy::panic, reason = "tests count in the open")]

use super::*;
use crate::types::AnomalyKind;

pub(super) fn hop(value: &str) -> Parsed<Hop> {
    received(value.as_bytes(), 10, ByteRange::of_usize(0, value.len() + 10))
}

pub(super) fn text(value: &str, range: Option<ByteRange>) -> Option<String> {
    let range = range?;
    let bytes = value.as_bytes().get(range.start() as usize - 10..range.end() as usize - 10);
    Some(String::from_utf8_lossy(bytes.expect("inside of the field")).into_owned())
}

/// What was read, as `key=value` words in a fixed order; what is absent or the default is left out.
fn shown(value: &str) -> String {
    let hop = hop(value).value;
    let word = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
    let list = [
        ("", word(hop.family)),
        ("", word(hop.grade.code())),
        ("class", word(hop.class.code()).filter(|c| c != "network")),
        ("helo", text(value, hop.helo)),
        ("rdns", text(value, hop.rdns)),
        ("look-up", word(hop.rdns_state.code()).filter(|c| c != "not-told" && c != "found")),
        ("ip", hop.peer_ip.map(|i| i.to_string())),
        ("port", hop.peer_port.map(|p| p.to_string())),
        ("by", text(value, hop.by)),
        ("by-ip", hop.by_ip.map(|i| i.to_string())),
        ("via", text(value, hop.via)),
        ("with", word(hop.protocol)),
        ("id", text(value, hop.id)),
        ("for", text(value, hop.for_)),
        ("sender", text(value, hop.envelope_from)),
        ("auth", word(hop.auth.code()).filter(|c| c != "none")),
        ("user", text(value, hop.user)),
        ("uid", hop.local_uid.map(|u| u.to_string())),
        ("tls", word(hop.tls.code()).filter(|c| c != "unknown")),
        ("", word(hop.tls_version)),
        ("cipher", text(value, hop.tls_cipher)),
        ("bits", hop.tls_bits.map(|b| b.to_string())),
    ];
    let words = list.into_iter().filter_map(|(key, value)| {
        let value = value?;
        Some(if key.is_empty() { value } else { format!("{key}={value}") })
    });
    words.collect::<Vec<_>>().join(" ")
}

pub(super) const DATE: &str = "Tue, 14 May 2024 09:15:27 +0200";

/// `field` with `; date` after it.
pub(super) fn check(field: &str, expected: &str) {
    let field = format!(" {field}; {DATE}");
    assert_eq!(shown(&field), expected, "{field}");
    for folded in [field.replace(' ', "\r\n\t"), field.replace(' ', "  ")] {
        assert_eq!(
            shown(&folded).split_whitespace().collect::<Vec<_>>(),
            expected.split_whitespace().collect::<Vec<_>>(),
            "{folded}"
        );
    }
    let date = hop(&field).value.date.expect("a date");
    assert_eq!(date.utc, UtcMs(1_715_670_927_000));
}

#[test]
fn the_first_name_is_the_clients_own_where_the_server_writes_it_so() {
    check(
        "from helo.example (name.example [192.0.2.10]) by mx.example (Postfix) with ESMTP id 4F3D21234 for <b@c.example>",
        "postfix exact helo=helo.example rdns=name.example ip=192.0.2.10 by=mx.example with=ESMTP id=4F3D21234 for=b@c.example",
    );
    check(
        "from helo.example (unknown [IPv6:2001:db8::25]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256) (No client certificate requested) (Authenticated sender: u v@d.example) by mx.example (Postfix) with ESMTPSA id 4VdXyz0Q8Lz9sWQ",
        "postfix exact helo=helo.example look-up=none ip=2001:db8::25 by=mx.example with=ESMTPSA id=4VdXyz0Q8Lz9sWQ auth=sasl user=u v@d.example tls=evidence TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256",
    );
    check(
        "from helo.example (IDENT:joe@name.example [192.0.2.10] (may be forged)) by mx.example (8.15.2/8.15.2) with ESMTP id 44E7FRrB012345 for <b@c.example>",
        "sendmail exact helo=helo.example rdns=name.example look-up=not-confirmed ip=192.0.2.10 by=mx.example with=ESMTP id=44E7FRrB012345 for=b@c.example user=joe tls=asserted-clear",
    );
    check(
        "from helo.example (192.0.2.10) by mx.example (10.1.2.3) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_X) id 15.20.1.2 via Frontend Transport",
        "exchange exact helo=helo.example ip=192.0.2.10 by=mx.example by-ip=10.1.2.3 via=Frontend Transport with=SMTP id=15.20.1.2 tls=evidence TLSv1.2 cipher=TLS_X",
    );
    check(
        "from helo.example (name.example. [192.0.2.10]) by mx.google.com with ESMTPS id a-b12si345678abc.1.2024.05.14.00.15.27 for <b@c.example> (version=TLS1_3 cipher=C bits=256/256)",
        "gmail exact helo=helo.example rdns=name.example ip=192.0.2.10 by=mx.google.com with=ESMTPS id=a-b12si345678abc.1.2024.05.14.00.15.27 for=b@c.example tls=evidence TLSv1.3 cipher=C bits=256",
    );
    check(
        "from H1 ([192.0.2.10] unverified) by mx.example with Microsoft SMTPSVC(5.0.2195.5329)",
        "smtpsvc exact helo=H1 look-up=none ip=192.0.2.10 by=mx.example with=SMTP",
    );
    check(
        "from gw02_[192.168.224.26] ([192.0.2.53]) by mx.example with Microsoft SMTPSVC(6.0.3790.1830)",
        "smtpsvc exact helo=gw02_[192.168.224.26] ip=192.0.2.53 by=mx.example with=SMTP",
    );
    check(
        "from helo.example [192.0.2.10] by mx.example [198.51.100.5] with ESMTP (MDaemon.PRO.v9.6.6.R) for <b@c.example>",
        "mdaemon exact helo=helo.example ip=192.0.2.10 by=mx.example by-ip=198.51.100.5 with=ESMTP for=b@c.example",
    );
}

#[test]
fn a_clause_that_stands_again_is_told() {
    let repeated = |field: &str| {
        let found = hop(&format!(" {field}; {DATE}")).anomalies;
        found.iter().any(|a| a.kind == AnomalyKind::ReceivedClauseRepeated)
    };
    for field in [
        "from a.example ([192.0.2.1]) by b.example by c.example with SMTP",
        "from a.example by b.example with SMTP id 1 by [192.0.2.2]",
        "from a.example by b.example with ESMTPS id 1 with SMTP",
        "from a.example by b.example with SMTP id 1 id 2",
        "from a.example by b.example with SMTP for <a@b.example> for <c@d.example>",
    ] {
        assert!(repeated(field), "{field}");
    }
    for field in [
        "from a.example by b.example with SMTP",
        "from a.example by b.example with local-esmtp by authid <user> with cram_md5",
        "from by.example by with.example with ESMTP id by",
    ] {
        assert!(!repeated(field), "{field}");
    }
}

#[test]
fn the_first_name_is_what_the_server_found_where_the_server_writes_it_so() {
    check(
        "from name.example ([192.0.2.10]:53124 helo=helo.example) by mx.example with esmtps (TLS1.3) tls TLS_C (Exim 4.97.1) (envelope-from <a@b.example>) id 1s6mPq-0000000A1bC-2d3E for b@c.example",
        "exim exact helo=helo.example rdns=name.example ip=192.0.2.10 port=53124 by=mx.example with=ESMTPS id=1s6mPq-0000000A1bC-2d3E for=b@c.example sender=a@b.example tls=evidence TLSv1.3 cipher=TLS_C",
    );
    check(
        "from name.example ([192.0.2.10] ident=joe) by mx.example with esmtp (Exim 4.92) id 1n0Abc-0001Xy-Qz",
        "exim exact helo=name.example rdns=name.example ip=192.0.2.10 by=mx.example with=ESMTP id=1n0Abc-0001Xy-Qz user=joe tls=asserted-clear",
    );
    check(
        "from [192.0.2.10] (port=41022 helo=pc) by mx.example with esmtpsa (TLSv1.2:C-1:256) (Exim 4.92) id 1n0Abc-0001Xy-Qz",
        "exim exact helo=pc look-up=none ip=192.0.2.10 port=41022 by=mx.example with=ESMTPSA id=1n0Abc-0001Xy-Qz auth=sasl tls=evidence TLSv1.2 cipher=C-1 bits=256",
    );
    check(
        "from unknown (HELO helo.example) (192.0.2.10) by mx.example with SMTP",
        "generic helo=helo.example look-up=none ip=192.0.2.10 by=mx.example with=SMTP",
    );
    check(
        "from name.example (HELO pc) (joe@d.example@192.0.2.10) by mx.example with ESMTPA",
        "qmail exact helo=pc rdns=name.example ip=192.0.2.10 by=mx.example with=ESMTPA auth=sasl user=joe@d.example",
    );
    check(
        "from name.example (LHLO helo.example) (10.0.5.21) by mx.example with LMTP",
        "zimbra exact helo=helo.example rdns=name.example ip=10.0.5.21 by=mx.example with=LMTP",
    );
    check(
        "from name.example(192.0.2.10), claiming to be \"helo.example\" via SMTP by mx.example, id smtpdAAAa1234",
        "smap generic helo=helo.example rdns=name.example ip=192.0.2.10 by=mx.example via=SMTP with=SMTP id=smtpdAAAa1234",
    );
}

#[test]
fn a_word_right_after_from_by_and_id_is_a_value_even_if_it_spells_a_keyword() {
    check(
        "from by (with.for.id [192.0.2.99]) by mx.example (Postfix) with SMTP id ABCDEF01 for <from@c.example>",
        "postfix exact helo=by rdns=with.for.id ip=192.0.2.99 by=mx.example with=SMTP id=ABCDEF01 for=from@c.example",
    );
    check("from by mx.example with ESMTP", "generic by=mx.example with=ESMTP");
    check("from with by from with SMTP id for", "generic helo=with by=from with=SMTP id=for");
    check(
        "from ([192.0.2.1]) by mx.example with ESMTP id for <b@c.example>",
        "generic ip=192.0.2.1 by=mx.example with=ESMTP for=b@c.example",
    );
}

#[test]
fn later_keywords_do_not_replace_the_first() {
    check(
        "from a.example (1.2.3.4) by b.example with MailboxResubmission by AntispamTT id X1",
        "generic class=resubmission helo=a.example ip=1.2.3.4 by=b.example with=MAILBOXRESUBMISSION id=X1",
    );
    check(
        "from a.example (1.2.3.4:5) by b.example with [XMail 1.20 ESMTP Server] id <S72E> for <r@c.example> from <s@d.example>",
        "xmail exact helo=a.example ip=1.2.3.4 port=5 by=b.example with=ESMTP id=S72E for=r@c.example sender=s@d.example",
    );
    check(
        "from a.example with LMTP by b.example (3.0/x) for <r@c.example>",
        "generic helo=a.example by=b.example with=LMTP for=r@c.example",
    );
    check("by b.example with ESMTP with STARTTLS id X", "generic by=b.example with=ESMTP id=X tls=evidence");
}

#[test]
fn hand_overs_without_a_network_name_no_client() {
    check(
        "by mx.example (Postfix, from userid 33) id 7AB12F00D",
        "postfix exact class=local-submission by=mx.example id=7AB12F00D auth=local uid=33",
    );
    check(
        "(from joe@localhost) by mx.example (8.14.7/8.14.7/Submit) id r4E7FRrB000001",
        "sendmail exact class=local-submission by=mx.example id=r4E7FRrB000001 auth=local user=joe",
    );
    check(
        "from joe by mx.example with local (Exim 4.94) id 1kZZZZ-0002ab-1c",
        "exim exact class=local-submission by=mx.example with=LOCAL id=1kZZZZ-0002ab-1c auth=local",
    );
    check(
        "from mail pickup service by mx.example with Microsoft SMTPSVC",
        "smtpsvc exact class=local-submission by=mx.example with=SMTP auth=local",
    );
    check("(qmail 12345 invoked by uid 501)", "qmail exact class=local-submission auth=local uid=501");
    check(
        "from [192.0.2.1] by web1.mail.yahoo.com via HTTP",
        "yahoo exact class=local-submission ip=192.0.2.1 by=web1.mail.yahoo.com via=HTTP with=HTTP auth=webmail",
    );
    check(
        "from pop.example [192.0.2.1] by home.example with POP3 (fetchmail-6.4.37) for <b@localhost> (single-drop)",
        "fetch exact class=fetch helo=pop.example ip=192.0.2.1 by=home.example with=POP3 for=b@localhost",
    );
}

#[test]
fn an_address_that_only_the_client_tells_is_not_the_peers() {
    check(
        "from [192.168.1.5] ([198.51.100.7]) by mail.gmx.net (mrgmx105 [212.227.17.168]) with ESMTPSA (Nemesis) id 1MbivM-1sXyzA2BcD-00dEfG for <b@c.d>",
        "nemesis exact helo=[192.168.1.5] ip=198.51.100.7 by=mail.gmx.net by-ip=212.227.17.168 with=ESMTPSA id=1MbivM-1sXyzA2BcD-00dEfG for=b@c.d auth=sasl tls=evidence",
    );
    check(
        "from [192.0.2.1] (account joe@c.d HELO pc.lan) by cgp.example (CommuniGate Pro SMTP 6.2.14) with ESMTPSA id 123457 for b@c.d",
        "communigate exact helo=pc.lan ip=192.0.2.1 by=cgp.example with=ESMTPSA id=123457 for=b@c.d auth=sasl user=joe@c.d tls=evidence",
    );
    check(
        "from pps.filterd (m1.ppops.net [127.0.0.1]) by mx.pphosted.com (8.17.1.24/8.17.1.24) with ESMTP id 44E7FRrB012345",
        "sendmail exact class=filter-loop helo=pps.filterd rdns=m1.ppops.net ip=127.0.0.1 by=mx.pphosted.com with=ESMTP id=44E7FRrB012345",
    );
    check(
        "from [192.0.2.1] by 3c-app.server.lan (via HTTP)",
        "generic class=local-submission ip=192.0.2.1 by=3c-app.server.lan via=HTTP with=HTTP auth=webmail",
    );
}

#[test]
fn clients_that_are_named_like_software_stay_clients() {
    for name in [
        "postfix.example",
        "sender.example.com",
        "tls-1.example",
        "auth.example",
        "client.example",
        "qmail1.example",
        "helo.example",
        "user.example",
        "uid.example",
    ] {
        let expected = format!(
            "sendmail exact helo=h rdns={name} ip=192.0.2.1 by=mx.example with=ESMTP id=44E7FRrB012345 tls=asserted-clear"
        );
        check(
            &format!(
                "from h ({name} [192.0.2.1]) by mx.example (8.12.1/8.12.1) with ESMTP id 44E7FRrB012345"
            ),
            &expected,
        );
    }
    check(
        "from h (postfix@name.example [192.0.2.1]) by mx.example (8.12.1/8.12.1) with ESMTP id 44E7FRrB012345",
        "sendmail exact helo=h rdns=name.example ip=192.0.2.1 by=mx.example with=ESMTP id=44E7FRrB012345 user=postfix tls=asserted-clear",
    );
}

#[test]
fn version_numbers_are_no_addresses() {
    check(
        "from 192.0.2.1([192.0.2.2]) by mx.example(JetMail 2.5.3.0) with SMTP id z1234",
        "jetmail exact helo=192.0.2.1 ip=192.0.2.2 by=mx.example with=SMTP id=z1234",
    );
    check(
        "by mx.example with SMTP (Microsoft Exchange Internet Mail Service Version 5.5.2653.13) id 4BV529Y3",
        "exchange exact by=mx.example with=SMTP id=4BV529Y3",
    );
}

#[test]
fn what_follows_the_date_is_read_too() {
    let value = format!(
        "from a.example (192.0.2.1) by b.example (PowerMTA(TM) v5.0r3) id h1 for <r@c.example>; {DATE} (envelope-from <s@d.example>)"
    );
    assert_eq!(
        shown(&value),
        "powermta exact helo=a.example ip=192.0.2.1 by=b.example id=h1 for=r@c.example sender=s@d.example"
    );
    let value =
        format!("from a.example (127.0.0.1) by b.example (EzMTS MTSSmtp 1.55d5) ; {DATE} for <r@c.example>");
    assert_eq!(shown(&value), "ezmts exact helo=a.example ip=127.0.0.1 by=b.example for=r@c.example");
    let value = "by recvd-1 with SMTP id recvd-5f54b5d587-7vkpd-1-664311CD-12\n\t2024-05-14 07:25:01.8 +0000 UTC m=+1.7";
    assert_eq!(shown(value), "sendgrid exact by=recvd-1 with=SMTP id=recvd-5f54b5d587-7vkpd-1-664311CD-12");
    let read = hop(value).value;
    assert_eq!(read.id_time.map(|t| t.0), read.date.map(|d| d.utc.0 - 800));
}

fn codes(value: &str) -> Vec<&'static str> {
    hop(value).anomalies.iter().map(|a| a.kind.code()).collect()
}

#[test]
fn odd_fields_are_flagged_and_not_repaired() {
    let unclosed =
        format!("from a.example (a.example [192.0.2.10] by b.example (Postfix) with ESMTP id AD; {DATE}");
    assert_eq!(
        shown(&unclosed),
        "postfix generic helo=a.example rdns=a.example ip=192.0.2.10 by=b.example with=ESMTP id=AD"
    );
    assert_eq!(codes(&unclosed), ["received-comment-unbalanced"]);
    let octet =
        format!("from a.example (a.example [192.0.2.300]) by b.example (Postfix) with ESMTP id AF; {DATE}");
    assert_eq!(hop(&octet).value.peer_ip, None);
    assert_eq!(codes(&octet), ["ip-invalid"]);
    assert_eq!(codes("from a.example by b.example with SMTP"), ["received-date-missing"]);
    assert_eq!(
        codes("from a.example by b.example with SMTP; Tue, 14 Smarch 2024 10:00"),
        ["date-unreadable"]
    );
    assert_eq!(codes("TotallyInvalid"), ["received-date-missing", "received-unparsed"]);
    assert_eq!(codes(""), ["received-date-missing", "received-unparsed"]);
    let zone = "from a.example by b.example with SMTP; Tue, 14 May 2024 07:15:27 +9999";
    assert_eq!(codes(zone), ["zone-invalid"]);
    assert!(!hop(zone).value.date.is_some_and(|d| d.zone_known));
    let nul = "from ma\0il.example (mail\0.example [1\093.0.2.9])";
    assert_eq!(hop(nul).value.peer_ip.map(|i| i.to_string()).as_deref(), Some("193.0.2.9"));
}

#[test]
fn hostile_fields_take_linear_time_and_stay_inside() {
    let megabyte = 1 << 20;
    for piece in [
        "(", ")", "(a)", "<", "[", "\"", "from ", "by ", ";", "; Tue, ", "a ", "\\", "(((", "1.2.3.4 ",
        "[1.2.3.4", "(a [", "Mon, ", "1 ", "\0",
    ] {
        let value = piece.repeat(megabyte / piece.len());
        let read = hop(&value);
        assert!(read.value.at.end() as usize == value.len() + 10);
    }
    let long = format!("from a.example ([192.0.2.1]) by b.example {} ; {DATE}", "(x)".repeat(500));
    assert!(codes(&long).contains(&"received-over-limit"));
    assert!(hop(&long).value.date.is_some());
}

#[test]
fn shapes_tell_how_a_field_is_built() {
    assert_eq!(
        shape(format!("from a (b [192.0.2.1]) by c (Postfix) with ESMTP id D for <e@f>; {DATE}").as_bytes()),
        "FpBsWIR;D"
    );
    assert!(family_names().contains(&"postfix"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    /// Any bytes: no panic, and every range lies inside of the field.
    #[test]
    fn every_range_lies_inside(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), words in proptest::collection::vec(0_usize..40, 0..60)) {
        const WORDS: [&str; 40] = [
            "from", "by", "with", "via", "id", "for", ";", "(", ")", "[", "]", "<", ">", "\"", "192.0.2.1", "[192.0.2.1]", "IPv6:2001:db8::1",
            "a.example", "HELO", "helo=", "ESMTPS", "Postfix", "(Exim 4.9)", "unknown", "@", "u@h", "Tue,", "14 May 2024", "09:15:27", "+0200",
            "(using TLSv1.3 with cipher", "version=TLS1_3", "bits=256/256", "Authenticated sender:", "port=25", "envelope-from", "\r\n\t", " ", "\\", "(CET)",
        ];
        let mut built: Vec<u8> = Vec::new();
        for (n, word) in words.iter().enumerate() {
            built.extend_from_slice(WORDS[*word].as_bytes());
            if n % 3 != 0 { built.push(b' '); }
            if let Some(byte) = bytes.get(n * 7).filter(|_| n % 11 == 0) { built.push(*byte); }
        }
        for field in [bytes, built] {
            let whole = ByteRange::of_usize(100, 109 + field.len());
            let parsed = received(&field, 109, whole);
            let hop = parsed.value;
            let ranges = [
                hop.from, hop.helo, hop.rdns, hop.peer_ip_at, hop.by, hop.via, hop.with, hop.id, hop.for_, hop.envelope_from, hop.user,
                hop.ident, hop.software, hop.tls_cipher, hop.date.map(|d| d.at),
            ];
            for range in ranges.into_iter().flatten().chain(parsed.anomalies.iter().filter_map(|a| a.at)) {
                proptest::prop_assert!(range.start() >= whole.start() && range.end() <= whole.end(), "{range:?} of {field:?}");
            }
        }
    }
}
