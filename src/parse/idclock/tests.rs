//! Tests of clocks in ids.

#![allow(clippy::arithmetic_side_effects, reason = "tests count in the open")]

use super::*;
use crate::types::time::rfc3339_us;

fn utc(time: Option<IdTime>) -> String {
    time.map_or_else(|| "none".to_owned(), |t| rfc3339_us(t.us))
}

fn check(id: &str, family: &str, code: &str, expected: &str) {
    let (kind, time) = queue_id(id.as_bytes(), family).map_or((IdKind::None, None), |(k, t)| (k, Some(t)));
    assert_eq!((kind.code(), utc(time).as_str()), (code, expected), "{id}");
}

#[test]
fn queue_ids_of_all_formats_tell_their_time() {
    check("16VDhn-000000001bo-D342", "exim", "exim", "2002-01-28T15:28:23.000000Z");
    check("16VDhn-0001bo-D3", "exim", "exim", "2002-01-28T15:28:23.000000Z");
    check("4dD5yX0sf8z3xY", "postfix", "postfix-long", "2025-11-22T09:15:00.123456Z");
    check("58FAUo5v012345", "sendmail", "sendmail", "2025-09-15T10:30:50.000000Z");
    check("h2FH0Zx11330", "sendmail", "sendmail", "2003-03-15T17:00:35.000000Z");
    check("m16sm345129qck.28.2011.06.15.07.42.02", "gmail", "gmail", "2011-06-15T07:42:02.000000Z");
    check("px9mr102490972pbc.14.1351589375945", "gmail", "gmail", "2012-10-30T09:29:35.945000Z");
    check("recvd-5f54b5d587-7vkpd-1-664311CD-12", "sendgrid", "sendgrid", "2024-05-14T07:25:01.000000Z");
    check("660a079b99f27ed5a03038a8", "", "object-id", "2024-04-01T01:02:19.000000Z");
    check("EE/20-30863-33CE1054", "ecelerity", "ecelerity", "2006-09-08T22:18:27.000000Z");
    check("434B508E.174A6.13932", "simta", "simta", "2005-10-11T05:41:34.000000Z");
    check("00000000005DC0D6.0000000064EC6711.00003756", "courier", "courier", "2023-08-28T09:21:21.000000Z");
    check("2003031302165605300suph7e", "intermail", "intermail", "2003-03-13T02:16:56.000000Z");
    check("1715670927123456", "zoho", "zoho", "2024-05-14T07:15:27.123456Z");
    check("2013051409152711-123456", "domino", "domino", "2013-05-14T09:15:27.000000Z");
}

#[test]
fn ids_without_a_clock_tell_none() {
    for (id, family) in [
        ("4F3D21234", "postfix"),
        ("KAA14788", "sendmail"),
        ("RAA0000008029", "sendmail"),
        ("0MKpdM-1CkRpr14PF-000608", "nemesis"),
        ("z", "postfix"),
        ("", "exim"),
        ("zzzzzz-000000-00", "exim"),
        ("660A079B99F27ED5A03038A8", ""),
        ("x.2011.13.15.07.42.02", "gmail"),
        ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", ""),
    ] {
        assert_eq!(queue_id(id.as_bytes(), family), None, "{id}");
    }
}

#[test]
fn boundaries_and_fields_of_mail_programs_tell_their_time() {
    assert_eq!(utc(gmail_boundary(b"000000000000b6809105a0ae7b18")), "2020-03-12T20:49:03.864977Z");
    assert_eq!(utc(gmail_msgid(0x1732_f1fc_6ee3_a193)), "2020-07-08T15:51:18.510000Z");
    let index = thread_index(b"AQHZoXzYm8YpUCUtTUGHRFEeKbgDbg==").unwrap();
    assert_eq!((utc(Some(index)).as_str(), index.step_us), ("2023-06-18T00:35:55.603558Z", 1_677_721));
    let arrival = |t: &str| utc(arrival_filetime(t.as_bytes()));
    assert_eq!(
        arrival("10 May 2006 01:58:28.0713 (UTC) FILETIME=[3B528590:01C673D5]"),
        "2006-05-10T01:58:28.713000Z"
    );
    assert_eq!(
        arrival("10 Nov 2021 18:58:06.0413 (UTC) FILETIME=[E560F7D0:01D7D664]"),
        "2021-11-10T18:58:06.413000Z"
    );
    assert_eq!(
        utc(outlook_boundary(b"----=_NextPart_000_0012_01D53B2A.9D4E7F80")),
        "2019-07-15T16:30:29.113024Z"
    );
    assert_eq!(outlook_msgid_ip(b"6031a8c0").map(|ip| ip.to_string()).as_deref(), Some("192.168.49.96"));
    assert_eq!(utc(javamail_boundary(b"----=_Part_12_345.1715670927123")), "2024-05-14T07:15:27.123000Z");
}

#[test]
fn message_ids_tell_their_time_in_the_formats_we_know() {
    let read = |id: &str| message_id(id.as_bytes()).map(|(kind, time)| (kind, rfc3339_us(time.us)));
    let is = |kind, utc: &str| Some((kind, utc.to_owned()));
    assert_eq!(
        read("<000801c6741f$d1e3c650$6031a8c0@host>"),
        is(MsgIdClock::Outlook, "2006-05-10T10:52:24.081160Z")
    );
    assert_eq!(read("<E16VDhn-0001bo-D3@host>"), is(MsgIdClock::Exim, "2002-01-28T15:28:23.000000Z"));
    assert_eq!(read("<20240514091527.GA12345@host>"), is(MsgIdClock::Stamp, "2024-05-14T09:15:27.000000Z"));
    assert_eq!(
        read("<1715670927-1234-5-git-send-email-a@b>"),
        is(MsgIdClock::GitSendEmail, "2024-05-14T07:15:27.000000Z")
    );
    assert_eq!(
        read("<12.345.1715670927123.JavaMail.root@host>"),
        is(MsgIdClock::JavaMail, "2024-05-14T07:15:27.123000Z")
    );
    assert_eq!(read("<12.345.1715670927123@host>"), is(MsgIdClock::JavaMail, "2024-05-14T07:15:27.123000Z"));
    assert_eq!(read("<3D6203D3.3000136@host>"), is(MsgIdClock::Mozilla, "2002-08-20T08:54:43.000000Z"));
    assert_eq!(
        read("<171567092712.12345.1234567890123456789@host>"),
        is(MsgIdClock::Python, "2024-05-14T07:15:27.120000Z")
    );
    assert_eq!(read("<plain@host>"), None);
    assert_eq!(read("none"), None);
}
