#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad trees: each folder of tests/cases/trees is imported while a daemon serves a good generation. Its file `expect` says:
#   exit N                          of `check` and of `import`
#   message ERE                     a line that both print
#   link PATH TARGET                a symbolic link to make in the tree first
#   answer FROM NAME TYPE TEXT...   what dig +short says after an import that went well, sorted
#   ttl FROM NAME TYPE N            likewise the TTL of all records
# After an import with an error, the generation before must still be served.
. "${srcdir:-.}/tests/lib.sh"

command -v dig >/dev/null 2>&1 || bail_out "dig is missing (Debian: bind9-dnsutils)"
cases=$srcdir/tests/cases/trees

# dig +short, sorted, on one line
answers() {
    ask "$1" "$2" "$3" | sort | tr '\n' ' ' | sed 's/ $//'
}

# The TTLs of the answer, each once
ttls() {
    ask_dig "$1" "$2" "$3" +noall +answer | awk '{ print $2 }' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# The generation that the daemon serves
served() {
    "$SPLITVIEW" --config "$conf" status | sed -n 's/^generation  *//p'
}

judge_messages() { # NAME WHAT
    sed -n 's/^message //p' "$expect" >"$dir/patterns"
    while IFS= read -r pattern; do
        like "$OUTPUT" "$pattern" "$1: $2 says $pattern"
    done <"$dir/patterns"
}

still_served() { # NAME
    is "$(answers 127.99.0.1 www.harbor.example A)" 192.0.2.80 "$1: the old answer is served"
    is "$(served)" "$generation" "$1: the old generation is served"
}

judge_answers() { # NAME
    while read -r word from name type wanted; do
        case $word in
        answer) is "$(answers "$from" "$name" "$type")" "$wanted" "$1: $name $type for $from" ;;
        ttl) is "$(ttls "$from" "$name" "$type")" "$wanted" "$1: TTL of $name $type for $from" ;;
        esac
    done <"$expect"
}

run_case() { # NAME
    local name=$1 tree=$dir/$1 repo=$dir/$1.git word path target wanted
    expect=$cases/$name/expect
    cp -R "$cases/$name" "$tree" && chmod -R u+w "$tree" && rm "$tree/expect"
    while read -r word path target; do
        case $word in
        link) mkdir -p "$(dirname "$tree/$path")" && ln -s "$target" "$tree/$path" ;;
        exit) wanted=$path ;;
        esac
    done <"$expect"
    make_repo "$repo" "$tree" || bail_out "no git repository of $name"
    check_fails "$wanted" "$name: check of the folder" "$SPLITVIEW" check --zones "$tree"
    [ "$wanted" -eq 0 ] || judge_messages "$name" check
    check_fails "$wanted" "$name: import of the repository" "$SPLITVIEW" --config "$conf" import --zones "$repo"
    judge_messages "$name" import
    if [ "$wanted" -eq 0 ]; then
        judge_answers "$name"
        check "$name: back to the good tree" "$SPLITVIEW" --config "$conf" import
        generation=$(served)
    else
        like "$OUTPUT" "nothing was published; generation $generation still serves" "$name: import says what serves"
        still_served "$name"
    fi
}

# What is wrong before there is a tree.
run_source() { # NAME ZONES PATTERN
    check_fails 1 "$1: import" "$SPLITVIEW" --config "$conf" import --zones "$2"
    like "$OUTPUT" "$3" "$1: says why"
    like "$OUTPUT" "nothing was published; generation $generation still serves" "$1: import says what serves"
    still_served "$1"
}

dir=$(new_dir)
cp -R "$cases/01-good" "$dir/good" && chmod -R u+w "$dir/good" && rm "$dir/good/expect"
sed -i 's/192\.0\.2\.99/192.0.2.80/' "$dir/good/internet/harbor.example.zone"
make_repo "$dir/zones" "$dir/good" || bail_out "no git repository"
conf=$(make_conf "$dir")
check "the good tree is imported" "$SPLITVIEW" --config "$conf" import
start_daemon "$conf" || bail_out "splitviewd does not start"
generation=$(served)
is "$generation" 1 "the first generation is served"

for folder in "$cases"/*/; do
    run_case "$(basename "$folder")"
done

git -c init.defaultBranch=main init -q "$dir/unborn"
run_source "unborn branch" "$dir/unborn" "error: .*main"
mkdir -p "$dir/no-repository/.git"
run_source "a repository that is none" "$dir/no-repository" "error: .*no-repository"
: >"$dir/a-file"
run_source "neither repository nor folder" "$dir/a-file" "error: .*a-file"
check_fails 1 "unknown revision" "$SPLITVIEW" --config "$conf" import --rev no-such-branch
like "$OUTPUT" "error: .*no-such-branch" "unknown revision: says which"
still_served "unknown revision"

stop_daemon && ok "the daemon stops" || not_ok "the daemon stops"

# An upstream that is the server itself, which only the machine's own configuration tells.
own=127.0.53.1@$PORT
sed "s/^listen = .*/listen = $own/" "$conf" >"$dir/own.conf"
printf '[view lan]\nclients = 127.30.0.0/16\nforward = site\n[upstream site]\nservers = 127.0.53.2, %s\n' "$own" \
    >>"$dir/zones/policy.conf"
line=$(wc -l <"$dir/zones/policy.conf")
repo_git "$dir/zones" commit -q -a -m "a loop"
said="policy\.conf:$line: error: \[upstream site\] servers: found $own, wanted another address than this server's own"
check_fails 1 "own listen address: import" "$SPLITVIEW" --config "$dir/own.conf" import
like "$OUTPUT" "$said \($dir/own\.conf:2\)" "own listen address: says which"
check_fails 1 "own listen address: a dry run" "$SPLITVIEW" --config "$dir/own.conf" import --dry-run
check "own listen address: a tree alone is fine" "$SPLITVIEW" check --zones "$dir/zones" --rev HEAD
start_daemon "$dir/own.conf" || bail_out "splitviewd does not start"
check "own listen address: a server elsewhere publishes it" "$SPLITVIEW" --config "$conf" import
said="policy\.conf:$line: warning: \[upstream site\] servers: found $own, "
check "own listen address: splitviewd warns when it takes it" wait_line "$DAEMON_LOG" "$said"
stop_daemon && ok "the daemon stops" || not_ok "the daemon stops"
start_daemon "$dir/own.conf" || bail_out "splitviewd does not start"
like "$(cat "$DAEMON_LOG")" "$said" "own listen address: and when it starts"
sed -i "s/servers = .*/servers = 127.0.53.2/" "$dir/zones/policy.conf"
repo_git "$dir/zones" commit -q -a -m "no loop"
check "own listen address: another upstream" "$SPLITVIEW" --config "$dir/own.conf" import
stop_daemon && ok "the daemon stops again" || not_ok "the daemon stops again"
tap_done
