//! Tests of `lexer`.

use super::*;

#[track_caller]
fn check(text: &str, want: &[What]) {
    let got: Vec<_> = tokens(text).unwrap().tokens.into_iter().map(|t| t.what).collect();
    assert_eq!(got, want, "{text}");
}

fn word(text: &str) -> What {
    What::Word(text.to_owned())
}

fn field(text: &str) -> What {
    What::Field(text.to_owned())
}

#[test]
fn fields_signs_and_quotes_are_told_from_text() {
    check(
        "from:bob (a OR -b)",
        &[field("from"), word("bob"), What::Open, word("a"), What::Or, What::Not, word("b"), What::Close],
    );
    check("\"a b\" NOT x", &[What::Quoted("a b".into()), What::Not, word("x")]);
    check("12:30 http://x.example/a:b - a-b", &[word("12:30"), word("http://x.example/a:b"), word("a-b")]);
    check("subject:\"Re: \\\"x\\\"\"", &[field("subject"), What::Quoted("Re: \"x\"".into())]);
    check("hop.ip:2001:db8::/32", &[field("hop.ip"), word("2001:db8::/32")]);
    check(
        "(f(x) attachment:a(1).pdf)",
        &[What::Open, word("f(x)"), field("attachment"), word("a(1).pdf"), What::Close],
    );
    check("to:(a b)", &[field("to"), What::Open, word("a"), word("b"), What::Close]);
    assert_eq!(tokens("a \"b").err().unwrap().column, 3);
    let open = |text: &str| What::OpenHop(text.to_owned());
    check(
        "hop{by:x -(ip:::1 OR y)} hop[-1].by:z",
        &[
            open("hop"),
            field("by"),
            word("x"),
            What::Not,
            What::Open,
            field("ip"),
            word("::1"),
            What::Or,
            word("y"),
            What::Close,
            What::CloseHop,
            field("hop[-1].by"),
            word("z"),
        ],
    );
    check("HOP[0]{for:\"a}b\"}", &[open("HOP[0]"), field("for"), What::Quoted("a}b".into()), What::CloseHop]);
    check("hop:{x} shop{y}", &[field("hop"), word("{x}"), word("shop{y}")]);
}

#[test]
fn a_field_is_a_field_whatever_follows_its_colon() {
    check("Subject:/FW/", &[field("Subject"), What::Regex("FW".into())]);
    check("subject:http://x.example", &[field("subject"), word("http://x.example")]);
    check("file://x", &[field("file"), word("//x")]);
    check("ftp://x.example", &[word("ftp://x.example")]);
    check("/home/ann /a b/ path", &[word("/home/ann"), What::Regex("a b".into()), word("path")]);
    check("header:X-Mailer:\"a b\"", &[field("header:X-Mailer"), What::Quoted("a b".into())]);
    check("date:[2024 TO 2025]", &[field("date"), word("[2024 TO 2025]")]);
}

#[test]
fn signs_of_other_languages_mean_what_they_mean_there() {
    check("!a", &[What::Not, word("a")]);
    check("\u{2013}a \u{2212}from:b", &[What::Not, word("a"), What::Not, field("from"), word("b")]);
    check(
        "NOT(a) OR(b) (c)XOR(d)",
        &[
            What::Not,
            What::Open,
            word("a"),
            What::Close,
            What::Or,
            What::Open,
            word("b"),
            What::Close,
            What::Open,
            word("c"),
            What::Close,
            What::Xor,
            What::Open,
            word("d"),
            What::Close,
        ],
    );
    let near = |n, ordered, text: &str| What::Near(n, ordered, text.to_owned());
    check("a NEAR b", &[word("a"), near(10, false, "NEAR"), word("b")]);
    check(
        "a w/5 b PRE/3 c",
        &[word("a"), near(5, false, "w/5"), word("b"), near(3, true, "PRE/3"), word("c")],
    );
    check(
        "a AROUND(7) b AROUND 8 c",
        &[word("a"), near(7, false, "AROUND"), word("b"), near(8, false, "AROUND"), word("c")],
    );
    check("\"a b\"~4 \"a b\"*", &[What::Loose("a b".into(), 4), What::Quoted("a b*".into())]);
    check("{a b}", &[What::OpenAny, word("a"), word("b"), What::CloseAny]);
    check("+a +49 a+b@x", &[word("a"), word("+49"), word("a+b@x")]);
}

#[test]
fn what_has_no_meaning_is_refused() {
    for (text, column) in [
        ("size>1M", 1),
        ("x date=2024", 3),
        ("a | b", 3),
        ("a^2", 1),
        ("\"a b\"^2", 1),
        ("from :ann", 6),
        ("not(a)", 1),
        ("a PRE b", 3),
        ("a NEAR/0 b", 3),
        ("[a TO b]", 1),
        ("--draft", 1),
        ("\"a b\"~", 1),
        ("a }", 3),
        ("/a/q", 1),
    ] {
        match tokens(text) {
            Err(error) => assert_eq!(error.column, column, "{text}: {error}"),
            // A second slash with letters behind it is a path.
            Ok(_) => assert_eq!(text, "/a/q"),
        }
    }
}

#[test]
fn what_is_left_out_is_told() {
    let notes = |text: &str| tokens(text).unwrap().notes.len();
    assert_eq!(
        (notes("a - b"), notes("a & b"), notes("a and b"), notes("+a"), notes("a b")),
        (1, 1, 1, 1, 0)
    );
}
