//! Conditions on people: a whole address, a domain, a local part, or words of a name or address.

use super::Language;
use super::parser::{Form, Term};
use super::plan::{Plan, term};
use super::problem::{QueryError, QueryProblem};
use super::{idn, words};
use crate::facts::Role;
use crate::index::schema::{self, Words, kind};
use crate::index::{Lookup, TermPattern};

/// A host name with a dot in it, or a domain: `example.org`, `.example.org`.
pub(super) fn is_host(text: &str) -> bool {
    let mut labels = text.trim_start_matches('.').trim_end_matches('.').split('.');
    let plain = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let last = labels.next_back().unwrap_or_default();
    let rest: Vec<_> = labels.collect();
    !rest.is_empty()
        && rest.iter().all(|l| plain(l))
        && plain(last)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

/// A host name in all spellings that may stand in a message.
pub(super) fn spellings(host: &str, language: Language) -> Vec<String> {
    let mut out = vec![host.to_owned()];
    if language == Language::Two {
        let lower = host.to_lowercase();
        if lower != host && !host.is_ascii() {
            out.push(lower);
        }
        out.extend(idn::other(host));
    }
    out
}

fn domain_of(role: Role, domain: &str) -> Lookup {
    Lookup::Prefix(term(|t| schema::domain_term(t, role, domain.trim_matches('.'))))
}

/// All addresses of a role with this local part.
fn local(role: Role, local: &str) -> Lookup {
    Lookup::Ending(
        vec![kind::ADDRESS, schema::role_byte(role)],
        format!("@{}", local.to_ascii_lowercase()).into_bytes(),
    )
}

/// The pattern of an address with wildcards on the terms of addresses: host backwards, `@`, local part.
fn pattern(local: &str, domain: &str) -> Result<TermPattern, String> {
    let part = |text: &str| {
        text.chars().fold(String::new(), |mut out, c| {
            match c {
                '*' => out.push_str(".*"),
                '?' => out.push('.'),
                c => out.push_str(&regex::escape(&c.to_string())),
            }
            out
        })
    };
    let mut labels = String::new();
    for label in domain.trim_matches('.').rsplit('.') {
        let label = part(label);
        // A lone `*` may stand for several labels, or for none where the domain itself is meant.
        labels += &label;
        if label != ".*" {
            labels += "\\.";
        }
    }
    TermPattern::regex(&format!("^{labels}@{}$", part(local)))
}

/// Adds what finds people in some roles.
pub(super) fn people(plan: &mut Plan, asked_for: &Term, roles: &[Role]) -> Result<(), QueryError> {
    let language = asked_for.language;
    let places: Vec<_> = roles.iter().map(|&role| (Words::People, Some(role))).collect();
    if !matches!(asked_for.form, Form::Plain | Form::Quoted) {
        plan.sure = words::lookups(&words::ways(asked_for)?, &places);
        return Ok(());
    }
    let value = asked_for.value.strip_prefix("*@").map_or(asked_for.value.clone(), |d| format!("@{d}"));
    if language == Language::One {
        return old(plan, &Term { value, ..asked_for.clone() }, roles);
    }
    let bare = value.trim_start_matches('<').trim_end_matches('>').trim_start_matches("mailto:");
    let is_several = bare.contains(['@']) && bare.contains([',', ';']) && !asked_for.quoted();
    if is_several {
        let all = bare.split([',', ';']).filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" OR ");
        let (what, instead) =
            ("several addresses in one value".to_owned(), format!("{}:({all})", asked_for.field.name));
        return Err(QueryError::at(asked_for.at, QueryProblem::WriteInstead { what, instead }));
    }
    let is_pattern = bare.contains('*');
    match bare.rsplit_once('@').filter(|_| !bare.contains(char::is_whitespace)) {
        Some(("", domain)) if !domain.is_empty() && !is_pattern => {
            for host in spellings(domain, language) {
                plan.sure.extend(roles.iter().map(|&role| domain_of(role, &host)));
            }
        }
        Some((of, "")) if !of.is_empty() && !is_pattern => {
            plan.sure.extend(roles.iter().map(|&role| local(role, of)));
        }
        Some((of, domain)) if is_pattern => {
            let domain = if domain.is_empty() { "*" } else { domain };
            let of = if of.is_empty() { "*" } else { of };
            let built = pattern(of, domain)
                .map_err(|why| QueryError::at(asked_for.at, QueryProblem::Pattern(why)))?;
            let head = |role| vec![kind::ADDRESS, schema::role_byte(role)];
            plan.sure.extend(roles.iter().map(|&role| Lookup::Fitting(head(role), built.clone())));
        }
        Some((of, domain)) if !of.is_empty() => {
            for host in spellings(domain, language) {
                let address = format!("{of}@{host}");
                let one = |&role: &Role| Lookup::Term(term(|t| schema::address_term(t, role, &address)));
                plan.sure.extend(roles.iter().map(one));
            }
        }
        None if !is_pattern && !asked_for.quoted() && is_host(bare) => {
            for host in spellings(bare, language) {
                plan.sure.extend(roles.iter().map(|&role| domain_of(role, &host)));
            }
            // `ann.smith` has the form of a host name. Where no address is there, it is meant as a local part or a
            // name.
            plan.else_.extend(roles.iter().map(|&role| local(role, bare)));
            plan.else_.extend(words::lookups(&words::ways(asked_for)?, &places));
        }
        None => {
            let inner = Term { value: bare.to_owned(), ..asked_for.clone() };
            super::plan::in_words(plan, &inner, &places)?;
        }
        // An `@` with nothing beside it holds no word.
        Some(_) => return Err(QueryError::at(asked_for.at, QueryProblem::NoWord)),
    }
    Ok(())
}

/// As language 1 has it.
fn old(plan: &mut Plan, asked_for: &Term, roles: &[Role]) -> Result<(), QueryError> {
    let (text, open) = super::plan::open(asked_for)?;
    let bare = text.trim_start_matches('<').trim_end_matches('>');
    for &role in roles {
        match bare.rsplit_once('@') {
            Some(("", domain)) if !open && !domain.is_empty() => plan.sure.push(domain_of(role, domain)),
            Some((_, domain)) if !open && !domain.is_empty() && !bare.contains(char::is_whitespace) => {
                plan.sure.push(Lookup::Term(term(|t| schema::address_term(t, role, bare))));
            }
            None if !open && !asked_for.quoted() && is_host(bare) => plan.sure.push(domain_of(role, bare)),
            _ => {
                let value = if open { format!("{bare}*") } else { bare.to_owned() };
                let ways = words::ways(&Term { value, ..asked_for.clone() })?;
                plan.sure.extend(words::lookups(&ways, &[(Words::People, Some(role))]));
            }
        }
    }
    Ok(())
}
