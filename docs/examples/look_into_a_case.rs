//! Lists what a query finds in a case, the hops of each hit, and what does not fit in all of them, through the library
//! alone.
//!
//! `cargo run --no-default-features --example look_into_a_case -- CASE QUERY`

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::error::Error;
use std::path::Path;

use mailtrail::catalog::Catalog;
use mailtrail::index::IndexReader;
use mailtrail::query::{self, Case, Options, Order};
use mailtrail::store::Reader;
use mailtrail::types::text::shown;
use mailtrail::view::{FindingsSummary, PathView, ViewError, WayView};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(case), Some(query)) = (args.next(), args.next()) else {
        return Err("give a case and a query".into());
    };
    let reader = Reader::open(Path::new(&case))?;
    let catalog = Catalog::open(&reader.layout().catalog())?;
    let index = IndexReader::open(&reader.layout().index())?;
    let options = Options { order: Order::Oldest, ..Options::default() };
    let hits = query::search(Case { catalog: &catalog, index: &index, messages: None }, &query, &options)?;
    println!("{} of {} items answer", hits.total, index.len());
    catalog.each::<ViewError>(hits.keys.iter().copied(), |row| {
        let way = WayView::of(&reader, &catalog, row)?;
        println!("{}  {}", way.item, shown(row.subject().unwrap_or("no subject")));
        println!("    {}", PathView::of(&way).names.join(" -> "));
        for finding in &way.chain.findings {
            println!("    {} {}: {}", finding.rule.severity.code(), finding.rule.id, finding.text);
        }
        Ok(())
    })?;
    let summary = FindingsSummary::of(&reader, &catalog, &index, &query, &options)?;
    for count in &summary.rules {
        println!("{:>6} items: {}", count.items, count.rule.id);
    }
    Ok(())
}
