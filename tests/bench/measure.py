#!/usr/bin/env python3
"""Runs a command: measure.py OUT COMMAND.. writes its stdout to OUT; prints exit code, CPU and wall ms, peak KiB."""
import os
import sys
import time

out, command = sys.argv[1], sys.argv[2:]
begun = time.monotonic()
pid = os.fork()
if pid == 0:
    to = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(to, 1)
    os.dup2(os.open(out + ".err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
    os.execvp(command[0], command)
_, status, used = os.wait4(pid, 0)
cpu = round((used.ru_utime + used.ru_stime) * 1000)
print(os.waitstatus_to_exitcode(status), cpu, round((time.monotonic() - begun) * 1000), used.ru_maxrss)
