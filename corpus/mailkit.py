"""What the generators of the corpus share: seeded numbers, dates, id clocks, Received fields, MIME pieces.

Standard library only; nothing here depends on the machine, the clock or the version of zlib.
"""

import base64
import binascii
import hashlib
import re
import struct
import zlib

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
BASE60 = BASE62[:60]


class Rng:
    """splitmix64: the same on every machine and every Python."""

    def __init__(self, seed):
        self.state = seed

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & (2**64 - 1)
        return z ^ z >> 31

    def below(self, n):
        return self.bits() * n >> 64

    def pick(self, of):
        return of[self.below(len(of))]

    def bytes(self, n):
        return b"".join(struct.pack("<Q", self.bits()) for _ in range(n // 8 + 1))[:n]

    def token(self, n, of=BASE62):
        return "".join(self.pick(of) for _ in range(n))


# ------------------------------------------------------------------------------------------------- time


def days_from_civil(y, m, d):
    y -= m <= 2
    era, yoe = y // 400, y % 400
    doy = (153 * (m + (-3 if m > 2 else 9)) + 2) // 5 + d - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


def utc(y, m, d, hh=0, mm=0, ss=0):
    """Seconds since 1970 of a moment in UTC."""
    return days_from_civil(y, m, d) * 86400 + hh * 3600 + mm * 60 + ss


def civil(ts):
    days, s = divmod(ts, 86400)
    z = days + 719468
    era, doe = divmod(z, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    m = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (m <= 2), m, doy - (153 * mp + 2) // 5 + 1, s // 3600, s // 60 % 60, s % 60


def weekday(ts):
    return DAYS[(ts // 86400 + 3) % 7]


def rfc3339(ts):
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % civil(ts)


def date(ts, zone, comment=""):
    """RFC 5322 date; `zone` in minutes east."""
    y, m, d, hh, mm, ss = civil(ts + zone * 60)
    sign, off = ("-", -zone) if zone < 0 else ("+", zone)
    tail = f" ({comment})" if comment else ""
    return f"{weekday(ts + zone * 60)}, {d} {MONTHS[m - 1]} {y} {hh:02}:{mm:02}:{ss:02} {sign}{off // 60:02}{off % 60:02}{tail}"


def ctime(ts):
    y, m, d, hh, mm, ss = civil(ts)
    return f"{weekday(ts)} {MONTHS[m - 1]} {d:2} {hh:02}:{mm:02}:{ss:02} {y}"


def summer(ts, region):
    """Whether clocks are forward in 2024 and 2025 in `eu` or `us`."""
    spans = {
        "eu": [(utc(2024, 3, 31, 1), utc(2024, 10, 27, 1)), (utc(2025, 3, 30, 1), utc(2025, 10, 26, 1))],
        "us": [(utc(2024, 3, 10, 10), utc(2024, 11, 3, 9)), (utc(2025, 3, 9, 10), utc(2025, 11, 2, 9))],
    }
    return any(a <= ts < b for a, b in spans[region])


def hamburg(ts):
    return 120 if summer(ts, "eu") else 60


def london(ts):
    return 60 if summer(ts, "eu") else 0


def athens(ts):
    return 180 if summer(ts, "eu") else 120


def pacific(ts):
    return -420 if summer(ts, "us") else -480


# ------------------------------------------------------------------------------------------------- id clocks


def digits(n, alphabet, width=0):
    out = ""
    while n:
        n, r = divmod(n, len(alphabet))
        out = alphabet[r] + out
    return out.rjust(width, alphabet[0])


def postfix_id(ts, rng):
    """Long queue id: seconds and microseconds in base 52, `z`, inode in base 51."""
    return digits(ts, BASE52, 6) + digits(rng.below(10**6), BASE52, 4) + "z" + digits(rng.below(10**7) + 10**6, BASE52[:51])


def exim_id(ts, rng):
    return digits(ts, BASE62, 6) + "-" + digits(rng.below(60000) + 1000, BASE62, 11) + "-" + digits(rng.below(10**6), BASE62, 4)


def dovecot_id(ts, rng):
    raw = rng.bytes(4) + struct.pack("<I", ts) + rng.bytes(8)
    return base64.b64encode(raw).decode().rstrip("=")


def sendmail_id(ts, rng):
    y, m, d, hh, mm, ss = civil(ts)
    return "".join(BASE60[n] for n in ((y - 1900) % 60, m - 1, d, hh, mm, ss)) + "%02d%06d" % (rng.below(10), rng.below(10**6))


def gmail_id(ts, rng, kind):
    local = civil(ts + pacific(ts) * 60)
    return f"{rng.token(11, '0123456789abcdef')}-{rng.token(11, '0123456789abcdef')}{kind}{rng.below(10**7)}a12.{rng.below(90) + 1}." + "%d.%02d.%02d.%02d.%02d.%02d" % local


# ------------------------------------------------------------------------------------------------- MIME pieces


def wire(data):
    """Every LF that has no CR before it becomes CRLF; nothing else changes."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def b64(data, width=76):
    text = base64.b64encode(data).decode()
    return "".join(text[i : i + width] + "\n" for i in range(0, len(text), width))


def qp(data):
    """Quoted-printable of bytes with LF line ends, soft breaks before column 76."""
    out = []
    for line in data.split(b"\n"):
        text, column = "", 0
        for i, c in enumerate(line):
            last = i + 1 == len(line)
            piece = chr(c) if 33 <= c < 127 and c != 61 or c in (32, 9) and not last else "=%02X" % c
            if column + len(piece) > 75 or column + len(piece) == 75 and not last:
                text, column = text + "=\n", 0
            text, column = text + piece, column + len(piece)
        out.append(text)
    return "\n".join(out)


def word(text, charset, encoding="B"):
    """One RFC 2047 encoded word, or several with a fold between them."""
    out = []
    step = 15 if encoding == "B" else 20
    for i in range(0, len(text), step):
        raw = text[i : i + step].encode(charset)
        if encoding == "B":
            body = base64.b64encode(raw).decode()
        else:
            body = "".join(chr(c) if chr(c).isalnum() and c < 128 else "_" if c == 32 else "=%02X" % c for c in raw)
        out.append(f"=?{charset}?{encoding}?{body}?=")
    return "\n ".join(out)


def stored(data):
    """A zlib stream of stored blocks, made by hand: zlib versions differ in what they write, this does not."""
    out = b"\x78\x01"
    chunks = [data[i : i + 65535] for i in range(0, len(data), 65535)] or [b""]
    for n, chunk in enumerate(chunks):
        out += bytes([n + 1 == len(chunks)]) + struct.pack("<HH", len(chunk), len(chunk) ^ 0xFFFF) + chunk
    return out + struct.pack(">I", zlib.adler32(data))


def png(width, height, colour):
    """A one-colour picture."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", binascii.crc32(kind + body))

    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", stored(rows)) + chunk(b"IEND", b"")


def pdf(lines):
    """A one-page PDF with some lines of text."""
    text = "BT /F1 11 Tf 60 760 Td 16 TL\n" + "".join(f"({line}) Tj T*\n" for line in lines) + "ET\n"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}endstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = "%PDF-1.4\n", []
    for n, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{n} 0 obj\n{body}\nendobj\n"
    xref = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join("%010d 00000 n \n" % p for p in places)
    return (out + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").encode("ascii")


def zip_stored(files):
    """A zip archive without compression, dated 1980-01-01."""
    body, directory = b"", b""
    for name, data in files:
        crc, name = binascii.crc32(data), name.encode()
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, len(data), len(data), len(name), 0)
        directory += b"PK\x01\x02\x14\x03" + fields + struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(body)) + name
        body += b"PK\x03\x04" + fields + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def uuencode(name, data):
    lines = [f"begin 644 {name}"]
    for i in range(0, len(data), 45):
        lines.append(binascii.b2a_uu(data[i : i + 45]).decode().rstrip("\n").replace(" ", "`"))
    return "\n".join(lines + ["`", "end"]) + "\n"


# ------------------------------------------------------------------------------------------------- Received fields


class Hop:
    """A Received field and what stands in it."""

    def __init__(self, text, hosts=(), ips=(), ts=None):
        self.text, self.hosts, self.ips, self.ts = text, [h for h in hosts if h], [i for i in ips if i], ts


def postfix(rng, ts, zone, helo, rdns, ip, by, to=None, tls=True, user=None, names=("CET", "CEST")):
    shown = f"IPv6:{ip}" if ":" in ip else ip
    text = f"Received: from {helo} ({rdns or 'unknown'} [{shown}])\n"
    if tls:
        text += "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n"
        text += "\t(No client certificate requested)\n"
    if user:
        text += f"\t(Authenticated sender: {user})\n"
    keyword = "ESMTP" + ("S" if tls else "") + ("A" if user else "")
    text += f"\tby {by} (Postfix) with {keyword} id {postfix_id(ts, rng)}"
    text += f"\n\tfor <{to}>; " if to else "; "
    name = {60: names[0], 120: names[1]}.get(zone, "")
    return Hop(text + date(ts, zone, name) + "\n", [helo, rdns, by], [ip], ts)


def pickup(rng, ts, zone, by, uid):
    return Hop(f"Received: by {by} (Postfix, from userid {uid})\n\tid {postfix_id(ts, rng)}; {date(ts, zone)}\n", [by], [], ts)


def lmtp(rng, ts, zone, helo, ip, by, sender, to):
    text = f"Received: from {helo} ([{ip}])\n\tby {by} with LMTP\n\tid {dovecot_id(ts, rng)}\n\t(envelope-from <{sender}>)\n\tfor <{to}>; {date(ts, zone)}\n"
    return Hop(text, [helo, by], [ip], ts)


def exim(rng, ts, zone, rdns, ip, helo, by, sender, to, auth=True, ident=None):
    start = f"from {rdns} ([{ip}] helo={helo})" if rdns else f"from [{ip}] (helo={helo})"
    words = "esmtpsa" if auth else "esmtps"
    text = f"Received: {start}\n\tby {by} with {words} (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.97)\n\t(envelope-from <{sender}>)\n\tid {ident or exim_id(ts, rng)}\n\tfor {to}; {date(ts, zone)}\n"
    return Hop(text, [rdns, helo, by], [ip], ts)


def sendmail(rng, ts, zone, helo, rdns, ip, by, to, forged=False, auth=True):
    warn = " (may be forged)" if forged else ""
    text = f"Received: from {helo} ({rdns} [{ip}]{warn})\n" + ("\t(authenticated bits=0)\n" if auth else "")
    text += f"\tby {by} (8.17.1/8.17.1) with ESMTPSA id {sendmail_id(ts, rng)}\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\n\tfor <{to}>; {date(ts, zone, 'MSK' if zone == 180 else '')}\n"
    return Hop(text, [helo, rdns, by], [ip], ts)


def qmail(rng, ts, rdns, helo, ip, by, uid):
    """Newest first: two fields of the local queue, one of the network."""
    pid = rng.below(60000) + 1000
    network = f"Received: from {rdns or 'unknown'} (HELO {helo}) ({ip})\n  by {by} with SMTP; {date(ts - 1, 0).replace('+0000', '-0000')}\n"
    return [
        Hop(f"Received: (qmail {pid} invoked by uid {uid}); {date(ts, 0).replace('+0000', '-0000')}\n", [], [], ts),
        Hop(network, [rdns, helo, by], [ip], ts - 1),
    ]


def m365(rng, ts, host, ip, by, by_ip, how="Microsoft SMTP Server"):
    build = f"15.20.{8300 + (ts - utc(2025, 1, 1)) // 432000}.{rng.below(40)}"
    if how == "mapi":
        text = f"Received: from {host} ([{ip}]) by\n {by} ([{by_ip}]) with mapi id\n {build}; {date(ts, 0)}\n"
    else:
        text = f"Received: from {host} ({ip}) by {by}\n ({by_ip}) with {how} (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id {build};\n {date(ts, 0)}\n"
    return Hop(text, [host, by], [ip, by_ip], ts)


def gmail_so(rng, ts, by, to):
    text = f"Received: by {by} with SMTP id {gmail_id(ts, rng, 'so')}\n        for <{to}>; {date(ts, pacific(ts), 'PDT' if pacific(ts) == -420 else 'PST')}\n"
    return Hop(text, [by], [], ts)


def domino(rng, ts, zone, helo, ip, by):
    y, m, d, hh, mm, ss = civil(ts + zone * 60)
    ident = f"{y}{m:02}{d:02}{hh:02}{mm:02}{ss:02}{rng.below(99):02}-{rng.below(9000) + 1000}"
    text = f"Received: from {helo} ([{ip}])\n          by {by} (HCL Domino Release 12.0.2)\n          with ESMTP id {ident} ;\n          {date(ts, zone)}\n"
    return Hop(text, [helo, by], [ip], ts)


def amavis(rng, ts, zone, host):
    """Newest first: back from the filter, and into it."""
    out = f"Received: from localhost (localhost [127.0.0.1])\n\tby {host} (Postfix) with ESMTP id {postfix_id(ts, rng)}; {date(ts, zone)}\n"
    into = f"Received: from {host} ([127.0.0.1])\n\tby localhost ({host} [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id {rng.token(12)}; {date(ts - 1, zone)}\n"
    return [Hop(out, ["localhost", host], ["127.0.0.1"], ts), Hop(into, [host, "localhost"], ["127.0.0.1"], ts - 1)]
