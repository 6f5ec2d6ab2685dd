//! The kinds of server that write `Received` fields: what their first token means and how their fields are built.
//!
//! A grammar is written as a shape, one letter a clause in the order they stand: `F` from with a token, `f` from without, `B` by, `V` via,
//! `W` with, `I` id, `R` for, `C` tls, `S` a sender outside of comments, `D` the date, `;` a semicolon; comments: `p` client, `h` HELO,
//! `t` encryption, `c` certificate, `u` sign-in, `s` software, `a` the server's address, `e` sender, `g` `(from ..)`, `d` uid, `o` other;
//! `l` a literal and `x` a word that belong to no value. `?` makes the letter before it optional, `*` repeats it.

use super::shape::Shape;

/// What the first token after `from` means when nothing beside it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// What the client called itself.
    Helo,
    /// The name that the server found; the client called itself the same.
    Both,
    /// The name that the server found; what the client called itself is not told.
    Rdns,
    /// An account, an internal name, a place of the server's own.
    Neither,
}

macro_rules! families {
    ($( $variant:ident $name:literal $first:ident [ $($shape:literal),* ] )*) => {
        /// The kind of server that wrote a field.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Family {
            /// Not recognised.
            #[default]
            Unknown,
            $( $variant, )*
        }

        impl Family {
            /// The word that outputs hold; `""` for none.
            pub(super) fn name(self) -> &'static str {
                match self { Self::Unknown => "", $( Self::$variant => $name, )* }
            }

            /// What the first token after `from` means.
            pub(super) fn first(self) -> First {
                match self { Self::Unknown => First::Helo, $( Self::$variant => First::$first, )* }
            }

            /// The ways in which it builds its fields.
            fn shapes(self) -> &'static [&'static str] {
                match self { Self::Unknown => &[], $( Self::$variant => &[$($shape),*], )* }
            }

            /// All names, in the order of the table.
            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

families! {
    Amavis "amavis" Helo ["FpBa?sWIR?;D"]
    Aol "aol" Neither ["FBsIo?;D", "FBsW;D", "FBa?Wo?;D", "FBWI;D"]
    Argosoft "argosoft" Helo ["FBs;D"]
    Avg "avg" Helo ["Fs;D"]
    Axigen "axigen" Helo ["FpBsWIR?;D"]
    Communigate "communigate" Helo ["Fu?p?h?BsWIR?;D", "fu?BsWIR?;D", "BsWIR?;D"]
    Coremail "coremail" Helo ["Fp?BsWI?R?;D"]
    Courier "courier" Helo ["Fp?u?t?BWI?;DI?", "fu?BWI?;DI?", "Fd?BW;D"]
    Cyrus "cyrus" Helo ["Fp?BsW;D", "Fp?BsWI?;D"]
    Domino "domino" Helo ["FpBsWIR?;D", "Fp?BsI;D", "FpBsWR?I;D"]
    Dovecot "dovecot" Helo ["Fpt?BWIe?R?;D", "FBWI;D", "FpBWI;D"]
    Ecelerity "ecelerity" Helo ["fpBe?sWt?IR?;D", "Fp?h?Be?sWt?IR?;D"]
    Exchange "exchange" Helo ["FpBa?Wt?IV?;D", "FpBa?Wt?V?;D", "FBa?WIV?;D", "FpBa?WI?V?R?;D", "BWI;D", "FpBWsI;D", "FBWsI;D"]
    Exim "exim" Both [
        "Fp?h?Bt?Wt?C?t?s?t?e?d?IR?;D", "Fh?BWt?C?s?e?IR?;D", "Fhl?o?BWs?I;D", "FlBWsIR?;D", "FBsWe?RI;D", "FWRIo?;D", "FpBWs?t?IR?;D",
        "FBWs?IR?;D", "FBWsoIR?;D", "FplBWsIR?;D"
    ]
    Ezmts "ezmts" Helo ["FpBs;DR?"]
    Facebook "facebook" Helo ["FpBWI;D"]
    Fetch "fetch" Helo ["FlBWsR?o?;D", "FpBWsR?o?;D", "FpBW;D", "FBWsR?o?;D"]
    Fsecure "f-secure" Helo ["Fp?h?Ba?sW;D", "FhBasW;D"]
    Gmail "gmail" Helo ["FpBWIR?t*;D", "BWIR?;D", "BWI;D", "BWR?t*;D", "BW;D", "FBWI?;D", "FxBW;D", "FBWIR?;D", "FpBWIR?t*o?;D"]
    Groupwise "groupwise" Neither ["FBW;D"]
    Halon "halon" Helo ["FpBsWI?R?;D", "FpBsWIR?e?;D"]
    Haraka "haraka" Helo ["FpBsWISu?t?;D", "FpBsWIe?u?t?;D"]
    Hmailserver "hmailserver" Helo ["FpBsWt?I?R?;D"]
    Icewarp "icewarp" Helo ["Fp?BsWIR?;D", "FlBsWIR?;D"]
    Imail "imail" Helo ["FlBa?sI;D", "FlBsWI;D", "FpBsI;D", "FpBsWI;D"]
    Intermail "intermail" Helo ["FpBoWIR?;D", "FBsWIR?;D", "FpBsWIR?;D", "FBoWIR?;D"]
    Interscan "interscan" Helo ["FBs;D", "FpBs;D"]
    Iplanet "iplanet" Helo ["FBsIR?o?;D", "FBsWIR?o?;D", "FpBsWIR?o?;D", "BsWIR?o?;D", "FoBsWIR?o?;D"]
    Ironport "ironport" Both ["Fh?pBW;D", "FhBW;D", "fpBW;D", "Fhl?BoW;D"]
    James "james" Helo ["FpBsWIR?;D", "FpBsWI;D"]
    Kerio "kerio" Helo ["Fp?BsWt?R?;D", "FpBsR?;D", "FpBsW;D"]
    List "list" Neither ["BsW?I?;D", "FBsWI;D", "W s?;D", "FpBsWI;D", "Wo;D", "Bs;D", "FBW;D", "BWI;D"]
    Mailenable "mailenable" Helo ["FpBW;D", "fpW;D", "fpBW;D"]
    Mailgate "mailgate" Helo ["FBsW;D"]
    Mailsweeper "mailsweeper" Helo ["FpBsWIR?;D", "FoBsWIR?;D", "FBsWIR?;D"]
    Mdaemon "mdaemon" Helo ["FlBl?WsR?;D", "FlBa?sWIR?;D", "FpBlWsR?;D", "FpBa?sWIR?;D", "FpBWsR?;D", "Fp?BlWsR?;D", "FlBWsR?;D"]
    Messagelabs "messagelabs" Rdns ["FhpBW;D", "FhW;D", "FhBW;D"]
    Messagewall "messagewall" Helo ["FBsW;D"]
    Mimecast "mimecast" Helo ["FpBWt?I;D", "FpBWt?IR?;D"]
    Nemesis "nemesis" Both ["FpBsWI;D", "FhBWsI;D", "FpBWsI;D", "FpBsWIR?;D", "FBWsI;D", "FhBsWI;D", "FpBsWC?I;D", "FBsWIR?;D"]
    Opensmtpd "opensmtpd" Helo ["FpBsWIt?R?;D"]
    Pmdf "pmdf" Neither ["FBsI?;D", "FBsIR?o?;D", "FpBsIR?o?;D", "FBsWIR?o?;D", "FpBsWIR?;D"]
    Postfix "postfix" Helo ["Fpt?c*u?BsWIR?;D", "BsI;D", "Bst?c*u?WIR?;D", "Fpt?c*u?BsWIR?;De?"]
    Postoffice "post-office" Helo ["Fp?BsWIR?;D", "FBsWIR?;D", "FlBsWIR?;D"]
    Powermta "powermta" Helo ["Fpt?u?BsIR?;De?", "FpBsWIR?;De?", "BsIR?;De?"]
    Proofpoint "proofpoint" Helo ["FpBsWIt?R?;D", "FsBsWIR?;D", "FpBsWIR?t?;D", "FpBsWIo?R?;D", "FpBs?WIt?R?;D"]
    Qmail "qmail" Both [
        "s;D", "Fh?pu?e?BW;D", "Fh?pe?Bt?WR?;D", "FhBW;D", "Fh?pe?BsWR?;D", "s", "Fh?peBW;D", "Fh?pBa?W;D", "Fh?pBsWI?;D", "FhpBtW;D"
    ]
    Qpsmtpd "qpsmtpd" Both ["Fh?pBsW;D"]
    Rockliffe "rockliffe" Helo ["FpBsWIR?;D"]
    Scalix "scalix" Helo ["FpBsV;D"]
    Sendgrid "sendgrid" Neither ["FoBsWIR?;?D", "FpBsWI;?D", "BWI;?D", "BWID", "FpBsWIR?;?D"]
    Sendmail "sendmail" Helo ["Fpu?t?BsWIt?R?;D", "gBsI;D", "gBsI;?D", "FpBsI;D", "FpBsWI?R?;D", "FBsWI?R?;D", "FpVBsI;D", "FBsI;D", "FpBsIR?;D", "BsIR?;D"]
    Simta "simta" Helo ["FpBI;D"]
    Smap "smap" Rdns ["FpVBI;D", "FpBVsI;D", "FpBVI?o?;D", "FpxhVBI;D", "FpBVoI;D", "FxVBI;D"]
    Smartermail "smartermail" Helo ["FpBWt?;D", "FpBWt?IR?;D"]
    Smtpd "smtpd" Helo ["FpBsWIR?;D"]
    Smtpl "smtpl" Helo ["FBsW;D"]
    Smtpsvc "smtpsvc" Helo ["FpBWo?;D", "fpBWo?;D", "FxBWo?;D", "FBWo?;D", "FlBWo?;D"]
    Stalwart "stalwart" Helo ["Fpt?u?BsWIR?;D"]
    Symantec "symantec" Helo ["gBsWIR?;D", "FpBsWI;D"]
    Trex "trex" Helo ["FpBst?;D", "FpBsW;D", "FlBaV?s;D", "FpBl?Vs;D"]
    Tumbleweed "tumbleweed" Helo ["FBWs;D", "FpBWsI?;D"]
    Untd "untd" Neither ["gBsI;D"]
    Vircom "vircom" Helo ["FpBsI;D", "FpBsWI;D"]
    Xmail "xmail" Helo ["FpBa?WIR?S?;D"]
    Yahoo "yahoo" Helo ["FBW;D", "FBV;D", "BsWI;D", "Fh?pBW;D", "FpBW;D"]
    Zimbra "zimbra" Both ["FhpBW;D", "FhpBWI?;D"]
}

impl Family {
    /// Whether a comment that begins with the family's word is its comment: short words need more than themselves.
    pub(super) fn claims(self, comment: &[u8]) -> bool {
        match self {
            Self::Sendgrid => comment == b"SG",
            Self::Proofpoint => comment == b"PPS" || comment.starts_with(b"PPS "),
            _ => true,
        }
    }

    /// Whether this server always writes words about encryption when there is some, so that none means clear text.
    pub(super) fn always_tells_tls(self) -> bool {
        matches!(self, Self::Gmail | Self::Exim | Self::Sendmail)
    }

    /// Whether a field of this shape is built as the family builds it.
    pub(super) fn builds(self, shape: &Shape) -> bool {
        self.shapes().iter().any(|pattern| shape.fits(pattern.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_well_formed_and_every_name_is_unique() {
        let mut names = Family::NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Family::NAMES.len());
        assert_eq!(Family::Postfix.name(), "postfix");
        assert_eq!(Family::default().name(), "");
    }
}
