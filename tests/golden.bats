#!/usr/bin/env bats
# Partitions that a Kafka wrote, and what its client printed of them:
# tests/data/kafka-4.3/README.md says how they were made.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers

fixture() {
	GOLDEN=$BATS_TEST_DIRNAME/data/kafka-4.3
}

# topics LIKE...: those with what is expected of them.
topics() {
	local like file
	for like; do
		for file in "$GOLDEN"/expected/$like.values; do
			basename "$file" .values
		done
	done
}

# printed FILE [ARG...]: klog-consume ARG... prints what the client got, and
# says nothing.
printed() {
	klog-consume "${@:2}" >have 2>said || fail "it ended with $?: $(<said)"
	cmp have "$GOLDEN/expected/$1" || fail "not the client's: $*"
	[ ! -s said ] || fail "it said: $(<said)"
}

# same TOPIC...: by its path and in its cluster, where one partition is all.
same() {
	local topic dir
	for topic; do
		for dir in "$GOLDEN"/{live,stopped}; do
			[ -e "$dir/$topic-0" ] || continue
			printed "$topic.values" "$dir/$topic-0"
			printed "$topic.values" -C "$dir" "$topic"
			printed "$topic.records" -F '%o %T %K %S|%k|%s\n' \
				"$dir/$topic-0"
		done
	done
}

# same_json TOPIC...: -J, in turn.
same_json() {
	local topic dir
	for topic; do
		for dir in "$GOLDEN"/{live,stopped}; do
			[ ! -e "$dir/$topic-0" ] ||
				printed "$topic.json" -J "$dir/$topic-0"
		done
	done
}

@test "golden: it is all there" {
	[ "$(topics '*' | wc -l)" -eq 21 ]
	run -0 topics 'codec-*'
	[ "${#lines[@]}" -eq 5 ]
}

@test "golden: each codec, by Kafka's client and by librdkafka" {
	# shellcheck disable=SC2046	# topics have no blanks
	same $(topics 'codec-*' 'librdkafka-*')
}

@test "golden: keys, values and headers, null, empty and of any bytes" {
	same nulls headers
}

@test "golden: LogAppendTime" {
	same append-time
}

@test "golden: a log that begins in the middle of a batch" {
	same log-start
	klog 0 consume -o beginning -c 1 -F '%o' "$GOLDEN/live/log-start-0"
	equal "$output" 14
	klog 0 consume -X auto.offset.reset=none -o 14 -c 1 -F '%o' \
		"$GOLDEN/live/log-start-0"
	equal "$output" 14
}

@test "golden: two leader epochs" {
	same epochs
	klog 0 consume -F '%e\n' "$GOLDEN/live/epochs-0"
	equal "$(uniq <<<"$output" | xargs)" '0 2'
}

@test "golden: indexes that are mostly zeros, and trimmed ones" {
	local dir
	same small-index
	for dir in "$GOLDEN"/{live,stopped}/small-index-0; do
		klog 0 consume -o 20 -c 1 -F '%o %T' "$dir"
		equal "$output" "20 ${output#* }"
		klog 0 consume --since "${output#* }ms" -c 1 -F '%T' "$dir"
		[ -n "$output" ]
	done
}

@test "golden: transactions, committed, aborted and open" {
	same transactions
	klog 0 consume -X isolation.level=read_uncommitted \
		"$GOLDEN/stopped/transactions-0"
	[[ $output == *'aborted at last'* ]]
	equal "${lines[-1]}" 'open 2'
}

@test "golden: three partitions, which klog's producer chooses too" {
	local p
	for p in 0 1 2; do
		klog-consume -C "$GOLDEN/live" -p $p \
			-F '%o %T %K %S|%k|%s\n' keys
	done | cmp - "$GOLDEN/expected/keys.records"
	klog-create -p 3 keys
	klog-consume -C "$GOLDEN/live" -K : keys | klog-produce -K : keys
	diff <(klog-consume -F '%p %k\n' keys | sort) \
		<(klog-consume -C "$GOLDEN/live" -F '%p %k\n' keys | sort)
}

@test "golden: a compacted log" {
	same compacted
}

@test "golden: what a kill leaves of a compaction" {
	same swapped cleaned
}

@test "golden: formats 0 and 1, and an upgraded log" {
	same legacy-v0 legacy-v1 legacy-mixed
}

@test "golden: -J of all" {
	# shellcheck disable=SC2046	# topics have no blanks
	same_json $(topics '*' | grep -vx keys)
}

@test "golden: nothing is written there" {
	cp -r "$GOLDEN/live" copy
	find copy -exec touch -d @0 {} +
	chmod -R a-w copy
	klog-consume -C copy codec-none >/dev/null
	klog-inspect -C copy >/dev/null
	equal "$(find copy -newermt @0 | wc -l)" 0
	chmod -R u+w copy
}

# "(`a`, `b`)" behind each of its paragraphs, over line ends.
@test "golden: each of VIOLATIONS.md names tests that are there" {
	local name
	tr '\n' ' ' <"$BATS_TEST_DIRNAME/../VIOLATIONS.md" |
		grep -oE '`(golden|live|kcat|dump|broker|random): [^`]*`' |
		tr -d '`' | sort -u >named
	[ "$(wc -l <named)" -ge 15 ]
	while IFS= read -r name; do
		grep -qxF "@test \"$name\" {" "$BATS_TEST_DIRNAME"/golden.bats \
			"$BATS_TEST_DIRNAME"/kafka/*.bats || fail "no test: $name"
	done <named
}
