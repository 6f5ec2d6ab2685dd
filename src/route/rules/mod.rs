//! What may be odd about a way, and what is worth knowing: rules with stable ids. No rule gives a verdict, and there is
//! no total.

mod addresses;
mod auth;
mod clocks;
mod forged;
mod links;
mod names;
mod people;
mod software;
mod tls;

pub use tls::is_mail;

use super::answers::Answers;
use super::recorded::Weighed;
use super::settings::Settings;
use super::trust::Drawn;
use super::{Mail, Model, Trust};
use crate::parse::received::Hop;
pub use crate::types::Severity;
use crate::types::{Anomaly, AnomalyKind, ByteRange};

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable id, as printed and searched for.
    pub id: &'static str,
    /// How much its findings weigh.
    pub severity: Severity,
    /// When it reports.
    pub when: &'static str,
    /// Innocent causes.
    pub caveat: &'static str,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The hops it is about; 0 is the newest.
    pub hops: Vec<usize>,
    /// The bytes of the message that show it.
    pub spans: Vec<ByteRange>,
    /// What was found, in our words; no text from the mail.
    pub text: String,
}

/// What the rules look at.
pub(super) struct Way<'a> {
    pub(super) mail: &'a Mail<'a>,
    pub(super) settings: &'a Settings,
    pub(super) drawn: &'a Drawn,
    pub(super) delays: &'a [Option<i64>],
    pub(super) clocks: &'a Model,
    pub(super) answers: &'a Answers,
    pub(super) auth: &'a Weighed,
    names: Vec<Names>,
    breaks: Vec<(usize, usize)>,
}

/// What a hop calls server and client, in lower case without a final dot; empty where it does not.
#[derive(Default)]
struct Names {
    by: String,
    helo: String,
    rdns: String,
    from: String,
}

impl<'a> Way<'a> {
    pub(super) fn new(
        mail: &'a Mail<'a>,
        settings: &'a Settings,
        drawn: &'a Drawn,
        delays: &'a [Option<i64>],
        clocks: &'a Model,
        answers: &'a Answers,
        auth: &'a Weighed,
    ) -> Self {
        let names_of = |hop: &Hop| Names {
            by: mail.lower(hop.by),
            helo: mail.lower(hop.helo),
            rdns: mail.lower(hop.rdns),
            from: mail.lower(hop.from),
        };
        let names = mail.facts.hops.iter().map(names_of).collect();
        let mut way =
            Self { mail, settings, drawn, delays, clocks, answers, auth, names, breaks: Vec::new() };
        way.breaks = links::breaks(&way);
        way
    }

    fn names(&self, at: usize) -> &Names {
        const NONE: &Names =
            &Names { by: String::new(), helo: String::new(), rdns: String::new(), from: String::new() };
        self.names.get(at).unwrap_or(NONE)
    }

    fn hops(&self) -> &'a [Hop] {
        &self.mail.facts.hops
    }

    /// All hops with their places, newest first.
    fn each(&self) -> impl Iterator<Item = (usize, &'a Hop)> {
        self.hops().iter().enumerate()
    }

    fn trust(&self, at: usize) -> Trust {
        self.drawn.trust.get(at).copied().unwrap_or(Trust::Claimed)
    }

    /// Anomalies of one kind that stand in a hop.
    fn noted(&self, kind: AnomalyKind) -> impl Iterator<Item = (usize, &'a Anomaly)> {
        let hops = self.hops();
        self.mail.facts.anomalies.iter().filter(move |a| a.kind == kind).filter_map(move |anomaly| {
            let at = anomaly.at?;
            // Hops stand in the order of the file.
            let place = hops.partition_point(|hop| hop.at.end() <= at.start());
            hops.get(place).filter(|hop| hop.at.start() <= at.start()).map(|_| (place, anomaly))
        })
    }
}

/// Collects findings of one rule.
struct Report<'a> {
    rule: &'static Rule,
    out: &'a mut Vec<Finding>,
}

/// Most findings of one rule about one message; the last says so.
const MOST: usize = 100;

impl Report<'_> {
    fn add(
        &mut self,
        hops: &[usize],
        spans: impl IntoIterator<Item = Option<ByteRange>>,
        text: impl Into<String>,
    ) {
        let mine = self.out.iter().rev().take_while(|f| f.rule.id == self.rule.id).count();
        if mine > MOST {
            return;
        }
        let text = if mine == MOST { "more of the same are not listed".to_owned() } else { text.into() };
        let spans = spans.into_iter().flatten().collect();
        self.out.push(Finding { rule: self.rule, hops: hops.to_vec(), spans, text });
    }
}

type Check = fn(&Way<'_>, &mut Report<'_>);

macro_rules! rules {
    ($( $id:literal $severity:ident $check:path, $when:literal, $caveat:literal; )*) => {
        /// All rules that need nothing but one message and the settings, in the order in which they report.
        pub const RULES: &[Rule] = &[ $( Rule { id: $id, severity: Severity::$severity, when: $when, caveat: $caveat } ),* ];
        const CHECKS: &[Check] = &[ $( $check ),* ];
    };
}

rules! {
    "time-reversal" Notice clocks::time_reversal, "A newer hop says it was more than 300 s earlier than the next older one, by the times as they are written.", "Servers with wrong clocks, common in old mail; what the case shows of the clocks stands beside the delay.";
    "clock-known-wrong" Info clocks::known_wrong, "Attested votes of the case show that a relay's clock is wrong; delays are shown as they stand and corrected.", "Clocks and zones that nobody set. Votes say how a machine's clock went in other messages, not that this message is as it was.";
    "clock-skew-minor" Info clocks::clock_skew_minor, "A newer hop says it was 2 to 300 s earlier than the next older one.", "Ordinary clocks differ by minutes.";
    "tz-slip-suspect" Info clocks::tz_slip, "The time between two hops is within 2 minutes of a multiple of 30 minutes, at least one hour, and runs backwards.", "A server with a wrong zone, or at a change to daylight saving time.";
    "long-delay" Info clocks::long_delay, "A step took over an hour.", "Greylisting, queues, mailing lists, mail fetched later.";
    "date-future" Strong clocks::date_future, "A hop's date is later than the seizure (`trust set --acquired`), or than the year 2100 where none was set.", "A server or the seizing machine with a wrong clock.";
    "date-invalid" Notice clocks::date_invalid, "A hop's date holds what no calendar, clock or zone has, or a 12-hour clock; nothing was guessed.", "Home-made mail programs.";
    "date-missing" Info clocks::date_missing, "A hop has no date.", "Some programs write none, against RFC 5321 section 4.4.";
    "weekday-mismatch" Strong clocks::weekday, "The day of the week in a hop is not that of its date.", "Home-made programs that write a fixed day. A year such as 0102 has no day of the week here: `date-invalid`.";
    "tz-comment-mismatch" Notice clocks::zone_comment, "The zone named in a comment is not that of the offset.", "Servers with local settings; abbreviations mean several zones.";
    "date-header-offset" Notice clocks::date_header, "The Date header is over 3 hours from the oldest dated hop.", "Wrong clocks at the author's, mail written off-line, drafts sent later.";
    "id-clock-mismatch" Strong clocks::id_clock, "The time in the queue id of a hop over the network is not that of the hop, nor the same in local time: over 5 minutes later or 2 hours earlier (sendmail: 24 hours).", "A message put into the queue again keeps its id; a program may give ids of its own in the same form.";
    "software-anachronism" Strong software::anachronism, "A hop names a version, cipher or keyword that did not exist at its date.", "A server whose clock stands years back.";
    "format-nonconforming" Notice software::nonconforming, "A hop names a server program but is not built as that program builds it.", "Gateways that rewrite headers; patched servers.";
    "chain-break" Info links::chain_break, "The server of the older hop is not the client of the newer one: neither name, address nor organisation fits.", "Renamed clusters, address translation, gateways.";
    "chain-breaks" Strong links::chain_breaks, "Two or more breaks in the chain.", "Several gateways or renamed clusters on one way.";
    "received-misplaced" Notice links::misplaced, "A Received field stands below two or more fields that the author's program writes.", "Gateways that rebuild the header.";
    "duplicate-hop" Notice links::duplicate, "The same hop stands twice, byte for byte.", "Mail put in again.";
    "mail-loop" Notice links::mail_loop, "The same server took the message from the same client three times or more.", "Forwarding loops; filters on one machine.";
    "no-received" Info links::no_received, "The message has no hop.", "Ordinary in folders of sent mail and drafts.";
    "hop-count-high" Notice links::many, "Over 25 hops.", "Mailing lists that feed each other.";
    "unparsed-hop" Info links::unparsed, "A hop that could not be read; it is kept and shown.", "Rare programs.";
    "direct-to-mx" Notice links::direct, "One hop over the network only: the author's machine spoke to the recipient's server itself.", "Printers, monitoring, small senders.";
    "mail-fetch-hop" Info links::fetch, "The message was fetched from a mailbox (POP3, IMAP); the boundary is drawn below.", "-";
    "internal-filter-hop" Info links::filter, "A filter on the same machine.", "-";
    "webmail-submission" Info links::webmail, "Handed in through a web page.", "-";
    "resubmission" Info links::resubmission, "Put in again by a server of the same provider.", "-";
    "ip-invalid" Strong addresses::invalid, "An address literal is no address; it was not repaired.", "Headers that somebody made anonymous.";
    "ip-nonroutable-public-hop" Notice addresses::nonroutable, "A server saw a client at an address that nobody on the Internet has.", "Laboratories and teaching material.";
    "double-ip" Notice addresses::double, "Client and server go by bare addresses, without a name: `from [192.0.2.1] by 192.0.2.2`.", "Containers, filters and proxies that are set up without names.";
    "private-lan-leak" Info addresses::lan, "The oldest hop tells an address of an inner network.", "A lead, not an oddity.";
    "helo-ip-mismatch" Notice addresses::helo_ip, "The client called itself by an address outside the /16 of the one the server saw.", "Clients behind address translation with a public name.";
    "origin-header-conflict" Notice addresses::origin, "A header field names another sender's address than any hop.", "Such fields can be written by any sender; providers write them from other logs.";
    "helo-generic" Info names::helo_generic, "The client called itself by a name that many machines have.", "Home and office machines.";
    "helo-rdns-mismatch" Info names::helo_rdns, "Name and reverse name of the client are of two organisations.", "Ordinary for shared hosting.";
    "helo-is-recipients-name" Strong names::is_recipients, "The client at the boundary gave this server's own name, or one of the recipient's, and its address and reverse name are not of these.", "Machines set up from a copied configuration; relays of the recipient that no setting names.";
    "helo-is-providers-name" Notice names::is_providers, "A client outside of its network gave a large provider's name; its reverse name is another's.", "Forwarders and gateways that keep the provider's name; machines that a provider lets to others.";
    "rdns-none" Info names::rdns_none, "The server found no name for the client's address.", "Common for small senders and old mail.";
    "rdns-not-confirmed" Notice names::rdns_not_confirmed, "The server found that reverse and forward name of the client do not fit.", "Badly kept DNS.";
    "provider-hop-missing" Strong people::provider_missing, "The author's address is at a large provider, but no hop and no signature is of it.", "Mailing lists and forwarders that rewrite headers; sending with another address.";
    "auth-user-from-mismatch" Notice people::user_from, "The field says that the client had signed in under a name of which domain or local part is neither the author's nor the envelope sender's.", "Shared relays, account numbers, several addresses of one person.";
    "rcpt-not-in-headers" Info people::recipient, "A hop's `for` is in none of To, Cc, Bcc.", "Blind copies, lists, forwarding.";
    "envelope-conflict" Info people::envelope, "A hop's envelope sender is of another domain than the Return-Path.", "Forwarders and lists that rewrite the envelope.";
    "authres-untrusted" Info auth::untrusted, "An Authentication-Results field is not of the recipient's servers, or stands where they do not write; its pass is no pass.", "Every forwarded message.";
    "dmarc-fail-recorded" Notice auth::dmarc_fail, "A server of the recipient recorded dmarc=fail.", "Mailing lists and forwarders break signature and SPF of honest mail.";
    "spf-client-mismatch" Notice auth::spf_client, "What a server of the recipient recorded of SPF names another client than the one that the hop of the boundary saw.", "The boundary is drawn at another server than the one that asked; checks behind a relay.";
    "dkim-body-mismatch" Notice auth::body_mismatch, "The hash of a DKIM signature fits the body in no reading that only undoes how it is stored.", "Mailing lists that put a footer in, filters that encode anew; `auth` names what explains it.";
    "recorded-pass-body-mismatch" Strong auth::pass_body_mismatch, "A server of the recipient recorded that a DKIM signature holds, but its hash does not fit the body now.", "Programs behind that server that change mail: lists, virus scanners, banners for outside mail.";
    "recorded-fail-body-fits" Notice auth::fail_body_fits, "A server of the recipient recorded that the hash of the body does not fit, but it fits the body as it is stored.", "A filter before that server whose change was undone later.";
    "dkim-length-partial" Notice auth::length, "A DKIM signature leaves the end of the body uncovered (l=), and there is more: anything may have been put there.", "Senders who expected lists to add a footer.";
    "dkim-from-not-signed" Notice auth::from_unsigned, "A DKIM signature does not cover From (RFC 6376 section 5.4).", "Badly set up signers.";
    "dkim-field-not-covered" Notice auth::field_uncovered, "A field that may stand once stands more often than a DKIM signature covers it: one may have been put in after signing.", "Programs that write a field twice.";
    "dkim-signed-after-receipt" Notice auth::signed_late, "A DKIM signature was made over five minutes after the message's own time, by its t=.", "Wrong clocks; a list that signs behind the newest hop.";
    "dkim-expired-at-receipt" Info auth::expired, "A DKIM signature had expired at the message's own time, by its x=.", "Mail that waited in queues; wrong clocks.";
    "dkim-weak" Info auth::weak, "A DKIM signature by rsa-sha1 or an RSA key below 1024 bits; neither counts any more (RFC 8301).", "To be judged by its time: ordinary until about 2013.";
    "dkim-invalid" Info auth::invalid, "A DKIM-Signature field is not in the form of the standard, so that no verifier can use it.", "Signers with errors; fields that were cut off.";
    "dkim-not-aligned" Info auth::unaligned, "There are DKIM signatures, but none of the organisation of the From address.", "Senders for hire, mailing lists, hosting without a key of one's own.";
    "arc-structure-invalid" Notice people::arc, "The ARC sets of the message are not numbered or sealed as RFC 8617 wants.", "Servers that drop some of the fields.";
    "arc-cv-fail" Notice auth::arc_fail, "The newest ARC seal says that the chain below it was broken (cv=fail).", "Lists that change the body between two seals.";
    "arc-body-mismatch" Notice auth::arc_body, "The hash of the newest ARC message signature fits the body in no reading that only undoes how it is stored.", "Lists that seal before they put a footer in.";
    "cleartext-hop" Info tls::cleartext, "A step over the public Internet without a sign of encryption. Absence of a sign is not proof.", "Programs that do not write it down.";
    "auth-cleartext" Notice tls::auth_cleartext, "The field says that the client had signed in, and nothing of encryption, or that there was none.", "Programs that do not write it down.";
    "weak-tls" Info tls::weak, "Encryption that was or has become weak: SSL, TLS 1.0 and 1.1, RC4, DES, export ciphers, under 128 bits.", "To be judged by its time.";
    "nul-in-header" Notice links::nul, "A NUL byte stands in the header block.", "Damaged storage.";
}

/// Ids of earlier versions, with those that stand for the same rule now.
pub const OLD_IDS: &[(&str, &str)] = &[
    ("helo-impersonates-recipient", "helo-is-recipients-name"),
    ("helo-impersonates-provider", "helo-is-providers-name"),
    ("rdns-forged", "rdns-not-confirmed"),
];

/// The id that a rule has now.
pub fn present_id(id: &str) -> &str {
    OLD_IDS.iter().find(|(old, _)| *old == id).map_or(id, |(_, now)| now)
}

/// The rule with this id, or with one that it had before.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == present_id(id))
}

/// Rules about the truth of a hop's own words: a claim about which one of them reports is disputed. What a client is
/// called, how it signed in, or what the rest of the chain says, makes no hop untrue.
const DISPUTING: &[&str] =
    &["date-future", "weekday-mismatch", "id-clock-mismatch", "software-anachronism", "ip-invalid"];

impl Rule {
    /// Whether it speaks about the truth of the hops that it names.
    pub fn disputes(&self) -> bool {
        DISPUTING.contains(&self.id)
    }

    /// How often it reported on the mail that was measured; for rules across messages that nothing was.
    pub fn measured(&self) -> String {
        if RULES.iter().any(|rule| rule.id == self.id) {
            super::rates::measured(self.id)
        } else {
            "not, since it needs settings of the recipient's side".to_owned()
        }
    }

    /// What else would show if the header had been made up; empty for rules that only describe.
    pub fn forged(&self) -> &'static str {
        forged::shows(self.id)
    }
}

/// Applies all rules.
pub(super) fn all(way: &Way<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for (rule, check) in RULES.iter().zip(CHECKS) {
        check(way, &mut Report { rule, out: &mut out });
    }
    out
}
