#!/usr/bin/env python3
"""Writes corpus/PROVENANCE.toml: for each file where it comes from, its licence, its digest, and the one thing it shows.

    corpus/provenance.py          writes the file;    corpus/provenance.py -    prints it
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = [
    ("mailbox/server/greta/Maildir/tmp/", "A message whose delivery was never finished."),
    ("mailbox/server/greta/Maildir/.Sent/", "What Greta sent, in a Maildir++ subfolder."),
    ("mailbox/server/greta/Maildir/.Lists.Seaways/", "A mailing list in a Maildir++ subfolder."),
    ("mailbox/server/greta/Maildir/", "The inbox of the accounts department of Nordkai Shipping."),
    ("mailbox/office/", "An mboxrd file with quoted `From ` lines."),
    ("mailbox/workstation/", "A Thunderbird wastebasket with mail deleted but not yet gone."),
    ("mailbox/export/label.txt", "A file that is not mail."),
    ("mailbox/export/", "A message saved as a single file."),
]


def shows(path):
    for start, text in KINDS:
        if path.startswith(start):
            return text
    folder, name = path.split("/")[:2]
    if folder == "search":
        return (HERE / path).with_suffix(".questions").read_text("utf-8").splitlines()[0].removeprefix("# ")
    stem = name
    for end in (".eml", ".mbox", ".bin"):
        stem = stem.removesuffix(end)
    return json.loads((HERE / folder / f"{stem}.facts.json").read_text("utf-8"))["shows"]


def main():
    out = ["# Where each file of the corpus comes from. Written by corpus/provenance.py; do not edit.", ""]
    for folder in ("mailbox", "mail", "mbox", "maildir", "other", "search"):
        for file in sorted((HERE / folder).rglob("*")):
            path = file.relative_to(HERE).as_posix()
            if not file.is_file() or path.endswith((".facts.json", ".questions")):
                continue
            quote = lambda text: json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
            out += ["[[file]]", f"path = {quote(path)}", 'origin = "written for mailtrail"', 'licence = "Apache-2.0"',
                    f'sha256 = "{sha256(file.read_bytes()).hexdigest()}"', f"shows = {quote(shows(path))}", ""]
    text = "\n".join(out)
    if sys.argv[1:] == ["-"]:
        sys.stdout.buffer.write(text.encode())
    else:
        (HERE / "PROVENANCE.toml").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
