#!/usr/bin/env python3
"""Cuts an mbox of the generator into PARTS mboxes of as many messages each: split_mbox.py MBOX PARTS FOLDER."""
import os
import sys

mbox, parts, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(folder, exist_ok=True)
with open(mbox, "rb") as lines:
    count = sum(line.startswith(b"From ") for line in lines)
out, part, seen = None, 0, 0
with open(mbox, "rb") as lines:
    for line in lines:
        if line.startswith(b"From "):
            if seen * parts >= part * count:
                if out:
                    out.close()
                out = open(os.path.join(folder, f"{part:04}.mbox"), "wb")
                part += 1
            seen += 1
        out.write(line)
