//! The progress bar: on stderr, only when that is a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with bytes, items a second and the time left; nothing where nobody looks.
#[derive(Debug)]
pub(super) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// A bar over `bytes` bytes; hidden with `quiet`, with JSON output, and when stderr is no terminal.
    pub(super) fn new(bytes: u64, hidden: bool) -> Self {
        if hidden || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(4));
        let template = "{bytes}/{total_bytes} {wide_bar} {bytes_per_sec} {msg} {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar: Some(bar) }
    }

    #[cfg(feature = "net")]
    /// A bar over the messages of a folder.
    pub(super) fn folder(name: &str, messages: u64, hidden: bool) -> Self {
        if hidden || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(messages), ProgressDrawTarget::stderr_with_hz(4));
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {per_sec} {msg} {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar: Some(bar) }
    }

    #[cfg(feature = "net")]
    /// So many messages of the folder are done.
    pub(super) fn count(&self, messages: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(messages);
        }
    }

    /// So many bytes and items are done.
    pub(super) fn at(&self, bytes: u64, items: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            let secs = bar.elapsed().as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = items as f64 / secs;
            bar.set_message(format!("{items} items ({rate:.0}/s)"));
        }
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
