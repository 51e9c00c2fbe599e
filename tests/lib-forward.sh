# SPDX-License-Identifier: BSD-2-Clause
# lib-forward.sh: what the shell tests of forwarding share. Source it after lib.sh.
#
#   start_upstream NAME ADDRESS [OPTION...]   start tests/upstream with this identity on a free port; sets UPSTREAM
#                                             (ADDRESS@PORT), UPSTREAM_PID, UPSTREAM_LOG. Fails if it does not come up.
#   stop_upstream PID                         it is gone when this returns
#   upstream_says UPSTREAM CONTROL            ask a control question, print the text
#   reached UPSTREAM [NAME]                   how many questions came there (for that name)
#   expected IDENTITY NAME [AAAA]             the address that a resolver of that identity gives a name
#   fdig FROM NAME TYPE [OPTION...]           dig to $SERVER (default 127.0.0.1) port $PORT from that address, RD set, one
#                                             try, 10 seconds
#   fask FROM NAME TYPE [OPTION...]           the same, short
#   rcode_of, flags_of                        of the output of dig on standard input; flags with blanks around
#   number_below NUMBER LIMIT TEXT            ok if NUMBER <= LIMIT
#   judge_conduct FROM IDENTITY SUFFIX        what any good forwarder does with an upstream that misbehaves; sets $POISON to
#                                             nothing or to the names for which the forged address came through

mkfifo "$test_root/life"
exec 7<>"$test_root/life"

start_upstream() {
    up_name=$1
    up_address=$2
    shift 2
    UPSTREAM_LOG=$(mktemp "$test_root/upstream.XXXXXX")
    "$builddir/tests/upstream" --identity "$up_name" "$@" "$up_address@${UPSTREAM_PORT:-0}" \
        <"$test_root/life" >"$UPSTREAM_LOG" 2>&1 7>&- &
    UPSTREAM_PID=$!
    daemons="$daemons $UPSTREAM_PID"
    if ! timeout 20 tail -n +1 -s 0.1 -f --pid="$UPSTREAM_PID" "$UPSTREAM_LOG" | grep -q '^ready'; then
        diag "the upstream did not start:"
        diag <"$UPSTREAM_LOG"
        return 1
    fi
    UPSTREAM=$(sed -n 's/^listening on //p' "$UPSTREAM_LOG")
}

stop_upstream() {
    kill -KILL "$1"
    wait "$1" 2>/dev/null
}

upstream_says() {
    dig "@${1%@*}" -p "${1#*@}" +tries=3 +time=5 +noedns +short CH TXT "$2" | tr -d '"'
}

reached() {
    upstream_says "$1" "${2:+$2.}count.upstream"
}

expected() {
    "$builddir/tests/upstream" --expect "$@"
}

fdig() {
    fdig_from=$1
    fdig_name=$2
    fdig_type=$3
    shift 3
    dig "@${SERVER:-127.0.0.1}" -p "$PORT" -b "$fdig_from" +tries=1 +time=10 "$@" "$fdig_name" "$fdig_type"
}

fask() {
    fask_from=$1
    fask_name=$2
    fask_type=$3
    shift 3
    fdig "$fask_from" "$fask_name" "$fask_type" +short "$@"
}

rcode_of() {
    sed -n 's/^;; ->>HEADER<<- .*status: \([A-Z0-9]*\),.*/\1/p'
}

flags_of() {
    sed -n 's/^;; flags: \([a-z ]*\);.*/ \1 /p'
}

number_below() {
    if [ "$1" -le "$2" ] 2>/dev/null; then
        ok "$3"
    else
        not_ok "$3"
        diag "got:    $1"
        diag "wanted: at most $2"
        return 1
    fi
}

# Names are asked at the same time: those that nobody answers take as long as the deadline.
ask_conducts() { # FROM SUFFIX LABELS...
    conduct_from=$1
    conduct_suffix=$2
    conduct_dir=$(new_dir)
    shift 2
    conduct_pids=
    for labels in "$@"; do
        fdig "$conduct_from" "www.$labels.$conduct_suffix" A >"$conduct_dir/$labels" 2>&1 &
        conduct_pids="$conduct_pids $!"
    done
    # shellcheck disable=SC2086
    wait $conduct_pids
}

# One line: the rcode, then the addresses.
conduct_result() { # LABELS
    printf '%s %s' "$(rcode_of <"$conduct_dir/$1")" \
        "$(awk '$4 == "A" && $1 !~ /^;/ { print $5 }' "$conduct_dir/$1" | sort | tr '\n' ' ')" | sed 's/ *$//'
}

judge_conduct() {
    judge_from=$1
    judge_suffix=$3
    right="NOERROR $(expected "$2" "www.$3")"
    # What is answered in the end.
    good="drop1 drop2 dup tc aa ad cname1 cname5 link2 wrongcase noedns badvers wrongid.then wrongname.then
        wrongtype.then wrongqr.then wrongopcode.then wrongport.then empty.then noquestion.then poison-additional
        poison-authority poison-answer poison-ns"
    # What cannot be.
    bad="silent wrongid wrongname wrongtype wrongqr wrongport garbage short wrongcounts empty noquestion servfail refused
        notimp formerr loop endless1 tc.tcpclose"
    # shellcheck disable=SC2086
    ask_conducts "$judge_from" "$judge_suffix" $good $bad short.then garbage.then poison-only
    for labels in $good; do
        is "$(conduct_result "$labels")" "$right" "upstream: $labels: answered"
    done
    for labels in $bad; do
        is "$(conduct_result "$labels")" SERVFAIL "upstream: $labels: SERVFAIL"
    done
    POISON=$(grep -l "66\.6\.6\.6" "$conduct_dir"/* | sed 's|.*/||')
    is "$POISON" "" "upstream: nothing forged comes through"
}
