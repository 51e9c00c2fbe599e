# SPDX-License-Identifier: BSD-2-Clause
# report.awk: from the results of tests/bench/bench to tables, targets and JSON (-v json=FILE). Input: a line "machine
# TEXT", then lines "PART SET SERVER ROUND KEY VALUE KEY VALUE…", one for each run.

$1 == "machine" {
    sub(/^machine /, "")
    machine = $0
    next
}
{
    group = $1 " " $2 " " $3
    if (!(group in seen)) {
        seen[group] = 1
        groups[++group_count] = group
        servers[$1 " " $2] = servers[$1 " " $2] " " $3
    }
    for (i = 5; i < NF; i += 2) {
        key = group " " $i
        if (!(key in rows))
            keys[++key_count] = key
        rows[key]++
        value[key, rows[key]] = $(i + 1)
    }
}

function sort_values(key,    n, i, j, swap) {
    n = rows[key]
    for (i = 1; i <= n; i++)
        sorted[i] = value[key, i] + 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && sorted[j - 1] > sorted[j]; j--) {
            swap = sorted[j]
            sorted[j] = sorted[j - 1]
            sorted[j - 1] = swap
        }
    return n
}

function has(group, name) { return (group " " name) in rows }

function median(group, name,    n) {
    n = sort_values(group " " name)
    return n == 0 ? 0 : n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function least(group, name) { return sort_values(group " " name) > 0 ? sorted[1] : 0 }

function most(group, name,    n) {
    n = sort_values(group " " name)
    return n > 0 ? sorted[n] : 0
}

function total(group, name,    n, i, sum) {
    n = rows[group " " name]
    for (i = 1; i <= n; i++)
        sum += value[group " " name, i]
    return sum + 0
}

function spread(group, name, format) {
    return sprintf(format "-" format, least(group, name), most(group, name))
}

# Rows of one part and set; `reflector` is the group that is 1.00, "" if there is none.
function rate_table(title, part, set, reflector,    n, list, i, group, share) {
    if (!((part " " set) in servers))
        return
    if (!has(reflector, "cpu_us"))
        reflector = ""
    printf "\n%s\n", title
    printf "%-20s %9s %17s %6s %7s %13s %6s %6s %6s %5s %8s %8s\n", "server", "queries/s", "(min-max)", "share",
        "CPU us", "(min-max)", "ratio", "user", "system", "lost", "PSS MiB", "load ms"
    n = split(servers[part " " set], list, " ")
    for (i = 1; i <= n; i++) {
        group = part " " set " " list[i]
        printf "%-20s %9d %17s", list[i], median(group, "per_second"), spread(group, "per_second", "%d")
        printf " %6s", reflector == "" ? "-" : sprintf("%.3f", ratio(group, reflector, "per_second"))
        printf " %7.3f %13s", median(group, "cpu_us"), spread(group, "cpu_us", "%.2f")
        printf " %6s", reflector == "" ? "-" : sprintf("%.3f", ratio(group, reflector, "cpu_us"))
        printf " %6.3f %6.3f %5d", median(group, "user_us"), median(group, "system_us"), total(group, "lost")
        share = "memory " set " " list[i]
        printf " %8s", has(share, "pss_kib") ? sprintf("%.1f", median(share, "pss_kib") / 1024) : "-"
        share = "load " set " " list[i]
        printf " %8s\n", has(share, "start_ms") ? sprintf("%.0f", median(share, "start_ms")) : "-"
        wrong += total(group, "wrong")
    }
}

# WHAT GOT WANTED GOOD: a line of targets. Not measured: GOT is "".
function target(what, got, wanted, good) {
    if (got == "" && quick)
        return
    target_count++
    target_what[target_count] = what
    target_got[target_count] = got
    target_wanted[target_count] = wanted
    target_verdict[target_count] = got == "" ? "not measured" : wanted == "report" ? "-" : good ? "reached" : "MISSED"
}

function ratio(above, below, name) { return median(below, name) == 0 ? 0 : median(above, name) / median(below, name) }

function share_target(set, share, cost,    own, reflector, text) {
    own = "udp " set " splitviewd"
    reflector = "udp " set " reflector"
    text = has(own, "per_second") && has(reflector, "per_second")
    target(set ": share of the reflector", text ? sprintf("%.3f", ratio(own, reflector, "per_second")) : "",
        ">= " share, ratio(own, reflector, "per_second") >= share)
    if (cost != "")
        target(set ": CPU of the reflector's (us)",
            text ? sprintf("%.3f (%.2f)", ratio(own, reflector, "cpu_us"), median(own, "cpu_us")) : "", "<= " cost,
            ratio(own, reflector, "cpu_us") <= cost)
}

function peer_target(set,    own, list, n, i, peer) {
    own = "udp " set " splitviewd"
    n = split("nsd knot gdnsd-geo", list, " ")
    for (i = 1; i <= n; i++) {
        peer = "udp " set " " list[i]
        if (has(peer, "cpu_us"))
            target(set ": CPU of " list[i] "'s", sprintf("%.3f", ratio(own, peer, "cpu_us")), "<= 1.02",
                ratio(own, peer, "cpu_us") <= 1.02)
    }
}

# A PART SET SERVER against another, by what, at most or (least = 1) at least WANTED.
function against(what, own, other, name, wanted, is_least,    there, got) {
    there = has(own, name) && has(other, name)
    got = ratio(own, other, name)
    target(what, there ? sprintf("%.3f", got) : "", (is_least ? ">= " : "<= ") wanted,
        is_least ? got >= wanted : got <= wanted)
}

function value_target(what, group, name, format, wanted, words,    got) {
    got = has(group, name) ? sprintf(format, median(group, name)) " (" spread(group, name, format) ")" : ""
    target(what, got, words == "" ? "<= " wanted : words, median(group, name) <= wanted)
}

function memory_target(set,    own, other, there) {
    own = "memory " set " splitviewd"
    other = "memory " set " knot"
    there = has(own, "pss_kib") && has(other, "pss_kib")
    target(set ": PSS per view, MiB", there ? sprintf("%.1f", median(own, "pss_kib") / 2048) : "",
        there ? sprintf("<= %.1f (Knot)", median(other, "pss_kib") / 1024) : "<= Knot's",
        median(own, "pss_kib") / 2 <= median(other, "pss_kib"))
}

function adopt_targets(    parts, n, i, group, idle, busy, lost, gap) {
    n = split("first_import one_changed_record", parts, " ")
    idle = "adopt idle splitviewd"
    for (i = 1; i <= n; i++) {
        group = "adopt " parts[i] " splitviewd"
        if (!has(group, "lost"))
            continue
        target("adoption, " parts[i] ": lost", total(group, "lost"), "0", total(group, "lost") == 0)
        target("adoption, " parts[i] ": longest gap, ms", sprintf("%.1f", most(group, "gap_ms")), "<= 5",
            most(group, "gap_ms") <= 5)
        target("adoption, " parts[i] ": CPU of idle", sprintf("%.2f", ratio(group, idle, "cpu_percent")), "<= 2",
            ratio(group, idle, "cpu_percent") <= 2)
    }
    if (!has(idle, "lost"))
        target("adoption under load", "", "0 lost, gap <= 5 ms, CPU <= 2x", 0)
}

function targets(    instructions, budget) {
    share_target("12k", 0.93, 1.064)
    share_target("118k", 0.88, 1.135)
    share_target("million", 0.88, "")
    value_target("12k: CPU, us", "udp 12k splitviewd", "cpu_us", "%.2f", 3.0)
    value_target("118k: CPU, us", "udp 118k splitviewd", "cpu_us", "%.2f", 3.2)
    peer_target("12k")
    peer_target("118k")
    peer_target("million")
    against("1,000 views, CPU of two views'", "views views splitviewd", "views 12k splitviewd", "cpu_us", 1.03, 0)
    instructions = "instructions total splitviewd"
    budget = median(instructions, "budget")
    target("instructions per query", has(instructions, "count") ? median(instructions, "count") : "",
        "<= " budget " + 5 %", median(instructions, "count") <= 1.05 * budget)
    value_target("12k: user time, us", "udp 12k splitviewd", "user_us", "%.3f", 0.25)
    against("TCP pipelined, queries/s of gdnsd's", "tcp 12k splitviewd", "tcp 12k gdnsd", "per_second", 1, 1)
    against("TCP pipelined, CPU of gdnsd's", "tcp 12k splitviewd", "tcp 12k gdnsd", "cpu_us", 1, 0)
    against("one query a connection, queries/s of Knot's", "connections 12k splitviewd", "connections 12k knot",
        "per_second", 1, 1)
    against("one query a connection, CPU of Knot's", "connections 12k splitviewd", "connections 12k knot",
        "cpu_us", 1, 0)
    value_target("start, 2,000 images, warm, ms", "start_warm 12k splitviewd", "start_ms", "%.1f", 10)
    value_target("start, 200,000 images, warm, ms", "start_warm images splitviewd", "start_ms", "%.1f", 10)
    value_target("start, 2,000 images, cold, ms", "start_cold 12k splitviewd", "start_ms", "%.1f", 0, "report")
    value_target("start, 200,000 images, cold, ms", "start_cold images splitviewd", "start_ms", "%.1f", 0, "report")
    memory_target("12k")
    memory_target("118k")
    memory_target("million")
    value_target("import of 1M records, cold, s", "import million splitview", "seconds", "%.3f", 1.3)
    value_target("one changed record among 10,000 zones, s", "import changed splitview", "seconds", "%.3f", 0.05)
    adopt_targets()
    against("forwarding, cache hit: share of the reflector", "forward_hit forward forward-splitviewd",
        "forward_hit 12k reflector", "per_second", 0.78, 1)
    against("forwarding, cache hit: CPU of the reflector's", "forward_hit forward forward-splitviewd",
        "forward_hit 12k reflector", "cpu_us", 1.277, 0)
    value_target("forwarding, cache hit: CPU, us", "forward_hit forward forward-splitviewd", "cpu_us", "%.2f", 3.6)
    against("forwarding, cache miss: CPU of dnsdist's", "forward_miss forward forward-splitviewd",
        "forward_miss forward forward-dnsdist", "cpu_us", 1, 0)
}

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\""
}

function write_result(key,    part, group, j) {
    split(key, part, " ")
    group = part[1] " " part[2] " " part[3]
    printf "    {\"part\": %s, \"set\": %s, \"server\": %s, \"what\": %s, ", quoted(part[1]), quoted(part[2]),
        quoted(part[3]), quoted(part[4]) >json
    printf "\"median\": %s, \"min\": %s, \"max\": %s, \"values\": [", median(group, part[4]), least(group, part[4]),
        most(group, part[4]) >json
    for (j = 1; j <= rows[key]; j++)
        printf "%s%s", (j > 1 ? ", " : ""), value[key, j] >json
    printf "]}" >json
}

function write_json(    i) {
    printf "{\n  \"machine\": %s,\n  \"results\": [\n", quoted(machine) >json
    for (i = 1; i <= key_count; i++) {
        write_result(keys[i])
        printf "%s\n", (i < key_count ? "," : "") >json
    }
    printf "  ],\n  \"targets\": [\n" >json
    for (i = 1; i <= target_count; i++)
        printf "    {\"what\": %s, \"got\": %s, \"wanted\": %s, \"verdict\": %s}%s\n", quoted(target_what[i]),
            quoted(target_got[i]), quoted(target_wanted[i]), quoted(target_verdict[i]),
            (i < target_count ? "," : "") >json
    printf "  ]\n}\n" >json
    close(json)
}

END {
    OFMT = CONVFMT = "%.6g"
    print machine
    printf "%d rounds of %s s, servers in turn; share and ratio: of the reflector's median\n", rounds, seconds
    n = split("12k 118k million", list, " ")
    for (s = 1; s <= n; s++)
        rate_table("UDP, " list[s], "udp", list[s], "udp " list[s] " reflector")
    rate_table("UDP, 12k, two views", "views", "12k", "")
    rate_table("UDP, 12k, 1,000 views and 10,000 client prefixes", "views", "views", "")
    rate_table("UDP, 12k, two workers on both processors, beside the client", "workers", "12k", "workers 12k reflector")
    rate_table("TCP, pipelined, 12k", "tcp", "12k", "")
    rate_table("TCP, one query a connection, 12k", "connections", "12k", "")
    rate_table("Beside forwarding", "forward_hit", "12k", "forward_hit 12k reflector")
    rate_table("Forwarding, cache hit", "forward_hit", "forward", "forward_hit 12k reflector")
    rate_table("Forwarding, cache miss", "forward_miss", "forward", "")
    targets()
    printf "\n%-48s %-26s %-22s %s\n", "target", "got", "wanted", "verdict"
    for (t = 1; t <= target_count; t++)
        printf "%-48s %-26s %-22s %s\n", target_what[t], target_got[t] == "" ? "-" : target_got[t],
            target_wanted[t], target_verdict[t]
    printf "\nwrong answers: %d\n", wrong
    if (json != "")
        write_json()
}
