//! The recipient's side as the examiner named it: the newest `trust_set` event of the custody log.

use crate::route::Settings;
use crate::store::{Reader, StoreError};
use crate::types::event::TrustWords;
use crate::types::time::UtcMs;
use crate::types::{CustodyEvent, CustodyEventKind};

/// Settings, and the number of the event that made them; `None` where nothing was set.
pub type Named = (Settings, Option<u64>);

/// The settings of a case.
///
/// # Errors
/// [`StoreError`] when the custody log cannot be read.
pub fn settings(reader: &Reader) -> Result<Named, StoreError> {
    newest(reader, u64::MAX)
}

/// The settings that a custody event made; without an event, those of a case where nothing was set.
///
/// # Errors
/// [`StoreError`] when the custody log cannot be read.
pub fn settings_of(reader: &Reader, event: Option<u64>) -> Result<Settings, StoreError> {
    match event {
        Some(event) => Ok(newest(reader, event)?.0),
        None => Ok(Settings::default()),
    }
}

/// The settings of the newest event up to one.
fn newest(reader: &Reader, last: u64) -> Result<Named, StoreError> {
    let mut found = (Settings::default(), None);
    for event in reader.custody()? {
        let (_, event) = event?;
        if event.known_kind() != Some(CustodyEventKind::TrustSet) || event.seq > last {
            continue;
        }
        let settings = match event.read() {
            Ok(CustodyEvent::TrustSet(words)) => of_words(words),
            _ => Settings { unread: vec!["all of it".to_owned()], ..Settings::default() },
        };
        found = (settings, Some(event.seq));
    }
    Ok(found)
}

/// Reads what the event tells.
fn of_words(words: TrustWords) -> Settings {
    let mut settings = Settings {
        own_hosts: words.hosts,
        signed_in_is_own: words.signed_in_is_own,
        teaching_addresses: words.teaching_addresses,
        acquired: words.acquired_ms.map(UtcMs),
        ..Settings::default()
    };
    // What was written had been read as networks before; another version may read less.
    let Settings { own_networks, submission_networks, unread, .. } = &mut settings;
    for (texts, networks) in
        [(words.networks, own_networks), (words.submission_networks, submission_networks)]
    {
        unread.extend(texts.into_iter().filter(|text| networks.add(text).is_err()));
    }
    settings
}

/// What an event that sets them tells; also how they are shown.
pub fn words(settings: &Settings) -> TrustWords {
    TrustWords {
        acquired_ms: settings.acquired.map(|at| at.0),
        hosts: settings.own_hosts.clone(),
        networks: settings.own_networks.texts().collect(),
        signed_in_is_own: settings.signed_in_is_own,
        submission_networks: settings.submission_networks.texts().collect(),
        teaching_addresses: settings.teaching_addresses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_their_event() {
        let mut settings = Settings {
            own_hosts: vec!["example.org".to_owned()],
            teaching_addresses: true,
            acquired: Some(UtcMs(1_700_000_000_000)),
            ..Settings::default()
        };
        settings.own_networks.add("!192.0.2.9").unwrap();
        settings.own_networks.add("192.0.2.0/24").unwrap();
        assert_eq!(of_words(words(&settings)), settings);
        assert_eq!(of_words(words(&Settings::default())), Settings::default());
        let networks = vec!["192.0.2.0/24".to_owned(), "site:3".to_owned()];
        let read = of_words(TrustWords { networks, ..TrustWords::default() });
        assert_eq!((read.own_networks.texts().count(), read.unread), (1, vec!["site:3".to_owned()]));
    }
}
