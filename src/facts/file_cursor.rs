//! Files inside text: uuencoded and yEnc, one after the other.

use crate::parse::{uu, yenc};

/// The files inside text one after the other, whichever form they have. Of each form the next one is remembered, so
/// that many of one form do not make it look for the other again and again.
#[derive(Debug, Default)]
pub(crate) struct FileCursor {
    at: usize,
    uu: Ahead,
    yenc: Ahead,
}

/// The next file of one form.
#[derive(Debug, Default)]
enum Ahead {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// There is none.
    None,
    /// It begins here or behind.
    File(uu::Embedded),
}

impl Ahead {
    /// Where the next file at or behind `at` begins.
    fn start(&mut self, at: usize, find: impl Fn(usize) -> Option<uu::Embedded>) -> Option<usize> {
        let is_behind = matches!(self, Self::File(file) if file.at.start < at);
        if matches!(self, Self::Unknown) || is_behind {
            *self = find(at).map_or(Self::None, Self::File);
        }
        if let Self::File(file) = self { Some(file.at.start) } else { None }
    }

    fn take(&mut self) -> Option<uu::Embedded> {
        if let Self::File(file) = std::mem::take(self) { Some(file) } else { None }
    }
}

impl FileCursor {
    /// The next file of a text, which must be the same each time, and its encoding.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Option<(uu::Embedded, &'static str)> {
        let uu = self.uu.start(self.at, |at| uu::find(bytes, at));
        let yenc = self.yenc.start(self.at, |at| yenc::find(bytes, at));
        let found = match (uu, yenc) {
            (None, None) => None,
            (Some(uu), yenc) if yenc.is_none_or(|yenc| uu < yenc) => Some((self.uu.take()?, "uuencode")),
            _ => Some((self.yenc.take()?, "yenc")),
        };
        if let Some((file, _)) = &found {
            self.at = file.at.end;
        }
        found
    }
}
