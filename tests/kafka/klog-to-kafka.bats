#!/usr/bin/env bats
# What klog wrote, Kafka takes: its dump tool finds every batch and every index
# entry right, and a broker that is given the files cuts nothing off them, and
# serves what klog-consume prints.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

codecs=(none gzip snappy lz4 zstd)
topics=("${codecs[@]}" keys nulls empty headers mixed json segments epochs
	killed append-time)

setup_file() {
	[ -z "$(kafka_missing)" ] || return 0
	export PATH=${KLOG_BIN:=$BATS_TEST_DIRNAME/../../bin}:$KLOG_TEST_TOOLS:$PATH
	export KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
	write_topics
	hand_over
}

teardown_file() {
	kafka_stop
}

fixture() {
	need_kafka
	KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
}

# ---- what klog writes ----

write_topics() {
	local codec
	klog-create -q "${codecs[@]}" nulls empty headers epochs
	for codec in "${codecs[@]}"; do
		seq 5000 | sed 's|.*|key&:GET /item/& 200|' |
			klog-produce -K : -z "$codec" --batch-size 2000 "$codec"
		# A batch alone in its write, and the largest that fits.
		echo 'a:1' | klog-produce -K : -z "$codec" "$codec"
		make-lines w 1 1048516 | klog-produce -z "$codec" "$codec"
	done
	klog-create -q -p 3 keys
	seq 1000 | sed 's/.*/&:&/' | klog-produce -K : keys
	printf 'a:1\nb:\n:2\n:\nc:\n' | klog-produce -Z -K : nulls
	printf '\n\nx\n\n' | klog-produce -Z nulls
	printf '\n' | klog-produce -k '' nulls
	printf '\n\nx\n\n' | klog-produce empty
	printf 'b:\n:\n:2\n' | klog-produce -K : empty
	printf 'one\ntwo\n' | klog-produce -H a=1 -H a=2 -H a=1 -H empty= \
		-H $'raw=\xff\xfe' -H 'é=中' headers
	seq 100 | klog-produce -k key -z zstd -H h=v headers
	klog-create -q json
	cat "$BATS_TEST_DIRNAME"/../data/kafka-4.3/expected/{nulls,headers}.json \
		>"$BATS_FILE_TMPDIR/json"
	klog-produce -J json "$BATS_FILE_TMPDIR/json"
	# Lines of any bytes, of all lengths up to the largest.
	klog-create -q -X segment.bytes=2MiB mixed
	make-lines -m 7 300 | klog-produce mixed
	klog-create -q -X segment.bytes=1MiB -X index.interval.bytes=500 segments
	make-lines w 50000 100 | klog-produce --batch-size 5000 segments
	klog-create -q -X message.timestamp.type=LogAppendTime append-time
	seq 100 | klog-produce --batch-size 200 append-time
	seq 100 | klog-produce --batch-size 200 -z lz4 append-time
	write_epochs
	write_killed
}

# As after three power cuts: another inode, half a batch, a sync that did not
# end.  Each begins an epoch.
write_epochs() {
	local i
	for i in 1 2 3; do
		seq -f "$i %g" 50 | klog-produce --batch-size 100 epochs
		echo torn | klog-produce --no-sync epochs
		cp -r "$KLOG_CLUSTER/epochs" "$KLOG_CLUSTER/copy"
		rm -r "$KLOG_CLUSTER/epochs"
		mv "$KLOG_CLUSTER/copy" "$KLOG_CLUSTER/epochs"
		truncate -s -5 \
			"$KLOG_CLUSTER/epochs/0/00000000000000000000.log"
	done
	echo last | klog-produce epochs
}

# Writers killed in the middle, and who comes after them.
write_killed() {
	local i pid
	klog-create -q -X segment.bytes=1MiB killed
	for i in 1 2 3; do
		make-lines "w$i" 10000000 100 2>/dev/null |
			klog-produce --no-sync --batch-size 9000 killed 3>&- &
		pid=$!
		until_true 30 bytes_in killed $((i * 2000000))
		kill -9 "$pid"
		wait "$pid" 2>/dev/null || true
		echo "after $i" | klog-produce killed
	done
}

bytes_in() {
	[ "$(cat "$KLOG_CLUSTER/$1"/0/*.log | wc -c)" -ge "$2" ]
}

# ---- how Kafka gets it ----

# Each topic under its name, with all that klog has in the directory, and as
# NAME-bare, with the .log files only; without the mark of a clean stop, so
# that all is looked at.
hand_over() {
	local topic dir words=()
	for topic in "${topics[@]}"; do
		dir=$(find "$KLOG_CLUSTER/$topic" -mindepth 1 -type d | wc -l)
		words+=("create:$topic:$dir" "create:$topic-bare:$dir")
	done
	kafka_new "$BATS_FILE_TMPDIR/kafka"
	kafka_start
	kafka_partitions "${words[@]}"
	kafka_stop
	for dir in "$KLOG_CLUSTER"/*/[0-9]; do
		topic=$(basename "$(dirname "$dir")")
		fill "$KAFKA_HOME/data/$topic-${dir##*/}" "$dir"/.klog* "$dir"/*
		fill "$KAFKA_HOME/data/$topic-bare-${dir##*/}" "$dir"/*.log
	done
	rm "$KAFKA_HOME/data/.kafka_cleanshutdown"
	log_sizes >"$BATS_FILE_TMPDIR/before"
	kafka_start
	log_sizes >"$BATS_FILE_TMPDIR/after"
}

# fill DIR FILE...: in place of what the broker had there.
fill() {
	find "$1" -type f ! -name partition.metadata -delete
	cp -p "${@:2}" "$1"
}

log_sizes() {
	local topic
	for topic in "${topics[@]}"; do
		(cd "$KAFKA_HOME/data" &&
			stat -c '%n %s' "$topic"-[0-9]/*.log "$topic"-bare-*/*.log)
	done
}

# none [OPTION...] PATTERN FILE...: grep finds nothing.
none() {
	run -1 grep "$@"
}

# dumped TOPIC...: the dump tool says of each batch that it is valid, and of
# each index that it agrees.  It ends with 0 whatever it finds.
dumped() {
	local topic logs indexes
	for topic; do
		logs=$(printf '%s,' "$KLOG_CLUSTER/$topic"/[0-9]*/*.log)
		indexes=$(printf '%s,' "$KLOG_CLUSTER/$topic"/[0-9]*/*.{index,timeindex})
		kafka_dump --deep-iteration --files "${logs%,}"
		grep ' isvalid: ' dump >batches
		none -v ' isvalid: true$' batches
		none -i 'invalid bytes' dump
		equal "$(grep -c '^| offset' dump)" \
			"$(klog-consume -F '%i\n' "$topic" | wc -l)"
		kafka_dump --verify-index-only --files "${indexes%,}"
		kafka_dump --index-sanity-check --files "${indexes%,}"
		none -vE '^Dumping |passed sanity check\.$|is empty\.$' dump
	done
}

# A finding is on stderr.  Of any segment that does not begin at 0, Kafka's
# own too, 4.3.0 says that its first offset does not follow -1.
kafka_dump() {
	kafka_java org.apache.kafka.tools.DumpLogSegments "$@" >dump 2>said ||
		fail "the dump tool ended with $?: $(<said)" || return
	awk '/^Non-consecutive offsets in / { file = $0 "\n"; next }
		/^  -1 is followed by / { next }
		{ printf "%s%s\n", file, $0; file = "" }' said >findings
	[ ! -s findings ] || fail "it found: $(<findings)" || return
	[ -s dump ]
}

# served TOPIC...: kcat prints what klog-consume prints, from files with
# indexes and from those without.
served() {
	local topic format='%p %o %T %K %S [%h] %k|%s\n'
	for topic; do
		klog-consume -F "$format" "$topic" | sort -s -k1,1n >want
		[ -s want ]
		kafka_kcat "$topic" -f "$format" | sort -s -k1,1n >have
		cmp have want || fail "$topic"
		kafka_kcat "$topic-bare" -f "$format" | sort -s -k1,1n >have
		cmp have want || fail "$topic-bare"
	done
}

# ---- the dump tool ----

@test "dump: every codec" {
	dumped "${codecs[@]}"
	local codec
	for codec in "${codecs[@]}"; do
		kafka_dump --files \
			"$KLOG_CLUSTER/$codec/0/00000000000000000000.log"
		grep -q " compresscodec: $codec " dump
	done
}

@test "dump: keys, headers, nulls, empty values, any bytes" {
	dumped keys nulls empty headers mixed json
}

@test "dump: many segments" {
	[ "$(find "$KLOG_CLUSTER/segments" -name '*.log' | wc -l)" -ge 5 ]
	dumped segments
	# The index has entries, and the tool looks at them.
	[ "$(cat "$KLOG_CLUSTER"/segments/0/*.index | wc -c)" -gt 4000 ]
}

@test "dump: it would find an index that is wrong" {
	local dir=$BATS_TEST_TMPDIR/0
	cp -r "$(partition segments)" "$dir"
	printf '\x00\x00\x00\x01' | dd of="$dir/00000000000000000000.index" \
		conv=notrunc status=none bs=1 seek=8
	run ! kafka_dump --verify-index-only \
		--files "$dir/00000000000000000000.index"
}

@test "dump: several epochs, writers killed, LogAppendTime" {
	dumped epochs killed append-time
	kafka_dump --files "$KLOG_CLUSTER/epochs/0/00000000000000000000.log"
	equal "$(grep -o 'partitionLeaderEpoch: [0-9]*' dump | sort -u | wc -l)" 4
}

# ---- a broker that is given the files ----

@test "broker: it cut nothing" {
	[ "$(wc -l <"$BATS_FILE_TMPDIR/before")" -gt 40 ]
	diff "$BATS_FILE_TMPDIR/before" "$BATS_FILE_TMPDIR/after"
	none -iE 'corrupt|invalid' "$KAFKA_HOME"/log.*
}

@test "broker: it serves every codec as klog-consume prints it" {
	served "${codecs[@]}"
}

@test "broker: it serves keys, headers, nulls, empty values, any bytes" {
	served keys nulls empty headers mixed
}

@test "broker: it serves many segments, epochs, what killed writers left" {
	served segments epochs killed append-time
}

@test "broker: its client prints klog-consume -J" {
	local topic
	kafka_java Client "$KAFKA" client "${topics[@]}" "${topics[@]/%/-bare}"
	for topic in "${topics[@]}"; do
		klog-consume -J "$topic" | sort -s -t : -k 3,3 >want
		sort -s -t : -k 3,3 "client/$topic.json" | cmp - want
		sed "s/{\"topic\":\"$topic-bare\"/{\"topic\":\"$topic\"/" \
			"client/$topic-bare.json" |
			sort -s -t : -k 3,3 | cmp - want
	done
}

@test "broker: it serves what klog-produce -J got, nothing lost" {
	kafka_java Client "$KAFKA" client json
	diff <(jq -c 'del(.topic, .offset)' client/json.json) \
		<(jq -c 'del(.topic, .offset)' "$BATS_FILE_TMPDIR/json")
	[ "$(wc -l <client/json.json)" -eq 54 ]
}

@test "broker: it finds records by time, and klog the same" {
	local topic=segments time
	time=$(klog-consume -o 30000 -c 1 -F '%T' $topic)
	kafka_java org.apache.kafka.tools.GetOffsetShell \
		--bootstrap-server "$KAFKA" --topic $topic --time "$time" >have
	equal "$(<have)" "$topic:0:$(klog-consume --since "${time}ms" -c 1 \
		-F '%o' $topic)"
}

# What klog itself knew of the log is no longer so.
@test "broker: it goes on where klog ended, and klog reads on" {
	local topic
	kafka_partitions again:{zstd,zstd-bare,segments-bare,epochs-bare}
	rm "$KAFKA_HOME/data/zstd-0/.klog"
	for topic in zstd zstd-bare segments-bare epochs-bare; do
		klog-consume -F '%o %k=%s\n' "$KAFKA_HOME/data/$topic-0" \
			>have 2>said || fail "$topic: $(<said)"
		equal "$(tail -n 2 have | cut -d ' ' -f 2 | xargs)" \
			'again=1 again=2'
		kafka_kcat "$topic" -f '%o %k=%s\n' | cmp - have
	done
}
