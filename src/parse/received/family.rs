//! The kinds of server that write `Received` fields: what their first token means and how their fields are built.
//!
//! A grammar is written as a shape, one letter a clause in the order they stand: `F` from with a token, `f` from
//! without, `B` by, `V` via, `W` with, `I` id, `R` for, `C` tls, `S` a sender outside of comments, `D` the date, `;` a
//! semicolon; comments: `p` client, `h` HELO, `t` encryption, `c` certificate, `u` sign-in, `s` software, `a` the
//! server's address, `e` sender, `g` `(from ..)`, `d` uid, `o` other; `l` a literal and `x` a word that belong to no
//! value. `?` makes the letter before it optional, `*` repeats it.

use super::shape::fits;

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

impl First {
    /// What it means, in words.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Helo => "what the client called itself",
            Self::Both => "the reverse name; the client called itself the same",
            Self::Rdns => "the reverse name",
            Self::Neither => "an account or a name of the server's own",
        }
    }
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

            /// All of them, in the order of the table.
            pub(super) const ALL: &'static [Family] = &[$(Self::$variant),*];

            /// All names, in the order of the table.
            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

families! {
    Amavis "amavis" Helo ["FpBa?sWIR?;D"]
    Amazon "amazon" Helo ["FBWoIR?;D", "FBWo;D", "FBWpI;D", "FBWp;D", "BI;D", "BWI;D"]
    Aol "aol" Helo ["FBsIo?R?;D", "FBsW;D", "FBa?Wo?;D", "FBWI;D", "FpBoWIR?;D", "FpBWI;D", "FptcBoWIR?;D"]
    Argosoft "argosoft" Helo ["FBs;D"]
    Avg "avg" Helo ["Fs;D"]
    Avmailgate "avmailgate" Helo ["FpBsIR?;D"]
    Axigen "axigen" Helo ["FpBsWIR?;D"]
    Cellopoint "cellopoint" Helo ["FpBe?sWI;D", "FxpxBe?sWI;D"]
    Communigate "communigate" Helo ["Fu?p?u?h?BsWIR?;D", "fu?BsWIR?;D", "BsWIR?;D", "Fp?BsWIeR;D"]
    Coremail "coremail" Helo ["Fp?BsWI?R?;D"]
    Courier "courier" Helo ["Fp?p?u?t?BWs?I?R?;DI?", "fu?BWs?I?R?;DI?", "Fd?BW;D"]
    Cyrus "cyrus" Helo ["Fp?BsW;D", "Fp?BsWI?;D"]
    Dma "dma" Neither ["FIBs;D"]
    Domino "domino" Helo ["FpBsWIR?;D", "Fp?BsI;D", "FpBsWR?I;D"]
    Dovecot "dovecot" Helo ["Fpt?BWIe?R?;D", "FBWI;D", "FpBWI;D"]
    Ecelerity "ecelerity" Helo ["fpBe?sWt?IR?;D", "Fp?h?Be?sWt?IR?;D"]
    Egroups "egroups" Neither ["s;D"]
    Eims "eims" Helo ["FpBWs;D"]
    Exchange "exchange" Helo ["FpBa?Wt?IV?;D", "FpBa?Wt?V?;D", "FBa?WIV?;D", "FpBa?WI?V?R?;D", "BWs?I;D", "BWs?oI;D", "F?f?pBWs?I;D", "FBWs?I;D",  "FBWV?;D"]
    Exim "exim" Both ["Fp?h?Bt?Wt?C?t?s?t?e?d?IR?;D", "FpxcBWt?C?t?s?e?IR?;D", "Fp?h?BWt?C?s?e?IS?x?;D", "Fh?BWt?C?s?e?IR?;D", "Fhl?o?BWs?I;D", "FlBWsIR?;D", "Fpl?BWs?IR?;D", "FBsWe?RI;D", "FWRIo?;D", "FBWs?IR?;D", "BWt?C?s?e?IR?;D", "FpoBWt?s?e?IR?;D", "hBWt?C?t?s?t?e?d?IR?;D"]
    Ezmts "ezmts" Helo ["FpBs;DR?"]
    Facebook "facebook" Helo ["FpBWI;D"]
    Fetch "fetch" Helo ["FlBWsR?o?;D", "FpBWsR?o?;D", "FpBW;D", "FBWsR?o?;D"]
    Fsecure "f-secure" Helo ["Fp?h?Ba?sW?;D"]
    Gauntlet "gauntlet" Rdns ["Fp?BVoW;D"]
    Gmail "gmail" Helo ["FpBWIR?t*o?x?;D", "BWIR?x?t*;D", "BWR?t*;D", "BW;D", "FBWI?R?;D", "FxBW;D"]
    Groupwise "groupwise" Neither ["FBW;D"]
    Halon "halon" Helo ["FpBsWt?I?R?e?;D"]
    Haraka "haraka" Helo ["FpBsWISu?t?;D", "FpBsWIe?u?t?;D"]
    Hmailserver "hmailserver" Helo ["FpBsWt?I?R?;D"]
    Hotmail "hotmail" Helo ["FBW;D", "FpBW;D", "BW;D", "FpBa?WI?;D"]
    Ibm "ibm" Helo ["FBWR?S?;D", "FpBa?WR?S?;D", "FpBa?W;tD", "FpBa?Wt?;D", "FBsRWsI;D"]
    Icewarp "icewarp" Helo ["Fp?l?BsWt?IR?;D", "fpBsWI;D"]
    Imail "imail" Helo ["FlBa?W?sI;D", "FpBW?sI;D"]
    Intermail "intermail" Helo ["FpBs?o?WIR?;D", "FBs?o?WIR?;D", "FpBs?o?WI;D"]
    Interscan "interscan" Helo ["FBs;D", "FpBs;D"]
    Iplanet "iplanet" Helo ["Fp?o?Bs?a?W?IR?o?;D", "Fp?o?BsW?IR?o?;D", "BsW?IR?o?;D", "FpBsW;D", "FsI;D", "FBa?IR?o?;D"]
    Ironport "ironport" Both ["Fh?pBW;D", "FhBW;D", "fpBW;D", "Fhl?BoW;D"]
    James "james" Both ["Fh?pBsWIt?R?;D"]
    Jetmail "jetmail" Helo ["FpBsWI;D"]
    Kerio "kerio" Helo ["Fp?t?BsW?t?R?;D"]
    List "list" Helo ["BsW?I?R?;D", "FBsW?I?R?;D", "Ws?o?;D", "FpBsWI;D", "FBW;D", "BWI;D"]
    Mailenable "mailenable" Helo ["F?f?pBx?Wt?;D", "fpW;D"]
    Mailgate "mailgate" Helo ["FBsW;D"]
    Mailgun "mailgun" Helo ["FpBWI;D", "BWI;D", "BW;D"]
    Mailmarshal "mailmarshal" Helo ["FpBsI;D", "FpBsWI;D", "FpBt?I;D"]
    Mailsweeper "mailsweeper" Helo ["FpBsWIR?;D", "FoBsWIR?;D", "FBsWIR?;D"]
    Mandrill "mandrill" Helo ["FpBW?IR?;D", "FBW?I?R?;D", "BIR?;D"]
    Mdaemon "mdaemon" Helo ["Fl?p?Bl?a?s?Ws?IR?;D", "Fl?p?Bl?Ws?R?;D"]
    Mercury "mercury" Helo ["FBs;D", "FpBs;D", "FlBs;D"]
    Messagelabs "messagelabs" Rdns ["FhpBW;D", "FhW;D", "FhBW;D", "FpBW?I;D", "FBW?I;D", "BI;D"]
    Messagewall "messagewall" Helo ["FBsW;D"]
    Mimecast "mimecast" Helo ["Fpt?BWx?t?IR?;D"]
    Nemesis "nemesis" Helo ["Fh?p?Bs?a?o?Ws?C?t?IR?;D", "FBWsI;D"]
    Netmail "netmail" Helo ["Fx?l?BWV?t?;D", "Fx?l?BWV?t?I?R?;D"]
    Ntmail "ntmail" Helo ["FBsWIR?;D", "FpBsWIR?;D"]
    Opensmtpd "opensmtpd" Helo ["Fpt?;?BsWIt?;?R?;D"]
    Pmdf "pmdf" Helo ["FBsI?;D", "FBsIR?o?;D", "FpBsIR?o?;D", "FBsWIR?o?;D", "FpBsWIR?;D"]
    Postfix "postfix" Helo ["Fpt?c*u?Bs?o?W?IR?;D", "BsI;D", "Bs?t?c*u?WIR?;D", "Fpt?c*u?BsW;D"]
    Postoffice "post-office" Helo ["Fp?BsWIR?;D", "FBsWIR?;D", "FlBsWIR?;D"]
    Powermta "powermta" Helo ["Fpt?u?BsI?R?;D", "Bs?I?R?;D"]
    Proofpoint "proofpoint" Helo ["FpBsWIt?R?;D", "FsBsWIR?;D", "FpBsWIR?t?;D", "FpBsWIo?R?;D", "FpBs?WIt?R?;D"]
    Qmail "qmail" Both ["s;D", "Fh?pu?e?Ba?t?Wt?R?;D", "Fh?pe?Bs?Ws?I?;D", "FhBW;D", "Fh?pe?BsWR?;D", "s", "FBx?e?Wo?;D", "Fh?p?BWo;D"]
    Qpsmtpd "qpsmtpd" Both ["Fh?pBsW;D"]
    Rockliffe "rockliffe" Helo ["FpBsWIR?;D"]
    Scalix "scalix" Helo ["FpBsV;D"]
    Sendgrid "sendgrid" Neither ["FoBsWIR?;?Dx?", "FpBsWI;?Dx?", "F?BWI?;?Dx?", "FpBsWIR?;?Dx?"]
    Sendmail "sendmail" Helo ["Fp?u?t?V?Bs?V?W?IR?t?R?;D", "Fp?u?t?BsW?It?R?;D", "gBsIR?x?;D", "gBsI;?D", "FpBWsIR?;D", "BsIR?;D", "FB;sI;D", "B;sI;D", "FpBoWIt?R?;D", "FpBWIt?R?;D"]
    Ses "ses" Helo ["FpBWIR?;D", "BWIR?;D"]
    Simta "simta" Helo ["FpBI;D"]
    Slmail "slmail" Helo ["Fl?Bl?Ws?o?I?R?x?;D", "FlBlsWIR?x?;D", "BFs;D"]
    Smail "smail" Helo ["FpBsWIR?;D", "Fp?Bs?WI;D", "FBVx?IR?;D", "FxlBsWRxI;D"]
    Smap "smap" Rdns ["FpVBI;D", "FpBVsI;D", "FpBVI?o?;D", "FpxhVBI;D", "FpBVoI;D", "FxVBI;D"]
    Smartermail "smartermail" Helo ["FpBWt?;D", "FpBWt?IR?;D"]
    Smtpd "smtpd" Helo ["FpBsWIR?;D"]
    Smtpl "smtpl" Helo ["FBsW;D"]
    Smtpsvc "smtpsvc" Helo ["F?f?x?p?l?Bx?Wo?;D"]
    Stalwart "stalwart" Helo ["Fpt?u?BsWI?R?;D"]
    Symantec "symantec" Helo ["gBsWIR?;D", "FpBsWIR?;D"]
    Trex "trex" Helo ["FpBst?;D", "FpBsW;D", "FlBaV?s;D", "FpBl?Vs;D"]
    Tumbleweed "tumbleweed" Helo ["FBWs;D", "FpBWsI?;D"]
    Untd "untd" Neither ["gBsI;D"]
    Vircom "vircom" Helo ["FpBsW?IR?;D"]
    Xmail "xmail" Helo ["FpBa?WIR?S?;D"]
    Xwall "xwall" Helo ["FlBW;D", "FpBW;D"]
    Yahoo "yahoo" Helo ["FBW;D", "FBV;D", "BsWI;D", "Fh?pBW;D", "FpBW;D"]
    Yandex "yandex" Helo ["FpBsWIR?;D", "FpBsWI;D", "BsWI;D"]
    Zimbra "zimbra" Both ["FhpBW;D", "FhpBWI?;D"]
    Zmailer "zmailer" Both ["FpBWIx?R?o?;D", "oBVIx?o?;D", "FpxBWI;D"]
    Zoho "zoho" Helo ["FpBWI;D", "BWI;D", "FBWI;D"]
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

    /// How many ways it has to build its fields.
    pub(super) fn builds_count(self) -> usize {
        self.shapes().len()
    }

    /// Whether this server always writes words about encryption when there is some, so that none means clear text.
    pub(super) fn always_tells_tls(self) -> bool {
        matches!(self, Self::Gmail | Self::Exim | Self::Sendmail)
    }

    /// Whether this server makes the protocol's word of what happened (RFC 3848): with a sign-in and TLS it would be
    /// ESMTPSA, so that ESMTPA says there was none.
    pub(super) fn writes_keywords(self) -> bool {
        matches!(
            self,
            Self::Postfix
                | Self::Exim
                | Self::Sendmail
                | Self::Opensmtpd
                | Self::Haraka
                | Self::Stalwart
                | Self::Gmail
        )
    }

    /// Whether a field of this shape is built as the family builds it. Any of them may have the sender in a comment
    /// after the date, as FreeBSD's templates write it.
    pub(super) fn builds(self, shape: &[u8]) -> bool {
        let shape =
            shape.strip_suffix(b"De").map_or(shape, |_| shape.split_last().map_or(shape, |(_, head)| head));
        self.shapes().iter().any(|pattern| fits(shape, pattern.as_bytes()))
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
