//! Tests of dates.

#![allow(clippy::arithmetic_side_effects, reason = "tests count in the open")]
use super::*;
use crate::types::time::rfc3339;

fn reading_of(text: &str) -> (String, Vec<&'static str>) {
    let parsed = date(text.as_bytes(), 100);
    let codes = parsed.anomalies.iter().map(|a| a.kind.code()).collect();
    let value = parsed.value.map_or_else(String::new, |d| {
        let zone = d.offset_secs_east.map_or("?".to_owned(), |o| (o / 60).to_string());
        assert!(d.at.start() >= 100 && d.at.end() <= 100 + text.len() as u64);
        assert_eq!(
            d.zone_known,
            d.offset_secs_east.is_some()
                && !parsed.anomalies.iter().any(|a| a.kind == AnomalyKind::TimeMissing)
        );
        format!("{} {zone}", rfc3339(d.utc))
    });
    (value, codes)
}

fn check(text: &str, value: &str, codes: &[&str]) {
    let (v, c) = reading_of(text);
    assert_eq!((v.as_str(), c.as_slice()), (value, codes), "{text}");
}

#[test]
fn the_forms_of_the_standard_are_read_without_a_remark() {
    check("Thu, 20 Nov 2025 09:15:04 +0100", "2025-11-20T08:15:04Z 60", &[]);
    check(" Thu,\r\n 20\r\n Nov 2025 09:15:04 -0330 (x (y) z)", "2025-11-20T12:45:04Z -210", &[]);
    check("20 nov 2025 00:00:00 +0000", "2025-11-20T00:00:00Z 0", &[]);
    check("Thu (a), (b) 20(c)Nov(d)2025(e) 09(f):(g)15 : 04 +0100", "2025-11-20T08:15:04Z 60", &[]);
    check("Thu, 20 Nov 2025 09:15:04 +0100 (CET)", "2025-11-20T08:15:04Z 60", &[]);
    check("Thu, 29 Feb 2024 23:59:59 +1400 (no zone)", "2024-02-29T09:59:59Z 840", &[]);
}

#[test]
fn years_of_two_and_three_digits_follow_the_old_syntax() {
    check("Fri, 21 Nov 97 09:55:06 -0600", "1997-11-21T15:55:06Z -360", &["two-digit-year"]);
    check("Thu, 20 Nov 03 09:15:04 +0000", "2003-11-20T09:15:04Z 0", &["two-digit-year"]);
    check("20 Nov 49 09:15:04 +0000", "2049-11-20T09:15:04Z 0", &["two-digit-year"]);
    check("20 Nov 50 09:15:04 +0000", "1950-11-20T09:15:04Z 0", &["two-digit-year"]);
    check("20 Nov 102 09:15:04 +0000", "2002-11-20T09:15:04Z 0", &["two-digit-year"]);
    check("20 Nov 9999 09:15:04 +0000", "9999-11-20T09:15:04Z 0", &[]);
}

#[test]
fn old_zones_are_known_or_said_to_be_unknown() {
    check("20 Nov 2025 09:15:04 EST", "2025-11-20T14:15:04Z -300", &["zone-named"]);
    check("20 Nov 2025 09:15:04 UT", "2025-11-20T09:15:04Z 0", &["zone-named"]);
    check("20 Nov 2025 09:15:04 Z", "2025-11-20T09:15:04Z 0", &["zone-named"]);
    check("20 Nov 2025 09:15:04 -0000", "2025-11-20T09:15:04Z 0", &["zone-minus-zero"]);
    check("20 Nov 2025 09:15:04 CET", "2025-11-20T09:15:04Z ?", &["zone-unknown"]);
    check("20 Nov 2025 09:15:04 A", "2025-11-20T09:15:04Z ?", &["zone-unknown"]);
    check("20 Nov 2025 09:15:04", "2025-11-20T09:15:04Z ?", &["zone-missing"]);
    check("20 Nov 2025 09:15:04 +9999", "2025-11-20T09:15:04Z ?", &["zone-invalid"]);
    check("20 Nov 2025 09:15:04 +0160", "2025-11-20T09:15:04Z ?", &["zone-invalid"]);
    check("20 Nov 2025 09:15:04 +1401", "2025-11-20T09:15:04Z ?", &["zone-invalid"]);
    check("20 Nov 2025 09:15:04 -500", "2025-11-20T09:15:04Z ?", &["zone-invalid"]);
    check("20 Nov 2025 09:15:04 GMT+0200", "2025-11-20T07:15:04Z 120", &["date-form"]);
    check("20 Nov 2025 09:15:04 GMT +2", "2025-11-20T07:15:04Z 120", &["date-form"]);
    check("20 Nov 2025 09:15:04 -0800 PST", "2025-11-20T17:15:04Z -480", &["date-form"]);
    check("20 Nov 2025 09:15:04 +0000 (EST)", "2025-11-20T09:15:04Z 0", &["zone-comment-mismatch"]);
    check("20 Nov 2025 09:15:04 +1000 (EST)", "2025-11-19T23:15:04Z 600", &[]);
}

#[test]
fn a_zone_of_which_only_the_beginning_is_known_is_not_known() {
    for zone in [
        "EST5EDT",
        "PST8PDT",
        "MST7MDT",
        "GMT0BST",
        "GMT Daylight Time",
        "GMT Standard Time",
        "Pacific Daylight Time",
        "W. Europe Standard Time",
        "GMT DST",
        "MET DST",
        "EST/EDT",
        "GMT_BST",
        "EST+0500",
        "EST -0400",
        "EST-5",
        "GMT+1BST",
        "GMT+0100DST",
        "GMT Sommerzeit",
        "+0100x",
        "-0500EDTX",
        "EST5",
    ] {
        let text = format!("Thu, 10 Jul 1997 14:53:30 {zone}");
        let (value, codes) = reading_of(&text);
        assert_eq!(
            (value.as_str(), codes.contains(&"zone-unknown")),
            ("1997-07-10T14:53:30Z ?", true),
            "{text} {codes:?}"
        );
    }
    check(
        "Thu, 10 Jul 1997 14:53:30 EST (Eastern Daylight Time)",
        "1997-07-10T19:53:30Z -300",
        &["zone-named"],
    );
    check("Thu, 10 Jul 1997 14:53:30 EST -0500", "1997-07-10T19:53:30Z -300", &["date-form"]);
    check("Thu, 10 Jul 1997 14:53:30 EDT-0400", "1997-07-10T18:53:30Z -240", &["date-form"]);
    check(
        "Thu, 10 Jul 1997 14:53:30 GMT for <a@b.example>",
        "1997-07-10T14:53:30Z 0",
        &["zone-named", "date-trailing"],
    );
    check("Thu, 10 Jul 1997 14:53:30 GMT;", "1997-07-10T14:53:30Z 0", &["zone-named", "date-trailing"]);
}

#[test]
fn a_date_written_for_people_is_read_with_its_time_and_only_in_a_field_of_its_own() {
    let odd = &["twelve-hour-clock", "date-form", "zone-named"];
    check("December 1, 2014 at 2:59:42 PM PST", "2014-12-01T22:59:42Z -480", odd);
    check("Monday, December 1, 2014 at 12:00:01 AM GMT", "2014-12-01T00:00:01Z 0", odd);
    check("1 December 2014 at 14:59:42 GMT+1", "2014-12-01T13:59:42Z 60", &["date-form"]);
    check("December 1, 2014 at 2:59:42\u{202f}PM GMT", "2014-12-01T14:59:42Z 0", odd);
    check("December 1, 2014 at 13:59:42 PM PST", "", &["date-invalid"]);
    let hop = of_hop(b"1 Dec 2014 at 14:59:42 +0000", 0);
    assert!(hop.value.is_some_and(|date| !date.zone_known), "{:?}", hop.anomalies);
}

#[test]
fn the_name_of_a_day_before_garbage_is_nobodys_and_no_date_lies_beyond_the_year_9999() {
    check("Tue, ??, 29 Jan 2023 17:21:28 +0000 (UTC)", "2023-01-29T17:21:28Z 0", &["date-form"]);
    check("Sat, 31 Dec 9999 23:59:60 -1259", "", &["date-invalid"]);
    check("Fri, 31 Dec 9999 23:00:00 -0200", "", &["date-invalid"]);
    check("Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z 0", &[]);
}

#[test]
fn other_forms_are_read_and_flagged() {
    check("Fri Feb 07 10:18:12 2003 -0800", "2003-02-07T18:18:12Z -480", &["date-form"]);
    check("Sun Nov 13 14:50:12 2005", "2005-11-13T14:50:12Z ?", &["date-form", "zone-missing"]);
    check("Fri Sep 14 14:36:56 EDT 2018", "2018-09-14T18:36:56Z -240", &["date-form", "zone-named"]);
    check("Apr 21 2018 3:01:05 +0000", "2018-04-21T03:01:05Z 0", &["date-form"]);
    check("April 21, 2018 3:01 +0000", "2018-04-21T03:01:00Z 0", &["seconds-missing", "date-form"]);
    check("Thursday, 20-November-2025 09:15:04 GMT", "2025-11-20T09:15:04Z 0", &["date-form", "zone-named"]);
    check("2018-03-26 13:35:36.270951634 +0000 UTC", "2018-03-26T13:35:36.270Z 0", &["date-form"]);
    check("2024-05-14T09:15:27.5+02:00", "2024-05-14T07:15:27.500Z 120", &["date-form"]);
    check("2024-05-14T09:15:27Z", "2024-05-14T09:15:27Z 0", &["date-form", "zone-named"]);
    check("Mon, 26 Mar 2018 13:35:36.102 +0000 (UTC)", "2018-03-26T13:35:36.102Z 0", &["date-form"]);
    check(
        "4/20/2018 11:01:36 PM",
        "2018-04-20T23:01:36Z ?",
        &["twelve-hour-clock", "date-form", "zone-missing"],
    );
    check(
        "2018-4-20 12:01:08 AM",
        "2018-04-20T00:01:08Z ?",
        &["twelve-hour-clock", "date-form", "zone-missing"],
    );
    check("Aug, 22 2002 8:02:13 AM +0400", "2002-08-22T04:02:13Z 240", &["twelve-hour-clock", "date-form"]);
    check("Do, 20 Nov 2025 09:15:04 +0100", "2025-11-20T08:15:04Z 60", &["date-form"]);
    check("Thu 20 Nov 2025 09:15:04 +0100", "2025-11-20T08:15:04Z 60", &["date-form"]);
    check("22 Apr 2018", "2018-04-22T00:00:00Z ?", &["time-missing", "zone-missing"]);
    check("20 Nov 2025 09:15:04 +0100 for <a@b.example>", "2025-11-20T08:15:04Z 60", &["date-trailing"]);
    check(
        "20 Nov 2025 09:15:04 for <a@b.example>",
        "2025-11-20T09:15:04Z ?",
        &["zone-missing", "date-trailing"],
    );
}

#[test]
fn what_no_calendar_has_is_not_guessed() {
    check("Wed, 20 Nov 2025 09:15:04 +0000", "2025-11-20T09:15:04Z 0", &["weekday-mismatch"]);
    check("Fri, 30 Jun 1972 23:59:60 +0000", "1972-07-01T00:00:00Z 0", &["leap-second"]);
    for bad in [
        "30 Feb 2025 09:15:04 +0000",
        "29 Feb 2100 09:15:04 +0000",
        "0 Nov 2025 09:15:04 +0000",
        "20 Nov 2025 24:00:00 +0000",
        "20 Nov 2025 09:60:04 +0000",
        "20 Nov 2025 09:15:61 +0000",
        "20 Nov 2025 09:15:226 +0000",
        "20 Nov 70000 09:15:04 +0000",
        "20 Nov 0102 09:15:04 +0000",
        "20 Nov 2025 14:15:04 PM",
        "2025-14-20 09:15:04",
    ] {
        check(bad, "", &["date-invalid"]);
    }
    check("20 Nov 3 09:15:04 +0000", "", &["two-digit-year", "date-invalid"]);
    for bad in [
        "",
        "hello",
        "300 Nov 2025 09:15:04 +0000",
        "4/5/2018 11:01:36",
        "14:47:44 +0000",
        "20 Smarch 2025",
        ",",
    ] {
        check(bad, "", &["date-unreadable"]);
    }
}

#[test]
fn a_hundred_thousand_parentheses_take_linear_time() {
    let open = b"(".repeat(200_000);
    assert!(date(&open, 0).value.is_none());
    let nested =
        [b"(".repeat(100_000), b")".repeat(100_000), b"20 Nov 2025 09:15:04 +0100".to_vec()].concat();
    assert!(date(&nested, 0).value.is_some());
}

#[test]
fn the_short_way_and_the_long_way_read_the_same() {
    let days = ["Mon, ", "thu, ", "Thu,  ", "Tue, 0", ""];
    let zones = [
        "+0000",
        "-0000",
        "+0530 (IST)",
        "-0800 (PST)",
        "+0100 (EST)",
        "-1200",
        "+1400",
        "-1300",
        "+0199",
        "+0200 (no zone) ",
        "+0200 x",
    ];
    for (n, zone) in zones.iter().cycle().take(2_000).enumerate() {
        let month = ["Jan", "Feb", "May", "SEP", "dec"][n / 7 % 5];
        let text = format!(
            "{}{} {month} {} {:02}:{:02}:{:02} {zone}",
            days[n % 5],
            1 + n * 5 % 31,
            1970 + n * 13 % 90,
            n * 7 % 25,
            n * 11 % 60,
            n * 3 % 61,
        );
        // A comment before the first token keeps the short way out.
        let (mut short, mut long) = (Vec::new(), Vec::new());
        let a = read(format!("   {text}").as_bytes(), 7, &mut short, Place::Field);
        let b = read(format!("(){text} ").as_bytes(), 8, &mut long, Place::Field);
        let codes = |list: &[Anomaly]| list.iter().map(|a| a.kind).collect::<Vec<_>>();
        assert_eq!((a, codes(&short)), (b, codes(&long)), "{text}");
    }
}
