//! Which repository a store is in: what follows `git:` is the name of a remote of the checkout that
//! the caller works in, or an address in any form that git accepts. The settings of the checkout for
//! reaching it and for logging in are used; nothing is written into the checkout.

use std::path::{Path, PathBuf};

use tenure_core::{Error, Result};

use crate::failure::unavailable;
use crate::program::Program;

/// The name by which git knows the remote here.
pub(crate) const NAME: &str = "tenure-store";

/// A repository, and the settings with which git reaches it.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Its address without a password.
    pub(crate) shown: String,
    /// Settings for git.
    pub(crate) settings: Vec<(String, String)>,
    /// Where git has to run for relative addresses to be right.
    pub(crate) folder: PathBuf,
}

/// Sections of a checkout's configuration about reaching a remote.
const SECTIONS: &[&str] = &["credential.", "http.", "protocol.", "ssh.", "url."];
/// A remote's own settings about reaching it.
const OF_REMOTE: &[&str] = &[
    "proxy",
    "proxyauthmethod",
    "receivepack",
    "uploadpack",
    "vcs",
];
/// Settings for every remote.
const ALWAYS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("push.gpgSign", "false"),
];

impl Remote {
    /// Finds the repository that a name or an address means. `checkout` runs git where the caller
    /// works.
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
        // As for git, the environment comes before the checkout.
        settings.extend(of_environment());
        let always = ALWAYS.iter();
        settings.extend(always.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        if !config.has_ssh {
            // There is no terminal to ask for a passphrase at.
            let command = "ssh -o BatchMode=yes".to_owned();
            settings.push(("core.sshCommand".to_owned(), command));
        }
        settings.push((format!("remote.{NAME}.url"), address.clone()));
        let folder = match named.is_some() && is_relative(&address) {
            true => top(checkout).await?,
            false => checkout.folder.clone(),
        };
        Ok(Self {
            shown: without_password(&address),
            settings,
            folder,
        })
    }
}

/// The configuration of a checkout; empty where there is none.
struct Config {
    /// In the repository's own scope: git reads the others by itself.
    settings: Vec<(String, String)>,
    /// Whether any scope sets how ssh is run.
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
            // A name without a value is one that is true.
            let (key, value) = setting.split_once('\n').unwrap_or((setting, "true"));
            config.has_ssh |= key == "core.sshcommand";
            if scope == "local" || scope == "worktree" {
                config.settings.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(config)
    }

    /// The address of a remote: the one for pushes, since what was pushed has to be read.
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

/// Whether it is the name of a remote: no address has this form.
fn is_name(place: &str) -> bool {
    !place.starts_with('.') && !place.contains(['/', '\\', ':'])
}

/// Whether an address is a path that begins in the checkout.
fn is_relative(address: &str) -> bool {
    !address.contains(':') && !Path::new(address).has_root()
}

/// Whether git takes an address for a path on this machine.
pub(crate) fn is_path(address: &str) -> bool {
    let (colon, slash) = (address.find(':'), address.find('/'));
    let has_drive = cfg!(windows) && colon == Some(1);
    address.starts_with("file://")
        || has_drive
        || colon.is_none_or(|colon| slash.is_some_and(|slash| slash < colon))
}

/// The top of the checkout, where git looks for relative paths; of a bare repository, itself.
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
        // It may be a checkout that git does not trust, and says how it would.
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

/// An address without the name and the password in it.
fn without_password(address: &str) -> String {
    if let Some((scheme, rest)) = address.split_once("://") {
        let end = rest.find('/').unwrap_or(rest.len());
        if let Some(at) = rest.get(..end).and_then(|host| host.rfind('@')) {
            return format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default());
        }
    }
    address.to_owned()
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

    #[test]
    fn no_password_is_shown() {
        for (address, shown) in [
            ("https://user:secret@host/a@b", "https://host/a@b"),
            ("https://secret@host", "https://host"),
            ("https://host/a@b", "https://host/a@b"),
            ("git@host:a", "git@host:a"),
            ("/a/b", "/a/b"),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }
}
