#!/usr/bin/env python3
"""Writes corpus/search: mailboxes with one trap a mail, and beside each the questions that are asked of it.

    corpus/make_search.py [DIR]       DIR is corpus/ by default; the same bytes on every machine

Each answer is written by hand from what the mail says. `query => ids` names the local parts of the Message-IDs that must be
found and no others; `=> !words` is a mistake whose message holds the words; `=> ids ?words` also tells something.
"""

import base64
import sys
from pathlib import Path

BOXES = {}


class Box:
    def __init__(self, name, shows):
        self.name, self.shows, self.mails, self.lines = name, shows, [], []
        BOXES[name] = self

    def mail(self, key, subject=None, body="", head=(), date="Thu, 20 Nov 2025 08:15:04 +0000", sender="Zed <zed@sender.example>", to="yan@recipient.example"):
        lines = list(head)
        for name, value in (("From", sender), ("To", to), ("Subject", subject), ("Date", date)):
            if value is not None and not any(line.startswith(name + ":") for line in lines):
                lines.append(f"{name}: {value}")
        lines.append(f"Message-ID: <{key}@traps.example>")
        if not any(line.startswith("Content-Type:") for line in lines):
            lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
        self.mails.append("\n".join(lines) + "\n\n" + body + "\n")

    def ask(self, text):
        for line in text.strip().splitlines():
            if line.strip():
                self.lines.append(line.strip())

    def write(self, folder):
        separator = "From zed@sender.example Thu Nov 20 08:15:04 2025\n"
        mbox = "".join(separator + mail + "\n" for mail in self.mails)
        (folder / f"{self.name}.mbox").write_bytes(mbox.encode("utf-8"))
        text = f"# {self.shows}\n" + "\n".join(self.lines) + "\n"
        (folder / f"{self.name}.questions").write_bytes(text.encode("utf-8"))


def word(text):
    return "=?utf-8?B?" + base64.b64encode(text.encode()).decode() + "?="


def parts(*all):
    out = []
    for head, body in all:
        out.append("--b\n" + head + "\n\n" + body + "\n")
    return "".join(out) + "--b--"


MIXED = ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"]

b = Box("words", "Words in every form in which people write them.")
b.mail("hyphen", "plain", "a well-known e-mail about the re-entry")
b.mail("apostrophe", "plain", "we met O'Brien and d'Artagnan, they don\u2019t care")
b.mail("joined", "plain", "obrien sent one email")
b.mail("umlaut", "plain", "Herr M\u00fcller aus K\u00f6ln \u00e4rgert sich \u00fcber die Stra\u00dfe")
b.mail("twoletters", "plain", "Herr Mueller aus Koeln aergert sich ueber die Strasse")
b.mail("decomposed", "plain", "re\u0301sume\u0301 of Zoe\u0308")
b.mail("accents", "plain", "un r\u00e9sum\u00e9 na\u00efve, fa\u00e7ade, \u0141\u00f3d\u017a, sm\u00f8rrebr\u00f8d, \u00c6gir")
b.mail("wide", "plain", "\uff26\uff35\uff2c\uff2c \uff57\uff49\uff44\uff54\uff48 \ufb01nal \u2167")
b.mail("cjk", word("\u6771\u4eac\u90fd\u306e\u5951\u7d04"), "\u6771\u4eac\u90fd\u306b\u3066\u4f1a\u8b70\u3092\u884c\u3046")
b.mail("hangul", "plain", "\uacc4\uc57d\uc11c\ub97c \ubcf4\ub0b4\uc694")
b.mail("thai", "plain", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a")
b.mail("cyrillic", "plain", "\u041f\u0440\u0438\u0432\u0435\u0442, \u0451\u043b\u043a\u0430 \u0438 \u0449\u0443\u043a\u0430")
b.mail("arabic", "plain", "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f \u0648\u0635\u0644")
b.mail("turkish", "plain", "\u0130stanbul ve I\u011fd\u0131r")
b.mail("code", "plain", "C++ and C# and .NET, array[0] = x_total; cost: $1,250.00 (50%)")
b.mail("url", "plain", "see https://files.share.example/a/b.pdf?id=77&x=1#top now")
b.mail("path", "plain", "saved in C:\\Users\\ann\\plan.docx and /home/ann/notes.txt")
b.mail("iban", "plain", "pay DE89 3704 0044 0532 0130 00 today")
b.mail("ibanjoined", "plain", "pay GB82WEST12345698765432 today")
b.mail("card", "plain", "card 4111-1111-1111-1111 of Ann")
b.mail("phone", "plain", "call +49 (170) 555 0199 or 0044 20 7946 0958")
b.mail("long", "plain", "begin " + "x" * 300 + "y end")
b.mail("camel", "plain", "the PowerPoint2007File and myVariableName")
b.mail("invisible", "plain", "the pass\u00adword is zero\u200bwidth")
b.mail("emoji", "plain", "great \U0001f600 party \u2603")
b.mail("numbers", "plain", "order 2024-0815 of 12.03.2024, item 3.14, version 1.2.3")
b.mail("negative", word("Caf\u00e9 \u2013 men\u00fc"), "lunch")
b.ask("""
well-known => hyphen
known => hyphen
"re entry" => hyphen
reentry => ?reentry written apart
variable => ?near myvariablename
e-mail => hyphen joined
"e-mail" => hyphen
email => joined
o'brien => apostrophe joined
O\u2019Brien => apostrophe joined
"O'Brien" => apostrophe
brien => apostrophe
don't => apostrophe
d'artagnan => apostrophe
M\u00fcller => umlaut twoletters
m\u00dcLLER => umlaut twoletters
mueller => umlaut twoletters
koeln => umlaut twoletters
from:mueller => 
"aus Koeln" => umlaut twoletters
ueber => umlaut twoletters
muller => umlaut
K\u00f6ln => umlaut twoletters
\u00fcber => umlaut twoletters
"M\u00fcller aus K\u00f6ln" => umlaut twoletters
M\u00fcl* => umlaut twoletters
strasse => umlaut twoletters
stra\u00dfe => umlaut twoletters
resume => decomposed accents
r\u00e9sum\u00e9 => decomposed accents
zoe => decomposed
naive => accents
facade => accents
lodz => accents
\u0141\u00d3D\u0179 => accents
smorrebrod => accents
aegir => accents
exact:r\u00e9sum\u00e9 => accents
exact:resume => 
exact:M\u00fcller => umlaut
exact:m\u00fcller => 
exact:"Herr M\u00fcller" => umlaut
"full width" => wide
final => wide
\uff46\uff55\uff4c\uff4c => wide
\u6771\u4eac => cjk
\u4eac\u90fd => cjk
\u4f1a\u8b70 => cjk
\u5951 => cjk
subject:\u5951\u7d04 => cjk
body:\u5951\u7d04 => 
\uacc4\uc57d\uc11c* => hangul
\uacc4\uc57d\uc11c\ub97c => hangul
\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 => thai
\u043f\u0440\u0438\u0432\u0435\u0442 => cyrillic
\u0415\u041b\u041a\u0410 => cyrillic
\u0449\u0443\u043a* => cyrillic
\u0645\u062d\u0645\u062f => arabic
istanbul => turkish
igdir => turkish
C++ => path code?left out
c# => path code?left out
exact:C++ => code
exact:C# => code
.NET => code
"x total" => code
x_total => code
$1,250.00 => code?left out
"1 250" => code
50% => code?left out
https://files.share.example/a/b.pdf?id=77&x=1#top => url
files.share.example => url
b.pdf => url
"C:\\\\Users\\\\ann" => path
plan.docx => path
/home/ann/notes.txt => path
DE89370400440532013000 => iban
de89370400440532013000 => iban
"DE89 3704 0044 0532 0130 00" => iban
DE89 3704 0044 0532 0130 00 => iban?one number
GB82WEST12345698765432 => ibanjoined
GB82 WEST 1234 5698 7654 32 => 
"GB82 WEST 1234 5698 7654 32" => ibanjoined
4111111111111111 => card
4111-1111-1111-1111 => card
4111 1111 1111 1111 => card?one number
+491705550199 => phone
"0044 2079460958" => phone
00442079460958 => phone
7946 0958 => phone?one number
xxxxxxxxxx* => long
powerpoint2007file => camel
PowerPoint* => camel
*2007* => camel
myvariablename => camel
*variable* => camel
password => invisible
zerowidth => invisible
party => emoji
\U0001f600 => !no letter or digit
12.03.2024 => numbers
"2024 0815" => numbers
2024-0815 => numbers
3.14 => numbers
1.2.3 => numbers
cafe => negative
menu => negative
subject:caf\u00e9 => negative
!!! => !no letter or digit
"..." => !no letter or digit
reusme => ?near resume
""")

b = Box("patterns", "Wildcards, misspellings, regular expressions, phrases and words near one another.")
b.mail("p1", "Transport report", "The transport of the goods was late; invoice 4711 is attached.")
b.mail("p2", "FW: Re: Porto", "the port of Porto; invoices follow, recieved yesterday")
b.mail("p3", "wire", "please wire the money and then transfer the rest")
b.mail("p4", "wire transfer", "a wire transfer was made")
b.mail("p5", "transfer", "transfer it by wire")
b.mail("p6", "who", "who knows whom and whose")
b.mail("p7", "phrase", "pay me now or pay him later")
b.mail("p8", "received", "we have received it")
b.mail("p9", "near", "alpha one two three omega")
b.mail("p10", "order", "omega alpha")
b.ask("""
invoice => p1
invoice* => p1 p2
in*ice => p1
*voices => p2
*port => p1 p2
po?t => p2
?ort => p2
p?rt? => p2
re?ort => p1
reciev* => p2
"wire tran*" => p4
"the * of" => p1 p2
"pay * now" => p7
"pay *" => p7
"w* transfer" => p4
wh? => p6
who? => p6?one letter
"who?" => p6
whos? => p6
recieve~1 => p2
recieve~2 => p2 p8
received~2 => p2 p8
recieved~1 => p2 p8
invioce~1 => p1
invoic~1 => p1
transprt~1 => p1
subject:/FW/ => p2
Subject:/fw/ => p2
SUBJECT:/^re$/ => p2
subject:/^re/ => p1 p2 p8
/^tran.*rt$/ => p1
/47[0-9]{2}/ => p1
/^\\d{4}$/ => p1
/po(rt|rto)$/ => p1 p2
body:/invoices?/ => p1 p2
subject:/wire transfer/ => !a blank stands in no word
/a-b/ => !stands in no word
/(/ => !cannot be read
/\\s/ => !stands in no word
"wire transfer" => p4
"wire transfer"~0 => p4
"wire transfer"~1 => p4
"transfer wire"~2 => p4 p5
"wire transfer"~4 => p3 p4 p5
wire NEAR/1 transfer => p4
wire NEAR/3 transfer => p4 p5
wire NEAR/5 transfer => p3 p4 p5
wire near/5 transfer => p3 p4 p5
wire w/5 transfer => p3 p4 p5
wire W/3 transfer => p4 p5
wire ADJ/5 transfer => p3 p4
wire PRE/5 transfer => p3 p4
transfer pre/5 wire => p5
wire NEAR transfer => p3 p4 p5
wire ADJ transfer => p3 p4
wire AROUND 3 transfer => p4 p5
wire AROUND(3) transfer => p4 p5
wire ONEAR/5 transfer => p3 p4
body:(wire NEAR/2 (transfer OR money)) => p3 p4
alpha NEAR/3 omega => p10
alpha NEAR/4 omega => p9 p10
alpha ADJ/4 omega => p9
alpha NEAR/2 two NEAR/2 omega => p9
wire NEAR/5 subject:transfer => !same field
wire NEAR/5 NOT transfer => !same field
wire NEAR/0 transfer => !1 to 1000
NEAR transfer => !both sides
wire NEAR => !missing
wire PRE transfer => !PRE/5
"pay me now" => p7
"now me pay" => 
"pay me now"* => p7
wire^2 => !weight
"wire transfer"^3 => !weight
"wire transfer"~ => !number of other words
wire~ => !number of letters
wire~9 => !1 or 2
wire.transfer~1 => !single word
[alpha TO omega] => !behind one
subject:[a TO z] => !no range
""")

b = Box("people", "Senders and recipients as people write them.")
b.mail("dot", "x", "x", sender="Ann Smith <ann.smith@corp.example>", to="bob@other.example")
b.mail("plus", "x", "x", sender="ann+shop@corp.example", to="\"Doe, Jane\" <jane.doe@corp.example>")
b.mail("sub", "x", "x", sender="Carl <carl@mail.corp.example>", head=["Cc: ann.smith@corp.example", "Bcc: hidden@other.example"])
b.mail("evil", "x", "x", sender="ann.smith@corp.example.evil.test")
b.mail("idn", "x", "x", sender="Info <info@b\u00fccher.example>")
b.mail("puny", "x", "x", sender="Info <kontakt@xn--bcher-kva.example>")
b.mail("reply", "x", "x", head=["Reply-To: other@reply.example", "Return-Path: <bounce@list.example>", "Delivered-To: box@own.example"])
b.mail("resent", "x", "x", head=["Resent-From: Rita <rita@again.example>", "Resent-To: tom@again.example", "Sender: secretary@corp.example"])
b.mail("both1", "x", "x", sender="kim@one.example", to="lee@two.example")
b.mail("both2", "x", "x", sender="lee@two.example", to="kim@one.example")
b.mail("umlaut", "x", "x", sender=word("J\u00f6rg M\u00fcller") + " <jm@corp.example>")
b.ask("""
from:ann.smith@corp.example => dot
FROM:Ann.Smith@CORP.example => dot
from:<ann.smith@corp.example> => dot
from:mailto:ann.smith@corp.example => dot
from:corp.example => dot plus sub umlaut
from:@corp.example => dot plus sub umlaut
from:*@corp.example => dot plus sub umlaut
from:mail.corp.example => sub
from:ann.smith => dot evil
from:"ann.smith" => dot evil
from:ann.smith@ => dot evil
from:ann.smith@* => dot evil
from:ann* => dot plus evil
from:ann*@corp.example => dot plus
from:*@*.example => dot plus sub idn puny both1 both2 umlaut reply resent
from:c*@*.corp.example => sub
from:ann+shop@corp.example => plus
from:ann+shop => plus
from:shop => plus
from:"ann smith" => dot evil
from:smith => dot evil
from:(carl OR shop) => plus sub
from:b\u00fccher.example => idn puny
from:xn--bcher-kva.example => idn puny
from:B\u00dcCHER.example => idn puny
from:info@b\u00fccher.example => idn
from:kontakt@b\u00fccher.example => puny
from:kontakt@xn--bcher-kva.example => puny
from:J\u00f6rg => umlaut
from:jorg => umlaut
from:joerg => umlaut
from:"joerg mueller" => umlaut
from:/^car/ => sub
from:smiht~1 => dot evil
to:jane.doe@corp.example => plus
to:"doe jane" => plus
to:jane.doe => plus
cc:ann.smith@corp.example => sub
cc:* => sub
bcc:hidden => sub
bcc:* => sub
recipient:corp.example => plus sub
recipient:ann.smith => sub
participant:ann.smith@corp.example => dot sub
people:rita => resent
sender:rita => resent
sender:secretary => resent
from:secretary => 
recipient:tom => resent
replyto:other@reply.example => reply
reply-to:reply.example => reply
replyto:* => reply
returnpath:bounce => reply
return-path:list.example => reply
deliveredto:box@own.example => reply
recipient:box@own.example => reply
between:kim@one.example,lee@two.example => both1 both2
between:kim,lee => both1 both2
from:kim@one.example to:lee@two.example => both1
kim => both1 both2
header:Reply-To:other@reply.example => reply
header:From:lee => both2
from:kim@one.example,lee@two.example => !from:(kim@one.example OR lee@two.example)
between:kim => !comma
from: kim => both1
from: => !needs a value
from :kim => !colon begins no word
from=kim => !from:kim
frm:kim => !is it `from`
form:kim => !is it `from`
betreff:x => !unknown field
-from:corp.example from:example => sub both1
""".replace("-from:corp.example from:example => sub both1", "-from:@example => evil"))

b = Box("dates", "Dates at the borders of days and zones, and ranges.")
b.mail("d0", "x", "x", date="Thu, 29 Feb 2024 23:59:59 +0000")
b.mail("d1", "x", "x", date="Fri, 01 Mar 2024 00:00:00 +0000")
b.mail("d2", "x", "x", date="Sun, 31 Mar 2024 23:30:00 +0200")
b.mail("d3", "x", "x", date="Sun, 31 Mar 2024 23:30:00 +0000")
b.mail("d4", "x", "x", date="Tue, 31 Dec 2024 23:59:59 +0000")
b.mail("d5", "x", "x", date="Wed, 01 Jan 2025 00:00:00 +0000")
b.mail("d6", "x", "x", date="Wed, 19 Nov 2025 11:00:00 +0000")
b.mail("d7", "x", "x", date="Thu, 20 Nov 2025 08:00:00 +0000")
b.mail("none", "x", "x", date=None)
b.mail("odd", "x", "x", date="sometime last summer")
b.ask("""
date:2024-02-29 => d0
date:2024-03 => d1 d2 d3
date:2024 => d0 d1 d2 d3 d4
date:2024-02-29..2024-03-01 => d0 d1
date:2024-02-29..<2024-03-01 => d0
date:[2024-02-29 TO 2024-03-01] => d0 d1
date:[2024-02-29 TO 2024-03-01} => d0
date:2024-03..2024-12 => d1 d2 d3 d4
date:2024..2024 => d0 d1 d2 d3 d4
date:..2024-02 => d0
date:2025.. => d5 d6 d7
date:[* TO 2024-02-29] => d0
date:>2024-12 => d5 d6 d7
date:>=2024-12-31 => d4 d5 d6 d7
date:<2024-03-01 => d0
date:<=2024-03-01 => d0 d1
date:2024/03/01 => d1
date:20240301 => d1
date:2024-03-01T00:00 => d1
date:2024-03-01T00:00:00Z => d1
date:2024-03-31T21:30Z => d2
date:2024-03-31T23:30+02:00 => d2
date:"2024-03-31 23:30" => d3
date:2024-03-31T23 => d3
on:2024-03-31 => d2 d3
after:2025-01-01 => d5 d6 d7
since:2025 => d5 d6 d7
before:2024-03-01 => d0
older:2024-03-01 => d0
until:2024-03-01 => d0 d1
after:2024-03-01 before:2024-04-01 => d1 d2 d3
date:today => d7
date:yesterday => d6
date:2d => d6 d7
date:7d.. => d6 d7
date:1y.. => d4 d5 d6 d7
newer_than:1d => d7
older_than:1y => d0 d1 d2 d3
date:last-year => d0 d1 d2 d3 d4
date:this-year => d5 d6 d7
date:"last year" => d0 d1 d2 d3 d4
date:this-month => d6 d7
date:this-week => d6 d7
date:last-month => 
has:date => d0 d1 d2 d3 d4 d5 d6 d7
date:* => d0 d1 d2 d3 d4 d5 d6 d7
NOT date:* => none odd
NOT date:2024 => d5 d6 d7 none odd
v1:date:2024-02-29..2024-03-01 => d0
date:2024-03..2024-02 => !date:2024-02..2024-03
date:2024-03-01..<2024-03-01 => !empty
date:.. => !takes
date:2024-13 => !takes
date:2023-02-29 => !takes
date:01.03.2024 => !2024-03
date:3/1/2024 => !2024-03
date:24 => !2024-03
date:march => !2024-03
date:>2024..2025 => !takes
date>2024 => !date:>2024
date>=2024-03-01 => !date:>=2024-03-01
date:> => !takes
after:2024..2025 => !takes
envelope:2024 => !hop.time
""")

b = Box("operators", "AND, OR, NOT, XOR and what people write for them.")
b.mail("a", "x", "apple")
b.mail("ab", "x", "apple banana")
b.mail("abc", "x", "apple banana cherry")
b.mail("c", "x", "cherry and pie")
b.mail("bn", "x", "banana not ripe, barnes noble")
b.ask("""
apple banana => ab abc
apple AND banana => ab abc
apple && banana => ab abc
apple OR cherry => a ab abc c
apple || cherry => a ab abc c
apple NOT banana => a
apple AND NOT banana => a
apple -banana => a
apple !banana => a
apple \u2013banana => a
apple \u2014banana => a
apple \u2212banana => a
apple NOT(banana) => a
apple -(banana OR cherry) => a
(apple)OR(cherry) => a ab abc c
(apple)AND(banana) => ab abc
OR(apple) => !both sides
NOT(apple) => c bn
!apple => c bn
NOT NOT apple => a ab abc
apple XOR cherry => a ab c
(apple XOR cherry) banana => ab
apple banana OR cherry => ab abc c
apple (banana OR cherry) => ab abc
{banana cherry} => ab abc c bn
{banana cherry} apple => ab abc
- => !no letter or digit
& => !no letter or digit
text:* => a ab abc c bn
any:* => a ab abc c bn
thread:* => a ab abc c bn
body:-apple => !-body:apple
body:!apple => !-body:apple
body:(-apple) => c bn
'apple banana' => ab abc?double quotes
+apple +banana => ab abc?says nothing
apple - banana => ab abc?left out
apple & banana => ab abc?left out
apple | banana => !write OR
cherry and pie => c?operator is AND
banana or ripe => ?operator is OR
banana not ripe => bn?operator is NOT
barnes & noble => bn?left out
not(apple) => !write NOT
apple AND => !missing
AND apple => !both sides
apple OR OR banana => !both sides
(apple => !not closed
apple) => !not opened
"apple => !not closed
{apple => !not closed
apple } => !not opened
--apple => !two dashes
\u201capple banana\u201d => ab abc
\u201eapple banana\u201c => ab abc
"apple banana"OR"and pie" => ab abc c
* => a ab abc c bn
* NOT apple => c bn
"*" => !no letter or digit
v1:apple !banana => ab abc
v1:apple XOR cherry => 
body:(apple OR cherry) -body:banana => a c
NOT (apple OR cherry) => bn
tag:inbox => !tags
lang:de => !language
note:x => !tags
event:x => !custody
priority:1 => !X-Priority
query:x => !does not change
regex:x => !slashes
size>3 => !size:>3
http://apple => 
apple:banana => !unknown field
12:30 => 
""")

b = Box("hops", "Relays, addresses and networks.")
R = "Received: from {0} ({0} [{1}]) by {2} (Postfix) with ESMTP id {3} for <yan@recipient.example>; Thu, 20 Nov 2025 {4} +0000"
b.mail("h1", "x", "x", head=[R.format("mx1.relay.example", "192.0.2.10", "in.recipient.example", "AAA111", "08:16:00"), R.format("pc.sender.example", "198.51.100.7", "mx1.relay.example", "BBB222", "08:15:30")])
b.mail("h2", "x", "x", head=[R.format("mx2.relay.example", "192.0.2.200", "in.recipient.example", "CCC333", "10:20:00")])
b.mail("h3", "x", "x", head=[R.format("out.other.example", "203.0.113.5", "in.recipient.example", "DDD444", "08:16:00")])
b.mail("h4", "x", "x", head=[R.format("six.relay.example", "IPv6:2001:db8::25", "in.recipient.example", "EEE555", "08:16:00")])
b.mail("h0", "x", "mx1.relay.example is named here, and 192.0.2.10")
b.ask("""
hop:relay.example => h1 h2 h4
hop:mx1.relay.example => h1
relay:MX1.RELAY.example => h1
hop:mx* => h1 h2
hop:mx?.relay.example => h1 h2
hop:*.relay.example => h1 h2 h4
hop.by:in.recipient.example => h1 h2 h3 h4
hop.by:mx1* => h1
hop.rdns:other.example => h3
hop:192.0.2.10 => h1
hop:192.0.2.0/24 => h1 h2
hop:192.0.2.* => h1 h2
hop:192.0.* => h1 h2
hop:192.* => h1 h2
hop:192.0.2.0/25 => h1
hop:192.0.2.1..192.0.2.99 => h1
hop.ip:198.51.100.* => h1
hop:2001:db8::/32 => h4
hop:2001:db8::25 => h4
hop.ip:* => h1 h2 h3 h4
hop.id:AAA111 => h1
hop.id:aaa111 => h1
hop.id:* => h1 h2 h3 h4
hop:* => h1 h2 h3 h4
has:hop => h1 h2 h3 h4
NOT hop:* => h0
hops:0 => h0
hops:1..2 => h1 h2 h3 h4
hops:1..<2 => h2 h3 h4
hops:>1 => h1
hops:* => h1 h2 h3 h4
hop{by:mx1.relay.example ip:198.51.100.7} => h1
hop{by:in.recipient.example ip:198.51.100.7} => 
hop[0]{by:in.recipient.example} => h1 h2 h3 h4
hop[-1]:pc.sender.example => h1
hop[0] => !hop[0]:name
hop => 
hop{NOT ip:192.0.2.0/24} => h1 h3 h4
hop.with:esmtp => h1 h2 h3 h4
hop.with:es* => h1 h2 h3 h4
hop.for:yan@recipient.example => h1 h2 h3 h4
hop.for:*@recipient.example => h1 h2 h3 h4
hop.time:2025-11-20T10 => h2
hop.date:2025-11-20T10..2025-11-20T11 => h2
hop.family:postfix => h1 h2 h3 h4
path:"* -> mx1.relay.example -> *" => h1
path:"198.51.100.0/24 -> *" => h1
mx1.relay.example => h0?1 more
any:mx1.relay.example => h0 h1
192.0.2.10 => h0?1 more
any:192.0.2.10 => h0 h1
any:AAA111 => h1
v1:AAA111 => h1
hop:192.0.2.0/99 => !at most 32
hop:300.1.1.1 => !at most 255
hop:192.0.2 => !192.0.2.*
hop:2001:db8::/200 => !at most 32
hop:1.2.3.4.5 => !network
hop.ip:relay.example => !network
hop.id:AAA* => !whole
hop.tls:yes => !evidence
hops:5..3 => !hops:3..5
hops:many => !number of hops
hop{subject:x} => !no field of a hop
hop[x]:y => !is a number
hop{by:x => !not closed
""")

b = Box("headers", "Words of header fields, lists, references and conversations.")
b.mail("t1", "start", "one", head=["X-Mailer: PineMail 4.2", "List-Id: Dev talk <dev.lists.example>", "X-Folder: privileged"])
b.mail("t2", "Re: start", "two", head=["In-Reply-To: <t1@traps.example>", "References: <t1@traps.example>", "X-Priority: 1"])
b.mail("t3", "other words", "three", head=["References: <t1@traps.example> <t2@traps.example>", "X-Note: mailer is not pine"])
b.mail("t4", "alone", "privileged and confidential", head=["Mailing-List: contact users@lists.example"])
b.mail("t5", None, "no subject at all")
b.ask("""
header:pinemail => t1
header:"x mailer pinemail" => t1
header:X-Mailer:PineMail => t1
header:x-mailer:pine* => t1
header:X-Mailer:"PineMail 4.2" => t1
header:X-Mailer:pine => 
header:X-Mailer:* => t1
header:X-Note:pine => t3
header:X-Mailer:/mail$/ => t1
header:X-Mailer:pinemial~1 => t1
header:X-Priority:1 => t2
header:X-Priority:* => t2
header:Subject:start => t1 t2
header:subject:* => t1 t2 t3 t4
header:Message-ID:t1@traps.example => t1
header:References:t1@traps.example => t2 t3
header:Nosuch:x => 
header:Received:x => !hop:
header:DKIM-Signature:x => !auth.dkim
header:MIME-Version:1 => !not in the index
header:Date:2025 => t1 t2 t3 t4 t5
list:dev.lists.example => t1
list:users => t4
list:* => t1 t4
list-id:dev => t1
privileged => t4?1 more
any:privileged => t1 t4
v1:privileged => t1 t4
text:privileged => t4
body:privileged => t4
messageid:t1@traps.example => t1
messageid:<t1@traps.example> => t1
message-id:T1@TRAPS.example => t1
rfc822msgid:t1@traps.example => t1
messageid:t* => t1 t2 t3 t4 t5
messageid:t?@traps.example => 
messageid:*1@traps.example => t1
messageid:* => t1 t2 t3 t4 t5
references:t1@traps.example => t2 t3
in-reply-to:t2@traps.example => t3
references:* => t2 t3
references:t* => !whole
NOT references:* => t1 t4 t5
thread:t1@traps.example => t1 t2 t3
thread:<t3@traps.example> => t1 t2 t3
thread:t4@traps.example => t4
subject:* => t1 t2 t3 t4
NOT subject:* => t5
NOT has:subject => t5
subject:start => t1 t2
subject:"re start" => t2
subject:(start OR alone) => t1 t2 t4
subject:http://start => 
""")

b = Box("files", "Attachments by name, type and size.")
b.mail("pdf", "x", parts(("Content-Type: text/plain", "see file"), ("Content-Type: application/pdf; name=\"Invoice-2025_03.pdf\"\nContent-Transfer-Encoding: base64", "JVBERi0xLjQK")), head=MIXED)
b.mail("octet", "x", parts(("Content-Type: text/plain", "see"), ("Content-Type: application/octet-stream; name=\"scan 17.pdf\"\nContent-Disposition: attachment; filename=\"scan 17.pdf\"\nContent-Transfer-Encoding: base64", "JVBERi0xLjQK")), head=MIXED)
b.mail("docx", "x", parts(("Content-Type: text/plain", "see"), ("Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document; name=\"Plan (1).docx\"\nContent-Transfer-Encoding: base64", "UEsDBAo=")), head=MIXED)
b.mail("image", "x", parts(("Content-Type: text/plain", "see"), ("Content-Type: image/jpeg; name=\"photo.final.JPG\"\nContent-Transfer-Encoding: base64", "/9j/4AAQ")), head=MIXED)
b.mail("umlaut", "x", parts(("Content-Type: text/plain", "see"), ("Content-Type: text/csv; charset=utf-8\nContent-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.csv", "name;konto\nM\u00fcller;4711")), head=MIXED)
b.mail("plain", "x", "no file, only a word: pdf")
b.mail("big", "x", "line of text\n" * 4000)
b.ask("""
attachment:invoice => pdf
attachment:Invoice-2025_03.pdf => pdf
filename:"invoice 2025" => pdf
file:*.pdf => pdf octet
attachment:pdf => pdf octet
attachment:plan(1).docx => docx
attachment:"Plan (1).docx" => docx
attachment:scan* => octet
attachment:photo.final.jpg => image
attachment:/^photo$/ => image
attachment:fotos~2 => image
attachment:\u00fcbersicht => umlaut
attachment:uebersicht => umlaut
attachment:* => pdf octet docx image umlaut
has:attachment => pdf octet docx image umlaut
NOT has:attachment => plain big
type:application/pdf => pdf
type:pdf => pdf octet
mime:PDF => pdf octet
type:.pdf => pdf octet
type:docx => docx
type:jpg => image
type:jpeg => image
type:image/* => image
type:image => image
type:image/jpeg => image
type:csv => umlaut
type:application/* => pdf octet docx
type:application/vnd*document => docx
type:nosuch => !other endings
pdf => pdf octet plain
body:4711 => umlaut
konto => umlaut
size:>40k => big
size:>=40k => big
larger:40k => big
smaller:40k => pdf octet docx image umlaut plain
size:40k..60k => big
size:..1k => pdf octet docx image umlaut plain
size:[40k TO 60k] => big
size:* => pdf octet docx image umlaut plain big
size:60k..40k => !size:40k..60k
size:big => !bytes
notindexed:binary => pdf octet docx image
has:file => !has:attachment
has:nothing => !attachment, date
filename:x file:x => 
""".replace("attachment:fotos~2 => image", "attachment:phooto~1 => image"))

b = Box("places", "Containers, sources, kinds, states, ids and digests.")
b.mail("s1", "first", "one", head=["Status: RO"])
b.mail("s2", "second", "two", head=["Status: O", "X-Status: AF"])
b.mail("s3", "third", parts(("Content-Type: text/plain", "outer"), ("Content-Type: message/rfc822", "From: in@inner.example\nSubject: inner\nMessage-ID: <s4@traps.example>\nDate: Thu, 20 Nov 2025 08:00:00 +0000\n\ninside")), head=MIXED)
b.ask("""
container:places.mbox => s1 s2 s3 s4
container:PLACES => s1 s2 s3 s4
container:pla* => s1 s2 s3 s4
container:*.mbox => s1 s2 s3 s4
container:sent* => ?container:sent* 0
container:ces* => 
container:* => s1 s2 s3 s4
folder:places => s1 s2 s3 s4
in:places => s1 s2 s3 s4
in:anywhere => s1 s2 s3 s4
source:"exhibit A-3" => s1 s2 s3 s4
Source:"exhibit a-3" => s1 s2 s3 s4
exhibit:"Exhibit A-3" => s1 s2 s3 s4
source:exh* => s1 s2 s3 s4
source:* => s1 s2 s3 s4
source:nosuch => ?source:nosuch 0
label:* => 
kind:message => s1 s2 s3
kind:child => s4
kind:mbox => s1 s2 s3 s4
kind:* => s1 s2 s3 s4
kind:pst => !mbox
is:read => s1
is:seen => s1
flag:read => s1
is:answered => s2
is:flagged => s2
is:old => s1 s2
is:* => s1 s2
is:unread => !NOT is:read
flag:unread => !NOT is:read
is:starred => s2
is:nonsense => !seen
id:x => !id such as
sha256:zz => !hex
sha256:12345678 => 
hash:* => s1 s2 s3 s4
mih:* => s1 s2 s3 s4
finding:any => s1 s2 s3 s4
finding:* => s1 s2 s3 s4
finding:nonsense => !nearest
finding:rare => 
anomaly:nonsense => !nearest
auth.dkim:* => 
auth.dkim:passed => !pass
internaldate:* => 
internaldate:2025 => 
inside => s4
subject:inner => s4
from:inner.example => s4
""")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent) / "search"
    folder.mkdir(parents=True, exist_ok=True)
    for box in BOXES.values():
        box.write(folder)
    print(sum(len(box.lines) for box in BOXES.values()), "questions")


if __name__ == "__main__":
    main()
