#!/usr/bin/env bash
# Checks the record of a case with stock tools alone (bash, coreutils, zstd, jq), after docs/format.md: custody chain and
# head, every covered stretch, every frame, every blob, the books, every container put together again, source digests.
# Usage: stock_check.sh CASE    Exit: 0 all holds, 3 unfinished (torn tail, pending source), 4 something does not match.
set -euo pipefail
export LC_ALL=C
case=${1:?usage: stock_check.sh CASE}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/blobs" "$tmp/ledger" "$tmp/packs"
bad=0 unfinished=0
wrong() { echo "MISMATCH $*"; bad=$((bad + 1)); }
torn() { echo "unfinished: $*"; unfinished=$((unfinished + 1)); }
digest() { sha256sum | cut -d ' ' -f 1; }
stretch() { tail -c "+$(($2 + 1))" "$1" | head -c "$3" || true; } # FILE FROM LENGTH

case "$(cat "$case/VERSION")" in mailtrail-case/1 | mailtrail-case/2 | mailtrail-case/3) ;; *) wrong "VERSION" ;; esac

# The chain, and the head that names its end.
prev=$(printf '0%.0s' {1..64}) seq=0
while IFS= read -r line; do
  [ "$(jq -r '.prev + " " + (.seq | tostring)' <<<"$line")" = "$prev $seq" ] || wrong "custody.jsonl: event $seq"
  prev=$(printf %s "$line" | digest)
  seq=$((seq + 1))
done <"$case/custody.jsonl"
[ "$(tail -c 1 "$case/custody.jsonl" | od -An -tx1 | tr -d ' ')" = 0a ] || torn "custody.jsonl has a torn tail"
want=$(jq -r '[.events, .head, .case] | @tsv' "$case/HEAD")
[ "$want" = "$(printf '%s\t%s\t%s' "$seq" "$prev" "$(jq -r .case "$case/case.json")")" ] || wrong "HEAD: $want, not $seq $prev"

# Every stretch that an event covers; of a file of frames (format 3) each stretch is one frame, and `from`, `to` and
# `sha256` are of the lines in it. The covered lines of all files gather below $tmp, without .zst.
jq -r '.files[] | [.path, .from, .to, .sha256, .from_packed // "-", .to_packed // "-", .sha256_packed // "-"] | @tsv' \
  "$case/custody.jsonl" | sort -s -t "$(printf '\t')" -k 1,1 >"$tmp/stretches"
last= end=0 stored=0
finish() { [ -z "$last" ] || [ "$(stat -c %s "$case/$last")" = "$stored" ] || torn "$last has more than the $stored bytes covered"; }
while IFS=$'\t' read -r path from to sha256 from_packed to_packed sha256_packed; do
  if [ "$path" != "$last" ]; then finish; last=$path end=0 stored=0; fi
  [ "$from" = "$end" ] || wrong "$path: covered up to $end, then from $from"
  case $path in
    *.zst)
      [ "$from_packed" = "$stored" ] || wrong "$path: frames end at $stored, the next begins at $from_packed"
      stretch "$case/$path" "$from_packed" $((to_packed - from_packed)) >"$tmp/frame"
      [ "$(digest <"$tmp/frame")" = "$sha256_packed" ] || wrong "$path: stored bytes $from_packed..$to_packed"
      zstd -qdc "$tmp/frame" >"$tmp/lines" || wrong "$path: the frame at $from_packed cannot be unpacked"
      stored=$to_packed ;;
    *) stretch "$case/$path" "$from" $((to - from)) >"$tmp/lines"; stored=$to ;;
  esac
  [ "$(stat -c %s "$tmp/lines") $(digest <"$tmp/lines")" = "$((to - from)) $sha256" ] || wrong "$path: bytes $from..$to"
  cat "$tmp/lines" >>"$tmp/${path%.zst}"
  end=$to
done <"$tmp/stretches"
finish

# Every frame as stored, and every blob in it.
for lines in "$tmp"/packs/*.jsonl; do
  [ -e "$lines" ] || continue
  pack=$case/packs/$(basename "$lines" .jsonl).pack end=0
  while IFS= read -r line; do
    IFS=$'\t' read -r at len raw sha256 < <(jq -r '[.at, .len, .raw, .sha256] | @tsv' <<<"$line")
    [ "$at" = "$end" ] || wrong "$pack: a frame ends at $end, the next begins at $at"
    end=$((at + len))
    stretch "$pack" "$at" "$len" >"$tmp/frame"
    [ "$(digest <"$tmp/frame")" = "$sha256" ] || wrong "$pack: frame at $at"
    zstd -qdc "$tmp/frame" >"$tmp/raw" || wrong "$pack: frame at $at cannot be unpacked"
    [ "$(stat -c %s "$tmp/raw")" = "$raw" ] || wrong "$pack: frame at $at has not $raw bytes"
    exec 3<"$tmp/raw"
    while IFS=$'\t' read -r blob size; do
      dd of="$tmp/blobs/$blob" bs=1M iflag=count_bytes,fullblock count="$size" status=none <&3
      [ "$(digest <"$tmp/blobs/$blob")" = "$blob" ] || wrong "$pack: blob $blob in frame at $at"
    done < <(jq -r '.blobs[] | @tsv' <<<"$line")
    exec 3<&-
  done <"$lines"
  [ "$(stat -c %s "$pack")" = "$end" ] || torn "$pack has more than its frames"
done
: >"$tmp/blobs/$(printf '' | digest)" # the bytes of length 0 need no blob

# The ledger: books, containers put together again, source digests.
size_of='def size: if . == null then 0 elif type == "string" then utf8bytelength
  else (.bytes | (length / 4 * 3) - (if endswith("==") then 2 elif endswith("=") then 1 else 0 end)) end;
  def b64: if type == "string" then @base64 else .bytes end;'
containers=0 items=0
cd "$tmp"
for segment in ledger/*.jsonl; do
  [ -e "$segment" ] || continue
  jq -c -n "$size_of"'
    foreach inputs as $r ({}; .bad = null
      | if $r.t == "container" then {c: $r.c, at: 0, n: 0}
        elif $r.t == "item" then (if .at + ($r.sep | size) != $r.start or $r.n != .n + 1 or $r.c != .c then .bad = $r else . end)
          | .at = $r.end + ($r.tail | size) | .n += 1
        elif $r.t == "gap" then (if .at != $r.start or $r.c != .c then .bad = $r else . end) | .at = $r.end
        elif $r.t == "end" then (if .at != $r.size or .n != $r.items or $r.c != .c then .bad = $r else . end)
        else . end; .bad | select(. != null))' "$segment" >"$tmp/books"
  while IFS= read -r record; do wrong "$segment: books do not balance at $record"; done <"$tmp/books"
  : >"$tmp/whole"
  while read -r what one two; do
    case $what in
      begin) : >"$tmp/whole" ;;
      text) base64 -d <<<"$one" >>"$tmp/whole" ;;
      blob)
        if [ -e "$tmp/blobs/$one" ]; then cat "$tmp/blobs/$one" >>"$tmp/whole"; else wrong "$segment: blob $one is in no pack"; fi ;;
      item) items=$((items + 1)) ;;
      end)
        containers=$((containers + 1))
        [ "$(digest <"$tmp/whole")" = "$one" ] || wrong "$segment: container $two put together again is not $one" ;;
    esac
  done < <(jq -r "$size_of"'
    if .t == "container" then "begin"
    elif .t == "item" then "item", (select(.sep != null) | "text " + (.sep | b64)), "blob " + .sha256, (select(.tail != null) | "text " + (.tail | b64))
    elif .t == "gap" then "blob " + .sha256
    elif .t == "file" then "item", "begin", "blob " + .sha256, "end \(.sha256) \(.c)"
    elif .t == "end" then "end \(.sha256) \(.c)"
    else empty end' "$segment")
  # Of an account the digest is over the lines themselves.
  if [ "$(head -n 1 "$segment" | jq -r .t)" = account ]; then id=$(grep -v '^{.*"t":"closed"' "$segment" | digest); else id=$(jq -c -n '
    foreach inputs as $r ({}; if $r.t == "container" then .c = $r else . end;
      if $r.t == "entry" then (if $r | has("note") then {note: $r.note} else {} end) + {path: $r.path, type: $r.type}
      elif $r.t == "file" and ($r | has("parent") | not) then {path: $r.path, sha256: $r.sha256, size: $r.size}
      elif $r.t == "end" and (.c | has("parent") | not) then {path: .c.path, sha256: $r.sha256, size: $r.size}
      else empty end)' "$segment" | digest); fi
  closed=$(tail -n 1 "$segment" | jq -r 'select(.t == "closed") | .id')
  if [ -z "$closed" ]; then torn "$segment is pending"; elif [ "$closed" != "$id" ]; then wrong "$segment: source digest $closed, not $id"; fi
done

# The blobs that events name.
cd "$OLDPWD"
while IFS=$'\t' read -r blob size what; do
  [ "$(stat -c %s "$tmp/blobs/$blob" 2>/dev/null)" = "$size" ] || wrong "custody.jsonl: $what $blob of $size bytes is in no pack"
done < <(jq -r '.data.blobs[]? | @tsv' "$case/custody.jsonl")

echo "$seq events, $(find "$tmp/blobs" -type f | wc -l) blobs, $containers containers, $items items: $bad mismatches, $unfinished unfinished"
echo "head $prev"
if [ "$bad" -gt 0 ]; then exit 4; elif [ "$unfinished" -gt 0 ]; then exit 3; fi
