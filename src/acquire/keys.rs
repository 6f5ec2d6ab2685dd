//! What the connections of a run sign in with: a password for all of it, or a token, which may be over before the
//! account is read.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::order::{Credential, Order, Secret};
use super::{AcquireError, Notice};

/// A token is renewed this long before its end at most, so that it is not over on the way.
const EARLY: Duration = Duration::from_mins(1);

/// A token that has just been given.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The token.
    pub token: Secret,
    /// How long it is good, where that is known.
    pub lifetime: Option<Duration>,
}

/// Gives another access token when one is over.
///
/// It is asked by one thread at a time, and at most once for each connection that is made.
pub trait Renew: fmt::Debug + Send + Sync {
    /// Gets another token, which may take as long as a person takes.
    ///
    /// # Errors
    /// In words that hold no secret.
    fn renew(&self) -> Result<Fresh, String>;

    /// Where it comes from, for the record, such as `the token command`.
    fn source(&self) -> &'static str;
}

/// Where another token comes from, and how long the first one is good.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// Who gives it.
    pub by: Arc<dyn Renew>,
    /// How long the first token is good, where that is known.
    pub lifetime: Option<Duration>,
}

/// The credential of a run, which all its connections share.
#[derive(Debug)]
pub struct Keys {
    renewal: Option<Renewal>,
    now: Mutex<Now>,
}

/// The credential at hand.
#[derive(Debug)]
struct Now {
    credential: Credential,
    /// How often it was renewed.
    nth: u32,
    /// When it should not be used any more.
    until: Option<Instant>,
    /// Whether the server has let us in in this run.
    has_worked: bool,
}

impl Keys {
    /// Those of an order; a lifetime counts from now.
    pub(super) fn new(order: &Order) -> Self {
        let until = order.renewal.as_ref().and_then(|renewal| end(renewal.lifetime));
        let now = Now { credential: order.credential.clone(), nth: 0, until, has_worked: false };
        Self { renewal: order.renewal.clone(), now: Mutex::new(now) }
    }

    /// For one connection that is to be made, with all its tries.
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { keys: self, nth: 0, is_spent: false, notices: Vec::new() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a token that is given now should not be used any more.
fn end(lifetime: Option<Duration>) -> Option<Instant> {
    lifetime.and_then(|time| Instant::now().checked_add(time.saturating_sub(EARLY.min(time / 10))))
}

/// One connection that is to be made: what it signs in with, and the one time that another token is had for it.
#[derive(Debug)]
pub(super) struct Turn<'k> {
    keys: &'k Keys,
    /// Which token was handed out.
    nth: u32,
    /// Whether this connection has had its other token.
    is_spent: bool,
    notices: Vec<Notice>,
}

impl Turn<'_> {
    /// What to sign in with now: another token when the one at hand is over.
    pub(super) fn credential(&mut self) -> Credential {
        let mut now = self.keys.now();
        if !self.is_spent && now.until.is_some_and(|until| Instant::now() >= until) {
            self.is_spent = true;
            // The old one is tried when there is no other: whether it is over is for the server to say.
            self.renew(&mut now, "its time is over");
        }
        self.nth = now.nth;
        now.credential.clone()
    }

    /// The server let us in.
    pub(super) fn worked(&self) {
        self.keys.now().has_worked = true;
    }

    /// It did not come to a session. Whether there is another token to try at once: only after a refusal, only where a
    /// token let us in before, and once.
    pub(super) fn is_worth_another(&mut self, error: &AcquireError) -> bool {
        if self.keys.renewal.is_none() || self.is_spent || !matches!(error, AcquireError::SignIn { .. }) {
            return false;
        }
        let mut now = self.keys.now();
        if !now.has_worked {
            return false;
        }
        self.is_spent = true;
        // Another connection may have had a new one in the meantime.
        now.nth != self.nth || self.renew(&mut now, "the server refused it after it had let us in")
    }

    /// What the record should hold of it, since the last time.
    pub(super) fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn renew(&mut self, now: &mut Now, why: &str) -> bool {
        let Some(Renewal { by, .. }) = &self.keys.renewal else { return false };
        let source = by.source();
        let at_hand = match &now.credential {
            Credential::Password(secret) | Credential::Token(secret) => secret.bytes(),
        };
        let (code, text, is_new) = match by.renew() {
            Ok(fresh) if fresh.token.bytes() == at_hand => {
                let text =
                    format!("another access token was wanted ({why}), and {source} gave the same again");
                ("token-not-renewed", text, false)
            }
            Ok(Fresh { token, lifetime }) => {
                now.credential = Credential::Token(token);
                now.nth = now.nth.saturating_add(1);
                now.until = end(lifetime);
                ("token-renewed", format!("the access token was renewed by {source}: {why}"), true)
            }
            Err(error) => {
                let text =
                    format!("another access token was wanted ({why}), and {source} gave none: {error}");
                ("token-not-renewed", text, false)
            }
        };
        self.notices.push(Notice { code, path: None, text, is_partial: false });
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::{Account, Choice, Limits, Trust};

    /// Gives `t1`, `t2` .. with a lifetime, or fails from some number on.
    #[derive(Debug)]
    struct Script {
        given: Mutex<u32>,
        most: u32,
        lifetime: Option<Duration>,
    }

    impl Renew for Script {
        fn renew(&self) -> Result<Fresh, String> {
            let mut given = self.given.lock().unwrap();
            *given += 1;
            if *given > self.most {
                return Err("no more".to_owned());
            }
            let token = Secret::new(format!("t{given}").into_bytes());
            Ok(Fresh { token, lifetime: self.lifetime })
        }

        fn source(&self) -> &'static str {
            "the script"
        }
    }

    fn keys(first: Option<Duration>, most: u32, lifetime: Option<Duration>) -> Keys {
        let by = Arc::new(Script { given: Mutex::new(0), most, lifetime });
        Keys::new(&Order {
            account: Account::parse("imaps://me@h").unwrap(),
            trust: Trust::default(),
            credential: Credential::Token(Secret::new(b"t0".to_vec())),
            renewal: Some(Renewal { by, lifetime: first }),
            mechanisms: Vec::new(),
            choice: Choice::default(),
            connections: 1,
            list_only: false,
            refetch: false,
            retr: false,
            quit: false,
            limits: Limits::default(),
        })
    }

    fn refusal() -> AcquireError {
        AcquireError::SignIn { host: "h".to_owned(), user: "me".to_owned(), said: "no".to_owned() }
    }

    fn text(credential: &Credential) -> String {
        let (Credential::Password(secret) | Credential::Token(secret)) = credential;
        String::from_utf8(secret.bytes().to_vec()).unwrap()
    }

    fn codes(turn: &mut Turn<'_>) -> Vec<&'static str> {
        turn.notices().iter().map(|n| n.code).collect()
    }

    #[test]
    fn a_token_that_never_let_us_in_is_not_renewed() {
        let keys = keys(None, 9, None);
        let mut turn = keys.turn();
        assert_eq!(text(&turn.credential()), "t0");
        assert!(!turn.is_worth_another(&refusal()));
        assert!(turn.notices().is_empty());
    }

    #[test]
    fn a_token_that_is_refused_after_it_let_us_in_is_renewed_once_for_a_connection() {
        let keys = keys(None, 9, None);
        keys.turn().worked();
        let mut turn = keys.turn();
        assert_eq!(text(&turn.credential()), "t0");
        let broken = AcquireError::Broken { host: "h".to_owned(), why: "gone".to_owned() };
        assert!(!turn.is_worth_another(&broken));
        assert!(turn.is_worth_another(&refusal()));
        assert_eq!(text(&turn.credential()), "t1");
        assert!(!turn.is_worth_another(&refusal()));
        assert_eq!(codes(&mut turn), ["token-renewed"]);
    }

    #[test]
    fn connections_that_are_refused_together_share_the_token_that_one_of_them_got() {
        let keys = keys(None, 9, None);
        keys.turn().worked();
        let (mut one, mut other) = (keys.turn(), keys.turn());
        one.credential();
        other.credential();
        assert!(one.is_worth_another(&refusal()) && other.is_worth_another(&refusal()));
        assert_eq!((text(&one.credential()), text(&other.credential())), ("t1".to_owned(), "t1".to_owned()));
        assert_eq!((codes(&mut one), codes(&mut other)), (vec!["token-renewed"], vec![]));
        assert!(!other.is_worth_another(&refusal()));
    }

    #[test]
    fn a_token_of_which_the_time_is_over_is_renewed_before_it_is_refused() {
        let over = Some(Duration::ZERO);
        let keys = keys(over, 1, over);
        let mut turn = keys.turn();
        assert_eq!(text(&turn.credential()), "t1");
        turn.worked();
        // The new one is over as well, and this connection has had its other token.
        assert_eq!(text(&turn.credential()), "t1");
        assert!(!turn.is_worth_another(&refusal()));
        let mut next = keys.turn();
        assert_eq!(text(&next.credential()), "t1", "there is no other, so the old one is tried");
        assert_eq!((codes(&mut turn), codes(&mut next)), (vec!["token-renewed"], vec!["token-not-renewed"]));
    }

    #[test]
    fn no_notice_holds_a_token() {
        let keys = keys(None, 1, None);
        keys.turn().worked();
        for _ in 0..2 {
            let mut turn = keys.turn();
            let token = text(&turn.credential());
            turn.is_worth_another(&refusal());
            let said: String = turn.notices().into_iter().map(|n| n.text).collect();
            assert!(said.contains("the script") && !said.contains(&token) && !said.contains("t1"), "{said}");
        }
        assert!(!format!("{keys:?}").contains("t1"));
    }
}
