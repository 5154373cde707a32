//! `teleward relay …`, mounted by the command line.

mod settings;

use crate::serve::serve;
use crate::{RelayError, keys, links, schema};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use wire::PublicKey;

/// Run the post office between phones and stations.
///
/// It stores sealed mail and cannot open it. Without flags it listens on loopback only.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: teleward relay --dir /var/lib/teleward-relay --listen 0.0.0.0:443 --authority relay.example.org --tls files --cert cert.pem --key key.pem"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Clone, ClapArgs)]
struct RunArgs {
    /// A JSON file with settings, named as these flags with `_` for `-`. Flags and environment come before it.
    #[arg(long, env = "TELEWARD_RELAY_CONFIG")]
    config: Option<PathBuf>,
    /// Where everything lies [default: relay-data].
    #[arg(long, env = "TELEWARD_RELAY_DIR")]
    dir: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8440, or a free port when that is taken].
    #[arg(long, env = "TELEWARD_RELAY_LISTEN")]
    listen: Option<SocketAddr>,
    /// A name (host, or host:port) under which phones and stations reach it; may be given several times. Without one,
    /// only loopback.
    #[arg(long, env = "TELEWARD_RELAY_AUTHORITY", value_delimiter = ',')]
    authority: Vec<String>,
    /// Where the certificate comes from.
    #[arg(long, value_parser = ["files"])]
    tls: Option<String>,
    /// The certificate chain (PEM).
    #[arg(long)]
    cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long)]
    key: Option<PathBuf>,
    /// What a request for /metrics carries as bearer token; without one, only loopback may read them.
    #[arg(long, env = "TELEWARD_RELAY_METRICS_TOKEN", hide_env_values = true)]
    metrics_token: Option<String>,
    /// A proxy on this machine stands in front and writes X-Forwarded-For.
    #[arg(long)]
    behind_proxy: bool,
    /// The most bytes that lie in one mailbox [default: 536870912].
    #[arg(long)]
    quota_bytes: Option<u64>,
    /// The most files a day and mailbox [default: 5000].
    #[arg(long)]
    quota_per_day: Option<u64>,
    /// Requests a second from one address [default: 200].
    #[arg(long)]
    requests_per_second: Option<f64>,
    /// Requests from one address in a burst [default: 1000].
    #[arg(long)]
    burst: Option<f64>,
    /// Open connections in all [default: 8192].
    #[arg(long)]
    connections: Option<usize>,
    /// Seconds that a request's head, and then its body, may take to arrive [default: 60].
    #[arg(long)]
    slow_client_s: Option<u64>,
    /// Print one line of JSON once it listens.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Admit clinics, list them, end one.
    #[command(after_help = "Example: teleward relay tenant list --dir relay-data")]
    Tenant {
        #[command(subcommand)]
        command: Tenant,
    },
    /// Copy everything to a folder, while the relay runs.
    #[command(
        after_help = "Example: teleward relay backup --dir relay-data --to /backup/relay-2026-11-24"
    )]
    Backup {
        /// The relay's folder.
        #[arg(long, default_value = "relay-data")]
        dir: PathBuf,
        /// A folder that does not exist yet.
        #[arg(long)]
        to: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a relay's folder from a backup. It signs receipts with its reserve key from then on.
    #[command(
        after_help = "Example: teleward relay restore --from /backup/relay-2026-11-24 --dir relay-data"
    )]
    Restore {
        /// The backup's folder.
        #[arg(long)]
        from: PathBuf,
        /// A folder that does not exist yet.
        #[arg(long)]
        dir: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that every envelope on the disk is whole.
    #[command(after_help = "Example: teleward relay verify --dir relay-data")]
    Verify {
        /// The relay's folder.
        #[arg(long, default_value = "relay-data")]
        dir: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum Tenant {
    /// Admit a clinic: its root key, and its station's key for requests, as `clinic init` prints them.
    #[command(
        after_help = "Example: teleward relay tenant add --name tern-street --root KEY --auth KEY"
    )]
    Add {
        /// The relay's folder; it may be running.
        #[arg(long, default_value = "relay-data")]
        dir: PathBuf,
        /// A name for the operator's list.
        #[arg(long)]
        name: String,
        /// The clinic's root key.
        // a key's text may begin with a dash
        #[arg(long, allow_hyphen_values = true)]
        root: PublicKey,
        /// The station's key for requests.
        #[arg(long, allow_hyphen_values = true)]
        auth: PublicKey,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the clinics.
    #[command(after_help = "Example: teleward relay tenant list")]
    List {
        /// The relay's folder.
        #[arg(long, default_value = "relay-data")]
        dir: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a clinic: nobody of it may write or read any more. Its mail stays.
    #[command(after_help = "Example: teleward relay tenant end --name tern-street")]
    End {
        /// The relay's folder.
        #[arg(long, default_value = "relay-data")]
        dir: PathBuf,
        /// Its name.
        #[arg(long)]
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Tells a person what takes a while, until the value that it gives is dropped.
pub type Doing = fn(&'static str) -> Box<dyn Send>;

/// Does what the words say, and tells nobody what takes a while.
///
/// # Errors
/// As [`run_telling`].
pub async fn run(args: Args) -> Result<(), RelayError> {
    run_telling(args, |_| Box::new(())).await
}

/// Does what the words say.
///
/// # Errors
/// [`RelayError`], whose text says what to do next.
pub async fn run_telling(args: Args, doing: Doing) -> Result<(), RelayError> {
    match args.command {
        None => run_server(args.run).await,
        Some(Command::Tenant { command }) => tenant(command),
        Some(Command::Backup { dir, to, json }) => {
            there_is_a_relay(&dir)?;
            let copying = doing("copying the relay's mail");
            crate::backup::backup(&dir, &to)?;
            drop(copying);
            if json {
                say(&json!({ "backup": to }).to_string());
            } else {
                say(&format!(
                    "The backup is in {}. It holds the receipt keys: keep it like a key.",
                    to.display()
                ));
            }
            Ok(())
        }
        Some(Command::Restore { from, dir, json }) => {
            there_is_a_relay(&from)?;
            let copying = doing("making the relay's folder");
            crate::backup::restore(&from, &dir)?;
            drop(copying);
            restored(&dir, json)
        }
        Some(Command::Verify { dir, json }) => {
            there_is_a_relay(&dir)?;
            let hashing = doing("hashing every envelope");
            let found = crate::backup::verify(&dir)?;
            drop(hashing);
            verified(found, json)
        }
    }
}

fn there_is_a_relay(dir: &Path) -> Result<(), RelayError> {
    if dir.join("relay.db").is_file() {
        return Ok(());
    }
    Err(RelayError::Config(format!(
        "there is no relay in {}: name its folder with --dir (of a backup, with --from)",
        dir.display()
    )))
}

fn restored(dir: &Path, as_json: bool) -> Result<(), RelayError> {
    let keys = keys::open(dir)?;
    let receipt = keys.receipt.public();
    if as_json {
        say(&json!({ "dir": dir, "receipt": receipt, "reserve": keys.reserve }).to_string());
    } else {
        say(&format!(
            "The relay is back in {}, and signs with what was its reserve key. Receipt keys for the clinics' rosters:\n  {receipt}\n  {} (reserve)\n\
             Next: give them to each clinic, which runs `teleward clinic roster next`, and start the relay.",
            dir.display(),
            keys.reserve
        ));
    }
    Ok(())
}

async fn run_server(args: RunArgs) -> Result<(), RelayError> {
    let as_json = args.json;
    let config = settings::settle(args)?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let running = serve(config).await?;
    let url = format!("{scheme}://{}", running.address);
    if as_json {
        say(
            &json!({ "relay": url, "receipt": running.receipt, "reserve": running.reserve })
                .to_string(),
        );
    } else {
        say(&format!(
            "The relay listens on {url}. Receipt keys for the clinic's roster:\n  {}\n  {} (reserve)\nCtrl-C ends it.",
            running.receipt, running.reserve
        ));
    }
    ended().await?;
    running.stop().await
}

async fn ended() -> Result<(), RelayError> {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        done = tokio::signal::ctrl_c() => Ok(done?),
    }
}

fn tenant(command: Tenant) -> Result<(), RelayError> {
    match command {
        Tenant::Add {
            dir,
            name,
            root,
            auth,
            json,
        } => {
            let new = there_is_a_relay(&dir).is_err();
            std::fs::create_dir_all(&dir)?;
            let mut db = schema::open(&dir.join("relay.db"))?;
            let tx = schema::change(&mut db)?;
            links::add_tenant(&tx, &name, root, auth)?;
            tx.commit()?;
            let keys = keys::open(&dir)?;
            let receipt = keys.receipt.public();
            if json {
                say(
                    &json!({ "tenant": name, "receipt": receipt, "reserve": keys.reserve })
                        .to_string(),
                );
            } else {
                if new {
                    say(&format!(
                        "There was no relay in {} yet: its folder was made.",
                        dir.display()
                    ));
                }
                say(&format!(
                    "{name} is admitted. Receipt keys for its roster:\n  {receipt}\n  {} (reserve)",
                    keys.reserve
                ));
            }
            Ok(())
        }
        Tenant::List { dir, json } => {
            there_is_a_relay(&dir)?;
            let db = schema::open_to_read(&dir.join("relay.db"))?;
            let all = links::tenants(&db)?;
            if json {
                say(&json!(all.iter().map(|(name, links, ended)| json!({ "tenant": name, "links": links, "ended": ended })).collect::<Vec<_>>()).to_string());
            } else {
                if all.is_empty() {
                    say("No clinic is admitted yet: teleward relay tenant add");
                }
                all.iter().for_each(|(name, links, ended)| {
                    say(&format!(
                        "{name}: {links} links{}",
                        if *ended { ", ended" } else { "" }
                    ))
                });
            }
            Ok(())
        }
        Tenant::End { dir, name, json } => {
            there_is_a_relay(&dir)?;
            let mut db = schema::open(&dir.join("relay.db"))?;
            let tx = schema::change(&mut db)?;
            links::end_tenant(&tx, &name)?;
            tx.commit()?;
            if json {
                say(&json!({ "tenant": name, "ended": true }).to_string());
            } else {
                say(&format!(
                    "{name} is ended; a running relay follows within a second."
                ));
            }
            Ok(())
        }
    }
}

fn verified(found: crate::backup::Verified, as_json: bool) -> Result<(), RelayError> {
    if as_json {
        say(&json!({ "envelopes": found.whole, "damaged": found.damaged }).to_string());
    } else {
        say(&format!(
            "{} envelopes are whole, {} are damaged.",
            found.whole, found.damaged
        ));
    }
    if found.damaged == 0 {
        Ok(())
    } else {
        Err(RelayError::Damaged("an envelope's bytes are not its name"))
    }
}

#[expect(
    clippy::print_stdout,
    reason = "what a command says, it says on standard output"
)]
fn say(text: &str) {
    println!("{text}");
}
