//! Words near one another: both sides become places of the same fields.

use super::fields::FieldKind;
use super::parser::{Node, Op, Term};
use super::problem::{QueryError, QueryProblem};
use super::words::{self, bare};
use crate::index::schema::Words;
use crate::index::{Located, Lookup};

/// The first term below a node of NEAR.
fn first(node: &Node) -> Option<&Term> {
    match &node.op {
        Op::Term(term) => Some(term),
        Op::Or(parts) => parts.first().and_then(first),
        Op::Near { left, .. } => first(left),
        _ => None,
    }
}

/// What a part of NEAR stands for; all its terms are of the field of `of`.
fn located(node: &Node, of: &Term, written: &str) -> Result<Located, QueryError> {
    let refused = || QueryError::at(node.at, QueryProblem::NearFields(written.to_owned()));
    match &node.op {
        Op::Term(term) if term.field.name == of.field.name && term.header.is_none() => {
            let mut ways: Vec<Located> = words::ways(term)?.iter().map(words::Way::located).collect();
            Ok(if ways.len() == 1 { ways.swap_remove(0) } else { Located::Any(ways) })
        }
        Op::Or(parts) => {
            Ok(Located::Any(parts.iter().map(|part| located(part, of, written)).collect::<Result<_, _>>()?))
        }
        Op::Near { left, right, distance, ordered, written } => Ok(Located::Near {
            left: Box::new(located(left, of, written)?),
            right: Box::new(located(right, of, written)?),
            distance: *distance,
            ordered: *ordered,
        }),
        _ => Err(refused()),
    }
}

/// The lookups of a node of NEAR; `anywhere` lets words without a field look everywhere.
pub(super) fn lookups(node: &Node, anywhere: bool) -> Result<Vec<Lookup>, QueryError> {
    let written = match &node.op {
        Op::Near { written, .. } => written.as_str(),
        _ => "NEAR",
    };
    let refused = || QueryError::at(node.at, QueryProblem::NearFields(written.to_owned()));
    let of = first(node).ok_or_else(refused)?;
    let mut places = match of.field.kind {
        FieldKind::Text | FieldKind::Any => bare(),
        FieldKind::Words(fields) => fields.iter().map(|&field| (field, None)).collect(),
        FieldKind::Header => vec![(Words::Header, None)],
        FieldKind::People(roles) => roles.iter().map(|&role| (Words::People, Some(role))).collect(),
        _ => return Err(refused()),
    };
    if of.field.kind == FieldKind::Any || (anywhere && of.field.kind == FieldKind::Text) {
        places.push((Words::Header, None));
    }
    let what = located(node, of, written)?;
    Ok(places.into_iter().map(|(field, role)| Lookup::Located(field, role, what.clone())).collect())
}
