//! Header fields of parts: words for the index, and beside those of the message what a part protects (RFC 9788).

use super::parts::Reader;
use super::{AddressFact, Mailbox, Zone, people};
use crate::parse::known::Known;
use crate::parse::mime::Part;
use crate::parse::{address, value};
use crate::types::{Anomaly, AnomalyKind, ByteRange};

impl Reader<'_, '_> {
    /// Reads the fields of a part that are none of MIME. All of them are words of the header. Where the part is the
    /// payload of a signature or of encryption, its subject and its people are found beside those of the message.
    pub(crate) fn protected(&mut self, index: usize, part: &Part) {
        let from = self.text.text.len();
        for (_, name, range) in &part.fields {
            let place = ByteRange::of_usize(range.start, range.end);
            let bytes = |range: &std::ops::Range<usize>| self.message.get(range.clone()).unwrap_or_default();
            crate::parse::charset::push_lossy(bytes(name), &mut self.text.text);
            self.text.text.push_str(": ");
            value::text(bytes(range), place, self.context, &mut self.text.text, &mut Vec::new());
            self.text.text.push('\n');
        }
        self.text.close(Zone::Header, from);
        if !self.is_payload(part) {
            return;
        }
        for (known, _, range) in &part.fields {
            let place = ByteRange::of_usize(range.start, range.end);
            let bytes = self.message.get(range.clone()).unwrap_or_default();
            let differs = match known {
                Known::Subject => self.subject(bytes, place),
                known => people::role(*known).is_some_and(|role| self.people(bytes, place, role)),
            };
            if differs {
                let detail = format!("part {}", self.path(index));
                self.facts
                    .anomalies
                    .push(Anomaly::at(AnomalyKind::ProtectedHeaderDiffers, place).with(detail));
            }
        }
    }

    /// Whether a part is what a signature or encryption is about: it says so (RFC 9788 section 2.1, and the parameter
    /// of drafts before it), or lies in a signed multipart.
    fn is_payload(&self, part: &Part) -> bool {
        let says = |name: &str| part.parameters.token(name).is_some();
        let above = part.parent.and_then(|parent| self.parts.get(parent));
        says("hp")
            || says("protected-headers")
            || above.is_some_and(|above| {
                matches!(above.content_type.as_str(), "multipart/signed" | "multipart/encrypted")
            })
    }

    /// Adds a subject; answers whether it is another than that of the message.
    fn subject(&mut self, bytes: &[u8], place: ByteRange) -> bool {
        let mut text = String::new();
        value::text(bytes, place, self.context, &mut text, &mut self.facts.anomalies);
        if self.facts.subject.as_ref().is_some_and(|outer| outer.text == text) {
            return false;
        }
        super::text::push(&text, Zone::Subject, self.text);
        true
    }

    /// Adds the people of a field that are not among those of the message; answers whether there are any.
    fn people(&mut self, bytes: &[u8], place: ByteRange, role: super::Role) -> bool {
        let all = address::addresses(bytes, place, self.context, &mut self.facts.anomalies);
        let mut differs = false;
        for a in all {
            let mailbox = Mailbox { name: a.name, address: a.address };
            let same = |outer: &Mailbox| {
                outer.address.eq_ignore_ascii_case(&mailbox.address)
                    && (mailbox.name.is_empty() || outer.name == mailbox.name)
            };
            if !self.facts.in_role(role).any(same) {
                self.facts.addresses.push(AddressFact { role, mailbox, at: place });
                differs = true;
            }
        }
        differs
    }
}

/// The fields of a message that a part protects and that differ from its own: the part, the name of the field, its text
/// decoded.
pub fn protected_fields(message: &[u8]) -> Vec<(String, String, String)> {
    // A quick look: such a part is signed or encrypted, or says so.
    let says = |word: &[u8]| memchr::memmem::find(message, word).is_some();
    if !says(b"signed") && !says(b"encrypted") && !says(b"hp=") && !says(b"protected-headers") {
        return Vec::new();
    }
    let told = super::derive::first(message).anomalies;
    let differ = told.into_iter().filter(|a| a.kind == AnomalyKind::ProtectedHeaderDiffers);
    let fields = differ.filter_map(|a| {
        let place = a.at?;
        let mut text = String::new();
        value::text(place.of(message)?, place, value::Context::default(), &mut text, &mut Vec::new());
        let before = message.get(..usize::try_from(place.start()).ok()?)?;
        let line = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let name = String::from_utf8_lossy(line).trim_end_matches([':', ' ', '\t']).to_owned();
        Some((a.detail.as_deref().unwrap_or_default().to_owned(), name, text))
    });
    fields.collect()
}
