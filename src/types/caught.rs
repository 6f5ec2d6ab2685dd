//! Work of other people's code that may panic on damaged bytes: a value instead, and nothing on the terminal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// How many calls of [`caught`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

static HOOK: Once = Once::new();

/// What `work` gives; `None` when it panics, of which nobody is told.
///
/// Panics outside of it are told as before. What `work` leaves behind half done is the caller's matter.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                before(info);
            }
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value_and_the_next_one_is_told_again() {
        assert_eq!(caught(|| 3), Some(3));
        let inner = caught(|| {
            assert_eq!(caught(|| panic!("not to be seen")), None::<u8>);
            DEPTH.get()
        });
        assert_eq!(inner, Some(1));
        assert_eq!(DEPTH.get(), 0);
    }
}
