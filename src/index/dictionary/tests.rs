//! Tests of `dictionary`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::index::dictionary_write::{DictionaryWriter, packer};

/// Of each term the count of its list, and the place when there is one or else the list's bytes.
type Model = BTreeMap<Vec<u8>, (u32, u32)>;

fn written(model: &Model) -> Vec<u8> {
    let (mut out, mut packer) = (Vec::new(), packer().unwrap());
    let mut writer = DictionaryWriter::new(&mut out, &mut packer);
    for (term, &(count, number)) in model {
        if count == 1 {
            writer.one(term, number).unwrap();
        } else {
            writer.many(term, count, u64::from(number)).unwrap();
        }
    }
    writer.finish().unwrap();
    out
}

fn open(bytes: Vec<u8>) -> tantivy::Result<Dictionary> {
    Dictionary::open(FileSlice::from(bytes))
}

type Listed = Vec<(Vec<u8>, ListAt)>;

fn listed(model: &Model) -> Listed {
    let mut at = 0;
    let list = |(term, &(count, number)): (&Vec<u8>, &(u32, u32))| {
        if count == 1 {
            return (term.clone(), ListAt::One(number));
        }
        let range = at..at + u64::from(number);
        at = range.end;
        (term.clone(), ListAt::Bytes { count, range })
    };
    model.iter().map(list).collect()
}

fn read(mut terms: Terms<'_>) -> tantivy::Result<Listed> {
    let mut out = Vec::new();
    while let Some((term, list)) = terms.next()? {
        out.push((term.to_vec(), list));
    }
    Ok(out)
}

/// Short alphabets make long shared beginnings; now and then a long term.
fn term() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(prop::sample::select(&b"abz\x00\xff"[..]), 0..9),
        4 => prop::collection::vec(any::<u8>(), 0..24),
        1 => prop::collection::vec(prop::sample::select(&b"ab"[..]), 200..=LONGEST),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    let number = (prop_oneof![Just(1u32), 2u32..9000], prop_oneof![0u32..300, any::<u32>()]);
    prop::collection::btree_map(term(), number, 0..1800)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn terms_prefixes_and_ranges_are_those_of_a_map(
        model in model(), asked in prop::collection::vec((term(), term()), 12)
    ) {
        let dictionary = open(written(&model)).unwrap();
        let want = listed(&model);
        prop_assert_eq!(&read(dictionary.all()).unwrap(), &want);
        prop_assert_eq!(dictionary.lists(), want.iter().map(|(_, list)| match list {
            ListAt::One(_) => 0,
            ListAt::Bytes { range, .. } => range.end - range.start,
        }).sum::<u64>());
        let present = model.keys().step_by(97).map(|term| (term.clone(), term.clone()));
        for (a, b) in asked.into_iter().chain(present) {
            let part = |keep: &dyn Fn(&[u8]) -> bool| -> Listed {
                want.iter().filter(|(term, _)| keep(term)).cloned().collect()
            };
            prop_assert_eq!(dictionary.get(&a).unwrap(), part(&|t| t == a).pop().map(|(_, list)| list));
            prop_assert_eq!(read(dictionary.prefixed(&a)).unwrap(), part(&|t| t.starts_with(&a)));
            let until = Until::With(b.clone());
            prop_assert_eq!(read(dictionary.from(&a, until)).unwrap(), part(&|t| *a <= *t && *t <= *b));
            let until = Until::Before(b.clone());
            prop_assert_eq!(read(dictionary.from(&a, until)).unwrap(), part(&|t| *a <= *t && *t < *b));
        }
    }

    #[test]
    fn a_changed_or_cut_byte_anywhere_is_an_error_and_never_another_answer(
        model in model(), at in any::<prop::sample::Index>(), flip in 1u8..=255, cut in any::<bool>()
    ) {
        let mut bytes = written(&model);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
        let got = open(bytes).and_then(|d| read(d.all()));
        prop_assert!(got.is_err(), "{} terms came back", got.unwrap().len());
    }
}

#[test]
fn each_byte_of_a_small_dictionary_counts() {
    let model: Model = (0..1200u32).map(|n| (format!("word{n}").into_bytes(), (n % 3 + 1, n))).collect();
    let whole = written(&model);
    let want = listed(&model);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        // A look-up reads one block: it may be right, or fail.
        for n in (0..1200).step_by(300) {
            let (term, list) = &want[n];
            if let Ok(Some(got)) = open(bytes.clone()).and_then(|d| d.get(term)) {
                assert_eq!(&got, list, "{at}");
            }
        }
        assert!(open(bytes).and_then(|d| read(d.all())).is_err(), "{at}");
        assert!(open(whole[..at].to_vec()).is_err(), "{at}");
    }
}

#[test]
fn terms_out_of_order_are_refused() {
    let (mut out, mut packer) = (Vec::new(), packer().unwrap());
    let mut writer = DictionaryWriter::new(&mut out, &mut packer);
    writer.one(b"b", 1).unwrap();
    assert!(writer.one(b"b", 1).is_err());
    assert!(writer.many(b"a", 2, 1).is_err());
}
