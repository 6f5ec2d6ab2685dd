#!/usr/bin/env bash
# Copies 20,000 messages of some 7 KB from a Dovecot on loopback, over IMAP and POP3 with TLS, with mailtrail and, where they
# are installed, with mbsync (package isync) and mpop. Prints messages a second until the last item is committed.
# Usage: tests/bench/acquire.sh [MAILTRAIL] [MESSAGES]      needs dovecot-imapd, dovecot-pop3d, openssl
set -euo pipefail
cd "$(dirname "$0")/../.."
mailtrail=${1:-target/release/mailtrail} messages=${2:-20000}
dir=$(mktemp -d /tmp/mailtrail-bench-XXXXXX)
chmod 755 "$dir"
trap 'kill "$(cat "$dir/run/master.pid" 2>/dev/null)" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
imaps=$(free_port) pop3s=$(free_port)
if [ "$(id -u)" = 0 ]; then user=nobody group=nogroup; else user=$(id -un) group=$(id -gn); fi

key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${key[@]}" -days 2 -subj /CN=bench -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
openssl req -new "${key[@]}" -subj /CN=localhost -keyout "$dir/key.pem" -out "$dir/request" 2>/dev/null
echo subjectAltName=DNS:localhost >"$dir/names"
openssl x509 -req -in "$dir/request" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 2 -extfile "$dir/names" -out "$dir/cert.pem" 2>/dev/null
mkdir -p "$dir/mail/joe/cur" "$dir/mail/joe/new" "$dir/mail/joe/tmp"
python3 - "$dir/mail/joe/cur" "$messages" <<'PY'
import random, sys
where, count = sys.argv[1], int(sys.argv[2])
dice = random.Random(7)
words = ["".join(dice.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(dice.randint(2, 11))) for _ in range(5000)]
for n in range(count):
    body = "".join(" ".join(dice.choice(words) for _ in range(11)) + "\n" for _ in range(90))
    # As a delivery agent names files; names that count up are what the server's own table of names is slowest with.
    name = f"{1700000000 + n * 61}.M{dice.randrange(10**6)}P{dice.randrange(1000, 40000)}_{n}.bench"
    with open(f"{where}/{name}:2,S", "w") as out:
        out.write(f"From: a{n % 97}@example.org\nTo: joe@example.net\nSubject: {dice.choice(words)} {n}\nMessage-ID: <{n}@example.org>\n"
                  f"Date: Tue, 14 Nov 2023 22:13:20 +0000\n\n{body}")
PY
echo 'joe:{PLAIN}secret::::::' >"$dir/passwd"
printf 'secret\n' >"$dir/password"
cat >"$dir/dovecot.conf" <<CONF
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = required
ssl_cert = <$dir/cert.pem
ssl_key = <$dir/key.pem
mail_location = maildir:$dir/mail/%u
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $dir/passwd
}
userdb {
  driver = static
  args = uid=$user gid=$group home=$dir/mail/%u allow_all_users=yes
}
first_valid_uid = 1
default_internal_user = $user
default_login_user = $user
default_internal_group = $group
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    port = $pop3s
    ssl = yes
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
CONF
[ "$(id -u)" != 0 ] || chown -R "$user:$group" "$dir"
dovecot -c "$dir/dovecot.conf"
sleep 2
doveadm -c "$dir/dovecot.conf" mailbox status -u joe messages INBOX

now() { date +%s.%N; }
rate() { # NAME BEGUN ENDED
  awk -v name="$1" -v from="$2" -v to="$3" -v n="$messages" 'BEGIN { printf "%-28s %8.2f s %10.0f messages/s\n", name, to - from, n / (to - from) }'
}
# Until committed: the time of the last `committed` line, since indexing may follow.
ours() { # NAME URL FLAGS..
  local name=$1 url=$2 begun ended=
  shift 2
  begun=$(now)
  while IFS= read -r line; do case $line in *'"event":"committed"'*) ended=$(now) ;; esac; done < <(
    "$mailtrail" acquire "$url" --case "$dir/case-$name" --json --password-file "$dir/password" --ca-file "$dir/ca.pem" "$@"
  )
  rate "mailtrail $name" "$begun" "$ended"
}
for connections in 1 2 4; do ours "imap-$connections" "imaps://joe@localhost:$imaps" --connections "$connections"; done
ours pop3 "pop3s://joe@localhost:$pop3s"
if command -v mbsync >/dev/null; then
  for sync in no yes; do
    mkdir -p "$dir/mbsync-$sync"
    cat >"$dir/mbsyncrc" <<RC
FSync $sync
SyncState *

IMAPAccount a
Host localhost
Port $imaps
User joe
Pass secret
SSLType IMAPS
CertificateFile $dir/ca.pem

IMAPStore far
Account a

MaildirStore near
Path $dir/mbsync-$sync/
Inbox $dir/mbsync-$sync/INBOX

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
RC
    begun=$(now)
    mbsync -q -c "$dir/mbsyncrc" c
    rate "mbsync, fsync $sync" "$begun" "$(now)"
  done
fi
if command -v mpop >/dev/null; then
  mkdir -p "$dir/mpop/cur" "$dir/mpop/new" "$dir/mpop/tmp"
  begun=$(now)
  mpop --quiet --host=localhost --port="$pop3s" --user=joe --passwordeval='echo secret' --tls=on --tls-starttls=off --tls-trust-file="$dir/ca.pem" \
    --keep=on --uidls-file="$dir/uidls" --delivery=maildir,"$dir/mpop"
  rate mpop "$begun" "$(now)"
fi
