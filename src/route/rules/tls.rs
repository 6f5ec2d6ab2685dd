//! Rules about encryption.

use super::{Report, Way};
use crate::parse::received::{Auth, HopClass, Tls};
use crate::route::answers::is_public;

/// Protocols in which a server writes down encryption when there is some.
pub fn is_mail(protocol: &str) -> bool {
    matches!(protocol, "SMTP" | "ESMTP" | "ESMTPA" | "SMTPA" | "ASMTP" | "UTF8SMTP" | "UTF8SMTPA")
}

pub(super) fn cleartext(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        if hop.tls != Tls::Evidence
            && is_mail(hop.protocol)
            && hop.class == HopClass::Network
            && is_public(hop.peer_scope, way.settings)
        {
            let text = match hop.tls {
                Tls::AssertedClear => "the server says there was no encryption",
                _ => "no sign of encryption; that is not proof of none",
            };
            report.add(&[at], [hop.with], text);
        }
    }
}

pub(super) fn auth_cleartext(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        if hop.auth == Auth::Sasl
            && hop.tls != Tls::Evidence
            && is_mail(hop.protocol)
            && is_public(hop.peer_scope, way.settings)
        {
            report.add(&[at], [hop.with, hop.user], "signed in without a sign of encryption");
        }
    }
}

pub(super) fn weak(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.tls == Tls::Evidence) {
        let cipher = String::from_utf8_lossy(way.mail.bytes(hop.tls_cipher)).to_ascii_uppercase();
        let old = matches!(hop.tls_version, "SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.0" | "TLSv1.1");
        let poor = ["RC4", "DES", "EXP", "NULL", "ADH", "AECDH"].iter().any(|word| cipher.contains(word));
        if old || poor || hop.tls_bits.is_some_and(|bits| bits > 0 && bits < 128) {
            report.add(
                &[at],
                [hop.tls_cipher],
                format!("{}{}", hop.tls_version, if poor { ", a weak cipher" } else { "" }),
            );
        }
    }
}
