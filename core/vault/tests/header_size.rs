//! A sealer never fails over its own header.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed arrangement fails the test"
)]

use teleward_vault::{
    AgeIdentity, ClockState, Draft, Got, HeaderBeat, HighestReceipt, Kind, Plaintext, Recipients,
    Refused, RosterRef, SealError, seal_envelope,
};
use wire::{EnvelopeId, Hash, Kid, MailboxId, SigningKey, Time};

const BIG: u64 = (1 << 53) - 1;

fn draft<'a>(
    recipients: &'a Recipients,
    got: &'a [Got],
    content: &'a [u8],
    app: &str,
) -> Draft<'a> {
    let receipts = (0..20)
        .map(|n| HighestReceipt(Kid([n; 32]), BIG, EnvelopeId([n; 32])))
        .collect();
    let refused = (0..9)
        .map(|n| Refused {
            id: EnvelopeId([n; 32]),
            reason: "\u{1}".repeat(90),
        })
        .collect();
    Draft {
        mailbox: MailboxId([1; 16]),
        seq: BIG,
        prev: Some(EnvelopeId([2; 32])),
        kind: Kind::Readings,
        at: Time::from_ms(0),
        roster: RosterRef(u32::MAX, Hash([3; 32])),
        circle: BIG,
        recipients,
        content,
        got,
        re: Some(EnvelopeId([4; 32])),
        proof: None,
        beat: Some(HeaderBeat {
            next_by: Time::from_ms(0),
            depth: BIG,
            oldest: Some(Time::from_ms(0)),
            stuck: BIG,
            refused,
            receipts,
            clock: ClockState {
                offset_ms: -1,
                sure: false,
            },
            app: app.into(),
        }),
    }
}

/// REQ-VAULT-033: a header stays within 8 KiB by dropping receipts first, and sealing never fails over it.
#[test]
fn a_header_too_large_drops_receipts_first() {
    let identity = AgeIdentity::from_seed(&[5; 32]).unwrap();
    let recipients = Recipients::down(identity.recipient(), None).unwrap();
    let got: Vec<_> = (0..20)
        .map(|n| Got(Kid([n; 32]), BIG, EnvelopeId([n; 32])))
        .collect();
    // each control character takes six bytes in JSON
    let mut draft = draft(&recipients, &got, b"{}\n", &"\u{1}".repeat(500));
    // no header of today is so large: a long kind stands for members of a later version
    draft.kind = Kind::Other("k".repeat(2200));
    let sealed = seal_envelope(&draft, &SigningKey::from_seed(&[6; 32])).unwrap();
    let plain = Plaintext::open(&sealed.sealed, &[identity]).unwrap();
    let beat = plain.claimed().beat.as_ref().unwrap();
    assert!(beat.receipts.len() < 8);
    assert_eq!((beat.refused.len(), plain.claimed().got.len()), (4, 8));
    assert_eq!(beat.app.chars().count(), 64);
    assert!(plain.content().is_ok());
}

#[test]
fn what_a_caller_got_wrong_is_said() {
    let identity = AgeIdentity::from_seed(&[5; 32]).unwrap();
    let recipients = Recipients::down(identity.recipient(), None).unwrap();
    let key = SigningKey::from_seed(&[6; 32]);
    let seal = |draft: &Draft<'_>| seal_envelope(draft, &key).unwrap_err();
    assert_eq!(
        seal(&draft(&recipients, &[], b"{}", "a")),
        SealError::NoLineEnd
    );
    let long = vec![b'\n'; 1_048_577];
    assert_eq!(
        seal(&draft(&recipients, &[], &long, "a")),
        SealError::ContentTooLarge(1_048_577)
    );
    assert_eq!(
        seal(&Draft {
            seq: 1,
            ..draft(&recipients, &[], b"", "a")
        }),
        SealError::Place
    );
    assert_eq!(
        seal(&Draft {
            prev: None,
            ..draft(&recipients, &[], b"", "a")
        }),
        SealError::Place
    );
    let whole = vec![b'\n'; 1_048_576];
    let sealed = seal_envelope(&draft(&recipients, &[], &whole, "a"), &key).unwrap();
    assert!(sealed.sealed.bytes().len() <= wire::MAX_ENVELOPE_BYTES);
}
