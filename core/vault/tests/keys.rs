//! Secrets at rest: key vaults, the spool, passphrases, and what `Debug` shows.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed arrangement fails the test"
)]

use std::path::Path;
use teleward_vault::{
    AgeIdentity, FileVault, Invite, KeyVault, KeyVaultError, MemoryVault, RecoverySheet, RootSheet,
    Sensitive, Spool, SpoolError, SpoolId, open_file, open_with_passphrase, seal_file,
    seal_with_passphrase,
};
use wire::{SigningKey, Time};

fn age(seed: u8) -> AgeIdentity {
    AgeIdentity::from_seed(&[seed; 32]).unwrap()
}

fn passphrase(text: &str) -> Sensitive<String> {
    Sensitive::new(text.to_owned())
}

fn keeps(vault: &dyn KeyVault) {
    assert_eq!(vault.load("install.sign"), Err(KeyVaultError::Missing));
    vault.store("install.sign", b"one").unwrap();
    vault.store("install.sign", b"two").unwrap();
    vault.store("install.age", b"three").unwrap();
    assert_eq!(vault.load("install.sign").unwrap().expose(), b"two");
    vault.delete("install.sign").unwrap();
    vault.delete("install.sign").unwrap();
    assert_eq!(vault.load("install.sign"), Err(KeyVaultError::Missing));
    assert_eq!(vault.load("install.age").unwrap().expose(), b"three");
    for name in ["", "../x", "a/b", ".hidden", "Ümlaut", &"x".repeat(65)] {
        assert_eq!(
            vault.store(name, b"x"),
            Err(KeyVaultError::Name),
            "{name:?}"
        );
    }
}

/// REQ-VAULT-026: locked is another thing than missing, and passes.
/// HAZ-VAULT-004: a key that cannot be read for a moment is taken for missing and replaced.
#[test]
fn a_locked_vault_is_not_an_empty_one() {
    let vault = MemoryVault::new();
    keeps(&vault);
    vault.lock();
    assert_eq!(vault.load("install.age"), Err(KeyVaultError::Unavailable));
    assert_eq!(vault.load("other"), Err(KeyVaultError::Unavailable));
    assert_eq!(
        vault.store("install.age", b"x"),
        Err(KeyVaultError::Unavailable)
    );
    vault.unlock();
    assert_eq!(vault.load("install.age").unwrap().expose(), b"three");
}

/// REQ-VAULT-027: key files are readable by their owner only; under a passphrase they hold no secret in the clear.
#[test]
fn key_files_are_private_and_sealed_under_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    let vault = FileVault::open(&plain, None).unwrap();
    keeps(&vault);
    assert!(!vault.is_sealed());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&plain), 0o700);
        assert_eq!(mode(&plain.join("install.age.key")), 0o600);
    }
    let sealed = folder.path().join("sealed");
    let open =
        |text: Option<&str>| FileVault::open_with_work(&sealed, text.map(passphrase).as_ref(), 10);
    keeps(&open(Some("correct horse")).unwrap());
    assert!(open(Some("correct horse")).unwrap().is_sealed());
    assert_eq!(
        open(Some("correct horse"))
            .unwrap()
            .load("install.age")
            .unwrap()
            .expose(),
        b"three"
    );
    assert_eq!(open(Some("wrong")).unwrap_err(), KeyVaultError::Passphrase);
    assert_eq!(open(None).unwrap_err(), KeyVaultError::Passphrase);
    let file = std::fs::read(sealed.join("install.age.key")).unwrap();
    assert!(!file.windows(5).any(|w| w == b"three"));
    assert_eq!(
        FileVault::open(&plain, Some(&passphrase("late"))).unwrap_err(),
        KeyVaultError::Passphrase
    );
    std::fs::write(sealed.join("install.age.key"), b"damaged").unwrap();
    assert_eq!(
        open(Some("correct horse")).unwrap().load("install.age"),
        Err(KeyVaultError::Damaged)
    );
}

fn drain(spool: &Spool, key: &AgeIdentity) -> (Vec<Vec<u8>>, teleward_vault::Drained) {
    let mut taken = Vec::new();
    let drained = spool
        .drain(key, |_, record| {
            taken.push(record.expose().clone());
            Ok::<_, SpoolError>(())
        })
        .unwrap();
    (taken, drained)
}

/// REQ-VAULT-028: what is taken while the keys are locked waits sealed, and comes out once, in order.
/// HAZ-VAULT-002: a reading taken while the phone is locked is lost.
#[test]
fn a_spooled_record_comes_out_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (key, path) = (age(1), folder.path().join("spool"));
    let spool = Spool::open(&path, key.recipient().clone()).unwrap();
    let records = [&b"first 128"[..], b"second 77", b"third 199"];
    for record in records {
        spool.put(record).unwrap();
    }
    // Whole records: three digits alone stand in an age header's base64 by chance, once in thirty runs.
    let holds = |bytes: &[u8], record: &[u8]| bytes.windows(record.len()).any(|w| w == record);
    for entry in std::fs::read_dir(&path).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let clear = records.iter().any(|record| holds(&bytes, record));
        assert!(!clear, "nothing lies there in the clear");
    }
    assert!(holds(b"a first 128", records[0]), "the search finds");
    let spool = Spool::open(&path, key.recipient().clone()).unwrap();
    spool.put(b"fourth").unwrap();
    let (taken, drained) = drain(&spool, &key);
    assert_eq!(
        taken,
        [&b"first 128"[..], b"second 77", b"third 199", b"fourth"]
    );
    assert_eq!((drained.taken, drained.set_aside), (4, 0));
    assert!(spool.is_empty().unwrap());
    assert_eq!(drain(&spool, &key).0.len(), 0);
}

/// REQ-VAULT-029: a crash between commit and removal shows the same id again, so that the host can ignore it.
#[test]
fn a_crash_while_draining_loses_nothing_and_repeats_the_id() {
    let folder = tempfile::tempdir().unwrap();
    let key = age(1);
    let spool = Spool::open(folder.path(), key.recipient().clone()).unwrap();
    let ids: Vec<SpoolId> = (0..3_u8).map(|n| spool.put(&[n]).unwrap()).collect();
    let mut seen = Vec::new();
    let stopped = spool.drain(&key, |id, _| {
        seen.push(id);
        if seen.len() == 2 {
            Err(SpoolError::Disk(std::io::ErrorKind::Interrupted))
        } else {
            Ok(())
        }
    });
    assert!(stopped.is_err());
    assert_eq!(spool.len().unwrap(), 2);
    let mut rest = Vec::new();
    spool
        .drain(&key, |id, _| {
            rest.push(id);
            Ok::<_, SpoolError>(())
        })
        .unwrap();
    assert_eq!((seen, rest), (ids[..2].to_vec(), ids[1..].to_vec()));
}

/// REQ-VAULT-030: a spooled file that does not open is set aside and holds back nothing; a half-written one was never kept.
#[test]
fn a_damaged_record_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let key = age(1);
    let spool = Spool::open(folder.path(), key.recipient().clone()).unwrap();
    spool.put(b"one").unwrap();
    spool.put(b"two").unwrap();
    std::fs::write(folder.path().join("00000000000000000001.age"), b"damaged").unwrap();
    std::fs::write(folder.path().join("00000000000000000003.part"), b"half").unwrap();
    let (taken, drained) = drain(&spool, &key);
    assert_eq!(taken, [b"two"]);
    assert_eq!((drained.taken, drained.set_aside), (1, 1));
    assert!(folder.path().join("00000000000000000001.damaged").exists());
}

#[test]
fn passphrase_files_open_with_their_passphrase_only() {
    let file = seal_with_passphrase(&passphrase("one two"), b"root", 10).unwrap();
    assert_eq!(
        open_with_passphrase(&file, &passphrase("one two"))
            .unwrap()
            .expose(),
        b"root"
    );
    assert!(open_with_passphrase(&file, &passphrase("one too")).is_err());
    assert!(open_file(&file, &[age(1)]).is_err());
}

#[test]
fn identity_files_are_read_with_comments() {
    let text = format!("# created today\n\n{}\n", age(3).expose_text().expose());
    assert_eq!(
        AgeIdentity::parse_file(&text).unwrap()[0].recipient(),
        age(3).recipient()
    );
    for bad in [
        "",
        "# nothing\n",
        "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0",
    ] {
        assert!(AgeIdentity::parse_file(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn recipients_have_one_spelling() {
    let text = age(3).recipient().to_string();
    assert_eq!(
        text.parse::<teleward_vault::AgeRecipient>()
            .unwrap()
            .as_str(),
        text
    );
    assert!(
        text.to_uppercase()
            .parse::<teleward_vault::AgeRecipient>()
            .is_err()
    );
    assert!(
        text[..text.len() - 1]
            .parse::<teleward_vault::AgeRecipient>()
            .is_err()
    );
    assert!(
        "age1pq1qqqq"
            .parse::<teleward_vault::AgeRecipient>()
            .is_err()
    );
}

/// REQ-VAULT-001: no secret is printed by `Debug`.
#[test]
fn no_secret_is_printed() {
    let seed = [0xA7; 32];
    let (identity, root) = (
        AgeIdentity::from_seed(&seed).unwrap(),
        SigningKey::from_seed(&seed),
    );
    let invite = Invite::new(
        "https://r.example",
        root.public(),
        &seed,
        Time::from_ms(0),
        1,
    )
    .unwrap();
    let opened = open_file(
        &seal_file(std::slice::from_ref(identity.recipient()), b"120/80").unwrap(),
        std::slice::from_ref(&identity),
    )
    .unwrap();
    let shown = format!(
        "{identity:?} {:?} {:?} {invite:?} {:?} {:?} {opened:?}",
        RecoverySheet::of(identity.clone()),
        RootSheet::of(root.clone()),
        invite.proof_key(),
        invite.claim_key(),
    );
    let text = identity.expose_text();
    let words = teleward_vault::words(&seed);
    let first_word = words.expose().split(' ').next().unwrap();
    for secret in [
        "167",
        "a7a7",
        "A7A7",
        "p6en",
        "120/80",
        &text.expose()[..30],
        &format!("{first_word} "),
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
