//! Sheets: what must leave the machine on paper (or as one passphrase file): two root keys and the backup's key.
//!
//! Each sheet is written twice, as a page to print (words and QR) and as a text that commands read. The folder belongs
//! on a stick that is put away; the files are of mode 0600.

use crate::error::ClinicError;
use crate::init::RootPlace;
use std::io::Write as _;
use std::path::Path;
use vault::{
    AgeIdentity, RecoverySheet, RootSheet, Sensitive, WORK_FACTOR, open_with_passphrase,
    seal_with_passphrase,
};

/// What is on the sheets.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    pub root: RootSheet,
    pub next: RootSheet,
    pub backup: AgeIdentity,
}

struct Sheet {
    file: &'static str,
    title: &'static str,
    what: &'static str,
    words: Sensitive<String>,
    code: Sensitive<String>,
    svg: Sensitive<String>,
}

fn sheets(secrets: &Secrets) -> Result<[Sheet; 3], ClinicError> {
    let long = |_| ClinicError::Kept("a key too long for a QR code");
    let backup = RecoverySheet::of(secrets.backup.clone());
    Ok([
        Sheet {
            file: "root-sheet-1",
            title: "Root key, sheet 1",
            what: "Signs the list of this clinic's keys. Whoever has it can pretend to be the clinic. Keep it locked away, apart from sheet 2.",
            words: secrets.root.words(),
            code: secrets.root.code(),
            svg: secrets.root.qr_svg().map_err(long)?,
        },
        Sheet {
            file: "root-sheet-2",
            title: "Next root key, sheet 2",
            what: "Takes over when sheet 1 is lost or known to others. Keep it in another place than sheet 1.",
            words: secrets.next.words(),
            code: secrets.next.code(),
            svg: secrets.next.qr_svg().map_err(long)?,
        },
        Sheet {
            file: "backup-sheet",
            title: "Backup key",
            what: "Opens the station's backups. Without it no backup can be restored; with it and a backup, everything can be read.",
            words: backup.words(),
            code: backup.code(),
            svg: backup.qr_svg().map_err(long)?,
        },
    ])
}

/// Writes them where the operator said. Nothing that exists is overwritten.
pub(crate) fn write(place: &RootPlace, clinic: &str, secrets: &Secrets) -> Result<(), ClinicError> {
    match place {
        RootPlace::Sheets(folder) => {
            private_folder(folder)?;
            for sheet in sheets(secrets)? {
                write_new(
                    &folder.join(format!("{}.html", sheet.file)),
                    page(clinic, &sheet).expose().as_bytes(),
                )?;
                write_new(
                    &folder.join(format!("{}.txt", sheet.file)),
                    text(clinic, &sheet).expose().as_bytes(),
                )?;
            }
            Ok(())
        }
        RootPlace::File(path, passphrase) => {
            let lines = sheets(secrets)?;
            let all: Vec<&str> = lines
                .iter()
                .map(|sheet| sheet.code.expose().as_str())
                .collect();
            let plain = Sensitive::new(format!("{}\n", all.join("\n")));
            let sealed = seal_with_passphrase(passphrase, plain.expose().as_bytes(), WORK_FACTOR)
                .map_err(|e| ClinicError::Seal(e.to_string()))?;
            write_new(path, &sealed)
        }
    }
}

fn text(clinic: &str, sheet: &Sheet) -> Sensitive<String> {
    Sensitive::new(format!(
        "# {} of {clinic}\n# {}\n# The 24 words:\n# {}\n{}\n",
        sheet.title,
        sheet.what,
        sheet.words.expose(),
        sheet.code.expose()
    ))
}

fn page(clinic: &str, sheet: &Sheet) -> Sensitive<String> {
    let words: Vec<String> = sheet
        .words
        .expose()
        .split(' ')
        .enumerate()
        .map(|(n, word)| format!("<li value=\"{}\">{word}</li>", n + 1))
        .collect();
    let safe: String = clinic
        .chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let svg = sheet.svg.expose();
    // an inline picture needs no XML declaration
    let svg = svg.find("<svg").map_or(svg.as_str(), |at| &svg[at..]);
    Sensitive::new(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px sans-serif;margin:2cm}}ol{{columns:3;font:18px monospace}}svg{{width:7cm;height:7cm}}</style>\
         <h1>{title}</h1><p>{safe}</p><p>{what}</p><ol>{words}</ol>{svg}</html>\n",
        title = sheet.title,
        what = sheet.what,
        words = words.concat(),
    ))
}

/// The first line of a sheet's text file that is no remark.
pub(crate) fn read_line(path: &Path) -> Result<Sensitive<String>, ClinicError> {
    let text = Sensitive::new(std::fs::read_to_string(path).map_err(ClinicError::file(path))?);
    let line = text
        .expose()
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    line.map(|line| Sensitive::new(line.to_owned()))
        .ok_or_else(|| {
            ClinicError::Setup(format!("{}: there is no key in this file", path.display()))
        })
}

/// The three codes of a passphrase file, in the order of the sheets.
pub(crate) fn read_root_file(
    path: &Path,
    passphrase: &Sensitive<String>,
) -> Result<[Sensitive<String>; 3], ClinicError> {
    let sealed = std::fs::read(path).map_err(ClinicError::file(path))?;
    let refused =
        |e: &dyn std::fmt::Display| ClinicError::Setup(format!("{}: {e}", path.display()));
    let plain = open_with_passphrase(&sealed, passphrase).map_err(|e| refused(&e))?;
    let text = std::str::from_utf8(plain.expose()).map_err(|e| refused(&e))?;
    let mut lines = text.lines().map(|line| Sensitive::new(line.to_owned()));
    match (lines.next(), lines.next(), lines.next()) {
        (Some(root), Some(next), Some(backup)) => Ok([root, next, backup]),
        _ => Err(refused(&"not a file of root keys")),
    }
}

pub(crate) fn private_folder(folder: &Path) -> Result<(), ClinicError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(ClinicError::file(folder))
}

/// Writes a new file of mode 0600, durably; one that exists is left alone.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ClinicError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(ClinicError::file(path))
}
