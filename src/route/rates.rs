//! How often each rule reports on mail that was measured, and what that shows of mail that was not.
//!
//! The counts are made by a test over real mail (`rates_counts.rs`, docs/measured.md); nobody types them. What is
//! printed beside a finding comes from here and nowhere else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::rates_counts::COUNTS;

/// A collection of mail that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// One word for it.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Whether it is ordinary mail, on which a rare rule ought to be silent.
    pub is_ordinary: bool,
    /// Whether it says anything of rules about hops: mail as it came, and with hops. The others stand in
    /// docs/measured.md alone.
    pub is_told: bool,
}

/// The collections, in the order of the counts.
pub const POPULATIONS: [Population; 5] = [
    Population {
        name: "ordinary",
        what: "ordinary mail of a public collection of 2002-2003, much of it from lists",
        is_ordinary: true,
        is_told: true,
    },
    Population { name: "list", what: "a mailing list of 2019-2020", is_ordinary: true, is_told: true },
    Population {
        name: "company",
        what: "one mailbox of a company of 2001, without hops: it says nothing of rules about hops",
        is_ordinary: true,
        is_told: false,
    },
    Population {
        name: "bounces",
        what: "samples of bounces of many servers, with names and dates that were edited: what was edited departs",
        is_ordinary: false,
        is_told: false,
    },
    Population {
        name: "spam",
        what: "spam of the public collection of 2002-2003",
        is_ordinary: false,
        is_told: true,
    },
];

/// One rule in one collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages in which it reported.
    pub found: u32,
    /// Messages of the collection.
    pub of: u32,
}

/// How often a rule reported in each of [`POPULATIONS`]. A rule that was never met has zeros.
pub fn rates(id: &str) -> [Rate; POPULATIONS.len()] {
    let found =
        COUNTS.iter().find(|(rule, _)| *rule == id).map_or([0; POPULATIONS.len()], |(_, found)| *found);
    let mut out = [Rate { found: 0, of: 0 }; POPULATIONS.len()];
    for (rate, (found, of)) in out.iter_mut().zip(found.into_iter().zip(super::rates_counts::MESSAGES)) {
        *rate = Rate { found, of };
    }
    out
}

impl Rate {
    /// The share that a count below which 95 of 100 such samples would lie allows at most (one-sided, exact binomial:
    /// Clopper and Pearson).
    pub fn upper(self) -> f64 {
        if self.found >= self.of {
            return 1.0;
        }
        let (mut low, mut high) = (f64::from(self.found) / f64::from(self.of), 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if at_most(self.found, self.of, middle) > 0.05 { low = middle } else { high = middle }
        }
        high
    }

    /// `0 of 4,150 (under 1 in 1,383)` by the rule of three, `12 of 1,943 (0.62 %, at most 1.00 %)` by the exact
    /// binomial bound.
    pub fn text(self) -> String {
        let (found, of) = (grouped(self.found), grouped(self.of));
        if self.of < 3 {
            return format!("{found} of {of}");
        }
        if self.found == 0 {
            return format!("0 of {of} (under 1 in {})", grouped(self.of / 3));
        }
        let share = f64::from(self.found) * 100.0 / f64::from(self.of);
        format!("{found} of {of} ({share:.2} %, at most {:.2} %)", self.upper() * 100.0)
    }
}

/// The probability of at most `found` in `of` where each has probability `share`.
fn at_most(found: u32, of: u32, share: f64) -> f64 {
    let (log, log_not) = (share.ln(), (-share).ln_1p());
    let mut choose = 0.0f64;
    let mut sum = 0.0f64;
    for k in 0..=found {
        if k > 0 {
            choose += f64::from(of - k + 1).ln() - f64::from(k).ln();
        }
        sum += (choose + f64::from(k) * log + f64::from(of - k) * log_not).exp();
    }
    sum
}

fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What was measured of a rule, in one line.
pub fn measured(id: &str) -> String {
    // A bound is some milliseconds of arithmetic, and stands beside every finding of an export: each is made once.
    static SAID: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = said.get(id) {
        return known.clone();
    }
    let line = line_of(id);
    // Only rules are kept: an id that is none does not fill the memory.
    if COUNTS.iter().any(|(rule, _)| *rule == id) {
        said.insert(id.to_owned(), line.clone());
    }
    line
}

fn line_of(id: &str) -> String {
    let one = |(population, rate): (&Population, Rate)| format!("{} {}", population.name, rate.text());
    POPULATIONS
        .iter()
        .zip(rates(id))
        .filter(|(population, _)| population.is_told)
        .map(one)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{ACROSS, RULES};

    #[test]
    fn bounds_are_those_of_the_tables() {
        assert_eq!(Rate { found: 0, of: 4150 }.text(), "0 of 4,150 (under 1 in 1,383)");
        // Clopper and Pearson: 1 of 100, one-sided 95 %: 4.66 %; 5 of 10: 77.8 %.
        assert!((Rate { found: 1, of: 100 }.upper() - 0.0466).abs() < 0.0001);
        assert!((Rate { found: 5, of: 10 }.upper() - 0.7776).abs() < 0.0005);
        assert!((Rate { found: 0, of: 4150 }.upper() - 3.0 / 4150.0).abs() < 0.000_002);
        assert!((Rate { found: 10, of: 10 }.upper() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_was_counted_is_known_and_a_rare_rule_is_silent_on_ordinary_mail() {
        for (rule, _) in COUNTS {
            assert!(RULES.iter().chain(ACROSS).any(|known| known.id == *rule), "{rule}");
        }
        for rule in RULES.iter().filter(|rule| rule.severity == crate::types::Severity::Strong) {
            for (population, rate) in POPULATIONS.iter().zip(rates(rule.id)) {
                assert!(!population.is_ordinary || rate.found == 0, "{} on {}", rule.id, population.name);
            }
        }
    }
}
