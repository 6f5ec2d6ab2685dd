//! Tests of `value`.

use super::*;

fn param(value: &str, name: &str) -> Option<String> {
    structured(value.as_bytes()).text(name, Context::default()).map(|(text, _)| text)
}

fn flat(value: &[u8], label: &str) -> (String, Vec<&'static str>) {
    let (mut out, mut anomalies) = (String::new(), Vec::new());
    let context = Context { charset: label.as_bytes() };
    text(value, ByteRange::default(), context, &mut out, &mut anomalies);
    (out, anomalies.iter().map(|a| a.kind.code()).collect())
}

#[test]
fn folds_become_blanks_and_words_are_decoded() {
    assert_eq!(flat(b" a\r\n\tb\n c ", ""), ("a b c".to_owned(), vec![]));
    let split = flat(b" =?utf-8?q?=C3?=\n =?utf-8?q?=A9?= x", "");
    assert_eq!(split, ("\u{e9} x".to_owned(), vec!["encoded-word-invalid"]));
    assert_eq!(flat(b" =?utf-8?q?open", ""), ("=?utf-8?q?open".to_owned(), vec!["encoded-word-invalid"]));
}

#[test]
fn bytes_without_a_charset_are_read_as_the_body_is_and_told() {
    assert_eq!(flat("gr\u{fc}n".as_bytes(), ""), ("gr\u{fc}n".to_owned(), vec![]));
    assert_eq!(flat(b"gr\xfcn", ""), ("gr\u{fc}n".to_owned(), vec!["header-8bit"]));
    assert_eq!(flat(b"\xf0\xd2", "koi8-r"), ("\u{41f}\u{440}".to_owned(), vec!["header-8bit"]));
}

#[test]
fn parameters_are_read_as_they_are_really_written() {
    assert_eq!(structured(b" Text/HTML (x); a=b").value, "text/html");
    assert_eq!(param("text/plain; charset=\"utf-8\"", "charset").as_deref(), Some("utf-8"));
    assert_eq!(param("text/plain; charset=utf-8 (comment); x=y", "x").as_deref(), Some("y"));
    assert_eq!(param("attachment; filename=\n \"x.pdf\"", "filename").as_deref(), Some("x.pdf"));
    assert_eq!(param("attachment; filename=my file.pdf; x=1", "filename").as_deref(), Some("my file.pdf"));
    assert_eq!(param("a; filename*=utf-8''O'Brien.txt", "filename").as_deref(), Some("O'Brien.txt"));
    assert_eq!(param("a; filename=\"a\\\"b\\\\c\"", "filename").as_deref(), Some("a\"b\\c"));
    assert_eq!(param("a; filename=\"a\\\\b\"", "filename").as_deref(), Some("a\\b"));
    assert_eq!(param("a; filename=\"\\\\\\\\host\\\\x\"", "filename").as_deref(), Some("\\\\host\\x"));
    assert_eq!(param("a; filename=\"C:\\tmp\\x.doc\"", "filename").as_deref(), Some("C:\\tmp\\x.doc"));
    assert_eq!(param("a; filename=\"C:\\\\tmp\\\\x\"", "filename").as_deref(), Some("C:\\tmp\\x"));
    assert_eq!(
        param("a; filename*0*=utf-8'en'%41b; filename*1=\"c d\"; filename*2*=%45", "filename").as_deref(),
        Some("Abc dE")
    );
    assert_eq!(param("a; filename*1=b; filename*0=a", "filename").as_deref(), Some("ab"));
    assert_eq!(param("a; filename=\"=?utf-8?Q?=C3=A9?=.txt\"", "filename").as_deref(), Some("\u{e9}.txt"));
    assert_eq!(param("text/plain charset=utf-8", "charset").as_deref(), Some("utf-8"));
    assert_eq!(param("a; name=\"open", "name").as_deref(), Some("open"));
    assert_eq!(structured(b"a;;;b;=;=x;c=d").token("c").as_deref(), Some(&b"d"[..]));
}

#[test]
fn a_parameter_without_a_value_before_it_is_one() {
    assert_eq!(param("filename=\"plan of x.png\"; size=3", "filename").as_deref(), Some("plan of x.png"));
    assert_eq!(structured(b"filename=x").value, "");
    assert_eq!(structured(b"text/x=y; a=b").value, "text/x=y");
}

#[test]
fn two_forms_that_differ_are_told() {
    let both = structured(b"a; filename=good.txt; filename*=utf-8''evil.exe");
    assert_eq!(both.text("filename", Context::default()), Some(("evil.exe".to_owned(), true)));
    let twice = structured(b"a; filename=\"report.txt\"; filename=\"payload.exe\"");
    assert_eq!(twice.text("filename", Context::default()), Some(("report.txt".to_owned(), true)));
    assert_eq!(twice.texts("filename", Context::default()), ["report.txt", "payload.exe", "report.txt"]);
    let same = structured(b"a; filename=x; filename=x");
    assert_eq!(same.text("filename", Context::default()), Some(("x".to_owned(), false)));
    let extended = structured(b"a; filename*=utf-8''a; filename*=utf-8''b");
    assert!(extended.texts("filename", Context::default()).contains(&"b".to_owned()));
}

#[test]
fn many_parameters_take_linear_time() {
    let many = format!("a{}", "; x*1=y".repeat(100_000));
    assert!(structured(many.as_bytes()).over);
}
