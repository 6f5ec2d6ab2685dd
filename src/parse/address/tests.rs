//! Tests of the address reader.

use super::*;

fn read(value: &str) -> (Vec<(String, String)>, Vec<&'static str>) {
    let mut anomalies = Vec::new();
    let all = addresses(value.as_bytes(), ByteRange::default(), Context::default(), &mut anomalies);
    (
        all.into_iter().map(|a| (a.name, a.address)).collect(),
        anomalies.iter().map(|a| a.kind.code()).collect(),
    )
}

fn check(value: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect();
    assert_eq!(read(value).0, expected, "{value}");
}

#[test]
fn the_forms_of_the_standard_are_read() {
    check("joe@example.org", &[("", "joe@example.org")]);
    check("Joe Q. Public <john.q.public@example.com>", &[("Joe Q. Public", "john.q.public@example.com")]);
    check("\"Joe, \\\"Q\\\"\" <joe@x.org>, <b@y.org>", &[("Joe, \"Q\"", "joe@x.org"), ("", "b@y.org")]);
    check("joe@x.org (Joe (the) Great)", &[("Joe (the) Great", "joe@x.org")]);
    check(
        "A Group:Ed Jones <c@a.test>,joe@where.test;",
        &[("A Group", ""), ("Ed Jones", "c@a.test"), ("", "joe@where.test")],
    );
    check("Undisclosed recipients:;", &[("Undisclosed recipients", "")]);
    check(
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        &[("Pete (A nice ) chap his account his host)", "pete@silly.test")],
    );
    check("Mary Smith <@node.test,@b.test:mary@example.net>", &[("Mary Smith", "mary@example.net")]);
    check("jdoe@test   . example", &[("", "jdoe@test.example")]);
    check("joe @ x . org", &[("", "joe@x.org")]);
    check("\"john doe\"@x.org", &[("", "\"john doe\"@x.org")]);
    check("<\"a>b\"@x.org>", &[("", "\"a>b\"@x.org")]);
    check("joe@[192.0.2.1], b@[IPv6:2001:db8::1]", &[("", "joe@[192.0.2.1]"), ("", "b@[IPv6:2001:db8::1]")]);
}

#[test]
fn what_is_really_written_is_read() {
    check("a@x.org; b@y.org", &[("", "a@x.org"), ("", "b@y.org")]);
    check("=?utf-8?Q?J=C3=B6rg,_X?= <j@x.org>", &[("J\u{f6}rg, X", "j@x.org")]);
    check("\"=?utf-8?B?SsO2cmc=?=\" <j@x.org>", &[("J\u{f6}rg", "j@x.org")]);
    check("Joe joe@x.org", &[("Joe", "joe@x.org")]);
    check("root", &[("", "root")]);
    check("a@x.org b@y.org", &[("", "a@x.org"), ("", "b@y.org")]);
    check("upi at x.org (Pasi)", &[("Pasi", "upi@x.org")]);
    check("<joe@x.org", &[("", "joe@x.org")]);
    check("Joe <joe@x.org> (work)", &[("Joe (work)", "joe@x.org")]);
    check("mailto:joe@x.org", &[("", "joe@x.org")]);
    check("\"joe@x.org\"", &[("", "joe@x.org")]);
    check(",,a@x.org,,", &[("", "a@x.org")]);
    check("<>", &[]);
    check("a\r\n b <x@y.z>", &[("a b", "x@y.z")]);
    check("Joe <joe@x.org> Ann <ann@x.org>", &[("Joe", "joe@x.org"), ("Ann", "ann@x.org")]);
}

fn told(value: &str, kind: &str, expected: &[(&str, &str)]) {
    check(value, expected);
    assert!(read(value).1.contains(&kind), "{value}: {:?}", read(value).1);
}

#[test]
fn a_quote_that_opens_nothing_loses_no_address() {
    let form = "address-form";
    told("\"Ann Smith <ann@x.org>", form, &[("Ann Smith", "ann@x.org")]);
    told("\" <ann@x.org>", form, &[("", "ann@x.org")]);
    told("Ann Smith\" <ann@x.org>", form, &[("Ann Smith", "ann@x.org")]);
    told("\"Smith, Ann <ann@x.org>, b@y.org", form, &[("Smith, Ann", "ann@x.org"), ("", "b@y.org")]);
    let both: &[(&str, &str)] = &[("Ann", "ann@x.org"), ("Bob", "bob@y.org")];
    told("\"Ann <ann@x.org>, \"Bob\" <bob@y.org>", form, both);
    told("\"Ann <ann@x.org>, \"Bob <bob@y.org>", form, both);
    told("Ann\" <ann@x.org>, \"Bob\" <bob@y.org>", form, both);
    told("Ann\" <ann@x.org>, Bob\" <bob@y.org>", form, both);
    told("\"Ann\" <ann@x.org>, \"Bob <bob@y.org>", form, both);
    told("\"Ann\\\" <ann@x.org>, \"Bob\" <bob@y.org>", form, &[("Ann\\", "ann@x.org"), ("Bob", "bob@y.org")]);
    told("<\"ann@x.org>, \"Bob\" <bob@y.org>", form, &[("", "ann@x.org"), ("Bob", "bob@y.org")]);
    // A quoted string is what it is.
    check("\"Ann <ann@x.org>\" <bob@y.org>", &[("Ann <ann@x.org>", "bob@y.org")]);
    check("\"Smith, Ann\" <ann@x.org>", &[("Smith, Ann", "ann@x.org")]);
}

#[test]
fn what_stands_around_an_address_is_taken_off_and_told() {
    let ann: &[(&str, &str)] = &[("Ann", "ann@x.org")];
    for value in [
        "Ann <ann@x.org;>",
        "Ann <SMTP:ann@x.org>",
        "Ann <mailto:ann@x.org>",
        "Ann <ann@\u{a0}x.org>",
        "Ann <\u{200b}ann@x.org\u{200b}>",
        "Ann <'ann@x.org'>",
        "Ann [mailto:ann@x.org]",
        "Ann [SMTP:ann@x.org]",
        "Ann <<ann@x.org>>",
        "Ann <Ann ann@x.org>",
        "Ann (ann@x.org)",
        "\"Ann ann@x.org\"",
        "Ann\u{a0}ann@x.org",
    ] {
        let want: &[(&str, &str)] =
            if value.contains("Ann ann") && value.contains('<') { &[("Ann Ann", "ann@x.org")] } else { ann };
        check(value, want);
        if !value.contains("<<") {
            assert!(read(value).1.contains(&"address-form"), "{value}");
        }
    }
    told(
        "a@b.example Thu Sep 19 17:31:10 2013",
        "address-form",
        &[("Thu Sep 19 17:31:10 2013", "a@b.example")],
    );
    told(
        "Ann <ann@x.org> Thu Sep 19 17:31:10 2013",
        "address-form",
        &[("Ann Thu Sep 19 17:31:10 2013", "ann@x.org")],
    );
    told("Name,(<a@b>)", "address-form", &[("", "Name"), ("", "a@b")]);
    told("ann@x.org: bob@y.org", "address-form", &[("", "ann@x.org"), ("", "bob@y.org")]);
    told("<ann@x.org, Bob <bob@y.org>", "address-form", &[("Bob", "ann@x.org"), ("", "bob@y.org")]);
    told("<ann@x.org;bob@y.org>", "address-form", &[("", "ann@x.org"), ("", "bob@y.org")]);
    told("Ann <ann@x.org (home>, b@y.org", "address-form", &[("Ann home", "ann@x.org"), ("", "b@y.org")]);
    told("Ann (home <ann@x.org>, b@y.org", "address-form", &[("Ann home", "ann@x.org"), ("", "b@y.org")]);
}

#[test]
fn more_that_stands_around_addresses_is_taken_off() {
    let form = "address-form";
    let two: &[(&str, &str)] = &[("", "ann@x.org"), ("", "bob@y.org")];
    told("ann@x.org/bob@y.org", form, two);
    told("ann@x.org|bob@y.org", form, two);
    told("[ann@x.org, bob@y.org]", form, two);
    told("Ann <SMTP=ann@x.org>", form, &[("Ann", "ann@x.org")]);
    told("Ann <ann@x.org?subject=hi>", form, &[("Ann", "ann@x.org")]);
    told("Ann <ann\u{ff20}x\u{3002}org>", form, &[("Ann", "ann@x.org")]);
    told("1. ann@x.org 2. bob@y.org", form, &[("", "ann@x.org"), ("1. 2.", "bob@y.org")]);
    told("=?utf-8?q?Ann?=ann@x.org", form, &[("Ann", "ann@x.org")]);
    told("ann(at)x.org", "address-written-at", &[("", "ann@x.org")]);
    told("Ann <ann(at)x(dot)org>", "address-written-at", &[("Ann", "ann@x.org")]);
    assert_eq!(read("Ann &lt;ann@x.org&gt;").0.last().unwrap().1, "ann@x.org");
}

#[test]
fn no_break_blanks_are_cut_in_utf8_only() {
    let mut anomalies = Vec::new();
    let context = Context { charset: b"gb2312" };
    let got = addresses(b"\xc4\xe3\xc2\xa0\xba <ann@x.org>", ByteRange::default(), context, &mut anomalies);
    assert_eq!(got[0].address, "ann@x.org");
}

#[test]
fn an_address_written_at_is_read_and_told() {
    let at = "address-written-at";
    told("ann at x.org (Ann Smith)", at, &[("Ann Smith", "ann@x.org")]);
    told("Ann <ann at x.org>", at, &[("Ann", "ann@x.org")]);
    told("ann at x.org, bob AT y DOT org", at, &[("", "ann@x.org"), ("", "bob@y.org")]);
    check("Bob at Work <bob@y.org>", &[("Bob at Work", "bob@y.org")]);
}

#[test]
fn groups_are_names_before_their_members() {
    check(
        "Plotters: c@d.org, e@f.org;, x@y.org",
        &[("Plotters", ""), ("", "c@d.org"), ("", "e@f.org"), ("", "x@y.org")],
    );
    check("=?utf-8?q?J=C3=BCrgens?=: c@d.org;", &[("J\u{fc}rgens", ""), ("", "c@d.org")]);
    check("\"The, Crew\":a@b.org;", &[("The, Crew", ""), ("", "a@b.org")]);
    check("A: a@b.org; B: c@d.org;", &[("A", ""), ("", "a@b.org"), ("B", ""), ("", "c@d.org")]);
}

#[test]
fn an_address_inside_an_encoded_word_is_found_and_told() {
    let inside = "address-in-encoded-word";
    told("=?utf-8?q?J=C3=BCrgen_<alice@x.org>?=", inside, &[("J\u{fc}rgen", "alice@x.org")]);
    told(
        "=?utf-8?b?QW5uIDxhbm5AeC5vcmc+LCBib2JAeS5vcmc=?=",
        inside,
        &[("Ann", "ann@x.org"), ("", "bob@y.org")],
    );
    told("Ann <=?utf-8?q?ann=40x.org?=>", inside, &[("Ann", "ann@x.org")]);
    told("=?utf-8?q?ann?=@x.org", inside, &[("", "ann@x.org")]);
    check("=?utf-8?q?alice=40x.org?= <bob@y.org>", &[("alice@x.org", "bob@y.org")]);
}

#[test]
fn raw_escapes_hide_no_address() {
    told("\x1b$B7@Ls\x1b(B <ann@x.org>", "charset-by-escapes", &[("\u{5951}\u{7d04}", "ann@x.org")]);
    // The bytes of these characters are `"`, `<`, `,` and `@` in ASCII.
    told(
        "\"\x1b$B$\"$<$,\x1b(B\" <a@x.org>, b@y.org",
        "charset-by-escapes",
        &[("\u{3042}\u{305c}\u{304c}", "a@x.org"), ("", "b@y.org")],
    );
    told("~{Dc:C~} <ann@x.org>", "charset-by-escapes", &[("\u{4f60}\u{597d}", "ann@x.org")]);
}

#[test]
fn a_name_that_shows_another_address_is_told() {
    assert_eq!(read("\"boss@bank.test\" <evil@x.org>").1, ["address-in-display-name"]);
    assert_eq!(read("\"joe@x.org\" <JOE@x.org>").1, [""; 0]);
}

#[test]
fn text_without_an_address_is_told() {
    assert_eq!(read("Joe Public").1, ["address-invalid"]);
    assert_eq!(read("").1, [""; 0]);
}

#[test]
fn bombs_take_linear_time() {
    for bomb in [
        "(".repeat(200_000),
        "a@b.c, ".repeat(90_000),
        "<".repeat(200_000),
        "\"a".repeat(200_000),
        "=?".repeat(100_000),
        "a:".repeat(100_000),
        "a ".repeat(100_000),
        "\"a\\".repeat(100_000),
        "\"<a@b>\\".repeat(100_000) + ",\"",
        "<\"".repeat(100_000),
        "<\"a>".repeat(60_000),
        "a@b ".repeat(60_000),
        "<a@b".repeat(60_000),
        "a:b@".repeat(60_000),
        "\"<a@b>,".repeat(60_000),
        "(<a@b>)".repeat(60_000),
        "<(".repeat(100_000),
        "<()(".repeat(100_000),
        "((a)".repeat(60_000),
        "=?utf-8?q?<a@b>?= ".repeat(20_000),
        "x at y ".repeat(60_000),
        "a@b . . ".repeat(40_000),
        "a@ . ".repeat(60_000),
        "x(at)".repeat(60_000),
        "\x1b$B!\"".repeat(100_000),
    ] {
        read(&bomb);
    }
}
