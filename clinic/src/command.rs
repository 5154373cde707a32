//! `teleward clinic …`, mounted by the command line.

mod ask;
mod devices;

use crate::device_tables::CheckTable;
use crate::error::ClinicError;
use crate::init::{InitOptions, RootPlace};
use crate::keys::{self, StationKeys};
use crate::serve::{StationConfig, Tls, serve};
use crate::station::{DATABASE, meta};
use crate::tables::SCHEMA;
use crate::{accounts, audit, backup, hand_out, next_roster, rim, sheets};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Database;
use vault::{RecoverySheet, RootSheet, Sensitive};
use wire::{PublicKey, Time};

/// Run a clinic's station: it opens what patients send, keeps the record and serves the console.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: teleward clinic --dir /var/lib/teleward-clinic --listen 0.0.0.0:8443 --tls files --cert cert.pem --key key.pem"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Clone, ClapArgs)]
struct Folder {
    /// The station's data folder.
    #[arg(long, env = "TELEWARD_CLINIC_DIR", default_value = "clinic-data")]
    dir: PathBuf,
    /// A file with the passphrase of the key folder, where there is one.
    #[arg(long, env = "TELEWARD_CLINIC_PASSPHRASE_FILE")]
    key_passphrase_file: Option<PathBuf>,
}

impl Folder {
    fn passphrase(&self) -> Result<Option<Sensitive<String>>, ClinicError> {
        self.key_passphrase_file
            .as_deref()
            .map(secret_file)
            .transpose()
    }
}

#[derive(Debug, Clone, ClapArgs)]
struct RunArgs {
    #[command(flatten)]
    folder: Folder,
    /// Where the console listens; port 0 takes a free one.
    #[arg(long, env = "TELEWARD_CLINIC_LISTEN", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Where the console's certificate comes from.
    #[arg(long, value_parser = ["files"], requires_all = ["cert", "key"])]
    tls: Option<String>,
    /// The certificate chain (PEM).
    #[arg(long, requires = "tls")]
    cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, requires = "tls")]
    key: Option<PathBuf>,
    /// How people reach the console, when it is not the address listened on: a name, or a proxy.
    #[arg(long, env = "TELEWARD_CLINIC_PUBLIC_URL")]
    public_url: Option<String>,
    /// A certificate authority of the clinic's own for its relay (PEM).
    #[arg(long)]
    relay_ca: Option<PathBuf>,
    /// Ask the relay so often while there is no live line, in milliseconds.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(20..=3_600_000))]
    collect_every_ms: u64,
    /// Print one line of JSON once it listens: `{"console","sign_in"}`.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    Init(Box<ask::InitArgs>),
    /// Copy everything to a folder that only the backup sheet opens, while the station runs.
    #[command(after_help = "Example: teleward clinic backup --to /mnt/stick/clinic-2026-11-24")]
    Backup {
        #[command(flatten)]
        folder: Folder,
        /// A folder that does not exist yet.
        #[arg(long)]
        to: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a station's folder from a backup. It signs with its reserve key from then on.
    #[command(
        after_help = "Example: teleward clinic restore --from /mnt/stick/clinic-2026-11-24 --dir clinic-data --key backup-sheet.txt"
    )]
    Restore {
        #[command(flatten)]
        folder: Folder,
        /// The backup's folder.
        #[arg(long)]
        from: PathBuf,
        /// The backup sheet's text file, or a file with its 24 words.
        #[arg(long, required_unless_present = "root_file")]
        key: Option<PathBuf>,
        /// The passphrase file that `clinic init --root-file` made.
        #[arg(long, requires = "passphrase_file")]
        root_file: Option<PathBuf>,
        /// A file with its passphrase.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy every letter that came, and the lists of keys, to files that `teleward open` and `teleward verify` read.
    #[command(
        after_help = "Example: teleward clinic letters --dir clinic-data --to /mnt/stick/letters --with-keys"
    )]
    Letters {
        #[command(flatten)]
        folder: Folder,
        /// A folder that does not exist yet.
        #[arg(long)]
        to: PathBuf,
        /// Write the keys that open them beside them: whoever has that file can read everything.
        #[arg(long)]
        with_keys: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Accounts, on the station's own machine.
    #[command(
        after_help = "Example: teleward clinic account reset \"Dr Ann Lee\" --dir clinic-data"
    )]
    Account {
        #[command(subcommand)]
        command: Account,
    },
    /// The table of how single models of devices differ from the standard.
    #[command(after_help = "Example: teleward clinic devices show --dir clinic-data")]
    Devices {
        #[command(subcommand)]
        command: devices::Devices,
    },
    /// The signed list of the clinic's keys.
    #[command(after_help = "Example: teleward clinic roster show --dir clinic-data")]
    Roster {
        #[command(subcommand)]
        command: Roster,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum Account {
    /// List the accounts: name, what it may do, whether it can sign in.
    #[command(after_help = "Example: teleward clinic account list")]
    List {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Forget an account's password and print a link that signs in once.
    #[command(after_help = "Example: teleward clinic account reset \"Dr Ann Lee\"")]
    Reset {
        /// The account's name.
        name: String,
        #[command(flatten)]
        folder: Folder,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Subcommand)]
enum Roster {
    /// Sign the next list: after a restore it makes the key in use the active one and a fresh reserve key. Stop the
    /// station first.
    #[command(after_help = "Example: teleward clinic roster next --root-sheet root-sheet-1.txt")]
    Next {
        #[command(flatten)]
        folder: Folder,
        /// Sheet 1's text file, or a file with its 24 words.
        #[arg(long, required_unless_present = "root_file")]
        root_sheet: Option<PathBuf>,
        /// The passphrase file that `clinic init --root-file` made.
        #[arg(long, requires = "passphrase_file")]
        root_file: Option<PathBuf>,
        /// A file with its passphrase.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// The relay's receipt keys, when they changed.
        #[arg(long, allow_hyphen_values = true)]
        relay_receipt: Vec<PublicKey>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the lists as they are published, one a line.
    #[command(after_help = "Example: teleward clinic roster show > rosters.ndjson")]
    Show {
        #[command(flatten)]
        folder: Folder,
    },
}

/// Tells a person what takes a while, until the value that it gives is dropped.
pub type Doing = fn(&'static str) -> Box<dyn Send>;

/// Does what the words say.
///
/// # Errors
/// [`ClinicError`], whose text says what to do next.
pub async fn run(args: Args, doing: Doing, check: CheckTable) -> Result<(), ClinicError> {
    let Some(command) = args.command else {
        return station(args.run, check).await;
    };
    let done = tokio::task::spawn_blocking(move || at_once(command, doing, check)).await;
    done.unwrap_or(Err(ClinicError::Kept("work that broke off")))
}

async fn station(args: RunArgs, check: CheckTable) -> Result<(), ClinicError> {
    there_is_a_clinic(&args.folder.dir)?;
    let mut config = StationConfig::new(&args.folder.dir);
    config.listen = args.listen;
    config.tls = args
        .cert
        .zip(args.key)
        .map(|(certificate, key)| Tls { certificate, key });
    config.public_url = args.public_url;
    config.check_table = check;
    config.passphrase = args.folder.passphrase()?;
    config.relay_ca = match &args.relay_ca {
        Some(path) => Some(std::fs::read(path).map_err(ClinicError::file(path))?),
        None => None,
    };
    let every = Duration::from_millis(args.collect_every_ms);
    config.pace.collect = every;
    config.pace.collect_beside_live = config.pace.collect_beside_live.min(every * 5);
    config.pace.first_pause = config.pace.first_pause.min(every);
    config.pace.longest_pause = config.pace.longest_pause.min(every * 10);
    let end = ended()?;
    let running = serve(config, end).await?;
    if args.json {
        say(&json!({ "console": running.console, "sign_in": running.sign_in }).to_string());
    } else {
        say(&format!(
            "The console is at {}. Ctrl-C ends the station.",
            running.console
        ));
        if let Some(link) = &running.sign_in {
            say(&format!(
                "Sign in for the first time with this link; it works once:\n  {link}"
            ));
        }
    }
    running.wait().await
}

fn ended() -> Result<impl Future<Output = ()> + Send + 'static, ClinicError> {
    let here = |e: std::io::Error| ClinicError::Setup(format!("signals cannot be received: {e}"));
    #[cfg(unix)]
    let mut term =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(here)?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ended = tokio::signal::ctrl_c().await;
    })
}

fn at_once(command: Command, doing: Doing, check: CheckTable) -> Result<(), ClinicError> {
    let now = Time::system();
    match command {
        Command::Init(args) => ask::init(*args, doing, now),
        Command::Backup { folder, to, json } => {
            there_is_a_clinic(&folder.dir)?;
            let passphrase = folder.passphrase()?;
            let copying = doing("sealing a copy of the station");
            let made = backup::backup(&folder.dir, &to, passphrase.as_ref(), now)?;
            drop(copying);
            if json {
                say(&json!(made).to_string());
            } else {
                say(&format!(
                    "The backup is in {}. Only the backup sheet opens it; try a restore now and then.",
                    to.display()
                ));
            }
            Ok(())
        }
        Command::Restore {
            folder,
            from,
            key,
            root_file,
            passphrase_file,
            json,
        } => {
            let line = secret_line(key, root_file, passphrase_file, 2)?;
            let sheet = RecoverySheet::parse(line.expose())
                .map_err(|e| ClinicError::Setup(format!("the backup sheet: {e}")))?;
            let passphrase = folder.passphrase()?;
            let opening = doing("opening the backup and making the station's folder");
            let made = backup::restore(
                &from,
                &folder.dir,
                sheet.identity(),
                passphrase.as_ref(),
                now,
            )?;
            drop(opening);
            if json {
                say(&json!(made).to_string());
            } else {
                say(
                    "The station is back and asks phones for what is missing. Next: `teleward clinic roster next` with sheet 1, \
                     then start the station and back up again.",
                );
            }
            Ok(())
        }
        Command::Letters {
            folder,
            to,
            with_keys,
            json,
        } => {
            let db = database(&folder.dir)?;
            let keys = with_keys
                .then(|| keys::open(&folder.dir, folder.passphrase()?.as_ref()))
                .transpose()?;
            let keys = keys.map(|vault| StationKeys::load(&vault)).transpose()?;
            let writing = doing("writing the letters");
            let made = hand_out::letters(&db, &to, now)?;
            if let Some(keys) = &keys {
                hand_out::keys(keys, &to)?;
            }
            drop(writing);
            if json {
                say(&json!(made).to_string());
            } else {
                let to = to.display();
                say(&format!(
                    "{} letters are in {to}. Check them with:\n  teleward verify --identity {} --rosters {to}/rosters.ndjson {to}/mail",
                    made.letters,
                    if with_keys {
                        format!("{to}/station.txt")
                    } else {
                        "KEY-FILE".to_owned()
                    },
                ));
            }
            Ok(())
        }
        Command::Account {
            command: Account::Reset { name, folder, json },
        } => reset(&folder.dir, &name, json, now),
        Command::Account {
            command: Account::List { folder, json },
        } => accounts_list(&folder.dir, json),
        Command::Devices { command } => devices::run(command, check, now),
        Command::Roster {
            command:
                Roster::Next {
                    folder,
                    root_sheet,
                    root_file,
                    passphrase_file,
                    relay_receipt,
                    json,
                },
        } => {
            let line = secret_line(root_sheet, root_file, passphrase_file, 0)?;
            let root = RootSheet::parse(line.expose())
                .map_err(|e| ClinicError::Setup(format!("sheet 1: {e}")))?;
            let n = next_roster::make(
                &folder.dir,
                folder.passphrase()?.as_ref(),
                &root,
                &relay_receipt,
                now,
            )?;
            if json {
                say(&json!({ "roster": n }).to_string());
            } else {
                say(&format!(
                    "List {n} is signed. The station publishes it when it starts."
                ));
            }
            Ok(())
        }
        Command::Roster {
            command: Roster::Show { folder },
        } => {
            let db = database(&folder.dir)?;
            let (rosters, _) = db.read(crate::station::read_rosters)?;
            rosters.all().iter().for_each(|held| say(&held.jws));
            Ok(())
        }
    }
}

/// A sheet's line, or the line of a passphrase file with this number.
fn secret_line(
    sheet: Option<PathBuf>,
    root_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    which: usize,
) -> Result<Sensitive<String>, ClinicError> {
    match (sheet, root_file, passphrase_file) {
        (Some(sheet), ..) => sheets::read_line(&sheet),
        (None, Some(file), Some(passphrase)) => {
            let lines = sheets::read_root_file(&file, &secret_file(&passphrase)?)?;
            lines
                .into_iter()
                .nth(which)
                .ok_or(ClinicError::Kept("a root file"))
        }
        _ => Err(ClinicError::Setup(
            "give the sheet's file, or --root-file with --passphrase-file".to_owned(),
        )),
    }
}

fn there_is_a_clinic(dir: &Path) -> Result<(), ClinicError> {
    if dir.join(DATABASE).is_file() {
        return Ok(());
    }
    Err(ClinicError::Setup(format!(
        "there is no clinic in {}: name its folder with --dir, make one with `teleward clinic init`, or bring one back with `teleward clinic restore`",
        dir.display()
    )))
}

fn database(dir: &Path) -> Result<Database, ClinicError> {
    there_is_a_clinic(dir)?;
    Ok(Database::open(&dir.join(DATABASE), SCHEMA)?)
}

fn accounts_list(dir: &Path, as_json: bool) -> Result<(), ClinicError> {
    let accounts = database(dir)?.read(accounts::list)?;
    if as_json {
        say(&json!(accounts).to_string());
    } else {
        accounts.iter().for_each(|account| say(&account.words()));
    }
    Ok(())
}

/// The running station need not be stopped: both write one after the other.
fn reset(dir: &Path, name: &str, as_json: bool, now: Time) -> Result<(), ClinicError> {
    let db = database(dir)?;
    let token = rim::random()?;
    let (token, console) = db.write(|tx| {
        let (account, _) = accounts::by_name(tx, name)?.ok_or_else(|| {
            ClinicError::Setup("there is no such account, or it has ended: `teleward clinic account list` shows them".into())
        })?;
        Ok::<_, ClinicError>((accounts::reset(tx, &account, token, audit::STATION, now)?, meta(tx, "console")?))
    })?;
    let link = format!("{}/sign-in#{token}", console.unwrap_or_default());
    if as_json {
        say(&json!({ "sign_in": link }).to_string());
    } else {
        say(&format!(
            "The password is forgotten and all sessions have ended. This link signs in once, within three days:\n  {link}"
        ));
    }
    Ok(())
}

/// The first line of a file that holds a passphrase or password.
fn secret_file(path: &Path) -> Result<Sensitive<String>, ClinicError> {
    let text = Sensitive::new(std::fs::read_to_string(path).map_err(ClinicError::file(path))?);
    let line = text.expose().lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        return Err(ClinicError::Setup(format!(
            "{}: the first line is empty",
            path.display()
        )));
    }
    Ok(Sensitive::new(line))
}

#[expect(
    clippy::print_stdout,
    reason = "what a command says, it says on standard output"
)]
fn say(text: &str) {
    println!("{text}");
}

impl RootPlace {
    fn words(&self) -> String {
        match self {
            Self::Sheets(folder) => format!(
                "Print the sheets in {}, put them away in two places, and delete the folder.",
                folder.display()
            ),
            Self::File(path, _) => {
                format!("Put {} away, apart from its passphrase.", path.display())
            }
        }
    }
}

fn made(options: &InitOptions, made: &crate::Made, as_json: bool) {
    if as_json {
        say(&json!(made).to_string());
        return;
    }
    say(&format!(
        "The clinic is made. {}\n\nThe relay's operator admits it with:\n  teleward relay tenant add --name CLINIC --root {} --auth {}\n\n\
         Then start the station:\n  teleward clinic --dir {}",
        options.root.words(),
        made.root,
        made.auth,
        options.dir.display()
    ));
}
