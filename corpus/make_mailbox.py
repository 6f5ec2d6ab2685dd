#!/usr/bin/env python3
"""Writes corpus/mailbox: a fictional seized mailbox, and corpus/mailbox.facts.json: what is in it.

    corpus/make_mailbox.py [DIR]      DIR is corpus/ by default; the same bytes on every machine

Everything is invented: people, companies, amounts. Domains are under .example, example.com, .net and .org (RFC 2606),
addresses from 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737) and 2001:db8::/32 (RFC 3849).

The story. Nordkai Shipping in Hamburg buys fuel from Harbour Fuels in Felixstowe. In March 2025 Greta Lindqvist, who
pays the invoices, gets mail from accounts@harbourfuels.example: the bank account has changed. The name, the address
and the invoice are right. Only the way is not: the genuine mail comes through smtp.harbourfuels.example, these came
through a rented server, vps-77.cloudpier.example. And in the wastebasket of a colleague lies mail that he had deleted.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from mailkit import *

rng = Rng(2025)
HERE = Path(__file__).resolve().parent
GRETA, HENRIK, JONAS = ("greta.lindqvist@nordkai.example", "henrik.vos@nordkai.example", "jonas.brandt@nordkai.example")
CLAIRE, MALLORY, LIST = ("accounts@harbourfuels.example", "v.mallory@freemail.example.com", "seaways@lists.seaways.example.org")


class Mail:
    """One message: its bytes with LF, and the truth about it."""

    def __init__(self, raw, sent, delivered, sender, hops, envelope):
        self.raw, self.sent, self.delivered, self.sender, self.hops, self.envelope = raw, sent, delivered, sender, hops, envelope


# ---------------------------------------------------------------------------------------------- bodies


def plain(text, charset="us-ascii", how="7bit"):
    """Headers and bytes of a text part."""
    data = text.encode({"us-ascii": "ascii"}.get(charset, charset))
    body = {"7bit": lambda: data, "8bit": lambda: data, "quoted-printable": lambda: qp(data).encode(), "base64": lambda: b64(data).encode()}[how]()
    return f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {how}\n", body


def html(text, charset="utf-8"):
    return f"Content-Type: text/html; charset={charset}\nContent-Transfer-Encoding: quoted-printable\n", qp(text.encode(charset)).encode()


def attached(kind, name, data, how="attachment", extra=""):
    head = f"Content-Type: {kind}; name=\"{name}\"\nContent-Transfer-Encoding: base64\nContent-Disposition: {how}; filename=\"{name}\"\n{extra}"
    return head, b64(data).encode()


def multipart(kind, parts, preamble=""):
    boundary = f"=_{rng.token(24)}"
    out = preamble.encode()
    for head, body in parts:
        out += f"--{boundary}\n{head}\n".encode() + body
        if not body.endswith(b"\n"):
            out += b"\n"
        out += b"\n" if kind.startswith("alternative") else b""
    return f"Content-Type: multipart/{kind};\n boundary=\"{boundary}\"\n", out + f"--{boundary}--\n".encode()


def invoice(number, day, amount, iban):
    return pdf(["HARBOUR FUELS LTD", "Dock Road 4, Felixstowe", "", f"INVOICE {number}", f"Date {day}", "To: Nordkai Shipping GmbH, Hamburg",
                f"Marine gas oil, m.v. Solveig      EUR {amount}", "", f"Please pay within 14 days to {iban}"])


OLD_IBAN, NEW_IBAN = "GB00 EXMP 2000 0100 0000 11", "GB00 EXMP 7700 0900 0000 77"
INVOICE = invoice("HF-2025-0117", "2025-01-17", "48,312.50", OLD_IBAN)
FORGED = invoice("HF-2025-0302", "2025-03-02", "61,940.00", NEW_IBAN)
LOGO = png(24, 12, (0, 62, 120))
MANIFEST = zip_stored([("manifest.csv", b"container,port,weight_kg\nNKSU4710011,Felixstowe,21400\nNKSU4710027,Le Havre,19850\n"), ("readme.txt", b"Cargo manifest of m.v. Solveig, voyage 25-07\n")])


# ---------------------------------------------------------------------------------------------- ways in


def arrive(ts, helo, rdns, ip, sender, to, tls=True):
    """The last two hops of everything that comes to Nordkai from outside: Postfix, then Dovecot LMTP."""
    zone = hamburg(ts)
    return [lmtp(rng, ts + 1, zone, "mx1.nordkai.example", "192.0.2.10", "mail.nordkai.example", sender, to),
            postfix(rng, ts, zone, helo, rdns, ip, "mx1.nordkai.example", to, tls)]


def way_harbour(ts, sender, to):
    host = "smtp.harbourfuels.example"
    return arrive(ts, host, host, "198.51.100.20", sender, to) + [
        exim(rng, ts - 2, london(ts), None, "198.51.100.33", "claire-pc.harbourfuels.example", host, sender, to)]


def way_forged(ts, sender, to):
    """Straight from the rented server, without TLS, with a hop made up below: its id is one of 17 January."""
    fake = exim(rng, ts - 40, 0, None, "198.51.100.33", "claire-pc.harbourfuels.example", "smtp.harbourfuels.example", sender, to,
                ident=digits(utc(2025, 1, 17, 9, 12, 40), BASE62, 6) + "-00000000Bz7-3yWq")
    return arrive(ts, "smtp.harbourfuels.example", "vps-77.cloudpier.example", "203.0.113.77", sender, to, tls=False) + [fake]


def way_inside(ts, sender, to, pc="192.0.2.50"):
    zone = hamburg(ts)
    return [lmtp(rng, ts + 1, zone, "mail.nordkai.example", "192.0.2.11", "mail.nordkai.example", sender, to),
            postfix(rng, ts, zone, f"pc-{sender.split('@')[0].split('.')[0]}.nordkai.example", None, pc, "mail.nordkai.example", to, True, sender.split("@")[0])]


def way_m365(ts, sender, to):
    a, b = "PA4PR07MB7311.eurprd07.prod.outlook.example.com", "PA4PR07MB5090.eurprd07.prod.outlook.example.com"
    out, gate = "EUR05-AM6-obe.outbound.protection.outlook.example.com", "AM0EUR05FT042.mail.protection.outlook.example.com"
    return arrive(ts, out, "mail-am6eur05on2077.outbound.protection.outlook.example.com", "2001:db8:111:f400::77", sender, to) + [
        m365(rng, ts - 2, a, "2001:db8:102a:1c4::9", b, "2001:db8:102a:2d1::12"),
        m365(rng, ts - 3, a, "fe80::7c1b:1f44:9a01:2c3d", a, "fe80::7c1b:1f44:9a01:2c3d%5", "mapi")]


def way_gmail(ts, sender, to):
    host = "mail-ej1-f42.freemail.example.com"
    return arrive(ts, host, host, "2001:db8:4864:20::62a", sender, to) + [gmail_so(rng, ts - 1, host, to)]


def way_sendmail(ts, sender, to):
    host = "relay.neva-cargo.example"
    return arrive(ts, host, host, "203.0.113.20", sender, to) + [
        sendmail(rng, ts - 5, 180, "sokolov-nb", "dsl-14.neva-net.example.net", "203.0.113.141", host, to, forged=True)]


def way_qmail(ts, sender, to):
    host = "mail.yokohama-agency.example"
    return arrive(ts, host, host, "198.51.100.90", sender, to) + qmail(rng, ts - 4, None, "tanaka-desk", "198.51.100.97", host, 89)


def way_domino(ts, sender, to):
    host = "notes.huangpu-lines.example"
    return arrive(ts, host, None, "203.0.113.160", sender, to) + [domino(rng, ts - 3, 480, "lw-0042.huangpu-lines.example", "192.0.2.201", host)]


def way_filtered(ts, sender, to):
    """Postfix with a content filter; used by the smaller agencies."""
    domain = sender.split("@")[1]
    host, ip = f"mail.{domain}", f"203.0.113.{100 + sum(map(ord, domain)) % 40}"
    zone = {"piraeus-bunkers.example": athens(ts), "portsaid-agency.example": 120, "haifa-freight.example": 120, "laemchabang.example": 420}.get(domain, 60)
    return arrive(ts, host, host, ip, sender, to) + amavis(rng, ts - 2, zone, host) + [
        postfix(rng, ts - 4, zone, "[192.0.2.200]", None, "198.51.100." + str(120 + len(domain)), host, None, True, sender.split("@")[0], ("", ""))]


def way_list(ts, sender, to):
    host = "lists.seaways.example.org"
    return arrive(ts, host, host, "192.0.2.130", "seaways-bounces@" + host, to) + [
        pickup(rng, ts - 6, 0, host, 38), postfix(rng, ts - 30, 0, "mx." + sender.split("@")[1], "mx." + sender.split("@")[1], "203.0.113.9", host, LIST)]


def way_none(ts, sender, to):
    return []


# ---------------------------------------------------------------------------------------------- messages

IDS = {}


def mail(ts, sender, to, subject, content, way, zone=None, name=None, cc=None, reply=None, key=None, top="", extra="", when="", mid="", order=None, lag=6):
    """Puts a message together. `sender` and `to` are addresses, `name` and `subject` go in as they are."""
    head, body = content
    zone = hamburg(ts) if zone is None else zone
    hops = way(ts + lag, sender, to)
    domain = sender.split("@")[1]
    mid = mid or f"<{rng.token(8, '0123456789ABCDEF')}.{ts % 10**7}@{domain}>"
    if key:
        IDS[key] = mid
    path = f"Return-Path: <{sender}>\nDelivered-To: {to}\n" if hops else ""
    lines = [f"From: {name} <{sender}>\n" if name else f"From: {sender}\n", f"To: {to}\n"]
    lines += [f"Cc: {cc}\n"] if cc else []
    lines += [f"Subject: {subject}\n", f"Date: {when or date(ts, zone)}\n", f"Message-ID: {mid}\n"]
    lines += [f"In-Reply-To: {IDS[reply]}\nReferences: {IDS[reply]}\n"] if reply else []
    trace = "".join(h.text for h in hops)
    text = path + top + (trace if order is None else "") + "".join(lines) + (trace if order else "") + extra + "MIME-Version: 1.0\n" + head + "\n"
    return Mail(text.encode("latin-1") + body, ts, ts + lag + 1, sender, hops, sender)


def raw8(text, charset):
    """Bytes of a charset as a str that `mail` writes back unchanged."""
    return text.encode(charset).decode("latin-1")


def ascii_text(text):
    return plain(text.strip("\n") + "\n")


def greta_box():
    """Greta's inbox on the server."""
    out = []
    add = lambda *a, **k: out.append(mail(*a, **k))
    sign = "\n-- \nClaire Moreau, Accounts\nHarbour Fuels Ltd, Dock Road 4, Felixstowe\n"
    harbour = dict(name="Claire Moreau", key=None)
    add(utc(2025, 1, 9, 8, 31), HENRIK, GRETA, "Payments in the new year", ascii_text("Greta,\n\nfrom this year every payment over EUR 25,000 needs two signatures: yours and mine.\nNo exceptions for suppliers we know.\n\nHenrik\n"), way_inside, name="Henrik Vos", key="rule")
    add(utc(2025, 1, 17, 9, 12, 30), CLAIRE, GRETA, "Invoice HF-2025-0117", multipart("mixed", [ascii_text(f"Dear Greta,\n\nplease find attached our invoice HF-2025-0117 for the bunkering of m.v. Solveig.\nOur bank details have not changed: {OLD_IBAN}.\n\nKind regards\nClaire{sign}"), attached("application/pdf", "HF-2025-0117.pdf", INVOICE)]), way_harbour, zone=0, key="hf117", name="Claire Moreau")
    add(utc(2025, 1, 21, 14, 2), CLAIRE, GRETA, "Re: Invoice HF-2025-0117", ascii_text(f"Dear Greta,\n\nthank you, the money has arrived. See you in Felixstowe in May.\n\nClaire{sign}"), way_harbour, zone=0, name="Claire Moreau", reply="hf117")
    add(utc(2025, 2, 3, 7, 45), "amelie.fournier@agencehavre.example", GRETA, word("Arrivée du Solveig à quai", "iso-8859-1", "Q"), plain("Chère Greta,\n\nle Solveig est arrivé ce matin à sept heures, quai de l'Europe.\nLe déchargement commencera après le déjeuner; les dockers ont été prévenus.\nVous trouverez ci-joint le relevé dès demain.\n\nBien à vous,\nAmélie Fournier\n", "iso-8859-1", "quoted-printable"), way_m365, zone=60, name=word("Amélie Fournier", "utf-8"), key="havre", extra="Thread-Topic: =?iso-8859-1?Q?Arriv=E9e_du_Solveig?=\nX-MS-Has-Attach: \n")
    add(utc(2025, 2, 4, 9, 2), "amelie.fournier@agencehavre.example", GRETA, word("Relevé du Solveig", "utf-8"), multipart("mixed", [multipart("alternative", [plain("Ci-joint le relevé et le manifeste.\nAmélie\n", "utf-8", "quoted-printable"), html("<html><body><p>Ci-joint le <b>relev&eacute;</b> et le mani<i>feste</i>.</p><p>Am&eacute;lie</p></body></html>\n")]), attached("application/zip", "manifeste.zip", MANIFEST), attached("image/png", "logo.png", LOGO, "inline", "Content-ID: <logo@agencehavre.example>\n")]), way_m365, zone=60, name=word("Amélie Fournier", "utf-8"), reply="havre")
    add(utc(2025, 2, 6, 6, 20), "sokolov@neva-cargo.example", GRETA, word("Счёт за перевалку груза", "koi8-r"), plain("Уважаемая Грета,\n\nконтейнеры прибыли в Санкт-Петербург без повреждений.\nСчёт за перевалку груза вышлем в понедельник.\n\nС уважением,\nДмитрий Соколов\n", "koi8-r", "8bit"), way_sendmail, zone=180, name=word("Дмитрий Соколов", "koi8-r"), key="neva")
    add(utc(2025, 2, 10, 1, 15), "tanaka@yokohama-agency.example", GRETA, word("コンテナの積み込みについて", "iso-2022-jp"), plain("リンドクヴィスト様\n\nいつもお世話になっております。\nコンテナの積み込みは予定通り完了しました。\n請求書は来週お送りします。\n\n田中由紀\n", "iso-2022-jp", "7bit"), way_qmail, zone=540, name=word("田中由紀", "iso-2022-jp"))
    add(utc(2025, 2, 12, 3, 40), "liwei@huangpu-lines.example", GRETA, word("集装箱运费报价", "gb18030"), plain("格蕾塔女士：\n\n上海至汉堡的集装箱运费报价如下：四十英尺柜每个一千八百欧元。\n报价有效期至三月底。\n\n李伟\n", "gb18030", "base64"), way_domino, zone=480, name=word("李伟", "gb18030"))
    add(utc(2025, 2, 13, 10, 5), "layla@portsaid-agency.example", GRETA, word("وصول السفينة إلى بورسعيد", "utf-8"), plain("السيدة غريتا،\n\nوصلت السفينة إلى بورسعيد هذا الصباح، وستعبر القناة غدا.\nرسوم القناة مدفوعة.\n\nليلى حداد\n", "windows-1256", "quoted-printable"), way_filtered, zone=120, name="Layla Haddad")
    add(utc(2025, 2, 14, 9, 0), "noa@haifa-freight.example", GRETA, word("משלוח לחיפה", "iso-8859-8"), plain("גרטה שלום,\n\nהמשלוח הגיע לחיפה ושוחרר מהמכס.\nהחשבונית תישלח מחר.\n\nנועה\n", "iso-8859-8", "8bit"), way_filtered, zone=120, name="Noa Ben-David")
    add(utc(2025, 2, 17, 4, 30), "somchai@laemchabang.example", GRETA, word("ใบแจ้งหนี้ค่าขนส่ง", "utf-8"), plain("เรียน คุณเกรตา\n\nตู้คอนเทนเนอร์ถึงท่าเรือแหลมฉบังแล้ว\nใบแจ้งหนี้ค่าขนส่งจะส่งให้สัปดาห์หน้า\n\nสมชาย\n", "tis-620", "base64"), way_filtered, zone=420, name="Somchai")
    add(utc(2025, 2, 18, 8, 10), "eleni@piraeus-bunkers.example", GRETA, word("Τιμή καυσίμων Πειραιάς", "iso-8859-7"), plain("Αγαπητή Γκρέτα,\n\nη τιμή των καυσίμων στον Πειραιά είναι σήμερα 612 ευρώ ο τόνος.\nΗ προσφορά ισχύει ως την Παρασκευή.\n\nΕλένη Παπαδάκη\n", "iso-8859-7", "quoted-printable"), way_filtered, zone=120, name=word("Ελένη Παπαδάκη", "iso-8859-7"))
    add(utc(2025, 2, 20, 10, 22), JONAS, GRETA, word("Liegeplätze Köhlbrand, Überstunden", "utf-8"), plain("Hallo Greta,\n\ndie Liegeplätze am Köhlbrand sind ab Montag wieder frei. Die Überstunden der Mannschaft\nschicke ich dir bis Freitag; bitte prüfe die Zuschläge für Größe und Gewicht.\n\nGrüße aus dem Büro\nJonas\n", "utf-8", "8bit"), way_inside, name="Jonas Brandt", key="koehlbrand")
    add(utc(2025, 2, 24, 9, 5), CLAIRE, GRETA, "Statement February", ascii_text(f"Dear Greta,\n\nnothing is open on your account. The next delivery is planned for 1 March.\n\nClaire{sign}"), way_harbour, zone=0, name="Claire Moreau")
    # The fraud
    add(utc(2025, 3, 4, 9, 58, 12), CLAIRE, GRETA, "Invoice HF-2025-0302 and new account details", multipart("mixed", [multipart("alternative", [plain(f"Dear Greta,\n\nplease find attached our invoice HF-2025-0302.\nKindly note our new account details: {NEW_IBAN}.\nOur old account is being audited and cannot take money at the moment.\n\nKind regards\nClaire\n"), html(f"<html><body><p>Dear Greta,</p><p>please find attached our invoice HF-2025-0302.<br>Kindly note our <b>new ac</b>count details: {NEW_IBAN}.</p><div style=\"display:none\">campaign cp77 recipient greta batch three</div><p style=\"font-size:0\">approved payment authorised</p><p>Kind regards<br>Claire</p></body></html>\n")]), attached("application/pdf", "HF-2025-0302.pdf", FORGED)]), way_forged, zone=0, name="Claire Moreau", key="f1", when="Mon, 4 Mar 2025 09:58:12 +0000")
    add(utc(2025, 3, 5, 13, 20), CLAIRE, GRETA, "Re: Invoice HF-2025-0302 and new account details", ascii_text(f"Dear Greta,\n\nhave you been able to look at this? The new account details are binding from today.\n\nClaire\n"), way_forged, zone=0, name="Claire Moreau", reply="f1", extra="Reply-To: accounts@harbour-fuels.example\n")
    add(utc(2025, 3, 6, 8, 45), HENRIK, GRETA, "Harbour Fuels", ascii_text("Greta,\n\nI am in meetings all day. Please pay Harbour Fuels today, I will sign when I am back.\n\nHenrik\n\nSent from my phone\n"), way_forged, name="Henrik Vos", key="boss", extra="Reply-To: henrik.vos@nordkai-shipping.example\n")
    add(utc(2025, 3, 7, 15, 2), CLAIRE, GRETA, "Payment received?", ascii_text("Dear Greta,\n\nour bank has not seen your payment of EUR 61,940.00 yet.\nThe container will not be released before.\n\nClaire\n"), way_forged, zone=0, name="Claire Moreau", reply="f1", order=True)
    add(utc(2025, 3, 11, 10, 30), CLAIRE, GRETA, "Thank you", ascii_text("Dear Greta,\n\nthe payment has arrived on the new account. Please use it from now on.\n\nClaire\n"), way_forged, zone=0, name="Claire Moreau", reply="f1")
    # and what follows
    add(utc(2025, 3, 25, 9, 15), CLAIRE, GRETA, "Reminder: invoice HF-2025-0301 is overdue", multipart("mixed", [ascii_text(f"Dear Greta,\n\nour invoice HF-2025-0301 of 1 March is still open. Did you get it?\nI have never sent you a number 0302.\n\nClaire{sign}"), attached("application/pdf", "HF-2025-0117.pdf", INVOICE)]), way_harbour, zone=0, name="Claire Moreau", key="overdue")
    add(utc(2025, 3, 25, 11, 40), CLAIRE, GRETA, "Re: Reminder: invoice HF-2025-0301 is overdue", ascii_text(f"Dear Greta,\n\nwe have not changed our account, and nobody audits us. Please call me at once.\n\nClaire{sign}"), way_harbour, zone=0, name="Claire Moreau", reply="overdue")
    original = out[14].raw.split(b"MIME-Version", 1)
    child = wire_less(original)
    add(utc(2025, 3, 25, 13, 5), HENRIK, GRETA, "Fwd: Invoice HF-2025-0302 and new account details", multipart("mixed", [ascii_text("This is the mail I mean. Look at the Received lines: it never saw their server.\n\nHenrik\n"), ("Content-Type: message/rfc822\nContent-Disposition: attachment\n", child), attached("application/pdf", "HF-2025-0302.pdf", FORGED)]), way_inside, name="Henrik Vos", reply="f1")
    add(utc(2025, 3, 26, 8, 0), "kommissariat@polizei.example", GRETA, word("Aktenzeichen 25-4471: Sicherung der Postfächer", "utf-8"), plain("Sehr geehrte Frau Lindqvist,\n\nwir bestätigen den Eingang Ihrer Anzeige. Bitte löschen Sie nichts; die Postfächer werden am 28. März gesichert.\n\nMit freundlichen Grüßen\nKriminalhauptkommissarin Weiß\n", "utf-8", "quoted-printable"), way_filtered, name=word("Kriminalhauptkommissariat Größe", "utf-8"))
    add(utc(2025, 3, 26, 9, 30), "mailer-daemon@mx1.nordkai.example", GRETA, "Undelivered Mail Returned to Sender", dsn(), lambda ts, s, t: [lmtp(rng, ts + 1, 60, "mx1.nordkai.example", "192.0.2.10", "mail.nordkai.example", "", t), Hop(f"Received: by mx1.nordkai.example (Postfix)\n\tid {postfix_id(ts, rng)}; {date(ts, 60, 'CET')}\n", ["mx1.nordkai.example"], [], ts)], name="Mail Delivery System", extra="Auto-Submitted: auto-replied\n")
    out[-1].envelope = ""
    armor = b64(rng.bytes(420), 64)
    add(utc(2025, 3, 27, 16, 12), "weiss@polizei.example", GRETA, "...", multipart('encrypted; protocol="application/pgp-encrypted"', [("Content-Type: application/pgp-encrypted\n", b"Version: 1\n"), ("Content-Type: application/octet-stream; name=\"encrypted.asc\"\n", f"-----BEGIN PGP MESSAGE-----\n\n{armor}=aX3q\n-----END PGP MESSAGE-----\n".encode())]), way_filtered, name="Weiss")
    add(utc(2025, 2, 26, 7, 0), "news@bunkerprices.example.net", GRETA, "Bunker prices of the week", multipart("alternative", [plain("VLSFO Rotterdam 541, Hamburg 549, Felixstowe 557.\n"), html("<html><head><style>.pre{display:none}</style></head><body><span class=\"pre\">Fuel is cheaper this week</span><table><tr><td>Rotter&shy;dam</td><td>541</td></tr><tr><td>Ham<b>burg</b></td><td>549</td></tr></table><img src=\"http://track.bunkerprices.example.net/o.gif?id=77\" width=\"1\" height=\"1\"></body></html>\n")]), way_filtered, name="Bunker Prices", extra="List-Unsubscribe: <https://bunkerprices.example.net/u/77>\nPrecedence: bulk\n")
    # What every working day brings
    ports = ["Felixstowe", "Le Havre", "Rotterdam", "Antwerpen", "Bremerhaven", "Gdynia"]
    for n in range(24):
        ts = utc(2025, 1, 13, 5, 50) + n * 3 * 86400 + rng.below(3000)
        port = ports[n % 6]
        add(ts, JONAS, GRETA, f"Arrivals {civil(ts)[2]:02}.{civil(ts)[1]:02}.: {port}", ascii_text(f"Good morning,\n\nSolveig   ETA {port} {rng.below(24):02}:{rng.below(6)}0, draught {6 + rng.below(4)}.{rng.below(10)} m\nHalvard   ETA {ports[(n + 2) % 6]} {rng.below(24):02}:{rng.below(6)}0, {rng.below(300) + 40} containers\n\nJonas\n"), way_inside, name="Jonas Brandt")
    return out


def wire_less(split):
    """The fraud mail as it is forwarded: from its first Received on."""
    return split[0][split[0].index(b"Received:"):] + b"MIME-Version" + split[1]


def dsn():
    report = "Reporting-MTA: dns; mx1.nordkai.example\nArrival-Date: Wed, 26 Mar 2025 10:29:51 +0100 (CET)\n\nFinal-Recipient: rfc822; accounts@harbour-fuels.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <accounts@harbour-fuels.example>: unknown user\n"
    returned = f"From: Greta Lindqvist <{GRETA}>\nTo: accounts@harbour-fuels.example\nSubject: Who are you?\nDate: Wed, 26 Mar 2025 10:29:50 +0100\nMessage-ID: <5C00F1A2.4490@nordkai.example>\n\nWe know what you did.\n"
    return multipart("report; report-type=delivery-status", [plain("This is the mail system at host mx1.nordkai.example.\n\n<accounts@harbour-fuels.example>: unknown user\n"), ("Content-Type: message/delivery-status\n", report.encode()), ("Content-Type: message/rfc822\n", returned.encode())])


def greta_sent():
    out = []
    add = lambda *a, **k: out.append(mail(*a, **k))
    sig = "\nGreta Lindqvist\nNordkai Shipping, Accounts\n"
    g = dict(name="Greta Lindqvist")
    add(utc(2025, 1, 9, 9, 2), GRETA, HENRIK, "Re: Payments in the new year", ascii_text("Understood.\n" + sig), way_none, reply="rule", **g)
    add(utc(2025, 1, 20, 10, 15), GRETA, CLAIRE, "Re: Invoice HF-2025-0117", multipart("mixed", [ascii_text("Dear Claire,\n\npaid today, EUR 48,312.50.\n" + sig), attached("application/pdf", "HF-2025-0117.pdf", INVOICE)]), way_none, reply="hf117", **g)
    add(utc(2025, 2, 3, 8, 30), GRETA, "amelie.fournier@agencehavre.example", word("Re: Arrivée du Solveig à quai", "utf-8"), plain("Merci Amélie, à demain.\n" + sig, "utf-8", "8bit"), way_none, reply="havre", **g)
    add(utc(2025, 2, 6, 9, 0), GRETA, "sokolov@neva-cargo.example", word("Re: Счёт за перевалку груза", "utf-8"), plain("Спасибо, Дмитрий!\n" + sig, "utf-8", "base64"), way_none, reply="neva", **g)
    add(utc(2025, 2, 20, 11, 0), GRETA, JONAS, "Re: =?utf-8?Q?Liegepl=C3=A4tze_K=C3=B6hlbrand?=", plain("Ja, mache ich. Schöne Grüße!\n" + sig, "iso-8859-15", "quoted-printable"), way_none, reply="koehlbrand", **g)
    add(utc(2025, 3, 4, 11, 30), GRETA, JONAS, "Fwd: Invoice HF-2025-0302 and new account details", multipart("mixed", [ascii_text("Jonas, do you know about this? They have a new bank.\n" + sig), attached("application/pdf", "HF-2025-0302.pdf", FORGED)]), way_none, reply="f1", key="ask", **g)
    add(utc(2025, 3, 6, 9, 10), GRETA, HENRIK, "Re: Harbour Fuels", ascii_text("Done. EUR 61,940.00 to the new account, second signature missing.\n" + sig), way_none, reply="boss", **g)
    add(utc(2025, 3, 25, 10, 0), GRETA, CLAIRE, "Re: Reminder: invoice HF-2025-0301 is overdue", ascii_text("Dear Claire,\n\nbut we paid to your new account on 6 March!\n" + sig), way_none, reply="overdue", **g)
    add(utc(2025, 3, 25, 12, 10), GRETA, HENRIK, "We have been robbed", ascii_text("Henrik,\n\nthere is no new account. Somebody wrote to me in Claire's name.\nThe first mail is from 4 March. I am calling the bank.\n" + sig), way_none, cc=f"Jonas Brandt <{JONAS}>", **g)
    for n in range(9):
        ts = utc(2025, 1, 15, 15, 10) + n * 7 * 86400
        add(ts, GRETA, HENRIK, f"Payment run week {3 + n}", ascii_text(f"Henrik,\n\nplease sign {rng.below(12) + 3} payments, EUR {rng.below(90) + 10},{rng.below(1000):03}.00 in all.\n" + sig), way_none, **g)
    return out


def seaways():
    """A mailing list."""
    out = []
    people = [("Ingrid Solheim", "ingrid@fjordline.example"), ("Paul Okafor", "paul@lagosport.example"), ("Mara Kovač", "mara@adriatic.example"), ("Tom Ashby", "tom@thamesbarge.example")]
    topics = [("Fog on the Elbe", "the pilots stopped work for six hours"), ("Lock closure at Brunsbüttel", "the new lock chamber is closed until Friday"), ("Fake invoices for fuel", "two of our members were asked to pay to a new account"), ("Berth windows in April", "please send your berth windows")]
    for n in range(16):
        topic, text = topics[n // 4]
        name, sender = people[n % 4]
        ts = utc(2025, 2, 25, 7, 3) + n * 90000 + rng.below(9000)
        first = n % 4 == 0
        subject = word("[Seaways] " + topic, "utf-8", "Q") if not topic.isascii() else "[Seaways] " + topic
        body = f"Dear all,\n\n{text}.\nHow is it where you are?\n\n{name}\n" if first else f"On {topic} somebody wrote:\n> {text}\n\nThe same here, since {DAYS[n % 7]}day or so.\n\n{name}\n"
        footer = "_______________________________________________\nSeaways mailing list\nhttps://lists.seaways.example.org/\n"
        extra = f"Precedence: list\nList-Id: Talk of ports and ships <seaways.lists.seaways.example.org>\nList-Unsubscribe: <https://lists.seaways.example.org/options/seaways>\nList-Post: <mailto:{LIST}>\nX-BeenThere: {LIST}\nErrors-To: seaways-bounces@lists.seaways.example.org\n"
        m = mail(ts, sender, GRETA, subject if first else "Re: " + subject, plain(body + footer, "utf-8", "8bit"), way_list, zone=0, name=word(name, "utf-8", "Q") if not name.isascii() else name, reply=None if first else f"sea{n // 4}", key=f"sea{n // 4}" if first else None, extra=extra, lag=40)
        m.raw = m.raw.replace(f"To: {GRETA}\nSubject".encode(), f"To: {LIST}\nSubject".encode())
        m.envelope = "seaways-bounces@lists.seaways.example.org"
        out.append(m)
    return out


def jonas_trash():
    """Jonas' wastebasket: mail with its state in X-Mozilla-Status; `True` where the program had deleted it for good."""
    out = []
    add = lambda gone, *a, **k: out.append((mail(*a, **k), gone))
    j = dict(name="Jonas Brandt")
    v = dict(name="V. Mallory")
    add(False, utc(2025, 1, 14, 12, 0), "canteen@nordkai.example", JONAS, "Menu of the week", ascii_text("Monday: herring. Tuesday: herring. Wednesday: soup.\n"), way_inside, name="Canteen")
    add(True, utc(2025, 2, 11, 20, 14), MALLORY, JONAS, "your debts", ascii_text("Jonas,\n\nyou can go on paying us, or you can help us once. You know who writes the cheques.\n\nV.\n"), way_gmail, zone=pacific(0), key="m1", **v)
    add(True, utc(2025, 2, 12, 21, 2), JONAS, MALLORY, "Re: your debts", multipart("mixed", [ascii_text("What do you need? Attached is a real one, so that yours looks right.\nGreta pays everything from Harbour Fuels without asking.\n"), attached("application/pdf", "HF-2025-0117.pdf", INVOICE)]), way_none, reply="m1", key="m2", **j)
    add(True, utc(2025, 2, 27, 19, 40), MALLORY, JONAS, "when", ascii_text("when is the boss away?\n"), way_gmail, zone=pacific(0), key="m3", **v)
    add(True, utc(2025, 2, 28, 6, 55), JONAS, MALLORY, "Re: when", ascii_text("He flies to Oslo on 6 March. The next invoice is due on 3 March.\nDo not write to this address again.\n"), way_none, reply="m3", **j)
    add(False, utc(2025, 3, 4, 11, 31), GRETA, JONAS, "Fwd: Invoice HF-2025-0302 and new account details", multipart("mixed", [ascii_text("Jonas, do you know about this? They have a new bank.\n\nGreta Lindqvist\nNordkai Shipping, Accounts\n"), attached("application/pdf", "HF-2025-0302.pdf", FORGED)]), way_inside, name="Greta Lindqvist", reply="f1", mid=IDS["ask"])
    add(True, utc(2025, 3, 12, 22, 8), MALLORY, JONAS, "done", ascii_text(f"Your share is on its way. The manual for the server is below, for the next time.\n\n" + uuencode("server.txt", b"host vps-77.cloudpier.example\naddress 203.0.113.77\nset the HELO to smtp.harbourfuels.example\n")), way_gmail, zone=pacific(0), **v)
    add(False, utc(2025, 3, 13, 8, 0), "offers@holidays.example.net", JONAS, word("Urlaub für die ganze Familie!!!", "iso-8859-1", "Q"), html("<html><body><h1>Sonne &amp; Meer</h1><p style=\"color:#ffffff;background-color:#ffffff\">cheap watches casino</p></body></html>\n"), way_filtered, name="=?iso-8859-1?Q?Reiseb=FCro?=")
    add(False, utc(2025, 3, 17, 9, 30), HENRIK, JONAS, "Oslo", ascii_text("Jonas,\n\nhow did you know that I was in Oslo on the 6th?\n\nHenrik\n"), way_inside, name="Henrik Vos")
    return out


def archive_2024():
    """The old mail of the office: mboxrd, with `From ` at the start of lines, quoted and quoted again."""
    out = []
    add = lambda *a, **k: out.append(mail(*a, **k))
    add(utc(2024, 3, 4, 8, 20), HENRIK, "all@nordkai.example", "How to quote prices", ascii_text("Colleagues,\n\nFrom now on prices are quoted in euros.\n>From the old list only the pilot fees remain.\n>>From here on nothing else.\n\nHenrik\n"), way_inside, name="Henrik Vos")
    add(utc(2024, 3, 5, 9, 0), JONAS, "all@nordkai.example", "Re: How to quote prices", ascii_text("All right.\n\nFrom jonas Tue Mar  5 09:00:00 2024 is what the log says.\n\nJonas\n"), way_inside, name="Jonas Brandt")
    yard = png(8, 8, (180, 30, 30))
    quarters = ["Q1", "Q2", "Q3", "Q4"]
    senders = [(CLAIRE, "Claire Moreau", way_harbour, 0), ("amelie.fournier@agencehavre.example", word("Amélie Fournier", "utf-8"), way_m365, 60), ("sokolov@neva-cargo.example", "Dmitri Sokolov", way_sendmail, 180), ("tanaka@yokohama-agency.example", "Yuki Tanaka", way_qmail, 540), ("liwei@huangpu-lines.example", "Li Wei", way_domino, 480), (JONAS, "Jonas Brandt", way_inside, None)]
    for n in range(36):
        sender, name, way, zone = senders[n % 6]
        ts = utc(2024, 4, 2, 7, 10) + n * 7 * 86400 + rng.below(20000)
        ship = ["Solveig", "Halvard", "Freya"][n % 3]
        text = f"Dear colleagues,\n\n{ship} took {rng.below(400) + 80} t of fuel; price {rng.below(90) + 520} EUR a tonne.\nThe {quarters[n * 4 // 36]} figures follow.\n\n{name if name.isascii() else 'Amelie'}\n"
        content = ascii_text(text)
        if n % 7 == 3:
            content = multipart("mixed", [ascii_text(text), attached("image/png", "yard.png", yard), attached("text/plain", "figures.txt", f"{ship} {n}\nbunker delivery note {1000 + n}\n".encode())])
        add(ts, sender, "office@nordkai.example", f"{ship}: fuel and figures {n + 1}", content, way, zone=zone, name=name, key=f"a{n}", reply=f"a{n - 1}" if n % 6 in (1, 2) else None)
    # The same message twice, and another one under its Message-ID.
    out.append(out[9])
    again = mail(utc(2024, 6, 3, 7, 0), CLAIRE, "office@nordkai.example", "Solveig: correction", ascii_text("Dear colleagues,\n\nplease forget the last mail.\n\nClaire\n"), way_harbour, zone=60, name="Claire Moreau", mid=IDS["a6"])
    out.append(again)
    return out


def exported():
    """Single messages that a colleague had saved to disk; CRLF, one with a byte order mark, one odd in many ways."""
    out = []
    ascii_mail = lambda *a, **k: mail(*a, **k)
    out.append(("01-statement.eml", ascii_mail(utc(2024, 12, 20, 10, 0), CLAIRE, HENRIK, "Season's greetings", ascii_text("Dear Henrik,\n\nall paid. Happy Christmas from all of us.\n\nClaire\n"), way_harbour, zone=0, name="Claire Moreau"), True, b""))
    out.append(("02-contract.eml", ascii_mail(utc(2025, 1, 2, 10, 0), HENRIK, CLAIRE, "Contract 2025", multipart("mixed", [ascii_text("Dear Claire,\n\nsigned.\n\nHenrik\n"), attached("application/pdf", "contract.pdf", pdf(["FUEL SUPPLY AGREEMENT 2025", "Harbour Fuels Ltd and Nordkai Shipping GmbH"])), attached("application/pdf", "HF-2025-0117.pdf", INVOICE)], "This is a multi-part message in MIME format.\n"), way_none, name="Henrik Vos"), True, b""))
    out.append(("03-forged-copy.eml", ascii_mail(utc(2025, 3, 10, 9, 1), CLAIRE, HENRIK, "New account details", ascii_text(f"Dear Henrik,\n\nas Greta knows, our new account is {NEW_IBAN}.\n\nClaire\n"), way_forged, zone=0, name="Claire Moreau"), True, b""))
    out.append(("04-bom.eml", ascii_mail(utc(2025, 1, 5, 11, 0), JONAS, HENRIK, "Holidays", ascii_text("I am away from 10 to 14 February.\n\nJonas\n"), way_none, name="Jonas Brandt"), True, b"\xef\xbb\xbf"))
    odd = Mail(f"Received: from freemail.example.com by nordkai.example; Fri, 28 Feb 25 25:61:00 EST\nFrom: \"Harbour Fuels <accounts@harbourfuels.example>\" <v.mallory@freemail.example.com>\nTo: undisclosed-recipients:;\nSubject: =?utf-8?Q?=E2=80=AEtest=E2=80=AC_=1B[2J?=\nMessage-ID: test-without-brackets\n\nA first try, without a date.\n".encode(), None, None, MALLORY, [], MALLORY)
    odd.hops = [Hop("", ["freemail.example.com", "nordkai.example"], [])]
    out.append(("05-odd.eml", odd, False, b""))
    for n in range(11):
        ts = utc(2025, 4, 1, 8, 0) + n * 86400 * 2
        sender, name = [(CLAIRE, "Claire Moreau"), ("weiss@polizei.example", "Weiss"), ("amelie.fournier@agencehavre.example", "Amelie Fournier")][n % 3]
        way = [way_harbour, way_filtered, way_m365][n % 3]
        out.append((f"{10 + n}-april.eml", ascii_mail(ts, sender, HENRIK, f"Follow-up {n + 1}", ascii_text(f"Dear Henrik,\n\nthis is about case 25-4471, point {n + 1}. {['Our lawyers will write to you.', 'Please keep all mail.', 'We were warned in time.'][n % 3]}\n"), way, zone=60, name=name), n % 2 == 0, b""))
    return out


# ---------------------------------------------------------------------------------------------- containers


def rd(raw):
    return re.sub(rb"(?m)^(>*From )", rb">\1", raw)


def maildir_name(m, n, size, flags):
    return f"{m.delivered}.M{rng.below(10**6):06}P{2000 + n}.mail,S={size},W={len(wire(m.raw))}{flags}"


class Folder:
    def __init__(self, root):
        self.root, self.truth, self.containers = root, [], {}

    def put(self, path, data, mails=()):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self.containers[path] = len(mails)
        self.truth += mails


def write(root):
    box = Folder(root)
    inbox, sent, talk = greta_box(), greta_sent(), seaways()
    trash, old, files = jonas_trash(), archive_2024(), exported()
    for folder, mails, validity in (("", inbox, 1735689600), (".Sent", sent, 1735689601), (".Lists.Seaways", talk, 1735689602)):
        base = f"server/greta/Maildir/{folder}".rstrip("/")
        names = []
        for n, m in enumerate(sorted(mails, key=lambda m: m.delivered)):
            new = not folder and n >= len(mails) - 3
            flags = "" if new else rng.pick([":2,S", ":2,S", ":2,RS", ":2,FS"]) if folder != ".Sent" else ":2,S"
            name = maildir_name(m, n, len(m.raw), flags)
            names.append(name.split(":")[0])
            box.put(f"{base}/{'new' if new else 'cur'}/{name}", m.raw, [m])
        lines = [f"3 V{validity} N{len(names) + 1} G{rng.token(32, '0123456789abcdef')}"] + [f"{n + 1} :{name}" for n, name in enumerate(names)]
        box.put(f"{base}/dovecot-uidlist", ("\n".join(lines) + "\n").encode())
        if folder:
            box.put(f"{base}/maildirfolder", b"")
    late = mail(utc(2025, 3, 28, 6, 59, 50), CLAIRE, GRETA, "Re: Reminder: invoice HF-2025-0301 is overdue", ascii_text("Dear Greta,\n\nhave you reached the po"), way_harbour, zone=0, name="Claire Moreau", reply="overdue")
    late.raw = late.raw[:-1]
    box.put(f"server/greta/Maildir/tmp/{late.delivered}.M004711P9999.mail", late.raw, [late])
    box.put("server/greta/Maildir/subscriptions", b"V\t2\n\nSent\nLists\tSeaways\n")
    out = b"".join(f"From {m.envelope or 'MAILER-DAEMON'} {ctime(m.delivered)}\n".encode() + rd(m.raw) + b"\n" for m in old)
    box.put("office/Archive-2024", out, old)
    out = b""
    for m, gone in trash:
        state = f"X-Mozilla-Status: {'0009' if gone else '0001'}\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys:" + " " * 80 + "\n"
        out += wire(f"From - {ctime(m.sent + 3600)}\n".encode() + state.encode() + rd(m.raw) + b"\n")
    box.put("workstation/jonas/Trash", out, [m for m, _ in trash])
    box.put("workstation/jonas/Trash.msf", b"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n< <(a=c)> // (f=iso-8859-1)\n  (80=ns:msg:db:row:scope:dbfolderinfo:all)>\n")
    for name, m, crlf, front in files:
        box.put(f"export/{name}", front + (wire(m.raw) if crlf else m.raw), [m])
    box.put("export/label.txt", b"Exhibit 3. Copied from the desk of Mr Vos, 28 March 2025, 11:40. Nine sheets, one memory stick.\n")
    return box, trash


def truth(box, trash):
    """Counts of top-level messages by definition, from what the generator knows, not from the files."""
    mails = box.truth
    hop = lambda host: sum(any(h == host or h.endswith("." + host) for x in m.hops for h in x.hosts) for m in mails)
    ip = lambda addr: sum(any(i == addr for x in m.hops for i in x.ips) for m in mails)
    span = lambda a, b: sum(m.sent is not None and a <= m.sent < b for m in mails)
    senders = [CLAIRE, GRETA, HENRIK, JONAS, MALLORY, "sokolov@neva-cargo.example"]
    queries = {f"from:{a}": sum(m.sender == a for m in mails) for a in senders}
    queries |= {f"hop:{h}": hop(h) for h in ["cloudpier.example", "vps-77.cloudpier.example", "smtp.harbourfuels.example", "outlook.example.com", "neva-cargo.example", "lists.seaways.example.org", "nordkai.example"]}
    queries |= {f"hop:{i}": ip(i) for i in ["203.0.113.77", "198.51.100.20", "2001:db8:111:f400::77", "127.0.0.1"]}
    queries |= {"date:2025-03": span(utc(2025, 3, 1), utc(2025, 4, 1)), "date:2025-03-01..2025-03-05": span(utc(2025, 3, 1), utc(2025, 3, 5)), "date:2024": span(utc(2024, 1, 1), utc(2025, 1, 1))}
    queries["from:accounts@harbourfuels.example hop:cloudpier.example"] = sum(m.sender == CLAIRE and any("cloudpier" in h for x in m.hops for h in x.hosts) for m in mails)
    queries["anomaly:expunged"] = sum(gone for _, gone in trash)
    whole = {"hop:cloudpier.example": queries["hop:cloudpier.example"] + 1}  # and once inside a forwarded message
    return {"counted": "top-level messages (kind:message)", "messages": len(mails), "children": 2, "undated": sum(m.sent is None for m in mails),
            "containers": dict(sorted((p, n) for p, n in box.containers.items() if n)), "not_mail": sorted(p for p, n in box.containers.items() if not n), "queries": queries, "queries_with_children": whole}


def main():
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    shutil.rmtree(base / "mailbox", ignore_errors=True)
    box, trash = write(base / "mailbox")
    (base / "mailbox.facts.json").write_text(json.dumps(truth(box, trash), indent=1, ensure_ascii=False) + "\n")
    print(len(box.truth), "messages in", base / "mailbox")


if __name__ == "__main__":
    main()
