//! Where the words of a question stand in a text: the same cut and the same comparison as in the index.

use std::collections::VecDeque;
use std::ops::Range;

use super::words::{Asked, Folder, LONGEST, PADDING, runs, shorten};

/// One word of the text: its term, the run of bytes it was cut from, and its number in that run.
struct Word {
    term: Vec<u8>,
    run: Range<usize>,
    number: usize,
}

/// Where the words of a question first stand one after the other in `text`, in bytes; `None` when they do not.
///
/// `open` leaves the end of the last word open. The range holds the words; in a script without spaces it may hold a
/// neighbouring character too.
pub fn place(text: &str, words: &[Asked], open: bool) -> Option<Range<usize>> {
    let span = words.last()?.offset as usize + 1;
    let mut lower = text.as_bytes().to_ascii_lowercase();
    let len = lower.len();
    lower.extend_from_slice(&[0; PADDING]);
    let mut folder = Folder::default();
    let mut last: VecDeque<Word> = VecDeque::with_capacity(span + 1);
    let mut found = None;
    runs(&lower, 0, len, |from, to| {
        if found.is_some() {
            return;
        }
        let run = lower.get(from..to).unwrap_or_default();
        let mut number = 0;
        let mut take = |word: &[u8]| {
            if found.is_some() {
                return;
            }
            let mut term = word.to_vec();
            if word.len() > LONGEST {
                shorten(word, &mut term);
            }
            last.push_back(Word { term, run: from..to, number });
            number += 1;
            if last.len() > span {
                last.pop_front();
            }
            if last.len() == span && fits(&last, words, open) {
                found = stretch(text, &last);
            }
        };
        if run.is_ascii() {
            take(run);
        } else if let Ok(run) = std::str::from_utf8(run) {
            folder.words(run, |buffer, len, _| take(buffer.get(..len).unwrap_or_default()));
        }
    });
    found
}

fn fits(last: &VecDeque<Word>, words: &[Asked], open: bool) -> bool {
    words.iter().enumerate().all(|(n, asked)| {
        let Some(word) = last.get(asked.offset as usize) else { return false };
        let is_open = asked.single || (open && n + 1 == words.len());
        if is_open { word.term.starts_with(&asked.term) } else { word.term == asked.term }
    })
}

/// From the beginning of the first word to the end of the last.
fn stretch(text: &str, last: &VecDeque<Word>) -> Option<Range<usize>> {
    let (first, end) = (last.front()?, last.back()?);
    let inside = |word: &Word| text.get(word.run.clone()).unwrap_or_default();
    let from = first.run.start + before(inside(first), first.number);
    Some(from..end.run.start + behind(inside(end), end.number))
}

/// Number of words in a run.
fn count(run: &str) -> usize {
    if run.is_ascii() {
        return usize::from(!run.is_empty());
    }
    let mut count = 0;
    Folder::default().words(run, |_, _, _| count += 1);
    count
}

/// The shortest beginning of a run, in bytes, that holds more than `number` words.
fn reaching(run: &str, number: usize) -> Option<usize> {
    let ends: Vec<usize> = run.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
    let at = ends.partition_point(|&end| count(run.get(..end).unwrap_or_default()) <= number);
    ends.get(at).copied()
}

/// Where word `number` of a run begins.
fn before(run: &str, number: usize) -> usize {
    let Some(end) = reaching(run, number) else { return 0 };
    run.get(..end).and_then(|head| head.char_indices().next_back()).map_or(0, |(at, _)| at)
}

/// Where word `number` of a run has ended.
fn behind(run: &str, number: usize) -> usize {
    if run.is_ascii() { run.len() } else { reaching(run, number + 1).unwrap_or(run.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::asked;

    fn check(text: &str, question: &str, want: Option<&str>) {
        let (bare, open) = question.strip_suffix('*').map_or((question, false), |q| (q, true));
        let got = place(text, &asked(bare), open).map(|at| text[at].to_owned());
        assert_eq!(got.as_deref(), want, "{question} in {text}");
    }

    #[test]
    fn words_are_found_where_they_stand_and_as_the_index_reads_them() {
        check("the Invoice of May", "invoice", Some("Invoice"));
        check("invoices", "invoice", None);
        check("invoices", "invo*", Some("invoices"));
        check("mail a.b@c.org now", "b@c.org", Some("b@c.org"));
        check("wire, transfer", "wire transfer", Some("wire, transfer"));
        check("wire the transfer", "wire transfer", None);
        check("a Straße b", "strasse", Some("Straße"));
        check("xRésumé résumé", "resume", Some("résumé"));
        check("", "a", None);
    }

    #[test]
    fn in_long_runs_without_blanks_the_place_is_near() {
        let text = format!("{}東京都{}", "あ、".repeat(500), "い。".repeat(500));
        let at = place(&text, &asked("東京"), false).unwrap();
        assert!(text[at.clone()].contains("東京") && at.len() <= 12, "{}", &text[at]);
        let at = place(&text, &asked("都"), false).unwrap();
        assert!(text[at.clone()].contains('都') && at.len() <= 12, "{}", &text[at]);
    }
}
