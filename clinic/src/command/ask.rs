//! `teleward clinic init`: by flags, or by asking for what is missing when somebody sits at a terminal.

use super::{Doing, made, secret_file};
use crate::error::ClinicError;
use crate::init::{InitOptions, RootPlace, init as make};
use clap::Args as ClapArgs;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use wire::{PublicKey, Time};

/// Make a clinic: its keys, its first list, its first account. Asks for what no flag says.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    after_help = "Example: teleward clinic init --dir clinic-data --name \"Tern Street\" --phone \"01632 960 100\" --emergency 999 \
--language en --zone Europe/London --relay https://relay.example --relay-receipt KEY --relay-receipt RESERVE \
--sheets /mnt/stick/sheets --account \"Dr Ann Lee\""
)]
pub(crate) struct InitArgs {
    /// The station's data folder, which must hold no clinic.
    #[arg(long, env = "TELEWARD_CLINIC_DIR", default_value = "clinic-data")]
    dir: PathBuf,
    /// The clinic's name, as patients know it.
    #[arg(long)]
    name: Option<String>,
    /// Its telephone number.
    #[arg(long)]
    phone: Option<String>,
    /// The number to call in an emergency.
    #[arg(long)]
    emergency: Option<String>,
    /// Languages that are spoken there, most used first.
    #[arg(long = "language", value_delimiter = ',')]
    languages: Vec<String>,
    /// The clinic's time zone.
    #[arg(long)]
    zone: Option<String>,
    /// The relay's address.
    #[arg(long)]
    relay: Option<String>,
    /// The relay's receipt keys, present and reserve: it prints them when it starts.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    relay_receipt: Vec<PublicKey>,
    /// A folder for the sheets to print: two root keys and the backup key.
    #[arg(long, conflicts_with = "root_file")]
    sheets: Option<PathBuf>,
    /// Instead of sheets: one file for these keys, sealed under a passphrase.
    #[arg(long, requires = "passphrase_file")]
    root_file: Option<PathBuf>,
    /// A file with that passphrase.
    #[arg(long, requires = "root_file")]
    passphrase_file: Option<PathBuf>,
    /// The first administrator's name.
    #[arg(long)]
    account: Option<String>,
    /// A file with that administrator's password; without it, the station's start shows a link that signs in once.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// A sign of life at least so often, in hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=168))]
    beat_hours: u32,
    /// How many days the relay keeps mail after the station has stored it.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=365))]
    keep_days: u32,
    /// When somebody looks at readings, such as "Mon-Fri 8-17".
    #[arg(long, default_value = "")]
    cover_hours: String,
    /// A sentence about that for patients.
    #[arg(long, default_value = "")]
    cover_text: String,
    /// A file with a passphrase under which the station's keys are sealed; the station asks for it at each start.
    #[arg(long)]
    key_passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn init(args: InitArgs, doing: Doing, now: Time) -> Result<(), ClinicError> {
    let languages = if args.languages.is_empty() {
        vec![ask(
            "Language spoken at the clinic (such as en)",
            "--language",
            None,
        )?]
    } else {
        args.languages
    };
    let relay_receipts = if args.relay_receipt.is_empty() {
        let text = ask(
            "The relay's receipt keys, with a comma between",
            "--relay-receipt",
            None,
        )?;
        let keys = text.split(',').map(|key| key.trim().parse());
        keys.collect::<Result<_, _>>()
            .map_err(|e| ClinicError::Setup(format!("--relay-receipt: {e}")))?
    } else {
        args.relay_receipt
    };
    let root = match (args.sheets, args.root_file, args.passphrase_file) {
        (Some(folder), ..) => RootPlace::Sheets(folder),
        (None, Some(file), Some(passphrase)) => RootPlace::File(file, secret_file(&passphrase)?),
        _ => RootPlace::Sheets(
            ask(
                "Folder for the sheets to print (on a stick, not on this machine)",
                "--sheets",
                None,
            )?
            .into(),
        ),
    };
    let options = InitOptions {
        dir: args.dir,
        name: ask("Name of the clinic", "--name", args.name)?,
        phone: ask("Its telephone number", "--phone", args.phone)?,
        emergency: ask(
            "Number to call in an emergency",
            "--emergency",
            args.emergency,
        )?,
        languages,
        zone: ask("Time zone (such as Europe/Berlin)", "--zone", args.zone)?,
        relay: ask("Address of the relay", "--relay", args.relay)?,
        relay_receipts,
        root,
        account: ask("Name of the first administrator", "--account", args.account)?,
        password: args.password_file.as_deref().map(secret_file).transpose()?,
        beat_hours: args.beat_hours,
        keep_days: args.keep_days,
        cover: (args.cover_hours, args.cover_text),
        passphrase: args
            .key_passphrase_file
            .as_deref()
            .map(secret_file)
            .transpose()?,
    };
    let making = doing("making the clinic's keys");
    let clinic = make(&options, now)?;
    drop(making);
    made(&options, &clinic, args.json);
    Ok(())
}

/// The flag's value; without one, what somebody types at the terminal.
fn ask(question: &str, flag: &str, given: Option<String>) -> Result<String, ClinicError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(ClinicError::Setup(format!(
            "{flag} is missing, and nobody is at the terminal to ask"
        )));
    }
    let failed = |e: std::io::Error| ClinicError::Setup(format!("the terminal: {e}"));
    loop {
        let mut out = std::io::stderr();
        write!(out, "{question}: ")
            .and_then(|()| out.flush())
            .map_err(failed)?;
        let mut line = String::new();
        if stdin.lock().read_line(&mut line).map_err(failed)? == 0 {
            return Err(ClinicError::Setup(format!("{flag} is missing")));
        }
        let line = line.trim();
        if !line.is_empty() {
            return Ok(line.to_owned());
        }
    }
}
