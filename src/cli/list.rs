//! `list`: all items in the order of the ledger.

use std::ops::ControlFlow;

use crate::catalog::Catalog;
use crate::store::Reader;
use crate::types::ItemKey;

use super::args::ListArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::rows::{Form, Printer};

pub(super) fn run(context: &Context, args: &ListArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = Catalog::open(&reader.layout().catalog())?;
    let mut printer = Printer::new(&catalog, Form::of(context.json, args.csv), "mailtrail.item/1");
    let mut left = args.limit.unwrap_or(usize::MAX);
    catalog.range(ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX >> 1), |row| {
        if left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        left -= 1;
        printer.print(row, None, out)?;
        Ok::<_, Failure>(ControlFlow::Continue(()))
    })?;
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}
