//! Mail that somebody else could have written changes no conclusion about a message, and no made-up mail loses a
//! finding through others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support;

/// Numbers that are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn stamp(secs: i64) -> String {
    let (day, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = names[usize::try_from(day.rem_euclid(7)).unwrap()];
    format!("{name}, {} Jan 2024 {:02}:{:02}:{:02} +0000", day + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

const HONEST: usize = 14;

/// The server of the case in front, its store, and a relay of a bank whose clock is wrong by so many seconds.
struct World {
    error: i64,
    seed: u64,
}

impl World {
    fn at(number: usize) -> i64 {
        86_400 + i64::try_from(number).unwrap() * 7_200
    }

    /// The hops of an honest mail, newest first.
    fn hops(&self, number: usize) -> Vec<String> {
        let at = Self::at(number);
        vec![
            format!(
                "from mx.corp.example (mx.corp.example [10.0.0.2])\n\tby store.corp.example (Postfix) with ESMTPS id 5A0{number:02}C;\n\t{}",
                stamp(at + 4)
            ),
            format!(
                "from smtp.bank.example (smtp.bank.example [151.101.65.9])\n\tby mx.corp.example (Postfix) with ESMTPS id 5B0{number:02}C;\n\t{}",
                stamp(at + 3)
            ),
            format!(
                "from pc.bank.example (pc.bank.example [151.101.129.9])\n\tby smtp.bank.example (Postfix) with ESMTPS id 5C0{number:02}C;\n\t{}",
                stamp(at + 2 + self.error)
            ),
            format!(
                "from laptop (unknown [151.101.129.77])\n\tby pc.bank.example (Postfix) with ESMTP id 5D0{number:02}C;\n\t{}",
                stamp(at + 1)
            ),
        ]
    }

    fn honest(&self, number: usize) -> String {
        let mut text = String::new();
        for hop in self.hops(number) {
            writeln!(text, "Received: {hop}").unwrap();
        }
        write!(
            text,
            "Authentication-Results: mx.corp.example; spf=pass smtp.mailfrom=bank.example\n\
             From: Ann <pay@bank.example>\nTo: bob@corp.example\nSubject: honest {number}\nDate: {}\n\
             Message-ID: <honest-{number}@bank.example>\nReferences: <thread@bank.example>\n\nhello {number}\n",
            stamp(Self::at(number))
        )
        .unwrap();
        text
    }

    /// A mail that a stranger wrote and that came in through the server in front. `kind`: what of other mail it copies.
    fn made_up(&self, kind: usize, number: usize) -> String {
        let mut dice = Dice(self.seed * 1_000 + u64::try_from(number).unwrap());
        let victim = usize::try_from(dice.below(HONEST as u64)).unwrap();
        let at = Self::at(victim) + 600 + i64::try_from(dice.below(3_600)).unwrap();
        let mut hops = vec![
            format!(
                "from mx.corp.example (mx.corp.example [10.0.0.2])\n\tby store.corp.example (Postfix) with ESMTPS id 6A{number:04}E;\n\t{}",
                stamp(at + 4)
            ),
            format!(
                "from smtp.bank.example (vps.evil.example [185.199.108.9])\n\tby mx.corp.example (Postfix) with ESMTP id 6B{number:04}E;\n\t{}",
                stamp(at + 3)
            ),
        ];
        let late = i64::try_from(dice.below(20_000)).unwrap() - 10_000;
        let (mut fields, mut id) = (String::new(), format!("made-up-{number}@evil.example"));
        match kind {
            // Hops by relays of others, at any time.
            0 => hops.push(format!("from pc.bank.example (pc.bank.example [151.101.129.9])\n\tby smtp.bank.example (Postfix) with ESMTPS id 6C{number:04}E;\n\t{}", stamp(at - 3_600 + late))),
            // Hops of an honest mail, as they stand; and by the server in front, below the boundary.
            1 => hops.extend(self.hops(victim)),
            // What the server in front would have recorded.
            2 => fields.push_str("Authentication-Results: mx.corp.example; dkim=pass header.d=bank.example; dmarc=fail\n"),
            3 => fields.push_str("ARC-Seal: i=1; cv=fail; d=corp.example; s=a; a=rsa-sha256; b=AA\nARC-Message-Signature: i=1; d=corp.example; s=a; a=rsa-sha256; h=from; bh=AA; b=AA\nARC-Authentication-Results: i=1; mx.corp.example; spf=fail\n"),
            // The id of an honest mail.
            4 => id = format!("honest-{victim}@bank.example"),
            _ => {
                writeln!(fields, "In-Reply-To: <honest-{victim}@bank.example>\nReferences: <thread@bank.example> <honest-{victim}@bank.example>").unwrap();
                hops.push(format!("from x by store.corp.example (Postfix) with ESMTPS id 5A0{victim:02}C;\n\t{}", stamp(Self::at(victim) + 30)));
            }
        }
        let mut text = String::new();
        for hop in hops {
            writeln!(text, "Received: {hop}").unwrap();
        }
        write!(
            text,
            "{fields}From: Ann <pay@bank.example>\nTo: bob@corp.example\nSubject: made-up {number}\nDate: {}\nMessage-ID: <{id}>\n\nhello\n",
            stamp(at)
        )
        .unwrap();
        text
    }
}

/// What is concluded of each item, by its subject; counts about the case as a whole are left out.
fn conclusions(mails: &[String], wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Value> {
    let dir = tempfile::tempdir().unwrap();
    let (source, case) = (dir.path().join("mail"), dir.path().join("case"));
    std::fs::create_dir(&source).unwrap();
    for (number, mail) in mails.iter().enumerate() {
        std::fs::write(source.join(format!("{number:05}.eml")), mail).unwrap();
    }
    support::import(&case, &source);
    support::run(&case, &["trust", "set", "--host", "corp.example"]).ok();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    let across = across(&case);
    let mut out = BTreeMap::new();
    for item in support::run(&case, &["list", "--json"]).ok().json() {
        let (id, subject) = (item["item"].as_str().unwrap(), item["subject"].as_str().unwrap().to_owned());
        if !wanted(&subject) {
            continue;
        }
        let mut hops = support::run(&case, &["hops", id, "--json"]).ok().json().remove(0);
        let all = hops.as_object_mut().unwrap();
        all.remove("item");
        let clocks = all.get_mut("clocks").unwrap().as_object_mut().unwrap();
        clocks.remove("messages");
        // Counts of votes may rise with honest steps of the servers; what they show may not change.
        for vote in clocks["votes"].as_array_mut().unwrap() {
            vote.as_object_mut().unwrap().remove("votes");
        }
        let of_item =
            across.iter().filter(|(item, _)| item == id).map(|(_, rule)| rule.as_str().into()).collect();
        all.insert("across".to_owned(), Value::Array(of_item));
        out.insert(subject, hops);
    }
    out
}

/// Items and rules across messages that name them.
fn across(case: &Path) -> Vec<(String, String)> {
    let rules = ["received-cloned", "queue-id-reuse", "tls-downgrade-vs-baseline", "build-clock-mismatch"];
    let of = |rule: &&str| {
        let found = support::run(case, &["findings", "--json", "--rule", rule]).ok().json();
        found
            .into_iter()
            .map(|one| (one["item"].as_str().unwrap().to_owned(), (*rule).to_owned()))
            .collect::<Vec<_>>()
    };
    rules.iter().flat_map(of).collect()
}

fn rules(of: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        of["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect();
    all.extend(of["across"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap().to_owned()));
    all.sort();
    all.dedup();
    all
}

#[test]
fn mail_that_somebody_else_wrote_changes_no_conclusion_and_no_made_up_mail_loses_a_finding() {
    let is_full = std::env::var("SCALE").is_ok_and(|scale| scale == "full");
    let (cases, injections) = if is_full { (50, 1_050) } else { (5, 60) };
    // All honest items in the full run, some of them else: each is a run of the program.
    let wanted = |subject: &str| {
        is_full && subject.starts_with("honest") || ["honest 0", "honest 5", "honest 13"].contains(&subject)
    };
    let mut compared = 0;
    for seed in 0..cases {
        let errors = [0, -41, 900, 7_200, -3_600];
        let world = World { error: errors[usize::try_from(seed).unwrap() % errors.len()], seed };
        let honest: Vec<String> = (0..HONEST).map(|number| world.honest(number)).collect();
        let before = conclusions(&honest, wanted);
        let clock = &before["honest 0"]["clocks"]["votes"];
        assert!(clock.as_array().unwrap().iter().any(|vote| vote["relay"] == "smtp.bank.example"), "{clock}");
        let made_up: Vec<(usize, String)> =
            (0..injections).map(|number| (number % 6, world.made_up(number % 6, number))).collect();
        // Each kind by itself, and all of them.
        for kind in 0..=6 {
            let others =
                made_up.iter().filter(|(of, _)| kind == 6 || *of == kind).map(|(_, mail)| mail.clone());
            let all: Vec<String> = honest.iter().cloned().chain(others).collect();
            let is_first = |subject: &str| subject == format!("made-up {kind}");
            let after = conclusions(&all, |subject| wanted(subject) || is_first(subject));
            for (subject, was) in &before {
                assert_eq!(&after[subject], was, "{subject}, seed {seed}, kind {kind}");
                compared += 1;
            }
            if let Some((subject, with_others)) = after.iter().find(|(subject, _)| is_first(subject)) {
                let alone = conclusions(&[world.made_up(kind % 6, kind)], |_| true);
                let lost: Vec<_> = rules(&alone[subject])
                    .into_iter()
                    .filter(|rule| !rules(with_others).contains(rule))
                    .collect();
                assert!(lost.is_empty(), "{subject}, seed {seed}: {lost:?}");
            }
        }
    }
    println!("{compared} conclusions compared, none changed");
}
