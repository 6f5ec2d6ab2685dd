//! Rules about people: authors, users, recipients, and who vouches.

use super::{Report, Way};
use crate::facts::Role;
use crate::parse::dkim::TagList;
use crate::parse::known::Known;
use crate::parse::received::Auth;
use crate::route::names::{organisation, provider};
use crate::types::ByteRange;

fn domain(address: &str) -> Option<String> {
    address
        .rsplit_once('@')
        .map(|(_, host)| host.trim_end_matches(['>', '.']).to_ascii_lowercase())
        .filter(|host| !host.is_empty())
}

/// Providers whose users' mail carries a hop or a signature of theirs.
const SIGNING: &[&str] = &["google", "yahoo", "microsoft", "apple"];

pub(super) fn provider_missing(way: &Way<'_>, report: &mut Report<'_>) {
    let Some(from) = way.mail.facts.in_role(Role::From).next() else { return };
    let Some(theirs) =
        domain(&from.address).as_deref().and_then(provider).filter(|name| SIGNING.contains(name))
    else {
        return;
    };
    if way.hops().is_empty() {
        return;
    }
    let hop = way.each().any(|(at, hop)| {
        let names = way.names(at);
        let mut all = [&names.by, &names.helo, &names.rdns, &names.from].into_iter();
        all.any(|name| provider(name) == Some(theirs)) || hop.family == "gmail" && theirs == "google"
    });
    let signed = way.mail.header.fields.iter().any(|field| {
        matches!(field.known, Known::DkimSignature | Known::DomainKeySignature | Known::ArcMessageSignature)
            && TagList::read(field.value, 0).plain(b"d").is_some_and(|value| provider(&value) == Some(theirs))
    });
    let list = way
        .mail
        .header
        .fields
        .iter()
        .any(|field| field.name.len() > 5 && field.name[..5].eq_ignore_ascii_case(b"list-"));
    if !hop && !signed && !list {
        report.add(&[], [], "the author's provider took no part that could be seen");
    }
}

/// Local part, without what follows a plus sign, and domain; the domain is empty where there is none.
fn account(user: &str) -> (String, String) {
    let user = user.rsplit_once('\\').map_or(user, |(_, user)| user);
    let (local, host) = user.rsplit_once('@').unwrap_or((user, ""));
    let local = local.split('+').next().unwrap_or_default();
    (local.to_ascii_lowercase(), host.trim_end_matches(['>', '.']).to_ascii_lowercase())
}

pub(super) fn user_from(way: &Way<'_>, report: &mut Report<'_>) {
    let role = |role| matches!(role, Role::From | Role::Sender | Role::ReturnPath | Role::ResentFrom);
    let authors: Vec<(String, String)> = way
        .mail
        .facts
        .addresses
        .iter()
        .filter(|a| role(a.role) && a.mailbox.address.contains('@'))
        .map(|a| account(&a.mailbox.address))
        .collect();
    for (at, hop) in way.each().filter(|(_, hop)| hop.auth == Auth::Sasl && hop.user != hop.ident) {
        let (local, host) = account(&way.mail.lower(hop.user));
        if local.is_empty() || authors.is_empty() {
            continue;
        }
        let envelope = Some(account(&way.mail.lower(hop.envelope_from))).filter(|(_, host)| !host.is_empty());
        let all = || authors.iter().chain(&envelope);
        let own = |host: &str| organisation(host).unwrap_or(host).to_owned();
        let is_host = |author: &&(String, String)| host.is_empty() || own(&author.1) == own(&host);
        if !all().any(|author| is_host(&author)) {
            report.add(&[at], [hop.user], "the domain of the user is not the author's");
        } else if !all().filter(is_host).any(|(author, _)| *author == local) {
            report.add(&[at], [hop.user], "the name of the user is not the author's");
        }
    }
}

pub(super) fn recipient(way: &Way<'_>, report: &mut Report<'_>) {
    let named: Vec<String> = way
        .mail
        .facts
        .addresses
        .iter()
        .filter(|a| matches!(a.role, Role::To | Role::Cc | Role::Bcc | Role::ResentTo))
        .map(|a| a.mailbox.address.to_ascii_lowercase())
        .collect();
    if named.is_empty() {
        return;
    }
    for (at, hop) in way.each() {
        if !way.mail.bytes(hop.for_).contains(&b'@') {
            continue;
        }
        let wanted = way.mail.lower(hop.for_);
        if !named.contains(&wanted) {
            report.add(&[at], [hop.for_], "in none of To, Cc, Bcc");
        }
    }
}

pub(super) fn envelope(way: &Way<'_>, report: &mut Report<'_>) {
    let Some(path) = way.mail.facts.in_role(Role::ReturnPath).next().and_then(|m| domain(&m.address)) else {
        return;
    };
    for (at, hop) in way.each() {
        if let Some(sender) = domain(&way.mail.lower(hop.envelope_from))
            && organisation(&sender) != organisation(&path)
        {
            report.add(&[at], [hop.envelope_from], "not the domain of the Return-Path");
        }
    }
}

pub(super) fn arc(way: &Way<'_>, report: &mut Report<'_>) {
    let mut seals: Vec<(u32, String, ByteRange)> = Vec::new();
    let mut others = [Vec::new(), Vec::new()];
    for field in &way.mail.header.fields {
        let is_result = field.name.eq_ignore_ascii_case(b"arc-authentication-results");
        if !is_result && !matches!(field.known, Known::ArcSeal | Known::ArcMessageSignature) {
            continue;
        }
        let tags = TagList::read(field.value, 0);
        let number = tags
            .plain(b"i")
            .and_then(|i| i.split(|c: char| !c.is_ascii_digit()).next().and_then(|i| i.parse().ok()));
        if field.known == Known::ArcSeal {
            seals.push((number.unwrap_or(0), tags.plain(b"cv").unwrap_or_default(), field.value_at));
        } else if field.known == Known::ArcMessageSignature {
            others[0].push(number.unwrap_or(0));
        } else {
            others[1].push(number.unwrap_or(0));
        }
    }
    if seals.is_empty() && others.iter().all(Vec::is_empty) {
        return;
    }
    seals.sort_by_key(|&(i, _, _)| i);
    let spans = || seals.iter().map(|&(_, _, at)| Some(at)).collect::<Vec<_>>();
    let whole: Vec<u32> = (1..).take(seals.len()).collect();
    let mut numbers: Vec<Vec<u32>> = vec![seals.iter().map(|&(i, _, _)| i).collect()];
    for mut list in others {
        list.sort_unstable();
        numbers.push(list);
    }
    if seals.len() > 50 {
        report.add(&[], spans(), "over 50 sets");
    } else if numbers.iter().any(|list| *list != whole) {
        report.add(&[], spans(), "the sets are not whole and numbered from 1");
    }
    for (i, cv, at) in &seals {
        let right = if *i == 1 { cv == "none" } else { cv == "pass" };
        if !right {
            report.add(
                &[],
                [Some(*at)],
                format!("set {i} must have cv={}", if *i == 1 { "none" } else { "pass" }),
            );
        }
    }
}
