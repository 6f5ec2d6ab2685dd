//! `--geoip`: the files of networks below a table, and on what their answers rest.

use crate::types::text::shown;
use crate::types::time::rfc3339;
use crate::view::NetworkFiles;

use super::failure::Failure;
use super::output::Out;
use super::table::pad;

/// Prints the databases and the caveat.
pub(super) fn sources(networks: &NetworkFiles, out: &mut Out) -> Result<(), Failure> {
    if networks.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line("Networks, by files given with --geoip")?;
    for (name, places) in networks.files() {
        let built = places.built.map_or_else(|| "at a time that is none".to_owned(), rfc3339);
        out.line(&format!("  {}built {built}, {}", pad(&shown(&places.kind), 24), shown(name)))?;
        out.line(&format!("  {}sha256 {}", pad("", 24), places.sha256))?;
    }
    out.line(&format!("  {}", NetworkFiles::CAVEAT))?;
    Ok(())
}
