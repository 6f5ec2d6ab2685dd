//! Servers that want more of us than a mailbox is worth: memory, time, or that bytes are taken for what they are not.

use super::scripted::*;

#[test]
fn messages_far_longer_than_announced_are_taken_whole_though_together_they_are_more_than_is_held() {
    let mails: Vec<(u64, Vec<u8>)> = (1..=12)
        .map(|n| (n, [format!("Subject: {n}\r\n\r\n").into_bytes(), vec![b'x'; 700_000]].concat()))
        .collect();
    for is_uid_first in [true, false] {
        let of = mails.clone();
        let server = serve_with("IMAP4rev1 LITERAL+ UNSELECT", mails.clone(), move |_, command| {
            let whole = is_bodies(command) && !command.contains('<');
            if !whole && !command.contains("RFC822.SIZE") {
                return Act::Usual;
            }
            let mut out = Vec::new();
            for (uid, bytes) in of.iter().filter(|(uid, _)| asked(set_of(command), *uid)) {
                let text = match (whole, is_uid_first) {
                    (false, _) => format!("* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE 100)\r\n"),
                    (true, true) => format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n", bytes.len()),
                    (true, false) => format!("* {uid} FETCH (BODY[] {{{}}}\r\n", bytes.len()),
                };
                out.extend(text.into_bytes());
                if whole {
                    out.extend(bytes);
                    out.extend(
                        if is_uid_first { ")\r\n".to_owned() } else { format!(" UID {uid})\r\n") }.bytes(),
                    );
                }
            }
            Act::Raw(out)
        });
        let run = run(&long_order(&server));
        assert!(run.error.is_none() && !run.is_partial(), "{:?} {:?} {:?}", run.error, run.notices, run.left);
        let came: Vec<_> = run.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).collect();
        assert!(came == mails, "{is_uid_first}: {:?} {:?}", run.uids(), run.left);
    }
}

#[test]
fn a_part_of_a_long_message_that_turns_out_to_be_of_another_one_is_not_taken_for_it() {
    for (behind, told) in [(" UID 99)\r\n", "of UID 99"), (")\r\n", "not of which"), (" UID 2)\r\n", "")] {
        let server = serve_with("IMAP4rev1 LITERAL+ UNSELECT", long_mails(), move |_, command| {
            let Some((_, from)) = command.split_once("BODY.PEEK[]<4194304.") else { return Act::Usual };
            assert!(from.starts_with("4194304"));
            let part = &long_mails()[1].1[4 << 20..8 << 20];
            let head = format!("* 2 FETCH (BODY[]<4194304> {{{}}}\r\n", part.len());
            Act::Raw([head.as_bytes(), part, behind.as_bytes()].concat())
        });
        let run = run(&long_order(&server));
        assert!(run.error.is_none(), "{:?}", run.error);
        if told.is_empty() {
            assert!(run.messages[1].bytes == long_mails()[1].1);
            continue;
        }
        assert_eq!(run.uids(), [1, 3], "{behind:?}");
        let note = String::from_utf8_lossy(&run.left[0].note).into_owned();
        assert!(note.contains(told), "{note}");
    }
}
