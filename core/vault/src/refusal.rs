//! Why an envelope is wrong, whatever may still arrive. Each reason has a stable code, which travels in
//! `beat.refused` and in acknowledgements; codes say nothing about the content.

/// Why an envelope was quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are not those of the id.
    #[error("the file is not the one that was asked for")]
    WrongFile,
    /// Not the outer shape of an envelope.
    #[error("not a sealed file of the allowed shape")]
    Shape,
    /// None of the reader's keys opens it.
    #[error("sealed to other keys than ours")]
    NoKey,
    /// Changed or cut off after it was sealed.
    #[error("changed or cut off after it was sealed")]
    Damaged,
    /// The first line is no header: not signed at all, or by something else.
    #[error("it carries no signature of ours: its first line is no signed header")]
    NoHeader,
    /// A header that breaks a rule.
    #[error("its header breaks a rule of the format: {0}")]
    Header(&'static str),
    /// A version of the format that this program does not know. Kept until the program is updated.
    #[error("made by a newer version; update this program to read it")]
    Newer,
    /// Signed by a key that does not belong to this link or clinic.
    #[error("signed by a key that does not belong here")]
    UnknownSender,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// Signed for another mailbox.
    #[error("it belongs in another mailbox")]
    WrongBox,
    /// Content of another length than the header says.
    #[error("the content has another length than its header says")]
    Length,
    /// Content with another hash than the header says.
    #[error("the content is another than its header says")]
    ContentHash,
    /// Padding that is not spaces to the right length.
    #[error("the padding is not blank or has the wrong length")]
    Padding,
    /// More or fewer recipients than the header commits to.
    #[error("sealed to another number of recipients than its header says")]
    StanzaCount,
    /// Recipients other than this roster and circle make.
    #[error("sealed to other recipients than the roster and circle it names")]
    Recipients,
    /// A roster before the reader's first.
    #[error("it names a roster from before this link was made")]
    OldRoster,
    /// A roster number with another hash than the one held.
    #[error("it names another roster of the same number")]
    RosterFork,
    /// A retired station key, after its time.
    #[error("signed by a station key that was retired before")]
    RetiredKey,
    /// A compromised station key.
    #[error("signed by a station key that counts no more")]
    CompromisedKey,
    /// A join without the right proof.
    #[error("a join without proof of the invite")]
    JoinProof,
    /// A join whose content is no join.
    #[error("a join with content that is none")]
    JoinContent,
    /// A join that is not the first envelope of its link.
    #[error("a join that is not the first envelope of its link")]
    JoinPlace,
    /// A second join on one link.
    #[error("a second join by the same invite")]
    SecondJoin,
    /// A join by an invite that was withdrawn.
    #[error("a join by an invite that was withdrawn")]
    InviteWithdrawn,
}

impl Refusal {
    /// Every reason, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::WrongFile,
        Self::Shape,
        Self::NoKey,
        Self::Damaged,
        Self::NoHeader,
        Self::Header("…"),
        Self::Newer,
        Self::UnknownSender,
        Self::Signature,
        Self::WrongBox,
        Self::Length,
        Self::ContentHash,
        Self::Padding,
        Self::StanzaCount,
        Self::Recipients,
        Self::OldRoster,
        Self::RosterFork,
        Self::RetiredKey,
        Self::CompromisedKey,
        Self::JoinProof,
        Self::JoinContent,
        Self::JoinPlace,
        Self::SecondJoin,
        Self::InviteWithdrawn,
    ];

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongFile => "wrong_file",
            Self::Shape => "shape",
            Self::NoKey => "no_key",
            Self::Damaged => "damaged",
            Self::NoHeader => "no_header",
            Self::Header(_) => "header",
            Self::Newer => "newer",
            Self::UnknownSender => "unknown_sender",
            Self::Signature => "signature",
            Self::WrongBox => "wrong_box",
            Self::Length => "length",
            Self::ContentHash => "content_hash",
            Self::Padding => "padding",
            Self::StanzaCount => "stanza_count",
            Self::Recipients => "recipients",
            Self::OldRoster => "old_roster",
            Self::RosterFork => "roster_fork",
            Self::RetiredKey => "retired_key",
            Self::CompromisedKey => "compromised_key",
            Self::JoinProof => "join_proof",
            Self::JoinContent => "join_content",
            Self::JoinPlace => "join_place",
            Self::SecondJoin => "second_join",
            Self::InviteWithdrawn => "invite_withdrawn",
        }
    }
}
