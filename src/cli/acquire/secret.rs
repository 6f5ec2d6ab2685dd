//! What to sign in with, from where the examiner says it is: never from the command line itself.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::acquire::oauth::{Issuer, Prompt, Refresher, device_flow as device_flow_of};
use crate::acquire::{Credential, Fresh, Renew, Renewal, Secret};
use crate::cli::failure::{Failure, chain};
use crate::cli::output::stderr;
use crate::types::text::shown;

use super::args::{AcquireArgs, SecretArgs};

/// Longest secret, in bytes: tokens have some kilobytes.
const LONGEST: usize = 64 << 10;

/// The password or token, and where another token comes from when that one is over.
///
/// # Errors
/// A usage failure when nobody can be asked; a failure when the file, variable or command does not give one.
pub(super) fn credential(
    acquire: &AcquireArgs,
    whom: &str,
) -> Result<(Credential, Option<Renewal>), Failure> {
    let args = &acquire.secret;
    if let Some(issuer) = &args.oauth_issuer {
        return device_flow(issuer, acquire);
    }
    let again = |from: Again| Renewal { by: Arc::new(from), lifetime: None };
    let file = args.token_file.clone().map(|path| again(Again::File(path)));
    let command = args.token_command.clone().map(|command| again(Again::Command(command)));
    Ok((given(args, whom)?, file.or(command)))
}

/// Where the examiner said that a token is to be had, asked again.
enum Again {
    File(PathBuf),
    Command(String),
}

impl std::fmt::Debug for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.source())
    }
}

impl Renew for Again {
    fn renew(&self) -> Result<Fresh, String> {
        let token = match self {
            Self::File(path) => from_file(path),
            Self::Command(command) => from_command(command),
        };
        let token = token.map_err(|failure| failure.sentence)?;
        Ok(Fresh { token: Secret::new(token), lifetime: None })
    }

    fn source(&self) -> &'static str {
        match self {
            Self::File(_) => "the token file",
            Self::Command(_) => "the token command",
        }
    }
}

/// The password or token that the examiner has.
fn given(args: &SecretArgs, whom: &str) -> Result<Credential, Failure> {
    let password = |bytes| Credential::Password(Secret::new(bytes));
    let token = |bytes| Credential::Token(Secret::new(bytes));
    if let Some(path) = &args.password_file {
        return Ok(password(from_file(path)?));
    }
    if let Some(name) = &args.password_env {
        use std::os::unix::ffi::OsStringExt as _;
        let value = std::env::var_os(name).ok_or_else(|| {
            Failure::usage(format!("the environment has no variable {}", shown(name)))
                .hint("export it, without the password on a command line")
        })?;
        return Ok(password(first_line(value.into_vec(), &format!("the variable {}", shown(name)))?));
    }
    if let Some(command) = &args.password_command {
        return Ok(password(from_command(command)?));
    }
    if let Some(path) = &args.token_file {
        return Ok(token(from_file(path)?));
    }
    if let Some(command) = &args.token_command {
        return Ok(token(from_command(command)?));
    }
    if !std::io::stderr().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the password").hint(
            "use --password-file, --password-env, --password-command, --token-file, --token-command or --oauth-issuer",
        ));
    }
    let asked = rpassword::prompt_password(format!("Password of {}: ", shown(whom)))?;
    Ok(password(first_line(asked.into_bytes(), "what was typed")?))
}

/// What a token for mail is called by the issuers that are asked most.
const SCOPES: &[(&str, &str)] = &[
    ("google", "https://mail.google.com/"),
    (
        "microsoft",
        // The last one makes it give a refresh token.
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All offline_access",
    ),
];

/// Asks an issuer for a token, which a person grants at a browser (RFC 8628).
fn device_flow(issuer: &str, acquire: &AcquireArgs) -> Result<(Credential, Option<Renewal>), Failure> {
    let known = SCOPES.iter().find(|(name, _)| issuer.contains(name)).map(|(_, scope)| (*scope).to_owned());
    let scope = acquire.oauth.scope.clone().or(known).ok_or_else(|| {
        Failure::usage("the scope of mail is not known for this issuer").hint("name it with --scope")
    })?;
    let client_secret = match &acquire.oauth.client_secret_file {
        Some(path) => Some(Secret::new(from_file(path)?)),
        None => None,
    };
    let issuer = Issuer {
        url: issuer.to_owned(),
        client_id: acquire.oauth.client_id.clone().unwrap_or_default(),
        client_secret,
        scope,
        ca_file: acquire.ca_file.clone(),
    };
    // The person must see this, whatever else is silenced.
    let mut show = |prompt: &Prompt| {
        stderr(&format!("open {} and type the code {}", shown(&prompt.page), shown(&prompt.code)));
        if let Some(page) = &prompt.page_with_code {
            stderr(&format!("or open {}", shown(page)));
        }
        stderr(&format!("the code is good for {} minutes", prompt.seconds / 60));
    };
    let token = device_flow_of(&issuer, &mut show, &mut std::thread::sleep).map_err(|error| {
        Failure::new(format!("no token: {}", chain(&error)))
            .hint("check issuer, client and scope; docs/acquire.md has those of the big providers")
    })?;
    let lifetime = token.seconds.map(Duration::from_secs);
    let renewal =
        token.refresh.map(|first| Renewal { by: Arc::new(Refresher::new(issuer, first)), lifetime });
    Ok((Credential::Token(token.access), renewal))
}

fn from_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = shown(&path.display().to_string());
    let refused = |error: std::io::Error| {
        Failure::new(format!("cannot read {name}: {}", chain(&error)))
            .hint("check the path and its permissions")
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST as u64 + 2).read_to_end(&mut bytes))
        .map_err(refused)?;
    first_line(bytes, &name)
}

fn from_command(command: &str) -> Result<Vec<u8>, Failure> {
    let refused = |why: String| {
        Failure::new(format!("the command for the secret failed: {why}"))
            .hint("run it by itself and see what it prints")
    };
    let ran = Command::new("sh")
        .args(["-c", command])
        .stderr(Stdio::inherit())
        .stdin(Stdio::inherit())
        .output()
        .map_err(|error| refused(chain(&error)))?;
    if !ran.status.success() {
        return Err(refused(ran.status.to_string()));
    }
    first_line(ran.stdout, "what the command printed")
}

/// The first line, without its end.
fn first_line(mut bytes: Vec<u8>, of: &str) -> Result<Vec<u8>, Failure> {
    if let Some(end) = memchr::memchr(b'\n', &bytes) {
        bytes.truncate(end);
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if bytes.is_empty() || bytes.len() > LONGEST || bytes.contains(&0) {
        return Err(Failure::new(format!("{of} holds no password or token in its first line")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> SecretArgs {
        SecretArgs {
            password_file: None,
            password_env: None,
            password_command: None,
            token_file: None,
            token_command: None,
            oauth_issuer: None,
        }
    }

    fn of(args: &SecretArgs) -> Result<(bool, Vec<u8>), String> {
        match given(args, "ann") {
            Ok(Credential::Password(secret)) => Ok((false, secret.bytes().to_vec())),
            Ok(Credential::Token(secret)) => Ok((true, secret.bytes().to_vec())),
            Err(failure) => Err(failure.sentence),
        }
    }

    #[test]
    fn a_secret_is_the_first_line_of_a_file_or_command() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        std::fs::write(&path, "pass word \r\nnot this\n").unwrap();
        assert_eq!(
            of(&SecretArgs { password_file: Some(path.clone()), ..args() }),
            Ok((false, b"pass word ".to_vec()))
        );
        std::fs::write(&path, "\n").unwrap();
        assert!(of(&SecretArgs { token_file: Some(path), ..args() }).is_err());
        let command = |text: &str| of(&SecretArgs { token_command: Some(text.into()), ..args() });
        assert_eq!(command("printf 'tok\\nx'"), Ok((true, b"tok".to_vec())));
        assert!(command("exit 3").unwrap_err().contains("failed"));
        assert!(command("true").is_err());
        assert!(of(&SecretArgs { password_env: Some("NO_SUCH_VARIABLE".into()), ..args() }).is_err());
    }
}
