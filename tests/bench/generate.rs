//! Made-up mail with the shape of real mail: people who answer each other through real kinds of relays.

use crate::words::{Rng, Words, base64, noise, quoted_printable, token};

/// What kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Conversations and notices, 8.8 KB on average.
    Text,
    /// The same with base64 attachments, 35 KB on average.
    Attach,
    /// A development list: patches and reviews.
    List,
}

impl Profile {
    /// The profile of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "attach" => Some(Self::Attach),
            "list" => Some(Self::List),
            _ => None,
        }
    }
}

/// One message with LF line ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    /// The `From ` line that stands before it in an mbox, with its LF.
    pub(crate) separator: String,
    /// The message.
    pub(crate) bytes: Vec<u8>,
    /// Delivery, in seconds since 1970.
    pub(crate) delivered: u64,
}

struct Person {
    name: String,
    address: String,
    domain: usize,
    signature: Vec<u8>,
    script: usize,
}

struct Domain {
    name: String,
    family: usize,
    ip: String,
}

/// Makes mail; the same seed and profile give the same bytes.
pub(crate) struct Generator {
    rng: Rng,
    profile: Profile,
    words: Words,
    scripts: [Words; 4],
    domains: Vec<Domain>,
    people: Vec<Person>,
    notices: Vec<Vec<u8>>,
    files: Vec<(String, &'static str, Vec<u8>)>,
    recent: Vec<Sent>,
    copies: Vec<Mail>,
    mail: Mail,
    body: Vec<u8>,
    scratch: Vec<u8>,
    clock: u64,
    count: u64,
}

#[derive(Clone, Default)]
struct Sent {
    id: String,
    subject: String,
    who: usize,
    topic: Vec<u32>,
    body: Vec<u8>,
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Civil {
    year: u64,
    month: usize,
    day: u64,
    weekday: &'static str,
    clock: String,
}

fn civil(secs: u64) -> Civil {
    let days = secs / 86_400;
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 2 } else { mp - 10 } as usize;
    let year = yoe + era * 400 + u64::from(month < 2);
    let s = secs % 86_400;
    let clock = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    Civil { year, month, day: doy - (153 * mp + 2) / 5 + 1, weekday: DAYS[(days % 7) as usize], clock }
}

fn date(secs: u64, zone: i64) -> String {
    let c = civil(secs.saturating_add_signed(zone * 3600));
    let sign = if zone < 0 { '-' } else { '+' };
    let hours = zone.abs();
    format!("{}, {} {} {} {} {sign}{hours:02}00", c.weekday, c.day, MONTHS[c.month], c.year, c.clock)
}

impl Generator {
    /// Starts.
    pub(crate) fn new(seed: u64, profile: Profile) -> Self {
        let mut rng = Rng::new(seed ^ 0x6d61_696c_7472_6169);
        let words = Words::english(&mut rng, 200_000);
        let scripts = [
            Words::script(&mut rng, 20_000, &[(0x61, 0x7a), (0xe4, 0xe4), (0xf6, 0xf6), (0xfc, 0xfc)], 9),
            Words::script(&mut rng, 20_000, &[(0x430, 0x44f)], 7),
            Words::script(&mut rng, 20_000, &[(0x3042, 0x3093)], 4),
            Words::script(&mut rng, 20_000, &[(0x4e00, 0x5a00)], 3),
        ];
        let word = |rng: &mut Rng| {
            let mut out = Vec::new();
            let rare = words.rare(rng) % 40_000;
            words.put(&mut out, rare.max(300));
            out.retain(u8::is_ascii_alphabetic);
            String::from_utf8(out).unwrap_or_default()
        };
        let domains: Vec<Domain> = (0..240)
            .map(|n| {
                let tail = ["example", "example.org", "example.com", "example.net"][n % 4];
                let net = ["192.0.2", "198.51.100", "203.0.113"][n % 3];
                Domain {
                    name: format!("{}{n}.{tail}", word(&mut rng)),
                    family: rng.below(7),
                    ip: format!("{net}.{}", n + 5),
                }
            })
            .collect();
        let title = |w: String| w[..1].to_uppercase() + &w[1..];
        let people = (0..1500)
            .map(|n| {
                let (first, last) = (word(&mut rng), word(&mut rng));
                let domain = rng.below(domains.len()).min(rng.below(domains.len()));
                let name = format!("{} {}", title(first.clone()), title(last.clone()));
                let mut signature =
                    format!("-- \n{name}\n{} {}\n", title(word(&mut rng)), title(word(&mut rng)));
                if n % 3 == 0 {
                    signature += &format!(
                        "Phone +49 30 {}\nhttps://www.{}/\n",
                        rng.range(100_000, 999_999),
                        domains[domain].name
                    );
                }
                let address = format!("{first}.{last}@{}", domains[domain].name);
                let script = if rng.chance(94) { 0 } else { 1 + rng.below(4) };
                Person { name, address, domain, signature: signature.into_bytes(), script }
            })
            .collect();
        let mut this = Self {
            rng,
            profile,
            words,
            scripts,
            domains,
            people,
            notices: Vec::new(),
            files: Vec::new(),
            recent: vec![Sent::default(); 64],
            copies: vec![Mail::default(); 16],
            mail: Mail::default(),
            body: Vec::new(),
            scratch: Vec::new(),
            clock: 1_672_531_200, // 2023-01-01
            count: 0,
        };
        for _ in 0..12 {
            let (topic, mut notice) = (this.topic(), Vec::new());
            this.paragraph(&mut notice, &topic, 5, 76);
            this.notices.push(notice);
        }
        if profile == Profile::Attach {
            this.files = (0..48).map(|n| this.file(n)).collect();
        }
        this
    }

    /// The next message.
    pub(crate) fn next_mail(&mut self) -> &Mail {
        self.count += 1;
        self.clock += self.rng.range(1, 1200) as u64;
        let slot = self.rng.below(self.copies.len());
        if self.rng.chance(2) && !self.copies[slot].bytes.is_empty() {
            self.mail.clone_from(&self.copies[slot]);
            return &self.mail;
        }
        let mut sent = Sent::default();
        let old = self.rng.below(self.recent.len());
        let reply =
            (self.rng.chance(62) && !self.recent[old].id.is_empty()).then(|| self.recent[old].clone());
        // A few people write most of the mail.
        sent.who = self
            .rng
            .below(self.people.len())
            .min(self.rng.below(self.people.len()))
            .min(self.rng.below(self.people.len()));
        sent.id = self.message_id(sent.who);
        if self.rng.below(200) == 0 && reply.is_some() {
            sent.id = self.recent[old].id.clone(); // equal Message-ID, other content
        }
        self.subject_and_topic(&mut sent, reply.as_ref());
        self.write_body(&mut sent, reply.as_ref());
        self.write_mail(&sent, reply.as_ref());
        self.recent[old] = sent;
        self.copies[slot].clone_from(&self.mail);
        &self.mail
    }

    fn message_id(&mut self, who: usize) -> String {
        let mut id = Vec::new();
        let family = self.domains[self.people[who].domain].family;
        match family {
            0 | 1 => id.extend_from_slice(format!("{}.", self.clock).as_bytes()),
            2 => id.extend_from_slice(b"CA+"),
            _ => {}
        }
        token(&mut id, &mut self.rng, if family == 2 { 42 } else { 22 });
        format!(
            "<{}@{}>",
            String::from_utf8(id).unwrap_or_default(),
            self.domains[self.people[who].domain].name
        )
    }

    fn topic(&mut self) -> Vec<u32> {
        (0..30).map(|_| self.words.rare(&mut self.rng)).collect()
    }

    fn subject_and_topic(&mut self, sent: &mut Sent, reply: Option<&Sent>) {
        if let Some(old) = reply {
            let re = if old.subject.starts_with("Re: ") { "" } else { "Re: " };
            sent.subject = format!("{re}{}", old.subject);
            sent.topic.clone_from(&old.topic);
            for _ in 0..8 {
                let at = self.rng.below(sent.topic.len());
                sent.topic[at] = self.words.rare(&mut self.rng);
            }
            return;
        }
        sent.topic = self.topic();
        let mut line = Vec::new();
        if self.profile == Profile::List {
            line.extend_from_slice(
                format!("[PATCH v{} {}/{}] ", self.rng.range(1, 6), self.rng.range(1, 9), 9).as_bytes(),
            );
        }
        for n in 0..self.rng.range(3, 8) {
            if n > 0 {
                line.push(b' ');
            }
            let word = if n % 2 == 0 { sent.topic[n] } else { self.words.draw(self.rng.bits()) };
            self.words.put(&mut line, word);
        }
        sent.subject = String::from_utf8(line).unwrap_or_default();
    }

    /// Sentences of `script` 0 (English) or another, wrapped at `width`.
    fn paragraph(&mut self, out: &mut Vec<u8>, topic: &[u32], sentences: usize, width: usize) {
        let mut column = 0;
        for _ in 0..sentences {
            let length = self.rng.range(6, 20);
            for n in 0..length {
                // One draw a word: the low 16 bits choose it, the top ones whether it is one of the topic.
                let bits = self.rng.bits();
                let word = if bits >> 56 < 56 {
                    let (a, b) = (bits >> 16 & 0xffff, bits >> 32 & 0xffff);
                    topic[(a.min(b) as usize * topic.len()) >> 16]
                } else {
                    self.words.draw(bits)
                };
                let from = out.len();
                self.words.put(out, word);
                if n == 0 {
                    out[from] = out[from].to_ascii_uppercase();
                } else if n + 1 == length {
                    out.push(b'.');
                }
                column += out.len() - from + 1;
                out.push(if column > width { b'\n' } else { b' ' });
                if column > width {
                    column = 0;
                }
            }
        }
        let last = out.len() - 1;
        out[last] = b'\n';
    }

    fn foreign(&mut self, out: &mut Vec<u8>, script: usize, sentences: usize) {
        for n in 0..sentences {
            for m in 0..self.rng.range(5, 14) {
                if m > 0 && script < 3 {
                    out.push(b' ');
                }
                let word = self.scripts[script - 1].draw(self.rng.bits());
                self.scripts[script - 1].put(out, word);
            }
            out.extend_from_slice(if n % 2 == 1 { b".\n" } else { b". " });
        }
        out.push(b'\n');
    }

    fn write_body(&mut self, sent: &mut Sent, reply: Option<&Sent>) {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        if let Some(old) = reply {
            body.extend_from_slice(
                format!("On {}, {} wrote:\n", date(self.clock - 40_000, 1), self.people[old.who].name)
                    .as_bytes(),
            );
            let keep = if self.rng.chance(70) { 12 } else { 60 };
            for line in old.body.split(|&b| b == b'\n').take(keep) {
                body.extend_from_slice(if line.first() == Some(&b'>') { b">" } else { b"> " });
                body.extend_from_slice(line);
                body.push(b'\n');
            }
            body.push(b'\n');
        } else {
            body.extend_from_slice(
                format!("{} all,\n\n", self.rng.pick(&["Hi", "Dear", "Hello", "Good morning"])).as_bytes(),
            );
        }
        let script = self.people[sent.who].script;
        let most = if self.profile == Profile::Text { 15 } else { 7 };
        for _ in 0..self.rng.range(2, most) {
            if script > 0 {
                self.foreign(&mut body, script, 4);
            } else {
                let sentences = self.rng.range(2, 7);
                self.paragraph(&mut body, &sent.topic, sentences, 66);
                body.push(b'\n');
            }
        }
        if self.profile == Profile::List && (reply.is_none() || self.rng.chance(20)) {
            self.patch(&mut body, &sent.topic);
        }
        sent.body.clear();
        sent.body.extend_from_slice(&body);
        if self.rng.chance(2) {
            let from = self.rng.range(0, 3);
            body.extend_from_slice(&[b"From here on ", &b"From the office: "[..], b"From 1 May "][from][..]);
            self.paragraph(&mut body, &sent.topic, 1, 66);
        }
        body.extend_from_slice(&self.people[sent.who].signature);
        if self.rng.chance(30) {
            body.push(b'\n');
            body.extend_from_slice(&self.notices[self.people[sent.who].domain % self.notices.len()]);
        }
        self.body = body;
    }

    fn patch(&mut self, body: &mut Vec<u8>, topic: &[u32]) {
        body.extend_from_slice(b"---\n");
        for _ in 0..self.rng.range(1, 4) {
            let mut name = b"drivers/".to_vec();
            self.words.put(&mut name, topic[self.rng.below(8)]);
            name.push(b'/');
            self.words.put(&mut name, topic[self.rng.below(8)]);
            let name = String::from_utf8(name).unwrap_or_default();
            let mut hash =
                |n| (0..n).map(|_| char::from(b"0123456789abcdef"[self.rng.below(16)])).collect::<String>();
            let (a, b) = (hash(12), hash(12));
            body.extend_from_slice(format!("diff --git a/{name}.c b/{name}.c\nindex {a}..{b} 100644\n--- a/{name}.c\n+++ b/{name}.c\n").as_bytes());
            for _ in 0..self.rng.range(1, 5) {
                let at = self.rng.range(1, 4000);
                body.extend_from_slice(
                    format!("@@ -{at},7 +{at},9 @@ static int probe(struct device *dev)\n").as_bytes(),
                );
                for _ in 0..self.rng.range(7, 22) {
                    body.extend_from_slice(
                        self.rng.pick(&[" \t", " \t\t", "+\t", "-\t", " \t", "+\t\t"]).as_bytes(),
                    );
                    body.extend_from_slice(
                        self.rng
                            .pick(&["if (!", "return ", "ret = ", "struct ", "dev_err(dev, ", "", ""])
                            .as_bytes(),
                    );
                    for joint in ["->", "(", "_", ");"] {
                        let word = if self.rng.chance(60) {
                            topic[self.rng.below(topic.len())]
                        } else {
                            self.words.draw(self.rng.bits())
                        };
                        self.words.put(body, word);
                        body.extend_from_slice(joint.as_bytes());
                        if joint == "(" && self.rng.chance(40) {
                            break;
                        }
                    }
                    body.push(b'\n');
                }
            }
        }
        body.extend_from_slice(b"-- \n2.43.0\n\n");
    }

    fn file(&mut self, n: usize) -> (String, &'static str, Vec<u8>) {
        let size = 2000 << self.rng.below(6);
        let size = size + self.rng.below(size);
        let mut out = Vec::with_capacity(size * 2);
        let (start, kind, tail): (&str, _, _) = [
            ("JVBERi0xLjcK", "application/pdf", "pdf"),
            ("/9j/4AAQSkZJ", "image/jpeg", "jpg"),
            ("UEsDBBQAAAAI", "application/zip", "zip"),
            ("iVBORw0KGgoA", "image/png", "png"),
            ("", "text/csv", "csv"),
            ("", "text/plain", "txt"),
        ][n % 6];
        let mut name = tail.as_bytes().to_vec();
        let word = self.words.rare(&mut self.rng);
        self.words.put(&mut name, word);
        let name = format!("{}-{n}.{tail}", String::from_utf8(name).unwrap_or_default());
        if start.is_empty() {
            let (topic, mut text) = (self.topic(), Vec::new());
            while text.len() < size {
                self.paragraph(&mut text, &topic, 4, 90);
            }
            base64(&mut out, &text, 76);
        } else {
            out.extend_from_slice(start.as_bytes());
            noise(&mut out, &mut self.rng, 64);
            out.push(b'\n');
            for _ in 0..size * 4 / 3 / 76 {
                noise(&mut out, &mut self.rng, 76);
                out.push(b'\n');
            }
        }
        (name, kind, out)
    }

    fn write_mail(&mut self, sent: &Sent, reply: Option<&Sent>) {
        let mut out = std::mem::take(&mut self.mail.bytes);
        out.clear();
        self.trace(&mut out, sent);
        let who = &self.people[sent.who];
        let to = self.rng.below(40);
        let mut people = format!("{} <{}>", self.people[to].name, self.people[to].address);
        if self.rng.chance(40) {
            for _ in 0..self.rng.range(1, 7) {
                let other = &self.people[self.rng.below(200)];
                people += &format!(",\n\t{} <{}>", other.name, other.address);
            }
        }
        let zone = [1, 2, -5, -8, 0, 9][who.domain % 6];
        let written = date(self.clock - self.rng.range(2, 40) as u64, zone);
        out.extend_from_slice(
            format!("From: {} <{}>\nTo: {people}\nSubject: ", who.name, who.address).as_bytes(),
        );
        if who.script > 0 && reply.is_none() {
            self.scratch.clear();
            let word = self.scripts[who.script - 1].draw(self.rng.bits());
            self.scripts[who.script - 1].put(&mut self.scratch, word);
            out.extend_from_slice(b"=?utf-8?B?");
            base64(&mut out, &self.scratch, 0);
            out.extend_from_slice(b"?= ");
        }
        out.extend_from_slice(
            format!("{}\nDate: {written}\nMessage-ID: {}\n", sent.subject, sent.id).as_bytes(),
        );
        if let Some(old) = reply {
            out.extend_from_slice(format!("In-Reply-To: {}\nReferences: {}\n", old.id, old.id).as_bytes());
        }
        let script = who.script;
        if self.profile == Profile::List || self.people[sent.who].domain % 9 == 0 {
            let list = &self.domains[self.people[sent.who].domain % 7].name;
            out.extend_from_slice(format!("List-Id: <news.{list}>\nList-Post: <mailto:news@{list}>\nList-Unsubscribe: <https://{list}/unsubscribe>,\n <mailto:news-request@{list}?subject=unsubscribe>\nPrecedence: list\nErrors-To: news-bounces@{list}\n").as_bytes());
        }
        out.extend_from_slice(b"MIME-Version: 1.0\n");
        let agents = [
            "Mozilla Thunderbird",
            "Microsoft Outlook 16.0",
            "Apple Mail (2.3774.600.62)",
            "Mutt/2.2.12",
            "Roundcube Webmail/1.6.7",
        ];
        out.extend_from_slice(format!("User-Agent: {}\n", agents[sent.who % 5]).as_bytes());
        let attached = self.profile == Profile::Attach && self.rng.chance(47);
        let html = script == 0 && self.profile != Profile::List && sent.who % 4 == 0;
        let mut boundary = b"----=_Part_".to_vec();
        token(&mut boundary, &mut self.rng, 24);
        let boundary = String::from_utf8(boundary).unwrap_or_default();
        if attached {
            out.extend_from_slice(format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\nThis is a multi-part message in MIME format.\n--{boundary}\n").as_bytes());
        }
        if html {
            out.extend_from_slice(
                format!("Content-Type: multipart/alternative; boundary=\"{boundary}a\"\n\n--{boundary}a\n")
                    .as_bytes(),
            );
        }
        self.text_part(&mut out, script);
        if html {
            out.extend_from_slice(format!("\n--{boundary}a\n").as_bytes());
            self.html_part(&mut out);
            out.extend_from_slice(format!("\n--{boundary}a--\n").as_bytes());
        }
        if attached {
            for _ in 0..self.rng.range(1, 3) {
                let made;
                let (name, kind, data) = if self.rng.chance(25) {
                    &self.files[self.rng.below(self.files.len())]
                } else {
                    made = self.file(self.count as usize % 6);
                    &made
                };
                out.extend_from_slice(format!("\n--{boundary}\nContent-Type: {kind}; name=\"{name}\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"{name}\"\n\n").as_bytes());
                out.extend_from_slice(data);
            }
            out.extend_from_slice(format!("\n--{boundary}--\n").as_bytes());
        }
        let c = civil(self.clock);
        self.mail.separator = format!(
            "From {} {} {} {:2} {} {}\n",
            self.people[sent.who].address, c.weekday, MONTHS[c.month], c.day, c.clock, c.year
        );
        self.mail.bytes = out;
        self.mail.delivered = self.clock;
    }

    fn text_part(&mut self, out: &mut Vec<u8>, script: usize) {
        let (charset, encoding) = match script {
            0 => ("us-ascii", "7bit"),
            1 => ("utf-8", "quoted-printable"),
            2 => ("utf-8", "base64"),
            3 => ("utf-8", "8bit"),
            _ => ("utf-8", "base64"),
        };
        out.extend_from_slice(
            format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n")
                .as_bytes(),
        );
        match encoding {
            "base64" => base64(out, &self.body, 76),
            "quoted-printable" => quoted_printable(out, &self.body),
            _ => out.extend_from_slice(&self.body),
        }
    }

    fn html_part(&mut self, out: &mut Vec<u8>) {
        self.scratch.clear();
        self.scratch.extend_from_slice(b"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><style>p {margin:0cm; font-size:11.0pt; font-family:\"Calibri\",sans-serif;}</style></head>\n<body lang=\"EN-GB\">\n<div class=\"WordSection1\">\n");
        for line in self.body.split(|&b| b == b'\n') {
            if line.is_empty() {
                self.scratch.extend_from_slice(b"<p class=\"MsoNormal\"><o:p>&nbsp;</o:p></p>\n");
                continue;
            }
            self.scratch.extend_from_slice(b"<p class=\"MsoNormal\"><span style=\"color:#1F497D\">");
            for &b in line {
                match b {
                    b'>' => self.scratch.extend_from_slice(b"&gt;"),
                    b'<' => self.scratch.extend_from_slice(b"&lt;"),
                    _ => self.scratch.push(b),
                }
            }
            self.scratch.extend_from_slice(b"</span></p>\n");
        }
        self.scratch.extend_from_slice(b"</div></body></html>\n");
        out.extend_from_slice(
            b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n",
        );
        quoted_printable(out, &self.scratch);
    }

    /// Return-Path, 3 to 7 `Received` fields of real families, authentication, a signature.
    fn trace(&mut self, out: &mut Vec<u8>, sent: &Sent) {
        let Self { rng, domains, people, .. } = self;
        let (who, from) = (&people[sent.who], &domains[people[sent.who].domain]);
        let mine = "archive.example.org";
        let mut id = |n: usize| {
            let mut out = Vec::new();
            token(&mut out, rng, n);
            String::from_utf8(out).unwrap_or_default()
        };
        let (at, d, ip) = (self.clock, &from.name, &from.ip);
        let ids: [String; 6] = [22, 14, 16, 11, 12, 20].map(&mut id);
        let mut lines = format!("Return-Path: <{}>\nDelivered-To: box@{mine}\n", who.address);
        lines += &format!(
            "Received: from mx.{mine} ([192.0.2.1])\n\tby mail.{mine} with LMTP\n\tid {}\n\t(envelope-from <{}>)\n\tfor <box@{mine}>; {}\n",
            ids[0],
            who.address,
            date(at, 1)
        );
        lines += &format!(
            "Received: from mta.{d} (mta.{d} [{ip}])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\t(No client certificate requested)\n\tby mx.{mine} (Postfix) with ESMTPS id {}\n\tfor <box@{mine}>; {}\n",
            ids[1],
            date(at - 1, 1)
        );
        let c = civil(at - 2);
        lines += &match from.family {
            0 | 1 => format!(
                "Received: from [198.51.100.{}] (helo=laptop.{d})\n\tby mta.{d} with esmtpsa (TLS1.3) tls TLS_AES_128_GCM_SHA256\n\t(Exim 4.97)\n\t(envelope-from <{}>)\n\tid {}\n\tfor box@{mine}; {}\n",
                sent.who % 250,
                who.address,
                ids[2],
                date(at - 2, 2)
            ),
            2 => format!(
                "Received: by mail-{}.{d} with SMTP id {}so{}.{}.{}.{}.{}\n        for <box@{mine}>; {} (PST)\n",
                &ids[5][..4],
                ids[3],
                rng.below(99_999_999),
                c.year,
                c.month + 1,
                c.day,
                c.clock.replace(':', "."),
                date(at - 2, -8)
            ),
            3 => format!(
                "Received: from EX{}.{d} (2001:db8:{:x}::1) by\n EX9.{d} (2001:db8:{:x}::9) with Microsoft SMTP Server\n (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\n 15.20.{}.{}; {}\nReceived: from EX{}.{d} ([fe80::{:x}])\n by EX{}.{d} ([fe80::{:x}%4]) with mapi id 15.20.{}.012; {}\n",
                sent.who % 40,
                sent.who,
                sent.who,
                7000 + (at - 1_672_531_200) / 600_000,
                sent.who % 30,
                date(at - 2, 0),
                sent.who % 40,
                sent.who,
                sent.who % 40,
                sent.who,
                7000 + (at - 1_672_531_200) / 600_000,
                date(at - 3, 0)
            ),
            4 => format!(
                "Received: from ws{}.{d} (ws{}.{d} [198.51.100.{}] (may be forged))\n\t(authenticated bits=0)\n\tby mta.{d} (8.17.1/8.17.1) with ESMTPSA id {}\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\n\tfor <box@{mine}>; {}\n",
                sent.who,
                sent.who,
                sent.who % 250,
                ids[4],
                date(at - 2, -5)
            ),
            5 => format!(
                "Received: (qmail {} invoked by uid 89); {}\nReceived: from unknown (HELO ws{}.{d}) ({}@198.51.100.{})\n  by mta.{d} with SMTP; {}\n",
                rng.below(65_000),
                date(at - 2, 0),
                sent.who,
                who.address,
                sent.who % 250,
                date(at - 2, 0)
            ),
            _ => format!(
                "Received: from localhost (localhost [127.0.0.1])\n\tby mta.{d} (Postfix) with ESMTP id {}\n\tfor <box@{mine}>; {}\nReceived: from mta.{d} ([127.0.0.1])\n\tby localhost (mta.{d} [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id {} for <box@{mine}>; {}\nReceived: from ws{}.lan (unknown [203.0.113.{}])\n\t(Authenticated sender: {})\n\tby mta.{d} (Postfix) with ESMTPSA id {}; {}\n",
                &ids[1][..11],
                date(at - 2, 1),
                &ids[4],
                date(at - 3, 1),
                sent.who,
                sent.who % 250,
                who.address,
                &ids[2][..11],
                date(at - 4, 1)
            ),
        };
        out.extend_from_slice(lines.as_bytes());
        if rng.chance(80) {
            out.extend_from_slice(format!("Authentication-Results: mx.{mine};\n\tdkim=pass (2048-bit key; unprotected) header.d={d} header.i=@{d} header.b=\"{}\";\n\tspf=pass smtp.mailfrom={};\n\tdmarc=pass (policy=none) header.from={d}\n", &ids[5][..8], who.address).as_bytes());
            for _ in 0..1 + usize::from(rng.chance(20)) {
                out.extend_from_slice(format!("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={d}; s=s2023;\n\tt={}; h=from:to:subject:date:message-id:mime-version:content-type;\n\tbh=", at - 3).as_bytes());
                noise(out, rng, 43);
                out.extend_from_slice(b"=;\n\tb=");
                for _ in 0..4 {
                    noise(out, rng, 68);
                    out.extend_from_slice(b"\n\t ");
                }
                noise(out, rng, 70);
                out.extend_from_slice(b"==\n");
            }
        }
        out.extend_from_slice(format!("X-Spam-Status: No, score=-{}.{} required=5.0 tests=BAYES_00,DKIM_SIGNED,\n\tDKIM_VALID,SPF_PASS autolearn=ham version=4.0.0\n", rng.below(4), rng.below(10)).as_bytes());
    }
}
