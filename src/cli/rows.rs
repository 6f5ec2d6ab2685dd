//! Items as lines of a table, JSON or CSV.

use std::borrow::Cow;

use crate::catalog::{Catalog, ListRow, Row};
use crate::export::item::{self, Extra, HopsTold, Teller};
use crate::export::manifest::{csv_head, csv_row};
use crate::query::Snippet;
use crate::types::time::rfc3339_marked;

use super::failure::Failure;
use super::output::Out;
use super::table::{fit, pad};

/// How items are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Table,
    /// One object a line.
    Json,
    /// Comma-separated, all cells quoted.
    Csv,
}

impl Form {
    pub(super) fn of(json: bool, csv: bool) -> Self {
        if json {
            Self::Json
        } else if csv {
            Self::Csv
        } else {
            Self::Table
        }
    }
}

/// Prints items one after the other.
pub(super) struct Printer<'a> {
    catalog: &'a Catalog,
    teller: Teller<'a>,
    form: Form,
    hops: HopsTold,
    line: Vec<u8>,
    subject_width: usize,
    any: bool,
}

/// Columns of the id, the date and the sender.
const ID: usize = 24;
const DATE: usize = 20;
const FROM: usize = 32;

impl<'a> Printer<'a> {
    /// `with_hops` is for JSON alone; CSV always has them, a table never.
    pub(super) fn new(catalog: &'a Catalog, form: Form, with_hops: bool) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(132usize);
        let subject_width = columns.saturating_sub(ID + DATE + FROM + 6).max(24);
        let hops = if with_hops { HopsTold::AllAndCounted } else { HopsTold::Counted };
        let is_brief = form == Form::Json && !with_hops;
        let teller = if is_brief { Teller::without_hops(catalog) } else { Teller::new(catalog) };
        Self { catalog, teller, form, hops, line: Vec::with_capacity(4096), subject_width, any: false }
    }

    /// Whether all that is printed stands in the list of the catalog, so that [`Self::print_listed`] will do.
    pub(super) fn is_listed(&self) -> bool {
        self.form == Form::Table
    }

    /// Prints one item as a line of the table.
    pub(super) fn print_listed(&mut self, row: &ListRow<'_>, out: &mut Out) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.any, true) {
            let head = [pad("ITEM", ID), pad("DATE (UTC)", DATE), pad("FROM", FROM)];
            out.line(&format!("{}  SUBJECT", head.join("  ")))?;
        }
        let id = self.catalog.listed_id(row).to_string();
        // `?` in place of `Z`: the zone is not known.
        let date = row.date().map_or_else(
            || "undated".to_owned(),
            |at| rfc3339_marked(UtcSecs(at).cut(), row.zone().is_some(), "?"),
        );
        // The real address is always shown; the display name only where there is room.
        let from = match row.sender() {
            None => Cow::Borrowed("-"),
            Some(("", address)) => Cow::Borrowed(address),
            Some((name, address)) => Cow::Owned(format!("{address} <{name}>")),
        };
        let from = fit(&from, FROM);
        let subject = fit(row.subject().unwrap_or("-"), self.subject_width);
        out.line(&format!("{}  {}  {}  {subject}", pad(&id, ID), pad(&date, DATE), pad(&from, FROM)))?;
        Ok(())
    }

    /// Prints one item; `snippet` is text around a match.
    pub(super) fn print(
        &mut self,
        row: &Row<'_>,
        snippet: Option<&Snippet>,
        out: &mut Out,
    ) -> Result<(), Failure> {
        match self.form {
            Form::Json => {
                let told = self.teller.tell(row)?;
                self.line.clear();
                let snippet = snippet.map(|s| (s.text.as_str(), s.part.as_str()));
                let extra =
                    Extra { schema: "mailtrail.item/2", hops: self.hops, snippet, ..Extra::default() };
                item::write(&mut self.line, row, &told, &extra);
                self.line.push(b'\n');
                out.bytes(&self.line)?;
            }
            Form::Csv => {
                if !std::mem::replace(&mut self.any, true) {
                    out.bytes(csv_head(false).as_bytes())?;
                }
                let told = self.teller.tell(row)?;
                out.bytes(csv_row(row, &told, None).as_bytes())?;
            }
            Form::Table => {
                self.print_listed(row.listed(), out)?;
                if let Some(snippet) = snippet {
                    let text = format!("{}: {}", snippet.part, snippet.text);
                    out.line(&format!("    {}", fit(&text, self.subject_width + ID + DATE + FROM)))?;
                }
            }
        }
        Ok(())
    }
}

/// An instant without its milliseconds, for a narrow column.
struct UtcSecs(crate::types::time::UtcMs);

impl UtcSecs {
    fn cut(&self) -> crate::types::time::UtcMs {
        crate::types::time::UtcMs(self.0.0.div_euclid(1000) * 1000)
    }
}
