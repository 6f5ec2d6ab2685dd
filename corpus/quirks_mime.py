"""The quirks of bodies: parts, encodings, charsets, hidden and encrypted text, names of attachments."""

from make_quirks import *

MIXED = 'Content-Type: multipart/mixed; boundary="b1"\n'
PDF = pdf(["A quirk"])
TEXT = "Content-Type: text/plain; charset=us-ascii\n"


def parts(*pieces, boundary="b1", end=True, front="", back=""):
    """A multipart body from pieces of header and body text."""
    out = front
    for head, body in pieces:
        out += f"--{boundary}\n{head}\n{body}\n"
    return out + (f"--{boundary}--\n" if end else "") + back


def part(name, kind, text, nth=0):
    """The bytes of a part's body, as the literal that stands there."""
    return lambda raw: {"part": name, "type": kind, "at": at(raw, text, nth)}


def mime(name, shows, source, body, anomalies=(), facts=None, kind=MIXED, list_parts=(), **more):
    facts = dict(facts or {})
    if list_parts:
        facts["parts"] = lambda raw: [p(raw) for p in list_parts]
    quirk("mime-" + name, shows, source, anomalies, body=body, mime=kind, facts=facts, **more)


def filed(how, name_text, data=PDF, kind="application/pdf"):
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\nContent-Disposition: {how}; {name_text}\n", b64(data).rstrip("\n")


def structure():
    mime("two-parts", "A text and an attachment: the last line end before a boundary belongs to the boundary.", "RFC 2046 section 5.1.1", parts((TEXT, "Hello."), filed("attachment", 'filename="a.pdf"')), facts={"attachments": [attachment("2", "a.pdf", PDF)], "words": ["Hello", "a.pdf"], "clean": True}, list_parts=[part("1", "text/plain", "Hello."), part("2", "application/pdf", b64(PDF).rstrip("\n"))])
    mime("boundary-missing", "A multipart without a boundary parameter is read as text.", "RFC 2046 section 5.1", parts((TEXT, "findme inside")), ["multipart-boundary-missing"], {"words": ["findme"]}, kind="Content-Type: multipart/mixed\n")
    mime("unterminated", "The file ends before the closing boundary; the attachment is whole all the same.", "RFC 2046 section 5.1.1", parts((TEXT, "Hello."), filed("attachment", 'filename="a.pdf"'), end=False), ["multipart-unterminated"], {"attachments": [attachment("2", "a.pdf", PDF)]})
    cut = b64(PDF)[:301]
    whole = base64.b64decode(cut.replace("\n", "")[: len(cut.replace("\n", "")) // 4 * 4])
    tail = cut.replace("\n", "")[len(cut.replace("\n", "")) // 4 * 4 :]
    if len(tail) >= 2:
        whole += base64.b64decode(tail + "=" * (4 - len(tail)))
    mime("cut-in-base64", "The file ends in the middle of base64: complete bytes are kept and hashed.", "RFC 2045 section 6.8", "--b1\n" + filed("attachment", 'filename="a.pdf"')[0] + "\n" + cut, ["multipart-unterminated", "base64-truncated"], {"attachments": [attachment("1", "a.pdf", whole)]})
    mime("without-parts", "The boundary never comes: read as text.", "RFC 2046 section 5.1.1", "Only text, findme.\n", ["multipart-without-parts"], {"words": ["findme"]})
    mime("preamble-epilogue", "Text before the first and after the last boundary is found.", "RFC 2046 section 5.1.1", parts((TEXT, "Hello."), front="Secret preamble zebra.\n", back="Secret epilogue giraffe.\n"), ["preamble-text", "epilogue-text"], {"words": ["zebra", "giraffe", "Hello"]})
    mime("preamble-notice", "The usual notice to old mail programs is nothing odd.", "RFC 2046 section 5.1.1", parts((TEXT, "Hello."), front="This is a multi-part message in MIME format.\n"), (), {"not_anomalies": ["preamble-text"]})
    mime("boundary-prefix", "One boundary is the beginning of another.", "RFC 2046 section 5.1.1", parts((TEXT, "one"), ('Content-Type: multipart/mixed; boundary="b1x"\n', parts((TEXT, "two"), (TEXT, "three"), boundary="b1x").rstrip("\n")), (TEXT, "four")), (), {"words": ["one", "two", "three", "four"], "attachments": []}, list_parts=[part("1", "text/plain", "one"), part("2.1", "text/plain", "two"), part("2.2", "text/plain", "three"), part("3", "text/plain", "four")])
    mime("boundary-in-line", "`--b1` in the middle of a line is text.", "RFC 2046 section 5.1.1", parts((TEXT, "before --b1 after\nx --b1-- y\n")), (), {"words": ["before", "after", "y"]})
    mime("boundary-blanks", "Blanks after a boundary are allowed.", "RFC 2046 section 5.1.1", parts((TEXT, "one"), (TEXT, "two")).replace("--b1\n", "--b1 \t\n"), (), {"words": ["one", "two"], "not_anomalies": ["multipart-without-parts"]})
    mime("boundary-unquoted", "A boundary without quotes.", "RFC 2045 section 5.1", parts((TEXT, "one"), boundary="simple"), (), {"words": ["one"]}, kind="Content-Type: multipart/mixed; boundary=simple\n")
    mime("boundary-crlf", "CRLF in the body, LF in the header.", "RFC 5322 section 2.1", parts((TEXT, "one"), (TEXT, "two")).replace("\n", "\r\n"), (), {"words": ["one", "two"]})
    mime("empty-part", "A part of no bytes.", "RFC 2046 section 5.1", "--b1\n" + TEXT + "\n--b1\n" + TEXT + "\nx\n--b1--\n", (), {"words": ["x"]})
    mime("part-without-header", "A part that begins with an empty line is plain text.", "RFC 2046 section 5.1", "--b1\n\nno header here findme\n--b1--\n", (), {"words": ["findme"]})
    mime("alternative", "Text and HTML that differ: both are found.", "RFC 2046 section 5.1.4", parts((TEXT, "harmless words"), ("Content-Type: text/html; charset=us-ascii\n", "<p>poisonous words</p>")), (), {"words": ["harmless", "poisonous"], "attachments": []}, kind='Content-Type: multipart/alternative; boundary="b1"\n')
    mime("multipart-encoded", "A whole multipart in base64: opened all the same.", "RFC 2045 section 6.4", b64(parts((TEXT, "deep findme")).encode()), ["multipart-encoded"], {"words": ["findme"]}, kind=MIXED + "Content-Transfer-Encoding: base64\n")
    inner = parts((TEXT, "core findme"), boundary="d69").rstrip("\n")
    for n in range(68, -1, -1):
        inner = parts((f'Content-Type: multipart/mixed; boundary="d{n + 1}"\n', inner), boundary=f"d{n}").rstrip("\n")
    mime("depth-70", "70 multiparts in each other: the deepest are kept as text, and found.", "mailtrail limit", inner + "\n", ["depth-limit"], {"words": ["findme"]}, kind='Content-Type: multipart/mixed; boundary="d0"\n')
    mime("same-boundary", "A multipart inside another with the same boundary: the outer one wins.", "RFC 2046 section 5.1.2", parts((MIXED, parts((TEXT, "inner findme")).rstrip("\n")), (TEXT, "outer findme")), (), {"words": ["inner", "outer"]})


def children():
    inner, known = base("Inner text capybara.\n", Subject="The inner one", Message_ID="<inner@example.org>", Date="Wed, 19 Nov 2025 10:00:00 +0000", From="Eve <eve@example.com>")
    text = inner.decode().rstrip("\n")
    child = {"part": "2", "subject": "The inner one", "message_id": "<inner@example.org>", "from": ["eve@example.com"], "date_utc": "2025-11-19T10:00:00Z", "words": ["capybara"], "sha256": sha256(text.encode()), "size": len(text)}
    mime("rfc822", "A forwarded message is an item of its own, not an attachment; its words are not the parent's.", "RFC 2046 section 5.2.1", parts((TEXT, "See below."), ("Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"fwd.eml\"\n", text)), (), {"attachments": [], "children": ["2"], "child_facts": lambda raw: [child | {"in_message": at(raw, text)}], "not_words": ["capybara"], "subject": "A quirk"})
    mime("rfc822-base64", "A message in base64, against the standard: opened all the same.", "RFC 2046 section 5.2.1", parts((TEXT, "See below."), ("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n", b64(inner).rstrip("\n"))), ["multipart-encoded"], {"children": ["2"], "child_facts": [child | {"sha256": sha256(inner), "size": len(inner), "in_message": None}]})
    second = parts((TEXT, "Middle."), ("Content-Type: message/rfc822\n", text)).rstrip("\n")
    middle = f"From: mid@example.org\nSubject: Middle\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b2\"\n\n" + second.replace("--b1", "--b2")
    mime("rfc822-in-rfc822", "A message in a message in a message.", "RFC 2046 section 5.2.1", parts((TEXT, "Outer."), ("Content-Type: message/rfc822\n", middle)), (), {"children": ["2", "2.2"]})
    mime("rfc822-alone", "The whole body is a message.", "RFC 2046 section 5.2.1", text + "\n", (), {"children": ["1"], "child_facts": [child | {"part": "1", "sha256": sha256(inner), "size": len(inner)}]}, kind="Content-Type: message/rfc822\n")
    mime("digest", "In a digest a part without a type is a message.", "RFC 2046 section 5.1.5", "--b1\n\n" + text + "\n--b1\n\n" + text.replace("capybara", "wombat") + "\n--b1--\n", (), {"children": ["1", "2"]}, kind='Content-Type: multipart/digest; boundary="b1"\n')
    mime("dsn", "A bounce: report, status and the headers of what was sent.", "RFC 3464", parts((TEXT, "Could not deliver."), ("Content-Type: message/delivery-status\n", "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; nobody@example.com\nAction: failed\nStatus: 5.1.1\n"), ("Content-Type: text/rfc822-headers\n", "From: ada@example.org\nSubject: returned wombat")), (), {"words": ["nobody@example.com", "wombat"]}, kind='Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\n')
    mime("partial", "One piece of a message in pieces: not put together.", "RFC 2046 section 5.2.2", "Subject: piece\n\nfindme\n", ["partial-message"], {"words": ["findme"]}, kind='Content-Type: message/partial; id="x@example.org"; number=1; total=2\n')
    mime("external-body", "The content lies elsewhere and is not fetched.", "RFC 2046 section 5.2.3", "Content-Type: application/pdf\n\n", ["external-body"], kind='Content-Type: message/external-body; access-type=URL;\n URL="http://evil.example/x.pdf"\n')


def encodings():
    one = lambda how: f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {how}\n"
    mime("qp-soft-break", "A word cut by a soft line break is one word.", "RFC 2045 section 6.7", "a pass=\nword is here\n", (), {"words": ["password"], "clean": True}, kind=one("quoted-printable"))
    mime("qp-invalid", "`=` without two digits stays as it stands.", "RFC 2045 section 6.7", "100=% sure, caf=C3=A9\n", ["quoted-printable-invalid"], {"words": ["sure", "café"]}, kind=one("quoted-printable"))
    mime("qp-lower-case", "Lower-case digits are read.", "RFC 2045 section 6.7", "caf=c3=a9\n", (), {"words": ["café"]}, kind=one("quoted-printable"))
    mime("qp-trailing-break", "A soft break right before the end.", "RFC 2045 section 6.7", "end=\n", (), {"words": ["end"]}, kind=one("quoted-printable"))
    mime("base64-text", "A text in base64.", "RFC 2045 section 6.8", b64("Grüße findme\n".encode()), (), {"words": ["findme", "Grüße"], "clean": True}, kind=one("base64"))
    data = b"%PDF-1.4 tiny\n" * 5
    junk = b64(data, 40).replace("\n", "!*\n", 1).rstrip("\n")
    head = 'Content-Type: application/pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="j.pdf"\n'
    mime("base64-junk", "Bytes that are no base64 are left out.", "RFC 2045 section 6.8", parts((head, junk)), ["base64-invalid"], {"attachments": [attachment("1", "j.pdf", data)]})
    three = b"abc" * 12
    mime("base64-no-padding", "The last group lacks its `=`.", "RFC 2045 section 6.8", parts((head, base64.b64encode(three + b"d").decode().rstrip("="))), (), {"attachments": [attachment("1", "j.pdf", three + b"d")]})
    mime("base64-footer", "A list footer behind the base64: not decoded into the attachment.", "RFC 2045 section 6.8", parts((head, base64.b64encode(three + b"d").decode() + "\n_______________\nlist footer")), ["base64-trailing"], {"attachments": [attachment("1", "j.pdf", three + b"d")]})
    mime("encoding-unknown", "A transfer encoding that there is not: the bytes as they stand.", "RFC 2045 section 6.1", "findme\n", ["transfer-encoding-unknown"], {"words": ["findme"]}, kind=one("x-squeezed"))
    mime("encoding-case", "Encodings in any case, with a comment.", "RFC 2045 section 6.1", b64(b"findme\n"), (), {"words": ["findme"]}, kind=one("BASE64 (comment)"))
    mime("content-type-invalid", "A Content-Type that is none: text/plain.", "RFC 2045 section 5.2", "findme\n", ["content-type-invalid"], {"words": ["findme"]}, kind="Content-Type: text\n")
    mime("content-type-empty", "An empty Content-Type.", "RFC 2045 section 5.2", "findme\n", ["content-type-invalid"], {"words": ["findme"]}, kind="Content-Type:\n")
    file = b"uuencoded file, hedgehog\n" * 4
    mime("uuencode", "A uuencoded file in the text.", "POSIX uuencode", "Before.\n\n" + uuencode("note.txt", file) + "\nAfter.\n", ["uuencode-found"], {"words": ["Before", "After", "note.txt"], "attachments": [attachment("1#1", "note.txt", file)]}, kind=TEXT)
    mime("uuencode-cut", "A uuencoded file without its end.", "POSIX uuencode", uuencode("note.txt", file)[:-7], ["uuencode-found", "uuencode-damaged"], kind=TEXT)
    mime("uuencode-path", "A uuencoded file that wants to be /etc/passwd.", "threat E6", uuencode("../../etc/passwd", file), ["uuencode-found"], {"attachments": [attachment("1#1", "../../etc/passwd", file)]}, kind=TEXT)
    data = bytes(range(256)) * 2
    coded = b"".join(b"=" + bytes([(c + 42 + 64) % 256]) if (c + 42) % 256 in (0, 10, 13, 61) else bytes([(c + 42) % 256]) for c in data)
    lines, line = [], b""
    for token in re.findall(rb"=.|.", coded, re.S):
        line += token
        if len(line) >= 128:
            lines, line = lines + [line], b""
    lines.append(line)
    yenc = b"=ybegin line=128 size=512 name=bytes.bin\r\n" + b"\r\n".join(lines) + b"\r\n=yend size=512 crc32=%08x\r\n" % binascii.crc32(data)
    mime("yenc", "A yEnc file in the text.", "yEnc draft 1.3", yenc, ["yenc-found"], {"attachments": [attachment("1#1", "bytes.bin", data)]}, kind="Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n")
    mime("yenc-damaged", "A yEnc file whose CRC does not fit.", "yEnc draft 1.3", re.sub(rb"crc32=........", b"crc32=00000000", yenc), ["yenc-found", "yenc-damaged"], kind="Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n")


def charsets():
    def text(name, charset, content, words, shows="", how="8bit", anomalies=(), label=None):
        raw = content.encode(charset) if isinstance(content, str) else content
        body = b64(raw) if how == "base64" else raw
        mime("charset-" + name, shows or f"A text in {label or charset}.", "RFC 2045 section 5.1", body, anomalies, {"words": words}, kind=f"Content-Type: text/plain; charset={label or charset}\nContent-Transfer-Encoding: {how}\n")

    text("koi8-r", "koi8-r", "Счёт за перевалку груза\n", ["перевалку", "груза"])
    text("windows-1251", "windows-1251", "Счёт за перевалку\n", ["перевалку"])
    text("iso-2022-jp", "iso-2022-jp", "請求書を送ります\n", ["請求書"], how="7bit")
    text("shift-jis", "shift_jis", "請求書を送ります\n", ["請求書"])
    text("euc-kr", "euc-kr", "송장을 보냅니다\n", ["송장을"])
    text("gb18030", "gb18030", "发票已经寄出\n", ["发票"], how="base64")
    text("big5", "big5", "發票已經寄出\n", ["發票"], how="base64")
    text("windows-1256", "windows-1256", "الفاتورة الجديدة\n", ["الفاتورة"])
    text("iso-8859-8", "iso-8859-8", "חשבונית חדשה\n", ["חשבונית"])
    text("iso-8859-7", "iso-8859-7", "νέο τιμολόγιο\n", ["τιμολόγιο", "τιμολογιο"])
    text("tis-620", "tis-620", "ใบแจ้งหนี้ใหม่\n", ["ใบแจ้งหนี้"])
    text("windows-1252", "windows-1252", "It\u2019s 50\u20ac \u2013 na\u00efve\n", ["naive", "naïve"])
    text("latin1-means-1252", "windows-1252", "\u201cquoted\u201d word\n", ["quoted"], "Text that says iso-8859-1 and is windows-1252.", label="iso-8859-1")
    text("utf-16", "utf-16-be", "sixteen bits\n", ["sixteen"], "UTF-16 in base64.", "base64", label="utf-16be")
    text("utf-7", "utf-7", "Grüße findme\n", ["findme"], "UTF-7.", "7bit")
    text("unknown", "utf-8", "café findme\n", ["findme"], "A charset that nobody knows.", anomalies=["charset-unknown"], label="x-martian")
    text("invalid", "latin-1", b"caf\xe9 findme\n", ["findme"], "Bytes that are not UTF-8, though it says so.", anomalies=["charset-invalid"], label="utf-8")
    text("ascii-with-8bit", "latin-1", b"caf\xe9 findme\n", ["findme"], "8-bit bytes, though it says us-ascii.", label="us-ascii")
    quirk("words-chinese", "Chinese without blanks: any two characters are found.", "threat E13", body="我们的新账户已经开通\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n", facts={"words": ["新账户", "账户", "开通"]})
    quirk("words-thai", "Thai has no blanks between words.", "threat E13", body="กรุณาโอนเงินเข้าบัญชีใหม่\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n", facts={"words": ["โอนเงิน", "บัญชี"]})
    quirk("words-accents", "Composed and decomposed accents are the same word.", "threat E13", body="re\u0301sume\u0301 na\u00efve\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n", facts={"words": ["résumé", "resume", "naive"]})
    quirk("words-turkish", "Capital I with a dot.", "threat E13", body="nach İSTANBUL gereist\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n", facts={"words": ["istanbul"]})
    quirk("words-long", "A digest, an address of 88 bytes and a URL are found whole.", "threat E13", body="sha " + "ab" * 32 + "\n" + "n" * 70 + "@mail.example.org wrote http://www.example.org/a/b?c=d&e=f#g\n", facts={"words": ["ab" * 32, "n" * 70 + "@mail.example.org", "http://www.example.org/a/b?c=d&e=f#g", "www.example.org"]})
    quirk("words-very-long", "A token of 5,000 bytes can still be searched.", "threat E13", body="z" * 5000 + " after\n", facts={"words": ["after", "z" * 5000]})
    quirk("words-phrase", "A phrase runs over line ends.", "issue: phrases", body="please pay the new\naccount today\n", facts={"words": ["pay the new account today"], "not_words": ["new account tomorrow"]})


def hidden():
    page = lambda name, text, words, shows, anomalies=(), **more: mime("html-" + name, shows, "HTML", text, anomalies, {"words": words} | more, kind="Content-Type: text/html; charset=utf-8\n")
    page("inline-tags", "<p>pass<b>wo</b>rd and <i>un</i>break&shy;able</p>\n", ["password", "unbreakable"], "Inline tags and soft hyphens do not cut words.")
    page("blocks", "<p>one</p><p>two</p><td>three</td><td>four</td>five<br>six\n", ["one", "two", "three", "four", "five", "six"], "Blocks, cells and line breaks do cut them.", not_words=["onetwo", "fivesix"])
    page("entities", "<p>caf&eacute; &#x41;&#66;C &amp; R&D &notanentity; 1&lt;2</p>\n", ["café", "ABC"], "Entities.")
    page("display-none", "<p>shown</p><div style=\"display:none\">lurking</div><span style='font-size:0px'>tiny</span>\n", ["shown", "lurking", "tiny"], "Text that is not shown is found, and marked.", ["hidden-text"])
    page("comment-script", "<p>shown</p><!-- note --><script>var x = 'code';</script><style>p{color:red}</style>\n", ["shown"], "Comments, scripts and styles are no text of the page.")
    page("unclosed", "<p>one <b>two <a href=\"http://x.example/\">three\n", ["one", "two", "three"], "Tags that are never closed.")
    page("zero-width", "<p>pass\u200bword</p>\n".encode().decode("latin-1"), ["password"], "A zero-width blank inside a word.")
    page("links", "<a href=\"https://evil.example/login?x=1\">https://bank.example/</a><img src=\"http://track.example/p.gif\" alt=\"picture words\">\n", ["bank.example"], "The link goes elsewhere than it says; nothing is fetched.")
    page("charset-in-meta", "<meta charset=\"utf-8\"><p>gr\u00fc\u00dfe</p>\n".encode().decode("latin-1"), ["grüße"], "The charset in the page agrees with the header.")
    mime("pgp-mime", "Encrypted mail: counted, hashed, listed as not searchable.", "RFC 3156", parts(("Content-Type: application/pgp-encrypted\n", "Version: 1"), ("Content-Type: application/octet-stream\n", "-----BEGIN PGP MESSAGE-----\n\nhQEMA0\n=abcd\n-----END PGP MESSAGE-----")), ["encrypted"], {"not_indexed": ["encrypted"]}, kind='Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b1"\n')
    mime("pgp-inline", "Encrypted text in a plain message.", "RFC 4880", "-----BEGIN PGP MESSAGE-----\n\nhQEMA0\n=abcd\n-----END PGP MESSAGE-----\n", ["encrypted"], kind=TEXT)
    mime("smime", "Encrypted by S/MIME.", "RFC 8551", b64(b"0\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x03" + bytes(40)), ["encrypted"], {"not_indexed": ["encrypted"]}, kind='Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\nContent-Transfer-Encoding: base64\n')
    mime("signed", "A signed message is readable.", "RFC 1847", parts((TEXT, "signed words"), ("Content-Type: application/pgp-signature; name=\"s.asc\"\n", "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----")), (), {"words": ["signed"], "not_anomalies": ["encrypted"]}, kind='Content-Type: multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256; boundary="b1"\n')


def names():
    def named(name, disposition, claimed, shows, anomalies=(), extra="", data=PDF, source="RFC 2183"):
        head = f"Content-Type: application/octet-stream{extra}\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; {disposition}\n"
        mime("name-" + name, shows, source, parts((TEXT, "Hello."), (head, b64(data).rstrip("\n"))), anomalies, {"attachments": [attachment("2", claimed, data)]})

    named("plain", "filename=a.pdf", "a.pdf", "A name without quotes.")
    named("folded", "filename=\n \"b.pdf\"", "b.pdf", "A name on the line after its `=`.")
    named("rfc2231", "filename*=utf-8''%e2%82%ac%20rates.pdf", "€ rates.pdf", "An encoded name.", source="RFC 2231")
    named("apostrophe", "filename*=utf-8''O'Brien.pdf", "O'Brien.pdf", "An apostrophe in an encoded name.", source="RFC 2231")
    named("continued", "filename*0=\"long-\";\n filename*1=\"name\";\n filename*2=\".pdf\"", "long-name.pdf", "A name in three pieces.", source="RFC 2231")
    named("continued-order", "filename*1=\"name\";\n filename*0=\"long-\";\n filename*2=\".pdf\"", "long-name.pdf", "The pieces in another order.", source="RFC 2231")
    named("continued-encoded", "filename*0*=utf-8''caf%C3%A9;\n filename*1=\"-menu.pdf\"", "café-menu.pdf", "Encoded and plain pieces together.", source="RFC 2231")
    named("encoded-word", 'filename="=?utf-8?Q?caf=C3=A9.pdf?="', "café.pdf", "An encoded word as a name: not legal, but what everybody writes.", source="RFC 2047 section 5")
    named("conflict", "filename=\"harmless.txt\";\n filename*=utf-8''evil.exe", "evil.exe", "Two names that differ.", ["parameter-conflict"], source="RFC 2231")
    named("in-type-only", "size=3", "t.pdf", "The name stands in the Content-Type.", extra='; name="t.pdf"', source="RFC 2045")
    named("path", 'filename="../../etc/passwd"', "../../etc/passwd", "A name that is a path: kept as claimed, never used as one.", source="threat E6")
    named("backslashes", 'filename="C:\\\\Windows\\\\x.exe"', "C:\\Windows\\x.exe", "Backslashes in quotes.", source="threat E6")
    named("device", 'filename="CON.txt"', "CON.txt", "The name of a device.", source="threat E6")
    named("long", f'filename="{"n" * 300}.pdf"', "n" * 300 + ".pdf", "A name of 304 bytes.", source="threat E6")
    named("empty", 'filename=""', "", "An empty name.")
    named("formula", 'filename="=cmd|calc.csv"', "=cmd|calc.csv", "A spreadsheet formula.", source="threat E2")
    named("newline", "filename*=utf-8''a%0Ab%20%20.txt", "a\nb  .txt", "A line feed that would forge a line of a sums file.", source="threat E5")
    named("bidi", "filename*=utf-8''invoice%E2%80%AEfdp.exe", "invoice\u202efdp.exe", "A right-to-left override in the name.", source="threat E7")
    two = filed("attachment", 'filename="same.pdf"')
    mime("name-twice", "Two attachments with one name and other bytes, and one of them twice.", "threat E6", parts(two, filed("attachment", 'filename="same.pdf"', PDF + b"!"), two), (), {"attachments": [attachment("1", "same.pdf", PDF), attachment("2", "same.pdf", PDF + b"!"), attachment("3", "same.pdf", PDF)]})
    mime("attached-text", "An attached text is an attachment, and its words are found.", "RFC 2183", parts((TEXT, "Hello."), ("Content-Type: text/plain; charset=us-ascii; name=\"n.txt\"\nContent-Disposition: attachment; filename=\"n.txt\"\n", "attached walrus")), (), {"attachments": [attachment("2", "n.txt", b"attached walrus")], "words": ["walrus"]})
    mime("inline-image", "A picture inside the text.", "RFC 2183", parts((TEXT, "Hello."), ("Content-Type: image/png\nContent-Transfer-Encoding: base64\nContent-ID: <p@example.org>\nContent-Disposition: inline\n", b64(png(2, 2, (1, 2, 3))).rstrip("\n"))), (), {"attachments": [attachment("2", "", png(2, 2, (1, 2, 3)))]})
    mime("whole-body", "The whole message is an attachment.", "RFC 2045", b64(PDF), (), {"attachments": [attachment("1", "w.pdf", PDF)]}, kind='Content-Type: application/pdf; name="w.pdf"\nContent-Transfer-Encoding: base64\n')
    locked = bytearray(zip_stored([("secret.txt", b"hidden")]))
    locked[6] |= 1
    mime("zip-encrypted", "An encrypted zip.", "threat E15", parts((TEXT, "Hello."), filed("attachment", 'filename="locked.zip"', bytes(locked), "application/zip")), (), {"attachments": [attachment("2", "locked.zip", bytes(locked))]})


def add():
    structure()
    children()
    encodings()
    charsets()
    hidden()
    names()
