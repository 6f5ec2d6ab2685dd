#!/usr/bin/env python3
"""Checks the corpus against itself: the generators still give these bytes, the answers account for every byte of every
container, digests are right, anomaly codes exist, only reserved names and addresses occur, provenance is complete."""

import filecmp
import json
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
wrong = []


def say(what):
    wrong.append(str(what))


def same(a, b):
    cmp = filecmp.dircmp(a, b)
    for name in cmp.left_only + cmp.right_only:
        say(f"{a}/{name}: only on one side of a new run of the generator")
    for name in cmp.common_files:
        if (Path(a) / name).read_bytes() != (Path(b) / name).read_bytes():
            say(f"{a}/{name}: differs from a new run of the generator")
    for name in cmp.common_dirs:
        same(f"{a}/{name}", f"{b}/{name}")


def ranges(name, answer, data):
    spans = [(g["start"], g["end"]) for g in answer.get("gaps", [])]
    for item in answer["items"]:
        spans += [tuple(item[k]) for k in ("separator", "terminator") if k in item] + [(item["start"], item["end"])]
        if sha256(data[item["start"] : item["end"]]).hexdigest() != item["sha256"]:
            say(f"{name}: digest of an item")
    spans = sorted(s for s in spans if s[0] < s[1])
    if not answer["items"] and not spans:
        return
    if not spans or spans[0][0] != 0 or spans[-1][1] != len(data) or any(a[1] != b[0] for a, b in zip(spans, spans[1:])):
        say(f"{name}: the ranges do not cover the file: {spans} of {len(data)}")


def codes(value, known, name):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("anomalies", "not_anomalies", "notes"):
                say_unknown = [c for c in inner if c not in known]
            elif key in ("anomalies_any", "notes_any"):
                say_unknown = [c for group in inner for c in group if c not in known]
            else:
                say_unknown = []
                codes(inner, known, name)
            if say_unknown:
                say(f"{name}: no such anomaly: {say_unknown}")
    elif isinstance(value, list):
        for inner in value:
            codes(inner, known, name)


def main():
    table = (HERE.parent / "src/types/anomaly.rs").read_text()
    known = set(re.findall(r'^\s+\w+, "([a-z0-9-]+)", (?:Info|Notice|Strong)', table, re.M))
    with tempfile.TemporaryDirectory() as fresh:
        for script in ("make_mailbox.py", "make_quirks.py", "make_search.py"):
            subprocess.run([sys.executable, HERE / script, fresh], check=True, stdout=subprocess.DEVNULL)
        for folder in ("mailbox", "mail", "mbox", "other", "maildir", "search"):
            same(str(HERE / folder), f"{fresh}/{folder}")
        if (HERE / "mailbox.facts.json").read_bytes() != Path(fresh, "mailbox.facts.json").read_bytes():
            say("mailbox.facts.json differs from a new run of the generator")
    tested = set()
    for path in sorted(HERE.glob("*/*.facts.json")):
        answer = json.loads(path.read_text("utf-8"))
        stem = str(path)[: -len(".facts.json")]
        file = next((Path(stem + end) for end in (".eml", ".mbox", ".bin", "") if Path(stem + end).exists()), None)
        codes(answer, known, path.name)
        tested |= {c for c in known if f'"{c}"' in path.read_text("utf-8")}
        if file is None:
            say(f"{path.name}: no file")
        elif "files" in answer:
            for inner, there in answer["files"].items():
                ranges(f"{file.name}/{inner}", there, (file / inner).read_bytes())
        else:
            ranges(file.name, answer, file.read_bytes())
    provenance = subprocess.run([sys.executable, HERE / "provenance.py", "-"], check=True, capture_output=True).stdout
    if not (HERE / "PROVENANCE.toml").exists() or (HERE / "PROVENANCE.toml").read_bytes() != provenance:
        say("PROVENANCE.toml is not what corpus/provenance.py writes")
    reserved = re.compile(rb"(^|\.)(example|example\.(com|net|org))\.?$")
    for file in (HERE / "mailbox").rglob("*"):
        if file.is_file():
            for domain in re.findall(rb"@([a-z0-9.-]+\.[a-z]{2,})", file.read_bytes()):
                if not reserved.search(domain):
                    say(f"{file.relative_to(HERE)}: {domain.decode()} is not a reserved name")
            for ip in re.findall(rb"[\[(](\d+\.\d+\.\d+\.\d+)[\])]", file.read_bytes()):
                if not re.match(rb"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.0\.0\.1", ip):
                    say(f"{file.relative_to(HERE)}: {ip.decode()} is not a documentation address")
    untested = sorted(known - tested)
    print("anomalies without a quirk:", ", ".join(untested) or "none")
    print("\n".join(wrong) or "the corpus agrees with itself")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
