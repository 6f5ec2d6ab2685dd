//! What the file system said of a file of a source, as a row for the custody log (docs/format.md, section 5).

use crate::source::FileState;
use crate::types::event::FileStateRow;

/// The row of a container's file.
pub(super) fn row(container: u32, state: &FileState) -> FileStateRow {
    FileStateRow {
        container,
        size: state.size,
        mtime_ns: state.mtime_ns,
        ctime_ns: state.ctime_ns,
        atime_ns: state.atime_ns,
        device: state.device,
        inode: state.inode,
        mode: state.mode,
        nlink: state.nlink,
    }
}
