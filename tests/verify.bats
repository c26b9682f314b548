#!/usr/bin/env bats
# klog-inspect --verify: every damage is found, where it is, and nothing else.
# The bits of a whole partition are flipped by tests/unit/test_verify.c.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

first=00000000000000000000
second=00000000000000000005
third=00000000000000000010

# three TOPIC: segments of the offsets 0 to 4, 5 to 9 and 10 to 12, a batch
# each, with an entry in the indexes every other batch.
three() {
	local segment i
	klog-create -q -X segment.ms=10s -X index.interval.bytes=100 "$@"
	for segment in 0 1 2; do
		for i in 0 1 2 3 4; do
			[ "$segment$i" -lt 23 ] || continue
			echo "{\"ts\":$((1700000000000 + segment * 20000 + i)),\"payload\":\"v$segment-$i\"}" |
				klog-produce -q -J "${!#}"
		done
	done
}

# kafkas DIR: the same as a Kafka leaves it, in a log directory.
kafkas() {
	three t
	mkdir -p "$1"
	cp -r "$(partition t)" "$1/t-0"
	rm "$1/t-0"/.klog*
	printf '0\n1\n0 0\n' >"$1/t-0/leader-epoch-checkpoint"
}

# found FILE POSITION SEVERITY [WORD...]: the last run said so, in one finding,
# and nothing else.
found() {
	local file=$1 position=$2 severity=$3 line
	shift 3
	[ "${#lines[@]}" -eq 2 ] || fail "not one finding"
	line=${lines[1]}
	[[ $line == *"$file "* ]] || fail "not in $file"
	equal "$(awk '{ print $2, $NF }' <<<"$line")" "$position $severity"
	for word in "$@"; do
		[[ $line == *"$word"* ]] || fail "no '$word'"
	done
}

quiet() {
	klog 0 inspect --verify "$@"
	equal "$output$stderr" ''
}

# spoil FILE POSITION [HEX]: other bytes there.
spoil() {
	hex "${3:-ff}" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- directories that a Kafka refuses, or mends when it loads them ----

@test "verify: a Kafka's partition that is sound, shut down cleanly or not" {
	kafkas logs
	quiet logs/t-0
	quiet -C logs
	touch logs/.kafka_cleanshutdown
	quiet logs/t-0
	printf '0\n1\nt 0 7\n' >logs/recovery-point-offset-checkpoint
	quiet logs/t-0
	rm logs/.kafka_cleanshutdown
	quiet logs/t-0
}

@test "verify: a bad checksum, with the marker and without" {
	kafkas logs
	spoil "logs/t-0/$second.log" $((2 * 72 + 65))
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$second.log" 144 damage bad_checksum stored computed
	touch logs/.kafka_cleanshutdown
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$second.log" 144 damage
	klog 3 inspect --verify -J logs/t-0
	equal "$(jq -r '[.file, .position, .size, .offset, .severity] | @csv' \
		<<<"$output")" '"logs/t-0/'"$second"'.log",144,72,7,"damage"'
	equal "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" \
		'file position size offset what severity'
}

@test "verify: an index that is missing" {
	kafkas logs
	rm "logs/t-0/$second.timeindex"
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$second.timeindex" 0 index missing
	rm "logs/t-0/$first.index"
	touch "logs/t-0/$second.timeindex"
	klog 3 inspect --verify logs/t-0
	[ "${#lines[@]}" -eq 3 ]
	grep -q "$first.index .*missing" <<<"$output"
	grep -q "$second.timeindex .*newest_time" <<<"$output"
}

@test "verify: a segment that is missing" {
	kafkas logs
	rm "logs/t-0/$second.log"
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$second.log" 0 damage missing
}

@test "verify: zeros at the end of a log" {
	kafkas logs
	touch logs/.kafka_cleanshutdown
	head -c 500 /dev/zero >>"logs/t-0/$third.log"
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$third.log" $((3 * 72)) damage length
	rm logs/.kafka_cleanshutdown
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$third.log" $((3 * 72)) damage length
}

@test "verify: indexes full of zeros, as a Kafka has them that is running" {
	kafkas logs
	truncate -s 10485760 "logs/t-0/$third.index"
	truncate -s 10485756 "logs/t-0/$third.timeindex"
	quiet logs/t-0
	# one that was shut down cleanly has none
	touch logs/.kafka_cleanshutdown
	klog 3 inspect --verify logs/t-0
	[ "${#lines[@]}" -eq 3 ]
	grep -q "$third.index .*index$" <<<"$output"
	grep -q "$third.timeindex .*index$" <<<"$output"
	rm logs/.kafka_cleanshutdown
	# nor has a closed segment, nor do zeros hold anything
	truncate -s 4096 "logs/t-0/$first.index"
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$first.index" 16 index zeros
	truncate -s 16 "logs/t-0/$first.index"
	spoil "logs/t-0/$third.index" 5000
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$third.index" 5000 index among_zeros
}

@test "verify: a log start that the log has not reached" {
	kafkas logs
	printf '0\n1\nt 0 7\n' >logs/log-start-offset-checkpoint
	quiet logs/t-0
	printf '0\n1\nt 0 100\n' >logs/log-start-offset-checkpoint
	klog 3 inspect --verify logs/t-0
	found logs/log-start-offset-checkpoint 0 damage 100 13
	klog 3 inspect --verify -C logs t
	found log-start-offset-checkpoint 0 damage
	rm logs/log-start-offset-checkpoint
	printf '0\n1\nt 0 40\n' >logs/recovery-point-offset-checkpoint
	klog 3 inspect --verify logs/t-0
	found logs/recovery-point-offset-checkpoint 0 damage 40 13
}

@test "verify: an empty directory" {
	mkdir -p logs/t-0
	klog 0 inspect --verify logs/t-0
	found logs/t-0 0 leftover no_segment
	printf '0\n1\nt 0 7\n' >logs/recovery-point-offset-checkpoint
	klog 3 inspect --verify logs/t-0
	found "logs/t-0/$first.log" 0 damage missing
}

@test "verify: names that a Kafka stumbles over, and those that it ignores" {
	kafkas logs
	touch logs/t-0/klog.meta logs/t-0/.klog-of-old
	quiet logs/t-0
	touch logs/t-0/klog.log
	klog 3 inspect --verify logs/t-0
	found logs/t-0/klog.log 0 damage
	rm logs/t-0/klog.log
	touch logs/t-0/klog.snapshot
	klog 3 inspect --verify logs/t-0
	found logs/t-0/klog.snapshot 0 damage
}

# ---- what the checksum does not cover ----

@test "verify: offset, length, epoch and magic of a batch" {
	local at dir
	three t
	dir=$(partition t)
	cp "$dir/$second.log" log
	for at in 0 7 8 11 12 15 16; do
		spoil "$dir/$second.log" $((72 + at)) 7f
		klog 3 inspect --verify t
		found "t/0/$second.log" 72 damage
		cat log >"$dir/$second.log"
	done
	quiet t
	# and of the last batch of all
	cp "$dir/$third.log" log
	for at in 0 7 8 11 12 15 16; do
		spoil "$dir/$third.log" $((144 + at)) 7f
		klog 3 inspect --verify t
		found "t/0/$third.log" 144 damage
		cat log >"$dir/$third.log"
	done
	quiet t
}

@test "verify: a Kafka's batches, by what stands around them" {
	kafkas logs
	cp "logs/t-0/$second.log" log
	for at in 0 3 7 8 11 16; do
		spoil "logs/t-0/$second.log" $((72 + at)) 7f
		klog 3 inspect --verify logs/t-0
		grep -q "$second.log  *72 .*damage" <<<"$output"
		cat log >"logs/t-0/$second.log"
	done
	quiet logs/t-0
}

@test "verify: damage is one range, and what lies behind it is looked at" {
	local dir at
	klog-create -q t
	for at in {1..9}; do
		seq 300 | klog-produce -q t
	done
	dir=$(partition t)
	at=$(klog-inspect --batches -J t | jq -s '.[2].position')
	hex "$(printf 'ff%.0s' {1..200})" |
		dd of="$dir/$first.log" bs=1 seek=$((at + 5)) conv=notrunc status=none
	spoil "$dir/$first.log" $((at + 3000))
	klog 3 inspect --verify -J t
	equal "$(jq -s 'length' <<<"$output")" 1
	equal "$(jq -r '[.position, .offset] | @csv' <<<"$output")" "$at,600"
	at=$(klog-inspect --batches -J t 2>/dev/null | jq -s 'length') || true
	spoil "$dir/$first.log" "$(($(stat -c %s "$dir/$first.log") - 5))"
	klog 3 inspect --verify -J t
	equal "$(jq -s 'length' <<<"$output")" 2
}

@test "verify: a file with thousands of fronts of batches ends in time" {
	local i
	mkdir big-0
	# each says that it is long, and none is whole
	for i in {1..500}; do
		printf '%s' 0000000000000000 007ffff0 00000000 02 00000000 0000 \
			00000000 0000018bcfe56800 0000018bcfe56800 \
			ffffffffffffffffffffffffffff 00000001
	done >fronts
	hex "$(cat fronts)" >piece
	for i in {1..300}; do cat piece; done >"big-0/$first.log"
	truncate -s 12M "big-0/$first.log"
	shell 3 'timeout 20 klog-inspect --verify ./big-0'
}

# ---- state, epochs, settings ----

@test "verify: .klog, either slot and what is between them" {
	local dir
	three t
	dir=$(partition t)
	cp "$dir/.klog" state
	for at in 9 511 4097; do
		spoil "$dir/.klog" $at
		klog 3 inspect --verify t
		found t/0/.klog $((at < 512 ? 0 : 4096)) index slot
		cat state >"$dir/.klog"
	done
	spoil "$dir/.klog" 2000
	klog 3 inspect --verify t
	found t/0/.klog 512 index
	cat state >"$dir/.klog"
	echo behind >>"$dir/.klog"
	klog 3 inspect --verify t
	found t/0/.klog 4608 index behind
	klog 0 inspect --repair t
	quiet t
	head -c 4608 /dev/zero >"$dir/.klog"
	klog 3 inspect --verify t
	found t/0/.klog 0 damage neither
	rm "$dir/.klog"
	klog 3 inspect --verify t
	grep -q 't/0/.klog .*missing.*damage' <<<"$output"
}

@test "verify: leader-epoch-checkpoint against the batches" {
	local dir
	three t
	dir=$(partition t)
	cp -r "$KLOG_CLUSTER/t" copy
	rm -r "$KLOG_CLUSTER/t"
	mv copy "$KLOG_CLUSTER/t"
	seq 3 | klog-produce -q t
	equal "$(tr '\n' ' ' <"$dir/leader-epoch-checkpoint")" '0 2 0 0 1 13 '
	quiet t
	for text in '0\n2\n0 0\n1 12\n' '0\n2\n0 0\n2 13\n' \
		'0\n3\n0 0\n1 13\n' '1\n2\n0 0\n1 13\n' '0\n2\n0 0\n1 13\v' ''; do
		# shellcheck disable=SC2059
		printf "$text" >"$dir/leader-epoch-checkpoint"
		klog 3 inspect --verify t
		found t/0/leader-epoch-checkpoint 0 index
		klog 0 inspect --repair t
		quiet t
	done
	printf '0\n1\n0 0\n' >"$dir/leader-epoch-checkpoint"
	klog 0 inspect --verify t
	found t/0/leader-epoch-checkpoint 0 leftover
}

@test "verify: topic.yaml" {
	klog-create -q t u
	sed 's/^partitions/partitjons/' "$KLOG_CLUSTER/t/topic.yaml" >yaml
	cp "$KLOG_CLUSTER/t/topic.yaml" good
	cat yaml >"$KLOG_CLUSTER/t/topic.yaml"
	klog 3 inspect --verify t
	found t/topic.yaml 0 damage
	cat "$KLOG_CLUSTER/u/topic.yaml" >"$KLOG_CLUSTER/t/topic.yaml"
	klog 3 inspect --verify t
	found t/0/.klog 56 damage topic_id
	sed 's/^partitions: 1/partitions: 2/' good >"$KLOG_CLUSTER/t/topic.yaml"
	klog 3 inspect --verify t
	found t/1 0 damage missing
	klog-alter -q -X flush.ms=5 u
	cat good >"$KLOG_CLUSTER/t/topic.yaml"
	klog-alter -q -X flush.ms=5 t
	cat good >"$KLOG_CLUSTER/t/topic.yaml"
	klog 3 inspect --verify t
	found t/topic.yaml 0 damage generation
}

@test "verify: the offsets of groups" {
	local file
	klog-create -q t
	seq 5 | klog-produce -q t
	klog-consume -g g t >/dev/null
	seq 5 | klog-produce -q t
	klog-consume -g g t >/dev/null
	quiet t
	file=$KLOG_CLUSTER/t/groups/g/0
	spoil "$file" 20
	spoil "$file" 4120
	klog 3 inspect --verify t
	found t/groups/g/0 0 damage
	klog 3 inspect --repair t
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[1]}" == *t/groups/g/0*damage*'klog-offsets_--reset'* ]]
	klog 0 offsets --reset earliest -g g t
	quiet t
	# It is not followed, and hides nothing else.
	mv "$file" away
	ln -s "$PWD/away" "$file"
	spoil "$(partition t)/$first.log" 70
	klog 3 inspect --verify t
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[1]}" == *t/groups/g/0*damage ]]
	[[ "${lines[2]}" == *t/0/$first.log*damage ]]
}

@test "verify: what a group's journal holds" {
	local journal
	klog-create -q t
	seq 5 | klog-produce -q t
	klog-offsets --reset 2 -g g t >/dev/null
	klog-offsets --reset 3 -g g t >/dev/null
	quiet t
	journal=$KLOG_CLUSTER/t/groups/g/journal
	spoil "$journal" 30
	klog 3 inspect --verify t
	found t/groups/g/journal 0 damage
	# An append that nobody waits for any more.
	rm "$journal"
	klog-offsets --reset 2 -g g t >/dev/null
	printf 'klog-jour' >>"$journal"
	quiet t
}

@test "verify: what cannot be read is not sound" {
	need_root
	klog-create -q t
	seq 5 | klog-produce -q t
	klog-consume -g g t >/dev/null
	chmod -R a+rX "$KLOG_CLUSTER"
	chmod 700 "$KLOG_CLUSTER/t/groups/g"
	run --separate-stderr as_nobody klog-inspect --verify t
	explain verify
	[ "$status" -eq 1 ]
	one_line_error inspect 'topic t: group g'
}

# ---- leftovers, and what is in use ----

@test "verify: what a killed writer left is no damage" {
	local dir
	three t
	dir=$(partition t)
	head -c 50 "$dir/$second.log" >>"$dir/$third.log"
	klog 0 inspect --verify t
	found "t/0/$third.log" 216 leftover
	seq 1 | klog-produce -q t
	quiet t
	touch "$dir/$first.log.deleted" "$dir/.topic.new"
	klog 0 inspect --verify t
	[ "${#lines[@]}" -eq 3 ]
}

@test "verify: a partition that is written, rolled and synced meanwhile" {
	local i runs=0
	klog-create -q -X segment.bytes=1MiB -X max.message.bytes=1000000 \
		-X index.interval.bytes=200 t
	for i in 1 2; do
		for _ in {1..12}; do
			seq 20000 | klog-produce -q t
		done &
	done
	for _ in {1..150}; do
		seq 3 | klog-produce -q --no-sync t
	done &
	while [ -n "$(jobs -r)" ] && [ $runs -lt 300 ]; do
		klog 0 inspect --verify t
		runs=$((runs + 1))
	done
	wait
	[ $runs -gt 5 ]
	quiet t
}

@test "verify: findings without end" {
	klog-create -q t
	seq 10000 | klog-produce -q -X batch.size=1 t
	# Of every other batch the checksum.
	klog-inspect --batches t | awk 'NR % 2 == 0 { print $5 + 17 }' |
		perl -e 'open my $log, "+<", shift;
			for (<STDIN>) { seek $log, $_, 0; print $log "\xff\xff" }' \
			"$(partition t)/$first.log"
	klog 3 inspect --verify t
	[ "${#lines[@]}" -gt 4000 ]
	[ "${#lines[@]}" -lt 4200 ]
	[[ $output == *_more_findings_from_here_on,_which_are_not_listed* ]]
}

@test "verify: a topic that klog-delete left, marked and no more" {
	need_strace
	klog-create -q t
	echo x | klog-produce t
	strace -o /dev/null -e trace=rename,renameat,renameat2 \
		-e inject=rename,renameat,renameat2:signal=KILL \
		klog-delete -q t || true
	klog 0 inspect --verify t
	found t 0 leftover deleted
	klog-delete -q t
	klog 0 inspect --verify
	equal "$output$stderr" ''
}

@test "verify: an index of several pages" {
	klog-create -q -X index.interval.bytes=0 t
	for _ in {1..3}; do
		seq 700 | klog-produce -q --batch-size 64 t
	done
	[ "$(stat -c %s "$(partition t)/$first.index")" -gt 4096 ]
	quiet t
	truncate -s 4096 "$(partition t)/$first.index"
	klog 3 inspect --verify t
	found "t/0/$first.index" 4096 index
}

@test "verify: one file alone" {
	kafkas logs
	spoil "logs/t-0/$second.log" 100
	spoil "logs/t-0/$first.index" 3
	klog 3 inspect --verify "logs/t-0/$second.log"
	found "logs/t-0/$second.log" 72 damage
	klog 3 inspect --verify "logs/t-0/$first.index"
	found "logs/t-0/$first.index" 0 index
	quiet "logs/t-0/$third.log" "logs/t-0/$third.timeindex"
	cp "$BATS_TEST_DIRNAME/data/kafka-4.3/live/nulls-0"/*.snapshot .
	quiet ./*.snapshot
	spoil ./*.snapshot 7
	klog 3 inspect --verify ./*.snapshot
	found .snapshot 0 index checksum
	echo text >other
	klog 1 inspect --verify ./other
	one_line_error inspect other
}

@test "verify: a Kafka 4.3's and older partitions are sound" {
	local dir
	for dir in "$BATS_TEST_DIRNAME"/data/kafka-4.3/{live,stopped}; do
		klog 0 inspect --verify -C "$dir"
		equal "$(grep -vE 'leftover$|^FILE |^$' <<<"$output")" ''
	done
	for dir in "$BATS_TEST_DIRNAME"/data/old-formats/v*-0; do
		quiet "$dir"
	done
}

@test "verify: nothing is written, and nothing but reading is needed" {
	need_root
	three t
	chmod -R a+rX "$KLOG_CLUSTER"
	find "$KLOG_CLUSTER" -printf '%p %T@ %s\n' >before
	run as_nobody klog-inspect --verify t
	[ "$status" -eq 0 ]
	equal "$output" ''
	find "$KLOG_CLUSTER" -printf '%p %T@ %s\n' | diff before -
}
