//! The header fields that we read, by name.

macro_rules! known {
    ($( $name:ident, $text:literal, $meaning:literal; )*) => {
        /// A header field by its name.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Known {
            $( #[doc = $meaning] $name, )*
            /// Any other.
            #[default]
            Other,
        }

        const NAMES: &[(&[u8], Known)] = &[ $( ($text, Known::$name), )* ];
    };
}

known! {
    To, b"to", "To.";
    Cc, b"cc", "Cc.";
    Bcc, b"bcc", "Bcc.";
    Date, b"date", "Date.";
    From, b"from", "From.";
    Sender, b"sender", "Sender.";
    Status, b"status", "Status: mailbox state of mbox programs.";
    Subject, b"subject", "Subject.";
    Received, b"received", "Received.";
    ReplyTo, b"reply-to", "Reply-To.";
    XStatus, b"x-status", "X-Status: mailbox state.";
    ArcSeal, b"arc-seal", "ARC-Seal.";
    ResentTo, b"resent-to", "Resent-To.";
    ResentCc, b"resent-cc", "Resent-Cc.";
    ResentBcc, b"resent-bcc", "Resent-Bcc.";
    MessageId, b"message-id", "Message-ID.";
    References, b"references", "References.";
    ContentId, b"content-id", "Content-ID.";
    InReplyTo, b"in-reply-to", "In-Reply-To.";
    ReturnPath, b"return-path", "Return-Path.";
    ResentFrom, b"resent-from", "Resent-From.";
    EnvelopeTo, b"envelope-to", "Envelope-To.";
    MimeVersion, b"mime-version", "MIME-Version.";
    ContentType, b"content-type", "Content-Type.";
    DeliveredTo, b"delivered-to", "Delivered-To.";
    XEnvelopeTo, b"x-envelope-to", "X-Envelope-To.";
    ResentSender, b"resent-sender", "Resent-Sender.";
    XOriginalTo, b"x-original-to", "X-Original-To.";
    ContentLength, b"content-length", "Content-Length.";
    DkimSignature, b"dkim-signature", "DKIM-Signature.";
    XGmailLabels, b"x-gmail-labels", "X-Gmail-Labels: labels, as Google Takeout writes them.";
    XMozillaStatus, b"x-mozilla-status", "X-Mozilla-Status.";
    ContentLocation, b"content-location", "Content-Location.";
    XMozillaStatus2, b"x-mozilla-status2", "X-Mozilla-Status2.";
    XGmMessageState, b"x-gm-message-state", "X-Gm-Message-State: an opaque token.";
    ContentDescription, b"content-description", "Content-Description.";
    ContentDisposition, b"content-disposition", "Content-Disposition.";
    DomainKeySignature, b"domainkey-signature", "DomainKey-Signature.";
    ArcMessageSignature, b"arc-message-signature", "ARC-Message-Signature.";
    XGoogleDkimSignature, b"x-google-dkim-signature", "X-Google-DKIM-Signature.";
    ContentTransferEncoding, b"content-transfer-encoding", "Content-Transfer-Encoding.";
}

/// Where the names of each length stand; the table is in order of length.
#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "made by the compiler")]
const BY_LENGTH: [(u8, u8); 26] = {
    let mut table = [(0, 0); 26];
    let mut n = 0;
    while n < NAMES.len() {
        let len = NAMES[n].0.len();
        if table[len].1 == 0 {
            table[len].0 = n as u8;
        }
        table[len].1 = n as u8 + 1;
        n += 1;
    }
    table
};

impl Known {
    /// The field of this name, in any case.
    pub fn of(name: &[u8]) -> Self {
        let Some((start, end)) = BY_LENGTH.get(name.len()) else { return Self::Other };
        let same = NAMES.get(usize::from(*start)..usize::from(*end)).unwrap_or_default();
        same.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(Self::Other, |(_, known)| *known)
    }

    /// Whether the value is a signature or a token that nobody would search by its words.
    pub fn is_opaque(self) -> bool {
        matches!(
            self,
            Self::ArcSeal
                | Self::DkimSignature
                | Self::DomainKeySignature
                | Self::ArcMessageSignature
                | Self::XGoogleDkimSignature
                | Self::XGmMessageState
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_stand_once() {
        assert_eq!(Known::of(b"MESSAGE-ID"), Known::MessageId);
        assert_eq!(Known::of(b"Message-Idx"), Known::Other);
        for (n, (name, known)) in NAMES.iter().enumerate() {
            assert_eq!(Known::of(name), *known);
            assert!(NAMES.iter().skip(n + 1).all(|(other, _)| other.len() >= name.len()));
            assert!(NAMES.iter().skip(n + 1).all(|(other, _)| other != name));
        }
    }
}
