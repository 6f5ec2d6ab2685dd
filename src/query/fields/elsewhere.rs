//! Fields that other programs have and a case has not.

/// Fields of other programs for which nothing in a case answers: their names, and what an error says.
pub const NOT_HERE: &[(&[&str], &str)] = &[
    (&["lang", "language"], "the language of a text is not in the index; search for words of it"),
    (
        &["tag", "tags", "note", "notes", "category", "property"],
        "a case holds no tags or notes of its own; what a mailbox says is `is:` and `label:`",
    ),
    (
        &["event"],
        "custody events are no items: `mailtrail custody` lists them; for findings of the way see `finding:`",
    ),
    (
        &["envelope", "postmark"],
        "the date of a `From ` line is no field of its own: see `date:`, `hop.time:` and `internaldate:`",
    ),
    (
        &["prio", "priority", "importance"],
        "the priority is a header field: header:X-Priority:1 or header:Importance:high",
    ),
    (&["lastmod", "changed", "query"], "a case does not change, so there is nothing to ask for here"),
    (&["bytes"], "the size is `size:`, as in size:>1M"),
    (&["regex", "re"], "a regular expression stands between slashes: subject:/^inv/"),
    (&["charset"], "see anomaly:charset-* and notindexed:charset-unknown"),
];
