//! Mail as odd programs wrote it: whoever and whatever a careful reader finds in it is found by search, and what was
//! odd is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{self, count, run};

/// One mail, and the queries that must and must not find it.
struct Odd {
    name: &'static str,
    /// Header fields in place of the standard ones, and the body behind an empty line.
    text: &'static [u8],
    finds: &'static [&'static str],
    misses: &'static [&'static str],
}

/// Writes the mails into a folder; each gets the fields that it lacks, and a subject or word of its own to be told by.
fn write(dir: &Path, mails: &[Odd]) -> PathBuf {
    let folder = dir.join("mail");
    fs::create_dir(&folder).unwrap();
    for mail in mails {
        let has = |name: &str| {
            let head = mail.text.split(|b| *b == b'\n').take_while(|line| !line.is_empty());
            head.into_iter().any(|line| line.starts_with(name.as_bytes()))
        };
        let mut bytes = format!("X-Name: odd{}\n", mail.name).into_bytes();
        for (name, value) in
            [("From:", "a@b.example"), ("Subject:", "s"), ("Date:", "Tue, 04 Mar 2025 10:00:00 +0000")]
        {
            if !has(name) {
                bytes.extend(format!("{name} {value}\n").into_bytes());
            }
        }
        if !has("Message-ID:") {
            bytes.extend(format!("Message-ID: <{}@odd.example>\n", mail.name).into_bytes());
        }
        bytes.extend(mail.text);
        fs::write(folder.join(format!("{}.eml", mail.name)), bytes).unwrap();
    }
    folder
}

/// Imports the mails, and asks every query: it finds just the mail it is meant for, or at least that one.
#[track_caller]
fn check(mails: &[Odd]) {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &write(dir.path(), mails));
    let mut wrong = Vec::new();
    for mail in mails {
        for (queries, want) in [(mail.finds, 1), (mail.misses, 0)] {
            for query in queries {
                let whole = format!("({query}) AND header:odd{}", mail.name);
                if count(&case, &whole) != want {
                    wrong.push(format!("{}: {query} must give {want}", mail.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    run(&case, &["verify"]).ok();
}

#[test]
fn senders_are_found_whatever_surrounds_their_address() {
    check(&[
        Odd {
            name: "quoteopen",
            text: b"From: \"Ann Smith <ann@x.example>\nTo: \"Ann <a@y.example>, \"Bob\" <b@y.example>\n\nx\n",
            finds: &[
                "from:ann@x.example",
                "to:a@y.example",
                "to:b@y.example",
                "from:\"ann smith\"",
                "anomaly:address-form",
            ],
            misses: &["from:\"<ann@x.example>\" NOT from:ann@x.example"],
        },
        Odd {
            name: "unixdate",
            text: b"From: thomas@x.example Thu Sep 19 17:31:10 2013\n\nx\n",
            finds: &["from:thomas@x.example", "anomaly:address-form"],
            misses: &[],
        },
        Odd {
            name: "mailman",
            text: b"From: ann.lee at x.example (Ann Lee)\n\nx\n",
            finds: &["from:ann.lee@x.example", "from:\"ann lee\"", "anomaly:address-written-at"],
            misses: &["anomaly:address-invalid"],
        },
        Odd {
            name: "group",
            text: b"To: Undisclosed Plotters: c@d.example, e@f.example;\n\nx\n",
            finds: &["to:plotters", "to:c@d.example", "to:e@f.example"],
            misses: &[],
        },
        Odd {
            name: "encodedaddress",
            text: b"From: =?gb2312?q?=B3=C2=B9=FA=C7=BF_<alice@x.example>?=\n\nx\n",
            finds: &["from:alice@x.example", "anomaly:address-in-encoded-word", "from:\u{9648}\u{56fd}"],
            misses: &[],
        },
    ]);
}

#[test]
fn text_that_marks_itself_by_escapes_is_found_and_told() {
    const TOLD: &str = "anomaly:charset-by-escapes";
    check(&[
        Odd {
            name: "jpfields",
            text: b"From: \x1b$B7@Ls\x1b(B <ann@x.example>\nSubject: \x1b$B7@Ls=q$N7o\x1b(B\n\nx\n",
            finds: &["from:ann@x.example", "from:\u{5951}\u{7d04}", "subject:\u{5951}\u{7d04}\u{66f8}", TOLD],
            misses: &[],
        },
        Odd {
            name: "jpbody",
            text: b"Content-Type: text/plain; charset=iso-8859-1\n\n\x1b$B7@Ls=q$N7o\x1b(B and plain\n",
            finds: &["\u{5951}\u{7d04}\u{66f8}", "plain", TOLD],
            misses: &[],
        },
        Odd {
            name: "hzbody",
            text: b"\nhe said ~{Dc:C~} to all\n",
            finds: &["\u{4f60}\u{597d}", TOLD, "\"he said\""],
            misses: &[],
        },
        Odd {
            name: "jpfile",
            text: b"Content-Type: image/png; name=\"\x1b$B7@Ls\x1b(B.png\"\n\n\x89PNG\x00\n",
            finds: &["attachment:\u{5951}\u{7d04}", TOLD],
            misses: &[],
        },
        Odd {
            name: "unstated",
            text: b"\n\xddlk mesaj\n",
            finds: &["mesaj", "anomaly:charset-invalid", "notindexed:charset-unstated"],
            misses: &[TOLD],
        },
        Odd {
            name: "terminal",
            text: b"\n\x1b[31mred\x1b(B\x1b[m alert\n",
            finds: &["alert"],
            misses: &[TOLD],
        },
    ]);
}

#[test]
fn encoded_words_and_charsets_of_any_name_are_found() {
    check(&[
        Odd {
            name: "padding",
            text:
                b"Subject: =?iso-8859-1?B?R3L832UgYQ?=\n =?iso-8859-1?B?dXMgS/ZsbiB1bmQgTfxuY2hlbg==?=\n\nx\n",
            finds: &[
                "subject:\"gr\u{fc}\u{df}e aus k\u{f6}ln und m\u{fc}nchen\"",
                "anomaly:encoded-word-invalid",
            ],
            misses: &[],
        },
        Odd {
            name: "unknown",
            text: b"Subject: =?x-unknown?Q?Gr=F6=DFe?=\n\nx\n",
            finds: &["subject:gr\u{f6}\u{df}e", "anomaly:encoded-word-invalid", "notindexed:charset-unknown"],
            misses: &[],
        },
        Odd {
            name: "damaged",
            text: b"Subject: =?utf-8?Q?Gr=F6=DFe?= und =?utf-8?B?YmVyZw\n\nx\n",
            finds: &["subject:gr\u{f6}\u{df}e", "subject:berg", "anomaly:encoded-word-invalid"],
            misses: &[],
        },
        Odd {
            name: "meta",
            text: b"Content-Type: text/html\n\n<META HTTP-EQUIV=x CONTENT=\"text/html; Charset = windows-1251\">\xef\xf0\xe8\xe2\xe5\xf2\n",
            finds: &["\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}"],
            misses: &[],
        },
        Odd {
            name: "disposition",
            text: b"Content-Type: image/png\nContent-Disposition: filename=\"plan.png\"\n\n\x89PNG\x00\n",
            finds: &["attachment:plan.png"],
            misses: &[],
        },
        Odd {
            name: "hebrew",
            text:
                b"Content-Type: text/plain; charset=IBM862\nContent-Transfer-Encoding: base64\n\nmYyFjQ==\n",
            finds: &["\u{5e9}\u{5dc}\u{5d5}\u{5dd}"],
            misses: &["anomaly:charset-unknown"],
        },
        Odd {
            name: "japanese",
            text: b"Content-Type: text/plain; charset=cp50221\n\n\x1b$B7@Ls\x1b(B\n",
            finds: &["\u{5951}\u{7d04}"],
            misses: &["has:anomaly"],
        },
    ]);
}

#[test]
fn an_id_is_found_without_the_text_beside_it() {
    check(&[
        Odd {
            name: "comment",
            text: b"Message-ID: <c0@x.example> (added by postmaster@mx.example)\n\nx\n",
            finds: &["messageid:c0@x.example"],
            misses: &["anomaly:message-id-invalid"],
        },
        Odd {
            name: "folded",
            text: b"Message-ID: <c2@x\n .example>\n\nx\n",
            finds: &["messageid:c2@x.example", "anomaly:message-id-invalid"],
            misses: &[],
        },
        Odd {
            name: "textbehind",
            text: b"Message-ID: <c1@x.example> added by mx\n\nx\n",
            finds: &["messageid:c1@x.example", "anomaly:message-id-invalid"],
            misses: &[],
        },
    ]);
}

#[test]
fn words_that_invisible_characters_cut_are_found_whole_and_in_parts() {
    const TOLD: &str = "anomaly:invisible-text";
    check(&[
        Odd {
            name: "filebidi",
            text: b"Content-Type: image/png; name*=utf-8''Rechnung%E2%80%AEfdp.exe\n\n\x89PNG\x00\n",
            finds: &["attachment:rechnung", "attachment:fdp.exe", "attachment:rechnungfdp.exe", TOLD],
            misses: &[],
        },
        Odd {
            name: "zerowidth",
            text: b"Subject: =?utf-8?q?pass=E2=80=8Bword?=\nFrom: =?utf-8?q?Ma=E2=80=8Bry?= <m@x.example>\n\nx\n",
            finds: &["subject:password", "subject:pass", "subject:word", "from:mary", "from:ma", TOLD],
            misses: &[],
        },
        Odd {
            name: "bodybidi",
            text: b"Content-Type: text/plain; charset=utf-8\n\nopen geh\xc2\xadeim and in\xe2\x80\xaevoice now\n",
            finds: &["geheim", "invoice", "body:voice", "\"open geheim and invoice now\"", TOLD],
            misses: &["body:eim"],
        },
        Odd {
            name: "html",
            text: b"Content-Type: text/html\n\n<p>ge&shy;heim</p>\n",
            finds: &["geheim", TOLD],
            misses: &["body:heim"],
        },
    ]);
}

#[test]
fn show_shows_what_no_reader_sees() {
    let mail =
        b"From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\nin\xe2\x80\xaevoice geh\xc2\xadeim\n";
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("one.eml"));
    fs::write(&source, mail).unwrap();
    support::import(&case, &source);
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    let shown = run(&case, &["show", &item]).ok().text();
    assert!(shown.contains("in\\u{202e}voice geh\\u{ad}eim"), "{shown}");
}

#[test]
fn what_a_signed_part_protects_is_found_and_shown_beside_the_outer_header() {
    const MAIL: &[u8] = b"From: Ann <ann@a.example>\nSubject: [...]\nMIME-Version: 1.0\n\
        Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=x\n\n--x\n\
        Content-Type: text/plain; hp=\"clear\"\nSubject: zanzibar transfer\nFrom: Carla <carla@c.example>\n\
        HP-Outer: Subject: [...]\nX-Ward: lantern\n\npay it\n--x\n\
        Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nMIIB\n--x--\n";
    check(&[Odd {
        name: "protected",
        text: MAIL,
        finds: &[
            "subject:zanzibar",
            "from:carla@c.example",
            "from:ann@a.example",
            "any:lantern",
            "header:\"x-ward lantern\"",
            "anomaly:protected-header-differs",
        ],
        misses: &[],
    }]);
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("one.eml"));
    fs::write(&source, MAIL).unwrap();
    support::import(&case, &source);
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    let shown = run(&case, &["show", &item]).ok().text();
    assert!(shown.contains("Subject of part 1: zanzibar transfer"), "{shown}");
    assert!(shown.contains("From of part 1: Carla <carla@c.example>"), "{shown}");
}

#[test]
fn parts_files_and_labels_are_found_as_they_are_meant() {
    check(&[
        Odd {
            name: "twonames",
            text: b"Content-Type: image/png\nContent-Disposition: attachment; filename=\"report.txt\"; filename=\"payload.exe\"\n\n\x89PNG\x00\n",
            finds: &["attachment:report.txt", "attachment:payload.exe", "anomaly:parameter-conflict"],
            misses: &[],
        },
        Odd {
            name: "flowed",
            text: b"Content-Type: text/plain; format=flowed; delsp=yes\n\n> see http://corp.example/secr \n> etpath\n",
            finds: &["secretpath", "\"corp.example/secretpath\""],
            misses: &["body:secr"],
        },
        Odd {
            name: "calendar",
            text: b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\r\nSUMMARY:Quar\r\n terly review\\nbudget\r\nEND:VCALENDAR\r\n",
            finds: &["quarterly", "budget"],
            misses: &["terly", "nbudget"],
        },
        Odd {
            name: "takeout",
            text: b"X-Gmail-Labels: =?UTF-8?Q?Inbox,Important,_M=C3=BCller_&_Sohn?=,\"a, b\"\n\nx\n",
            finds: &["label:inbox", "label:\"m\u{fc}ller & sohn\"", "label:\"a, b\"", "label:imp*"],
            misses: &["label:in"],
        },
    ]);
}

#[test]
fn a_mail_that_is_attached_as_a_file_is_an_item_and_stays_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("one.eml"));
    fs::write(
        &source,
        "From: a@b.example\nSubject: outer\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nsee\n--x\n\
         Content-Type: application/octet-stream; name=\"fwd.eml\"\nContent-Disposition: attachment\n\n\
         From: Eve <eve@x.example>\nSubject: inner\nMessage-ID: <inner@x.example>\n\ncapybara\n--x--\n",
    )
    .unwrap();
    support::import(&case, &source);
    assert_eq!(count(&case, "kind:child from:eve@x.example subject:inner capybara"), 1);
    assert_eq!(count(&case, "kind:message attachment:fwd.eml anomaly:message-in-file"), 1);
    let child =
        run(&case, &["search", "--json", "kind:child"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    assert!(run(&case, &["show", "--message", &child]).ok().text().contains("capybara"));
    run(&case, &["verify"]).ok();
}
