#!/usr/bin/env python3
"""Counts messages in raw mail files by the definitions of mailtrail's query fields, without mailtrail.

    count.py FOLDER [QUERIES.txt] [--random N SEED]

prints {"query": count}; one query a line, `#` starts a comment; with --random also N queries that are made of what the
messages hold, the same for the same seed.

Python's standard library only, and nothing shared with the Rust code: the two can only agree by both being right.
Counted are messages that stand in a container themselves (`kind:message`), copies as often as they occur.

Definitions
  from:ADDR      a From field holds the address ADDR (case does not matter)
  hop:HOST       a host name in the from part (first word, HELO, looked-up name) or the by part of a Received field
                 is HOST or ends in .HOST
  hop:IP, /N     the peer's address, or the one of the by part, is IP or lies in the network; an address that the client
                 gave as its own name (HELO) does not count when the server wrote another one beside it
  date:A..B      the Date field, in UTC, is at or after A and before the end of B; A..<B before B; date:2002, date:2002-08, date:2002-08-22 are
                 the whole year, month, day. No time is invented: without a readable Date a message is never counted
  "some words"   these words follow each other (case, accents and compatibility forms folded) in Subject, in a text
                 part (or before or after the parts), in an HTML part read as text, or in an attached text; messages inside count for themselves
  hops:N         number of Received fields: N, >N, <N, A..B with B
  hop{A B}       one Received field for which all of it holds; by:HOST its own name (or below), ip:IP or ip:IP/N the peer's
                 address, a bare HOST any name of it; `-` before a term negates it
  hop[N]{A B}    the field at this place: 0 the newest, -1 the oldest
  path:"A -> B"  the whole way, oldest first: the client of the oldest hop (its first word, HELO or looked-up name), then the
                 own name of each hop; HOST or below, IP or network (where the next hop saw it, or its own), ? one, * any number
  -TERM          what TERM does not count
  terms with a blank between them must all hold

Where honest readers can differ (a From that is no address, a date without a zone, a Received field of no known form,
words inside markup) each message has a sure and a possible answer. If the two give different counts, the result is
[least, most] in place of one number; a right program lies between them.
"""

import email
import html.parser
import ipaddress
import json
import random
import re
import sys
import unicodedata
from datetime import datetime, timedelta, timezone
from email import header as email_header
from email import utils as email_utils
from pathlib import Path

MONTHS = {m: n + 1 for n, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
CLOCK = r"\d{1,2}:\d\d(?::\d\d)?"
ZONE = r"(?:[+-]\d{4}|[A-Z]{1,5})"
SEPARATOR = re.compile(
    rf"^From .*?{DAY},? (?:{MONTH} +\d{{1,2}} {CLOCK}(?: {ZONE}){{0,2}} \d{{4}}|\d{{1,2}} {MONTH} \d{{4}} {CLOCK})".encode()
)
# A file is mail when it starts with a separator or with a field that mail has.
FIELD = re.compile(rb"^(?:Return-Path|Received|Delivered-To|From|To|Date|Subject|Message-ID|X-[\w-]+|Reply-To|Sender|Mime-Version|Content-Type|Replied|Forwarded|Cc|References|Errors-To|Status|Envelope-to|Lines|Approved|Mailing-List|Precedence|List-[\w-]+)[ \t]*:", re.I)


# ---------------------------------------------------------------------------------------------- messages of a file


def messages(data):
    """The messages of a file: RFC 4155 with `^>+From ` un-quoted, or the whole file."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.startswith(b"From "):
        if FIELD.match(data):
            yield data
        return
    starts = [m.start() for m in re.finditer(rb"(?m)^From ", data)]
    good = []
    for at in starts:
        line = data[at : data.find(b"\n", at) + 1 or len(data)]
        blank_before = at == 0 or data[:at].endswith((b"\n\n", b"\r\n\r\n"))
        if at == 0 or (blank_before and SEPARATOR.match(line)):
            good.append((at, at + len(line)))
    for (at, start), end in zip(good, [g[0] for g in good[1:]] + [len(data)]):
        body = data[start:end]
        body = re.sub(rb"\r?\n\r?\n\Z", lambda m: m.group()[: len(m.group()) // 2], body)
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", body)


def fields(message):
    """(name, value) of the header block; values keep their folds."""
    out, head = [], re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    if message[:1] in b"\r\n":
        head = b""
    for line in re.split(rb"\r?\n", head):
        if line[:1] in (b" ", b"\t") and out:
            out[-1][1] += b"\n" + line
        elif b":" in line:
            name, value = line.split(b":", 1)
            out.append([name.strip().lower().decode("latin-1"), value])
    return out


# ---------------------------------------------------------------------------------------------- Received


def split_received(value):
    """The words and comments of a Received field before its date, as (kind, text)."""
    text = " ".join(value.decode("latin-1").split())
    out, depth, start, at = [], 0, 0, 0
    cut = len(text)
    for n, c in enumerate(text):
        depth += (c == "(") - (c == ")" and depth > 0)
        if c == ";" and depth == 0:
            cut = n
    if cut == len(text) and ";" in text:
        cut = text.rindex(";")
    text = text[:cut]
    while at < len(text):
        if text[at] == "(":
            depth, start = 0, at
            while at < len(text):
                depth += (text[at] == "(") - (text[at] == ")")
                at += 1
                if depth == 0:
                    break
            out.append(("comment", text[start + 1 : at - 1] if depth == 0 else text[start + 1 :]))
        elif text[at] == " ":
            at += 1
        else:
            word = re.match(r"[^ (]+", text[at:]).group()
            out.append(("word", word))
            at += len(word)
    return out, text


HOST = re.compile(r"(?i)(?<![\w.@%-])[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?(?![\w@%])")
IPV4 = re.compile(r"(?<![\d.\w-])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\d\w-]|\.\d)")
IPV6 = re.compile(r"(?i)(?<![\w:.])(?:IPv6:)?((?:[0-9a-f]{0,4}:){2,7}[0-9a-f.]{0,15})(?![\w:.])")


def host(word):
    """A host name, or nothing."""
    word = word.strip("[]<>,;\"").rstrip(".").lower()
    if not word or word in ("unknown", "unverified") or address(word) or not re.fullmatch(r"[a-z0-9_.-]+", word) or not re.search("[a-z0-9]", word):
        return None
    return word


def address(text):
    text = text.strip("[]").lower().removeprefix("ipv6:").split("%")[0]
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(ip, "ipv4_mapped", None)
    return mapped or ip


def addresses(text):
    found = [address(m) for m in IPV4.findall(text)] + [address(m) for m in IPV6.findall(text)]
    return {ip for ip in found if ip}


class Hop:
    """What one Received field says: names and addresses that every reader finds, and those that some may find."""

    def __init__(self, hosts, loose_hosts, ips, loose_ips, own, clients, peer, by_ips):
        self.hosts, self.loose_hosts, self.ips, self.loose_ips = hosts, loose_hosts, ips, loose_ips
        self.own, self.clients, self.peer, self.by_ips = own, clients, peer, by_ips


def hop(value):
    """One Received field."""
    tokens, whole = split_received(value)
    sure, sure_ips, part, after, peer_literal, peer_comment, by_ips = set(), set(), None, None, set(), set(), set()
    seen, own, clients = set(), set(), set()
    for kind, text in tokens:
        low = text.lower()
        if kind == "word":
            if after in ("from", "by"):
                if after == "from" and low == "mail" and "pickup service" in whole:
                    pass
                elif "@" not in text and (name := host(text)):
                    sure.add(name)
                    (own if after == "by" else clients).add(name)
                if ip := address(text):
                    (peer_literal if after == "from" else by_ips).add(ip)
                after = None
            elif after in ("with", "id", "for", "via"):
                after = None
            elif low in ("from", "by", "with", "id", "for", "via"):
                if low in seen and low in ("from", "by"):
                    part = after = None
                else:
                    part = after = low
                    seen.add(low)
            elif part == "from" and (ip := address(text)) and text.startswith("["):
                peer_comment.add(ip)
        elif part in ("from", "by"):
            after = None
            if re.match(r"(?:using |envelope-|authenticated|client |no client|qmail |postfix\b(?!@)|cipher|exim\b(?!@))", low):
                continue
            if m := re.match(r"(?i)(?:helo|ehlo|lhlo)[ =](\S+)", text):
                name = host(m.group(1))
                sure |= {name} if name else set()
                clients |= {name} if name and part == "from" else set()
                peer_comment |= addresses(text[m.end() :])
                continue
            if part == "from":
                for m in re.finditer(r"(?i)\bhelo=(\S+)", text):
                    name = host(m.group(1))
                    sure |= {name} if name else set()
                    clients |= {name} if name else set()
                if m := re.match(r"(?:[^@\s\[\]]*@)?([^\s\[\]@]+) ?\[", text):
                    name = host(m.group(1))
                    sure |= {name} if name else set()
                    clients |= {name} if name else set()
                bracketed = set()
                for m in re.finditer(r"\[([^\]]+)\]", text):
                    bracketed |= addresses(m.group(1)) | ({address(m.group(1))} - {None})
                peer_comment |= bracketed or addresses(re.sub(r"\(.*", "", text))
            elif re.fullmatch(r"\[?[0-9a-fA-F.:%]+\]?", text) and address(text):
                by_ips.add(address(text))
    peer = peer_comment if len(peer_comment) == 1 else peer_literal if not peer_comment and len(peer_literal) == 1 else set()
    # Whom a proxy speaks for is its claim, not the address that the server saw.
    sure_ips = by_ips if "proxying for" in whole.lower() else peer | by_ips
    possible = {m.group().rstrip(".").lower() for m in HOST.finditer(re.sub(r"[@=<>\[\]()/,;:]", " ", re.sub(r"(?i)\bfor <?[^\s>]+", " ", whole)))}
    # An address as the client's own name (HELO) is a claim, not the address that a server saw.
    claimed = peer_literal - peer_comment if peer_comment else set()
    return Hop(sure, possible | sure, sure_ips, addresses(whole) - claimed | sure_ips, own, clients, set() if "proxying for" in whole.lower() else peer, by_ips)


# ---------------------------------------------------------------------------------------------- dates


def date(value):
    """(whether every reader must find a date, all instants that some reader may give).

    As docs/anomalies.md says: no zone and zones without an agreed offset are read as UTC, AM and PM as on a
    twelve-hour clock. Of an offset that no place has (-1900), or with more text behind, either reading may be right.
    """
    text = " ".join(value.decode("latin-1").split())
    while re.search(r"\([^()]*\)", text):
        text = re.sub(r"\([^()]*\)", " ", text)
    loose = set()
    try:
        parsed = email_utils.parsedate_to_datetime(text)
        loose.add((parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).astimezone(timezone.utc))
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    m = re.match(rf"(?i)\s*(?:([A-Za-z]+)\.?,?\s*)?(\d{{1,2}})[ -]([A-Za-z]{{3}})[a-z]*[ -](\d{{2,4}})\s+(\d{{1,2}}):(\d\d)(?::(\d\d))?\s*([AP]M)?\s*([+-]\d{{4}}(?!\d)|[A-Za-z]+)?(.*)$", text)
    if not m or m.group(3).lower() not in MONTHS:
        m = re.match(r"\s*(\d{4})[/-](\d\d?)[/-](\d\d?)\s+(?:[A-Za-z]{3}\s+)?(\d\d?):(\d\d):(\d\d)", text)
        if m:
            try:
                near = datetime(*map(int, m.groups()), tzinfo=timezone.utc)
            except ValueError:
                return False, loose
            # A form of no standard: some read it, with the zone or without.
            loose |= {near + timedelta(hours=h) for h in (0, 4, 5, 6, 7, 8)}
        return False, loose
    _, day, month, year, hh, mm, ss, half, zone, rest = m.groups()
    full = int(year) if len(year) == 4 else 1900 + int(year) if len(year) == 3 or int(year) >= 50 else 2000 + int(year)
    hour = int(hh) if not half else int(hh) % 12 + (12 if half.upper() == "PM" else 0)
    try:
        local = datetime(full, MONTHS[month.lower()], int(day), hour, int(mm), 0, tzinfo=timezone.utc) + timedelta(seconds=int(ss or 0))
    except ValueError:
        return False, loose
    if full < 1900:
        # RFC 5322 section 3.3: "any numeric year 1900 or later".
        return False, loose | {local}
    named = {"ut": 0, "gmt": 0, "z": 0, "utc": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
    certain = not rest.strip() and not (half and int(hh) > 12)
    dated = not rest.startswith((":", ".")) and not (half and int(hh) > 12)
    if zone and zone[0] in "+-":
        offset = (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 60 + int(zone[3:]))
        when = local - timedelta(minutes=offset)
        odd = int(zone[3:]) > 59 or not -720 <= offset <= 840
        return dated, {when, local} if odd or not certain else {when}
    if zone and zone.lower() in named:
        when = local - timedelta(hours=named[zone.lower()])
        return dated, {when} if certain else {when, local}
    return dated, {local} if certain else loose | {local}


# ---------------------------------------------------------------------------------------------- words


def words(text):
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c) and c not in "\u00ad\u200b\u200c\u200d\u2060\ufeff")
    return " " + " ".join(re.findall(r"[^\W_]+", text)) + " "


class Page(html.parser.HTMLParser):
    INLINE = set("a abbr acronym b big cite code em font i img ins kbd q s samp small span strike strong sub sup tt u var wbr o:p nobr del bdo".split())

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out, self.dead = [], 0

    def handle_starttag(self, tag, attrs):
        self.dead += tag in ("script", "style")
        self.out.append("" if tag in self.INLINE else "\n")

    def handle_endtag(self, tag):
        self.dead -= tag in ("script", "style") and self.dead > 0
        self.out.append("" if tag in self.INLINE else "\n")

    def handle_data(self, data):
        if not self.dead:
            self.out.append(data)


def page(text):
    reader = Page()
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError):
        return re.sub(r"<[^>]*>", " ", text)
    return "".join(reader.out)


def decoded(raw, charset):
    for name in (charset or "utf-8", "utf-8", "latin-1"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError):
            pass
    return raw.decode("latin-1")


def subject(value):
    text = value.decode("latin-1").replace("\n", "")
    try:
        return "".join(decoded(p, c if c not in ("unknown-8bit", None) else "latin-1") if isinstance(p, bytes) else p for p, c in email_header.decode_header(text))
    except (email.errors.HeaderParseError, ValueError):
        return text


def texts(raw, heads):
    """(stretches that are surely text of the message, everything else that might be taken for it)."""
    sure = [subject(v) for n, v in heads if n == "subject"]
    loose = [v.decode("latin-1") for _, v in heads] + [raw.decode("latin-1"), re.sub("(?s)<[^>]*>", "", raw.decode("latin-1")), re.sub("(?s)<[^>]*>", " ", raw.decode("latin-1"))]
    stack = [email.message_from_bytes(raw)]
    while stack:
        part = stack.pop()
        around = [t for t in (part.preamble, part.epilogue) if t]
        sure += around
        loose += around
        if part.is_multipart():
            if part.get_content_type() != "message/rfc822":
                stack += part.get_payload()
            continue
        if part.get_content_maintype() not in ("text", "multipart"):
            continue
        body = part.get_payload(decode=True) or b""
        charset = part.get_content_charset()
        text = decoded(body, charset)
        loose += [text, re.sub("(?s)<[^>]*>", "", text), re.sub("(?s)<[^>]*>", " ", text)]
        clean = not part.defects and str(part.get("content-transfer-encoding", "7bit")).strip().lower() in ("7bit", "8bit", "binary", "base64", "quoted-printable")
        if part.get_content_type() == "text/html":
            text = page(text)
            loose.append(text)
        if clean and part.get_content_maintype() == "text":
            sure.append(text)
    return [words(t) for t in sure], [words(t) for t in sure + loose]


# ---------------------------------------------------------------------------------------------- queries


class Message:
    def __init__(self, raw):
        self.raw, heads = raw, fields(raw)
        self.heads = heads
        froms = [v.decode("latin-1") for n, v in heads if n == "from"]
        plain = [f for f in froms if "=?" not in f]
        self.sure_from = {a.lower() for _, a in email_utils.getaddresses([" ".join(f.split()) for f in froms]) if re.fullmatch(r"[^\s@]+@[^\s@]+", a)}
        self.loose_from = " ".join(froms).lower()
        if len(plain) != len(froms) and not self.sure_from:
            self.sure_from = set()
        dates = [date(v) for n, v in heads if n == "date"]
        self.dated, self.dates = dates[0] if dates else (False, set())
        self.hops = [hop(value) for name, value in heads if name == "received"]
        union = lambda name: set().union(*(getattr(h, name) for h in self.hops))
        self.hosts, self.loose_hosts, self.ips, self.loose_ips = map(union, ("hosts", "loose_hosts", "ips", "loose_ips"))
        self.words = None

    def text(self):
        if self.words is None:
            self.words = texts(self.raw, self.heads)
        return self.words


def span(text):
    def moment(text):
        parts = [int(p) for p in text.split("-")]
        start = datetime(parts[0], *(parts[1:] + [1, 1])[:2], tzinfo=timezone.utc)
        if len(parts) == 1:
            end = start.replace(year=start.year + 1)
        elif len(parts) == 2:
            end = (start + timedelta(days=32)).replace(day=1)
        else:
            end = start + timedelta(days=1)
        return start, end

    if text.startswith(">="):
        return moment(text[2:])[0], datetime.max.replace(tzinfo=timezone.utc)
    if text.startswith("<"):
        return datetime.min.replace(tzinfo=timezone.utc), moment(text[1:])[0]
    if ".." in text:
        a, b = text.split("..")
        first = moment(a)[0] if a else datetime.min.replace(tzinfo=timezone.utc)
        last = moment(b.strip("<"))[0 if b.startswith("<") else 1] if b else datetime.max.replace(tzinfo=timezone.utc)
        return first, last
    return moment(text)


def network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_below(name, names):
    return any(h == name or h.endswith("." + name) for h in names)


def is_in(net, ips):
    return any(ip.version == net.version and ip in net for ip in ips)


def of_hop(text):
    """(sure test, possible test) of one condition on a hop."""
    if text.startswith("-"):
        sure, possible = of_hop(text[1:])
        return (lambda h: not possible(h)), (lambda h: not sure(h))
    name, _, value = text.lower().rpartition(":")
    if name == "by":
        return (lambda h: is_below(value, h.own)), (lambda h: is_below(value, h.own or h.loose_hosts))
    if name == "ip" and (net := network(value)):
        return (lambda h: is_in(net, h.peer)), (lambda h: is_in(net, h.peer or h.loose_ips))
    if not name:
        return (lambda h: is_below(value, h.hosts)), (lambda h: is_below(value, h.loose_hosts))
    raise SystemExit(f"cannot count {text!r}")


def in_group(text):
    place, inner = re.fullmatch(r"hop(?:\[(-?\d+)\])?\{(.*)\}", text).groups()
    tests = [of_hop(t) for t in inner.split()]

    def any_hop(message, which):
        hops = message.hops
        if place is not None:
            at = int(place)
            hops = [hops[at]] if -len(hops) <= at < len(hops) else []
        return any(all(test[which](h) for test in tests) for h in hops)

    return (lambda m: any_hop(m, 0)), (lambda m: any_hop(m, 1))


def on_way(text):
    stops = [s.strip().lower() for s in text.removeprefix('path:"').removesuffix('"').split("->")]

    def fits(way, stops, which):
        if not stops:
            return not way
        if stops[0] == "*":
            return any(fits(way[n:], stops[1:], which) for n in range(len(way) + 1))
        if not way:
            return False
        names, ips = way[0][which]
        net = network(stops[0])
        here = stops[0] == "?" or (is_in(net, ips) if net else is_below(stops[0], names))
        return here and fits(way[1:], stops[1:], which)

    def walk(message, which):
        if not message.hops:
            return False
        hops = message.hops[::-1]
        way = [((hops[0].clients, hops[0].peer), (hops[0].loose_hosts, hops[0].peer or hops[0].loose_ips))]
        for n, h in enumerate(hops):
            newer = hops[n + 1] if n + 1 < len(hops) else None
            peer, loose = (newer.peer, newer.peer or newer.loose_ips) if newer else (set(), set())
            way.append(((h.own, h.by_ips | peer), (h.own or h.loose_hosts, h.loose_ips | loose)))
        return fits(way, stops, which)

    return (lambda m: walk(m, 0)), (lambda m: walk(m, 1))


def number_of_hops(value):
    if ".." in value:
        a, b = value.split("..")
        return lambda n: int(a or 0) <= n <= int(b or 1 << 30)
    if value[0] in "<>":
        return lambda n: n > int(value[1:]) if value[0] == ">" else n < int(value[1:])
    return lambda n: n == int(value)


def term(text):
    """(sure test, possible test) of one term."""
    if text.startswith("-"):
        sure, possible = term(text[1:])
        return (lambda m: not possible(m)), (lambda m: not sure(m))
    if text.startswith(("hop{", "hop[")):
        return in_group(text)
    if text.startswith("path:"):
        return on_way(text)
    if text.startswith("hops:"):
        holds = number_of_hops(text.removeprefix("hops:"))
        return (lambda m: holds(len(m.hops))), (lambda m: holds(len(m.hops)))
    if text.startswith('"'):
        want = words(text.strip('"'))
        return (lambda m: any(want in t for t in m.text()[0])), (lambda m: any(want in t for t in m.text()[1]))
    name, _, value = text.partition(":")
    value = value.lower()
    if name == "from":
        return (lambda m: value in m.sure_from), (lambda m: value in m.sure_from or value in m.loose_from)
    if name == "date":
        a, b = span(value)
        return (lambda m: m.dated and all(a <= d < b for d in m.dates)), (lambda m: any(a <= d < b for d in m.dates))
    if name == "hop":
        if net := network(value):
            return (lambda m: is_in(net, m.ips)), (lambda m: is_in(net, m.loose_ips))
        return (lambda m: is_below(value, m.hosts)), (lambda m: is_below(value, m.loose_hosts))
    raise SystemExit(f"cannot count {text!r}")


def random_queries(found, count, seed):
    """Queries made of what messages hold: senders, hosts, addresses, networks, dates, numbers of hops, phrases, and sets of them."""
    dice = random.Random(seed)
    pool = lambda values: sorted(set(values))
    senders = pool(a for m in found for a in m.sure_from)
    hosts = pool(h for m in found for h in m.hosts)
    ips = pool(str(ip) for m in found for ip in m.ips if ip.version == 4)
    days = pool(d.strftime("%Y-%m-%d") for m in found if m.dated for d in m.dates if 1990 < d.year < 2010)

    def date_query():
        a, b = sorted((dice.choice(days), dice.choice(days)))
        cut = dice.choice((4, 7, 10))
        return "date:" + dice.choice((a[:cut], f"{a[:cut]}..{b[:cut]}", f"{a}..{b}", f"{a}..", f"..{b[:cut]}", f">={a[:cut]}", f"<{b[:cut]}", f"{a}..<{b}" if a < b else a))

    def host_query():
        labels = dice.choice(hosts).split(".")
        return "hop:" + ".".join(labels[dice.randrange(len(labels)) if len(labels) > 1 and dice.random() < 0.5 else 0 :])

    def net_query():
        bits = dice.choice((32, 32, 24, 16, 12, 8))
        net = ipaddress.ip_network(f"{dice.choice(ips)}/{bits}", strict=False)
        return f"hop:{net.network_address}" if bits == 32 else f"hop:{net}"

    def phrase_query():
        for _ in range(50):
            all_words = [w for t in dice.choice(found).text()[0][:2] for w in t.strip().split()]
            at = dice.randrange(max(1, len(all_words) - 3))
            chosen = all_words[at : at + dice.randrange(2, 4)]
            if len(chosen) > 1 and all(re.fullmatch("[a-z]{2,20}", w) for w in chosen):
                return '"' + " ".join(chosen) + '"'
        return "hops:1"

    def hops_query():
        n = dice.randrange(12)
        return "hops:" + dice.choice((str(n), f">{n}", f"<{n + 1}", f"{n}..{n + dice.randrange(5)}"))

    kinds = [lambda: "from:" + dice.choice(senders), host_query, net_query, date_query, phrase_query, hops_query]
    out = []
    while len(out) < count:
        terms = []
        for n in range(dice.choice((1, 1, 2, 2, 3))):
            one = dice.choice(kinds)()
            terms.append("-" + one if n and dice.random() < 0.3 and not one.startswith('"') else one)
        query = " ".join(terms)
        if query not in out:
            out.append(query)
    return out


def main():
    argv = sys.argv[1:]
    wanted, seed = 0, 0
    if "--random" in argv:
        at = argv.index("--random")
        wanted, seed = int(argv[at + 1]), int(argv[at + 2])
        del argv[at : at + 3]
    root = Path(argv[0])
    lines = Path(argv[1] if len(argv) > 1 else Path(__file__).with_name("queries.txt")).read_text("utf-8").splitlines()
    queries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = [Message(raw) for file in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()) for raw in messages(file.read_bytes())]
    queries += [q for q in random_queries(found, wanted, seed) if q not in queries] if wanted else []
    tests = [[term(t) for t in re.findall(r'hop(?:\[-?\d+\])?\{[^}]*\}|path:"[^"]*"|"[^"]*"|\S+', q)] for q in queries]
    least, most, total = [0] * len(queries), [0] * len(queries), len(found)
    for message in found:
        for n, terms in enumerate(tests):
            if all(possible(message) for _, possible in terms):
                most[n] += 1
                least[n] += all(sure(message) for sure, _ in terms)
    out = {"": total} | {q: a if a == b else [a, b] for q, a, b in zip(queries, least, most)}
    print(json.dumps(out, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
