//! The real server: Debian's Dovecot on loopback, in a scratch folder of its own, with TLS by an authority of the test.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::authority::Authority;
use super::maildir::{self, Account};

/// The password of every user of the server.
pub(crate) const PASSWORD: &str = "s3cret, \"pass\" wörd";

/// How the server is to be.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether nobody signs in without TLS.
    pub(crate) tls_required: bool,
    /// SASL mechanisms, as Dovecot names them.
    pub(crate) mechanisms: &'static str,
    /// Lines to add to the configuration.
    pub(crate) more: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tls_required: true, mechanisms: "plain login cram-md5 scram-sha-256", more: String::new() }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Dovecot {
    child: Child,
    config: PathBuf,
    dir: tempfile::TempDir,
    /// Who vouches for it.
    pub(crate) authority: Authority,
    /// Ports on 127.0.0.1.
    pub(crate) imap: u16,
    /// IMAP inside TLS.
    pub(crate) imaps: u16,
    /// POP3.
    pub(crate) pop3: u16,
    /// POP3 inside TLS.
    pub(crate) pop3s: u16,
}

/// Whether Dovecot is here. It must be, unless `MAILTRAIL_NO_DOVECOT` says that the tests shall do without.
pub(crate) fn is_here() -> bool {
    if Path::new("/usr/sbin/dovecot").exists() && Path::new("/usr/lib/dovecot/pop3").exists() {
        return true;
    }
    assert!(
        std::env::var_os("MAILTRAIL_NO_DOVECOT").is_some(),
        "Dovecot is not here: `tests/run` installs it; MAILTRAIL_NO_DOVECOT=1 skips these tests"
    );
    println!("skipped: MAILTRAIL_NO_DOVECOT is set and Dovecot is not here");
    false
}

/// Four ports that were free a moment ago.
fn free_ports() -> [u16; 4] {
    let held = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Gives a tree to the user that the server runs as.
fn give(path: &Path, uid: u32, gid: u32) {
    chown(path, Some(uid), Some(gid)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), uid, gid);
        }
    }
}

/// User and group that the mail belongs to: ours, or `nobody` when we are root.
fn owner() -> (u32, u32, String, String) {
    let me = fs::metadata("/proc/self").unwrap();
    if me.uid() == 0 {
        return (65534, 65534, "nobody".to_owned(), "nogroup".to_owned());
    }
    let name = |args: &[&str]| {
        let out = Command::new("id").args(args).output().unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    (me.uid(), me.gid(), name(&["-un"]), name(&["-gn"]))
}

impl Dovecot {
    /// Starts a server whose accounts lie below the folder `mail`, written by `fill`; the account of `joe` is
    /// `mail/joe`.
    pub(crate) fn start(settings: &Settings, fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::Builder::new().prefix("mailtrail-dovecot-").tempdir_in("/tmp").unwrap();
        let root = dir.path().to_owned();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(root.join("mail")).unwrap();
        fill(&root.join("mail"));
        let authority = Authority::new();
        fs::write(root.join("cert.pem"), &authority.leaf_pem).unwrap();
        fs::write(root.join("key.pem"), &authority.key_pem).unwrap();
        fs::write(
            root.join("passwd"),
            format!("joe:{{PLAIN}}{PASSWORD}::::::\nann:{{PLAIN}}{PASSWORD}::::::\n"),
        )
        .unwrap();
        let (uid, gid, user, group) = owner();
        give(&root, uid, gid);
        let config = root.join("dovecot.conf");
        for _ in 0..5 {
            let ports = free_ports();
            fs::write(&config, configuration(&root, settings, ports, uid, gid, &user, &group)).unwrap();
            let mut child = Command::new("/usr/sbin/dovecot")
                .args(["-F", "-c"])
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(root.join("stderr.log")).unwrap())
                .spawn()
                .unwrap();
            if answers(&mut child, ports) {
                let [imap, imaps, pop3, pop3s] = ports;
                let server = Self { child, config, dir, authority, imap, imaps, pop3, pop3s };
                return server;
            }
            stop(&mut child);
        }
        let log = fs::read_to_string(root.join("dovecot.log")).unwrap_or_default();
        let err = fs::read_to_string(root.join("stderr.log")).unwrap_or_default();
        panic!("Dovecot does not start:\n{log}\n{err}");
    }

    /// Starts one with an account `joe` of `count` messages, which the server has already looked through once.
    pub(crate) fn with_account(count: u64) -> (Self, Account) {
        Self::with_account_and(&Settings::default(), count)
    }

    /// The same, with settings.
    pub(crate) fn with_account_and(settings: &Settings, count: u64) -> (Self, Account) {
        let mut account = None;
        let server = Self::start(settings, |mail| account = Some(maildir::account(&mail.join("joe"), count)));
        server.look_through("joe");
        (server, account.unwrap())
    }

    /// Makes the server list every folder of an account, so that its own lists of UIDs are there before a test begins.
    pub(crate) fn look_through(&self, user: &str) {
        let args = ["mailbox", "status", "-u", user, "messages uidvalidity unseen", "*"];
        let out = self.doveadm(&args);
        assert!(out.contains("messages="), "{out}");
    }

    /// Waits until the server has nothing to look through again: a folder that was made in this very second is looked
    /// through once more when it is opened next, and its list of UIDs written anew.
    pub(crate) fn settle(&self, user: &str) {
        std::thread::sleep(Duration::from_millis(2500));
        self.look_through(user);
    }

    /// Runs `doveadm` on this server; gives what it printed.
    #[track_caller]
    pub(crate) fn doveadm(&self, args: &[&str]) -> String {
        let out = Command::new("doveadm").arg("-c").arg(&self.config).args(args).output().unwrap();
        assert!(out.status.success(), "doveadm {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// The scratch folder: `mail/`, `dovecot.log`.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file with the authority's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.authority.ca_file(self.dir.path())
    }

    /// The server's log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("dovecot.log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Asks a server to end, so that it ends its children; then makes it.
fn stop(child: &mut Child) {
    let _asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _killed = child.kill();
    let _ended = child.wait();
}

/// Whether the server greets at both cleartext ports before long.
fn answers(child: &mut Child, ports: [u16; 4]) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    let greets = |port: u16| {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        matches!(stream.read(&mut [0; 3]), Ok(3))
    };
    while Instant::now() < until {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return false;
        }
        if greets(ports[0]) && greets(ports[2]) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn configuration(
    root: &Path,
    settings: &Settings,
    [imap, imaps, pop3, pop3s]: [u16; 4],
    uid: u32,
    gid: u32,
    user: &str,
    group: &str,
) -> String {
    let dir = root.display();
    let ssl = if settings.tls_required { "required" } else { "yes" };
    let plain = if settings.tls_required { "yes" } else { "no" };
    let (mechanisms, more) = (settings.mechanisms, &settings.more);
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = {plain}
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_max_userip_connections = 100
mail_location = maildir:{dir}/mail/%u
namespace inbox {{
  inbox = yes
  separator = /
  prefix =
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u allow_all_users=yes
}}
first_valid_uid = 1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"
    )
}
