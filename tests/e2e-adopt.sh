#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two full copies of harbor and of clinic, adopted: `check` and `test` take the new tree, it is imported, and the daemon
# answers every row of a table. Then what adopt must refuse, and that it never leaves anything behind.
. "${srcdir:-.}/tests/lib.sh"

if ! command -v dig >/dev/null 2>&1; then
    bail_out "dig is missing (Debian: bind9-dnsutils)"
fi

# A reply of dig as "RCODE | owner ttl type data ; ..."; of a negative one the SOA's owner, TTL and type.
summary() {
    awk '
        /^;; ->>HEADER<<-/ { rcode = $6; sub(/,$/, "", rcode) }
        /^;; [A-Z]+ SECTION:/ { section = $2; next }
        /^;/ || NF == 0 { next }
        section == "ANSWER" {
            data = $5
            for (i = 6; i <= NF; i++) data = data " " $i
            text = text (text == "" ? "" : " ; ") $1 " " $2 " " $4 " " data
        }
        section == "AUTHORITY" && $4 == "SOA" { soa = $1 " " $2 " SOA" }
        END {
            if (rcode == "NOERROR" && text == "") rcode = "NODATA"
            if (rcode == "NODATA" || rcode == "NXDOMAIN") text = text (text == "" ? "" : " ; ") soa
            print rcode " |" (text == "" ? "" : " " text)
        }'
}

# Nothing of a temporary folder may be left beside the place.
left_behind() { (cd "$1" && ls -A) | grep -F '.' | grep -v -e '\.conf$' -e '\.zone$'; }

adopt_example() { # NAME CLIENTS
    example=$1
    zone=$example.example.zone
    dir=$(new_dir)
    copies=$srcdir/tests/cases/adopt/$example
    check "$example: adopt" "$SPLITVIEW" adopt "$copies/internal/$zone" "$copies/internet/$zone" --out "$dir/zones" \
        --internal-clients "$2"
    like "$OUTPUT" 'questions in two views: all answered as before' "$example: the proof is told"
    check "$example: the outside copy is as it was" cmp "$copies/internet/$zone" "$dir/zones/internet/$zone"
    is "$(left_behind "$dir")" "" "$example: nothing else is left"
    before=$(grep -c . "$copies/internal/$zone")
    after=$(grep -c . "$dir/zones/internal/$zone")
    is "$([ "$after" -lt "$before" ] && echo smaller)" smaller "$example: the inside file is smaller ($before to $after lines)"
    check "$example: check takes it without a warning" "$SPLITVIEW" check --zones "$dir/zones"
    like "$OUTPUT" 'no errors, 0 warnings' "$example: no warnings"
    check "$example: its tests pass" "$SPLITVIEW" test --zones "$dir/zones"

    repo_git "$dir/zones" init -q
    repo_git "$dir/zones" add -A
    repo_git "$dir/zones" commit -q -m "Adopted"
    conf=$(make_conf "$dir")
    check "$example: import" "$SPLITVIEW" --config "$conf" import || return
    start_daemon "$conf" || bail_out "$example: the daemon does not start"
    while read -r from name type rcode _ answer; do
        case $from in
        '' | '#'*) continue ;;
        esac
        got=$(ask_dig "$from" "$name" "$type" </dev/null | summary)
        is "$got" "$rcode |${answer:+ $answer}" "$example: $from $name $type"
    done <"$copies/answers.table"
    if stop_daemon; then ok "$example: the daemon stops"; else not_ok "$example: the daemon stops"; fi
}

adopt_example harbor 127.10.0.0/16
adopt_example clinic 127.30.0.0/17 # the guests' networks lie behind it

# Folders: zones of both sides, of one side, and one that stays whole.
dir=$(new_dir)
mkdir "$dir/in" "$dir/out"
zone() { # FILE LINE...
    file=$1
    shift
    { printf '$TTL 3600\n@ SOA ns.isp.example. hostmaster 1 7200 900 1209600 60\n@ NS ns.isp.example.\n' && printf '%s\n' "$@"; } >"$file"
}
cp "$srcdir/tests/cases/adopt/harbor/internal/harbor.example.zone" "$dir/in"
cp "$srcdir/tests/cases/adopt/harbor/internet/harbor.example.zone" "$dir/out"
zone "$dir/in/corp.example.zone" 'dc01 A 10.10.1.5' '$INCLUDE more.inc'
echo 'dc02 A 10.10.1.6' >"$dir/in/more.inc"
zone "$dir/out/brand.example.zone" 'www A 192.0.2.90'
zone "$dir/in/mail.example.zone" 'www A 192.0.2.80' 'mail A 10.10.1.25'
zone "$dir/out/mail.example.zone" '@ MX 10 mail' 'www A 192.0.2.80' 'mail A 192.0.2.25'
check "folders: a dry run" "$SPLITVIEW" adopt "$dir/in" "$dir/out" --out "$dir/zones" --dry-run
is "$([ -e "$dir/zones" ] || echo none)" none "folders: a dry run writes nothing"
check "folders: adopt" "$SPLITVIEW" adopt "$dir/in/" "$dir/out/" --out "$dir/zones/" --internal-clients 127.10.0.0/16
like "$OUTPUT" '^brand.example: only outside' "folders: a zone of the outside alone"
like "$OUTPUT" '^corp.example: only inside' "folders: a zone of the inside alone"
like "$OUTPUT" 'why: the apex has MX outside and not inside' "folders: why a copy stays whole"
is "$(cd "$dir/zones" && find . -type f | sort | tr '\n' ' ')" \
    "./internal/corp.example.zone ./internal/harbor.example.zone ./internal/mail.example.zone ./internet/brand.example.zone ./internet/harbor.example.zone ./internet/mail.example.zone ./more.inc ./policy.conf ./tests/adopted.views " \
    "folders: the files"
check "folders: check takes it" "$SPLITVIEW" check --zones "$dir/zones"
check "folders: its tests pass" "$SPLITVIEW" test --zones "$dir/zones"

# What exists is not replaced unless asked.
echo '; mine' >"$dir/zones/policy.conf"
check_fails 1 "files that exist are kept" "$SPLITVIEW" adopt "$dir/in" "$dir/out" --out "$dir/zones"
like "$OUTPUT" 'policy.conf: error: exists already' "they are named"
is "$(cat "$dir/zones/policy.conf")" '; mine' "they are as they were"
check "with --force they are replaced" "$SPLITVIEW" adopt "$dir/in" "$dir/out" --out "$dir/zones" --force --json
like "$OUTPUT" '"mode": "full"' "as JSON: the modes"
like "$OUTPUT" '"written": true' "as JSON: written"
like "$(cat "$dir/zones/policy.conf")" '^base    = internet$' "the new one is there"

# Nothing is written when it cannot be.
refuse() { # TEXT PATTERN ARGUMENT...
    text=$1
    pattern=$2
    shift 2
    check_fails 1 "$text" "$SPLITVIEW" adopt "$@" --out "$dir/never"
    like "$OUTPUT" "$pattern" "$text: the message"
    is "$(cd "$dir" && ls -d never* 2>/dev/null)" "" "$text: nothing is left"
}
echo 'www A 10.1.1.256' >>"$dir/in/mail.example.zone"
refuse "a broken copy" 'in/mail.example.zone:6' "$dir/in/mail.example.zone" "$dir/out/mail.example.zone"
zone "$dir/leak.example.zone" 'lyncdiscoverinternal A 192.0.2.7' 'www A 192.0.2.80'
refuse "an internal-only name outside" 'lyncdiscoverinternal.leak.example' "$dir/leak.example.zone" "$dir/leak.example.zone"
zone "$dir/private.example.zone" 'www A 192.0.2.80' 'intranet A 10.0.0.1' '*.lab AAAA fd00::1' 'vpn A 100.64.0.1'
check "private addresses outside stay" "$SPLITVIEW" adopt "$dir/private.example.zone" "$dir/private.example.zone" \
    --out "$dir/private"
like "$OUTPUT" 'private.example.zone:5: warning: intranet.private.example. ' "they are named"
like "$(cat "$dir/private/policy.conf")" '^allow-private = .*intranet.private.example' "the view is allowed to have them"
refuse "a file and a folder" 'two files or two folders' "$dir/in" "$dir/leak.example.zone"
refuse "two zones" 'named after two zones' "$dir/in/corp.example.zone" "$dir/out/mail.example.zone"
refuse "host bits" '10.10.0.1/16' "$dir/out/mail.example.zone" "$dir/out/mail.example.zone" --internal-clients 10.10.0.1/16
cp "$dir/out/mail.example.zone" "$dir/db.mail"
refuse "a file name that is no zone" 'say with --apex' "$dir/db.mail" "$dir/db.mail"
check "its apex can be given" "$SPLITVIEW" adopt "$dir/db.mail" "$dir/db.mail" --out "$dir/same" --apex mail.example
like "$OUTPUT" 'the two copies are the same' "two equal copies"
is "$([ -e "$dir/same/internal" ] || echo none)" none "equal copies need no overlay"
check_fails 3 "a missing file" "$SPLITVIEW" adopt "$dir/none" "$dir/db.mail"
check_fails 2 "one operand" "$SPLITVIEW" adopt "$dir/db.mail"
tap_done
