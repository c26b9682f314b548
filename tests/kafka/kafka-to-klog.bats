#!/usr/bin/env bats
# What a broker wrote, klog prints as a read_committed client does: while the
# broker runs, and when it stopped.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

codecs=(none gzip snappy lz4 zstd)
topics=("${codecs[@]/#/codec-}" "${codecs[@]/#/librdkafka-}" nulls headers
	append-time log-start large epochs full-index small-index transactions
	compacted legacy-v0 legacy-v1 legacy-mixed)

# The broker is started twice: brokers of today do not write formats 0 and 1,
# but serve what they find; and the second time has a leader epoch of its own.
setup_file() {
	export KAFKA_WANT=$BATS_FILE_TMPDIR/want
	[ -z "$(kafka_missing)" ] || return 0
	kafka_new "$BATS_FILE_TMPDIR/kafka"
	kafka_start
	kafka_partitions "${codecs[@]/#/codec-}" nulls headers append-time \
		log-start large epochs full-index small-index transactions \
		keys create:{legacy-{v0,v1,mixed},librdkafka-{none,gzip,snappy,lz4,zstd}}:1
	kafka_stop
	kafka_java Legacy "$BATS_FILE_TMPDIR"
	local name dir codec
	for name in legacy-{v0,v1,mixed}; do
		dir=$KAFKA_HOME/data/$name-0
		rm "$dir"/*.index "$dir"/*.timeindex
		mv "$BATS_FILE_TMPDIR/$name.log" \
			"$dir/00000000000000000000.log"
	done
	kafka_start
	kafka_partitions again:epochs compacted compact:compacted
	kafka_compacted compacted 24
	for codec in "${codecs[@]}"; do
		seq 20000 | sed 's/.*/key &:value &/' | kcat -P -b "$KAFKA" \
			-t "librdkafka-$codec" -K : -z "$codec" -H h=v
	done
	kafka_java Client "$KAFKA" "$KAFKA_WANT" "${topics[@]}" keys
}

teardown_file() {
	kafka_stop
}

fixture() {
	need_kafka
}

# printed FILE [ARG...]: klog-consume ARG... prints FILE of the client's, and
# says nothing.
printed() {
	klog-consume "${@:2}" >have 2>said || fail "it ended with $?: $(<said)"
	cmp have "$KAFKA_WANT/$1" || fail "not the client's: $*"
	[ ! -s said ] || fail "it said: $(<said)"
}

# same TOPIC...: by its path and by its name, the values and their frame.
same() {
	local name dir
	for name; do
		dir=$KAFKA_HOME/data/$name-0
		printed "$name.values" "$dir"
		printed "$name.records" -F '%o %T %K %S|%k|%s\n' "$dir"
		printed "$name.values" -C "$KAFKA_HOME/data" "$name"
	done
}

# same_json TOPIC...
same_json() {
	local name
	for name; do
		printed "$name.json" -J "$KAFKA_HOME/data/$name-0"
	done
}

# as_kcat TOPIC FORMAT [OPTION...]: -F FORMAT is kcat's -f FORMAT.
as_kcat() {
	kafka_kcat "$1" -f "$2" "${@:3}" >want
	klog-consume "${@:3}" -F "$2" "$KAFKA_HOME/data/$1-0" >have
	cmp have want || fail "not kcat's: $*"
	[ -s want ]
}

# ---- while the broker runs: its last segments have indexes full of zeros ----

@test "live: every codec, of Kafka's client and of librdkafka" {
	same "${codecs[@]/#/codec-}" "${codecs[@]/#/librdkafka-}"
	# librdkafka's snappy has no frame, Kafka's has.
	grep -q SNAPPY "$KAFKA_HOME"/data/codec-snappy-0/*.log
	run -1 grep -q SNAPPY "$KAFKA_HOME"/data/librdkafka-snappy-0/*.log
}

@test "live: keys and values null, empty, of any bytes" {
	same nulls
}

@test "live: headers" {
	same headers
}

@test "live: two transactional producers, aborts, and one that is open" {
	same transactions
	# It is there, but behind the last stable offset, or aborted.
	klog-consume -X isolation.level=read_uncommitted \
		"$KAFKA_HOME/data/transactions-0" >all
	grep -qx 'open 2' all
	grep -qx 'aborted at last' all
}

@test "live: a compacted topic: gaps, tombstones, a batch without records" {
	same compacted
	# What is to be deleted is still there.
	ls "$KAFKA_HOME"/data/compacted-0/*.log.deleted
	# It has what only compaction leaves.
	kafka_java org.apache.kafka.tools.DumpLogSegments --files \
		"$KAFKA_HOME/data/compacted-0/00000000000000000000.log" >dump
	grep -q ' count: 0 ' dump
	grep -qF 'deleteHorizonMs: OptionalLong[' dump
}

@test "live: LogAppendTime" {
	same append-time
}

@test "live: a log that begins in the middle of a batch" {
	same log-start
}

@test "live: a batch of max.message.bytes" {
	same large
}

@test "live: indexes of segment.index.bytes, nearly all of it zeros" {
	[ "$(stat -c %s "$KAFKA_HOME"/data/full-index-0/*.index)" -eq 10485760 ]
	[ "$(stat -c %s "$KAFKA_HOME"/data/small-index-0/*.index)" -eq 4096 ]
	same full-index small-index
	# They are searched, too.
	local name time
	for name in full-index small-index; do
		klog-consume -o 20 -c 1 -F '%o\n' "$KAFKA_HOME/data/$name-0" >got
		equal "$(<got)" 20
		time=$(klog-consume -o 30 -c 1 -F '%T' \
			"$KAFKA_HOME/data/$name-0")
		klog-consume --since "${time}ms" -c 1 -F '%T\n' \
			"$KAFKA_HOME/data/$name-0" >got
		[ "$(<got)" -ge "$time" ]
	done
}

@test "live: leader epochs" {
	same epochs
	klog-consume -F '%e\n' "$KAFKA_HOME/data/epochs-0" | uniq >epochs
	[ "$(wc -l <epochs)" -eq 2 ]
	diff epochs <(awk 'NR > 2 { print $1 }' \
		"$KAFKA_HOME/data/epochs-0/leader-epoch-checkpoint")
}

@test "live: message sets of formats 0 and 1, and all formats in one log" {
	same legacy-v0 legacy-v1 legacy-mixed
}

@test "live: a log.dirs entry is a cluster; a topic of three partitions" {
	local p
	for p in 0 1 2; do
		klog-consume -C "$KAFKA_HOME/data" -p $p \
			-F '%o %T %K %S|%k|%s\n' keys
	done >have
	cmp have "$KAFKA_WANT/keys.records"
	# The broker's producer and klog's choose the same partitions.
	klog-create -p 3 keys
	klog-consume -C "$KAFKA_HOME/data" -F '%k\t%s\n' keys |
		klog-produce -K '\t' keys
	diff <(klog-consume -F '%p %k\n' keys | sort) \
		<(klog-consume -C "$KAFKA_HOME/data" -F '%p %k\n' keys | sort)
}

@test "live: klog-consume -f prints what comes" {
	kafka_partitions create:followed:1
	timeout 60 klog-consume -f -c 2 -F '%o %k=%s\n' \
		"$KAFKA_HOME/data/followed-0" >have 3>&- &
	kafka_partitions again:followed
	ended 0 $!
	equal "$(<have)" $'0 again=1\n1 again=2'
}

@test "live: -J prints what the client got, of every topic" {
	same_json "${topics[@]}"
}

# ---- against kcat ----

@test "kcat: every token of -F that it has" {
	local name
	for name in codec-none codec-zstd headers transactions compacted \
		append-time log-start epochs; do
		as_kcat "$name" '%t/%p %o %T %K %S [%h] %k: %s %%\n'
	done
	as_kcat nulls '%t/%p %o %T %K %S %R%k|%s\n'
	as_kcat nulls '%R%s'
	as_kcat nulls '\t%s\x21\x41\n\r'
}

# kcat's -Z takes an empty value for a null as well, and its %h ends a header's
# value at a NUL.
@test "kcat: nulls with -Z, and where kcat is not followed" {
	as_kcat headers '%o %k: %s\n' -Z
	kafka_kcat nulls -c 2 -Z -f '%S %s\n' >have
	equal "$(<have)" $'-1 NULL\n0 NULL'
	klog-consume -c 2 -Z -F '%S %s\n' "$KAFKA_HOME/data/nulls-0" >have
	equal "$(<have)" $'-1 NULL\n0 '
	kafka_kcat nulls -o 36 -f '%h|' | cat -v >have
	equal "$(<have)" 'nul=a|'
	klog-consume -o 36 -F '%h|' "$KAFKA_HOME/data/nulls-0" | cat -v >have
	equal "$(<have)" 'nul=a^@b|'
}

# Format 0 has no time; kcat says 0.
@test "kcat: formats 0 and 1" {
	as_kcat legacy-v0 '%t/%p %o %K %S %k: %s\n'
	as_kcat legacy-v1 '%t/%p %o %T %K %S %k: %s\n'
	as_kcat legacy-mixed '%t/%p %o %K %S %k: %s\n'
}

# same_as_kcat TOPIC [OPTION...]: kcat's headers are one list, left out when
# empty.
same_as_kcat() {
	kafka_kcat "$1" -J "${@:2}" | jq -c '{topic, partition, offset, tstype,
		ts, key, payload, headers: ((.headers // []) as $h |
			[range(0; $h | length; 2) | $h[.:. + 2]])}' >want
	klog-consume "${@:2}" -J "$KAFKA_HOME/data/$1-0" | jq -c '{topic,
		partition, offset, tstype, ts, key, payload, headers}' >have
	cmp have want || fail "$1: $(diff have want | head -n 4)"
	[ -s want ]
}

@test "kcat: every key of -J that it has" {
	local name
	for name in codec-none codec-zstd transactions compacted append-time \
		log-start epochs; do
		same_as_kcat "$name"
	done
	# Those before the first that are not UTF-8.
	same_as_kcat headers -c 13
	same_as_kcat nulls -c 4
	same_as_kcat legacy-v1 -c 26
}

# ---- when the broker stopped; these come last ----

@test "stopped: all of it once more" {
	kafka_stop
	same "${codecs[@]/#/codec-}" nulls headers append-time log-start large \
		epochs full-index small-index transactions compacted
}

@test "stopped: formats 0 and 1" {
	kafka_stop
	same legacy-v0 legacy-v1 legacy-mixed
}

@test "stopped: -J" {
	kafka_stop
	same_json "${topics[@]}"
}
