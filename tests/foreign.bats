#!/usr/bin/env bats
# What klog did not write: a Kafka's partitions and its log directory.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

log=00000000000000000000.log

# The two interleaved transactions of five batches, as a Kafka wrote them:
# 4001 at 0-1, aborted at 4; a plain record at 2; 4002 at 3, committed at 5.
txn=(
	0000000000000000000000490000000002c34c25090010000000010000018bcfe568000000018bcfe568010000000000000fa1000000000000000000021600000002610874312d30001600020202620874312d3100
	00000000000000020000003e00000000029487ae8a0000000000000000018bcfe568020000018bcfe56802ffffffffffffffffffffffffffff000000011800000002630a706c61696e00
	00000000000000030000003d0000000002c4bd61cc0010000000000000018bcfe568030000018bcfe568030000000000000fa2000000000000000000011600000002640874322d3000
	0000000000000004000000420000000002ccc17a2c0030000000000000018bcfe568040000018bcfe568040000000000000fa10000ffffffff000000012000000008000000000c00000000000100
	000000000000000500000042000000000288b0d84a0030000000000000018bcfe568050000018bcfe568050000000000000fa20000ffffffff000000012000000008000000010c00000000000100
)

# transactions DIR FIRST LAST: those of the batches, from 0.
transactions() {
	local i
	mkdir -p "$1"
	for ((i = $2; i <= $3; i++)); do
		hex "${txn[i]}"
	done >"$1/$log"
}

shown() {
	klog-consume -F '%o %s\n' "$@"
}

@test "foreign: aborted records and markers are not shown, but with read_uncommitted" {
	transactions orders-0 0 4
	equal "$(shown ./orders-0)" $'2 plain\n3 t2-0'
	equal "$(shown "./orders-0/$log")" $'2 plain\n3 t2-0'
	equal "$(shown -o 1 ./orders-0)" $'2 plain\n3 t2-0'
	equal "$(shown -X isolation.level=read_uncommitted ./orders-0)" \
		$'0 t1-0\n1 t1-1\n2 plain\n3 t2-0'
}

@test "foreign: a marker is not the newest record" {
	transactions orders-0 0 4
	equal "$(shown -o max-timestamp ./orders-0)" '3 t2-0'
	mkdir logs
	mv orders-0 logs/
	cp -r logs/orders-0 logs/orders-1
	equal "$(klog-consume -C logs -o max-timestamp -F '%p %s\n' orders | sort)" \
		$'0 t2-0\n1 t2-0'
}

@test "foreign: read_committed ends at the last stable offset" {
	transactions orders-0 0 3
	equal "$(shown ./orders-0)" '2 plain'
	equal "$(shown -n 1 ./orders-0)" '2 plain'
	transactions orders-0 0 2
	equal "$(shown ./orders-0)" ''
	equal "$(shown -X isolation.level=read_uncommitted ./orders-0 | wc -l)" 4
}

@test "foreign: a follower waits for the end of a transaction" {
	transactions orders-0 0 2
	klog-consume -f -F '%o %s\n' ./orders-0 >seen &
	local pid=$!
	until_true 20 asleep "$pid"
	equal "$(cat seen)" ''
	hex "${txn[3]}" >>"orders-0/$log"
	until_true 20 has_lines seen 1
	equal "$(cat seen)" '2 plain'
	hex "${txn[4]}" >>"orders-0/$log"
	until_true 20 has_lines seen 2
	kill -TERM "$pid"
	ended 143 "$pid"
	equal "$(cat seen)" $'2 plain\n3 t2-0'
}

@test "foreign: damage in a log with transactions is told" {
	transactions orders-0 0 4
	printf X | dd of="orders-0/$log" bs=1 seek=$((85 + 70)) conv=notrunc status=none
	klog 3 consume ./orders-0
	error_line consume orders-0
}

# kafka DIR NAME...: a log directory with partitions of ten records.
kafka() {
	local name
	klog-create -q -X segment.bytes=1MiB src
	make-lines 0 25000 100 | klog-produce src
	mkdir "$1"
	for name in "${@:2}"; do
		cp -r "$(partition src)" "$1/$name"
		rm "$1/$name"/.klog*
	done
	klog-delete src
}

@test "foreign: a Kafka's log directory is a cluster, for reading" {
	kafka logs a-topic-0 a-topic-12 a-topic-2 other-7
	mkdir logs/empty-0 logs/gone-0.0123456789abcdef0123456789abcdef-delete logs/x
	equal "$(klog-inspect -C logs | awk '{ print $1, $2, $3 }')" \
		$'TOPIC PARTITIONS RECORDS\na-topic 3 75000\nother 1 25000'
	equal "$(klog-inspect -C logs a-topic | awk 'NR > 1 { print $2, $7 }')" \
		$'0 25000\n2 25000\n12 25000'
	equal "$(klog-consume -C logs a-topic | wc -l)" 75000
	equal "$(klog-consume -C logs -p 12 -c 1 -F '%t %p %o' a-topic)" 'a-topic 12 0'
	klog 1 consume -C logs -p 1 a-topic
	one_line_error consume a-topic
	find logs -type f -exec sha256sum {} + | sort >before
	local tool
	for tool in produce delete 'alter -X flush.ms=1'; do
		# shellcheck disable=SC2086
		klog 2 ${tool% -*} ${tool#"${tool%% *}"} -C logs other </dev/null || true
		[ "$status" -eq 2 ]
	done
	klog 1 create -C logs new
	find logs -type f -exec sha256sum {} + | sort | diff before -
}

@test "foreign: the log start stands in the checkpoint beside the partitions" {
	kafka logs t-0
	printf '0\n2\nelse 0 7\nt 0 24990\n' >logs/log-start-offset-checkpoint
	klog 0 consume -C logs -F '%o\n' t
	equal "$output" "$(seq 24990 24999)"
	equal "$stderr" ''
	klog 0 consume -c 1 -o 5 -F '%o\n' ./logs/t-0
	equal "$output" 24990
	error_line consume '5 to 24989' gone
	klog 1 consume -X auto.offset.reset=none -o 5 -C logs t
}

@test "foreign: what retention removed is told" {
	kafka logs t-0
	local second
	second=$(find logs/t-0 -name '*.log' | sort | sed -n 2p)
	rm "logs/t-0/$log"
	second=$((10#$(basename "$second" .log)))
	klog 0 consume -c 1 -o 5 -F '%o\n' ./logs/t-0
	equal "$output" "$second"
	error_line consume "5 to $((second - 1))" gone
	# Who did not ask for it hears nothing.
	klog 0 consume -c 1 -F '%o\n' ./logs/t-0
	equal "$output$stderr" "$second"
}

@test "foreign: segments on their way in and out (.swap, .cleaned, .deleted)" {
	kafka logs t-0
	klog-consume ./logs/t-0 >want
	local all second
	mapfile -t all < <(find logs/t-0 -name '*.log' | sort)
	second=${all[1]}
	# complete, the old one gone
	mv "$second" "$second.swap"
	klog-consume ./logs/t-0 | cmp - want
	# beside what it stands for
	cp "$second.swap" "$second"
	klog-consume ./logs/t-0 | cmp - want
	# the old one is renamed, the unlink is to come
	mv "$second" "$second.deleted"
	klog-consume ./logs/t-0 | cmp - want
	# an unfinished one says that the others do not count
	: >"${all[0]}.cleaned"
	klog-consume ./logs/t-0 | cmp -s - want && fail 'a .swap was read'
	[ "$(klog-consume ./logs/t-0 | wc -l)" -lt 25000 ]
}

@test "foreign: offsets that go back are damage, at the end too" {
	local batch
	batch=$(printf '%s' 0000003d00000000 02 e641a44b 0000 00000000 \
		0000018bcfe56800 0000018bcfe56800 ffffffffffffffffffffffffffff \
		00000001 160000 00010a68656c6c6f00)
	mkdir back-0
	hex "0000000000000000$batch 0000000000000001$batch 0000000000000000$batch" \
		>back-0/00000000000000000000.log
	klog 3 consume ./back-0/
	equal "$output" $'hello\nhello'
	error_line consume 'batch at 146' 'offset 0 where 2 is next'
}

@test "foreign: an offset that no segment can hold is damage" {
	kafka logs t-0
	local file=logs/t-0/$log
	rm logs/t-0/*.index logs/t-0/*.timeindex
	# bit 33 of the second batch's offset
	local at
	at=$(($(od -An -tu4 --endian=big -j 8 -N 4 "$file") + 12))
	printf '\2' | dd of="$file" bs=1 seek=$((at + 3)) conv=notrunc status=none
	klog 3 consume ./logs/t-0
	error_line consume "$at"
}
