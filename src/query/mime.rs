//! Stated types of attachments: whole, of a kind, or by the ending that their names have.

use super::parser::Term;
use super::plan::{Plan, as_value, term};
use super::problem::{QueryError, QueryProblem};
use crate::index::schema::{self, Words, kind};
use crate::index::{Located, Lookup, TermPattern, asked};

/// Endings, and the types by which such files are sent.
const ENDINGS: &[(&str, &[&str])] = &[
    ("pdf", &["application/pdf", "application/x-pdf"]),
    ("doc", &["application/msword", "application/x-msword"]),
    ("docx", &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"]),
    ("xls", &["application/vnd.ms-excel", "application/x-excel", "application/msexcel"]),
    ("xlsx", &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]),
    ("ppt", &["application/vnd.ms-powerpoint", "application/mspowerpoint"]),
    ("pptx", &["application/vnd.openxmlformats-officedocument.presentationml.presentation"]),
    ("odt", &["application/vnd.oasis.opendocument.text"]),
    ("ods", &["application/vnd.oasis.opendocument.spreadsheet"]),
    ("rtf", &["application/rtf", "text/rtf", "text/richtext"]),
    ("csv", &["text/csv"]),
    ("txt", &["text/plain"]),
    ("html", &["text/html"]),
    ("xml", &["text/xml", "application/xml"]),
    ("ics", &["text/calendar"]),
    ("vcf", &["text/vcard", "text/x-vcard"]),
    ("zip", &["application/zip", "application/x-zip-compressed", "application/x-zip"]),
    ("7z", &["application/x-7z-compressed"]),
    ("gz", &["application/gzip", "application/x-gzip"]),
    ("tar", &["application/x-tar"]),
    ("rar", &["application/vnd.rar", "application/x-rar-compressed"]),
    ("exe", &["application/x-msdownload", "application/x-dosexec", "application/x-msdos-program"]),
    ("eml", &["message/rfc822"]),
    ("msg", &["application/vnd.ms-outlook"]),
    ("p7m", &["application/pkcs7-mime", "application/x-pkcs7-mime"]),
    ("p7s", &["application/pkcs7-signature", "application/x-pkcs7-signature"]),
    ("jpg", &["image/jpeg", "image/jpg", "image/pjpeg"]),
    ("jpeg", &["image/jpeg", "image/jpg", "image/pjpeg"]),
    ("png", &["image/png"]),
    ("gif", &["image/gif"]),
    ("tif", &["image/tiff"]),
    ("bmp", &["image/bmp", "image/x-ms-bmp"]),
    ("mp3", &["audio/mpeg", "audio/mp3"]),
    ("wav", &["audio/wav", "audio/x-wav"]),
    ("mp4", &["video/mp4"]),
];

/// Kinds that stand before the slash.
const KINDS: &[&str] =
    &["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"];

/// Adds what finds attachments of a type.
pub(super) fn types(plan: &mut Plan, asked_for: &Term) -> Result<(), QueryError> {
    let value = as_value(asked_for)?.to_ascii_lowercase();
    let value = value.trim_start_matches('.');
    let typed = |text: &str| term(|t| schema::text_term(t, kind::TYPE, text.as_bytes()));
    if value.contains('/') {
        match value.strip_suffix('*') {
            Some(head) if !head.contains('*') => plan.sure.push(Lookup::Prefix(typed(head))),
            None if !value.contains('*') => plan.sure.push(Lookup::Term(typed(value))),
            _ => {
                let pattern = regex::escape(value).replace("\\*", ".*");
                let built = TermPattern::regex(&format!("^{pattern}$"))
                    .map_err(|why| QueryError::at(asked_for.at, QueryProblem::Pattern(why)))?;
                plan.sure.push(Lookup::Fitting(vec![kind::TYPE], built));
            }
        }
        return Ok(());
    }
    let head = value.strip_suffix('*').unwrap_or(value);
    if KINDS.contains(&head) {
        plan.sure.push(Lookup::Prefix(typed(&format!("{head}/"))));
        return Ok(());
    }
    let Some((_, types)) = ENDINGS.iter().find(|(ending, _)| *ending == value) else {
        let wanted = "application/pdf, image/*, image, or an ending such as pdf, docx, xls, zip, jpg; other endings are \
                      words of the name: attachment:ending";
        return Err(QueryError::at(
            asked_for.at,
            QueryProblem::Value { field: asked_for.field.name, wanted },
        ));
    };
    plan.sure.extend(types.iter().map(|one| Lookup::Term(typed(one))));
    // Many programs send everything as application/octet-stream: then the name alone tells.
    plan.sure.push(Lookup::Located(Words::Name, None, Located::phrase(&asked(value), false)));
    Ok(())
}
