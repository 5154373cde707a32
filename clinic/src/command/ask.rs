//! `teleward clinic init`: by flags, or by asking for what is missing when somebody sits at a terminal.

use super::{Doing, made, secret_file};
use crate::error::ClinicError;
use crate::init::{
    InitOptions, RootPlace, check_folder, check_relay, check_short, check_zone, init as make,
};
use clap::Args as ClapArgs;
use std::io::{BufRead, IsTerminal as _, Write};
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
    check_folder(&args.dir)?;
    let as_json = args.json;
    let stdin = std::io::stdin();
    let mut desk = Desk {
        from: stdin.is_terminal().then(|| stdin.lock()),
        to: std::io::stderr(),
        asked: false,
    };
    let options = desk.options(args)?;
    let making = doing("making the clinic's keys");
    let clinic = make(&options, now)?;
    drop(making);
    made(&options, &clinic, as_json);
    Ok(())
}

/// Somebody at the terminal (or nobody), who is asked for what no flag says.
struct Desk<R, W> {
    from: Option<R>,
    to: W,
    asked: bool,
}

impl<R: BufRead, W: Write> Desk<R, W> {
    /// What the flags say, and answers where they say nothing. Each answer is checked at once and asked for again when it
    /// is wrong: nothing that was typed before is lost.
    fn options(&mut self, args: InitArgs) -> Result<InitOptions, ClinicError> {
        let short = |flag: &'static str| move |text: &str| check_short(flag, text);
        let name = self.text(
            "Name of the clinic, as patients know it",
            "--name",
            args.name,
            None,
            short("--name"),
        )?;
        let phone = self.text(
            "Its telephone number",
            "--phone",
            args.phone,
            None,
            short("--phone"),
        )?;
        let emergency = self.text(
            "Number to call in an emergency",
            "--emergency",
            args.emergency,
            None,
            short("--emergency"),
        )?;
        let languages = match args.languages {
            given if !given.is_empty() => given,
            _ => {
                let text = self.text(
                    "Languages spoken there, most used first, with a comma between",
                    "--language",
                    None,
                    Some("en".into()),
                    |_| Ok(()),
                )?;
                list(&text)
            }
        };
        let zone = self.text("Time zone", "--zone", args.zone, system_zone(), check_zone)?;
        let relay = self.text(
            "Address of the relay",
            "--relay",
            args.relay,
            None,
            check_relay,
        )?;
        let relay_receipts = match args.relay_receipt {
            given if !given.is_empty() => given,
            _ => {
                let text = self.text(
                    "The relay's receipt keys, with a comma between (it prints them when it starts)",
                    "--relay-receipt",
                    None,
                    None,
                    |text| receipts(text).map(drop),
                )?;
                receipts(&text)?
            }
        };
        let root = match (args.sheets, args.root_file, args.passphrase_file) {
            (Some(folder), ..) => RootPlace::Sheets(folder),
            (None, Some(file), Some(passphrase)) => RootPlace::File(file, secret_file(&passphrase)?),
            _ => RootPlace::Sheets(
                self.text(
                    "Folder for the sheets to print, best on a stick (or begin again with --root-file for a passphrase file)",
                    "--sheets",
                    None,
                    None,
                    |_| Ok(()),
                )?
                .into(),
            ),
        };
        let account = self.text(
            "Name of the first administrator",
            "--account",
            args.account,
            None,
            short("--account"),
        )?;
        let options = InitOptions {
            dir: args.dir,
            name,
            phone,
            emergency,
            languages,
            zone,
            relay,
            relay_receipts,
            root,
            account,
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
        self.agreed(&options)?;
        Ok(options)
    }

    /// The flag's value; without one, what somebody types, asked again until it can be taken.
    fn text(
        &mut self,
        question: &str,
        flag: &str,
        given: Option<String>,
        usual: Option<String>,
        check: impl Fn(&str) -> Result<(), ClinicError>,
    ) -> Result<String, ClinicError> {
        if let Some(given) = given {
            return Ok(given);
        }
        if self.from.is_none() {
            return Err(ClinicError::Setup(format!(
                "{flag} is missing, and nobody is at the terminal to ask"
            )));
        }
        self.asked = true;
        let shown = usual
            .as_ref()
            .map_or(String::new(), |usual| format!(" [{usual}]"));
        loop {
            let line = self.line(&format!("{question}{shown}: "))?.ok_or_else(|| {
                ClinicError::Setup(format!("{flag} is missing; nothing was made"))
            })?;
            let Some(answer) = Some(line)
                .filter(|line| !line.is_empty())
                .or_else(|| usual.clone())
            else {
                continue;
            };
            match check(&answer) {
                Ok(()) => return Ok(answer),
                Err(no) => self.say(&format!("  {no}.\n"))?,
            }
        }
    }

    /// Shows what was understood before anything is made, when somebody was asked.
    fn agreed(&mut self, options: &InitOptions) -> Result<(), ClinicError> {
        if !self.asked {
            return Ok(());
        }
        let place = match &options.root {
            RootPlace::Sheets(folder) => format!("sheets in {}", folder.display()),
            RootPlace::File(path, _) => format!("the file {}", path.display()),
        };
        self.say(&format!(
            "\n  {}, telephone {}, in an emergency {}\n  {}, {}\n  relay {}\n  root keys: {place}\n  data: {}\n  first administrator: {}\n\n",
            options.name.trim(),
            options.phone.trim(),
            options.emergency.trim(),
            options.languages.join(", "),
            options.zone,
            options.relay,
            options.dir.display(),
            options.account.trim(),
        ))?;
        loop {
            let answer = self.line("Make this clinic? [yes] ")?;
            match answer.as_deref().map(str::to_lowercase).as_deref() {
                Some("" | "y" | "yes") => return Ok(()),
                Some("n" | "no") | None => {
                    return Err(ClinicError::Setup("nothing was made".to_owned()));
                }
                Some(_) => self.say("  Answer yes or no.\n")?,
            }
        }
    }

    /// One line, without its end; `None` when there is no more.
    fn line(&mut self, prompt: &str) -> Result<Option<String>, ClinicError> {
        self.say(prompt)?;
        let mut line = String::new();
        let Some(from) = &mut self.from else {
            return Ok(None);
        };
        let read = from.read_line(&mut line).map_err(terminal)?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    fn say(&mut self, text: &str) -> Result<(), ClinicError> {
        write!(self.to, "{text}")
            .and_then(|()| self.to.flush())
            .map_err(terminal)
    }
}

fn terminal(error: std::io::Error) -> ClinicError {
    ClinicError::Setup(format!("the terminal: {error}"))
}

fn list(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn receipts(text: &str) -> Result<Vec<PublicKey>, ClinicError> {
    let keys = list(text).into_iter().map(|key| key.parse());
    keys.collect::<Result<Vec<_>, _>>()
        .map_err(|e| ClinicError::Setup(format!("--relay-receipt: {e}")))
        .and_then(|keys| match keys.is_empty() {
            true => Err(ClinicError::Setup(
                "--relay-receipt is at least one key".into(),
            )),
            false => Ok(keys),
        })
}

/// The zone of this machine, where the system says one.
fn system_zone() -> Option<String> {
    let zone = jiff::tz::TimeZone::try_system().ok()?;
    let name = zone.iana_name()?;
    check_zone(name).ok().map(|()| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: InitArgs,
    }

    fn args(words: &[&str]) -> InitArgs {
        Line::parse_from(std::iter::once("init").chain(words.iter().copied())).args
    }

    fn asked(words: &[&str], typed: &str) -> (Result<InitOptions, ClinicError>, String) {
        let mut said = Vec::new();
        let mut desk = Desk {
            from: Some(typed.as_bytes()),
            to: &mut said,
            asked: false,
        };
        let options = desk.options(args(words));
        (options, String::from_utf8(said).unwrap())
    }

    const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// REQ-CLINIC-020: what no flag says is asked, a wrong answer again, and nothing is made before a yes.
    #[test]
    fn what_no_flag_says_is_asked_until_it_is_right() {
        let typed = format!(
            "Tern Street\n\n01632 960 100\n999\n\nParis\nEurope/Paris\nrelay.example/path\nhttps://relay.example\nnot a key\n{KEY}\nsheets\nDr Ann Lee\nperhaps\nyes\n"
        );
        let (options, said) = asked(&["--dir", "d"], "");
        assert!(
            options.is_err() && said.contains("Name of the clinic"),
            "{said}"
        );
        let (options, said) = asked(&["--dir", "d"], &typed);
        let options = options.unwrap_or_else(|no| panic!("{no}\n{said}"));
        assert_eq!(options.name, "Tern Street");
        assert_eq!(
            (options.phone.as_str(), options.zone.as_str()),
            ("01632 960 100", "Europe/Paris")
        );
        assert_eq!(options.languages, ["en"]);
        assert_eq!(options.relay_receipts.len(), 1);
        for told in [
            "--zone is the name",
            "--relay is scheme",
            "--relay-receipt:",
            "sheets in sheets",
            "yes or no",
        ] {
            assert!(said.contains(told), "{told} was not said:\n{said}");
        }
        let all = typed.replace("perhaps\nyes", "no");
        assert!(
            asked(&["--dir", "d"], &all)
                .0
                .is_err_and(|no| no.to_string().contains("nothing was made"))
        );
    }

    /// REQ-CLINIC-020: with every flag nobody is asked, and with nobody there the missing flag is named.
    #[test]
    fn flags_alone_are_enough_and_a_missing_one_is_named() {
        let all = [
            "--name",
            "T",
            "--phone",
            "1",
            "--emergency",
            "9",
            "--language",
            "en",
            "--zone",
            "UTC",
            "--relay",
            "https://relay.example",
            "--relay-receipt",
            KEY,
            "--sheets",
            "s",
            "--account",
            "A",
        ];
        let (options, said) = asked(&all, "");
        assert!(options.is_ok() && said.is_empty(), "{said}");
        for (n, flag) in all
            .iter()
            .enumerate()
            .filter(|(_, word)| word.starts_with("--"))
        {
            let mut some = all.to_vec();
            some.drain(n..n + 2);
            let mut desk = Desk::<&[u8], _> {
                from: None,
                to: Vec::new(),
                asked: false,
            };
            let refused = desk.options(args(&some)).err().map(|no| no.to_string());
            assert!(refused.is_some_and(|no| no.contains(flag)), "{flag}");
        }
    }
}
