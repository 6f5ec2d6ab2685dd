//! Fields of the standards and of the dialects.

use proptest::prelude::*;

use super::*;

const AT: u64 = 23;

fn read(value: &str) -> AuthResults {
    results(value.as_bytes(), AT).value
}

fn codes(value: &str) -> Vec<&'static str> {
    results(value.as_bytes(), AT).anomalies.iter().map(|a| a.kind.code()).collect()
}

/// `server | method=result {type.name=value ..} <reason> (comment); ..`, as it was read.
fn said(value: &str) -> String {
    let read = read(value);
    let mut out = read.server.as_ref().map(Word::to_text).unwrap_or_default();
    if let Some(version) = read.version {
        out += &format!("/{version}");
    }
    for r in &read.results {
        out += &format!(" | {}={}", r.method.to_text(), r.result.to_text());
        for p in &r.properties {
            let kind = p.kind.as_ref().map(|k| k.to_text() + ".").unwrap_or_default();
            out += &format!(" {kind}{}={}", p.name.to_text(), p.value.to_text());
        }
        if let Some(reason) = &r.reason {
            out += &format!(" <{}>", reason.to_text());
        }
        for c in &r.comments {
            out += &format!(" ({})", c.to_text());
        }
    }
    out
}

#[track_caller]
fn check(value: &str, expected: &str) {
    assert_eq!(said(value), expected, "{value}");
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 8601 appendix B.
    check("example.org 1; none", "example.org/1");
    assert!(read("example.org 1; none").is_none);
    check(
        " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n    \
         policy (A dot can go here) . (like that) expired\r\n    (this surprised me) = (as I wasn't expecting it) 1362471462",
        "foo.example.net/1 | dkim=fail policy.expired=1362471462 (Because I like it) (One yay) (wait for it) \
         (A dot can go here) (like that) (this surprised me) (as I wasn't expecting it)",
    );
    check(
        "example.com; dkim=pass reason=\"good signature\"\r\n\theader.i=@mail-router.example.net",
        "example.com | dkim=pass header.i=@mail-router.example.net <good signature>",
    );
    check(
        "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net",
        "example.com | auth=pass smtp.auth=sender@example.net (cram-md5)",
    );
    check("\"a b\"; spf=pass smtp.mailfrom=\"x y\"@e.org", "a b | spf=pass smtp.mailfrom=x y@e.org");
    check("e.org; dkim/1=pass header.b=ab/c+d=", "e.org | dkim=pass header.b=ab/c+d=");
}

#[test]
fn microsofts_dialect_is_read() {
    let value = "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=e.org; r.example; dkim=pass (signature was verified)\r\n \
                 header.d=e.org;r.example; dmarc=bestguesspass action=none\r\n header.from=e.org;compauth=pass reason=109";
    check(
        value,
        " | spf=pass smtp.mailfrom=e.org (sender IP is 192.0.2.1) | dkim=pass header.d=e.org (signature was verified) \
         | dmarc=bestguesspass action=none header.from=e.org | compauth=pass <109>",
    );
    let names: Vec<String> = read(value).names.iter().map(Word::to_text).collect();
    assert_eq!(names, ["r.example", "r.example"]);
    assert_eq!(codes(value), ["authres-nameless"]);
}

#[test]
fn other_dialects_are_read() {
    check(
        "mta1.example.com  from=e.org; domainkeys=neutral (no sig);  from=e.org; dkim=pass (ok)",
        "mta1.example.com | domainkeys=neutral from=e.org (no sig) | dkim=pass from=e.org (ok)",
    );
    check("mx.e.org spf=none smtp.helo=x", "mx.e.org | spf=none smtp.helo=x");
    check("mx.e.org; dkim=pass(ok) header.d=x;", "mx.e.org | dkim=pass header.d=x (ok)");
    check("none", "");
    assert!(read("none").is_none);
}

#[test]
fn the_arc_form_has_an_instance() {
    let parsed = arc_results(b" i=2; mx.e.org;\r\n spf=pass", AT);
    assert_eq!((parsed.value.instance, parsed.anomalies.len()), (Some(2), 0));
    assert_eq!(parsed.value.server.map(|w| w.to_text()), Some("mx.e.org".to_owned()));
    for value in ["i=0; e.org", "i=51; e.org", "e.org; spf=pass", "i=a; e.org", "i=; e.org", "i=001; e.org"] {
        assert_eq!(arc_results(value.as_bytes(), AT).value.instance, None, "{value}");
    }
}

#[test]
fn places_are_those_of_the_message() {
    let value = "e.org; dkim=pass header.d=\"x\"";
    let read = read(value);
    let of = |at: ByteRange| {
        at.of(&[&[b' '; 23], value.as_bytes()].concat()).map(|b| String::from_utf8_lossy(b).into_owned())
    };
    let result = &read.results[0];
    assert_eq!(of(result.at).as_deref(), Some("dkim=pass header.d=\"x\""));
    let property = &result.properties[0];
    assert_eq!(of(property.value.at).as_deref(), Some("\"x\""));
    assert_eq!(of(property.name.at).as_deref(), Some("d"));
    assert_eq!(of(property.kind.as_ref().unwrap().at).as_deref(), Some("header"));
}

#[test]
fn what_is_broken_is_told_and_the_rest_is_read() {
    check("e.org; spf=pass (open; dkim=fail", "e.org | spf=pass (open; dkim=fail)");
    assert_eq!(codes("e.org; spf=pass (open; dkim=fail"), ["authres-invalid"]);
    check("e.org; spf=pass reason=\"open; dkim=fail", "e.org | spf=pass <\"open> | dkim=fail");
    assert_eq!(codes("e.org; spf=pass x y; dkim=fail"), ["authres-invalid"]);
    let long = format!("e.org{}", "; a=b".repeat(100_000));
    assert_eq!(codes(&long), ["authres-over-limit"]);
    assert_eq!(read(&long).results.len(), MAX_RESULTS);
}

#[test]
fn received_spf_is_read_with_its_keys() {
    let value = " Pass (mx.e.org: domain of a@b designates 192.0.2.1 as permitted\r\n sender) receiver=mx.e.org;\r\n \
                 client-ip=192.0.2.1; envelope-from=\"a b\"@c; helo=h;";
    let parsed = received_spf(value.as_bytes(), AT);
    assert_eq!(parsed.anomalies, []);
    let spf = parsed.value;
    assert_eq!((spf.result.to_text().as_str(), spf.comments.len()), ("Pass", 1));
    assert_eq!(spf.get("Client-IP").map(Word::to_text).as_deref(), Some("192.0.2.1"));
    assert_eq!(spf.get("envelope-from").map(Word::to_text).as_deref(), Some("a b@c"));
    assert_eq!(spf.pairs.len(), 4);
    assert_eq!(received_spf(b"client-ip=1", AT).anomalies.len(), 1);
    assert_eq!(received_spf(b"", AT).anomalies.len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        results(&bytes, AT);
        arc_results(&bytes, AT);
        received_spf(&bytes, AT);
    }

    #[test]
    fn no_words_make_it_fail_or_leave_the_field(words in proptest::collection::vec(0usize..16, 0..80)) {
        const WORDS: [&str; 16] =
            ["e.org", ";", "=", "dkim", "pass", "(", ")", "\"", "\\", " ", "\r\n ", "header.d", "/", "1", "none", "reason"];
        let text: String = words.iter().map(|&n| WORDS[n]).collect();
        let end = AT + text.len() as u64;
        for parsed in [results(text.as_bytes(), AT), arc_results(text.as_bytes(), AT)] {
            for r in &parsed.value.results {
                prop_assert!(r.at.start() >= AT && r.at.end() <= end);
                for p in &r.properties {
                    prop_assert!(p.value.at.start() >= AT && p.value.at.end() <= end);
                }
            }
        }
        received_spf(text.as_bytes(), AT);
    }
}

#[test]
fn hostile_fields_take_linear_time() {
    for piece in ["(", "\"", "a=", ";", "\\\"", "a (", "a=\"\\\"", "=", "/", " a"] {
        let long = piece.repeat(MAX_FIELD / piece.len());
        results(long.as_bytes(), 0);
        arc_results(long.as_bytes(), 0);
        received_spf(long.as_bytes(), 0);
    }
}
