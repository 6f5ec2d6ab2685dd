//! The other side of each caveat: what else would show if the header had been made up.

const TIMES: &str = "Made-up hops are often written by one program at one sitting: delays of whole minutes, one zone for all, ids whose own clock says another time.";
const CHAIN: &str = "If the hops below were made up, their ids, formats and times would fit each other and nothing above the boundary; a log of the server that they name would not have the id.";
const WORDS: &str = "If the field was made up, its other words would depart too: the id's own clock, the order of the clauses, the name of the software, the zone.";
const CLIENT: &str = "If the client hid who it was, its address would belong to a network unlike the name it gave, and SPF as recorded by the recipient's server would not pass for that name.";
const OTHER: &str = "If it was another machine, its address, its name for itself and its hours would differ from those of the other hops of that client.";
const SENDER: &str = "If the author's address was put on by another, no signature and no hop of its provider would be there, and Reply-To or the envelope sender would lead elsewhere.";
const BODY: &str = "If the text was changed after signing, the hash fits in no reading, and no footer, banner or recoding explains the difference.";
const SIGNATURE: &str = "If fields were put in or left out on purpose, the covered fields would hold other values than those that a reader is shown.";
const RECORDED: &str = "If the field was written by the sender, it would stand below the boundary, or name a server that wrote no hop.";

/// For one rule; empty for those that only describe a way.
pub(super) fn shows(id: &str) -> &'static str {
    match id {
        "time-reversal" | "clock-skew-minor" | "tz-slip-suspect" | "long-delay" | "date-future"
        | "date-header-offset" | "clock-known-wrong" => TIMES,
        "date-invalid"
        | "weekday-mismatch"
        | "tz-comment-mismatch"
        | "id-clock-mismatch"
        | "software-anachronism"
        | "format-nonconforming"
        | "ip-invalid"
        | "ip-nonroutable-public-hop"
        | "build-clock-mismatch"
        | "nul-in-header" => WORDS,
        "chain-break" | "chain-breaks" | "received-misplaced" | "duplicate-hop" | "mail-loop"
        | "hop-count-high" | "received-cloned" | "queue-id-reuse" | "double-ip" => CHAIN,
        "direct-to-mx"
        | "helo-ip-mismatch"
        | "helo-is-recipients-name"
        | "helo-is-providers-name"
        | "rdns-not-confirmed"
        | "spf-client-mismatch" => CLIENT,
        "tls-downgrade-vs-baseline" | "auth-cleartext" => OTHER,
        "provider-hop-missing"
        | "auth-user-from-mismatch"
        | "envelope-conflict"
        | "origin-header-conflict"
        | "dmarc-fail-recorded"
        | "dkim-not-aligned" => SENDER,
        "dkim-body-mismatch"
        | "recorded-pass-body-mismatch"
        | "recorded-fail-body-fits"
        | "arc-body-mismatch" => BODY,
        "dkim-length-partial"
        | "dkim-from-not-signed"
        | "dkim-field-not-covered"
        | "dkim-signed-after-receipt" => SIGNATURE,
        "authres-untrusted" | "arc-structure-invalid" | "arc-cv-fail" => RECORDED,
        _ => "",
    }
}
