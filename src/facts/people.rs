//! Addresses of a message, with the field each stands in.

use super::{AddressFact, ItemFacts, Mailbox, Role};
use crate::parse::address;
use crate::parse::header::Field;
use crate::parse::known::Known;
use crate::parse::unseen;
use crate::parse::value::Context;
use crate::types::{Anomaly, AnomalyKind};

/// The role that a field gives to its addresses.
pub(crate) fn role(known: Known) -> Option<Role> {
    Some(match known {
        Known::From => Role::From,
        Known::Sender => Role::Sender,
        Known::ReplyTo => Role::ReplyTo,
        Known::To => Role::To,
        Known::Cc => Role::Cc,
        Known::Bcc => Role::Bcc,
        Known::ReturnPath => Role::ReturnPath,
        Known::DeliveredTo | Known::XOriginalTo | Known::EnvelopeTo | Known::XEnvelopeTo => Role::DeliveredTo,
        Known::ResentFrom | Known::ResentSender => Role::ResentFrom,
        Known::ResentTo | Known::ResentCc | Known::ResentBcc => Role::ResentTo,
        _ => return None,
    })
}

/// Adds the addresses of a field.
pub(crate) fn add(field: &Field<'_>, role: Role, context: Context<'_>, facts: &mut ItemFacts) {
    let all = address::addresses(field.value, field.value_at, context, &mut facts.anomalies);
    if all.iter().any(|a| unseen::is_in(&a.name)) {
        facts.anomalies.push(Anomaly::at(AnomalyKind::InvisibleText, field.value_at));
    }
    for a in all {
        let mailbox = Mailbox { name: a.name, address: a.address };
        facts.addresses.push(AddressFact { role, mailbox, at: field.value_at });
    }
}
