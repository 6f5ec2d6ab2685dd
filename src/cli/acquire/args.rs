//! The command line of `acquire`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::acquire::Mechanism;

/// From which account, what, and what to sign in with.
#[derive(Debug, Args)]
pub(in crate::cli) struct AcquireArgs {
    /// `imaps://user@host`, `imap://`, `pop3s://` or `pop3://`, with `:port` and, of IMAP, `/folder`; never with a
    /// password
    #[arg(value_name = "URL")]
    pub url: String,
    /// Show folders, counts and sizes; take nothing
    #[arg(long)]
    pub list: bool,
    /// Take only this folder (decoded name, `*` for any run of characters); may be given more than once
    #[arg(long, value_name = "NAME")]
    pub folder: Vec<String>,
    /// Leave this folder (as `--folder`)
    #[arg(long, value_name = "NAME")]
    pub exclude: Vec<String>,
    /// Only messages that came into the mailbox (INTERNALDATE) on or after this day or time, UTC; each other is listed
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Only messages that came into the mailbox before this day or time, UTC
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,
    /// Only messages of at most so many bytes as the server announces them (k, M, G)
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<String>,
    /// Fetch each message a second time and compare: some servers make messages anew for each fetch; both readings are
    /// kept
    #[arg(long)]
    pub refetch_verify: bool,
    /// Connections at once (IMAP)
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub connections: u8,
    /// POP3: fetch with RETR in place of TOP; some servers then mark messages as read, or delete them
    #[arg(long)]
    pub retr: bool,
    /// POP3: end with QUIT in place of closing the connection; some servers then carry out their own rules
    #[arg(long)]
    pub quit_pop3: bool,
    #[command(flatten)]
    /// What to sign in with.
    pub secret: SecretArgs,
    #[command(flatten)]
    /// As whom a token is asked for.
    pub oauth: OauthArgs,
    /// Sign in this way, in place of the best that the server offers; may be given more than once
    #[arg(long, value_enum, value_name = "NAME")]
    pub mechanism: Vec<MechanismArg>,
    /// Trust the certificates of this file (PEM) in place of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Trust the server whose certificate has this SHA-256, whatever else is wrong with it; recorded
    #[arg(long, value_name = "SHA256")]
    pub pin_sha256: Option<String>,
    /// TLS by the OpenSSL of the system, also 1.0 and 1.1, in place of our own; recorded (only in builds with the
    /// feature native-tls)
    #[arg(long)]
    pub tls_native: bool,
    /// `imap://` and `pop3://` only: go on without TLS when the server has none; the password can then be read on the
    /// way; recorded
    #[arg(long)]
    pub insecure_plain: bool,
    /// Longest silence of the server, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// Times that a broken connection is made anew
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub retries: u8,
    /// Exhibit label of the account, recorded in the custody log
    #[arg(long)]
    pub label: Option<String>,
    /// Note on the account, recorded in the custody log
    #[arg(long)]
    pub note: Option<String>,
    /// Number of worker threads (default: all cores; 4 at most); the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Where the secret is; without any of these it is asked for at the terminal.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct SecretArgs {
    /// Password: the first line of a file
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Password: the value of an environment variable
    #[arg(long, value_name = "NAME")]
    pub password_env: Option<String>,
    /// Password: the first line that a shell command prints
    #[arg(long, value_name = "COMMAND")]
    pub password_command: Option<String>,
    /// OAuth 2.0 access token: the first line of a file
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// OAuth 2.0 access token: the first line that a shell command prints
    #[arg(long, value_name = "COMMAND")]
    pub token_command: Option<String>,
    /// OAuth 2.0: sign in at a browser, here or elsewhere, with the device flow of this issuer (https://..)
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub oauth_issuer: Option<String>,
}

/// As whom a token is asked for.
#[derive(Debug, Args)]
pub(in crate::cli) struct OauthArgs {
    /// OAuth 2.0: the client that the issuer knows
    #[arg(long, value_name = "ID", requires = "oauth_issuer")]
    pub client_id: Option<String>,
    /// OAuth 2.0: the client's secret, where the issuer wants one: the first line of a file
    #[arg(long, value_name = "FILE", requires = "oauth_issuer")]
    pub client_secret_file: Option<PathBuf>,
    /// OAuth 2.0: what the token is for (default: mail, for Google and Microsoft)
    #[arg(long, value_name = "SCOPE", requires = "oauth_issuer")]
    pub scope: Option<String>,
}

/// Ways to sign in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum MechanismArg {
    /// SCRAM-SHA-256 bound to the TLS connection
    #[value(name = "scram-sha-256-plus", alias = "scram-sha256-plus")]
    ScramSha256Plus,
    /// SCRAM-SHA-256: the server never sees the password
    #[value(name = "scram-sha-256", alias = "scram-sha256")]
    ScramSha256,
    /// PLAIN: the password as it is, inside TLS
    Plain,
    /// LOGIN of IMAP, USER and PASS of POP3: the password as it is, inside TLS
    Login,
    /// CRAM-MD5, for old servers
    CramMd5,
    /// XOAUTH2 of Google and Microsoft, with a token
    Xoauth2,
    /// OAUTHBEARER, with a token
    Oauthbearer,
}

impl From<MechanismArg> for Mechanism {
    fn from(arg: MechanismArg) -> Self {
        match arg {
            MechanismArg::ScramSha256Plus => Self::ScramSha256Plus,
            MechanismArg::ScramSha256 => Self::ScramSha256,
            MechanismArg::Plain => Self::Plain,
            MechanismArg::Login => Self::Login,
            MechanismArg::CramMd5 => Self::CramMd5,
            MechanismArg::Xoauth2 => Self::Xoauth2,
            MechanismArg::Oauthbearer => Self::OauthBearer,
        }
    }
}
