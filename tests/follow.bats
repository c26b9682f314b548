#!/usr/bin/env bats
# klog-consume -f: readers that wait.  Every wait here is a poll with a bound.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
}

# follow FILE [ARG...]: klog-consume -f into FILE, its pid in $follower.
follow() {
	local to=$1
	shift
	klog-consume -f "$@" >"$to" 2>"$to.err" &
	follower=$!
}

# stop PID: a follower ends by SIGTERM, as that signal.
stop() {
	kill -TERM "$1"
	ended 143 "$1"
}

@test "follow: a partition that always has more does not keep the others waiting" {
	klog-create -q -p 2 two
	make-lines 0 100000 100 | klog-produce --batch-size 4KiB two:0
	# It stands at the pipe, in the middle of partition 0, when 1 gets a line.
	klog-consume -f -c 100001 two | {
		read -r first
		echo "$first"
		echo other | klog-produce two:1
		cat
	} >seen
	equal "$(wc -l <seen)" 100001
	[ "$(grep -n '^other$' seen | cut -d: -f1)" -lt 90000 ] || fail "it came last"
}

@test "follow: a topic removed by hand ends it with 1, also when it is made anew" {
	local again
	for again in '' yes; do
		klog-create -q gone
		put gone one
		rm -f seen
		klog-consume -f gone >seen 2>err &
		local pid=$!
		until_true 20 has_lines seen 1
		rm -r "$KLOG_CLUSTER/gone"
		[ -z "$again" ] || klog-create -q gone
		ended 1 "$pid"
		cat err
		grep -q '^klog-consume: .*gone' err
		equal "$(wc -l <err)" 1
	done
}

@test "follow: from the beginning, then what comes" {
	put t one
	follow out t
	until_true 20 has_lines out 1
	put t two
	until_true 20 has_lines out 2
	put t three
	until_true 20 has_lines out 3
	stop "$follower"
	equal "$(cat out)" $'one\ntwo\nthree'
	equal "$(cat out.err)" ""
}

@test "follow: an empty topic is waited for" {
	follow out t
	put t one
	until_true 20 has_lines out 1
	stop "$follower"
	equal "$(cat out)" one
}

@test "follow: -o end, -o N, --tail begin where they say" {
	seq 0 4 | klog-produce t
	follow a -o 3 t
	local first=$follower
	follow b --tail 1 t
	local second=$follower
	follow c -o end t
	until_true 20 has_lines a 2
	until_true 20 has_lines b 1
	until_true 20 asleep "$follower"
	put t five
	until_true 20 has_lines a 3
	until_true 20 has_lines b 2
	until_true 20 has_lines c 1
	equal "$(cat a)" $'3\n4\nfive'
	equal "$(cat b)" $'4\nfive'
	equal "$(cat c)" five
	stop "$first"
	stop "$second"
	stop "$follower"
}

@test "follow: -c ends it" {
	follow out -c 3 t
	seq 5 | klog-produce t
	ended 0 "$follower"
	equal "$(cat out)" $'1\n2\n3'
}

@test "follow: a range's end ends it" {
	seq 0 1 | klog-produce t
	follow out -o 1..3 t
	seq 2 5 | klog-produce t
	ended 0 "$follower"
	equal "$(cat out)" $'1\n2'
}

@test "follow: --idle-timeout ends with 0" {
	put t one
	follow out --idle-timeout 200ms t
	ended 0 "$follower"
	equal "$(cat out)" one
}

@test "follow: several partitions and topics" {
	klog-create -q -p 3 three
	follow out -F '%t %p %s\n' t three
	put t a
	echo b | klog-produce -p 1 three
	echo c | klog-produce -p 2 three
	until_true 20 has_lines out 3
	stop "$follower"
	equal "$(sort out)" $'t 0 a\nthree 1 b\nthree 2 c'
}

@test "follow: over rolled segments, nothing is passed over" {
	klog-create -q -X segment.bytes=1MiB rolls
	follow out -c 30000 rolls
	make-lines 0 30000 100 >input
	local i
	split -l 5000 input part-
	for i in part-*; do
		klog-produce --no-sync rolls <"$i"
	done
	ended 0 "$follower"
	cmp out input
	[ "$(find "$(partition rolls)" -name '*.log' | wc -l)" -ge 3 ]
}

@test "follow: --synced waits for the sync" {
	follow out --synced t
	echo a | klog-produce --no-sync t
	until_true 20 asleep "$follower"
	equal "$(cat out)" ""
	put t b
	until_true 20 has_lines out 2
	stop "$follower"
	equal "$(cat out)" $'a\nb'
}

@test "follow: without a reader it ends soon, not at the next record" {
	put t one
	mkfifo pipe
	klog-consume -f t >pipe &
	follower=$!
	head -1 <pipe
	ended 141 "$follower"
}

@test "follow: it costs no time at rest" {
	put t one
	follow out t
	until_true 20 has_lines out 1
	until_true 20 asleep "$follower"
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$follower/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$follower/stat")
	[ $((after - before)) -le 2 ]
	stop "$follower"
}

@test "follow: a deleted topic ends it with 1" {
	put t one
	follow out t
	until_true 20 has_lines out 1
	# What klog-delete does in the end: the name goes.
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/.deleted-t-x"
	ended 1 "$follower"
	[ "$(wc -l <out.err)" -eq 1 ]
	grep -q '^klog-consume: .*t' out.err
}

@test "follow: a lone .log, and a partition directory by path" {
	put t one
	follow out "$(partition t)"
	until_true 20 has_lines out 1
	put t two
	until_true 20 has_lines out 2
	stop "$follower"
	equal "$(cat out)" $'one\ntwo'
}

@test "follow: an incomplete batch is nothing until it is whole" {
	seq 3 | klog-produce t
	seq 4 6 | klog-produce t
	mkdir -p k-0
	local log size
	log=$(partition t)/00000000000000000000.log
	size=$(stat -c %s "$log")
	head -c $((size / 2 + 10)) "$log" >k-0/00000000000000000000.log
	follow out ./k-0
	until_true 20 has_lines out 3
	until_true 20 asleep "$follower"
	equal "$(cat out)" $'1\n2\n3'
	tail -c +$((size / 2 + 11)) "$log" >>k-0/00000000000000000000.log
	until_true 20 has_lines out 6
	stop "$follower"
	equal "$(cat out)" "$(seq 6)"
}

reaches() {
	[ -n "$(klog-consume -o "$2" -c 1 "$1" 2>/dev/null)" ]
}

@test "follow: two followers and readers with an offset, a time, a range, while two writers roll" {
	klog-create -q -X segment.bytes=1MiB busy
	local n=40000 pids=() start
	start=$(date +%s%3N)
	follow f1 -c $((2 * n)) -F '%p %o %s\n' busy
	pids+=("$follower")
	follow f2 -c $((2 * n)) -F '%p %o %s\n' busy
	pids+=("$follower")
	follow since -o "@${start}ms" -c $((2 * n)) -F '%p %o %s\n' busy
	pids+=("$follower")
	make-lines 0 $n 100 | klog-produce busy &
	local w0=$!
	make-lines 1 $n 100 | klog-produce --batch-size 4KiB busy &
	local w1=$! have last=0
	until_true 30 reaches busy 6000
	follow range -o 100..20000 -F '%p %o %s\n' busy
	pids+=("$follower")
	follow from -o 5000 -c $((2 * n - 5000)) -F '%p %o %s\n' busy
	pids+=("$follower")
	# Readers that end by themselves see a prefix, and never less than before.
	while ! is_zombie_or_gone "$w0" || ! is_zombie_or_gone "$w1"; do
		have=$(klog-consume -o 500..1500 -F '%o\n' busy | awk '
			$1 != 499 + NR { print -1; exit } END { print NR + 0 }')
		[ "$have" -ge "$last" ]
		last=$have
	done
	wait "$w0"
	wait "$w1"
	local pid
	for pid in "${pids[@]}"; do
		ended 0 "$pid"
	done
	[ "$(find "$(partition busy)" -name '*.log' | wc -l)" -ge 8 ]
	klog-consume -F '%p %o %s\n' busy >all
	check-lines 2 $n <all
	cmp f1 all
	cmp f2 all
	cmp since all
	tail -n +5001 all | cmp - from
	sed -n '101,20000p' all | cmp - range
	cat ./*.err | tee /dev/stderr | wc -l | grep -qx 0
	sound busy -s 1048576
}

@test "follow: what was cut is taken back in one line, and what came instead is printed (D3)" {
	local i at log
	for i in 1 2 3; do
		echo "$i" | klog-produce --no-sync t
	done
	log=$(partition t)/00000000000000000000.log
	follow out -F '%o %e %s\n' t
	until_true 20 has_lines out 3
	until_true 20 asleep "$follower"
	# The third is lost, as in a power cut; klog-state says that there was one.
	at=$(partition-check -b "$(partition t)" | sed -n '3s/ /\n/gp' | sed -n 3p)
	klog-state "$(partition t)/.klog" boot=0
	truncate -s "$at" "$log"
	put t three
	until_true 20 has_lines out 4
	stop "$follower"
	equal "$(cat out)" $'0 0 1\n1 0 2\n2 0 3\n2 1 three'
	equal "$(wc -l <out.err)" 1
	grep -q '^klog-consume: .*epoch 1.* 2 to 2 ' out.err
}

@test "follow: partitions that are written at once are all read" {
	local p
	klog-create -q -p 8 many
	follow out many
	until_true 20 asleep "$follower"
	stop_it "$follower"
	for p in 0 1 2 3 4 5 6 7; do
		echo "$p" | klog-produce "many:$p"
	done
	kill -CONT "$follower"
	until_true 20 has_lines out 8
	stop "$follower"
}
