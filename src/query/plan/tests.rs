//! Tests of `plan`.

use super::*;

#[test]
fn wildcards_in_names_stand_for_any_characters() {
    for (pattern, text, want) in [
        ("sent*", "sent items", true),
        ("sent*", "unsent", false),
        ("*.mbox", "inbox.mbox", true),
        ("?nbox*", "inbox.mbox", true),
        ("*a*b*c*", "xaybzc", true),
        ("*a*b*c*", "xaybz", false),
        ("", "", true),
    ] {
        assert_eq!(glob(pattern, text), want, "{pattern} {text}");
    }
}
