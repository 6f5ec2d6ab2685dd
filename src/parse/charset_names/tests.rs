//! Tests of `charset_names`.

use super::*;

fn name(label: &str) -> &'static str {
    match kind(label.as_bytes()) {
        None => "unknown",
        Some(Kind::Utf8) => "UTF-8",
        Some(Kind::Ascii) => "ascii",
        Some(Kind::Utf16) => "UTF-16",
        Some(Kind::Utf32) => "UTF-32",
        Some(Kind::Utf7) => "UTF-7",
        Some(Kind::Iso2022(Set::Kana)) => "ISO-2022-JP",
        Some(Kind::Iso2022(Set::Korean)) => "ISO-2022-KR",
        Some(Kind::Iso2022(_)) => "ISO-2022-CN",
        Some(Kind::Hz) => "HZ",
        Some(Kind::Table(_)) => "table",
        Some(Kind::Web(web)) => web.name(),
    }
}

#[test]
fn names_in_use_are_known() {
    for (label, want) in [
        ("UTF-8", "UTF-8"),
        ("\"utf8\"", "UTF-8"),
        ("unicode-1-1-utf-8", "UTF-8"),
        ("ANSI_X3.4-1968", "ascii"),
        ("ISO_8859-1:1987", "windows-1252"),
        ("x-cp1251", "windows-1251"),
        ("Windows_1251", "windows-1251"),
        ("cp-1252", "windows-1252"),
        ("ansi-1251", "windows-1251"),
        ("Latin-9", "ISO-8859-15"),
        ("iso8859_15", "ISO-8859-15"),
        ("latin-1", "windows-1252"),
        ("ISO-8859-9-windows", "unknown"),
        ("cp28605", "ISO-8859-15"),
        ("cp874", "windows-874"),
        ("uhc", "EUC-KR"),
        ("ks_c_5601-1987", "EUC-KR"),
        ("windows-949", "EUC-KR"),
        ("windows-950", "Big5"),
        ("csWindows31J", "Shift_JIS"),
        ("eucgb2312_cn", "gb18030"),
        ("gb2312", "GBK"),
        ("cp50220", "ISO-2022-JP"),
        ("ISO-2022-JP-2", "ISO-2022-JP"),
        ("iso-2022-jp-ms", "ISO-2022-JP"),
        ("iso-2022-kr", "ISO-2022-KR"),
        ("iso-2022-cn", "ISO-2022-CN"),
        ("hz-gb-2312", "HZ"),
        ("IBM862", "table"),
        ("cp437", "table"),
        ("DOS-850", "table"),
        ("ibm850", "table"),
        ("x-mac-ce", "table"),
        ("x-mac-roman", "macintosh"),
        ("koi8r", "KOI8-R"),
        ("utf-16le", "UTF-16LE"),
        ("unicode", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("x-unknown", "unknown"),
        ("X-FOO", "unknown"),
        ("unknown-8bit", "unknown"),
        ("default", "unknown"),
    ] {
        assert_eq!(name(label), want, "{label}");
    }
}

#[test]
fn every_row_is_found_under_its_own_name_and_stands_once() {
    let rows: Vec<&str> = FIRST.iter().chain(MORE).flat_map(|(names, _)| names.iter().copied()).collect();
    for (n, row) in rows.iter().enumerate() {
        assert!(kind(row.as_bytes()).is_some(), "{row}");
        assert!(row.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{row}");
        assert!(!rows[n + 1..].contains(row), "{row} stands twice");
    }
}

#[test]
fn a_page_is_128_characters() {
    for number in
        ["437", "720", "737", "775", "850", "852", "855", "856", "857", "858", "860", "861", "862", "864"]
    {
        let Some(Kind::Table(page)) = page(number) else { panic!("{number}") };
        assert_eq!(page.chars().count(), 128, "{number}");
    }
    let Some(Kind::Table(hebrew)) = kind(b"IBM862") else { panic!("a table") };
    assert_eq!(hebrew.chars().next(), Some('\u{5d0}'));
}
