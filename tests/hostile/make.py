#!/usr/bin/env python3
"""Writes the inputs that kill mail software: deep, wide, endless, exploding, lying, and things that are no files.

    make.py DIR [--big] [NAME ...]     all of them, or those named; --big also the sparse giants (they take no disk space)

The same bytes on every machine. Each row of TABLE is one input: what it is, what an import must do with it, and the
figures a test can hold on to. `make.py --list` prints the table as JSON. Python's standard library only.
"""

import base64
import bz2
import gzip
import hashlib
import io
import json
import os
import socket
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

SEP = b"From ada@example.org Thu Nov 20 08:15:04 2025\n"
HEAD = b"From: Ada <ada@example.org>\nTo: bob@example.net\nSubject: %s\nDate: Thu, 20 Nov 2025 08:15:04 +0000\nMessage-ID: <%s@example.org>\n"
TABLE = []


def hostile(name, what, **must):
    """One input. `must`: items, children, anomalies (at least these), seconds (at most), reason, entry ..; `big` is only made on demand."""

    def note(function):
        TABLE.append((name, what, must, function))
        return function

    return note


def head(name, extra=b"", end=b"\n"):
    return HEAD % (name, name) + extra + end


def noise(n, seed=b"mailtrail"):
    """Bytes that do not compress."""
    out = b""
    while len(out) < n:
        seed = hashlib.sha512(seed).digest()
        out += seed
    return out[:n]


# ------------------------------------------------------------------------------------------- deep


@hostile("rfc822-chain-32700.eml", "message/rfc822 in message/rfc822, 32,700 levels, nothing encoded: kills parsers that recurse or drop recursively", items=1, anomalies=["depth-limit"], seconds=5)
def rfc822_chain(path):
    path.write_bytes(head(b"chain", end=b"") + b"Content-Type:message/rfc822\n\n" * 32_700 + b"Subject: innermost\n\nfindme\n")


@hostile("rfc822-chain-131000.eml", "the same with 131,000 levels", items=1, anomalies=["depth-limit"], seconds=10)
def rfc822_chain_long(path):
    path.write_bytes(head(b"chain2", end=b"") + b"Content-Type:message/rfc822\n\n" * 131_000 + b"Subject: innermost\n\nfindme\n")


@hostile("multipart-1000-deep.eml", "multiparts in each other, 1,000 levels, each closed", items=1, anomalies=["depth-limit"], words=["findme"], seconds=5)
def multipart_deep(path):
    n = 1000
    out = [head(b"deep", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b0\n")]
    out += [b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (i, i + 1) for i in range(n)]
    out += [b"--b%d\nContent-Type: text/plain\n\nfindme\n--b%d--\n" % (n, n)]
    out += [b"--b%d--\n" % i for i in reversed(range(n))]
    path.write_bytes(b"".join(out))


@hostile("alternating-2000-deep.eml", "multipart and message/rfc822 by turns, 2,000 levels", items=1, anomalies=["depth-limit"], seconds=5)
def alternating(path):
    out = [head(b"turns", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=t0\n")]
    for i in range(1000):
        out.append(b"--t%d\nContent-Type: message/rfc822\n\nSubject: level %d\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=t%d\n\n" % (i, i, i + 1))
    path.write_bytes(b"".join(out) + b"--t1000\n\nfindme\n")


@hostile("base64-message-6-deep.eml", "a message in base64 in a message in base64, six levels: the word inside must be found", items=1, children=6, words=["findme"])
def base64_deep(path):
    inner = b"Subject: innermost\n\nfindme\n"
    for level in range(6):
        inner = b"Subject: level %d\nMIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" % level + base64.encodebytes(inner)
    path.write_bytes(b"From: ada@example.org\nMessage-ID: <b64deep@example.org>\n" + inner)


@hostile("html-100000-deep.eml", "HTML with 100,000 open tags", items=1, words=["findme"], seconds=5)
def html_deep(path):
    path.write_bytes(head(b"html", b"MIME-Version: 1.0\nContent-Type: text/html\n") + b"<div><b>\n" * 50_000 + b"findme\n")


@hostile("comments-deep.eml", "comments nested 100,000 times in From, Date and Received", items=1, seconds=5)
def comments_deep(path):
    nest = b"(" * 100_000
    path.write_bytes(b"Received: from a (" + nest + b" by b; x\nFrom: " + nest + b"ada@example.org\nDate: " + nest + b"Thu, 20 Nov 2025 08:15:04 +0000\nSubject: comments\n\nx\n")


# ------------------------------------------------------------------------------------------- wide, quadratic


@hostile("unclosed-multiparts-10000.eml", "10,000 parts that each open a multipart whose boundary never comes: quadratic in naive walkers", items=1, anomalies=["boundary-limit"], seconds=5)
def unclosed(path):
    out = [head(b"unclosed", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n")]
    out += [b"--x\nContent-Type: multipart/mixed; boundary=never%d\n\n" % n for n in range(10_000)]
    path.write_bytes(b"".join(out))


@hostile("unclosed-nested-10000.eml", "10,000 multiparts that each begin inside the one before, none closed", items=1, seconds=5)
def unclosed_nested(path):
    out = [head(b"nested", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=n0\n")]
    out += [b"--n%d\nContent-Type: multipart/mixed; boundary=n%d\n\n" % (n, n + 1) for n in range(10_000)]
    path.write_bytes(b"".join(out))


@hostile("parts-100000.eml", "100,000 empty parts", items=1, anomalies=["part-limit"], seconds=5)
def parts(path):
    path.write_bytes(head(b"parts", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=p\n") + b"--p\n\n" * 100_000 + b"--p--\n")


@hostile("messages-inside-20000.eml", "a digest of 20,000 messages", items=1, anomalies=["child-limit"], seconds=20)
def digest(path):
    out = [head(b"digest", b"MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=d\n")]
    out += [b"--d\n\nSubject: inner %d\n\nbody %d\n" % (n, n) for n in range(20_000)]
    path.write_bytes(b"".join(out) + b"--d--\n")


def many_received(path, count):
    with path.open("wb") as out:
        for n in range(0, count, 1000):
            out.write(b"".join(b"Received: from h%d.example.org by g.example.org; Thu, 20 Nov 2025 08:15:04 +0000\n" % m for m in range(n, n + 1000)))
        out.write(head(b"received%d" % count) + b"x\n")


@hostile("received-200000.eml", "200,000 Received fields", items=1, anomalies=["received-over-limit"], hops_total=200_000, seconds=10)
def received_many(path):
    many_received(path, 200_000)


@hostile("received-1000000.eml", "a million Received fields, 85 MB of header", items=1, seconds=30)
def received(path):
    many_received(path, 1_000_000)


@hostile("received-long.eml", "one Received field of 1 MB", items=1, anomalies=["received-over-limit"], seconds=5)
def received_long(path):
    path.write_bytes(b"Received: from a.example.org by b.example.org" + b"\n\twith SMTP id x for <a@example.org>" * 28_000 + b"; Thu, 20 Nov 2025 08:15:04 +0000\n" + head(b"long") + b"x\n")


@hostile("header-line-2mb.eml", "one header line of 2 MB", items=1, anomalies=["long-line"], seconds=5)
def header_line(path):
    path.write_bytes(head(b"line", b"X-Long: " + b"x" * 2_000_000 + b"\n") + b"findme\n")


@hostile("header-names-100000.eml", "100,000 different field names", items=1, seconds=5)
def header_names(path):
    path.write_bytes(head(b"names", b"".join(b"X-Field-%d: %d\n" % (n, n) for n in range(100_000))) + b"x\n")


@hostile("recipients-100000.eml", "100,000 recipients in one field", items=1, seconds=10)
def recipients(path):
    path.write_bytes(head(b"to", b"Cc: " + b",\n ".join(b"Name %d <r%d@example.net>" % (n, n) for n in range(100_000)) + b"\n") + b"x\n")


@hostile("recipients-fields-10000.eml", "10,000 To fields", items=1, anomalies=["duplicate-field"], seconds=5)
def recipient_fields(path):
    path.write_bytes(head(b"to2", b"".join(b"To: r%d@example.net\n" % n for n in range(10_000))) + b"x\n")


@hostile("references-100000.eml", "100,000 References", items=1, seconds=5)
def references(path):
    path.write_bytes(head(b"refs", b"References: " + b"\n ".join(b"<r%d@example.org>" % n for n in range(100_000)) + b"\n") + b"x\n")


@hostile("rfc2231-100000.eml", "a file name in 100,000 pieces, in falling order", items=1, seconds=5)
def rfc2231(path):
    pieces = b";\n ".join(b"filename*%d=a" % n for n in reversed(range(100_000)))
    path.write_bytes(head(b"2231", b"MIME-Version: 1.0\nContent-Type: application/pdf\nContent-Disposition: attachment; " + pieces + b"\n") + b"x\n")


@hostile("encoded-words-unclosed.eml", "a subject of 100,000 encoded words that never end", items=1, seconds=5)
def encoded_words(path):
    path.write_bytes(b"From: ada@example.org\nSubject: " + b"=?utf-8?Q?a " * 100_000 + b"\n\nx\n")


@hostile("boundary-long.eml", "a boundary of 1 MB", items=1, seconds=5)
def boundary_long(path):
    b = b"b" * 1_000_000
    path.write_bytes(head(b"bound", b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="' + b + b'"\n') + b"--" + b + b"\n\nfindme\n--" + b + b"--\n")


@hostile("boundary-nearly.eml", "500,000 lines that are nearly the boundary", items=1, seconds=5)
def boundary_nearly(path):
    path.write_bytes(head(b"near", b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=abcabcabd\n") + b"--abcabcabc\n" * 500_000)


@hostile("quotes-unclosed.eml", "quoted strings that are never closed, 1 MB", items=1, seconds=5)
def quotes(path):
    path.write_bytes(head(b"quotes", b'Cc: "' + b'\\"a ' * 250_000 + b"\n") + b"x\n")


@hostile("uuencode-100000.eml", "100,000 begin lines", items=1, seconds=5)
def uu(path):
    path.write_bytes(head(b"uu") + b"begin 644 x\n" * 100_000)


@hostile("entities.eml", "5 MB of HTML entities without an end", items=1, seconds=5)
def entities(path):
    path.write_bytes(head(b"ent", b"MIME-Version: 1.0\nContent-Type: text/html\n") + b"&amp" * 1_250_000 + b"\n")


@hostile("one-line-50mb.eml", "one line of 50 MB", items=1, seconds=20)
def one_line(path):
    with path.open("wb") as out:
        out.write(head(b"line50"))
        for _ in range(50):
            out.write(b"abcdefghi " * 100_000)
        out.write(b"\n")


# ------------------------------------------------------------------------------------------- mailboxes


@hostile("from-lines-500000.mbox", "500,000 lines that nearly are separators", items=1, seconds=10)
def from_lines(path):
    path.write_bytes(SEP + head(b"near2") + b"\nFrom nobody in particular\n" * 500_000)


@hostile("empty-items-200000.mbox", "200,000 separators with nothing between", items=200_000, anomalies=["empty-item"], seconds=60)
def empty_items(path):
    path.write_bytes((SEP + b"\n") * 200_000)


@hostile("quoted-from.mbox", "a line of 1,000,000 `>` before `From `, and 100,000 quoted lines", items=1, rule="mboxrd", seconds=5)
def quoted_from(path):
    path.write_bytes(SEP + head(b"quoted") + b">" * 1_000_000 + b"From x\n" + b">>>>From x\n" * 100_000 + b"\n")


@hostile("content-lengths.mbox", "20,000 messages whose Content-Length points just past the next one", items_any=True, seconds=10)
def content_lengths(path):
    one = head(b"cl", b"Content-Length: %d\n" % 600) + b"x\n\n"
    path.write_bytes((SEP + one) * 20_000)


@hostile("nul.mbox", "10 MB of NUL bytes after one message", items=1, seconds=5)
def nul(path):
    path.write_bytes(SEP + head(b"nul") + b"x\n\n" + b"\0" * 10_000_000)


@hostile("long-blank.mbox", "10 MB of empty lines", items=1, seconds=5)
def long_blank(path):
    path.write_bytes(SEP + head(b"blank") + b"\n" * 10_000_000)


# ------------------------------------------------------------------------------------------- archives


@hostile("zeros.gz", "100 MB from 100 KB", reason="archive-limit")
def gz_bomb(path):
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
        for _ in range(100):
            out.write(bytes(1 << 20))


@hostile("zeros.bz2", "256 MB from less than 1 KB", reason="archive-limit")
def bz_bomb(path):
    one = bz2.BZ2Compressor(9)
    with path.open("wb") as out:
        for _ in range(256):
            out.write(one.compress(bytes(1 << 20)))
        out.write(one.flush())


@hostile("zeros.zip", "one entry, 100 MB from 100 KB", reason="archive-limit")
def zip_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("zeros.mbox", (1980, 1, 1, 0, 0, 0)), bytes(100 << 20), zipfile.ZIP_DEFLATED)


@hostile("overlapping.zip", "1,000 names for one and the same entry", reason_any=["archive-limit", "archive-damaged", "archive-opened"])
def zip_overlap(path):
    data = SEP + head(b"overlap") + b"x\n\n" + b"y" * 100_000
    crc = __import__("zlib").crc32(data)
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, len(data), len(data), 5, 0)
    body = b"PK\x03\x04" + fields + b"a.box" + data
    directory = b"".join(b"PK\x01\x02\x14\x03" + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"%05d" % n for n in range(1000))
    path.write_bytes(body + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(directory), len(body), 0))


@hostile("nested.zip", "a zip in a zip, 20 deep, with a message in the middle", reason="archive-opened")
def zip_nested(path):
    data = head(b"nested-zip") + b"findme\n"
    for n in range(20):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            z.writestr(zipfile.ZipInfo("m.eml" if n == 0 else f"{n}.zip", (1980, 1, 1, 0, 0, 0)), data)
        data = out.getvalue()
    path.write_bytes(data)


@hostile("slip.zip", "names that leave the folder", reason="archive-opened", items=3)
def zip_slip(path):
    with zipfile.ZipFile(path, "w") as z:
        for name in ("../../slip1.eml", "/tmp/slip2.eml", "C:\\slip3.eml"):
            info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            info.filename = name
            z.writestr(info, head(b"slip") + b"findme\n")


@hostile("links.tar", "links, a device and a FIFO inside an archive", reason="archive-opened", items=1)
def tar_links(path):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, target in [("passwd", tarfile.SYMTYPE, "/etc/passwd"), ("hard", tarfile.LNKTYPE, "../m.eml"), ("zero", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, "")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
        data = head(b"tar") + b"findme\n"
        info = tarfile.TarInfo("../m.eml")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


@hostile("many.tar", "20,000 messages in one archive", reason_any=["archive-opened", "archive-limit"], seconds=60)
def tar_many(path):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for n in range(20_000):
            data = head(b"t%d" % n) + b"x\n"
            info = tarfile.TarInfo(f"m/{n}.eml")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@hostile("cut.gz", "a gzip file that ends in the middle", reason="archive-damaged")
def gz_cut(path):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as z:
        z.write(SEP + head(b"cut") + noise(50_000).hex().encode() + b"\n")
    path.write_bytes(out.getvalue()[:-20_000])


@hostile("lies.gz", "a gzip file with a wrong check sum", reason="archive-damaged")
def gz_lies(path):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as z:
        z.write(SEP + head(b"lies") + b"x\n\n")
    path.write_bytes(out.getvalue()[:-8] + b"\0\0\0\0" + out.getvalue()[-4:])


# ------------------------------------------------------------------------------------------- what is no file


@hostile("tree", "links to nothing, to itself, to a system file, to /, a loop of folders; a FIFO, a socket; names that are no text; a hard link; a deep path; an unreadable file and folder", entries=["symlink", "fifo", "socket", "directory"], items_at_least=3, seconds=10)
def tree(path):
    path.mkdir(parents=True)
    mail = head(b"tree") + b"findme\n"
    (path / "real.eml").write_bytes(mail)
    os.link(path / "real.eml", path / "hard.eml")
    for name, target in [("to-nothing", "nowhere"), ("to-itself", "to-itself"), ("to-system", "/etc/passwd"), ("to-root", "/"), ("to-parent", ".."), ("to-mail", "real.eml")]:
        os.symlink(target, path / name)
    (path / "loop").mkdir()
    os.symlink("../loop", path / "loop/again")
    os.mkfifo(path / "pipe")
    # A socket's address is short; it is made by a relative name.
    here = os.getcwd()
    os.chdir(path)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("socket")
    os.chdir(here)
    (path / "empty").mkdir()
    for name in (b"caf\xe9.eml", b"line\nfeed.eml", b"\x1b[2Jescape.eml"):
        Path(os.fsdecode(os.path.join(os.fsencode(path), name))).write_bytes(mail if name.startswith(b"caf") else b"not mail\n")
    (path / "locked.eml").write_bytes(mail)
    (path / "locked.eml").chmod(0)
    (path / "shut").mkdir()
    (path / "shut/in.eml").write_bytes(mail)
    (path / "shut").chmod(0)
    here = os.open(path, os.O_DIRECTORY)
    for n in range(30):  # far past PATH_MAX in the end, so only relative steps lead there
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = inner
    with os.fdopen(os.open("deep.eml", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here), "wb") as out:
        out.write(mail)
    os.close(here)


@hostile("folder-20000", "20,000 files in one folder", items=20_000, seconds=120)
def folder(path):
    (path / "cur").mkdir(parents=True)
    (path / "new").mkdir()
    (path / "tmp").mkdir()
    for n in range(20_000):
        (path / f"cur/{1763626504 + n}.M{n}P1.mail:2,S").write_bytes(head(b"f%d" % n) + b"x\n")


# ------------------------------------------------------------------------------------------- giants, sparse


@hostile("hole-6gb.mbox", "a message, 6 GB of nothing, and it is one item", big=True, items=1)
def hole(path):
    path.write_bytes(SEP + head(b"hole"))
    os.truncate(path, 6 << 30)


@hostile("past-4gb.mbox", "a mailbox whose second message lies beyond 4 GiB", big=True, items=2)
def past(path):
    path.write_bytes(SEP + head(b"first"))
    with path.open("r+b") as out:
        out.seek(5 << 30)
        out.write(b"\n\n" + SEP + head(b"second") + b"findme\n\n")


@hostile("past-64gb.mbox", "a mailbox of 70 GiB", big=True, items=2)
def past64(path):
    path.write_bytes(SEP + head(b"first64"))
    with path.open("r+b") as out:
        out.seek(70 << 30)
        out.write(b"\n\n" + SEP + head(b"second64") + b"findme\n\n")


@hostile("header-1gb.eml", "a header block of 1 GiB", big=True, items=1, anomalies=["header-over-limit"])
def header_giant(path):
    with path.open("wb") as out:
        out.write(head(b"giant", end=b""))
        line = b"".join(b"X-%d: " % n + b"y" * 900 + b"\n" for n in range(1000))
        for _ in range((1 << 30) // len(line)):
            out.write(line)
        out.write(b"\nfindme\n")


def main():
    args = sys.argv[1:]
    if args == ["--list"]:
        print(json.dumps([{"name": n, "what": w} | m for n, w, m, _ in TABLE], indent=1))
        return
    big = "--big" in args
    args = [a for a in args if a != "--big"]
    if not args:
        raise SystemExit(__doc__)
    root, wanted = Path(args[0]), args[1:]
    root.mkdir(parents=True, exist_ok=True)
    for name, _, must, make in TABLE:
        if name in wanted or not wanted and (big or not must.get("big")):
            make(root / name)
    print(f"{len(list(root.iterdir()))} hostile inputs in {root}")


if __name__ == "__main__":
    main()
