//! What is set, added and handed out while an import holds the case.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::{self, events, program, run};

#[test]
fn settings_keys_and_exports_do_not_wait_for_an_import() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    support::import(&case, &support::own_corpus().join("mailbox"));
    let before = events(&case).len();
    let keys = dir.path().join("keys.txt");
    fs::write(
        &keys,
        "s1._domainkey.example.org v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n",
    )
    .unwrap();
    // As an import holds it.
    let lock = fs::OpenOptions::new().write(true).open(case.join("lock")).unwrap();
    lock.lock().unwrap();
    run(&case, &["trust", "set", "--host", "mx.example.org"]).ok();
    run(&case, &["dkim-keys", "add", keys.to_str().unwrap()]).ok();
    let done =
        run(&case, &["export", "*", "--json", "--to", to.to_str().unwrap()]).ok().json().pop().unwrap();
    assert_eq!(done["logged"], true);
    // What adds evidence, or makes derived data anew, still waits for its turn.
    run(&case, &["rebuild"]).with_code(5);
    run(&case, &["import", keys.to_str().unwrap()]).with_code(5);
    lock.unlock().unwrap();
    let kinds: Vec<_> = events(&case).into_iter().skip(before).map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, ["trust_set", "keys_added", "exported"]);
    run(&case, &["verify", "--quiet"]).ok();
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn begin(case: &std::path::Path, args: &[&str]) -> Child {
    let mut command = program();
    command.args(args).arg("--case").arg(case);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// An import of many sources, and settings made beside it; both are killed again and again.
#[test]
fn kills_of_both_sides_end_as_a_clean_run() {
    let wanted = if std::env::var("SCALE").is_ok_and(|scale| scale == "full") { 1_000 } else { 24 };
    let dir = tempfile::tempdir().unwrap();
    let mail = dir.path().join("mail");
    fs::create_dir(&mail).unwrap();
    let sources: Vec<String> = (0..40)
        .map(|n| {
            let path = mail.join(format!("{n:02}.mbox"));
            fs::write(&path, support::evidence::mbox(n * 7, 7)).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let args: Vec<&str> =
        ["import", "--quiet"].into_iter().chain(sources.iter().map(String::as_str)).collect();
    let clean = dir.path().join("clean");
    run(&clean, &args).ok();
    let (mut dice, mut kills, mut round) = (Dice(7), 0, 0);
    while kills < wanted {
        let case = dir.path().join(format!("case-{round}"));
        round += 1;
        let (mut told, mut tries) = (0, 0);
        run(&case, &["init"]).ok();
        loop {
            let mut import = begin(&case, &args);
            let mut settings: Vec<Child> = Vec::new();
            for n in 0..dice.roll(4) {
                std::thread::sleep(Duration::from_millis(dice.roll(60)));
                settings.push(begin(&case, &["trust", "set", "--host", &format!("h{n}.example")]));
            }
            std::thread::sleep(Duration::from_millis(dice.roll(250)));
            for child in settings.iter_mut().chain([&mut import]) {
                if tries < 20 && dice.roll(2) == 0 && child.try_wait().unwrap().is_none() {
                    child.kill().unwrap();
                    kills += 1;
                }
            }
            for mut child in settings {
                told += u32::from(child.wait().unwrap().success());
            }
            tries += 1;
            if import.wait().unwrap().success() {
                break;
            }
            assert!(tries < 60, "the import does not come to an end");
        }
        // What was said to be set stands in the log; the evidence is that of the clean run.
        let set = events(&case).iter().filter(|event| event["type"] == "trust_set").count();
        assert!(set >= told as usize, "{set} of {told} settings are in the log");
        run(&case, &["verify", "--quiet"]).ok();
        assert_eq!(support::ledger(&case), support::ledger(&clean));
        fs::remove_dir_all(&case).unwrap();
    }
}
