//! The repository of a store. The text after `git:` is the name of a remote of the caller's
//! checkout, or an address in any form that git accepts. The checkout's settings for connections
//! and credentials are used. Nothing is written into the checkout.

use std::path::{Path, PathBuf};

use tenure_core::value::address;
use tenure_core::{Error, Result};

use crate::failure::unavailable;
use crate::program::Program;

/// The name of the remote in workspaces.
pub(crate) const NAME: &str = "tenure-store";

/// A repository, and git's settings to reach it.
#[derive(Debug)]
pub(crate) struct Remote {
    /// The address without what may be secret.
    pub(crate) shown: String,
    /// Settings for git.
    pub(crate) settings: Vec<(String, String)>,
    /// The folder in which git resolves relative addresses.
    pub(crate) folder: PathBuf,
}

/// The sections of a checkout's configuration with settings for connections.
const SECTIONS: &[&str] = &["credential.", "http.", "protocol.", "ssh.", "url."];
/// The settings of a remote for connections.
const OF_REMOTE: &[&str] = &[
    "proxy",
    "proxyauthmethod",
    "receivepack",
    "uploadpack",
    "vcs",
];
/// The settings for all remotes.
const ALWAYS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("push.gpgSign", "false"),
];

impl Remote {
    /// Finds the repository of a name or an address. `checkout` runs git in the caller's folder.
    pub(crate) async fn find(place: &str, checkout: &Program) -> Result<Self> {
        let config = Config::read(checkout).await?;
        let named = is_name(place).then(|| config.address(place));
        let address = match &named {
            None => place.to_owned(),
            Some(Some(address)) => address.clone(),
            Some(None) => return Err(unknown(place, checkout).await?),
        };
        let mut settings = Vec::new();
        for (key, value) in &config.settings {
            let of_remote = key
                .strip_prefix("remote.")
                .and_then(|rest| rest.strip_prefix(place)?.strip_prefix('.'))
                .filter(|own| named.is_some() && OF_REMOTE.contains(own));
            if let Some(own) = of_remote {
                settings.push((format!("remote.{NAME}.{own}"), value.clone()));
            } else if key == "core.sshcommand" || SECTIONS.iter().any(|s| key.starts_with(s)) {
                settings.push((key.clone(), value.clone()));
            }
        }
        // As in git, the environment overrides the checkout.
        settings.extend(of_environment());
        let always = ALWAYS.iter();
        settings.extend(always.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        if !config.has_ssh {
            // There is no terminal to ask for a passphrase.
            let command = "ssh -o BatchMode=yes".to_owned();
            settings.push(("core.sshCommand".to_owned(), command));
        }
        settings.push((format!("remote.{NAME}.url"), address.clone()));
        let folder = match named.is_some() && is_relative(&address) {
            true => top(checkout).await?,
            false => checkout.folder.clone(),
        };
        Ok(Self {
            shown: address::shown(&address),
            settings,
            folder,
        })
    }
}

/// Reads the configuration of a checkout; empty if there is none.
struct Config {
    /// Reads the repository's own scope, because git reads the other scopes itself.
    settings: Vec<(String, String)>,
    /// Reads whether any scope configures ssh.
    has_ssh: bool,
}

impl Config {
    async fn read(checkout: &Program) -> Result<Self> {
        let arguments = ["config", "--list", "-z", "--show-scope"];
        let ran = checkout.run(None, &arguments, b"").await?;
        if !ran.succeeded() {
            return Err(unavailable(format!("git config: {}", ran.complaint)));
        }
        let out = String::from_utf8_lossy(&ran.out);
        let mut parts = out.split('\0');
        let of_caller = ["GIT_SSH", "GIT_SSH_COMMAND"].map(std::env::var_os);
        let mut config = Self {
            settings: Vec::new(),
            has_ssh: of_caller.iter().any(Option::is_some),
        };
        while let (Some(scope), Some(setting)) = (parts.next(), parts.next()) {
            // A name without a value is a boolean that is true.
            let (key, value) = setting.split_once('\n').unwrap_or((setting, "true"));
            config.has_ssh |= key == "core.sshcommand";
            if scope == "local" || scope == "worktree" {
                config.settings.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(config)
    }

    /// The address of a remote for pushes, because reads must see what was pushed.
    fn address(&self, name: &str) -> Option<String> {
        let of = |own: &str| {
            let key = format!("remote.{name}.{own}");
            let mut settings = self.settings.iter();
            settings
                .find(|(known, _)| *known == key)
                .map(|(_, value)| value.clone())
        };
        of("pushurl").or_else(|| of("url"))
    }
}

/// The settings for git in the environment.
fn of_environment() -> Vec<(String, String)> {
    let variable = |name: &str| std::env::var(name).ok();
    let count = variable("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok());
    let setting = |number: u32| {
        let key = variable(&format!("GIT_CONFIG_KEY_{number}"))?;
        Some((key, variable(&format!("GIT_CONFIG_VALUE_{number}"))?))
    };
    (0..count.unwrap_or(0)).map_while(setting).collect()
}

/// Whether the text is the name of a remote. No address has this form.
fn is_name(place: &str) -> bool {
    !place.starts_with('.') && !place.contains(['/', '\\', ':'])
}

/// Whether an address is a path relative to the checkout.
fn is_relative(address: &str) -> bool {
    !address.contains(':') && !Path::new(address).has_root()
}

/// Whether git interprets an address as a path on this machine.
pub(crate) fn is_path(address: &str) -> bool {
    let (colon, slash) = (address.find(':'), address.find('/'));
    let has_drive = cfg!(windows) && colon == Some(1);
    address.starts_with("file://")
        || has_drive
        || colon.is_none_or(|colon| slash.is_some_and(|slash| slash < colon))
}

/// The top folder of the checkout, against which git resolves relative paths. For a bare
/// repository, the repository itself.
async fn top(checkout: &Program) -> Result<PathBuf> {
    for question in ["--show-toplevel", "--absolute-git-dir"] {
        let ran = checkout.run(None, &["rev-parse", question], b"").await?;
        let answer = String::from_utf8_lossy(&ran.out);
        if ran.succeeded() && !answer.trim_end().is_empty() {
            return Ok(answer.trim_end_matches(['\r', '\n']).into());
        }
    }
    Ok(checkout.folder.clone())
}

async fn unknown(name: &str, checkout: &Program) -> Result<Error> {
    let arguments = ["rev-parse", "--git-dir"];
    let asked = checkout.run(None, &arguments, b"").await?;
    if !asked.succeeded() {
        // Git may not trust the checkout. Its message says how to change that.
        let (folder, why) = (checkout.folder.display(), asked.complaint);
        let problem = format!("git does not look for a remote {name:?} in {folder}: {why}");
        return Ok(unavailable(problem));
    }
    Ok(unavailable(format!(
        "{} is in no repository with a remote {name:?}; expected the name of a remote, or an address \
         such as git:https://host/owner/name or git:./repository.git",
        checkout.folder.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_name_of_a_remote_and_everything_else_is_an_address() {
        for name in ["origin", "my-fork", "a.b", "é"] {
            assert!(is_name(name), "{name}");
        }
        for address in [
            "./a.git",
            "../a",
            ".",
            "/a",
            "a/b",
            "host:a",
            "https://h/a",
            r"C:\a",
        ] {
            assert!(!is_name(address), "{address}");
        }
    }

    #[test]
    fn paths_differ_from_addresses_of_servers() {
        for path in ["/a/b", "./a:b", "../a", "a", "file:///a/b"] {
            assert!(is_path(path), "{path}");
        }
        for address in [
            "https://h/a",
            "ssh://h/a",
            "git@host:a/b",
            "host:/a",
            "ext::a",
        ] {
            assert!(!is_path(address), "{address}");
        }
    }
}
