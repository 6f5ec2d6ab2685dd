//! The table of anomalies: departures from a standard, seen while reading. Data, not errors.

use super::range::ByteRange;

/// How much an anomaly, or what a rule found, matters to a reader of the item; never a verdict about its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Common in honest mail; worth knowing.
    Info,
    /// Worth a look: a reading may depend on it, and innocent causes are common.
    Notice,
    /// Bytes could not be read as their headers claim, or were not read at all; of a rule: seldom innocent, not a
    /// proof.
    Strong,
}

impl Severity {
    /// The word that JSON, CSV and records hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Strong => "strong",
        }
    }

    /// The word that people are shown of what a rule found: how often honest mail does the like, no weight.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "common",
            Self::Notice => "uncommon",
            Self::Strong => "rare",
        }
    }
}

/// One departure, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// Where it stands. For facts of an item: in the item's message bytes (un-escaped by the container's rule);
    /// for what the splitter saw: in the container.
    pub at: Option<ByteRange>,
    /// What the reader must know beside the kind, such as both readings of an ambiguous length; our words, no mail
    /// text.
    pub detail: Option<Box<str>>,
}

impl Anomaly {
    /// An anomaly at a place.
    pub fn at(kind: AnomalyKind, at: ByteRange) -> Self {
        Self { kind, at: Some(at), detail: None }
    }

    /// An anomaly of the whole.
    pub fn whole(kind: AnomalyKind) -> Self {
        Self { kind, at: None, detail: None }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// What a parser made of some bytes, with everything it found odd on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The best reading of the bytes.
    pub value: T,
    /// What was odd, in the order met.
    pub anomalies: Vec<Anomaly>,
}

macro_rules! anomalies {
    ($( $name:ident, $code:literal, $severity:ident, $source:literal, $meaning:literal; )*) => {
        /// The departures we name. Each has a row in `docs/anomalies.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum AnomalyKind { $( #[doc = $meaning] $name, )* }

        impl AnomalyKind {
            /// All of them, in the order of the table.
            pub const ALL: &'static [AnomalyKind] = &[ $( AnomalyKind::$name, )* ];

            /// The code that reports and queries use; it never changes once released.
            pub fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $( Self::$name => Severity::$severity, )* }
            }

            /// The standard, or the practice, that it departs from.
            pub fn source(self) -> &'static str {
                match self { $( Self::$name => $source, )* }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }

            /// The anomaly with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $( $code => Some(Self::$name), )* _ => None }
            }
        }
    };
}

anomalies! {
    // containers (written by the splitter, kept in the ledger)
    SuspectFrom, "suspect-from", Notice, "RFC 4155 appendix A", "A line after a blank line starts with `From ` but its tail is no date; it was read as body text.";
    FromWithoutBlank, "from-without-blank", Notice, "RFC 4155 appendix A", "A full `From ` separator line stands without a blank line before it; it was read as body text.";
    SeparatorInferred, "separator-inferred", Notice, "RFC 4155 appendix A", "A `From ` line was read as a separator though it has no date, no empty line before it, or a date in a rare order; the detail says which.";
    SeparatorInMessage, "separator-in-message", Notice, "RFC 4155 appendix A", "A full `From ` separator line stands inside a message and was read as part of it: the file holds one message, or the line is that of a git patch.";
    SeparatorMissing, "separator-missing", Notice, "RFC 4155 appendix A", "The mailbox does not begin with a `From ` line.";
    ContentLengthBelieved, "content-length-believed", Info, "mboxcl2 (qmail mbox(5))", "Content-Length ends on a separator or the end, so `From ` lines inside the body were not taken for separators.";
    ContentLengthAmbiguous, "content-length-ambiguous", Notice, "mboxcl2 (qmail mbox(5))", "Content-Length and the `From ` lines give two readings; both are in the detail.";
    ContentLengthWrong, "content-length-wrong", Info, "mboxcl2 (qmail mbox(5))", "Content-Length does not end on a separator or the end and was not believed.";
    ContentLengthInvalid, "content-length-invalid", Info, "mboxcl2 (qmail mbox(5))", "Content-Length is not a number that a length can have.";
    FromQuotingAmbiguous, "from-quoting-ambiguous", Info, "qmail mbox(5)", "Lines start with `>From `: whether the writer quoted them cannot be told; one `>` was taken off.";
    MessageUnterminated, "message-unterminated", Info, "RFC 4155 appendix A", "The last message does not end in the blank line that closes it.";
    FolderInternalData, "folder-internal-data", Info, "UW imap practice", "A pseudo message in which a mail program keeps the state of the folder.";
    EmptyItem, "empty-item", Info, "RFC 5322 section 3.6", "There is no byte in the item.";
    TwoReadings, "two-readings", Notice, "mailtrail", "The bytes can be read as a message and as something else, such as an archive; they were read as the container's kind says, and the detail names the other.";
    ArchiveEntryHidden, "archive-entry-hidden", Notice, "POSIX pax, APPNOTE.TXT 4.3", "The file stands in its archive where common programs do not look: behind the end, left out of the list, or named as a folder; the detail says which.";
    ByteOrderMark, "byte-order-mark", Info, "RFC 3629 section 6", "A byte order mark stands before the first line.";
    MixedLineEnds, "mixed-line-ends", Info, "RFC 5322 section 2.1", "Lines end in LF and in CRLF.";
    SizeInNameDiffers, "size-in-name-differs", Notice, "Dovecot Maildir `S=`", "The size in the Maildir file name is not the size of the file.";
    Undelivered, "undelivered", Info, "Maildir `tmp`", "The file lies in `tmp`: its delivery was never finished.";
    Expunged, "expunged", Notice, "X-Mozilla-Status bit 0x0008", "Marked deleted in the mailbox and its bytes not yet removed; by whom and when is not recorded.";
    ItemOverParseLimit, "item-over-parse-limit", Strong, "mailtrail limit", "The item is larger than the parse limit; only its beginning was read, all of it was hashed and stored.";
    SizeAnnouncedDiffers, "size-announced-differs", Notice, "RFC 9051 section 7.5.2, RFC 1939 section 5", "The size that the server announced is not the number of octets that came; some servers guess it.";
    ChangedWhileRead, "changed-while-read", Strong, "mailtrail", "Size, times or inode of the file changed while it was read.";
    // header block
    HeaderMissing, "header-missing", Notice, "RFC 5322 section 2.2", "There is no header field at the start of the message.";
    HeaderLineWithoutColon, "header-line-without-colon", Notice, "RFC 5322 section 2.2", "A line in the header block is no field and no continuation.";
    HeaderNameInvalid, "header-name-invalid", Notice, "RFC 5322 section 2.2", "A field name holds blanks or bytes outside 33..126.";
    HeaderOverLimit, "header-over-limit", Strong, "mailtrail limit", "The header block, one field or the number of fields is over the limit; the rest is kept but not read.";
    HeaderEndMissing, "header-end-missing", Info, "RFC 5322 section 2.1", "There is no empty line after the header block.";
    NulInHeader, "nul-in-header", Notice, "RFC 5322 section 2.2", "A NUL byte stands in the header block.";
    Header8Bit, "header-8bit", Info, "RFC 6532", "A header field holds bytes over 127 that are not valid UTF-8; their charset is not stated.";
    BareCr, "bare-cr", Info, "RFC 5322 section 2.3", "A CR stands without an LF after it.";
    LongLine, "long-line", Info, "RFC 5322 section 2.1.1", "A line is longer than 998 bytes.";
    DuplicateField, "duplicate-field", Notice, "RFC 5322 section 3.6", "A field that may stand once stands more than once; all are shown, the first is used.";
    MissingFrom, "missing-from", Info, "RFC 5322 section 3.6", "There is no From field.";
    MissingDate, "missing-date", Info, "RFC 5322 section 3.6", "There is no Date field; no other time was put in its place.";
    MissingMessageId, "missing-message-id", Info, "RFC 5322 section 3.6.4", "There is no Message-ID field.";
    MessageIdInvalid, "message-id-invalid", Info, "RFC 5322 section 3.6.4", "The Message-ID is not one `<..>` token, comments aside; where there is one, it was taken.";
    AddressInvalid, "address-invalid", Notice, "RFC 5322 section 3.4", "An address field could not be read as addresses.";
    AddressForm, "address-form", Info, "RFC 5322 section 3.4", "An address stands in text that is not in the form of the standard (an unbalanced quote, text around it, a scheme, blanks that no reader sees) and was taken out of it.";
    AddressWrittenAt, "address-written-at", Info, "Mailman practice", "An address is written as `user at host`, as list archives write it against harvesters; it was read as user@host.";
    AddressInEncodedWord, "address-in-encoded-word", Notice, "RFC 2047 section 5", "An address stands inside an encoded word, where the standard has only names; it was taken out of it.";
    AddressInDisplayName, "address-in-display-name", Notice, "RFC 5322 section 3.4", "The display name holds an address other than the real one.";
    EncodedWordInvalid, "encoded-word-invalid", Info, "RFC 2047 section 2", "An encoded word that is malformed, or holds bytes that its charset does not have, is shown as it stands (what can be read of it is searchable); one whose charset is not known was read as UTF-8 where it is, else as windows-1252; one without its base64 padding, or that ends in the middle of a character, was read all the same.";
    ParameterConflict, "parameter-conflict", Notice, "RFC 2231", "Two forms of one parameter differ, such as filename and filename*, or two of one name; all can be found, the first is shown.";
    ProtectedHeaderDiffers, "protected-header-differs", Notice, "RFC 9788 section 2", "A part that is signed, or says that it protects its header, holds a field that differs from that of the message; both can be found.";
    ReceivedMisplaced, "received-misplaced", Notice, "RFC 5321 section 4.4", "A Received field stands below two or more author fields.";
    // dates
    DateUnreadable, "date-unreadable", Notice, "RFC 5322 section 3.3", "There is a date field but no date could be read from it.";
    DateInvalid, "date-invalid", Notice, "RFC 5322 section 3.3", "A day, hour, minute or second that no calendar has; nothing was guessed.";
    WeekdayMismatch, "weekday-mismatch", Notice, "RFC 5322 section 3.3", "The day of the week is not that of the date.";
    TwoDigitYear, "two-digit-year", Info, "RFC 5322 section 4.3", "The year has two or three digits; 00-49 were read as 20xx, 50-99 as 19xx, three digits as 1900 + n.";
    ZoneMissing, "zone-missing", Notice, "RFC 5322 section 3.3", "There is no zone; the time was read as if in UTC and is marked so.";
    ZoneUnknown, "zone-unknown", Notice, "RFC 5322 section 4.3", "The zone's name has no agreed offset; the time was read as if in UTC and is marked so.";
    ZoneNamed, "zone-named", Info, "RFC 5322 section 4.3", "The zone is a name of the old syntax (UT, GMT, EST ..).";
    ZoneInvalid, "zone-invalid", Notice, "RFC 5322 section 3.3", "The zone's offset has over 59 minutes or is beyond -12:00..+14:00.";
    ZoneCommentMismatch, "zone-comment-mismatch", Info, "RFC 5322 section 3.3", "The zone named in the comment is not that of the offset.";
    ZoneMinusZero, "zone-minus-zero", Info, "RFC 5322 section 3.3", "`-0000`: the time is UTC and the writer's own zone is not told.";
    LeapSecond, "leap-second", Info, "RFC 5322 section 3.3", "The second is 60; it was read as the first instant of the next minute.";
    SecondsMissing, "seconds-missing", Info, "RFC 5322 section 3.3", "The time has no seconds.";
    TimeMissing, "time-missing", Notice, "RFC 5322 section 3.3", "There is a day but no time of day; it was read as 00:00 and is marked as uncertain.";
    TwelveHourClock, "twelve-hour-clock", Notice, "RFC 5322 section 3.3", "The time is written with AM or PM, which no mail date has; it was read as on a twelve-hour clock.";
    DateForm, "date-form", Info, "RFC 5322 section 3.3", "The date is not in the form of the standard (ctime order, ISO 8601, full month names, fractions ..) and was read all the same.";
    DateTrailing, "date-trailing", Info, "RFC 5322 section 3.3", "Text that is no comment follows the date.";
    // Received
    ReceivedDateMissing, "received-date-missing", Notice, "RFC 5321 section 4.4", "A Received field without a date.";
    ReceivedUnparsed, "received-unparsed", Notice, "RFC 5321 section 4.4", "A Received field of which no clause could be read; it is kept and counted.";
    ReceivedClauseRepeated, "received-clause-repeated", Info, "RFC 5321 section 4.4", "A clause stands twice in one Received field; the first is used.";
    ReceivedOverLimit, "received-over-limit", Notice, "mailtrail limit", "A Received field, or their number, is over the limit; the rest is kept but not read.";
    ReceivedCommentUnbalanced, "received-comment-unbalanced", Info, "RFC 5322 section 3.2.2", "A comment is not closed, or closed twice.";
    ReceivedBracketUnclosed, "received-bracket-unclosed", Info, "RFC 5321 section 4.1.2", "An angle bracket in a Received field is not closed; what follows it was read up to the next blank.";
    IpInvalid, "ip-invalid", Notice, "RFC 5321 section 4.1.3", "An address literal is no IP address (octet over 255, leading zero ..); it was not repaired.";
    // authentication (read by `auth`, not by an import)
    AuthresNameless, "authres-nameless", Notice, "RFC 8601 section 2.2", "An Authentication-Results field names no server; who says so cannot be told from it.";
    AuthresInvalid, "authres-invalid", Notice, "RFC 8601 section 2.2, RFC 7208 section 9.1", "A piece of an Authentication-Results or Received-SPF field is not in the form of the standard; the rest was read.";
    AuthresOverLimit, "authres-over-limit", Notice, "mailtrail limit", "An Authentication-Results or Received-SPF field is longer, or has more results, than is read.";
    TagListInvalid, "tag-list-invalid", Notice, "RFC 6376 section 3.2", "The tags of a DKIM or ARC field are not in the form of the standard, so its signature is not valid.";
    // MIME
    MultipartBoundaryMissing, "multipart-boundary-missing", Notice, "RFC 2046 section 5.1", "A multipart type without a boundary parameter; its body was read as text.";
    MultipartUnterminated, "multipart-unterminated", Notice, "RFC 2046 section 5.1.1", "A multipart has no closing boundary line.";
    MultipartWithoutParts, "multipart-without-parts", Notice, "RFC 2046 section 5.1.1", "The boundary of a multipart never occurs; its body was read as text.";
    MultipartEncoded, "multipart-encoded", Notice, "RFC 2045 section 6.4", "A multipart or message part with base64 or quoted-printable transfer encoding.";
    PreambleText, "preamble-text", Info, "RFC 2046 section 5.1.1", "Text before the first boundary line, other than a notice to old mail programs.";
    EpilogueText, "epilogue-text", Info, "RFC 2046 section 5.1.1", "Text after the closing boundary line.";
    DepthLimit, "depth-limit", Strong, "mailtrail limit", "Parts are nested deeper than the limit; the deeper part is kept and searched as text.";
    PartLimit, "part-limit", Strong, "mailtrail limit", "There are more parts, or more files inside text, than the limit; the rest is kept and searched as text.";
    BoundaryLimit, "boundary-limit", Strong, "mailtrail limit", "Too many boundaries were declared and never seen; the rest is kept and searched as text.";
    Base64Invalid, "base64-invalid", Notice, "RFC 2045 section 6.8", "Bytes that are no base64 were left out in decoding.";
    Base64Trailing, "base64-trailing", Notice, "RFC 2045 section 6.8", "Text follows the end of the base64 data, such as a list footer; it was not decoded.";
    Base64Truncated, "base64-truncated", Notice, "RFC 2045 section 6.8", "The base64 data ends in the middle of a group; complete bytes were kept.";
    QuotedPrintableInvalid, "quoted-printable-invalid", Info, "RFC 2045 section 6.7", "`=` without two hex digits; kept as it stands.";
    TransferEncodingUnknown, "transfer-encoding-unknown", Notice, "RFC 2045 section 6.1", "The transfer encoding is not known; the bytes were taken as they stand.";
    ContentTypeInvalid, "content-type-invalid", Info, "RFC 2045 section 5.1", "The Content-Type could not be read; text/plain was assumed, as the standard says.";
    CharsetUnknown, "charset-unknown", Notice, "RFC 2045 section 5.1", "The charset is not known; the text was read as UTF-8 where it is, else as windows-1252.";
    CharsetByEscapes, "charset-by-escapes", Info, "RFC 1468", "Text marks itself by the escapes of ISO-2022 or HZ where another charset, or none, is stated; it was read by its escapes.";
    CharsetInvalid, "charset-invalid", Info, "RFC 2045 section 5.1", "Bytes that the stated charset does not have; each is shown as U+FFFD.";
    UuencodeFound, "uuencode-found", Info, "POSIX uuencode", "A uuencoded file stands in the text; it is listed as an attachment.";
    UuencodeDamaged, "uuencode-damaged", Notice, "POSIX uuencode", "A uuencoded file does not end as it should, or a line has the wrong length.";
    YencFound, "yenc-found", Info, "yEnc draft 1.3", "A yEnc file stands in the text; it is listed as an attachment.";
    YencDamaged, "yenc-damaged", Notice, "yEnc draft 1.3", "Size or CRC of a yEnc file do not agree with its trailer.";
    MessageInFile, "message-in-file", Info, "RFC 2046 section 5.2.1", "A file of another type holds a message, and is named or typed like one; it was read as a message too.";
    PartialMessage, "partial-message", Notice, "RFC 2046 section 5.2.2", "A message/partial: one piece of a message sent in pieces; it was not put together.";
    ExternalBody, "external-body", Notice, "RFC 2046 section 5.2.3", "A message/external-body: the content lies elsewhere and was not fetched.";
    InvisibleText, "invisible-text", Info, "Unicode 15 section 23", "Text or a name holds characters that no reader sees: without width, soft hyphens, or controls of direction; words are found without them, and in the parts that they cut.";
    HiddenText, "hidden-text", Notice, "HTML/CSS practice", "The HTML holds text that is styled as not displayed; it was indexed and marked.";
    Encrypted, "encrypted", Notice, "RFC 3156, RFC 8551", "The content is encrypted and could not be searched.";
    ChildLimit, "child-limit", Strong, "mailtrail limit", "There are more messages inside this message than the limit; the rest is kept as attachments.";
    WorkLimit, "work-limit", Strong, "mailtrail limit", "Reading was given up after a fixed number of steps; the bytes are hashed and stored.";
    ParserFailed, "parser-failed", Strong, "mailtrail", "The reader failed on this item and was stopped; the bytes are hashed and stored.";
    TextOverLimit, "text-over-limit", Strong, "mailtrail limit", "More text than the limit; the rest is stored but not searchable.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_names_one_anomaly() {
        for kind in AnomalyKind::ALL {
            assert_eq!(AnomalyKind::from_code(kind.code()), Some(*kind));
            assert!(kind.code().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        }
    }
}
