//! Reads the keys of an event's data: what is asked for is there in the form that it has, or the key is named.

use crate::types::Sha256Digest;
use crate::types::json::{self, Obj, Value};

/// The key that is absent or has another form than a reader of its kind knows; empty when the data is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyUnread(pub(super) &'static str);

/// An object of an event's data. Keys that nobody asks for are passed over, as docs/format.md section 1 says.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

impl<'a> Fields<'a> {
    fn get<T>(
        self,
        key: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, KeyUnread> {
        match self.0.get(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or(KeyUnread(key)),
        }
    }

    fn need<T>(self, key: &'static str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, KeyUnread> {
        self.get(key, read)?.ok_or(KeyUnread(key))
    }

    pub(super) fn uint(self, key: &'static str) -> Result<u64, KeyUnread> {
        self.need(key, Value::as_u64)
    }

    pub(super) fn opt_uint(self, key: &'static str) -> Result<Option<u64>, KeyUnread> {
        self.get(key, Value::as_u64)
    }

    pub(super) fn opt_int(self, key: &'static str) -> Result<Option<i64>, KeyUnread> {
        self.get(key, Value::as_i64)
    }

    /// The number of a ledger segment.
    pub(super) fn segment(self, key: &'static str) -> Result<u32, KeyUnread> {
        self.opt_segment(key)?.ok_or(KeyUnread(key))
    }

    pub(super) fn opt_segment(self, key: &'static str) -> Result<Option<u32>, KeyUnread> {
        self.get(key, |value| u32::try_from(value.as_u64()?).ok())
    }

    pub(super) fn str(self, key: &'static str) -> Result<String, KeyUnread> {
        self.need(key, |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn opt_str(self, key: &'static str) -> Result<Option<String>, KeyUnread> {
        self.get(key, |value| value.as_str().map(str::to_owned))
    }

    /// Text that may be no UTF-8.
    pub(super) fn text(self, key: &'static str) -> Result<Vec<u8>, KeyUnread> {
        self.need(key, json::text_of)
    }

    pub(super) fn opt_text(self, key: &'static str) -> Result<Option<Vec<u8>>, KeyUnread> {
        self.get(key, json::text_of)
    }

    pub(super) fn flag(self, key: &'static str) -> Result<bool, KeyUnread> {
        self.need(key, Value::as_bool)
    }

    pub(super) fn opt_flag(self, key: &'static str) -> Result<Option<bool>, KeyUnread> {
        self.get(key, Value::as_bool)
    }

    pub(super) fn digest(self, key: &'static str) -> Result<Sha256Digest, KeyUnread> {
        self.need(key, |value| value.as_str()?.parse().ok())
    }

    pub(super) fn opt_digest(self, key: &'static str) -> Result<Option<Sha256Digest>, KeyUnread> {
        self.get(key, |value| value.as_str()?.parse().ok())
    }

    /// A list, each element read by `read`; empty where there is none.
    pub(super) fn list<T>(
        self,
        key: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<T>, KeyUnread> {
        let list = self.get(key, |value| value.as_array()?.iter().map(read).collect())?;
        Ok(list.unwrap_or_default())
    }

    /// A list of texts that may be no UTF-8.
    pub(super) fn texts(self, key: &'static str) -> Result<Vec<Vec<u8>>, KeyUnread> {
        self.list(key, json::text_of)
    }

    pub(super) fn strings(self, key: &'static str) -> Result<Vec<String>, KeyUnread> {
        self.list(key, |value| value.as_str().map(str::to_owned))
    }

    /// An object inside this one.
    pub(super) fn object<T>(
        self,
        key: &'static str,
        read: impl FnOnce(Fields<'a>) -> Result<T, KeyUnread>,
    ) -> Result<Option<T>, KeyUnread> {
        self.get(key, |value| read(Fields(value)).ok().filter(|_| value.is_object()))
    }
}

pub(super) fn opt_str(o: &mut Obj<'_>, key: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        o.str(key, value);
    }
}

pub(super) fn opt_uint(o: &mut Obj<'_>, key: &'static str, value: Option<u64>) {
    if let Some(value) = value {
        o.uint(key, value);
    }
}

pub(super) fn opt_flag(o: &mut Obj<'_>, key: &'static str, value: Option<bool>) {
    if let Some(value) = value {
        o.bool(key, value);
    }
}

/// A flag that is told only where it is set.
pub(super) fn only_true(o: &mut Obj<'_>, key: &'static str, value: bool) {
    if value {
        o.bool(key, true);
    }
}
