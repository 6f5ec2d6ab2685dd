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
    check("A Group:Ed Jones <c@a.test>,joe@where.test;", &[("Ed Jones", "c@a.test"), ("", "joe@where.test")]);
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
    check("upi at x.org (Pasi)", &[("upi at x.org (Pasi)", "")]);
    check("<joe@x.org", &[("", "joe@x.org")]);
    check("Joe <joe@x.org> (work)", &[("Joe (work)", "joe@x.org")]);
    check("mailto:joe@x.org", &[("", "joe@x.org")]);
    check("\"joe@x.org\"", &[("", "joe@x.org")]);
    check(",,a@x.org,,", &[("", "a@x.org")]);
    check("<>", &[]);
    check("a\r\n b <x@y.z>", &[("a b", "x@y.z")]);
    check("Joe <joe@x.org> Ann <ann@x.org>", &[("Joe", "joe@x.org"), ("Ann", "ann@x.org")]);
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
    ] {
        read(&bomb);
    }
}
