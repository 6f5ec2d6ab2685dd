//! The names of charsets, as mail writes them: the one table of what each is read as.
//!
//! WHATWG labels come first (`encoding_rs` holds them), then this table: IANA aliases, code pages of Windows, DOS and
//! the Macintosh, and spellings in use. Names are compared without case, without all that is no letter or digit,
//! without a leading `x`, and without what follows a `:`, so that `ISO_8859-1:1987`, `x-cp1251` and `windows_1252` need
//! no rows.

use encoding_rs::Encoding;

use super::bytes::trim;
use super::codepages as pages;
use super::iso2022::Set;

/// How a charset is read.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Utf8,
    Ascii,
    Utf16,
    Utf32,
    Utf7,
    /// Escapes and shifts in seven bits: ISO-2022 with the set that a bare shift-out means.
    Iso2022(Set),
    /// Shift codes in seven bits: HZ (RFC 1843).
    Hz,
    /// The upper half, 128 characters.
    Table(&'static str),
    Web(&'static Encoding),
}

/// What a label names; `None` when nobody knows it.
pub(crate) fn kind(label: &[u8]) -> Option<Kind> {
    let label = trim(label);
    if label.eq_ignore_ascii_case(b"utf-8") || label.eq_ignore_ascii_case(b"utf8") {
        return Some(Kind::Utf8);
    }
    if label.eq_ignore_ascii_case(b"us-ascii") {
        return Some(Kind::Ascii);
    }
    if label.len() > LONGEST {
        return None;
    }
    let mut buffer = [0u8; LONGEST];
    let name = plain(label, &mut buffer);
    let text = std::str::from_utf8(name).unwrap_or_default();
    // Names that the web reads as something else than mail means by them.
    if let Some((_, kind)) = FIRST.iter().find(|(names, _)| names.contains(&text)) {
        return Some(*kind);
    }
    if let Some(web) = Encoding::for_label_no_replacement(label) {
        return Some(if web == encoding_rs::UTF_8 { Kind::Utf8 } else { Kind::Web(web) });
    }
    if let Some((_, kind)) = MORE.iter().find(|(names, _)| names.contains(&text)) {
        return Some(*kind);
    }
    by_number(text)
}

/// Longest name that is looked up.
const LONGEST: usize = 64;

/// A label as the table writes it.
fn plain<'a>(label: &[u8], buffer: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let label = label.split(|b| *b == b':').next().unwrap_or_default();
    let label = match label {
        [b'x' | b'X', b'-' | b'_', rest @ ..] => rest,
        _ => label,
    };
    let kept = label.iter().filter(|b| b.is_ascii_alphanumeric());
    let mut len = 0usize;
    for (to, from) in buffer.iter_mut().zip(kept) {
        *to = from.to_ascii_lowercase();
        len = len.saturating_add(1);
    }
    super::bytes::part(buffer, 0..len)
}

type Rows = &'static [(&'static [&'static str], Kind)];

const FIRST: Rows = &[
    (
        &[
            "usascii",
            "ascii",
            "ansix341968",
            "ansix341986",
            "iso646us",
            "iso646",
            "iso646irv",
            "us",
            "isoir6",
            "646",
        ],
        Kind::Ascii,
    ),
    (&["csascii", "cp367", "ibm367", "cp20127", "7bit", "usascii7"], Kind::Ascii),
    (&["utf16", "unicode", "ucs2", "iso10646ucs2", "csunicode", "csutf16", "iso10646"], Kind::Utf16),
    (&["utf7", "unicode11utf7", "unicode20utf7", "csutf7", "cp65000"], Kind::Utf7),
    (&["iso2022jp", "csiso2022jp"], Kind::Iso2022(Set::Kana)),
    (&["iso2022kr", "csiso2022kr"], Kind::Iso2022(Set::Korean)),
    (&["iso2022cn", "iso2022cnext", "csiso2022cn", "csiso2022cnext"], Kind::Iso2022(Set::Chinese)),
    (&["hzgb2312", "hz"], Kind::Hz),
];

const MORE: Rows = &[
    // Unicode.
    (&["utf8", "csutf8", "cp65001", "utf8mb4", "utf8mac", "utf8bom", "utf8n", "utf88bit"], Kind::Utf8),
    (
        &["utf32", "ucs4", "iso10646ucs4", "csucs4", "csutf32", "utf32be", "utf32le", "ucs4be", "ucs4le"],
        Kind::Utf32,
    ),
    // Japanese.
    (
        &[
            "iso2022jp1",
            "iso2022jp2",
            "csiso2022jp2",
            "iso2022jp3",
            "iso2022jp2004",
            "iso2022jpms",
            "iso2022jpext",
        ],
        Kind::Iso2022(Set::Kana),
    ),
    (
        &[
            "cp50220",
            "cp50221",
            "cp50222",
            "50220",
            "50221",
            "50222",
            "cp50220raw",
            "jis",
            "jis7",
            "jis8",
            "junet",
        ],
        Kind::Iso2022(Set::Kana),
    ),
    (&["iso2022", "iso2022jp8", "iso2022jp7", "windows50220", "windows50221"], Kind::Iso2022(Set::Kana)),
    (
        &[
            "cp932",
            "932",
            "ms932",
            "mscp932",
            "windows932",
            "windows31j",
            "cswindows31j",
            "sjisjp",
            "sjiswin",
            "cp943",
        ],
        Kind::Web(encoding_rs::SHIFT_JIS),
    ),
    (
        &[
            "ibm932",
            "ibm943",
            "ibm942",
            "cp943c",
            "shiftjisx0213",
            "shiftjis2004",
            "sjisopen",
            "macjapanese",
            "cp10001",
        ],
        Kind::Web(encoding_rs::SHIFT_JIS),
    ),
    (
        &[
            "eucjp",
            "ujis",
            "eucjpms",
            "eucjpwin",
            "cp51932",
            "cp20932",
            "eucjp2004",
            "eucjisx0213",
            "eucj",
            "cseucjp",
        ],
        Kind::Web(encoding_rs::EUC_JP),
    ),
    // Korean.
    (&["cp50225", "iso2022kr7"], Kind::Iso2022(Set::Korean)),
    (
        &[
            "uhc",
            "cp949",
            "949",
            "ms949",
            "windows949",
            "ksc5601",
            "ksc56011992",
            "ksc560187",
            "ksc56011989",
            "cp51949",
        ],
        Kind::Web(encoding_rs::EUC_KR),
    ),
    (
        &[
            "ksc",
            "kscs5601",
            "ksx1001",
            "ksc5601199",
            "euckr",
            "ibm949",
            "cp970",
            "ibm970",
            "mskorean",
            "hangul",
        ],
        Kind::Web(encoding_rs::EUC_KR),
    ),
    (&["mackorean", "cp10003", "ko", "kokr", "euckrkr", "kcs5601"], Kind::Web(encoding_rs::EUC_KR)),
    // Chinese.
    (&["cp50227", "cp50229"], Kind::Iso2022(Set::Chinese)),
    (&["cp52936"], Kind::Hz),
    (
        &[
            "cp936",
            "936",
            "ms936",
            "windows936",
            "gbk18030",
            "gbk2312",
            "cp1386",
            "ibm1386",
            "gb13000",
            "zhcngbk",
        ],
        Kind::Web(encoding_rs::GBK),
    ),
    (
        &[
            "gb",
            "cngb",
            "gb231280",
            "gb23121980",
            "euccn",
            "cneuc",
            "eucgb2312cn",
            "gb2312cn",
            "cp51936",
            "gb2312gbk",
        ],
        Kind::Web(encoding_rs::GB18030),
    ),
    (
        &[
            "cp54936",
            "gb180302000",
            "gb180302005",
            "zhcngb2312",
            "chinesegb2312",
            "macchinesesimp",
            "cp10008",
        ],
        Kind::Web(encoding_rs::GB18030),
    ),
    (
        &[
            "cp950",
            "950",
            "ms950",
            "mscp950",
            "windows950",
            "big5eten",
            "big5hkscs2004",
            "big5hkscs1999",
            "cp951",
            "big",
        ],
        Kind::Web(encoding_rs::BIG5),
    ),
    (
        &[
            "zhtwbig5",
            "chinesebig5",
            "big5plus",
            "big5e",
            "big5tw",
            "cnbig5big5",
            "macchinesetrad",
            "cp10002",
            "xbig5",
        ],
        Kind::Web(encoding_rs::BIG5),
    ),
    // Latin and other letters: what numbers do not tell (see `by_number`).
    (
        &[
            "latin",
            "isolatin1",
            "iso8859",
            "8859",
            "ansi",
            "msansi",
            "windows31latin1",
            "latin1windows",
            "winlatin1",
        ],
        Kind::Web(encoding_rs::WINDOWS_1252),
    ),
    (
        &["iso88591windows31latin1", "cswindows31latin1", "westerneuropean"],
        Kind::Web(encoding_rs::WINDOWS_1252),
    ),
    (&["msee", "isolatin2", "winlatin2"], Kind::Web(encoding_rs::WINDOWS_1250)),
    (&["mscyrl", "win", "windowscyrillic"], Kind::Web(encoding_rs::WINDOWS_1251)),
    (&["msgreek"], Kind::Web(encoding_rs::WINDOWS_1253)),
    (&["msturk"], Kind::Web(encoding_rs::WINDOWS_1254)),
    (&["mshebr", "windowshebrew", "isohebrew"], Kind::Web(encoding_rs::WINDOWS_1255)),
    (&["msarab"], Kind::Web(encoding_rs::WINDOWS_1256)),
    (&["winbaltrim"], Kind::Web(encoding_rs::WINDOWS_1257)),
    (&["latin0", "latin9", "isolatin9", "isolatin0"], Kind::Web(encoding_rs::ISO_8859_15)),
    (&["isoir179", "baltic"], Kind::Web(encoding_rs::ISO_8859_13)),
    (&["isoir203"], Kind::Web(encoding_rs::ISO_8859_15)),
    (
        &["isoir166", "cp874", "874", "ms874", "ibm874", "tis620", "tis6200", "tis62025330"],
        Kind::Web(encoding_rs::WINDOWS_874),
    ),
    (&["tis62025331", "tis62029", "thai", "thth", "cp1162", "cstis620"], Kind::Web(encoding_rs::WINDOWS_874)),
    (
        &["koi8", "koi", "koi8r", "cp878", "cp20866", "20866", "cskoi8r", "koi8rus"],
        Kind::Web(encoding_rs::KOI8_R),
    ),
    (&["koi8u", "koi8ru", "cp21866", "21866", "cskoi8u"], Kind::Web(encoding_rs::KOI8_U)),
    (
        &["macroman", "macintosh", "cp10000", "10000", "appleroman", "macosroman"],
        Kind::Web(encoding_rs::MACINTOSH),
    ),
    (&["maccyrillic", "macukrainian", "cp10007", "cp10017"], Kind::Web(encoding_rs::X_MAC_CYRILLIC)),
    // The Macintosh and others that no crate has.
    (&["maccentraleurope", "macce", "maclatin2", "maccenteuro", "cp10029"], Kind::Table(pages::MAC_LATIN2)),
    (&["macgreek", "cp10006"], Kind::Table(pages::MAC_GREEK)),
    (&["macturkish", "cp10081"], Kind::Table(pages::MAC_TURKISH)),
    (&["maciceland", "macicelandic", "cp10079"], Kind::Table(pages::MAC_ICELAND)),
    (&["maccroatian", "cp10082"], Kind::Table(pages::MAC_CROATIAN)),
    (&["macromanian", "macromania", "cp10010"], Kind::Table(pages::MAC_ROMANIAN)),
    (&["hproman8", "roman8", "r8", "cshproman8", "cp1051", "ibm1051"], Kind::Table(pages::HP_ROMAN8)),
    (&["koi8t"], Kind::Table(pages::KOI8_T)),
    (&["kz1048", "strk10482002", "rk1048", "cskz1048"], Kind::Table(pages::KZ1048)),
    (&["ptcp154", "csptcp154", "pt154", "cp154", "cyrillicasian"], Kind::Table(pages::PTCP154)),
];

/// Names that are a family and a number: code pages and the parts of ISO 8859.
fn by_number(name: &str) -> Option<Kind> {
    const PAGES: &[&str] = &[
        "cp",
        "ibm",
        "windows",
        "win",
        "dos",
        "oem",
        "pc",
        "codepage",
        "ms",
        "mscp",
        "ansi",
        "wincp",
        "cspc",
        "msdos",
        "wcp",
        "cpwindows",
        "pccp",
        "ibmcp",
        "cspcp",
        "csibm",
        "windowscp",
        "cswindows",
    ];
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (family, number) = name.split_at_checked(digits)?;
    if (family.is_empty() || PAGES.contains(&family))
        && let Some(kind) = page(number)
    {
        return Some(kind);
    }
    match name {
        "cspc8codepage437" => return Some(Kind::Table(pages::CP437)),
        "cspc850multilingual" => return Some(Kind::Table(pages::CP850)),
        "cspc775baltic" => return Some(Kind::Table(pages::CP775)),
        "cspc862latinhebrew" => return Some(Kind::Table(pages::CP862)),
        "ccsid00858" | "pcmultilingual850euro" => return Some(Kind::Table(pages::CP858)),
        _ => {}
    }
    let iso = match (family, number) {
        ("iso" | "is" | "isoiec" | "iso8859" | "", n) => n.strip_prefix("8859"),
        ("latin" | "l" | "isolatin" | "csisolatin", "5") => Some("9"),
        ("latin" | "l" | "isolatin" | "csisolatin", "6") => Some("10"),
        ("latin" | "l" | "isolatin" | "csisolatin", "7") => Some("13"),
        ("latin" | "l" | "isolatin" | "csisolatin", "8") => Some("14"),
        ("latin" | "l" | "isolatin" | "csisolatin", "9") => Some("15"),
        ("latin" | "l" | "isolatin" | "csisolatin", "10") => Some("16"),
        ("latin" | "l" | "isolatin" | "csisolatin", n @ ("1" | "2" | "3" | "4")) => Some(n),
        _ => None,
    };
    let part = iso?;
    let label = format!("iso-8859-{part}");
    Encoding::for_label_no_replacement(label.as_bytes()).map(Kind::Web)
}

/// A code page by its number.
#[expect(clippy::match_same_arms, reason = "a table, in the order of its numbers")]
fn page(number: &str) -> Option<Kind> {
    Some(match number {
        "437" => Kind::Table(pages::CP437),
        "720" => Kind::Table(pages::CP720),
        "737" => Kind::Table(pages::CP737),
        "775" => Kind::Table(pages::CP775),
        "819" => Kind::Web(encoding_rs::WINDOWS_1252),
        "850" => Kind::Table(pages::CP850),
        "852" => Kind::Table(pages::CP852),
        "855" => Kind::Table(pages::CP855),
        "856" => Kind::Table(pages::CP856),
        "857" => Kind::Table(pages::CP857),
        "858" | "00858" => Kind::Table(pages::CP858),
        "860" => Kind::Table(pages::CP860),
        "861" => Kind::Table(pages::CP861),
        "862" => Kind::Table(pages::CP862),
        "863" => Kind::Table(pages::CP863),
        "864" => Kind::Table(pages::CP864),
        "865" => Kind::Table(pages::CP865),
        "866" => Kind::Web(encoding_rs::IBM866),
        "869" => Kind::Table(pages::CP869),
        "912" => Kind::Web(encoding_rs::ISO_8859_2),
        "915" => Kind::Web(encoding_rs::ISO_8859_5),
        "920" => Kind::Web(encoding_rs::WINDOWS_1254),
        "923" => Kind::Web(encoding_rs::ISO_8859_15),
        "874" => Kind::Web(encoding_rs::WINDOWS_874),
        "932" => Kind::Web(encoding_rs::SHIFT_JIS),
        "936" => Kind::Web(encoding_rs::GBK),
        "949" => Kind::Web(encoding_rs::EUC_KR),
        "950" => Kind::Web(encoding_rs::BIG5),
        "1125" => Kind::Table(pages::CP1125),
        "1250" => Kind::Web(encoding_rs::WINDOWS_1250),
        "1251" => Kind::Web(encoding_rs::WINDOWS_1251),
        "1252" => Kind::Web(encoding_rs::WINDOWS_1252),
        "1253" => Kind::Web(encoding_rs::WINDOWS_1253),
        "1254" => Kind::Web(encoding_rs::WINDOWS_1254),
        "1255" => Kind::Web(encoding_rs::WINDOWS_1255),
        "1256" => Kind::Web(encoding_rs::WINDOWS_1256),
        "1257" => Kind::Web(encoding_rs::WINDOWS_1257),
        "1258" => Kind::Web(encoding_rs::WINDOWS_1258),
        // Microsoft's numbers of ISO 8859.
        "28591" => Kind::Web(encoding_rs::WINDOWS_1252),
        "28592" => Kind::Web(encoding_rs::ISO_8859_2),
        "28593" => Kind::Web(encoding_rs::ISO_8859_3),
        "28594" => Kind::Web(encoding_rs::ISO_8859_4),
        "28595" => Kind::Web(encoding_rs::ISO_8859_5),
        "28596" => Kind::Web(encoding_rs::ISO_8859_6),
        "28597" => Kind::Web(encoding_rs::ISO_8859_7),
        "28598" | "38598" => Kind::Web(encoding_rs::ISO_8859_8),
        "28599" => Kind::Web(encoding_rs::WINDOWS_1254),
        "28603" => Kind::Web(encoding_rs::ISO_8859_13),
        "28605" => Kind::Web(encoding_rs::ISO_8859_15),
        "28606" => Kind::Web(encoding_rs::ISO_8859_16),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
