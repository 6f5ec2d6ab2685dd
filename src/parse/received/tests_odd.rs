//! Tests of odd Received fields: claims, garbage, and what only looks like a program's own.

use super::tests::{DATE, check, hop, text};
use super::*;
use crate::types::AnomalyKind;

#[test]
fn what_a_client_called_itself_is_no_address_that_a_server_saw() {
    check(
        "from [198.51.100.7] (unknown) by geopod-ismtpd-3 (SG) with ESMTP id YIPVaK1jTLSZgcspr6n3KQ for <b@c.example>",
        "sendgrid exact helo=[198.51.100.7] look-up=none by=geopod-ismtpd-3 with=ESMTP id=YIPVaK1jTLSZgcspr6n3KQ for=b@c.example",
    );
    check(
        "from [198.51.100.7] (unknown) by mx.example with SMTP id 7",
        "generic helo=[198.51.100.7] look-up=none by=mx.example with=SMTP id=7",
    );
    check(
        "from [192.168.1.9] (unknown [203.0.113.138] (AS64500 Example Telecom, MA)) by mx.example (Stalwart SMTP) with ESMTP id 3D8C2F013BB46F4",
        "stalwart exact helo=[192.168.1.9] look-up=none ip=203.0.113.138 by=mx.example with=ESMTP id=3D8C2F013BB46F4",
    );
    check(
        "from pc (name.example [203.0.113.138] (AS64501 other.example)) by mx.example (Stalwart SMTP) with ESMTP id 3D8C2F013BB46F4",
        "stalwart exact helo=pc rdns=name.example ip=203.0.113.138 by=mx.example with=ESMTP id=3D8C2F013BB46F4",
    );
    check(
        "(helo=sender.example) by mx.example with esmtpsa (TLS1.2:C-1:256) (Exim 4.96.1) (envelope-from <a@b.example>) id 1sV2GB-0005It-1D for b@c.example",
        "exim exact helo=sender.example by=mx.example with=ESMTPSA id=1sV2GB-0005It-1D for=b@c.example sender=a@b.example auth=sasl tls=evidence TLSv1.2 cipher=C-1 bits=256",
    );
}

#[test]
fn the_number_of_a_network_is_no_name_wherever_it_stands() {
    for client in ["[198.51.100.7] AS64500", "AS64500 [198.51.100.7]", "198.51.100.7, AS64500 Example Net"] {
        check(
            &format!("from pc ({client}) by mx.example with ESMTP id 4"),
            "generic helo=pc ip=198.51.100.7 by=mx.example with=ESMTP id=4",
        );
    }
}

#[test]
fn a_date_behind_garbage_is_read_and_flagged() {
    let read = hop(
        " from a.example ([198.51.100.7]) by mx.example with ESMTP id 9; ???, 14 May 2024 09:15:27 +0200",
    );
    assert_eq!(read.value.date.map(|date| date.utc), Some(UtcMs(1_715_670_927_000)));
    assert!(read.anomalies.iter().any(|a| a.kind == AnomalyKind::DateForm), "{:?}", read.anomalies);
}

#[test]
fn a_socket_is_no_name_of_a_machine() {
    check(
        "from mx.example ([unix socket]) by mx.example (Cyrus 3.4.3) with LMTPA",
        "cyrus exact class=local-submission helo=mx.example by=mx.example with=LMTPA auth=local",
    );
}

#[test]
fn only_a_field_that_its_program_would_write_is_exact() {
    let grade = |field: &str| hop(&format!(" {field}; {DATE}")).value.grade.code();
    for (field, wanted) in [
        ("from pc (203.0.113.77) by mx.example (8.14.4/8.14.4) with ESMTP id 12345", "generic"),
        (
            "from pc (name.example [203.0.113.77]) by mx.example (8.14.4/8.14.4) with ESMTP id 12345",
            "generic",
        ),
        ("from pc (203.0.113.77) by mx.example (8.14.4/8.14.4) with ESMTP id 44E7FRrB012345", "generic"),
        (
            "from pc (name.example [203.0.113.77]) by mx.example (8.14.4/8.14.4) with ESMTP id 44E7FRrB012345",
            "exact",
        ),
        ("from pc (name.example [203.0.113.77]) by mx.example (8.8.5/8.8.5) with SMTP id KAA14788", "exact"),
        ("from pc (name.example [203.0.113.77]) by mx.example (Postfix) with ESMTP id abc-1", "generic"),
        ("from pc (203.0.113.77) by mx.example (Postfix) with ESMTP id 4F3D21234", "generic"),
        ("from pc (name.example [203.0.113.77]) by mx.example (Postfix) with MAGIC id 4F3D21234", "generic"),
        ("from name.example ([203.0.113.77]) by mx.example with esmtp (Exim 4.92) id 12345", "generic"),
        ("from pc by mx.example (8.14.4/8.14.4) with ESMTP id 44E7FRrB012345", "generic"),
        ("from pc (n.example. [203.0.113.77]) by mx.google.com with ESMTPS id 12345", "generic"),
        (
            "from pc (n.example [203.0.113.77]) by mx.example with Microsoft SMTP Server id 15.1.2.3",
            "generic",
        ),
        ("from pc (203.0.113.77) by mx.example with Microsoft SMTP Server id abc", "generic"),
    ] {
        assert_eq!(grade(field), wanted, "{field}");
    }
    let odd = hop(
        " from pc (n.example [203.0.113.77]) by mx.example (Postfix) with ESMTP id 4F3D21234; May 14 2024 09:15:27 +0200",
    );
    assert_eq!(odd.value.grade, Grade::Generic, "a date that no C library writes");
}

#[test]
fn a_bracket_that_is_not_closed_is_told_and_cuts_nothing() {
    for (field, sender, for_) in [
        (
            "from h.example ([203.0.113.21]:40260) by mx.example with esmtp (envelope-from <buyer@s.example) id 1lGUN6-0005sL-EZ for b@c.example",
            "buyer@s.example",
            "b@c.example",
        ),
        (
            "from h.example ([203.0.113.21]) by mx.example with esmtp (envelope-from <buyer@s.example>) id 1lGUN6-0005sL-EZ for <b@c.example",
            "buyer@s.example",
            "b@c.example",
        ),
    ] {
        let field = format!(" {field}; {DATE}");
        let read = hop(&field);
        assert_eq!(text(&field, read.value.envelope_from).as_deref(), Some(sender), "{field}");
        assert_eq!(text(&field, read.value.for_).as_deref(), Some(for_), "{field}");
        assert_eq!(read.value.grade, Grade::Partial, "{field}");
        assert!(read.anomalies.iter().any(|a| a.kind == AnomalyKind::ReceivedBracketUnclosed), "{field}");
    }
}

#[test]
fn a_protocol_word_that_would_have_an_s_tells_of_clear_text() {
    check(
        "from laptop (dsl.example [203.0.113.77]) (Authenticated sender: a@b.example) by mx.example (Postfix) with ESMTPA id 9C1D02E0 for <b@c.example>",
        "postfix exact helo=laptop rdns=dsl.example ip=203.0.113.77 by=mx.example with=ESMTPA id=9C1D02E0 for=b@c.example auth=sasl user=a@b.example tls=asserted-clear",
    );
}
