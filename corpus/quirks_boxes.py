"""The quirks of containers: mbox in all its forms, files with a few foreign bytes, and what is no mail at all."""

from make_quirks import *

SEP = "From ada@example.org Thu Nov 20 08:15:04 2025\n"


def message(n, body="Text.\n", extra=""):
    return f"From: Ada <ada@example.org>\nSubject: Number {n}\nMessage-ID: <n{n}@example.org>\nDate: Thu, 20 Nov 2025 08:15:04 +0000\n{extra}\n{body}"


def facts(n, **more):
    return {"message_id": f"<n{n}@example.org>", "subject": f"Number {n}"} | more


def mbox(name, shows, pieces, source="RFC 4155", container=(), **more):
    """Pieces: bytes or text of a gap ("preamble"/"gap"), or (separator, message, terminator, dict) of an item."""
    data, items, gaps = b"", [], []
    for piece in pieces:
        if isinstance(piece, tuple):
            separator, body, terminator, answer = (x.encode("latin-1") if isinstance(x, str) else x for x in piece)
            start = len(data) + len(separator)
            data += separator + body + terminator
            where = {"separator": [start - len(separator), start], "terminator": [start + len(body), len(data)]}
            items.append((start, start + len(body), where | answer))
        else:
            kind, body = ("preamble" if not items else "gap"), piece.encode("latin-1") if isinstance(piece, str) else piece
            gaps.append({"kind": kind, "start": len(data), "end": len(data) + len(body)})
            data += body
    answer = {"kind": "mbox", "items": [item(data, a, b, **w) for a, b, w in items]}
    if gaps:
        answer["gaps"] = gaps
    if container:
        answer["anomalies"] = list(container)
    put(f"mbox/{name}.mbox", data, shows, source, answer | more)


def one(n=1, body="Text.\n", sep=SEP, tail="\n", extra="", **more):
    return (sep, message(n, body, extra), tail, {"facts": facts(n)} | more)


def boxes():
    mbox("two", "Two messages; the empty line before the next belongs to the container.", [one(1), one(2)], clean=True)
    crlf = lambda piece: (piece[0].replace("\n", "\r\n"), piece[1].replace("\n", "\r\n"), "\r\n", piece[3])
    mbox("crlf", "The same with CRLF.", [crlf(one(1)), crlf(one(2))])
    mbox("no-final-blank", "The last message lacks the empty line.", [one(1), one(2, tail="", notes=["message-unterminated"])])
    mbox("no-final-newline", "The last line lacks its end.", [one(1), one(2, body="Text.", tail="", notes=["message-unterminated"])])
    mbox("bom", "A byte order mark before the first separator.", [b"\xef\xbb\xbf", one(1), one(2)], "RFC 3629 section 6", ["byte-order-mark"])
    mbox("preamble", "Foreign bytes before the first separator are a range of their own.", ["this is not mail\nat all\n\n", one(1)], anomalies_any=[["separator-missing"]])
    mbox("no-separator-first", "A mailbox that lost its first separator: fields first, then a separator and another message.", [("", message(1), "\n", {"facts": facts(1)}), one(2)], anomalies_any=[["separator-missing"]])
    mbox("mboxo", "One `>From `: nobody can tell whether it was written so.", [one(1, "Hello.\n>From here on it is quoted.\n", rule="mboxrd", lines=1, notes=["from-quoting-ambiguous"]), one(2)], "qmail mbox(5)")
    mbox("mboxrd", "`>From ` and `>>From `: one `>` is taken off each for the message, none from the stored bytes.", [one(1, ">From one\n>>From two\n > From three\n>Fromage\n", rule="mboxrd", lines=2)], "qmail mbox(5)")
    mbox("suspect-from", "After an empty line a line starts with `From `, but no date follows: text.", [one(1, "Hello.\n\nFrom here on it is text.\n\nBye.\n", notes=["suspect-from"])])
    mbox("from-without-blank", "A full separator line without an empty line before it and without header fields behind it: text.", [one(1, "Hello.\n" + SEP + "Bye.\n", notes=["from-without-blank"])])
    mbox("git-patch", "A patch quotes a separator of git: the date is that of git, and it splits as the rules say.", [("From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n", message(1), "\n", {"facts": facts(1)}), one(2)])
    mbox("long-line", "A line of 100,000 bytes.", [one(1, "x" * 100_000 + "\n"), one(2)])
    mbox("empty-item", "A separator with nothing behind it.", [one(1), (SEP, "", "\n", {"notes": ["empty-item"]}), one(3)])
    mbox("nul-tail", "NUL bytes at the end, as a crashed file system leaves them.", [one(1), one(2, body="Text.\n\n" + "\0" * 64, tail="", notes=["message-unterminated"])])
    mbox("mixed-line-ends", "LF and CRLF in one message.", [one(1, "one\r\ntwo\nthree\r\n", notes=["mixed-line-ends"])], "RFC 5322 section 2.1")
    mbox("cut-in-base64", "The file ends inside base64.", [one(1, "SGVsbG8sIHRoaXMgaXMgY3V", tail="", extra="MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n", notes=["message-unterminated"])])
    mbox("five-copies", "Five identical messages are five items with one content.", [one(1) for _ in range(5)], "threat E12")
    mbox("one-id-three-bodies", "One Message-ID on three different messages: three items.", [one(1, f"Body {n}.\n") for n in range(3)], "threat E12")
    cycle = lambda n, to: one(n, extra=f"In-Reply-To: <n{to}@example.org>\nReferences: <n{to}@example.org>\n")
    mbox("reply-cycle", "1 answers 2, 2 answers 3, 3 answers 1.", [cycle(1, 2), cycle(2, 3), cycle(3, 1)], "threat E12")
    state = {"facts": {"state_contains": ["expunged"]}}
    mbox("mozilla-expunged", "Deleted in Thunderbird, but its bytes are still there.", [("From - Thu Nov 20 08:15:04 2025\n", "X-Mozilla-Status: 0009\nX-Mozilla-Status2: 00000000\n" + message(1), "\n", state), ("From - Thu Nov 20 08:15:05 2025\n", "X-Mozilla-Status: 0001\n" + message(2), "\n", {"facts": facts(2)})], "X-Mozilla-Status bit 0x0008", ["expunged"])
    internal = "Date: 20 Nov 2025 08:15:04 +0000\nFrom: Mail System Internal Data <MAILER-DAEMON@example.net>\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nMessage-ID: <1763626504@example.net>\nX-IMAP: 1763626504 0000000001\nStatus: RO\n\nThis text is part of the internal format of your mail folder, and is not\na real message.\n"
    mbox("folder-internal-data", "The pseudo message in which UW programs keep their state.", [("From MAILER-DAEMON Thu Nov 20 08:15:04 2025\n", internal, "\n", {}), one(1)], "UW imap practice", ["folder-internal-data"])
    mbox("header-missing", "A separator, an empty line, text: a message without any header.", [(SEP, "\nonly text\n", "\n", {"facts": {"anomalies": ["header-missing"], "words": ["only"]}})], "RFC 5322 section 2.2")


def separators():
    for name, line, shows in [
        ("asctime", "From ada@example.org Thu Nov 20 08:15:04 2025\n", "The common form."),
        ("no-seconds", "From ada@example.org Thu Nov 20 08:15 2025\n", "Without seconds."),
        ("zone-before", "From ada@example.org Thu Nov 20 08:15:04 +0000 2025\n", "A zone before the year, as Takeout writes it."),
        ("zone-after", "From ada@example.org Thu Nov 20 08:15:04 2025 +0100\n", "A zone after the year."),
        ("zone-named", "From ada@example.org Thu Nov 20 08:15:04 CET 2025\n", "A named zone."),
        ("takeout", "From 1849216372849216372@xxx Thu Nov 20 08:15:04 +0000 2025\n", "Google Takeout."),
        ("thunderbird", "From - Thu Nov 20 08:15:04 2025\n", "Thunderbird."),
        ("eudora", "From ???@??? Thu Nov 20 08:15:04 2025\n", "Eudora."),
        ("daemon", "From MAILER-DAEMON Thu Nov 20 08:15:04 2025\n", "A bounce."),
        ("uucp", "From ada Thu Nov 20 08:15:04 2025 remote from relay\n", "UUCP."),
        ("pipermail", "From ada at example.org  Thu Nov 20 08:15:04 2025\n", "Pipermail hides the @."),
        ("quoted-sender", "From \"ada ek\"@example.org Thu Nov  6 08:15:04 2025\n", "A quoted sender and a day of one digit."),
        ("rfc822-date", "From ada@example.org Thu, 20 Nov 2025 08:15:04\n", "The date of a mail."),
        ("pine", "From ada@example.org Thu Nov 20 08:15:04 2025 -0800\n", "Pine."),
    ]:
        mbox("sep-" + name, shows + " The separator of the second message.", [one(1), one(2, sep=line)], "RFC 4155 and practice")


def inferred():
    told = ["separator-inferred"]
    for name, line, shows in [
        ("dash-alone", "From - \n", "Exported without a date."),
        ("nothing", "From \n", "Neither sender nor date."),
        ("address-alone", "From ada@example.org\n", "An address and no date."),
        ("google-id-alone", "From 1849216372849216372@xxx\n", "An id of Google and no date."),
        ("question-marks-alone", "From ???@???\n", "Eudora without a date."),
        ("year-before-time", "From ada@example.org Thu Nov 20 2025 08:15:04\n", "ImportExportTools NG 14.0: the year before the time."),
        ("zero-date", "From ada@example.org Mon Jan 00 00:00:00 0000\n", "A date that was never set."),
        ("java-zone", "From ada@example.org Thu Nov 20 08:15:04 GMT+02:00 2025\n", "A zone as Java writes it."),
        ("iso-date", "From ada@example.org 2025-11-20 08:15:04\n", "A date in the form of ISO 8601."),
    ]:
        mbox("sep-" + name, shows + " The separator of the second message.", [one(1), one(2, sep=line, notes=told)], "RFC 4155 and practice")
    mbox("sep-no-blank", "A dated separator and header fields, without an empty line before them.", [one(1, tail=""), one(2, sep="From ada at example.org  Thu Nov 20 08:15:04 2025\n", notes=told)])
    mbox("sep-dash-first", "Every separator is without a date, the first one too.", [one(n, sep="From - \n", notes=told) for n in (1, 2)])
    fields = "Date: Thu, 20 Nov 2025 08:15:04 +0000\nSubject: Number 9\n"
    text = "From the desk of Ada Ek\n" + fields
    mbox("sentence-and-fields", "Words without a date are a sentence, also before lines that look like header fields.", [one(1, "Hello.\n\n" + text, notes=["suspect-from"])])
    shown = "---- Original Message ----\n\nFrom ada@example.org\n" + fields
    mbox("sender-announced", "A sender alone and header fields, announced as a forwarded message: text.", [one(1, "Hello.\n\n" + shown, notes=["separator-in-message"])])
    patch = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n" + fields
    mbox("patch-no-blank", "A git patch in a message, without an empty line before it: text.", [one(1, "Hello.\n" + patch, notes=["from-without-blank"])])


def lengths():
    inside = "Hello.\n\n" + SEP + "\nstill the first.\n"
    length = f"Content-Length: {len(inside)}\n"
    either = [["content-length-believed", "content-length-ambiguous"]]
    mbox("cl-covers-separator", "Content-Length ends exactly before the next separator, and covers a line that looks like one.", [one(1, inside, extra=length, notes_any=either), one(2, extra="Content-Length: 6\n")], "mboxcl2 (qmail mbox(5))")
    quoted = inside + ">From is as it was written\n"
    mbox("cl2-keeps-quotes", "Where Content-Length is believed and nothing else was quoted, `>From ` is the writer's own.", [one(1, quoted, extra=f"Content-Length: {len(quoted)}\n", notes_any=either), one(2)], "mboxcl2 (qmail mbox(5))")
    mbox("cl-right", "Content-Length agrees with the separators.", [one(1, extra="Content-Length: 6\n"), one(2, extra="Content-Length: 6\n")], "mboxcl2 (qmail mbox(5))")
    mbox("cl-at-end", "Content-Length ends at the end of the file.", [one(1, inside, extra=length, notes_any=either)], "mboxcl2 (qmail mbox(5))")
    mbox("cl-wrong", "Content-Length ends in the middle of nowhere.", [one(1, extra="Content-Length: 3\n", notes=["content-length-wrong"]), one(2)], "mboxcl2 (qmail mbox(5))")
    mbox("cl-too-long", "Content-Length ends past the end of the file.", [one(1, extra="Content-Length: 99999\n", notes=["content-length-wrong"]), one(2)], "mboxcl2 (qmail mbox(5))")
    for name, value in [("negative", "-5"), ("text", "six"), ("huge", "1" + "0" * 24), ("empty", "")]:
        mbox("cl-" + name, f"Content-Length: {value or 'nothing'}.", [one(1, extra=f"Content-Length: {value}\n", notes=["content-length-invalid"]), one(2)], "mboxcl2 (qmail mbox(5))")
    mbox("cl-zero", "Content-Length 0 before a body: it does not end on a separator.", [one(1, extra="Content-Length: 0\n", notes=["content-length-wrong"]), one(2)], "mboxcl2 (qmail mbox(5))")


def files():
    def single(name, front, body, shows, source, back=b"", kind="eml", **more):
        front, body = (x.encode("latin-1") if isinstance(x, str) else x for x in (front, body))
        answer = {"kind": kind} if kind else {}
        extra = {"separator": [0, len(front)]}
        if back:
            extra["terminator"] = [len(front) + len(body), len(front) + len(body) + len(back)]
        put(f"mail/{name}.eml", front + body + back, shows, source, answer | {"items": [item(front + body + back, len(front), len(front) + len(body), **extra)], "facts": facts(1)} | more)

    single("file-bom", b"", "\xef\xbb\xbf" + message(1), "A byte order mark before the first field belongs to the file that is the message; the field is read.", "RFC 3629 section 6", anomalies=["byte-order-mark"])
    single("file-from-line", SEP, message(1), "A file of one message that starts with a separator.", "RFC 4155", back=b"\n", kind=None)
    single("file-crlf-8bit", b"", message(1, "caf\xe9\x80\xff\n").replace("\n", "\r\n"), "CRLF and bytes of no charset.", "RFC 5322")
    single("file-git-patch-in-body", b"", message(1, "Hello.\n\nFrom 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: Eve <eve@example.com>\nDate: Thu, 20 Nov 2025 08:15:04 +0000\nSubject: [PATCH] fix\n\n---\n"), "A file that begins with a field is one message; the separator of git in its body is text.", "RFC 5322", anomalies=["separator-in-message"])
    single("file-trailing-nul", b"", message(1) + "\0" * 16, "NUL bytes at the end of a file belong to the message.", "RFC 5322")

    def other(name, data, reason, shows, kind="other", **more):
        put(f"other/{name}.bin", data, shows, more.pop("source", "threat E15"), {"kind": kind, "items": [], "reason": reason, "size": len(data), "sha256": sha256(data)} | more)

    other("empty", b"", "empty", "A file of no bytes.")
    other("random", Rng(7).bytes(512), "not-mail", "Random bytes.")
    other("one-byte-often", b"A" * 5000, "not-mail", "One byte, 5,000 times.")
    other("json", b'{"From": "ada@example.org", "Subject": "not mail"}\n', "not-mail", "JSON with names of mail fields.")
    other("csv", b"From,To,Subject\nada@example.org,bob@example.net,Hello\n", "not-mail", "A table of mail is no mail.")
    other("prose", b"Note: this is a note.\n\nIt has one line that looks like a field.\n", "not-mail", "A note with one `Word: text` line.")
    other("log", b"Nov 20 08:15:04 mx postfix/smtpd[1]: connect from a.example.org[192.0.2.1]\n" * 3, "not-mail", "A mail log.")
    other("script", b"#!/bin/sh\n# From: nobody\necho Subject: x\n", "not-mail", "A shell script.")
    other("pst", b"!BDN\0\0\0\0SM\x17\0\x13\0" + bytes(500), "unsupported-pst", "The start of an Outlook PST file.")
    other("msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "unsupported-msg", "The start of an OLE file, as Outlook saves messages.")
    other("tnef", b"\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00\xff\xff\xff\x7f" + bytes(30), "unsupported-tnef", "winmail.dat with a lying length.")
    other("dbx", b"\xcf\xad\x12\xfe\xc5\xfd\x74\x6f\x66\xe3\xd1\x11\x9a\x4e\x00\xc0\x4f\xa3\x09\xd4" + bytes(200), "unsupported-dbx", "The start of an Outlook Express file.")
    body = message(1).encode()
    plist = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0"><dict><key>flags</key><integer>1</integer></dict></plist>\n'
    other("emlx", b"%-10d\n" % len(body) + body + plist, "unsupported-emlx", "An Apple Mail file: a count, a message, a property list.")
    other("utf16", message(1).encode("utf-16"), "unsupported-utf16", "A message in UTF-16.")
    other("cr-only", (SEP + message(1) + "\n" + SEP + message(2)).replace("\n", "\r").encode(), "unsupported-cr", "A mailbox whose lines end in CR alone.", source="threat E11")
    first, second = message(1).encode(), message(2).encode()
    mark = b"\x01\x01\x01\x01\n"
    data = mark + first + mark + mark + second + mark
    a, b = len(mark), len(mark) * 3 + len(first)
    around = lambda start, end, n: item(data, start, end, separator=[start - 5, start], terminator=[end, end + 5], facts=facts(n))
    put("other/mmdf.bin", data, "Two messages between lines of four 0x01.", "MMDF", {"kind": "mmdf", "items": [around(a, a + len(first), 1), around(b, b + len(second), 2)]})


def folders():
    """Whole folders: `files` says for each path what it is and holds."""
    def folder(name, shows, source, content, **more):
        files = {}
        for path, (kind, data, facts_there) in content.items():
            here = {"kind": kind, "items": [item(data, 0, len(data))] if kind in ("maildir", "mh", "eml") else []}
            files[path] = here | facts_there
        put(f"maildir/{name}", {path: data for path, (_, data, _) in content.items()}, shows, source, {"kind": "folder", "files": files} | more)

    def letter(n, **more):
        data = message(n).encode()
        return data, {"facts": facts(n)} | more

    a, b, c = (letter(n) for n in (1, 2, 3))
    size = len(a[0])
    lines = a[0].count(b"\n")
    folder("states", "cur, new and tmp: read, new, and never delivered.", "Maildir", {
        f"cur/1763626504.M1P1.mail,S={size},W={size + lines}:2,RS": ("maildir", a[0], {"facts": facts(1, not_anomalies=["size-in-name-differs"])}),
        "new/1763626505.M2P2.mail": ("maildir", b[0], {"facts": facts(2)}),
        "tmp/1763626506.M3P3.mail": ("maildir", c[0], {"facts": facts(3), "notes": ["undelivered"]}),
    })
    folder("size-differs", "The size in the name is not that of the file.", "Dovecot Maildir `S=`", {f"cur/1763626504.M1P1.mail,S={size + 5}:2,S": ("maildir", a[0], {"facts": facts(1), "notes": ["size-in-name-differs"]})})
    folder("separators", "`;` and `!` in place of `:` before the flags.", "Maildir on Windows", {
        "cur/1763626504.M1P1.mail;2,S": ("maildir", a[0], {"facts": facts(1)}),
        "cur/1763626505.M2P2.mail!2,F": ("maildir", b[0], {"facts": facts(2)}),
    })
    folder("uidlist", "dovecot-uidlist gives each message its number; the state files are listed, not items.", "Dovecot", {
        "cur/1763626504.M1P1.mail:2,S": ("maildir", a[0], {"facts": facts(1), "uid": 7}),
        "cur/1763626505.M2P2.mail:2,": ("maildir", b[0], {"facts": facts(2), "uid": 5}),
        "cur/1763626506.M3P3.mail:2,": ("maildir", c[0], {"facts": facts(3), "uid": None}),
        "dovecot-uidlist": ("other", b"3 V1763626500 N8 G0123456789abcdef0123456789abcdef\n5 :1763626505.M2P2.mail\n7 :1763626504.M1P1.mail\n", {"reason": "mailbox-state"}),
    })
    folder("maildir++", "Subfolders with a dot before their names.", "Maildir++", {
        "cur/1763626504.M1P1.mail:2,S": ("maildir", a[0], {"facts": facts(1)}),
        ".Sent/cur/1763626505.M2P2.mail:2,S": ("maildir", b[0], {"facts": facts(2)}),
        ".Sent/maildirfolder": ("other", b"", {}),
        ".Entw&APw-rfe.Alt/cur/1763626506.M3P3.mail:2,": ("maildir", c[0], {"facts": facts(3)}),
    })
    folder("mh", "An MH folder: one message a file, numbers for names.", "MH", {
        "1": ("mh", a[0], {"facts": facts(1)}), "2": ("mh", b[0], {"facts": facts(2)}), "10": ("mh", c[0], {"facts": facts(3)}),
        ".mh_sequences": ("other", b"cur: 2\nunseen: 10\n", {}),
    })


def add():
    folders()
    boxes()
    separators()
    inferred()
    lengths()
    files()
