#!/usr/bin/env bats
# Writers killed at each of their system calls and inside their writes, alone
# and among others; those that find what they left, killed too.
# shellcheck disable=SC2154

load ../helpers
load common


# ---- at each system call (A3, A6, S3) ---------------------------------------

@test "kills: one record, at each call; the next writer at each of its calls" {
	held t
	lines 1
	swept 300 -2 -d kill -i input t
}

@test "kills: the first record of a topic, at each call, twice" {
	klog-create -q t
	lines 1
	swept 300 -2 -d kill -i input t
}

@test "kills: two batches, at each call, twice" {
	held t
	lines 2
	swept 400 -2 -d kill -i input t -- --batch-size 1
}

@test "kills: three batches, each synced, at each call, two others writing" {
	held t
	lines 3
	swept 150 -w -d kill -i input t -- --batch-size 1 -X flush.messages=1
}

@test "kills: a stream of batches with its helper thread, at each call" {
	held t
	lines 40
	swept 300 -d kill -i input t -- --batch-size 80
}

@test "kills: a stream of batches, at each call, two others writing" {
	held t
	lines 10
	swept 80 -w -d kill -i input t -- --batch-size 80
}

@test "kills: --no-sync, at each call, twice" {
	held t
	lines 2
	swept 300 -2 -d kill -i input t -- --no-sync --batch-size 1
}

@test "kills: three partitions by key, at each call, alone and among others" {
	klog-create -q -p 3 t
	lines 12 keyed
	swept 120 -d kill -i input t -- -K =
	swept 120 -w -d kill -i input t -- -K =
}

@test "kills: each codec, at each call" {
	local codec
	for codec in gzip snappy lz4 zstd; do
		held "$codec"
		lines 20
		swept 50 -d kill -i input "$codec" -- -z "$codec"
	done
}

# ---- while it rolls (R1, A4) ------------------------------------------------

@test "kills: a roll, at each call; the next writer at each of its calls" {
	# By time, so that the log is small.
	held t -X segment.ms=1ms
	lines 1
	swept 700 -2 -d kill -i input t
	[ "$(find "$(partition t)" -name '*.log' | wc -l)" -ge 2 ]
}

@test "kills: a roll without a sync, at each call, two others writing" {
	nearly_full t
	make-lines v 2 9000 >input
	swept 60 -w -d kill -i input t -- --no-sync --batch-size 1
	sound t -s 1048576
}

# ---- while it recovers (V, T4, F) -------------------------------------------

@test "kills: recovery of a torn log, at each call, twice" {
	torn_copy t
	lines 1
	swept 1000 -2 -d kill -i input t
}

@test "kills: recovery of a torn log, at each call, two others recovering" {
	torn_copy t
	lines 1
	swept 60 -w -d kill -i input t
}

@test "kills: recovery without .klog, at each call, alone and among others" {
	torn_copy t
	rm "$(partition t)/.klog"
	lines 1
	swept 100 -d kill -i input t
	swept 50 -w -d kill -i input t
}

# ---- inside a write ---------------------------------------------------------

@test "kills: inside each write of one record; the next writer at each of its calls" {
	held t
	lines 1
	swept 700 -2 -d torn -i input t
}

@test "kills: inside each write of three batches, alone and among others" {
	held t
	lines 3
	swept 60 -d torn -i input t -- --batch-size 1
	swept 30 -w -d torn -i input t -- --batch-size 1
}

@test "kills: inside a large write, each 512 bytes" {
	held t
	make-lines v 3 60000 >input
	swept 300 -d torn -i input t
}

@test "kills: inside each write of a roll" {
	nearly_full t
	make-lines v 2 9000 >input
	swept 40 -d torn -i input t -- --batch-size 1
}

@test "kills: inside each write of a recovery" {
	torn_copy t
	lines 1
	swept 60 -d torn -i input t
	rm -f "$(partition t)/.klog"
	swept 60 -d torn -i input t
}

@test "kills: inside each compressed write, three partitions" {
	klog-create -q -p 3 t
	lines 30 keyed
	swept 60 -d torn -i input t -- -K = -z lz4
}

# ---- at random moments ------------------------------------------------------

# feed FILE [SECONDS]: its lines, and no end of them for a while.
feed() {
	cat "$1"
	sleep "${2:-0}"
} 3>&-

# crowd ROUND: eight writers of 600 lines that sync often, three are killed.
crowd() {
	local i status pids=()
	for i in 0 1 2 3 4 5 6 7; do
		klog-produce --batch-size 400 -X flush.messages=20 t \
			< <(feed "input-$i" "$((i < 3))") 2>>said &
		pids+=($!)
	done
	for i in 0 1 2; do
		sleep "0.0$((RANDOM % 30 + 10))"
		kill -9 "${pids[i]}" 2>/dev/null || true
	done
	for i in 0 1 2 3 4 5 6 7; do
		status=0
		wait "${pids[i]}" 2>/dev/null || status=$?
		echo "$(($1 * 8 + i)) $status" >>runs
		if [ "$status" -eq 137 ] && [ "$i" -lt 3 ]; then
			killed=$((killed + 1))
		elif [ "$status" -ne 0 ]; then
			fail "writer $i of round $1 ended with $status"
		fi
	done
} 2>/dev/null # bash says who was killed

@test "kills: three of eight writers at random moments, 200 times" {
	local round=0 killed=0 i
	klog-create -q -X segment.bytes=1MiB t
	klog-consume -f t >seen 2>seen.err &
	local follower=$!
	while [ "$killed" -lt 200 ] && [ "$round" -lt 300 ]; do
		for i in 0 1 2 3 4 5 6 7; do
			make-lines $((round * 8 + i)) 600 40 >"input-$i"
		done
		crowd "$round"
		round=$((round + 1))
	done
	echo "$killed killed in $round rounds"
	[ "$killed" -ge 200 ]
	echo end | klog-produce t
	klog-consume t >have
	# Each writer's lines are there from its first on, none twice, and all
	# where it ended with 0.
	awk '
		FNR == NR { status[$1] = $2; next }
		$1 == "end" { ends++; next }
		$2 != count[$1] + 0 {
			print "writer " $1 ": " $2 " after " count[$1] + 0
			exit 1
		}
		{ count[$1]++ }
		END {
			for (w in status)
				if (status[w] == 0 && count[w] != 600) {
					print "writer " w " ended with 0, stored " count[w] + 0
					exit 1
				}
			exit ends != 1
		}' runs have
	until_true 30 has_lines seen "$(wc -l <have)"
	kill -TERM "$follower"
	ended 143 "$follower"
	cmp seen have
	equal "$(cat seen.err)" ""
	sound t -s 1048576
	if grep -v '^klog-produce: t/0: ' said; then
		fail "a line that is not about the killed"
	fi
}

# ---- making a topic (M4) ----------------------------------------------------

@test "kills: klog-create at each call: whole or not at all" {
	local n=0 status=0 calls
	calls=$(at-call 0 KILL klog-create -q -p 2 probe 2>&1 >/dev/null)
	[ "$calls" -ge 50 ]
	while [ "$n" -lt "$calls" ]; do
		n=$((n + 1))
		status=0
		at-call "$n" KILL klog-create -q -p 2 "t$n" >/dev/null 2>&1 || status=$?
		[ "$status" -eq 137 ] || [ "$status" -eq 0 ] || fail "call $n: status $status"
		# What is there under its name can be used at once.
		if [ -e "$KLOG_CLUSTER/t$n" ]; then
			echo "v $n" | klog-produce "t$n:1" || fail "call $n: written to"
		fi
		klog-create -q --if-not-exists -p 2 "t$n" || fail "call $n: made again"
		echo "v $n" | klog-produce "t$n:0" || fail "call $n: written to"
		equal "$(klog-consume -p 0 "t$n")" "v $n"
		[ ! -e "$KLOG_CLUSTER/.new-t$n" ] || fail "call $n: a leftover"
		[ "$(find "$KLOG_CLUSTER" -maxdepth 1 -name '.*' | wc -l)" -le 2 ] ||
			fail "call $n: $(find "$KLOG_CLUSTER" -maxdepth 1 -name '.*')"
		rm -rf "${KLOG_CLUSTER:?}/t$n"
	done
}
