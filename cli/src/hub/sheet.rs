//! The patient's recovery sheet, as a file to print: a text, or a page with the square code.
//!
//! The text is an age identity file too, so that `teleward open` and every stock age tool take it as it is.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use vault::{RecoverySheet, Sensitive};

const WHAT: &str = "Keep this sheet with your papers, and no copy of it anywhere else. Whoever has it can open what was \
                    sent to your clinic; it signs nothing.";

/// Writes it to a new file, for its owner only: as a page when the name ends in `.html`, else as a text.
pub fn write(file: &Path, sheet: &RecoverySheet) -> Result<()> {
    let told = || {
        format!(
            "the recovery sheet cannot be written to {}: name a new file",
            file.display()
        )
    };
    let text = if file.extension() == Some(OsStr::new("html")) {
        page(sheet)?
    } else {
        text(sheet)
    };
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut out| {
            out.write_all(text.expose().as_bytes())
                .and_then(|()| out.sync_all())
        })
        .with_context(told)
}

fn text(sheet: &RecoverySheet) -> Sensitive<String> {
    Sensitive::new(format!(
        "# Recovery key\n# {WHAT}\n# The 24 words:\n# {}\n{}\n",
        sheet.words().expose(),
        sheet.code().expose()
    ))
}

fn page(sheet: &RecoverySheet) -> Result<Sensitive<String>> {
    let svg = sheet.qr_svg().context("the square code")?;
    // An inline picture needs no XML declaration.
    let svg = svg.expose();
    let svg = svg.find("<svg").map_or(svg.as_str(), |at| &svg[at..]);
    let mut words = Sensitive::new(String::new());
    for word in sheet.words().expose().split(' ') {
        words = Sensitive::new(format!("{}<li>{word}", words.expose()));
    }
    Ok(Sensitive::new(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Recovery key</title>\
         <style>body{{font:16px sans-serif;margin:2cm}}ol{{columns:3;font:18px monospace}}svg{{width:8cm;height:8cm}}</style>\
         <h1>Recovery key</h1><p>{WHAT}</p><ol>{}</ol>{svg}</html>\n",
        words.expose()
    )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use vault::AgeIdentity;

    /// REQ-CLI-006: a recovery sheet is for its owner only, opens mail as it stands, and replaces no file.
    #[test]
    fn a_sheet_is_an_identity_file_of_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let sheet = RecoverySheet::generate().unwrap();
        let file = folder.path().join("recovery.txt");
        write(&file, &sheet).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        let read = AgeIdentity::parse_file(&text).unwrap();
        assert_eq!(read[0].recipient(), sheet.identity().recipient());
        assert!(text.contains(sheet.words().expose()));
        let again = write(&file, &sheet).unwrap_err();
        assert!(again.to_string().contains("name a new file"), "{again}");
    }

    #[test]
    fn a_page_has_the_words_and_a_square_code() {
        let sheet = RecoverySheet::generate().unwrap();
        let page = page(&sheet).unwrap();
        assert_eq!(page.expose().matches("<li>").count(), 24);
        assert!(page.expose().contains("<svg"));
    }
}
