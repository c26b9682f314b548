#!/usr/bin/env bats
# Logs that are torn, cut, flipped or bare: a prefix, or words.
#
# Three batches of three records: a cut or a flip in the last batch must leave
# six lines, in the middle one three, unless klog knows better than the file.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

log=00000000000000000000.log

# three TOPIC [OPTION...]: three batches, and the lines in `expected`.
three() {
	local topic=$1 i
	shift
	klog-create -q "$topic"
	for i in 1 4 7; do
		seq -f 'record %g' $i $((i + 2)) | klog-produce "$@" "$topic"
	done
	seq -f 'record %g' 9 >expected
	klog-consume "$topic" | cmp - expected
	size=$(stat -c %s "$(partition "$topic")/$log")
	mapfile -t position < <(partition-check -b "$(partition "$topic")" |
		cut -d' ' -f3)
	equal "${#position[@]}" 3
}

# A sanitizer makes a run ten times as slow; every state is tried then, too,
# but for the flips, of which every third is.
step() {
	if [ -n "${KLOG_SANITIZED:-}" ]; then
		echo $(($1 * 3))
	else
		echo "$1"
	fi
}

damage() {
	sweep -t "$KLOG_CLUSTER/t" -f "$log" -e expected "$@"
}

# ---- cut ------------------------------------------------------------------

@test "recover: cut anywhere in the last batch, synced: a reader sees damage, and what is whole" {
	three t
	damage -k cut -r "${position[2]}:$size" -n 6:6 -s 3
	damage -k cut -i -r "${position[2]}:$size" -n 6:6 -s 3
}

@test "recover: cut anywhere in the last batch, synced: a writer refuses" {
	three t
	damage -k cut -a write -r "${position[2]}:$size" -n 6:6 -s 3
	damage -k cut -a write -i -r "${position[2]}:$size" -n 6:6 -s 3
}

@test "recover: cut anywhere in the last batch, not synced, in a copy: a reader sees a prefix" {
	three t --no-sync
	damage -k cut -r "${position[2]}:$size" -n 6:6 -s 0
}

@test "recover: cut anywhere in the last batch, not synced, in a copy: a writer goes on" {
	three t --no-sync
	damage -k cut -a write -r "${position[2]}:$size" -n 6:6 -s 0
}

@test "recover: cut anywhere, not synced, without a new start: never a wrong record" {
	three t --no-sync
	# The state of this boot knows the length: D2 calls it damage, A3 a cut
	# that was not finished.
	damage -k cut -i -r "0:$size" -n 0:6 -s 03
	damage -k cut -i -a write -r "${position[2]}:$size" -n 6:6 -s 03
}

@test "recover: cut anywhere without klog's files: an incomplete batch is the end" {
	three t
	damage -k cut -a path -r "0:${position[1]}" -n 0:0 -s 0
	damage -k cut -a path -r "${position[1]}:${position[2]}" -n 3:3 -s 0
	damage -k cut -a path -r "${position[2]}:$size" -n 6:6 -s 0
}

@test "recover: every batch compressed, cut anywhere" {
	three t --no-sync -z zstd
	damage -k cut -r "0:$size:3" -n 0:6 -s 0
}

# ---- one bit --------------------------------------------------------------

# Bytes 0 to 7 (base offset) and 12 to 15 (leader epoch) are outside of the
# checksum: the values must still be right, and in order.
flips() {
	local at=$1 end=$2 min=$3 statuses=$4
	shift 4
	damage -k flip "$@" -r "$at:$((at + 8)):$(step 1)" -n "$min:9" -s 03
	damage -k flip "$@" -r "$((at + 16)):$end:$(step 1)" -n "$min:$min" -s "$statuses"
	damage -k flip "$@" -r "$((at + 8)):$((at + 12)):$(step 1)" -n "$min:$min" -s "$statuses"
	damage -k flip "$@" -r "$((at + 12)):$((at + 16)):$(step 1)" -n "$min:9" -s 03
}

@test "recover: every bit of the last batch, synced, read" {
	three t
	flips "${position[2]}" "$size" 6 3 -d
}

@test "recover: every bit of the last batch, synced, in the directory klog knows" {
	three t
	flips "${position[2]}" "$size" 6 3 -d -i
}

@test "recover: every bit of the last batch, synced, and then a writer" {
	three t
	flips "${position[2]}" "$size" 6 03 -d -a write
}

@test "recover: every bit of the middle batch, synced, read" {
	three t
	flips "${position[1]}" "${position[2]}" 3 3 -d
}

@test "recover: every bit of the middle batch, synced, and then a writer" {
	three t
	flips "${position[1]}" "${position[2]}" 3 03 -d -a write
}

@test "recover: every bit of the last batch, not synced, in a copy" {
	three t --no-sync
	flips "${position[2]}" "$size" 6 0
}

@test "recover: every bit of the last batch, not synced, in a copy, and then a writer" {
	three t --no-sync
	flips "${position[2]}" "$size" 6 0 -a write
}

@test "recover: every bit of the middle batch, not synced, in a copy, and then a writer" {
	# V3: everything from the first bad batch on is the torn tail.
	three t --no-sync
	flips "${position[1]}" "${position[2]}" 3 0 -a write
}

@test "recover: every bit of the last batch without klog's files" {
	three t
	flips "${position[2]}" "$size" 6 03 -a path
}

@test "recover: every bit of the middle batch without klog's files" {
	three t
	flips "${position[1]}" "${position[2]}" 3 03 -a path
}

@test "recover: every bit of a compressed batch, each codec" {
	local codec
	for codec in gzip snappy lz4 zstd; do
		rm -rf "$KLOG_CLUSTER"
		three t -z "$codec"
		damage -k flip -r "$((position[1] + 8)):$((position[1] + 12)):$(step 3)" -n 3:3 -s 3
		damage -k flip -r "$((position[1] + 16)):${position[2]}:$(step 3)" -n 3:3 -s 3
	done
}

# ---- the other files ------------------------------------------------------

# Eight batches of one record, each but the first in the indexes.
indexed() {
	local i
	klog-create -q -X index.interval.bytes=1 t
	for i in 0 1 2 3 4 5 6 7; do
		echo "record $i" | klog-produce t
		sleep 0.002
	done
	seq -f 'record %g' 5 7 >expected
}

@test "recover: every bit of the offset index: the same answers" {
	indexed
	local index=00000000000000000000.index
	sweep -t "$KLOG_CLUSTER/t" -e expected -f $index -k flip -i \
		-r "0:$(stat -c %s "$(partition t)/$index"):$(step 1)" -n 3:3 -s 0 -- -o 5
}

@test "recover: every bit of the time index: the same answers" {
	indexed
	local index=00000000000000000000.timeindex at
	at=$(klog-consume -o 5 -c 1 -F %T t)
	sweep -t "$KLOG_CLUSTER/t" -e expected -f $index -k flip -i \
		-r "0:$(stat -c %s "$(partition t)/$index"):$(step 1)" -n 3:3 -s 0 -- --since "${at}ms"
}

@test "recover: indexes cut anywhere: the same answers, and a writer goes on" {
	indexed
	local index
	for index in 00000000000000000000.index 00000000000000000000.timeindex; do
		sweep -t "$KLOG_CLUSTER/t" -e expected -f $index -k cut -i \
			-r "0:$(stat -c %s "$(partition t)/$index")" -n 3:3 -s 0 -- -o 5
	done
	seq -f 'record %g' 0 7 >expected
	for index in 00000000000000000000.index 00000000000000000000.timeindex; do
		sweep -t "$KLOG_CLUSTER/t" -e expected -f $index -k cut -a write \
			-r "0:$(stat -c %s "$(partition t)/$index"):5" -n 8:8 -s 0
	done
}

@test "recover: bits of .klog: one of its two slots is enough" {
	three t
	local size
	size=$(stat -c %s "$(partition t)/.klog")
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k flip -i -r "0:512:$(step 7)" -n 9:9 -s 0
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k flip -i -a write \
		-r "0:512:$(step 11)" -n 9:9 -s 0
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k flip -i \
		-r "4096:$((size < 4608 ? size : 4608)):$(step 7)" -n 9:9 -s 0
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k flip -i -a write \
		-r "4096:$((size < 4608 ? size : 4608)):$(step 11)" -n 9:9 -s 0
}

@test "recover: .klog cut anywhere: rebuilt" {
	three t
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k cut -r "0:$(stat -c %s "$(partition t)/.klog"):97" \
		-n 9:9 -s 0
	sweep -t "$KLOG_CLUSTER/t" -e expected -f .klog -k cut -a write \
		-r "0:$(stat -c %s "$(partition t)/.klog"):97" -n 9:9 -s 0
}

@test "recover: without .klog it is rebuilt, in one line, with a new epoch" {
	three t
	rm "$(partition t)/.klog"
	klog 0 consume t
	equal "$output" "$(cat expected)"
	klog 0 produce t <<<next
	error_line produce t
	[ -f "$(partition t)/.klog" ]
	klog-consume t | cmp - <(cat expected && echo next)
	[ "$(klog-consume -o -1 -F %e t)" -gt 0 ]
	sound t
	# And that was it.
	klog 0 produce t <<<more
	equal "$stderr" ""
}

@test "recover: without .klog and with a torn tail" {
	three t
	rm "$(partition t)/.klog"
	truncate -s $((size - 5)) "$(partition t)/$log"
	run --separate-stderr klog-produce t <<<next
	explain klog-produce t
	[ "$status" -eq 0 ]
	klog-consume t | cmp - <(head -6 expected && echo next)
	sound t
}

@test "recover: without .klog.lock" {
	three t
	rm "$(partition t)/.klog.lock"
	klog 0 produce t <<<next
	klog-consume t | cmp - <(cat expected && echo next)
}

@test "recover: zeros behind the last batch are no batch" {
	three t --no-sync
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	head -c 5000 /dev/zero >>"$(partition u)/$log"
	klog 0 consume u
	equal "$output" "$(cat expected)"
	klog 0 produce u <<<next
	error_line produce u
	klog-consume u | cmp - <(cat expected && echo next)
	sound u
}

@test "recover: a torn tail is cut in one line, with a new epoch for what follows" {
	three t --no-sync
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	truncate -s $((size - 1)) "$(partition u)/$log"
	klog 0 produce u <<<next
	error_line produce u
	equal "$(klog-consume -F '%o %e %s\n' -o 6 u)" "6 $(klog-consume -o 6 -F %e u) next"
	[ "$(klog-consume -o 6 -F %e u)" -gt 0 ]
	sound u
}

@test "recover: a whole batch that a killed writer left is adopted" {
	three t
	# The state of before, in its own file, as a kill between the two writes leaves it.
	cp "$(partition t)/.klog" before
	echo adopted | klog-produce --no-sync t
	cat before >"$(partition t)/.klog"
	klog 0 consume t
	equal "$output" "$(cat expected)"$'\n'adopted
	klog 0 produce t <<<next
	klog-consume t | cmp - <(cat expected && printf 'adopted\nnext\n')
	sound t
}

@test "recover: half a batch that a killed writer left is cut, and said" {
	three t
	head -c 40 "$(partition t)/$log" >>"$(partition t)/$log.half"
	cat "$(partition t)/$log.half" >>"$(partition t)/$log"
	rm "$(partition t)/$log.half"
	klog 0 consume t
	equal "$output" "$(cat expected)"
	klog 0 produce --no-sync t <<<next
	error_line produce t 'a killed writer left unfinished'
	klog-consume t | cmp - <(cat expected && echo next)
	sound t
}

@test "recover: half a batch behind damage is not cut: nothing is, until that is mended (A3)" {
	three t
	# What is synced leads up to another offset: it lies outside the checksum.
	flip $((position[2] + 7))
	head -c 40 "$(partition t)/$log" >half
	cat half >>"$(partition t)/$log"
	cp "$(partition t)/$log" before
	klog 3 produce --no-sync t <<<next
	error_line produce t 'nothing was changed'
	cmp "$(partition t)/$log" before
}

@test "recover: a segment behind the active one is not taken for the log (F1)" {
	local stray
	three t
	stray=$(partition t)/00000000000000000009.log
	cp "$(partition t)/$log" "$stray"
	cp "$stray" before
	state marks=1
	klog 3 produce t <<<next
	error_line produce t 'says that the log ends in' 'nothing was changed'
	cmp "$stray" before
	rm "$stray"
	klog 0 produce t <<<next
	klog-consume t | cmp - <(cat expected && echo next)
	sound t
}

@test "recover: damage in a closed segment is told by readers and writers, never repaired" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 30000 100 | klog-produce rolls
	local first
	first=$(partition rolls)/$log
	printf X | dd of="$first" bs=1 seek=500000 conv=notrunc status=none
	sha256sum "$first" >before
	klog-consume rolls >out 2>err && fail "exit 0 on damage"
	make-lines 0 30000 100 | cmp -n "$(stat -c %s out)" - out
	[ "$(wc -l <err)" -eq 1 ]
	grep -q "^klog-consume: .*$log" err
	klog 3 consume -o 4000..6000 rolls
	# What is whole can be read.
	klog 0 consume -n 1 rolls
	equal "$output" "$(make-lines 0 30000 100 | tail -1)"
	sha256sum -c before
}

# missing WHICH: that segment is gone; what is before it is printed, the rest is
# damage that is told with its offsets.
missing() {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 30000 100 >all
	klog-produce rolls <all
	local segments file base next
	mapfile -t segments < <(find "$(partition rolls)" -name '*.log' | sort)
	file=${segments[$1]}
	base=$((10#$(basename "$file" .log)))
	rm "$file"
	klog 3 consume rolls
	error_line consume rolls/0 "$base" missing
	equal "$output" "$(head -n "$base" all)"
	# In the middle of what is gone, too; and followers end.
	klog 3 consume -o "$((base + 1))" -c 1 rolls
	one_line_error consume missing
	klog 3 consume -f rolls
	# What is behind it can be read.
	[ "$1" = -1 ] && return
	next=$((10#$(basename "${segments[$1 + 1]}" .log)))
	klog 0 consume -o "$next" -c 1 rolls
	equal "$output" "$(sed -n "$((next + 1))p" all)"
}

@test "recover: the first segment is missing: told, not passed over" {
	missing 0
}

@test "recover: a segment in the middle is missing: told, not passed over" {
	missing 1
}

@test "recover: the last segment is missing: told, not passed over" {
	missing -1
}

@test "recover: all segments are missing: told by readers and writers" {
	three t
	rm "$(partition t)"/*.log
	klog 3 consume t
	one_line_error consume t/0 missing
	klog 3 produce t <<<next
}

@test "recover: a power cut after a roll: the state is older than the segments" {
	klog-create -q -X segment.bytes=1MiB t
	make-lines 0 5000 100 | klog-produce t
	cp "$(partition t)/.klog" before
	make-lines 1 30000 100 | klog-produce t
	# As the device has it then: the segments, and the state of before; the
	# copy is what another stamp is.
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	cp before "$(partition u)/.klog"
	klog-consume u | cmp - <(klog-consume t)
	klog 0 consume -n 1 u
	equal "$output" "$(make-lines 1 30000 100 | tail -1)"
	klog 0 produce u <<<next
	klog-consume u | cmp - <(klog-consume t && echo next)
	sound u -s 1048576
}

@test "recover: a whole batch that klog did not write is damage, not a torn tail" {
	three t
	# The last batch once more, under the next offset, of a later epoch: as a
	# Kafka would go on that led the partition.
	local dir
	dir=$(partition t)
	dd if="$dir/$log" bs=1 skip="${position[2]}" of=more status=none
	printf '\0\0\0\0\0\0\0\11' | dd of=more conv=notrunc status=none
	printf '\0\0\0\7' | dd of=more bs=1 seek=12 conv=notrunc status=none
	cat more >>"$dir/$log"
	sha256sum "$dir/$log" >before
	klog 3 consume t
	equal "$output" "$(cat expected)"
	klog 3 produce t <<<next
	error_line produce t/0 'klog did not write'
	sha256sum -c --quiet before
	# Nor is it after a power cut, which a copy looks like.
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	klog 3 produce u <<<next
	sha256sum -c --quiet before
	cmp "$dir/$log" "$(partition u)/$log"
}

@test "recover: leader-epoch-checkpoint is made anew from the batches" {
	three t --no-sync
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	seq -f 'record %g' 10 12 | klog-produce u
	local file bad
	file=$(partition u)/leader-epoch-checkpoint
	cp "$file" good
	grep -qx '1 9' good
	for bad in '' nonsense $'0\n7\n0 0'; do
		printf '%s' "$bad" >"$file"
		klog-produce u </dev/null
		echo again | klog-produce u
		diff good "$file"
	done
	rm "$file"
	# What an epoch's end is, the state knows too.
	klog 0 consume -o 10/0 -c 1 u
	equal "$output" 'record 10'
	error_line consume 'epoch 0'
	echo again | klog-produce u
	diff good "$file"
}

@test "recover: garbage for a log is refused with words" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		head -c $((i * 50)) /dev/urandom >00000000000000000000.log
		run --separate-stderr klog-consume ./00000000000000000000.log
		explain klog-consume "garbage $i"
		[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
		equal "$output" ""
	done
	: >00000000000000000000.log
	klog 0 consume ./00000000000000000000.log
	equal "$output" ""
}

@test "recover: lengths and counts that lie ask for no memory" {
	three t
	local length
	mkdir lie-0
	for length in 00000000 00000001 0000000d 00000030 7fffffff 80000000 ffffffff; do
		cp "$(partition t)/$log" lie-0/
		hex "$length" | dd of=lie-0/$log bs=1 seek=8 conv=notrunc status=none
		# shellcheck disable=SC2016
		run --separate-stderr bash -c '
			[ -n "${KLOG_SANITIZED:-}" ] || ulimit -v 4000000
			klog-consume ./lie-0'
		explain "klog-consume with length $length"
		[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
		equal "$output" ""
	done
}

@test "recover: recovery twice is recovery once" {
	three t --no-sync
	cp -r "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/u"
	truncate -s $((size - 7)) "$(partition u)/$log"
	klog-produce -q u </dev/null
	sha256sum "$(partition u)"/0* >before
	klog 0 produce u </dev/null
	equal "$stderr" ""
	sha256sum -c --quiet before
	klog-consume u | cmp - <(head -6 expected)
}

# ---- one rule each --------------------------------------------------------
#
# klog-state changes the state in place: boot=0 is what a new start of the
# machine leaves, and V comes next.

state() {
	klog-state "$(partition t)/.klog" "$@"
}

# flip AT: a bit of the log of t.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$1" -N 1 "$(partition t)/$log")
	hex "$(printf %02x $((byte ^ 1)))" |
		dd of="$(partition t)/$log" bs=1 seek="$1" conv=notrunc status=none
}

epochs() {
	klog-consume -F '%e\n' "$1" | uniq | paste -sd ' '
}

# The slot that was written last: where it begins.
newest_slot() {
	local first second
	first=$(od -An -tu8 --endian=big -j 8 -N 8 "$1")
	second=$(od -An -tu8 --endian=big -j 4104 -N 8 "$1")
	if [ -n "$second" ] && [ "$second" -gt "$first" ]; then
		echo 4096
	else
		echo 0
	fi
}

@test "recover: whichever slot of .klog is torn, the one before it is enough (T1)" {
	three t
	# An epoch later: with one slot only, the other would know of none.
	state boot=0
	put t ten
	equal "$(epochs t)" '0 1'
	local line
	for line in eleven twelve; do
		hex ff | dd of="$(partition t)/.klog" bs=1 conv=notrunc status=none \
			seek=$(($(newest_slot "$(partition t)/.klog") + 300))
		klog 0 produce t <<<"$line"
		equal "$stderr" ""
	done
	klog-consume t | cmp - <(cat expected && printf '%s\n' ten eleven twelve)
	equal "$(epochs t)" '0 1'
}

@test "recover: a state made anew begins an epoch above every batch's (T4)" {
	three t
	local line
	for line in ten eleven; do
		state boot=0
		put t "$line"
	done
	equal "$(epochs t)" '0 1 2'
	rm "$(partition t)/.klog" "$(partition t)/leader-epoch-checkpoint"
	klog 0 produce t <<<twelve
	error_line produce t
	klog-consume t | cmp - <(cat expected && printf '%s\n' ten eleven twelve)
	[ "$(klog-consume -o -1 -F %e t)" -gt 2 ]
	sound t
}

@test "recover: a new epoch even where nothing is torn (V1)" {
	three t --no-sync
	# A batch was lost without a trace.
	state boot=0
	truncate -s "${position[2]}" "$(partition t)/$log"
	klog 0 produce t <<<next
	equal "$stderr" ""
	klog-consume t | cmp - <(head -6 expected && echo next)
	equal "$(epochs t)" '0 1'
	sound t
}

@test "recover: from the first bad batch on it is the torn tail, whatever follows (V2, V3)" {
	three t --no-sync
	state boot=0
	flip $((position[2] - 1))
	klog 0 produce t <<<next
	error_line produce t
	klog-consume t | cmp - <(head -3 expected && echo next)
	sound t
}

@test "recover: damage in a closed segment that V looks at: 3, and nothing is changed (V1, V3)" {
	klog-create -q -X index.interval.bytes=1 -X segment.index.bytes=24 t
	local i
	for i in $(seq 30); do
		echo "record $i, and what makes it longer" | klog-produce --no-sync t
	done
	[ "$(find "$(partition t)" -name '*.log' | wc -l)" -ge 3 ]
	state boot=0 recovery=0 recovery-base=0 recovery-position=0
	flip $(($(stat -c %s "$(partition t)/$log") - 1))
	sha256sum "$(partition t)"/* "$(partition t)/.klog" >before
	klog 3 produce t <<<next
	error_line produce t "$log"
	sha256sum -c --quiet before
}

@test "recover: without klog's files, what is there and fails is damage (D6)" {
	three t
	mkdir k-0
	cp "$(partition t)/$log" k-0/
	truncate -s $((size - 1)) k-0/$log
	klog 0 consume ./k-0
	equal "$output" "$(head -6 expected)"
	# But not where Kafka's checkpoint says that it was synced.
	printf '0\n1\nk 0 9\n' >recovery-point-offset-checkpoint
	klog 3 consume ./k-0
	equal "$output" "$(head -6 expected)"
	rm recovery-point-offset-checkpoint
	flip $((size - 1))
	cp "$(partition t)/$log" k-0/
	klog 3 consume ./k-0
	equal "$output" "$(head -6 expected)"
	error_line consume $log
}

@test "recover: indexes that cannot be written fail nothing (A6)" {
	klog-create -q -X index.interval.bytes=1 t
	put t 0
	local i
	for i in index timeindex; do
		rm "$(partition t)/${log%.log}.$i"
		mkdir "$(partition t)/${log%.log}.$i"
	done
	for i in 1 2 3 4; do
		klog 0 produce t <<<"$i"
		equal "$stderr" ""
	done
	equal "$(klog-consume t)" "$(seq 0 4)"
	equal "$(klog-consume -o 3 t)" "$(seq 3 4)"
}

@test "recover: a batch that comes short is taken back, and no more than it (A6)" {
	command -v prlimit >/dev/null || skip "needs prlimit (util-linux)"
	klog-create -q t
	put t "$(head -c 7900 /dev/zero | tr '\0' x)"
	head -c 2000 /dev/zero | tr '\0' y >long
	# 8192 is room for .klog, and for a part of the batch.
	run --separate-stderr prlimit --fsize=8192:8192 klog-produce t long
	explain prlimit klog-produce t
	[ "$status" -eq 1 ]
	error_line produce t
	equal "$(stat -c %s "$(partition t)/$log")" "$(state length)"
	klog 0 produce t <<<next
	equal "$stderr" ""
	equal "$(klog-consume t | tail -1)" next
	equal "$(klog-consume t | wc -l)" 2
}

@test "recover: an offset that changed before the recovery point is damage to V (V2)" {
	three t
	state boot=0
	# It is outside of the checksum.
	flip $((position[2] + 7))
	cp "$(partition t)/$log" before
	klog 3 produce t <<<next
	error_line produce t "$log"
	cmp "$(partition t)/$log" before
}

@test "recover: what the state says is judged by its stamp and its mark (D2)" {
	three t --no-sync
	# The state knows the length, and nobody has a sync under way.
	state marks=0
	truncate -s $((size - 5)) "$(partition t)/$log"
	klog 3 consume t
	equal "$output" "$(head -6 expected)"
	state marks=1
	klog 0 consume t
	equal "$output" "$(head -6 expected)"
	state marks=0 boot=0
	klog 0 consume t
	equal "$output" "$(head -6 expected)"
}

@test "recover: a whole batch behind one that is not makes it damage (D2)" {
	three t
	cp "$(partition t)/$log" whole
	put t ten
	state length="$size" next=9 recovery=9 recovery-position="$size"
	# Behind the state's length: a batch of which the middle is wrong.
	printf X | dd of="$(partition t)/$log" bs=1 seek=$((size + 65)) conv=notrunc status=none
	klog 0 consume t
	equal "$output" "$(cat expected)"
	tail -c +$((position[2] + 1)) whole >>"$(partition t)/$log"
	klog 3 consume t
	equal "$output" "$(cat expected)"
	error_line consume damaged
}
