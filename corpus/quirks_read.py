"""The quirks that hide senders and words from readers: odd address lists, escapes without a label, encoded words without
their padding, names of charsets, ids with comments."""

from make_quirks import *


def people():
    def to(name, shows, value, found, anomalies=("address-form",), source="RFC 5322 section 3.4", **facts):
        quirk("address-" + name, shows, source, list(anomalies), To=value, facts={"to": found} | facts)

    to("quote-open", "A quote that is never closed.", '"Ann Smith <ann@example.org>', ["ann@example.org"], words=["Ann Smith"])
    to("quote-lone", "A quote alone before the address.", '" <ann@example.org>', ["ann@example.org"])
    to("quote-trailing", "A quote behind the name.", 'Ann Smith" <ann@example.org>, "Bob" <bob@example.net>', ["ann@example.org", "bob@example.net"])
    to("quote-open-in-list", "A quote that is never closed, in a list: no address is lost.", '"Ann <ann@example.org>, "Bob" <bob@example.net>, carla@example.com', ["ann@example.org", "bob@example.net", "carla@example.com"])
    to("semicolon-inside", "A semicolon between `<` and `>`.", "Ann <ann@example.org;>", ["ann@example.org"])
    to("smtp-scheme", "The scheme of Exchange before the address.", "Ann <SMTP:ann@example.org>", ["ann@example.org"])
    to("mailto-scheme", "The scheme of links before the address.", "Ann <mailto:ann@example.org>", ["ann@example.org"])
    to("no-break-blank", "A no-break blank in the address.", "Ann <ann@\u00a0example.org>".encode().decode("latin-1"), ["ann@example.org"])
    to("zero-width-blank", "A blank without width in the address.", "Ann <\u200bann@example.org>".encode().decode("latin-1"), ["ann@example.org"])
    to("date-behind", "The tail of a separator line behind the address.", "ann@example.org Thu Sep 19 17:31:10 2013", ["ann@example.org"])
    to("comma-and-comment", "A comma behind the name, and the address in a comment.", "Ann,(<ann@example.org>)", ["Ann", "ann@example.org"])
    to("group-name", "The name of a group with members can be found.", "Plotters: bob@example.net, carla@example.com;", ["bob@example.net", "carla@example.com"], (), words=["Plotters"])
    to("in-comment-open", "A parenthesis that is never closed.", "Ann (home <ann@example.org>, bob@example.net", ["ann@example.org", "bob@example.net"])
    quirk("address-written-at", "An address as Mailman writes it into its archives.", "Mailman practice", ["address-written-at"], From="ann at example.org (Ann Smith)", facts={"from": ["ann@example.org"], "words": ["Ann Smith"]})
    quirk("address-in-encoded-word", "The address stands inside the encoded word.", "RFC 2047 section 5", ["address-in-encoded-word"], From="=?utf-8?q?J=C3=BCrgen_<ann@example.org>?=", facts={"from": ["ann@example.org"], "words": ["J\u00fcrgen"]})


def escapes():
    def jis(text):
        return text.encode("iso-2022-jp").decode("latin-1")

    name = "\u5951\u7d04"
    told = ["charset-by-escapes"]
    quirk("escapes-from", "A sender's name in raw ISO-2022-JP.", "RFC 1468", told, From=jis(name) + " <ann@example.org>", facts={"from": ["ann@example.org"], "words": [name]})
    quirk("escapes-subject", "A subject in raw ISO-2022-JP.", "RFC 1468", told, Subject=jis("\u5951\u7d04\u66f8\u306e\u4ef6"), facts={"subject": "\u5951\u7d04\u66f8\u306e\u4ef6", "words": ["\u5951\u7d04\u66f8"]})
    quirk("escapes-body", "A body in ISO-2022-JP that says nothing of it.", "RFC 1468", told, body=jis("\u5951\u7d04\u66f8\u306e\u4ef6\n"), facts={"words": ["\u5951\u7d04\u66f8"]})
    quirk("escapes-wrong-label", "A body in ISO-2022-JP that says us-ascii.", "RFC 1468", told, body=jis("\u5951\u7d04\u66f8\u306e\u4ef6\n"), mime="Content-Type: text/plain; charset=us-ascii\n", facts={"words": ["\u5951\u7d04\u66f8"]})
    page = '<html><head><meta charset="iso-2022-jp"></head><body>%s</body></html>\n' % jis("\u5951\u7d04\u66f8")
    quirk("escapes-html-meta", "A page in ISO-2022-JP that says so in its meta only.", "RFC 1468", told, body=page, mime="Content-Type: text/html\n", facts={"words": ["\u5951\u7d04\u66f8"]})
    quirk("escapes-kr-body", "A body in ISO-2022-KR that says nothing of it.", "RFC 1557", told, body="\x1b$)C\n\x0e>H3g\x0f x\n", facts={"words": ["\uc548\ub155"]})
    quirk("escapes-hz-body", "A body in HZ that says nothing of it.", "RFC 1843", told, body="~{Dc:C~} x\n", facts={"words": ["\u4f60\u597d"]})
    disposed = 'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="%s.bin"\n' % jis(name)
    quirk("escapes-filename", "The name of an attachment in raw ISO-2022-JP.", "RFC 1468", told, body="\x00\x01", mime=disposed, facts={"attachments": [attachment("1", name + ".bin", b"\x00\x01")]})
    quirk("charset-unstated", "8-bit text without a charset: read, told, and listed as not surely found.", "RFC 2045 section 5.2", ["charset-invalid"], body=b"\xddlk mesaj\n", facts={"words": ["mesaj"], "not_indexed": ["charset-unstated"]})


def encoded():
    def two(charset, first, second):
        return f"=?{charset}?B?{first}?=\n =?{charset}?B?{second}?="

    told = ["encoded-word-invalid"]
    quirk("encoded-word-padding", "Two base64 words, the first without its padding: each is decoded by itself.", "RFC 2047 section 5", told, Subject=two("utf-8", "0KHRh9C10Q", "giDQvdCwINC+0L/Qu9Cw0YLRgw=="), facts={"subject": "\u0421\u0447\u0435\u0442 \u043d\u0430 \u043e\u043f\u043b\u0430\u0442\u0443"})
    quirk("encoded-word-padding-latin", "The same in a charset in which any bytes are text.", "RFC 2047 section 5", told, Subject=two("iso-8859-1", "R3L832UgYQ", "dXMgS/ZsbiB1bmQgTfxuY2hlbg=="), facts={"subject": "Gr\u00fc\u00dfe aus K\u00f6ln und M\u00fcnchen"})
    whole = b64("Gr\u00fc\u00dfe aus K\u00f6ln".encode()).strip()
    quirk("encoded-word-stream", "A base64 stream cut in the middle of a group is joined.", "RFC 2047 section 5", told, Subject=two("utf-8", whole[:9], whole[9:]), facts={"subject": "Gr\u00fc\u00dfe aus K\u00f6ln"})
    quirk("encoded-word-unknown-8bit", "A charset that nobody knows: windows-1252, told and listed.", "RFC 2047", told + ["charset-unknown"], Subject="=?x-unknown?Q?Gr=F6=DFe?=", facts={"subject": "Gr\u00f6\u00dfe", "not_indexed": ["charset-unknown"]})
    quirk("encoded-word-eucgb2312", "A name that programs of old gave to GB 2312.", "RFC 2047", (), Subject="=?eucgb2312_cn?q?=B4=F0=B8=B4=3A_hi?=", facts={"subject": "\u7b54\u590d: hi", "not_anomalies": ["encoded-word-invalid"]})
    for label, codec, text in [
        ("cp50220", "iso-2022-jp", "\u5951\u7d04\u66f8"),
        ("ISO-2022-JP-2", "iso2022_jp_2", "\u5951\u7d04\u66f8 \u4e2d\u6587"),
        ("csWindows31J", "cp932", "\u5951\u7d04\u66f8"),
        ("IBM862", "cp862", "\u05e9\u05dc\u05d5\u05dd"),
        ("windows-950", "big5", "\u5408\u7d04"),
        ("cp874", "tis-620", "\u0e43\u0e1a\u0e41\u0e08\u0e49\u0e07"),
        ("Latin-9", "iso-8859-15", "20 \u20ac \u0153uvre"),
        ("uhc", "cp949", "\uc1a1\uc7a5"),
        ("cp1125", "cp1125", "\u0440\u0430\u0445\u0443\u043d\u043e\u043a \u0457\u0457"),
        ("x-mac-ce", "mac_latin2", "P\u0159\u00edli\u0161"),
    ]:
        words = text.split()
        quirk("charset-name-" + label.lower(), f"Text in a charset that is called {label}.", "IANA character sets, and use", (), body=b64(text.encode(codec)), mime=f"Content-Type: text/plain; charset={label}\nContent-Transfer-Encoding: base64\n", facts={"words": words, "not_anomalies": ["charset-unknown", "charset-invalid"]})


def ids():
    quirk("message-id-comment", "A comment behind the id is no part of it.", "RFC 5322 section 3.6.4", (), Message_ID="<c0@example.org> (added by postmaster@mx.example.net)", facts={"message_id": "<c0@example.org>", "not_anomalies": ["message-id-invalid"]})
    quirk("message-id-text-behind", "Text behind the id: told, and the id taken.", "RFC 5322 section 3.6.4", ["message-id-invalid"], Message_ID="<c1@example.org> added by mx", facts={"message_id": "<c1@example.org>"})


def hidden():
    told = ["invisible-text"]
    quirk("invisible-subject", "A blank without width inside a word of the subject.", "Unicode", told, Subject=word("pass\u200bword", "utf-8"), facts={"words": ["password"]})
    quirk("invisible-body", "Soft hyphens and direction controls inside words of the body.", "Unicode", told, body="geh\u00adeim and in\u202evoice\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n")
    quirk("joiner-in-persian", "A joiner where the script needs it is nothing odd.", "Unicode", (), body="\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\n".encode(), mime="Content-Type: text/plain; charset=utf-8\n", facts={"not_anomalies": told})


def parts_and_files():
    inner, known = base("Inner text capybara.\n", Subject="The inner one", Message_ID="<inner@example.org>", From="Eve <eve@example.com>")
    head = 'Content-Type: application/octet-stream; name="fwd.eml"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="fwd.eml"\n'
    body = f"--b1\nContent-Type: text/plain\n\nSee below.\n--b1\n{head}\n{b64(inner)}--b1--\n"
    quirk("mime-message-in-file", "A mail attached as application/octet-stream is read as a message, and stays a file.", "RFC 2046 section 5.2.1", ["message-in-file"], body=body, mime='Content-Type: multipart/mixed; boundary="b1"\n', facts={"children": ["2"], "attachments": [attachment("2", "fwd.eml", inner)], "child_facts": [{"part": "2", "subject": "The inner one", "from": ["eve@example.com"], "words": ["capybara"], "sha256": sha256(inner), "size": len(inner), "in_message": None}]})
    text = "--b1\nContent-Type: application/octet-stream; name=notes.eml\n\nThese are notes, no mail.\nAnd more.\n--b1--\n"
    quirk("mime-no-message-in-file", "A file that is named like a mail and is none.", "RFC 2046", (), body=text, mime='Content-Type: multipart/mixed; boundary="b1"\n', facts={"children": [], "not_anomalies": ["message-in-file"], "words": ["notes"]})
    twice = 'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="report.txt"; filename="payload.exe"\n'
    quirk("name-doubled", "A name that stands twice: both are found.", "RFC 2183", ["parameter-conflict"], body="\x00\x01", mime=twice, facts={"words": ["report.txt", "payload.exe"]})
    twice = 'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="report.txt"\nContent-Disposition: attachment; filename="payload.exe"\n'
    quirk("disposition-doubled", "A Content-Disposition that stands twice, with two names.", "RFC 2183", ["parameter-conflict"], body="\x00\x01", mime=twice, facts={"words": ["report.txt", "payload.exe"]})
    flowed = "Content-Type: text/plain; charset=us-ascii; format=flowed; delsp=yes\n"
    quirk("flowed-delsp-quoted", "A word that flows over quoted lines is one word.", "RFC 3676 section 4.5", (), body="> see http://corp.example/secr \n> etpath\n>> deeper \n> back\n", mime=flowed, facts={"words": ["secretpath", "deeper", "back"], "not_words": ["deeperback"]})
    quirk("flowed-delsp-stuffed", "The blank of stuffing is no part of a flowed word.", "RFC 3676 section 4.4", (), body="wi \n re\n", mime=flowed, facts={"words": ["wire"]})
    calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Quar\n terly re\n\tview\\nof the budget\nEND:VEVENT\nEND:VCALENDAR\n"
    quirk("calendar-folded", "A word of a calendar that is folded is one word, and an escaped line end parts words.", "RFC 5545 section 3.1", (), body=calendar, mime="Content-Type: text/calendar; charset=utf-8\n", facts={"words": ["Quarterly", "review", "of the budget"], "not_words": ["nof"]})
    payload = 'Content-Type: text/plain; charset=utf-8; hp="clear"\nSubject: Zanzibar transfer\nFrom: Carla <carla@example.com>\nHP-Outer: Subject: [...]\n'
    signed = f'--b1\n{payload}\nPay it.\n--b1\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nMIIB\n--b1--\n'
    quirk("protected-header", "A signed part with a header of its own: subject and sender are found beside the outer ones.", "RFC 9788", ["protected-header-differs"], body=signed, mime='Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=b1\n', facts={"subject": "A quirk", "from": ["ada@example.org", "carla@example.com"], "words": ["Zanzibar transfer", "HP-Outer"]})


def add():
    people()
    escapes()
    encoded()
    ids()
    hidden()
    parts_and_files()
