//! The options of a server, as JavaScript passes them, and what it gets for them.

use std::io::stderr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::Serialize;
use tenure_bridge::{Answer, Options, answer};
use tenure_core::error::Cause;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Error, Result, Text};
use tenure_host::open_existing_archive;
use tenure_server::log::{self, Format};
use tenure_server::{Files, Server, ServerOptions, Token};

struct ServeParams {
    port: u32,
    address: Option<Text>,
    token: Option<Text>,
    read_only: bool,
    allow_hosts: Vec<Text>,
    allow_origins: Vec<Text>,
    log: Option<Text>,
    /// The folder of the web UI.
    page: Option<Text>,
    /// The address of the archive that clients may read.
    archive: Option<Text>,
}

impl Params for ServeParams {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            port: properties.take_or("port", 0),
            address: properties.take("address"),
            token: properties.take("token"),
            read_only: properties.take_or("read_only", false),
            allow_hosts: properties.take_or("allow_hosts", Vec::new()),
            allow_origins: properties.take_or("allow_origins", Vec::new()),
            log: properties.take("log"),
            page: properties.take("page"),
            archive: properties.take("archive"),
        }
    }
}

/// Reads the options of a server. An archive is read with the keys of the store.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn server_options(options: &str, keys: &Options) -> Result<ServerOptions> {
    let params = ServeParams::read("options", options)?;
    let port = u16::try_from(params.port)
        .map_err(|_| Error::invalid("port", "expected a port, or 0 for any free one"))?;
    let ip = match &params.address {
        None => Ipv4Addr::LOCALHOST.into(),
        Some(address) => address.as_str().parse::<IpAddr>().map_err(|_| {
            Error::invalid(
                "address",
                "expected an address of this machine, such as 127.0.0.1",
            )
        })?,
    };
    let token = params.token.map(|token| Token::parse(token.as_str()));
    let texts = |texts: Vec<Text>| texts.into_iter().map(Text::into_string).collect();
    let defaults = ServerOptions::default();
    let log = match params.log.as_ref().map(Text::as_str) {
        None => defaults.log.clone(),
        Some("human") => log::to(Format::Human, stderr()),
        Some("json") => log::to(Format::Json, stderr()),
        Some(_) => return Err(Error::invalid("log", "expected \"human\" or \"json\"")),
    };
    let files = match params.page {
        Some(folder) => read_files(Path::new(folder.as_str()))?,
        None => defaults.files.clone(),
    };
    let archive = params.archive;
    let archive = archive.map(|address| open_existing_archive(address.as_str(), keys));
    Ok(ServerOptions {
        files,
        archive: archive.transpose().map_err(Error::from)?,
        address: SocketAddr::new(ip, port),
        token: token.transpose()?,
        read_only: params.read_only,
        allowed_hosts: texts(params.allow_hosts),
        allowed_origins: texts(params.allow_origins),
        log,
        ..defaults
    })
}

fn read_files(folder: &Path) -> Result<Files> {
    Files::read(folder).map_err(|error| {
        let problem = format!("{}: {error}", folder.display());
        Cause::StoreUnavailable { problem }.into()
    })
}

/// A server that was started.
#[derive(Serialize)]
struct Served<'a> {
    server: u32,
    url: String,
    token: &'a str,
    closing: u32,
}

/// The answer for a server that was started. It has the number of the operation that ends with it.
pub(crate) fn started(server: &Server, operation: u32) -> Answer {
    answer::ok(&Served {
        server: operation,
        url: server.url(),
        token: server.token().reveal(),
        closing: operation,
    })
}
