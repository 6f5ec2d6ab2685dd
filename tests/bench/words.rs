//! Seeded words for made-up mail: a Zipf vocabulary, other scripts, base64 and quoted-printable.

/// A small generator of numbers (splitmix64): the same seed gives the same mail on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n` (which is not 0).
    #[inline]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number in `low..high`.
    #[inline]
    pub(crate) fn range(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low)
    }

    /// True `percent` times in a hundred.
    #[inline]
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    #[inline]
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const COMMON: &str = "the to of and a in is that for it this you i on be with not have as are if but we or can will from \
at by an was so what there which do has all my would your one they me about just no like when more some get out up any \
time should then only other them into than how now also use could did its our make because their been were who need \
think first know where want work may see does good these new way mail file after had over same here problem please \
really very back still such those well much even most many two between right since through take something before long \
too being used look set own under both system each while without part last list line code run next using case change \
help test find few point version data name add send error try order sure number fix give end note call check user start \
read write message question thanks week day date read might must however seems already issue patch read support release \
report today month meeting office project team invoice payment account contract customer price shipment container port \
vessel schedule budget update document attached regards server network address";

/// Words in the order of how often they are used.
#[derive(Debug)]
pub(crate) struct Words {
    slots: Vec<[u8; 16]>,
    /// For each of 2^16 equal shares of probability, the first word there; and the end.
    shares: Vec<u32>,
}

const SHARES: usize = 1 << 16;

impl Words {
    /// `count` words of which the commonest are real.
    pub(crate) fn english(rng: &mut Rng, count: usize) -> Self {
        let starts = [
            "b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p",
            "pr", "r", "s", "sh", "st", "str", "t", "th", "tr", "v", "w", "", "qu", "sp",
        ];
        let hearts = ["a", "e", "i", "o", "u", "ea", "ai", "ou", "io", "ee", "y"];
        let ends = ["", "", "n", "r", "l", "s", "t", "nd", "ck", "m", "ng", "st", "x"];
        let mut words: Vec<String> = COMMON.split_whitespace().map(str::to_owned).collect();
        while words.len() < count {
            let rank = words.len();
            let mut word = String::new();
            for _ in 0..1 + rng.below(if rank < 3000 { 2 } else { 3 }) {
                for set in [&starts[..], &hearts[..], &ends[..]] {
                    word.push_str(set[rng.below(set.len())]);
                }
            }
            if rank % 11 == 10 {
                word.push_str(&rng.below(10_000).to_string());
            }
            word.truncate(15);
            words.push(word);
        }
        Self::of(&words)
    }

    /// `count` words of letters of one script, each at most 15 bytes of UTF-8.
    pub(crate) fn script(rng: &mut Rng, count: usize, letters: &[(u32, u32)], longest: usize) -> Self {
        let letters: Vec<char> =
            letters.iter().flat_map(|&(from, to)| from..=to).filter_map(char::from_u32).collect();
        let words: Vec<String> = (0..count)
            .map(|rank| {
                let mut word = String::new();
                for _ in 0..(1 + rng.below(2 + (rank / 50).min(longest))).min(longest) {
                    let c = letters[rng.below(letters.len()).min(rng.below(letters.len()))];
                    if word.len() + c.len_utf8() <= 15 {
                        word.push(c);
                    }
                }
                word
            })
            .collect();
        Self::of(&words)
    }

    fn of(words: &[String]) -> Self {
        let slots = words.iter().map(|word| {
            let mut slot = [0; 16];
            slot[..word.len()].copy_from_slice(word.as_bytes());
            slot[15] = word.len() as u8;
            slot
        });
        // Zipf-Mandelbrot in whole numbers, so that no rounding of a machine can change the mail:
        // the weight falls as 1 / (rank + 12)^1.25, as real mail does (docs/measured.md).
        let weight = |rank: usize| {
            let r = (rank + 12) as u64;
            let root = (r * 65_536 * 65_536).isqrt().isqrt().max(1); // fourth root of r, times 256
            (1u64 << 50) / (r * root)
        };
        let total: u128 = (0..words.len()).map(|rank| u128::from(weight(rank))).sum();
        let mut shares = Vec::with_capacity(SHARES);
        let mut upto = 0u128;
        for rank in 0..words.len() {
            upto += u128::from(weight(rank));
            let end = (upto * SHARES as u128 / total) as usize;
            while shares.len() < end {
                shares.push(rank as u32);
            }
        }
        shares.resize(SHARES + 1, words.len() as u32 - 1);
        Self { slots: slots.collect(), shares }
    }

    /// Number of a word, common ones oftener.
    #[inline]
    pub(crate) fn draw(&self, bits: u64) -> u32 {
        let share = bits as usize % SHARES;
        let (low, high) = (self.shares[share], self.shares[share + 1]);
        if high <= low + 1 {
            low
        } else {
            low + ((u64::from(high - low) * (bits >> 40 & 0xffff)) >> 16) as u32
        }
    }

    /// Number of a word that is not among the commonest.
    pub(crate) fn rare(&self, rng: &mut Rng) -> u32 {
        let n = self.slots.len() - 100;
        (100 + rng.below(n).min(rng.below(n)).min(rng.below(n)).min(rng.below(n))) as u32
    }

    /// Appends a word.
    #[inline]
    pub(crate) fn put(&self, out: &mut Vec<u8>, word: u32) {
        let slot = &self.slots[word as usize];
        // A copy of fixed length is one instruction; what is too much is cut off again.
        out.extend_from_slice(slot);
        out.truncate(out.len() - 16 + usize::from(slot[15]));
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends base64; with `line` characters a line, each ended by LF (0: one line without an end).
pub(crate) fn base64(out: &mut Vec<u8>, data: &[u8], line: usize) {
    let chunk = if line == 0 { data.len().max(1) } else { line / 4 * 3 };
    for piece in data.chunks(chunk) {
        let mut threes = piece.chunks_exact(3);
        for t in threes.by_ref() {
            let n = usize::from(t[0]) << 16 | usize::from(t[1]) << 8 | usize::from(t[2]);
            out.extend_from_slice(&[
                DIGITS[n >> 18],
                DIGITS[n >> 12 & 63],
                DIGITS[n >> 6 & 63],
                DIGITS[n & 63],
            ]);
        }
        match *threes.remainder() {
            [a] => out.extend_from_slice(&[
                DIGITS[usize::from(a >> 2)],
                DIGITS[usize::from(a & 3) << 4],
                b'=',
                b'=',
            ]),
            [a, b] => {
                let n = usize::from(a) << 8 | usize::from(b);
                out.extend_from_slice(&[DIGITS[n >> 10], DIGITS[n >> 4 & 63], DIGITS[(n & 15) << 2], b'=']);
            }
            _ => {}
        }
        if line > 0 {
            out.push(b'\n');
        }
    }
}

/// Appends `count` random base64 characters: what an incompressible file looks like.
pub(crate) fn noise(out: &mut Vec<u8>, rng: &mut Rng, count: usize) {
    let mut left = count;
    while left > 0 {
        let bits = rng.bits();
        let ten: [u8; 10] = std::array::from_fn(|n| DIGITS[(bits >> (6 * n) & 63) as usize]);
        out.extend_from_slice(&ten[..left.min(10)]);
        left -= left.min(10);
    }
}

/// Appends `count` random characters of an id, without `+` and `/`.
pub(crate) fn token(out: &mut Vec<u8>, rng: &mut Rng, count: usize) {
    for _ in 0..count {
        out.push(DIGITS[rng.below(62)]);
    }
}

/// Appends quoted-printable of text with LF line ends, soft breaks at 76 columns.
pub(crate) fn quoted_printable(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for line in text.split_inclusive(|&b| b == b'\n') {
        let (line, end) =
            line.split_last().filter(|(b, _)| **b == b'\n').map_or((line, &b""[..]), |(_, l)| (l, b"\n"));
        let mut column = 0;
        let mut plain = 0;
        for (at, &b) in line.iter().enumerate() {
            let special = b == b'=' || !(32..127).contains(&b);
            if special || column > 71 {
                out.extend_from_slice(&line[plain..at]);
                plain = at;
                if column > 71 {
                    out.extend_from_slice(b"=\n");
                    column = 0;
                }
                if special {
                    out.extend_from_slice(&[b'=', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
                    plain = at + 1;
                    column += 2;
                }
            }
            column += 1;
        }
        out.extend_from_slice(&line[plain..]);
        out.extend_from_slice(end);
    }
}
