//! An export: a new folder with the mail, its attachments, the manifests, and `SHA256SUMS` over all of it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Row};
use crate::store::Reader;
use crate::types::digest::HashingWriter;
use crate::types::text::file_name;
use crate::types::{ItemKey, Sha256Digest};

use super::item::{Extra, Teller, Told};
use super::manifest::{self, LedgerHead, Totals};
use super::{ExportError, item, message};

/// Form of the mail in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One file for each message, un-escaped by the container's rule.
    Eml,
    /// One file for each slice as found in the container.
    Raw,
    /// All messages in one mboxrd file.
    Mbox,
}

impl Form {
    /// The word of the manifest.
    pub fn code(self) -> &'static str {
        match self {
            Self::Eml => "eml",
            Self::Raw => "raw",
            Self::Mbox => "mbox",
        }
    }
}

/// What to write.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The items, in the order of the manifest.
    pub keys: &'a [ItemKey],
    /// The query that found them, for the manifest.
    pub query: &'a str,
    /// Form of the mail.
    pub form: Form,
    /// Whether attachments are written too.
    pub attachments: bool,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Totals.
    pub totals: Totals,
    /// Items whose bytes, or an attachment of which, could not be written, with the reason.
    pub failed: Vec<(String, String)>,
    /// Digest of `manifest.jsonl`.
    pub manifest: Option<Sha256Digest>,
}

/// Files of an export with their digests.
struct Sums {
    to: PathBuf,
    lines: Vec<(String, Sha256Digest)>,
}

/// A file of an export that is being written.
struct Summed {
    name: String,
    path: PathBuf,
    out: HashingWriter<BufWriter<File>>,
}

impl Summed {
    fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.out.write_all(bytes).map_err(|source| ExportError::Io { path: self.path.clone(), source })
    }
}

impl Sums {
    fn create(&self, name: &str) -> Result<Summed, ExportError> {
        let path = self.to.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| ExportError::Io { path: path.clone(), source })?;
        let out = BufWriter::with_capacity(64 * 1024, file);
        Ok(Summed { name: name.to_owned(), path, out: HashingWriter::new(out) })
    }

    fn close(&mut self, mut file: Summed) -> Result<(Sha256Digest, u64), ExportError> {
        file.out.flush().map_err(|source| ExportError::Io { path: file.path.clone(), source })?;
        let digest = file.out.hash.finish();
        self.lines.push((file.name, digest));
        Ok((digest, file.out.bytes))
    }
}

/// Writes an export into the folder `to`, which must not exist or be empty, and not lie inside the case.
/// `provenance` makes the file of what differs from run to run, when the digest of the manifest and all that failed is known.
///
/// # Errors
/// [`ExportError::Exists`], [`ExportError::InsideCase`], [`ExportError::Io`], [`ExportError::Store`],
/// [`ExportError::Catalog`]. An item whose bytes cannot be read is told in [`Written::failed`].
pub fn write(
    reader: &Reader,
    catalog: &Catalog,
    order: &Order<'_>,
    to: &Path,
    provenance: impl FnOnce(&Sha256Digest, &[(String, String)]) -> Vec<u8>,
) -> Result<Written, ExportError> {
    prepare(reader, to, order)?;
    let mut sums = Sums { to: to.to_owned(), lines: Vec::new() };
    let mut written = Written::default();
    let mut lines = Vec::new();
    let mut csv = manifest::csv_head();
    let teller = Teller::new(catalog);
    let mut mbox = if order.form == Form::Mbox { Some(sums.create("mail.mbox")?) } else { None };
    let width = order.keys.len().to_string().len().max(6);
    let mut number = 0;
    catalog.each(order.keys.iter().copied(), |row| -> Result<(), ExportError> {
        number += 1;
        let told = teller.tell(row)?;
        let file =
            match mail(reader, catalog, row, &told, order.form, &mut sums, mbox.as_mut(), number, width) {
                Ok(file) => Some(file),
                Err(error) if error.is_of_one_item() => {
                    written.failed.push((told.id.to_string(), said(&error)));
                    None
                }
                Err(error) => return Err(error),
            };
        let totals = &mut written.totals;
        totals.items += 1;
        totals.children += u64::from(row.part().is_some());
        totals.undated += u64::from(row.date().is_none());
        if let Some(file) = &file {
            totals.bytes += file.size;
        }
        if order.attachments && !told.attachments.is_empty() && file.is_some() {
            let mut fail = |error: ExportError| written.failed.push((told.id.to_string(), said(&error)));
            totals.attachments +=
                attachments(reader, catalog, row, &told, &mut sums, number, width, &mut fail)?;
        }
        let shown = file.as_ref().map(|f| (f.name.as_str(), f.rule, f.size, f.sha256.as_str()));
        let extra = Extra { schema: manifest::SCHEMA, file: shown, ..Extra::default() };
        item::write(&mut lines, row, &told, &extra);
        lines.push(b'\n');
        csv.push_str(&manifest::csv_row(row, &told, shown));
        Ok(())
    })?;
    if let Some(mbox) = mbox {
        sums.close(mbox)?;
    }
    let mut file = sums.create("manifest.jsonl")?;
    let ledger = LedgerHead::read(reader)?;
    file.put(&manifest::head(order.query, order.form.code(), &written.totals, &ledger))?;
    file.put(&lines)?;
    let (digest, _) = sums.close(file)?;
    written.manifest = Some(digest);
    let provenance = provenance(&digest, &written.failed);
    for (name, content) in [("manifest.csv", csv.into_bytes()), ("provenance.json", provenance)] {
        let mut file = sums.create(name)?;
        file.put(&content)?;
        sums.close(file)?;
    }
    sum_file(&mut sums)?;
    Ok(written)
}

fn prepare(reader: &Reader, to: &Path, order: &Order<'_>) -> Result<(), ExportError> {
    let io = |source| ExportError::Io { path: to.to_owned(), source };
    let absolute = std::path::absolute(to).map_err(io)?;
    let real = |path: &Path| path.ancestors().find_map(|up| fs::canonicalize(up).ok());
    let case = fs::canonicalize(reader.layout().root()).map_err(io)?;
    if real(&absolute).is_some_and(|up| up.starts_with(&case)) {
        return Err(ExportError::InsideCase { path: to.to_owned() });
    }
    if to.exists() && fs::read_dir(to).map_err(io)?.next().is_some() {
        return Err(ExportError::Exists { path: to.to_owned() });
    }
    fs::create_dir_all(to).map_err(io)?;
    if order.form != Form::Mbox {
        fs::create_dir(to.join("mail")).map_err(io)?;
    }
    if order.attachments {
        fs::create_dir(to.join("attachments")).map_err(io)?;
    }
    Ok(())
}

/// A file of mail as the manifest tells it.
struct MailFile {
    name: String,
    rule: &'static str,
    size: u64,
    sha256: String,
}

/// Writes the mail of one item.
#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
fn mail(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    told: &Told,
    form: Form,
    sums: &mut Sums,
    mbox: Option<&mut Summed>,
    number: usize,
    width: usize,
) -> Result<MailFile, ExportError> {
    let rule = if form == Form::Raw { "none" } else { row.rule().code() };
    if let Some(mbox) = mbox {
        let message = message::message(reader, catalog, row)?;
        let sha256 = Sha256Digest::of(&message).to_string();
        mbox_entry(mbox, &message)?;
        return Ok(MailFile { name: "mail.mbox".to_owned(), rule, size: message.len() as u64, sha256 });
    }
    let id = told.id.to_string().replace('/', "_");
    let name = format!("mail/{number:0width$}-{id}.eml");
    let bytes = match form {
        Form::Raw => message::raw(reader, catalog, row),
        _ => message::message(reader, catalog, row),
    };
    let (digest, size) = match bytes {
        Ok(bytes) => {
            let mut file = sums.create(&name)?;
            file.put(&bytes)?;
            sums.close(file)?
        }
        // Too long for memory: copied as it is stored, which is the message when the rule changes nothing.
        Err(ExportError::Store(crate::store::StoreError::TooLong { .. })) => {
            let mut file = sums.create(&name)?;
            if let Err(error) = message::copy_raw(reader, catalog, row, &mut file.out) {
                // What is there is not what was asked for, and no line would name it.
                fs::remove_file(&file.path).unwrap_or_default();
                return Err(error);
            }
            let (digest, size) = sums.close(file)?;
            return Ok(MailFile { name, rule: "none", size, sha256: digest.to_string() });
        }
        Err(error) => return Err(error),
    };
    Ok(MailFile { name, rule, size, sha256: digest.to_string() })
}

/// One message of an mboxrd file; the separator names nobody and no time, because none is known for sure.
fn mbox_entry(out: &mut Summed, message: &[u8]) -> Result<(), ExportError> {
    out.put(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n")?;
    for line in message.split_inclusive(|&b| b == b'\n') {
        let quotes = line.iter().take_while(|&&b| b == b'>').count();
        if line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From ")) {
            out.put(b">")?;
        }
        out.put(line)?;
    }
    if !message.ends_with(b"\n") {
        out.put(b"\n")?;
    }
    out.put(b"\n")
}

/// Writes the decoded attachments of an item; answers how many, and tells `fail` of each that cannot be had.
#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
fn attachments(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    told: &Told,
    sums: &mut Sums,
    number: usize,
    width: usize,
    fail: &mut dyn FnMut(ExportError),
) -> Result<u64, ExportError> {
    let read = match message::as_read(reader, catalog, row) {
        Ok(read) => read,
        Err(error) if error.is_of_one_item() => {
            fail(error);
            return Ok(0);
        }
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for (n, attachment) in told.attachments.iter().enumerate() {
        let bytes = match message::attachment(&read, row, n + 1, attachment) {
            Ok(bytes) => bytes,
            Err(error) => {
                fail(error);
                continue;
            }
        };
        let name = format!("attachments/{number:0width$}-{}-{}", n + 1, file_name(&attachment.name));
        let mut file = sums.create(&name)?;
        file.put(&bytes)?;
        sums.close(file)?;
        count += 1;
    }
    Ok(count)
}

/// An error and its causes in one line.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

/// Writes `SHA256SUMS`, sorted by the bytes of the names; names are ASCII without backslash by construction.
fn sum_file(sums: &mut Sums) -> Result<(), ExportError> {
    sums.lines.sort();
    let mut text = String::new();
    for (name, digest) in &sums.lines {
        text.push_str(&digest.to_string());
        text.push_str("  ");
        text.push_str(name);
        text.push('\n');
    }
    let mut file = sums.create("SHA256SUMS")?;
    file.put(text.as_bytes())?;
    file.out.flush().map_err(|source| ExportError::Io { path: file.path.clone(), source })
}
