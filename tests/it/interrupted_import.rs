//! An import that is killed at any moment ends the same when it is run again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{self, evidence};

/// Starts an import, kills it (SIGKILL) after `after`, and gives the highest number it had said to be committed.
fn killed_import(case: &Path, source: &Path, after: Duration) -> u64 {
    let mut command = support::program();
    command.args(["import", "--json", "--threads", "2"]).arg(source).arg("--case").arg(case);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut committed = 0;
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let Ok(value) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
            if value["event"] == "committed" {
                committed = value["items"].as_u64().unwrap();
            }
        }
        committed
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Items in the ledger of a case as `info --json` counts them; 0 when there is no case yet.
fn committed(case: &Path) -> u64 {
    let info = support::run(case, &["info", "--json"]);
    if info.code == 1 {
        return 0;
    }
    let info = info.ok();
    info.json()[0]["items_committed"].as_u64().unwrap()
}

/// What the custody log says to be committed of a source counts the items of all runs together.
fn committed_never_falls(case: &Path) {
    let mut last = std::collections::BTreeMap::new();
    for event in support::run(case, &["log", "--json"]).ok().json() {
        if let Some(items) = event["data"]["items"].as_u64().filter(|_| event["data"]["segment"].is_u64()) {
            let last = last.entry(event["data"]["segment"].to_string()).or_insert(0);
            assert!(items >= *last, "{items} after {last}: {event}");
            *last = items;
        }
    }
}

#[test]
fn an_import_killed_at_random_points_ends_as_an_undisturbed_one() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 3000);
    let clean = dir.path().join("clean");
    let started = std::time::Instant::now();
    support::import(&clean, &seized);
    let whole = started.elapsed();
    let (ledger, manifest) = (support::ledger(&clean), support::manifest(&clean));

    let points = std::env::var("MAILTRAIL_KILL_POINTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100u32);
    let mut random = evidence::Seeded::new(17);
    let mut cut_in_the_middle = 0;
    let mut case_number = 0;
    let mut done = 0;
    while done < points {
        let case = dir.path().join(format!("case{case_number}"));
        case_number += 1;
        // Several kills in a row on one case, so that a resume is killed too.
        for _ in 0..5 {
            let after = whole.mul_f64(f64::from(u32::try_from(random.below(1000)).unwrap()) / 900.0);
            let said = killed_import(&case, &seized, after);
            done += 1;
            let kept = committed(&case);
            assert!(kept >= said, "said {said} committed, kept {kept}");
            if kept > 0 && said > 0 {
                cut_in_the_middle += 1;
            }
            let verified = support::run(&case, &["verify", "--quiet"]);
            assert!([0, 1, 3].contains(&verified.code), "verify {}: {}", verified.code, verified.text());
        }
        support::run(&case, &["import", "--quiet", seized.to_str().unwrap()]).ok();
        assert_eq!(support::ledger(&case), ledger, "case {case_number}");
        assert_eq!(support::manifest(&case), manifest, "case {case_number}");
        support::run(&case, &["verify", "--quiet"]).ok();
        committed_never_falls(&case);
        std::fs::remove_dir_all(&case).unwrap();
    }
    assert!(cut_in_the_middle > 0, "no kill hit a running import: the test shows nothing");
}

/// Starts an import, sends it SIGINT after `after`, and gives its exit code; `None` when the signal came before the
/// program listened.
fn interrupted_import(case: &Path, source: &Path, after: Duration) -> Option<i32> {
    let mut command = support::program();
    command.args(["import", "--quiet"]).arg(source).arg("--case").arg(case);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    child.wait().unwrap().code()
}

#[test]
fn ctrl_c_stops_cleanly_and_the_next_run_ends_as_an_undisturbed_one() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 4000);
    let clean = dir.path().join("clean");
    let started = std::time::Instant::now();
    support::import(&clean, &seized);
    let whole = started.elapsed();
    let mut is_stopped = false;
    // How long a run takes differs on a busy machine, so several moments are tried until one hits.
    for (n, share) in [0.5, 0.4, 0.6, 0.3, 0.2, 0.7].into_iter().enumerate() {
        let case = dir.path().join(format!("case{n}"));
        let code = interrupted_import(&case, &seized, whole.mul_f64(share));
        assert!(matches!(code, None | Some(0 | 130)), "{code:?}");
        if code != Some(130) {
            continue;
        }
        is_stopped = true;
        let verified = support::run(&case, &["verify", "--quiet"]);
        assert!([0, 3].contains(&verified.code), "{}", verified.text());
        support::import(&case, &seized);
        assert_eq!(support::ledger(&case), support::ledger(&clean));
        assert_eq!(support::manifest(&case), support::manifest(&clean));
        support::run(&case, &["verify", "--quiet"]).ok();
        break;
    }
    assert!(is_stopped, "no signal hit a running import: the test shows nothing");
}
