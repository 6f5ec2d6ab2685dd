//! The servers that the tests of acquisition run against are what they claim to be.

use crate::support::dovecot::{Dovecot, is_here};
use crate::support::maildir;

#[test]
fn dovecot_serves_the_account_that_was_written() {
    if !is_here() {
        return;
    }
    let (server, mut account) = Dovecot::with_account(300);
    let status = server.doveadm(&["mailbox", "status", "-u", "joe", "messages", "*"]);
    for folder in &account.boxes {
        let found = status.lines().any(|line| {
            let name = line.rsplit_once(" messages=").unwrap().0;
            name == folder.name || name == folder.dir.trim_start_matches('.').replace('.', "/")
        });
        assert!(found, "{} is not in:\n{status}", folder.name);
    }
    let (validity, uids) = account.uids(0);
    assert!(validity > 0);
    assert_eq!(uids.len(), account.mails.iter().filter(|m| m.folder == 0).count());
    assert!(account.mails.iter().filter(|m| m.folder == 0).all(|m| uids.contains_key(&m.base)));

    let before = maildir::snapshot(&account.root);
    server.look_through("joe");
    maildir::assert_unchanged(&before, &maildir::snapshot(&account.root));
    account.deliver(0, 999_999, b"Subject: new\n\nnew\n");
    let differs = std::panic::catch_unwind(|| {
        maildir::assert_unchanged(&before, &maildir::snapshot(&account.root));
    });
    assert!(differs.is_err(), "a new message must show");
}
