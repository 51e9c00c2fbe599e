#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The examples served for real, those with zone files and those made from facts: every row of tests/tables/NAME.table
# asked with dig, over UDP and over TCP, and their own view tests.
. "${srcdir:-.}/tests/lib.sh"

if ! command -v dig >/dev/null 2>&1; then
    bail_out "dig is missing (Debian: bind9-dnsutils)"
fi

# Replies of dig in the words of the tables, one line each: "RESULT | records". Fields of a record are separated by one
# blank; only the SOA's owner, TTL and type are kept. A reply without AA where it belongs is marked.
summary() {
    awk '
        function finish(    line) {
            if (rcode == "") rcode = "NO-REPLY"
            if (rcode == "NOERROR" && answer == "") rcode = "NODATA"
            line = rcode " |"
            if (answer != "") line = line " " answer
            if (soa != "") line = line (answer == "" ? " " : " ; ") soa
            if (rcode != "REFUSED" && !aa) line = line " (AA missing)"
            if (tc) line = line " (TC set)"
            print line
            rcode = answer = soa = section = ""
            aa = tc = 0
        }
        /^;; ->>HEADER<<-/ { rcode = $6; sub(/,$/, "", rcode) }
        /^;; flags:/ { aa = / aa[ ;]/; tc = / tc[ ;]/ }
        /^;; [A-Z]+ SECTION:/ { section = $2; next }
        /^;; MSG SIZE/ || /^;;.*no servers could be reached/ { finish(); next }
        /^;/ || NF == 0 { next }
        section == "ANSWER" {
            data = $5
            for (i = 6; i <= NF; i++) data = data " " $i
            answer = answer (answer == "" ? "" : " ; ") $1 " " $2 " " $4 " " data
        }
        section == "AUTHORITY" && $4 == "SOA" { soa = $1 " " $2 " SOA" }'
}

# All rows of a table over one transport: dig once for each client address, its questions in the order of the rows.
ask_table() { # TABLE EXAMPLE TRANSPORT
    local table=$1 example=$2 transport=$3 label=UDP option=+notcp from name type rcode _ answer got
    if [ "$transport" = tcp ]; then
        label=TCP option=+tcp
    fi
    for from in $(awk '!/^#/ && NF > 0 && !seen[$1]++ { print $1 }' "$table"); do
        awk -v from="$from" '$1 == from { print $2, $3 }' "$table" >"$test_root/questions"
        dig @127.0.0.1 -p "$PORT" -b "$from" +tries=1 +time=5 +norecurse "$option" +ignore -f "$test_root/questions" \
            </dev/null 2>&1 | summary >"$test_root/replies"
        while read -r _ name type rcode _ answer <&3; do
            IFS= read -r got <&4 || got="no reply"
            is "$got" "$rcode |${answer:+ $answer}" "$example: $from $name $type over $label"
        done 3< <(grep "^$from " "$table") 4<"$test_root/replies"
    done
}

for example in harbor harbor-facts meridian meridian-facts clinic clinic-facts; do
    sample=${example%-facts}
    table=$srcdir/tests/tables/$sample.table
    check "$example: its view tests" "$SPLITVIEW" test --zones "$srcdir/examples/$example"
    check "$example: the same view tests as $sample" diff -r "$srcdir/examples/$sample/tests" "$srcdir/examples/$example/tests"
    dir=$(new_dir)
    make_repo "$dir/zones" "$srcdir/examples/$example" || bail_out "no git repository of $example"
    conf=$(LISTEN="127.0.0.1@0, ::1@0" make_conf "$dir")
    check "$example: import" "$SPLITVIEW" --config "$conf" import || continue
    if ! start_daemon "$conf"; then
        not_ok "$example: the daemon starts"
        continue
    fi
    ask_table "$table" "$example" udp
    ask_table "$table" "$example" tcp
    while read -r _ _ from name type upstream; do
        like "$("$SPLITVIEW" --config "$conf" explain --from "$from" "$name" "$type" 2>&1)" \
            "^forward +upstream $upstream: " "$example: $from $name $type is asked of upstream $upstream"
    done < <(grep '^# forwarded: ' "$table")
    if [ -n "$PORT6" ]; then
        case $sample in
        harbor) host=lyncweb.harbor.example address=192.0.2.20 ;;
        meridian) host=lyncdiscover.litware.example address=198.51.100.20 ;;
        clinic) host=uc.clinic.example address=203.0.113.40 ;;
        esac
        is "$(ask ::1 "$host" A)" "$address" "$example: ::1 is the internet: $host A over IPv6"
    else
        skip "$example: a question over ::1" "no IPv6 here"
    fi
    # Not in a subshell: only this shell can wait for the daemon.
    if stop_daemon; then
        ok "$example: the daemon stops cleanly"
    else
        not_ok "$example: the daemon stops cleanly"
    fi
done

# The two forms of a sample answer alike for every name that either knows, not only for the rows above.
for sample in harbor meridian clinic; do
    check "$sample: zone files and facts answer alike" \
        "$SPLITVIEW" diff "$srcdir/examples/$sample" "$srcdir/examples/$sample-facts"
done

# An edit changes the answers it should, and no others: `diff` says so, the tree's own tests where they look there.
changes() { # EXAMPLE TITLE FILE SED-SCRIPT; standard input: what diff says, without the networks of the views
    local example=$1 title=$2 file=$3 script=$4 tree got
    tree=$(new_dir)
    cp -R "$srcdir/examples/$example/." "$tree" && chmod -R u+w "$tree" && sed -i "$script" "$tree/$file"
    got=$("$SPLITVIEW" diff "$srcdir/examples/$example" "$tree" 2>&1 | sed -e 1d -e '/^view/s/ ([^()]*)//g')
    is "$got" "$(cat)" "$example: $title"
    edited=$tree
}
edited=

changes meridian "one AAAA less outside is one less inside" internet/example.com.zone '/^dirweb  *AAAA/d' <<'END'
view internet, view guest: 2 names, 2 answers
  dirweb.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.example.com. AAAA: CNAME dirweb.example.com. (3600), 2001:db8:b:20::20 (3600) -> CNAME dirweb.example.com. (3600), no data (by its target)
view internal: 1 name, 1 answer
  dirweb.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
END
check_fails 1 "meridian: its view tests notice" "$SPLITVIEW" test --zones "$edited"
like "$OUTPUT" '^not ok [0-9]+ - tests/roaming.views:[0-9]+ guest lyncdiscover\.example\.com\. AAAA' "... for the guests too"

changes meridian "a name with IPv4 alone inside takes no AAAA from outside" internet/example.com.zone \
    '$ a oos AAAA 2001:db8:b:20::23' <<'END'
view internet, view guest: 1 name, 1 answer
  oos.example.com. AAAA: no data -> 2001:db8:b:20::23 (3600)
END

changes harbor "a wildcard outside answers missing names inside too" \
    internet/harbor.example.zone '$ a *.shop A 192.0.2.99' <<'END'
view internet: 2 names, 2 answers
  shop.harbor.example. any type: NXDOMAIN -> no data
  *.shop.harbor.example. A: NXDOMAIN -> 192.0.2.99 (3600)
view internal: 2 names, 2 answers
  shop.harbor.example. any type: NXDOMAIN -> no data
  *.shop.harbor.example. A: NXDOMAIN -> 192.0.2.99 (3600)
END
hidden=$(new_dir)
cp -R "$edited/." "$hidden" && sed -i 's/^hide  *= /&x.shop.harbor.example, /' "$hidden/policy.conf"
OUTPUT=$("$SPLITVIEW" diff "$edited" "$hidden" 2>&1)
like "$OUTPUT" '^  x\.shop\.harbor\.example\. A: 192\.0\.2\.99 \(3600\) -> NXDOMAIN$' \
    "harbor: hiding a name that only a wildcard answers"
changes harbor-facts "a wildcard above inside names, beside facts" internet/harbor.example.zone '$ a *.corp A 192.0.2.99' <<'END'
view internet: 2 names, 2 answers
  corp.harbor.example. any type: NXDOMAIN -> no data
  *.corp.harbor.example. A: NXDOMAIN -> 192.0.2.99 (3600)
view internal: 1 name, 1 answer
  *.corp.harbor.example. A: NXDOMAIN -> 192.0.2.99 (3600)
END
check "harbor-facts: facts keep the inside names hidden from it" "$SPLITVIEW" test --zones "$edited"
rm -rf "$edited" && cp -r "$srcdir/examples/harbor" "$edited"
echo '* A 192.0.2.99' >>"$edited/internet/harbor.example.zone"
check_fails 1 "harbor: without facts the guard refuses it" "$SPLITVIEW" check --zones "$edited"
like "$OUTPUT" 'wildcard that answers for the internal-only name lyncdiscoverinternal\.harbor\.example' \
    "... and names what it would answer"

changes clinic "hiding one more name" policy.conf 's/^hide  *= /&webcon.clinic.example, /' <<'END'
view internal: 1 name, 1 answer
  webcon.clinic.example. A: 203.0.113.42 (3600) -> NXDOMAIN
END
changes clinic "hiding one name less" policy.conf 's/^hide  *= lyncdiscover.clinic.example, /hide = /' <<'END'
view internal: 1 name, 1 answer
  lyncdiscover.clinic.example. A: NXDOMAIN -> 203.0.113.40 (300)
END

changes meridian-facts "an IPv6 address less in the facts" policy.conf \
    's/^\(external-web = dirweb.example.com 198.51.100.20\) .*/\1/' <<'END'
view internet: 10 names, 10 answers
  dialin.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  dirweb.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.fabrikam.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.fabrikam.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.litware.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.litware.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.example.org. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.example.org. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.example.com. AAAA: CNAME dirweb.example.com. (3600), 2001:db8:b:20::20 (3600) -> CNAME dirweb.example.com. (3600), no data (by its target)
view guest: 10 names, 10 answers
  dialin.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  dirweb.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.fabrikam.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.fabrikam.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.litware.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.litware.example. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.example.org. AAAA: 2001:db8:b:20::20 (3600) -> no data
  meet.example.org. AAAA: 2001:db8:b:20::20 (3600) -> no data
  lyncdiscover.example.com. AAAA: CNAME dirweb.example.com. (3600), 2001:db8:b:20::20 (3600) -> CNAME dirweb.example.com. (3600), no data (by its target)
view internal: 1 name, 1 answer
  dirweb.example.com. AAAA: 2001:db8:b:20::20 (3600) -> no data
END
tap_done
