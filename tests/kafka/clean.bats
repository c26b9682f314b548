#!/usr/bin/env bats
# klog-clean against the cleaner of a broker, and its retention: of the same log
# both keep the same records, in the same batches and segments, and Kafka takes
# what klog leaves.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

# clean-waits keeps its tombstones for an hour, the others for half a second;
# in clean-open a transaction is open at the end.
topics=(clean-waits clean-over clean-open)

# Three rounds: what is dirty; more behind what was compacted already, with
# delete horizons that are over, or not; and once more, for a marker gets its
# horizon in the second round.  Kafka's logs are in NAME.ROUND.dirty
# and .kafka, what klog makes of the former in a topic NAME.ROUND.
setup_file() {
	[ -z "$(kafka_missing)" ] || return 0
	export PATH=${KLOG_BIN:=$BATS_TEST_DIRNAME/../../bin}:$KLOG_TEST_TOOLS:$PATH
	export KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
	local topic
	cd "$BATS_FILE_TMPDIR" || return
	kafka_new "$BATS_FILE_TMPDIR/kafka" log.initial.task.delay.ms=500 \
		log.retention.check.interval.ms=500
	kafka_start
	kafka_partitions "${topics[@]}" "${!retention[@]}"
	retain
	round 1
	kafka_partitions "${topics[@]/#/rest:}" more:{clean-waits,clean-over,clean-open}:1
	round 2
	kafka_partitions "${topics[@]/#/rest:}" more:{clean-waits,clean-over,clean-open}:2
	round 3
	hand_over
}

# What each topic of four segments, 3 h, 2 h, 1 h and no time old, is to keep;
# in retain-future they are 3 h and a quarter of an hour old, and two to come.
declare -A retention=(
	[retain-time]='retention.ms:5400000'
	[retain-size]='retention.ms:-1 retention.bytes:250'
	[retain-both]='retention.bytes:350 retention.ms:5400000'
	[retain-all]='retention.ms:1000'
	[retain-zero]='retention.ms:-1 retention.bytes:0'
	[retain-future]='retention.ms:3600000'
)

retain() {
	local topic pair words=() options
	for topic in "${!retention[@]}"; do
		logs_of "$topic" "$topic.dirty"
		options=()
		for pair in ${retention[$topic]}; do
			words+=("set:$topic:$pair")
			options+=(-X "${pair/:/=}")
		done
		klog-create -q "${options[@]}" "$topic"
		find "$(partition "$topic")" -type f -delete
		cp -p "$topic.dirty"/*.log "$(partition "$topic")"
	done
	kafka_partitions "${words[@]}"
	# Looked at twice a second, and none of them stays as it is.
	for topic in "${!retention[@]}"; do
		until_true 30 was_retained "$topic"
	done
	sleep 2
	for topic in "${!retention[@]}"; do
		logs_of "$topic" "$topic.kafka"
		klog-clean "$topic" 2>>said.retain
	done
}

was_retained() {
	[ ! -e "$KAFKA_HOME/data/$1-0/00000000000000000000.log" ]
}

teardown_file() {
	kafka_stop
}

fixture() {
	need_kafka
	KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
	cd "$BATS_FILE_TMPDIR" || return
}

round() {
	local topic
	for topic in "${topics[@]}"; do
		logs_of "$topic" "$topic.$1.dirty"
	done
	cleaned_to >before
	kafka_partitions "${topics[@]/#/compact:}"
	for topic in "${topics[@]}"; do
		kafka_cleaned "$topic" || return
		logs_of "$topic" "$topic.$1.kafka"
		klog_cleans "$topic" "$1" || return
	done
}

logs_of() {
	mkdir "$2"
	cp -p "$KAFKA_HOME/data/$1-0"/*.log "$2"
}

cleaned_to() {
	grep ' 0 ' "$KAFKA_HOME/data/cleaner-offset-checkpoint" 2>/dev/null | sort
}

# The cleaner was there since the file `before` was made.
kafka_cleaned() {
	until_true 60 eval \
		"cleaned_to | comm -13 before - | grep -q '^$1 '"
}

# The .log files alone, so that klog makes its own state and indexes.
klog_cleans() {
	local dir
	klog-create -q -X cleanup.policy=compact -X retention.ms=-1 \
		-X min.cleanable.dirty.ratio=0.001 \
		-X delete.retention.ms="$([ "$1" = clean-waits ] &&
			echo 3600000 || echo 500)" "$1.$2"
	dir=$(partition "$1.$2")
	find "$dir" -type f -delete
	cp -p "$1.$2.dirty"/*.log "$dir"
	klog-clean "$1.$2" 2>"said.$1.$2"
}

# Each of klog's logs under a name of its own.
hand_over() {
	local topic n words=()
	for topic in "${topics[@]}"; do
		words+=("create:$topic".{1,2,3}:1)
	done
	kafka_partitions "${words[@]}"
	kafka_stop
	for topic in "${topics[@]}"; do
		for n in 1 2 3; do
			find "$KAFKA_HOME/data/$topic.$n-0" -type f \
				! -name partition.metadata -delete
			cp -p "$(partition "$topic.$n")"/* \
				"$KAFKA_HOME/data/$topic.$n-0"
		done
	done
	rm "$KAFKA_HOME/data/.kafka_cleanshutdown"
	log_sizes >sizes
	kafka_start
}

log_sizes() {
	(cd "$KAFKA_HOME/data" && stat -c '%n %s' clean-*.[123]-0/*.log)
}

# dump DIR: what Kafka's tool says of the segments, but for what depends on the
# time of the run, and on whose compressor it was.
dump() {
	local file
	for file in "$1"/*.log; do
		kafka_java org.apache.kafka.tools.DumpLogSegments \
			--deep-iteration --print-data-log --files "$file" \
			2>/dev/null
	done | sed -E -e 's|^Dumping .*/|Dumping |' \
		-e 's/deleteHorizonMs: OptionalLong\[[0-9]+\]/deleteHorizonMs: SET/' \
		-e 's/ (position|size|crc): [0-9]+//g'
}

same_as_kafka() {
	local topic=$1 n
	for n in 1 2 3; do
		equal "$(grep -v 'made anew from the segments' "said.$topic.$n")" ''
		dump "$topic.$n.kafka" >have.kafka
		dump "$(partition "$topic.$n")" >have.klog
		diff have.kafka have.klog || fail "$topic, round $n"
		run ! grep -v ' isvalid: true' <(grep ' isvalid: ' have.klog)
		partition-check -q -g "$(partition "$topic.$n")"
	done
}

# in_dump PATTERN FILE: so many lines
in_dump() {
	grep -cE "$1" "$2" || true
}

@test "clean: as Kafka's cleaner: tombstones that wait" {
	same_as_kafka clean-waits
	# The cases are there: tombstones that stay, batches without records,
	# every codec, markers, and it is less than it was.
	[ "$(in_dump 'key: key .* payload: $|payload: *$|valueSize: -1' have.klog)" -gt 0 ]
	[ "$(in_dump 'deleteHorizonMs: SET' have.klog)" -gt 0 ]
	[ "$(in_dump ' count: 0 ' have.klog)" -gt 0 ]
	[ "$(in_dump 'endTxnMarker: COMMIT' have.klog)" -gt 0 ]
	[ "$(in_dump 'endTxnMarker: ABORT' have.klog)" -gt 0 ]
	[ "$(in_dump 'keySize: -1' have.klog)" -le 3 ]
	local codec
	for codec in none gzip snappy lz4 zstd; do
		[ "$(in_dump " compresscodec: $codec " have.klog)" -gt 0 ]
	done
	dump clean-waits.3.dirty >dirty
	[ "$(wc -l <have.klog)" -lt "$(wc -l <dirty)" ]
}

@test "clean: as Kafka's cleaner: tombstones and markers whose time is over" {
	same_as_kafka clean-over
	# Of both some waited, and went.
	dump clean-over.3.dirty >dirty
	grep 'deleteHorizonMs: SET' dirty >waited
	[ "$(in_dump 'isControl: false' waited)" -gt 0 ]
	[ "$(in_dump 'isControl: true' waited)" -gt 0 ]
	local first
	first=$(sed -n 's/.*baseOffset: \([0-9]*\) .*isControl: true.*/\1/p' \
		waited | head -n 1)
	run ! grep -q "^baseOffset: $first " have.klog
}

@test "clean: as Kafka's cleaner: up to a transaction that is open" {
	same_as_kafka clean-open
	# Its segment, and the one behind it, are as they were.
	[ "$(find "$(partition clean-open.3)" -name '*.log' | wc -l)" -ge 3 ]
}

@test "clean: retention as Kafka's: by time, size, both, all of it, the future" {
	local topic
	for topic in "${!retention[@]}"; do
		(cd "$topic.kafka" && cksum ./*.log) >kafka.sums
		(cd "$(partition "$topic")" && cksum ./*.log) | diff kafka.sums - ||
			fail "$topic"
	done
	# Not all alike: of some one segment went, of some all.
	equal "$(find retain-time.kafka -name '*.log' | wc -l)" 2
	equal "$(find retain-all.kafka retain-zero.kafka -size 0 | wc -l)" 2
	equal "$(find retain-future.kafka -name '*.log' | wc -l)" 3
	run ! grep -v 'made anew from the segments' said.retain
}

@test "clean: a broker takes what klog left, and cuts nothing" {
	log_sizes | diff sizes -
	run ! grep -iE 'corrupt|invalid' "$KAFKA_HOME"/log.*
}

@test "clean: its client reads the same of both" {
	local topic
	kafka_java Client "$KAFKA" client "${topics[@]}" "${topics[@]/%/.3}"
	for topic in "${topics[@]}"; do
		[ -s "client/$topic.json" ]
		sed "s/\"topic\":\"$topic.3\"/\"topic\":\"$topic\"/" \
			"client/$topic.3.json" | cmp - "client/$topic.json"
	done
	# klog takes a topic of its own to have no transactions that are open.
	for topic in clean-waits clean-over; do
		klog-consume -J "$topic.3" | cmp - "client/$topic.3.json"
	done
}
