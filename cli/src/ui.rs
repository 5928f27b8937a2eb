//! `tenure ui`: serves a store over HTTP until Ctrl-C.

use std::io::{self, stderr};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use serde::Serialize;
use tenure_apps::webhooks::job::{WebhookDeliverParams, WebhookDelivered};
use tenure_core::Error;
use tenure_core::error::Cause;
use tenure_core::value::address;
use tenure_host::Delivering;
use tenure_regular::read_to_string;
use tenure_server::log::{self, Format};
use tenure_server::{ExecutorService, Files, Server, ServerOptions, Token, openapi};

use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::count;
use crate::store::CommandStore;
use crate::webhooks::failing::Failing;
use crate::{archive, choice};

/// The time between two looks for Ctrl-C.
const PAUSE: Duration = Duration::from_millis(50);
/// The greatest size of the file of a token, in bytes.
const TOKEN_FILE: u64 = 4096;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints a URL with a new token, and serves until Ctrl-C. Who has the token may
call every operation; with --read-only those that only read. The server speaks
HTTP: for other machines put a proxy with TLS before it, and name the host with
--allow-host. An address that other machines reach demands a token of your own.

Logs go to standard error. They have no token and no data of sessions. An
unexpected error has a reference in its details, which is in the log, too.

Examples:
  tenure ui
  tenure ui --read-only --port 0 --json
  tenure ui --address 0.0.0.0 --token-file token --allow-host bots.example
  tenure ui --openapi > openapi.json
  tenure ui --export ./site --models opus,haiku")]
pub(crate) struct Args {
    /// Listen on this port; 0 is any free one
    #[arg(long, value_name = "N", default_value_t = 4000)]
    port: u16,
    /// Listen on this address of the machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    address: IpAddr,
    /// Use this token, of 16 characters or more, instead of a new one
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// Use the token in this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Refuse every operation that writes
    #[arg(long)]
    read_only: bool,
    /// Allow requests to this name of the server, with a port or for any port
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Allow pages of this origin to use the server with the token
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Deliver webhooks, too
    #[arg(long, conflicts_with = "read_only")]
    deliver: bool,
    /// With --deliver: post to addresses of private networks and of this machine, too
    #[arg(long, requires = "deliver")]
    allow_private: bool,
    /// Let clients read this archive: file:DIR or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    archive: Option<String>,
    /// Log for people or as JSON
    #[arg(long, value_name = "FORMAT", default_value = "human",
          value_parser = choice::choice([("human", Format::Human), ("json", Format::Json)]))]
    log: Format,
    /// Record the metrics of this server in the store, for scrapes of other processes
    #[arg(long, conflicts_with = "read_only")]
    record_metrics: bool,
    /// Print the description of the API in OpenAPI, and serve nothing
    #[arg(long)]
    openapi: bool,
    /// Write the page that needs no server into this folder, and serve nothing
    #[arg(long, value_name = "DIR", conflicts_with = "openapi")]
    export: Option<PathBuf>,
}

/// What is served, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Serving<'a> {
    /// The URL for clients.
    url: String,
    /// The URL for a browser, if the token is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// The token, if it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    read_only: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Outcome {
    if args.openapi {
        context.out.write(openapi::text())?;
        return Ok(Exit::DONE);
    }
    if let Some(folder) = &args.export {
        return export(folder, context);
    }
    let token = args.chosen_token()?;
    let archive = args.archive.as_deref();
    let archive = archive.map(|address| archive::open_existing(address, context));
    let archive = archive.transpose()?;
    let url = CommandStore::of(context.globals.store.as_deref())?;
    let (executor, limits) = context.take_store()?.into_executor();
    let executor = Arc::new(executor);
    let interrupt = Interrupt::listen();
    let is_new = token.is_none();
    let log = log::to(args.log, stderr());
    let server = Server::bind(
        Arc::new(ExecutorService::new(Arc::clone(&executor), &limits)),
        ServerOptions {
            address: SocketAddr::new(args.address, args.port),
            token,
            read_only: args.read_only,
            records: args.record_metrics,
            allowed_hosts: args.allow_host.clone(),
            allowed_origins: args.allow_origin.clone(),
            files: files()?,
            archive,
            log: log.clone(),
            ..ServerOptions::default()
        },
    )?;
    let serving = Serving {
        url: server.url(),
        page: is_new.then(|| server.url_with_token()),
        token: is_new.then(|| server.token().reveal()),
        read_only: args.read_only,
    };
    match context.json() {
        true => context.print_json(&serving)?,
        false => {
            let store = address::shown(url.url());
            let page = serving.page.as_deref().unwrap_or(&serving.url);
            context.out.line(&format!("Serving {store} at {page}"))?;
        }
    }
    context.out.flush()?;
    let delivering = match args.deliver {
        true => {
            let params = WebhookDeliverParams {
                allow_private: Some(args.allow_private),
                ..WebhookDeliverParams::default()
            };
            let mut failing = Failing::default();
            let report = move |delivered: &WebhookDelivered| {
                for one in failing.news(&delivered.failing) {
                    log::failing(&log, &one.endpoint, &one.problem);
                }
            };
            let executor = Arc::clone(&executor);
            Some(Delivering::start(executor, limits, params, report)?)
        }
        false => None,
    };
    while !interrupt.is_requested() {
        thread::sleep(PAUSE);
    }
    server.close();
    // What is in flight is settled before the store is closed.
    if let Some(delivering) = delivering {
        delivering.stop();
    }
    executor.close();
    Ok(interrupt.exit_or(Exit::DONE))
}

impl Args {
    /// The token that the user has chosen.
    fn chosen_token(&self) -> Result<Option<Token>, Failure> {
        let Some(path) = &self.token_file else {
            let token = self.token.as_deref().map(str::trim);
            return Ok(token.map(Token::parse).transpose()?);
        };
        let of_file = |problem: &str| {
            Failure::usage("--token-file", format!("{}: {problem}", path.display()))
        };
        let text = read_to_string(path, TOKEN_FILE).map_err(|error| of_file(&error.to_string()))?;
        match Token::parse(text.trim()).map_err(Error::into_cause) {
            Ok(token) => Ok(Some(token)),
            Err(Cause::InvalidArgument { problem, .. }) => Err(of_file(&problem)),
            Err(cause) => Err(cause.into()),
        }
    }
}

/// The folder of the web UI, which is installed beside the folder of the command.
fn installed() -> Option<PathBuf> {
    let command = env::current_exe().ok()?;
    let folder = command.parent()?.parent()?.join("ui");
    folder.join("index.html").is_file().then_some(folder)
}

/// The files of the web UI; none where it is not installed.
fn files() -> Result<Files, Failure> {
    match installed() {
        Some(folder) => Files::read(&folder).map_err(|error| unreadable(&folder, &error)),
        None => Ok(Files::default()),
    }
}

fn unreadable(folder: &Path, error: &io::Error) -> Failure {
    let problem = format!("{}: {error}", folder.display());
    Cause::StoreUnavailable { problem }.into()
}

/// What was written.
#[derive(Serialize)]
struct Exported {
    folder: String,
    files: u64,
}

/// Where the page has the names of the available models.
const MODELS: &str = r#"<meta name="tenure-models" content=""#;

/// Writes the page that needs no server, with the available models, if they are known.
fn export(folder: &Path, context: &mut Context) -> Outcome {
    let Some(source) = installed() else {
        let problem =
            "the web UI is not installed beside this command: use the one of the npm package";
        return Err(Failure::usage("--export", problem));
    };
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_empty {
        let problem = format!("{} is not an empty folder", folder.display());
        return Err(Failure::usage("--export", problem));
    }
    let files = copy(&source, folder)
        .and_then(|files| name_models(folder, &context.globals.models).map(|()| files))
        .map_err(|error| unreadable(folder, &error))?;
    let exported = Exported {
        folder: folder.display().to_string(),
        files,
    };
    context.print(exported, |context, exported| {
        let (files, folder) = (count(exported.files, "file"), &exported.folder);
        context.out.line(&format!(
            "{files} written into {folder}; serve it over HTTPS, or on this machine"
        ))?;
        Ok(Exit::DONE)
    })
}

/// Writes the names of models into the page of a folder.
fn name_models(folder: &Path, models: &[String]) -> io::Result<()> {
    if models.is_empty() {
        return Ok(());
    }
    let path = folder.join("index.html");
    let page = fs::read_to_string(&path)?;
    let (before, after) = page
        .split_once(MODELS)
        .ok_or_else(|| io::Error::other("the page takes no names of models"))?;
    let names = models
        .join(",")
        .replace('&', "&amp;")
        .replace('"', "&quot;");
    fs::write(path, [before, MODELS, &names, after].concat())
}

/// Copies the files of a folder, but the page of a server. Returns how many.
fn copy(source: &Path, target: &Path) -> io::Result<u64> {
    fs::create_dir_all(target)?;
    let mut files = 0;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files += copy(&entry.path(), &to)?;
        } else if entry.file_name() != "server.html" {
            fs::copy(entry.path(), to)?;
            files += 1;
        }
    }
    Ok(files)
}
