//! One item, looked up by its id, with its bytes and its way.

use crate::catalog::{Catalog, Row};
use crate::export::message::{message, raw};
use crate::facts::derive::first;
use crate::ingest::trust;
use crate::parse::header;
use crate::route::{Chain, Mail, Model, Settings, chain_with};
use crate::store::Reader;
use crate::types::ItemId;

use super::clocks::{self, Learned};
use super::context::Context;
use super::failure::Failure;

/// Calls `then` with the row of an item.
pub(super) fn with_row<T>(
    context: &Context,
    id: &str,
    then: impl FnOnce(&Reader, &Catalog, &Row<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = Catalog::open(&reader.layout().catalog())?;
    let id: ItemId = id
        .parse()
        .map_err(|error| Failure::usage(format!("{id:?}: {error}")).hint("`mailtrail search` prints ids"))?;
    let no_item =
        || Failure::new(format!("the case has no item {id}")).hint("`mailtrail list` lists all items");
    let key = catalog.key(&id)?.ok_or_else(no_item)?;
    let (mut then, mut out) = (Some(then), None);
    catalog.each([key], |row| {
        if let Some(then) = then.take() {
            out = Some(then(&reader, &catalog, row)?);
        }
        Ok::<(), Failure>(())
    })?;
    out.ok_or_else(no_item)
}

/// What a command tells about the way of an item.
pub(super) struct Told<'a> {
    pub mail: Mail<'a>,
    pub chain: Chain,
    /// What is known of the relays' clocks, and from what.
    pub clocks: Learned,
    pub settings: &'a Settings,
    /// The custody event that made the settings.
    pub set_by: Option<u64>,
}

/// Calls `then` with the way of an item, read again from its bytes under the settings of the case.
pub(super) fn with_way<T>(
    context: &Context,
    id: &str,
    then: impl FnOnce(&Told<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_row(context, id, |reader, catalog, row| {
        let found = as_found(reader, catalog, row)?;
        with_mail(reader, catalog, row, |mail| {
            let (settings, set_by) = trust::settings(reader)?;
            let clocks = clocks::learn(reader, catalog, &mail)?;
            let chain = chain_with(&mail, found.as_deref(), &settings, &clocks.model);
            then(&Told { mail, chain, clocks, settings: &settings, set_by })
        })
    })
}

/// Calls `then` with the message of an item, read again from its bytes.
pub(super) fn with_mail<T>(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    then: impl FnOnce(Mail<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let bytes = message(reader, catalog, row)?;
    let facts = first(&bytes);
    let header = header::read(&bytes).value;
    then(Mail { message: &bytes, header: &header, facts: &facts })
}

/// The way of an item under some settings, read again from its bytes alone, as the index holds it.
pub(super) fn way_of(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    settings: &Settings,
) -> Result<Chain, Failure> {
    let found = as_found(reader, catalog, row)?;
    with_mail(reader, catalog, row, |mail| {
        Ok(chain_with(&mail, found.as_deref(), settings, &Model::default()))
    })
}

/// The slice of an item as found in its container, where quoted lines make it another than the message.
pub(super) fn as_found(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
) -> Result<Option<Vec<u8>>, Failure> {
    Ok(if row.lines() > 0 { Some(raw(reader, catalog, row)?) } else { None })
}
