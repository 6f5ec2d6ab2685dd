//! Durable file operations, each one a step at which a test can stop the program.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::StoreError;

/// Opens a file of the record for reading: a plain file and nothing else, because a pipe would never end and a link may
/// lead out of the case.
///
/// # Errors
/// What the operating system says; `InvalidInput` for what is no plain file.
pub fn open_read(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"))
    }
}

/// Largest of the small files; real ones have some hundred bytes.
const SMALL: u64 = 1 << 20;

/// Reads one of the small files of the record: `VERSION`, `HEAD`, `case.json`.
///
/// # Errors
/// As [`open_read`]; `InvalidData` for a file that is not small.
pub fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_read(path)?.take(SMALL + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SMALL {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "far too long"));
    }
    Ok(bytes)
}

/// The hands of the writer: everything that changes the disk goes through it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: faults::Shared,
}

impl Disk {
    /// Opens a file for appending at offsets of our own; `create` makes it when it is not there.
    pub(super) fn open(&mut self, path: &Path, create: bool) -> Result<File, StoreError> {
        self.step("open", path, |disk| {
            let made = create && !path.exists();
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(create)
                .truncate(false)
                .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
                .open(path)?;
            disk.noted(made, path);
            Ok(file)
        })
    }

    /// Writes all of `bytes` at `offset`.
    pub(super) fn write_at(
        &mut self,
        file: &File,
        path: &Path,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), StoreError> {
        #[cfg(test)]
        self.faults.lock().unwrap().half_write(file, bytes, offset);
        self.step("write", path, |_| file.write_all_at(bytes, offset))
    }

    /// Makes what was written to a file survive a power cut.
    pub(super) fn sync(&mut self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.step("flush", path, |disk| {
            file.sync_data()?;
            disk.synced(file, path);
            Ok(())
        })
    }

    /// Makes the names in a directory survive a power cut.
    pub(super) fn sync_dir(&mut self, path: &Path) -> Result<(), StoreError> {
        self.step("flush", path, |disk| {
            File::open(path)?.sync_all()?;
            disk.synced_dir(path);
            Ok(())
        })
    }

    /// Makes a directory, unless it is there.
    pub(super) fn make_dir(&mut self, path: &Path) -> Result<(), StoreError> {
        self.step("make", path, |_| match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        })
    }

    /// Cuts a file, or makes it longer with zeros.
    pub(super) fn set_len(&mut self, file: &File, path: &Path, len: u64) -> Result<(), StoreError> {
        self.step("cut", path, |_| file.set_len(len))
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, path: &Path) -> Result<(), StoreError> {
        self.step("remove", path, |_| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
    }

    /// Puts a file in the place of another.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.step("rename", from, |disk| {
            fs::rename(from, to)?;
            disk.renamed(from, to);
            Ok(())
        })
    }

    fn step<T>(
        &mut self,
        what: &'static str,
        path: &Path,
        act: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        #[cfg(test)]
        self.faults.lock().unwrap().step().map_err(|error| StoreError::io(what, path, error))?;
        act(self).map_err(|error| StoreError::io(what, path, error))
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests keep books here")]
    fn noted(&mut self, _: bool, _: &Path) {}
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests keep books here")]
    fn synced(&mut self, _: &File, _: &Path) {}
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests keep books here")]
    fn synced_dir(&mut self, _: &Path) {}
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests keep books here")]
    fn renamed(&mut self, _: &Path, _: &Path) {}
}

#[cfg(test)]
pub(super) mod faults {
    //! Stops the writer at a step, half way through a write, and forgets what was never flushed.

    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::*;

    /// The books outlive the writer, which is gone after a failed `create`.
    pub(crate) type Shared = std::sync::Arc<std::sync::Mutex<Faults>>;

    /// What the tests keep of the writer's steps.
    #[derive(Debug, Default)]
    pub(crate) struct Faults {
        /// Steps taken.
        pub(crate) steps: u64,
        /// From this step on, everything fails.
        pub(crate) stop_at: Option<u64>,
        /// Length of each file that survives a power cut.
        pub(crate) durable: BTreeMap<PathBuf, u64>,
        /// Files whose names do not survive one yet.
        pub(crate) unnamed: BTreeSet<PathBuf>,
    }

    impl Faults {
        pub(super) fn step(&mut self) -> io::Result<()> {
            self.steps += 1;
            match self.stop_at {
                Some(at) if self.steps > at => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
                _ => Ok(()),
            }
        }

        /// The write at which the writer stops gets half its bytes to the disk.
        pub(super) fn half_write(&mut self, file: &File, bytes: &[u8], offset: u64) {
            if self.stop_at == Some(self.steps) {
                file.write_all_at(&bytes[..bytes.len() / 2], offset).unwrap();
            }
        }
    }

    impl Disk {
        pub(super) fn noted(&mut self, made: bool, path: &Path) {
            if made {
                self.faults.lock().unwrap().unnamed.insert(path.to_owned());
                self.faults.lock().unwrap().durable.insert(path.to_owned(), 0);
            }
        }

        pub(super) fn synced(&mut self, file: &File, path: &Path) {
            let len = file.metadata().unwrap().len();
            self.faults.lock().unwrap().durable.insert(path.to_owned(), len);
        }

        pub(super) fn synced_dir(&mut self, path: &Path) {
            self.faults.lock().unwrap().unnamed.retain(|file| file.parent() != Some(path));
        }

        pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
            // A rename that was not flushed may be there or not after a power cut; both are tried by stopping before
            // it.
            let mut faults = self.faults.lock().unwrap();
            if let Some(len) = faults.durable.remove(from) {
                faults.durable.insert(to.to_owned(), len);
            }
            faults.unnamed.remove(from);
        }
    }
}
