//! Foreign code that may panic on bad bytes is run so that a panic is an answer and leaves no trace on a terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs work that may panic.
///
/// # Errors
/// What the panic carried.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done
}

/// Keeps panics inside of [`guarded`] from being printed; all others are printed as before. For a program to call once.
pub fn silence_guarded() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if DEPTH.get() == 0 {
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_also_inside_of_another() {
        let inner = guarded(|| guarded(|| panic!("inside")).is_err());
        assert_eq!(inner.ok(), Some(true));
        assert_eq!(guarded(|| 3).ok(), Some(3));
        assert_eq!(DEPTH.get(), 0);
    }
}
