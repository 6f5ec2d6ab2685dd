//! Items as lines of a table, JSON or CSV.

use crate::catalog::{Catalog, Row};
use crate::export::item::{self, Extra, Teller};
use crate::export::manifest::{csv_head, csv_row};
use crate::facts::Role;
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
    schema: &'static str,
    line: Vec<u8>,
    subject_width: usize,
    any: bool,
}

/// Columns of the id, the date and the sender.
const ID: usize = 24;
const DATE: usize = 20;
const FROM: usize = 32;

impl<'a> Printer<'a> {
    pub(super) fn new(catalog: &'a Catalog, form: Form, schema: &'static str) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(132usize);
        let subject_width = columns.saturating_sub(ID + DATE + FROM + 6).max(24);
        let teller = Teller::new(catalog);
        Self { catalog, teller, form, schema, line: Vec::with_capacity(4096), subject_width, any: false }
    }

    /// Prints one item; `snippet` is text around a match.
    pub(super) fn print(
        &mut self,
        row: &Row<'_>,
        snippet: Option<&Snippet>,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let first = !self.any;
        self.any = true;
        match self.form {
            Form::Json => {
                let told = self.teller.tell(row)?;
                self.line.clear();
                let snippet = snippet.map(|s| (s.text.as_str(), s.part.as_str()));
                let extra = Extra { schema: self.schema, snippet, ..Extra::default() };
                item::write(&mut self.line, row, &told, &extra);
                self.line.push(b'\n');
                out.bytes(&self.line)?;
            }
            Form::Csv => {
                if first {
                    out.bytes(csv_head().as_bytes())?;
                }
                let told = self.teller.tell(row)?;
                out.bytes(csv_row(row, &told, None).as_bytes())?;
            }
            Form::Table => {
                if first {
                    let head = [pad("ITEM", ID), pad("DATE (UTC)", DATE), pad("FROM", FROM)];
                    out.line(&format!("{}  SUBJECT", head.join("  ")))?;
                }
                let id = self.catalog.item_id(row).to_string();
                // `?` in place of `Z`: the zone is not known.
                let date = row.date().map_or_else(
                    || "undated".to_owned(),
                    |at| rfc3339_marked(UtcSecs(at).cut(), row.zone().is_some(), "?"),
                );
                let people = row.people_in(self.catalog, &[Role::From])?;
                let from = people.first();
                // The real address is always shown; the display name only where there is room.
                let from = from.map(|p| {
                    if p.name.is_empty() {
                        p.address.to_string()
                    } else {
                        format!("{} <{}>", p.address, p.name)
                    }
                });
                let from = fit(from.as_deref().unwrap_or("-"), FROM);
                let subject = fit(row.subject().unwrap_or("-"), self.subject_width);
                out.line(&format!(
                    "{}  {}  {}  {subject}",
                    pad(&id, ID),
                    pad(&date, DATE),
                    pad(&from, FROM)
                ))?;
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
