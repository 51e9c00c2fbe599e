#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The frame of `splitview`: help, usage errors, exit statuses, JSON, `check` of trees and single files, no daemon.
. "${srcdir:-.}/tests/lib.sh"

dir=$(new_dir)
conf=$(make_conf "$dir")
cp -R "$srcdir/tests/cases/trees/01-good" "$dir/zones" && chmod -R u+w "$dir/zones"
good=$dir/zones/internet/harbor.example.zone
wide=$srcdir/tests/cases/trees/09-unequal-ttls/internet/harbor.example.zone
broken=$srcdir/tests/cases/trees/04-syntax/internet/harbor.example.zone

usage() { # TITLE PATTERN ARGUMENT...
    local title=$1 pattern=$2
    shift 2
    check_fails 2 "$title" "$SPLITVIEW" "$@" && like "$OUTPUT" "$pattern" "$title: says what is wrong"
}

check "--help" "$SPLITVIEW" --help
for command in import check status; do
    like "$OUTPUT" "^  $command  *[a-z]" "--help lists $command"
    "$SPLITVIEW" $command --help >"$dir/help" 2>&1
    is $? 0 "$command --help"
    like "$(cat "$dir/help")" "^splitview $command" "$command --help shows how to call it"
done
check "--version" "$SPLITVIEW" --version
like "$OUTPUT" '^splitview [0-9]' "--version says which"
is "$("$SPLITVIEW" -V)" "$OUTPUT" "-V says the same"
is "$("$SPLITVIEW" -h)" "$("$SPLITVIEW" --help)" "-h is --help"
is "$("$SPLITVIEW" help)" "$("$SPLITVIEW" --help)" "help too"
is "$("$SPLITVIEW" check -h)" "$("$SPLITVIEW" check --help)" "-h of a command"
is "$("$SPLITVIEW" help check)" "$("$SPLITVIEW" check --help)" "help of a command"
if [ -n "${sysconfdir-}" ]; then
    like "$("$SPLITVIEW" --help)" "default $sysconfdir/splitview/splitview.conf\)" "the configuration is where configure was told"
else
    skip "the configuration is where configure was told" "only make check tells where"
fi

usage "no command" 'no command given'
usage "unknown command" 'unknown command imprt; did you mean import\?' imprt
usage "help of an unknown command" 'unknown command chek; did you mean check\?' help chek
usage "help with two arguments" 'help: unexpected argument import' help check import
usage "a command like no other" 'unknown command zzzzzz$' zzzzzz
usage "unknown option" 'unknown option --zoness; did you mean --zones\?' check --zoness "$dir"
usage "option of another command" 'status takes no option --rev' status --rev HEAD
usage "option without its argument" 'option --zones needs an argument' check --zones
usage "unexpected argument" 'import: unexpected argument x' import x
usage "apex that is none" 'found a\.\.b, wanted a domain name' check --zone a..b "$good"
usage "check --zone without a file" 'the file is missing' check --zone harbor.example

check_fails 3 "no configuration" "$SPLITVIEW" --config "$dir/none.conf" import
check_fails 3 "no daemon" "$SPLITVIEW" --config "$conf" status
like "$OUTPUT" 'no splitviewd answers on ' "no daemon: says so"
check_fails 3 "no daemon, in JSON" "$SPLITVIEW" status --json --config "$conf"
like "$OUTPUT" '"severity": "error"' "no daemon, in JSON: says so"
if [ -w /dev/full ]; then
    check_fails 3 "a full disk" sh -c "'$SPLITVIEW' --help >/dev/full"
    check_fails 3 "a full disk, in JSON" sh -c "'$SPLITVIEW' check --json --zones '$dir/zones' >/dev/full"
else
    skip "a full disk" "no /dev/full"
fi

check "check of a tree without a configuration" "$SPLITVIEW" check --zones "$dir/zones"
like "$OUTPUT" '^2 views, 2 zones, 8 records: no errors, 0 warnings$' "check of a tree counts"
check "check of the configured tree" "$SPLITVIEW" check --config "$conf" --json
like "$OUTPUT" '"zones": 2' "check --json counts"
check_fails 1 "a folder has no revisions" "$SPLITVIEW" check --zones "$dir/zones" --rev HEAD

check "check of a file" "$SPLITVIEW" check --zone harbor.example "$good"
is "$OUTPUT" "$(printf 'zone harbor.example/IN: loaded serial 1, 4 records\nOK')" "check of a file says what it is"
check "check of a file with a warning" "$SPLITVIEW" check --zone harbor.example. "$wide"
like "$OUTPUT" "^$wide:5(:[0-9]+)?: warning: .*TTL" "the warning names file and line"
check_fails 1 "check of a broken file" "$SPLITVIEW" check --zone harbor.example "$broken"
like "$OUTPUT" "^$broken:5:[0-9]+: error: " "the first error names file, line and column"
like "$OUTPUT" "^$broken:6:[0-9]+: error: " "the second too"
check_fails 1 "the same in JSON" "$SPLITVIEW" --json check --zone harbor.example "$broken"
like "$OUTPUT" '"column": [0-9]+' "JSON has the column"
check_fails 1 "check of a file with a name of another zone" "$SPLITVIEW" check --zone harbor.example "$srcdir/tests/cases/trees/06-out-of-zone/internet/harbor.example.zone"
check_fails 1 "check of no file" "$SPLITVIEW" check --zone harbor.example "$dir/none.zone"
mkdir "$dir/parts" && cp "$good" "$dir/parts/body" && echo "\$INCLUDE body" >"$dir/parts/whole"
check "check of a file that includes its neighbour" "$SPLITVIEW" check --zone harbor.example "$dir/parts/whole"
echo "\$INCLUDE ../zones/internet/harbor.example.zone" >"$dir/parts/outside"
check_fails 1 "check of a file that includes what lies above" "$SPLITVIEW" check --zone harbor.example "$dir/parts/outside"

check "import of a folder" "$SPLITVIEW" --config "$conf" import
like "$OUTPUT" '^generation 1: 2 views, 2 zones, 8 records \(1 image new, 0 reused\), commit [0-9a-f]{12}$' "import counts"
sed "s|^store = .*|store = $dir/other|" "$conf" >"$dir/other.conf"
check "a dry run" "$SPLITVIEW" --config "$dir/other.conf" import --dry-run
[ ! -e "$dir/other" ] && ok "a dry run writes nothing" || not_ok "a dry run writes nothing"
tap_done
