#!/usr/bin/env bats
# klog-consume --merge: in order of timestamp over partitions and topics.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

# at TS PARTITION TOPIC [COUNT]: a batch of so many records, each a
# millisecond later than the one before.
at() {
	local i
	for ((i = 0; i < ${4:-1}; i++)); do
		echo "{\"ts\":$(($1 + i)),\"partition\":$2,\"payload\":\"$(($1 + i))\"}"
	done | klog-produce -J "$3"
}

merged() {
	klog-consume --merge "$@" | tr '\n' ' '
}

@test "merge: by timestamp over partitions, and over topics" {
	klog-create -q -p 3 t
	klog-create -q u
	at 10 0 t && at 40 0 t && at 20 1 t && at 50 1 t && at 30 2 t && at 60 2 t
	at 15 0 u && at 45 0 u
	equal "$(merged t)" '10 20 30 40 50 60 '
	equal "$(merged t u)" '10 15 20 30 40 45 50 60 '
	equal "$(merged -p 0,2 t)" '10 30 40 60 '
	equal "$(merged u)" '15 45 '
	klog 0 consume --merge -F '%t/%p/%o:%T ' t u
	equal "$output" 't/0/0:10 u/0/0:15 t/1/0:20 t/2/0:30 t/0/1:40 u/0/1:45 t/1/1:50 t/2/1:60 '
}

@test "merge: inside of batches, compressed or not" {
	local i codec p=0
	klog-create -q -p 5 t
	for codec in none gzip snappy lz4 zstd; do
		for ((i = p; i < 3000; i += 5)); do
			echo "{\"ts\":$i,\"payload\":\"$i\"}"
		done | klog-produce -J -z "$codec" -p $p t
		p=$((p + 1))
	done
	klog-consume --merge t | cmp - <(seq 0 2999)
	klog-consume --merge -c 1234 t | cmp - <(seq 0 1233)
}

@test "merge: a partition's own order is that of its offsets" {
	klog-create -q -p 2 t
	at 50 0 t && at 10 0 t && at 60 0 t && at 20 1 t && at 55 1 t
	# 10 comes when 50 is printed, and then at once.
	equal "$(merged t)" '20 50 10 55 60 '
}

@test "merge: equal timestamps go by partition" {
	local i
	klog-create -q -p 3 t
	for i in 2 0 1; do
		at 7 "$i" t
		at 7 "$i" t
	done
	equal "$(klog-consume --merge -F '%p:%o ' t)" '0:0 0:1 1:0 1:1 2:0 2:1 '
}

@test "merge: bounds are each partition's" {
	klog-create -q -p 2 t
	at 10 0 t 5 && at 12 1 t 5
	equal "$(merged -o 3 t)" '13 14 15 16 '
	equal "$(merged -o 1..3 t)" '11 12 13 14 '
	equal "$(merged -n 3 t)" '14 15 16 '
	equal "$(merged --since 13ms t)" '13 13 14 14 15 16 '
	equal "$(merged -o end t)" ''
	klog-create -q -p 4 empty
	equal "$(merged empty)" ''
}

@test "merge: all of many partitions, with few descriptors" {
	klog-create -q -p 60 t
	local i
	for i in {0..1199}; do
		echo "{\"ts\":$i,\"partition\":$((i * 7 % 60)),\"payload\":\"$i\"}"
	done >lines
	# Many small batches.
	klog-produce -J --batch-size 200 t lines
	klog-consume --merge t | cmp - <(seq 0 1199)
	shell 0 'ulimit -n 40; klog-consume --merge t | cmp - <(seq 0 1199)'
}

@test "merge: large batches of many partitions keep their memory bounded" {
	[ -z "${KLOG_SANITIZED-}" ] || skip "the sanitizers need more"
	klog-create -q -p 20 t
	local p
	for p in {0..19}; do
		yes "{\"ts\":$p,\"payload\":\"$(printf %01000d 0)\"}" | head -4000 |
			klog-produce -J -z lz4 --batch-size 1MiB -p "$p" t
	done
	# A batch of 1 MiB decoded for each, and not all there is.
	shell 0 'ulimit -v 60000; klog-consume --merge t | wc -l'
	equal "$output" 80000
}

@test "merge: damage is told, after what is good before it" {
	klog-create -q -p 2 t
	at 10 0 t && at 20 1 t && at 30 0 t && at 40 1 t
	local log
	log=$(partition t 0)/00000000000000000000.log
	printf X | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") - 3)) conv=notrunc status=none
	klog 3 consume --merge t
	equal "${lines[0]}" 10
	error_line consume t/0
}

@test "merge: -f waits a second for a partition that has none, and no longer" {
	local pid
	klog-create -q -p 2 t
	klog-consume -f --merge t >out &
	pid=$!
	until_true 10 asleep $pid
	# The later one is there first.
	at 200 0 t
	at 100 1 t
	until_true 10 has_lines out 2
	equal "$(tr '\n' ' ' <out)" '100 200 '
	# One partition alone goes on, too.
	at 300 0 t
	until_true 10 has_lines out 3
	at 400 0 t 3
	until_true 10 has_lines out 6
	at 350 1 t
	until_true 10 has_lines out 7
	equal "$(tr '\n' ' ' <out)" '100 200 300 400 401 402 350 '
	kill $pid
	ended 143 $pid
}

@test "merge: -f holds nothing back where all partitions have something" {
	klog-create -q -p 2 t
	at 10 0 t && at 20 1 t && at 30 0 t
	# 10 at once; 20 too; 30 waits for partition 1.
	klog 0 consume -f --merge -c 2 t
	equal "${output//$'\n'/ }" '10 20'
	klog 0 consume -f --merge --idle-timeout 10ms t
	equal "${output//$'\n'/ }" '10 20 30'
	klog 0 consume -f --merge -o ..1 t
	equal "${output//$'\n'/ }" '10 20'
}

@test "merge: -f finds new partitions" {
	local pid
	klog-create -q t
	at 10 0 t
	klog-consume -f --merge t >out &
	pid=$!
	until_true 10 has_lines out 1
	klog-alter -q -p 3 t
	at 20 2 t
	until_true 10 has_lines out 2
	at 30 0 t
	until_true 10 has_lines out 3
	equal "$(tr '\n' ' ' <out)" '10 20 30 '
	klog-delete t
	ended 1 $pid
}
