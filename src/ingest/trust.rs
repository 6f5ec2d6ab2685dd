//! The recipient's side as the examiner named it: the newest `trust_set` event of the custody log.

use crate::route::Settings;
use crate::store::{Reader, StoreError};
use crate::types::json::{self, Obj, Value};
use crate::types::time::UtcMs;

/// Type of the event.
pub const EVENT: &str = "trust_set";

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
        if event.kind == EVENT && event.seq <= last {
            let settings = json::read(&event.data).map(|value| read(&value));
            let unread = || Settings { unread: vec!["all of it".to_owned()], ..Settings::default() };
            found = (settings.unwrap_or_else(unread), Some(event.seq));
        }
    }
    Ok(found)
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read(value: &Value) -> Settings {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut settings = Settings {
        own_hosts: texts(value, "hosts"),
        signed_in_is_own: flag("signed_in_is_own"),
        teaching_addresses: flag("teaching_addresses"),
        acquired: value.get("acquired_ms").and_then(Value::as_i64).map(UtcMs),
        ..Settings::default()
    };
    // What was written had been read as networks before; another version may read less.
    let Settings { own_networks, submission_networks, unread, .. } = &mut settings;
    for (key, networks) in [("networks", own_networks), ("submission_networks", submission_networks)] {
        unread.extend(texts(value, key).into_iter().filter(|text| networks.add(text).is_err()));
    }
    settings
}

/// The data of an event that sets them; also how they are shown.
pub fn data(settings: &Settings) -> Vec<u8> {
    let mut out = Vec::new();
    let mut o = Obj::new(&mut out);
    let text = |out: &mut Vec<u8>, text: String| json::string(out, &text);
    if let Some(at) = settings.acquired {
        o.int("acquired_ms", at.0);
    }
    o.arr("hosts", settings.own_hosts.iter().cloned(), text);
    o.arr("networks", settings.own_networks.texts(), text);
    o.bool("signed_in_is_own", settings.signed_in_is_own);
    o.arr("submission_networks", settings.submission_networks.texts(), text);
    o.bool("teaching_addresses", settings.teaching_addresses);
    o.end();
    out
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
        assert_eq!(read(&json::read(&data(&settings)).unwrap()), settings);
        assert_eq!(read(&json::read(&data(&Settings::default())).unwrap()), Settings::default());
        let newer = br#"{"networks":["192.0.2.0/24","site:3"]}"#;
        let read = read(&json::read(newer).unwrap());
        assert_eq!((read.own_networks.texts().count(), read.unread), (1, vec!["site:3".to_owned()]));
    }
}
