//! One item of the case that the command line names.

use crate::case::recorded_catalog;
use crate::catalog::{Catalog, Row};
use crate::store::Reader;
use crate::view::find_item;

use super::context::Context;
use super::failure::Failure;

/// Calls `then` with the row of an item.
pub(super) fn with_row<T>(
    context: &Context,
    id: &str,
    then: impl FnOnce(&Reader, &Catalog, &Row<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = recorded_catalog(context.case()?)?;
    find_item(&catalog, id, |row| then(&reader, &catalog, row))
}
