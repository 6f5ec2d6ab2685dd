#!/usr/bin/env python3
"""Writes single mails (and a few containers) of any size that once made a reader quadratic or took memory without bound.

    killers.py FILE KIND BYTES     one input of about so many bytes; a test doubles the bytes and compares the times
    killers.py --all DIR BYTES     one of each kind in a folder, named after it
    killers.py --list              the kinds, one a line

The same bytes on every machine. Python's standard library only.
"""

import base64
import bz2
import gzip
import sys
from pathlib import Path

HEAD = b"From: Ada <ada@example.org>\nTo: bob@example.net\nSubject: killer\nDate: Thu, 20 Nov 2025 08:15:04 +0000\nMessage-ID: <killer@example.org>\n"
DATE = b"Thu, 20 Nov 2025 08:15:04 +0000"
KINDS = {}


def kind(function):
    KINDS[function.__name__.replace("_", "-")] = function
    return function


def fill(unit, size):
    """`unit` again and again up to `size` bytes; with a `%d` in it, numbered."""
    if b"%d" not in unit:
        return unit * max(1, size // len(unit))
    out, n, have = [], 0, 0
    while have < size:
        one = unit.replace(b"%d", b"%d" % n)
        out.append(one)
        have += len(one)
        n += 1
    return b"".join(out)


def mail(extra, body):
    return HEAD + b"MIME-Version: 1.0\n" + extra + b"\n" + body


def header(name, unit):
    return lambda size: mail(name + b": " + fill(unit, size) + b"\n", b"findme\n")


def body(extra, unit):
    return lambda size: mail(extra, fill(unit, size))


UU = b"begin 644 a\n#0V%T\n`\nend\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b\n"
B64 = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n"
KINDS |= {
    "uu-tiny": body(b"", UU),
    "uu-numbered": body(b"", b"begin 644 file%d\n#0V%T\n`\nend\n"),
    "uu-html-name": body(b"Content-Type: text/html\n", UU),
    "uu-bare": body(b"", b"begin 644 a\n`\nend\n"),
    "uu-base64": body(b"", b"begin-base64 644 a\nQQ==\n====\n"),
    "uu-cut": body(b"", b"begin 644 a\n#0V%T\n"),
    "uu-empty-lines": body(b"", b"begin 644 a\n\n\n"),
    "yenc-tiny": body(b"", b"=ybegin line=1 size=1 name=a\nk\n=yend size=1\n"),
    "yenc-unended": body(b"", b"=ybegin line=1 size=1 name=a\nk\n"),
    "yenc-uu-turns": body(b"", UU + b"=ybegin line=1 size=1 name=a\nk\n=yend size=1\n"),
    "base64-blanks": body(B64, b"A B C D\n"),
    "base64-junk": body(B64, b"QUJD * \n"),
    "base64-junk-lines": body(B64, b"*\n"),
    "base64-pads": body(B64, b"QQ== "),
    "base64-pads-junk": body(B64, b"QQ==*"),
    "base64-pads-lines": body(B64, b"QQ==\n"),
    "base64-pads-text": body(B64, b"QQ==\nx y\n"),
    "base64-one-pad": body(B64, b"= "),
    "base64-blank-junk-one-line": body(B64, b" *"),
    "base64-blank-junk-long": body(B64, b"QUJD" + b" " * 50 + b"*"),
    "base64-short-lines": body(B64, b"A\n"),
    "base64-text-lines": body(B64, b"QUJD\nhello world\n"),
    "cc-words": header(b"Cc", b"a "),
    "cc-words-numbered": header(b"Cc", b"a%d "),
    "cc-addresses": header(b"Cc", b"a@b "),
    "cc-list": header(b"Cc", b"a,"),
    "cc-numbered": header(b"Cc", b"r%d@example.net, "),
    "cc-angles": header(b"Cc", b"<a "),
    "cc-angles-closed": header(b"Cc", b"<a@b>"),
    "cc-ats": header(b"Cc", b"@ "),
    "cc-dots": header(b"Cc", b"a@b. "),
    "cc-comments": header(b"Cc", b"(a) "),
    "cc-comments-open": header(b"Cc", b"("),
    "cc-quotes": header(b"Cc", b'"a" '),
    "cc-groups": header(b"Cc", b"a: ; "),
    "cc-colons": header(b"Cc", b"a:"),
    "cc-brackets": header(b"Cc", b"["),
    "cc-words-encoded": header(b"Cc", b"=?utf-8?Q?a?= "),
    "cc-words-unclosed": header(b"Cc", b"=?"),
    "cc-words-b": header(b"Cc", b"=?utf-8?B?QUE?= "),
    "cc-name-at": header(b"Cc", b"a@b.c <x@y.z> "),
    "cc-space": header(b"Cc", b"a \n "),
    "subject-words": header(b"Subject", b"=?utf-8?Q?a?= "),
    "subject-words-b": header(b"Subject", b"=?utf-8?B?QQ?=\n "),
    "subject-words-jp": header(b"Subject", b"=?iso-2022-jp?B?GyRCJCI=?= "),
    "subject-words-open": header(b"Subject", b"=?utf-8?Q?a "),
    "subject-words-bad": header(b"Subject", b"=?utf-8?Q?=FF?= "),
    "references": header(b"References", b"<a> "),
    "references-bare": header(b"References", b"a "),
    "references-open": header(b"References", b"<"),
    "message-id": header(b"Message-ID", b"<a"),
    "message-id-comments": header(b"Message-ID", b"(a)"),
    "date-comments": header(b"Date", b"(a)"),
    "date-words": header(b"Date", b"Thu, "),
    "content-type-parameters": header(b"Content-Type", b"text/plain; a%d=b"),
    "content-type-parameters-same": header(b"Content-Type", b"; a=b"),
    "content-type-names": header(b"Content-Type", b"text/plain; name=b"),
    "content-type-pieces": header(b"Content-Type", b"; name*%d=a"),
    "content-type-comments": header(b"Content-Type", b"(a)"),
    "disposition-names": header(b"Content-Disposition", b"attachment; filename=b"),
    "disposition-pieces": header(b"Content-Disposition", b"; filename*%d*=a"),
    "authres-results": header(b"Authentication-Results", b"mx.example.org; dkim=pass header.d=a"),
    "authres-comments": header(b"Authentication-Results", b"(a) "),
    "authres-fields": header(b"X-A", b"x\nAuthentication-Results: m; spf=pass"),
    "spf-fields": header(b"X-A", b"x\nReceived-SPF: pass client-ip=192.0.2.1; "),
    "arc-fields": header(b"X-A", b"x\nARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=a; s=b; b=QUFB"),
    "dkim-fields": header(b"X-A", b"x\nDKIM-Signature: v=1; a=rsa-sha256; d=a; s=b; h=from; bh=QUFB; b=QUFB"),
    "dkim-tags": header(b"DKIM-Signature", b"v=1; a=rsa-sha256; d=a; s=b; h=from; bh=QUFB; b=QUFB; "),
    "dkim-h-list": header(b"DKIM-Signature", b"v=1; a=rsa-sha256; d=a; s=b; bh=QUFB; b=QUFB; h=a:"),
    "fields-tiny": header(b"X-A", b"\na:"),
    "fields-numbered": header(b"X-A", b"\nx%d: y"),
    "fields-to": header(b"X-A", b"\nTo: a@b"),
    "fields-junk": header(b"X-A", b"\njunk"),
    "fields-folds": header(b"X-A", b"\n a"),
    "fields-mixed-subjects": header(b"X-A", b"\nSubject: a"),
    "fields-nonascii": header(b"X-A", b"\nb: \xc3\xa9"),
    "hops-bare": header(b"X-A", b"\nReceived: by a.example.org; " + DATE),
    "hops-tiny": header(b"X-A", b"\nReceived: a"),
    "hops-from": header(b"X-A", b"\nReceived: from a%d.example.org ([192.0.2.1]) by b.example.org with ESMTP id a%d for <x@example.net>; " + DATE),
    "hop-clauses": header(b"Received", b"from a by b with c id d "),
    "hop-comments": header(b"Received", b"from a (b [192.0.2.1]) "),
    "hop-parens": header(b"Received", b"("),
    "parts-empty": body(MIXED, b"--b\n\n"),
    "parts-type-per-line": body(MIXED, b"--b\nContent-Type: a/b\n\n"),
    "parts-type-long": body(MIXED, b"--b\nContent-Type: a/" + b"t" * 600 + b"; name=" + b"n" * 600 + b"\n\nx\n"),
    "parts-text": body(MIXED, b"--b\nContent-Type: text/plain; charset=x%d\n\nx\n"),
    "parts-attached": body(MIXED, b"--b\nContent-Disposition: attachment; filename=same\n\nx\n"),
    "parts-header-lines": body(MIXED, b"--b\nContent-Description: a\nContent-Description: a\n\nx\n"),
    "parts-junk-lines": body(MIXED + b"\n--b\n", b"Content-Description: a\n"),
    "types-per-line": header(b"X-A", b"\nContent-Type: a/b"),
    "hyphens": body(MIXED, b"--\n"),
    "hyphens-nested": lambda size: mail(
        b"Content-Type: multipart/mixed; boundary=n0\n",
        b"".join(b"--n%d\nContent-Type: multipart/mixed; boundary=n%d\n\n" % (n, n + 1) for n in range(60)) + fill(b"--n\n", size),
    ),
    "html-tags": body(b"Content-Type: text/html\n", b"<b>"),
    "html-links": body(b"Content-Type: text/html\n", b"<a href=x>"),
    "html-style": body(b"Content-Type: text/html\n", b"<p style='color:red'>a"),
    "html-hidden": body(b"Content-Type: text/html\n", b"<p style='display:none'>a"),
    "html-styles": body(b"Content-Type: text/html\n", b"<style>.a{display:none}</style><p class=a>b"),
    "html-classes": lambda size: mail(b"Content-Type: text/html\n", b"<style>" + fill(b".c%d{display:none}", size // 2) + b"</style>" + fill(b"<p class=c%d>", size // 2)),
    "html-attributes": lambda size: mail(b"Content-Type: text/html\n", b"<p " + fill(b"a%d ", size) + b">"),
    "html-open": body(b"Content-Type: text/html\n", b"<"),
    "html-comment-open": body(b"Content-Type: text/html\n", b"<!--"),
    "html-entities": body(b"Content-Type: text/html\n", b"&#x41"),
    "html-select": body(b"Content-Type: text/html\n", b"</p>"),
    "charset-jp": body(b"Content-Type: text/plain; charset=iso-2022-jp\n", b"\x1b$B$\x22\x1b(B"),
    "charset-jp-unlabelled": body(b"", b"\x1b$B$\x22\x1b(B"),
    "charset-jp-html": body(b"Content-Type: text/html; charset=iso-2022-jp\n", b"\x1b$B$\x22\x1b(B"),
    "charset-hz": body(b"Content-Type: text/plain; charset=hz-gb-2312\n", b"~{VPND~}"),
    "charset-kr": body(b"Content-Type: text/plain; charset=iso-2022-kr\n", b"\x1b$)C\x0e0!\x0f"),
    "charset-utf7": body(b"Content-Type: text/plain; charset=utf-7\n", b"+AOk-"),
    "charset-utf16": body(b"Content-Type: text/plain; charset=utf-16\n", b"\xd8\x00"),
    "charset-8bit": body(b"Content-Type: text/plain\n", b"\xe9 "),
    "charset-double": body(b"Content-Type: text/plain; charset=utf-8\n", "Ã© ".encode()),
    "invisible": body(b"Content-Type: text/plain; charset=utf-8\n", "a\u200bb ".encode()),
    "hidden-base64": body(b"", b"QUJD" * 19 + b"\n"),
    "hidden-base64-junk": body(b"", b"QUJD" * 15 + b" *\n"),
    "hidden-base64-turns": body(b"", b"QUJD" * 19 + b"\nhello world\n"),
    "flowed": body(b"Content-Type: text/plain; format=flowed; delsp=yes\n", b">a \n"),
    "flowed-deep": body(b"Content-Type: text/plain; format=flowed; delsp=yes\n", b">" * 60 + b"a \n"),
    "calendar": body(b"Content-Type: text/calendar\n", b"A:b\n c\n"),
    "words-numbered": body(b"", b"w%d "),
    "words-same": body(b"", b"a "),
    "words-joined": body(b"", b"a@b."),
    "word-long": body(b"", b"a"),
    "blank-lines": body(b"", b"\n"),
    "qp-soft": body(b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n", b"a=\n"),
    "qp-blanks": body(b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n", b" "),
    "qp-odd": body(b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n", b"="),
    "qp-hidden": body(b"", b"=41=\n"),
    "children": body(b"Content-Type: multipart/digest; boundary=b\n", b"--b\n\nSubject: x%d\n\ny\n"),
    "children-empty": body(b"Content-Type: multipart/digest; boundary=b\n", b"--b\n\n\n"),
    "children-attached": body(MIXED, b"--b\nContent-Type: message/rfc822\n\nContent-Type: application/x; name=a\n\nx\n"),
    "bounce": body(b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n", b"--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b\n\n"),
    "armour": body(b"", b"-----BEGIN PGP MESSAGE-----\n"),
    "quoted-mail": body(b"", b"> From: a@b\n> Received: from a by b; " + DATE + b"\n"),
}


@kind
def base64_blanks_then_junk(size):
    return mail(B64, b"QUJD" * 19 + b"\n" + b" " * (size // 2) + b"*" * (size // 2) + b"\n" + b"QUJD" * 19 + b"\n")


@kind
def base64_junk_between_data(size):
    return mail(B64, fill(b"QUJD" * 19 + b"\n  * \n", size))


@kind
def base64_pads_then_blanks(size):
    return mail(B64, fill(b"QQ==" + b" " * 4000, size) + b"\n" + b"QUJD" * 19 + b"\n")


@kind
def uu_long_name(size):
    name = b"n" * (size // 4)
    return mail(b'Content-Type: text/plain; name="' + name + b'"\n', fill(UU, size - len(name)))


@kind
def uu_long_type(size):
    name = b"t" * (size // 4)
    return mail(b"Content-Type: text/" + name + b"\n", fill(UU, size - len(name)))


@kind
def uu_long_names(size):
    return mail(b"", fill(b"begin 644 " + b"n" * 1000 + b"\n#0V%T\n`\nend\n", size))


@kind
def yenc_long_name(size):
    name = b"n" * (size // 4)
    return mail(b'Content-Type: text/plain; name="' + name + b'"\n', fill(b"=ybegin line=1 size=1 name=a\nk\n=yend size=1\n", size - len(name)))


@kind
def cc_words_nested(size):
    half = size // 2
    return mail(b"Cc: " + b"(" * half + b")" * half + b"\n", b"findme\n")


@kind
def signatures_short_lines(size):
    one = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=%d; h=from:to:subject; bh=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=; b=QUFB\n"
    return b"".join(one % n for n in range(32)) + HEAD + b"\n" + fill(b"a \n", size)


@kind
def signatures_simple(size):
    one = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; l=%d; d=example.org; s=a; h=from:to:subject; bh=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=; b=QUFB\n"
    return b"".join(one % (size // 2 + n) for n in range(32)) + HEAD + b"\n" + fill(b"\n", size)


@kind
def qp_nested(size):
    """A message in quoted-printable in a message in quoted-printable: each level takes the bytes once more."""
    inner = b"Subject: innermost\n\n" + fill(b"a b c d e f\n", size)
    for level in range(60):
        inner = b"Subject: level %d\nMIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n" % level + inner.replace(b"=", b"=3D")[: size]
    return HEAD + inner


@kind
def base64_nested(size):
    inner = b"Subject: innermost\n\n" + fill(b"a b c d e f\n", size // 4)
    while len(inner) * 4 // 3 < size:
        inner = b"MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    return HEAD + inner


@kind
def identity_nested(size):
    return HEAD + b"Content-Type: message/rfc822\n\n" * 60 + b"Subject: innermost\n\n" + fill(b"a b c d e f\n", size)


@kind
def identity_nested_uu(size):
    return HEAD + b"Content-Type: message/rfc822\n\n" * 60 + b"Subject: innermost\n\n" + fill(UU, size)


@kind
def charset_files(size):
    """13 attachments of charset shifts."""
    one = b"--b\nContent-Type: text/plain; charset=iso-2022-jp; name=a%d\nContent-Disposition: attachment\n\n"
    return mail(MIXED, b"".join(one % n + fill(b"\x1b$B$\x22\x1b(B", size // 13) + b"\n" for n in range(13)))


@kind
def mmdf(size):
    return fill(b"\x01\x01\x01\x01\n\x01\x01\x01\x01\n", size)


@kind
def mmdf_tiny(size):
    return fill(b"\x01\x01\x01\x01\nA: b\n\x01\x01\x01\x01\n", size)


@kind
def mbox_empty(size):
    return fill(b"From ada@example.org Thu Nov 20 08:15:04 2025\n\n", size)


@kind
def bzip2_empty(size):
    return fill(bz2.compress(b""), size)


@kind
def gzip_empty(size):
    return fill(gzip.compress(b"", mtime=0), size)


@kind
def bzip2_tiny(size):
    return bz2.compress(HEAD) + fill(bz2.compress(b"a\n"), size)


@kind
def xz_empty(size):
    import lzma

    return fill(lzma.compress(b""), size)


@kind
def tar_empty(size):
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for n in range(max(1, size // 512)):
            tar.addfile(tarfile.TarInfo("m%d.eml" % n), io.BytesIO(b""))
    return out.getvalue()


def main():
    args = sys.argv[1:]
    if args == ["--list"]:
        print("\n".join(sorted(KINDS)))
        return
    if len(args) == 3 and args[0] == "--all":
        for name, make in sorted(KINDS.items()):
            (Path(args[1]) / name).write_bytes(make(int(args[2])))
        return
    if len(args) != 3 or args[1] not in KINDS:
        raise SystemExit(__doc__)
    Path(args[0]).write_bytes(KINDS[args[1]](int(args[2])))


if __name__ == "__main__":
    main()
