#!/usr/bin/env bats
# Many writers, and writers that are killed.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

# eight COUNT WIDTH TOPIC [OPTION...]: eight processes at once.
eight() {
	local count=$1 width=$2 topic=$3 pids=() i
	shift 3
	for i in 0 1 2 3 4 5 6 7; do
		make-lines "$i" "$count" "$width" | klog-produce "$@" "$topic" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
}

@test "writers: eight into one partition, 100,000 lines each" {
	klog-create -q one
	eight 100000 0 one
	klog-consume -F '%p %o %s\n' one | check-lines 8 100000
	sound one
	equal "$(klog-consume --synced one | wc -l)" 800000
}

@test "writers: eight into three partitions, 100,000 lines each" {
	klog-create -q -p 3 three
	eight 100000 0 three
	klog-consume -F '%p %o %s\n' three | check-lines 8 100000
	sound three
}

@test "writers: eight of small batches, rolling all the time" {
	klog-create -q -X segment.bytes=1MiB small
	eight 10000 80 small --batch-size 500
	klog-consume -F '%p %o %s\n' small | check-lines 8 10000
	[ "$(find "$(partition small)" -name '*.log' | wc -l)" -ge 6 ]
	sound small -s 1048576
}

@test "writers: eight with keys, compressed" {
	klog-create -q -p 3 keyed
	local i pids=()
	for i in 0 1 2 3 4 5 6 7; do
		make-lines "$i" 20000 | sed 's/.*/&=&/' |
			klog-produce -K = -z lz4 keyed &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	klog-consume -F '%p %o %s\n' keyed | check-lines 8 20000
	sound keyed
}

@test "writers: many short ones, each record is acknowledged and there" {
	klog-create -q short
	local i pids=()
	for i in 0 1 2 3; do
		(for n in $(seq 0 49); do
			echo "$i $n" | klog-produce short || exit
		done) &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	klog-consume -F '%p %o %s\n' short | check-lines 4 50
	sound short
}

@test "writers: synced and unsynced together" {
	klog-create -q -X segment.bytes=1MiB mixed
	local i pids=()
	for i in 0 1 2 3; do
		case $i in
		0 | 1) make-lines "$i" 20000 100 | klog-produce --no-sync mixed & ;;
		*) make-lines "$i" 20000 100 | klog-produce mixed & ;;
		esac
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	klog-consume -F '%p %o %s\n' mixed | check-lines 4 20000
	sound mixed -s 1048576
}

# Writers killed at random moments, one after the other; a follower watches.
# A run that ended with 0 has all of its lines stored, another a prefix.
kills() {
	local run pid status
	klog-create -q -X segment.bytes=1MiB killed
	klog-consume -f killed >seen 2>seen.err &
	local follower=$!
	: >runs
	for run in $(seq 0 "$1"); do
		make-lines "$run" 20000 60 >input
		# shellcheck disable=SC2086
		klog-produce $2 --batch-size 2000 killed <input 2>>said &
		pid=$!
		sleep "0.0$((RANDOM % 40 + 10))"
		kill -9 "$pid" 2>/dev/null || true
		status=0
		wait "$pid" 2>/dev/null || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 137 ]
		echo "$run $status" >>runs
	done
	echo 999 end | klog-produce killed
	klog-consume killed >have
	echo "999 0" >>runs
	awk '
		FNR == NR { status[$1] = $2; next }
		$1 == 999 { count[$1]++; next }
		$2 != count[$1] + 0 { print "run " $1 ": " $2 " after " count[$1]; exit 1 }
		$1 < last { print "runs out of order"; exit 1 }
		{ count[$1]++; last = $1 }
		END {
			for (r in status)
				if (status[r] == 0 && r != 999 && count[r] != 20000) {
					print "run " r " ended with 0, stored " count[r]
					exit 1
				}
			exit count[999] != 1
		}' runs have
	# Whoever read along saw the same, and nothing that went again.
	until_true 30 has_lines seen "$(wc -l <have)"
	kill -TERM "$follower"
	ended 143 "$follower"
	cmp seen have
	sound killed
	cat said
	# (a sanitizer says of itself that it was killed)
	if grep -v -e '^klog-produce: ' -e '^==[0-9]*==Unable to get' said; then
		fail "a line that is not klog-produce's"
	fi
}

@test "writers: kill -9 at random moments, synced" {
	kills 25 ''
}

@test "writers: kill -9 at random moments, --no-sync" {
	kills 25 --no-sync
}

@test "writers: kill -9 among four, acknowledged lines stay" {
	klog-create -q crowd
	local round i pids status
	for round in 0 1 2 3 4 5; do
		pids=()
		for i in 0 1 2 3; do
			make-lines "$((round * 4 + i))" 20000 >"input-$i"
			klog-produce --batch-size 1000 crowd <"input-$i" 2>>said &
			pids+=($!)
		done
		sleep "0.0$((RANDOM % 50 + 10))"
		kill -9 "${pids[0]}" "${pids[1]}" 2>/dev/null || true
		for i in 0 1 2 3; do
			status=0
			wait "${pids[i]}" 2>/dev/null || status=$?
			echo "$((round * 4 + i)) $status" >>runs
			[ "$i" -lt 2 ] || [ "$status" -eq 0 ]
		done
	done
	klog-consume crowd | awk '
		FNR == NR { status[$1] = $2; next }
		$2 != count[$1] + 0 { print "writer " $1 ": " $2 " after " count[$1]; exit 1 }
		{ count[$1]++ }
		END {
			for (r in status)
				if (status[r] == 0 && count[r] != 20000) {
					print "writer " r " ended with 0, stored " count[r] + 0
					exit 1
				}
		}' runs -
	sound crowd
}

@test "writers: a stopped writer that holds no lock holds up nobody" {
	klog-create -q t
	opened one t
	stop_it "$writer"
	klog 0 produce --lock-timeout 20s t <<<two
	kill -CONT "$writer"
	echo three >&5
	exec 5>&-
	ended 0 "$writer"
	equal "$(klog-consume t)" $'one\ntwo\nthree'
}

@test "writers: a writer goes on over another's roll" {
	klog-create -q -X segment.bytes=1MiB t
	opened first t
	make-lines 1 30000 100 | klog-produce t
	echo last >&5
	exec 5>&-
	ended 0 "$writer"
	klog-consume t | sed -n '1p;$p' | cmp - <(printf 'first\nlast\n')
	sound t -s 1048576
}

@test "writers: a topic that goes away ends its writer with 1, and none appears" {
	klog-create -q t
	opened one t
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/old"
	echo two >&5
	exec 5>&-
	ended 1 "$writer"
	[ "$(wc -l <err)" -eq 1 ]
	[ ! -e "$KLOG_CLUSTER/t" ]
}

@test "writers: after a pause a topic that went away is not appended to" {
	klog-create -q t
	opened one t
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/old"
	sleep 1.1 # it looks before an append, once a second
	echo two >&5
	exec 5>&-
	ended 1 "$writer"
	cat err
	grep -q '1 records stored, 1 not' err
	equal "$(klog-consume old)" one
}

@test "writers: a topic of the same name is another topic" {
	klog-create -q t
	opened one t
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/old"
	klog-create -q t
	echo two >&5
	exec 5>&-
	ended 1 "$writer"
	equal "$(klog-consume t)" ""
}

@test "writers: renaming a topic of one broker is mv, and it goes on" {
	klog-create -q t
	put t one
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/renamed"
	put renamed two
	equal "$(klog-consume renamed)" $'one\ntwo'
	klog 1 consume t
}

@test "writers: a cluster can be moved, copied and tarred" {
	klog-create -q -p 2 t
	seq 10 | klog-produce -p 1 t
	mv cluster moved
	export KLOG_CLUSTER=$PWD/moved
	echo 11 | klog-produce -p 1 t
	cp -r moved copied
	mkdir untarred
	tar -C moved -cf - . | tar -C untarred -xf -
	local dir
	for dir in moved copied untarred; do
		equal "$(klog-consume -C "$dir" t)" "$(seq 11)"
		echo 12 | klog-produce -q -C "$dir" -p 1 t
		equal "$(klog-consume -C "$dir" t)" "$(seq 12)"
		partition-check -q "$dir/t/1"
	done
}

@test "writers: --lock-timeout bounds the wait for a lock" {
	need_perl
	klog-create -q t
	put t one
	hold 0 "$(partition t)"
	klog 1 produce --lock-timeout 300ms t <<<two
	error_line produce t
	# Readers take no lock.
	klog 0 consume t
	equal "$output" one
	let_go
	klog 0 produce t <<<two
	equal "$(klog-consume t)" $'one\ntwo'
}

# Processes that wait for a lock on FILE.
waiting() {
	grep -c -- "-> .*:$(stat -c %i "$1") " /proc/locks
}

waits() {
	[ "$(waiting "$1")" -ge "${2:-1}" ]
}

# ---- one rule each --------------------------------------------------------

state() {
	klog-state "$(partition t)/.klog" "$@"
}

# The writer that was opened gets no more, and ends with STATUS.
closed() {
	exec 5>&-
	ended "$1" "$writer"
}

@test "writers: one that waits to roll holds up nobody who appends (L2)" {
	need_perl
	klog-create -q -X segment.bytes=1MiB t
	local big
	big=$(head -c 600000 /dev/zero | tr '\0' x)
	put t "$big"
	hold 1 "$(partition t)"
	klog-produce --no-sync t <<<"$big" &
	local roller=$!
	until_true 20 waits "$(partition t)/.klog.lock"
	klog 0 produce --no-sync --lock-timeout 2s t <<<small
	let_go
	ended 0 "$roller"
	equal "$(klog-consume -F '%S' t | wc -c)" 13
	equal "$(find "$(partition t)" -name '*.log' | wc -l)" 2
}

@test "writers: recovery waits for the sync byte, and is done once (A2)" {
	need_perl
	klog-create -q t
	put t one
	state boot=0
	hold 1 "$(partition t)"
	klog-produce t <<<two &
	local first=$!
	klog-produce t <<<three &
	local second=$!
	until_true 10 waits "$(partition t)/.klog.lock" 2
	equal "$(state epoch)" 0
	let_go
	ended 0 "$first"
	ended 0 "$second"
	equal "$(state epoch)" 1
	equal "$(klog-consume t | sort)" $'one\nthree\ntwo'
}

@test "writers: one that runs takes up the settings that are in force (A1)" {
	klog-create -q t
	opened one -X flush.ms=1h t
	sed -i 's/^generation: .*/generation: 2/' "$KLOG_CLUSTER/t/topic.yaml"
	printf 'settings:\n  message.timestamp.type: LogAppendTime\n' \
		>settings
	sed -i '/^partitions/r settings' "$KLOG_CLUSTER/t/topic.yaml"
	# Whoever opens the topic now says so to all.
	put t two
	echo three >&5
	closed 0
	# Bit 3 of a batch's attributes is LogAppendTime.
	local at attributes=()
	for at in $(partition-check -b "$(partition t)" | cut -d ' ' -f 3); do
		attributes+=("$(od -An -tu1 -j $((at + 22)) -N 1 \
			"$(partition t)/00000000000000000000.log" | tr -d " ")")
	done
	equal "${attributes[*]}" '0 8 8'
}

@test "writers: a topic.yaml that is not this partition's is refused (A1)" {
	klog-create -q t
	put t one
	cp "$KLOG_CLUSTER/t/topic.yaml" topic.yaml
	sed -i 's/^id: ../id: AA/' "$KLOG_CLUSTER/t/topic.yaml"
	klog 3 produce t <<<two
	error_line produce t 'topic id'
	cp topic.yaml "$KLOG_CLUSTER/t/topic.yaml"
	state generation=7
	klog 3 produce t <<<two
	error_line produce t generation 7
	equal "$(state next)" 1
	state generation=1 marks=2
	klog 1 produce t <<<two
	error_line produce t deleted
}

@test "writers: who was cut by another's recovery does not exit 0 (S1)" {
	klog-create -q t
	opened one -X flush.ms=1h t
	state boot=0
	truncate -s 0 "$(partition t)/00000000000000000000.log"
	klog 0 produce t <<<other
	closed 1
	equal "$(wc -l <err)" 1
	grep -q '^klog-produce: .*offset 0' err
	equal "$(klog-consume t)" other
}

@test "writers: bytes that nobody has open are suspect (S2)" {
	klog-create -q t
	klog-produce --no-sync t <<<one
	equal "$(state marks)" 0
	klog-produce --no-sync t <<<two
	equal "$(state marks)" 1
	equal "$(state recovery)" 0
	# Who syncs deals with it.
	put t three
	equal "$(state marks)" 0
	equal "$(state recovery)" 3
	# What is synced is not suspect.
	klog-produce --no-sync t <<<four
	equal "$(state marks)" 0
}

@test "writers: bytes that somebody has open are not suspect (S2)" {
	klog-create -q t
	opened one -X flush.ms=1h t
	klog-produce --no-sync t <<<two
	equal "$(state marks)" 0
	closed 0
	equal "$(state marks)" 0
	equal "$(state recovery)" 2
}
