//! What a server says of a message beside its bytes, as it said it.

/// What an IMAP or POP3 server told of one message. `None` and empty: it was not asked, or did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// INTERNALDATE as the server wrote it (RFC 9051 2.3.3).
    pub internal_date: Option<Vec<u8>>,
    /// FLAGS as the server wrote them, in byte order, without doubles.
    pub flags: Vec<Vec<u8>>,
    /// RFC822.SIZE, or the size in the listing of POP3, in octets as announced.
    pub size: Option<u64>,
    /// MODSEQ (RFC 7162), where the server volunteered it.
    pub modseq: Option<u64>,
    /// EMAILID (RFC 8474).
    pub email_id: Option<Vec<u8>>,
    /// THREADID (RFC 8474).
    pub thread_id: Option<Vec<u8>>,
    /// X-GM-MSGID.
    pub gm_msgid: Option<u64>,
    /// X-GM-THRID.
    pub gm_thrid: Option<u64>,
    /// X-GM-LABELS as the server wrote them (modified UTF-7), in byte order.
    pub gm_labels: Vec<Vec<u8>>,
    /// UIDL of POP3 (RFC 1939 7).
    pub uidl: Option<Vec<u8>>,
}
