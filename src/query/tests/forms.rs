//! Forms of other languages, mistakes, and what is told beside an answer.

use super::*;

#[test]
fn forms_of_other_languages_find_what_they_mean_there() {
    let case = case();
    for (query, want) in [
        ("annual !report", &[2][..]),
        ("annual \u{2013}report", &[2]),
        ("NOT(annual)", &[4, 5]),
        ("(subject:re)OR(subject:inner)", &[1, 3]),
        ("subject:annual XOR subject:re", &[0]),
        ("subject:/^re/", &[0, 1]),
        ("subject:/^REPORT$/", &[0, 1]),
        ("anual~1", &[0, 1, 2, 3]),
        ("reprot~1", &[0, 1, 3]),
        ("*nual", &[0, 1, 2, 3]),
        ("ann?al", &[0, 1, 2, 3]),
        ("\"an* figures\"", &[0]),
        ("\"annual *\"", &[0, 1, 2, 3]),
        ("\"figures annual\"~0", &[0]),
        ("\"figures annual\"~3", &[0, 1]),
        ("\"figures annual\"~2", &[0, 1]),
        ("\"figures annual\"~1", &[0]),
        ("body:(annual NEAR/1 figures)", &[0]),
        ("figures NEAR/3 annual", &[0, 1]),
        ("figures NEAR/2 annual", &[0]),
        ("figures ADJ/3 annual", &[1]),
        ("annual w/9 (http OR figures)", &[0, 1]),
        ("{subject:inner from:dora}", &[3, 4]),
        ("from:ann.smith", &[0]),
        ("from:ann@", &[0, 2, 5]),
        ("from:ann@*", &[0, 2, 5]),
        ("from:a*@example.org", &[0, 5]),
        ("from:d*@*.example.org", &[4]),
        ("from:*@exam*.org", &[0, 3, 4, 5]),
        ("from:/dor/", &[4]),
        ("between:ann@example.org,bob@other.example", &[0]),
        ("participant:bob", &[0, 1]),
        ("size:>0", &[0, 1, 2, 3, 4, 5]),
        ("larger:40", &[0, 3]),
        ("hop:192.0.2.*", &[0]),
        ("hop:192.0.2.1..192.0.2.99", &[0]),
        ("hop.by:mx?.example.org", &[1]),
        ("hop.by:m*.example.org", &[0, 1]),
        ("type:pdf", &[0]),
        ("type:application", &[0]),
        ("type:xlsx", &[0]),
        ("container:Inbox*", &[0, 1, 2, 3, 4]),
        ("container:sent*", &[]),
        ("folder:mail/*/x.eml", &[5]),
        ("messageid:*@example.org", &[0]),
        ("messageid:1@*", &[0]),
        ("finding:rare", &[]),
    ] {
        case.check(query, want);
    }
}

#[test]
fn a_field_with_a_star_is_there() {
    let case = case();
    let all = &[0, 1, 2, 3, 4, 5][..];
    for (query, want) in [
        ("subject:*", &[0, 1, 3][..]),
        ("attachment:*", &[0]),
        ("body:*", all),
        ("from:*", all),
        ("cc:*", &[0]),
        ("date:*", &[0, 1, 3, 5]),
        ("messageid:*", &[0, 1, 3]),
        ("references:*", &[]),
        ("hop.id:*", &[0, 1, 5]),
        ("hop:*", &[0, 1, 5]),
        ("hop.by:*", &[0, 1, 5]),
        ("hop.ip:*", &[0, 1, 5]),
        ("hop.time:*", &[]),
        ("hops:*", &[0, 1, 5]),
        ("path:*", &[0, 1, 5]),
        ("source:*", all),
        ("container:*", all),
        ("kind:*", all),
        ("id:*", all),
        ("size:*", all),
        ("sha256:*", all),
        ("type:*", &[0]),
        ("finding:*", &[2, 3, 4]),
        ("is:*", &[0, 1, 5]),
        ("has:*", all),
        ("anomaly:*", &[2, 4]),
        ("label:*", &[]),
    ] {
        case.check(query, want);
    }
}

#[test]
fn what_cannot_be_answered_is_an_error_and_never_a_word() {
    let case = case();
    let check = |query: &str, column, words| case.refuses(query, column, words);
    check("hop:192.0.2.0/99", 5, "at most 32");
    check("hop:300.1.1.1", 5, "at most 255");
    check("hop:192.0.2", 5, "192.0.2.*");
    check("hop.by:192.0.2.0/99", 8, "network");
    check("path:\"* -> 300.1.1.1\"", 6, "network");
    check("date:2024-05..2024-03", 6, "date:2024-03..2024-05");
    check("size:5..3", 6, "size:3..5");
    check("hops:..", 6, "number");
    check("date:01.02.2024", 6, "2024-03");
    check("type:nosuch", 6, "application/pdf");
    check("references:x*", 12, "whole");
    check("hop.id:x*", 8, "whole");
    check("lang:de", 1, "language");
    check("tag:inbox", 1, "tags");
    check("is:unread", 4, "NOT is:read");
    check("hop{a NEAR/2 b}", 5, "same field");
    check("subject:a NEAR/2 from:b", 18, "same field");
    check("a NEAR/2 NOT b", 10, "same field");
    check("size:/x/", 6, "words");
    check("from:ann@a.example,bob@b.example", 6, "OR");
    check("header:Received:x", 17, "hop");
    check("header:DKIM-Signature:x", 23, "auth.dkim");
    check("exact:a*", 7, "patterns");
    check("exact:annual", 7, "cannot be read here");
    check("body:/(a/", 6, "pattern");
    check("x size>3", 3, "size:");
    let many = "a?b OR ".repeat(1100) + "x";
    assert!(
        case.ask(&many, &Options::default()).unwrap_err().to_string().contains("more than 1000 patterns")
    );
}

#[test]
fn language_1_is_replayed_by_its_own_rule() {
    let case = case();
    let ask = |query: &str| {
        let options = Options { language: Language::One, ..Options::default() };
        case.ask(query, &options).map(|hits| hits.total)
    };
    assert_eq!(ask("date:2024-02-29..2024-03-01").unwrap(), 1);
    assert_eq!(ask("192.0.2.10").unwrap(), 1);
    assert_eq!(ask("abc123").unwrap(), 1);
    assert_eq!(ask("hops:1..1").unwrap(), 0);
    assert!(ask("a*b").is_err());
    assert_eq!(ask("hop:300.1.1.1").unwrap(), 0);
}

#[test]
fn an_answer_tells_how_it_was_understood() {
    let case = case();
    let ask = |query: &str, telling: Telling| {
        let options = Options { telling, limit: Some(0), ..Options::default() };
        case.ask(query, &options).unwrap()
    };
    let hits = ask("annual -(report OR \"x y\") date:2024-03", Telling::Understood);
    assert_eq!(hits.understood, "text:annual AND NOT (text:report OR text:\"x y\") AND date:2024-03");
    assert_eq!(
        period_in_words(&hits.periods[0], &jiff::tz::TimeZone::UTC),
        "date:2024-03 is from 2024-03-01T00:00:00Z to before 2024-04-01T00:00:00Z"
    );
    assert_eq!(ask("lan", Telling::Understood).anywhere, Some(0));
    assert_eq!(ask("mx.example.org", Telling::Understood).anywhere, Some(1));
    assert!(
        ask("annual C++", Telling::Understood)
            .notes
            .iter()
            .any(|(at, text)| *at == 8 && text.contains("`++`"))
    );
    let steps = ask("annual (report OR dora)", Telling::Steps).steps;
    let told: Vec<_> = steps.iter().map(|s| (s.depth, s.what.as_str(), s.count)).collect();
    assert_eq!(
        told,
        [
            (0, "AND of 2", 3),
            (1, "text:annual", 4),
            (1, "OR of 2", 4),
            (2, "text:report", 3),
            (2, "text:dora", 1)
        ]
    );
    let zero = ask("anual date:2024", Telling::Understood).zero;
    assert_eq!(
        (zero[0].what.as_str(), zero[0].count, zero[0].near[0].0.as_str()),
        ("text:anual", 0, "annual")
    );
    assert_eq!((zero[1].what.as_str(), zero[1].count), ("date:2024", 3));
}
