#!/usr/bin/env bats
# klog-inspect beside Kafka's dump tool, field by field: batches, records and
# the entries of the other files, of partitions that a Kafka wrote and of some
# that klog did.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

golden=$BATS_TEST_DIRNAME/../data/kafka-4.3
old=$BATS_TEST_DIRNAME/../data/old-formats

fixture() {
	need_kafka
}

# What both print, as Kafka's tool words it.
functions='
def type: if . == "logappend" then "LogAppendTime"
	elif . == "create" then "CreateTime" else "NoTimestampType" end;
def or_none: if . == null then -1 else . end;
def optional: if . == null then "OptionalLong.empty" else "OptionalLong[\(.)]" end;
def size(text; encoding): if text == null then -1
	elif encoding == "base64" then
		(text | length) / 4 * 3 - (text | [match("="; "g")] | length)
	else text | utf8bytelength end;'

batch_lines() {
	jq -r "$functions"' if .magic == 2 then
		"baseOffset: \(.base_offset) lastOffset: \(.last_offset) count: \(.records) baseSequence: \(.base_sequence | or_none) lastSequence: \(.last_sequence | or_none) producerId: \(.producer_id | or_none) producerEpoch: \(.producer_epoch | or_none) partitionLeaderEpoch: \(.epoch | or_none) isTransactional: \(.transactional) isControl: \(.control) deleteHorizonMs: \(.delete_horizon | optional) position: \(.position) \(.tstype | type): \(.max_ts | or_none) size: \(.size) magic: 2 compresscodec: \(.codec) crc: \(.crc) isvalid: \(.valid)"
	else
		"offset: \(.last_offset) position: \(.position) \(.tstype | type): \(.max_ts | or_none) size: \(.size) magic: \(.magic) compresscodec: \(.codec) crc: \(.crc) isvalid: \(.valid)"
	end'
}

# Of the old formats without checksum, which klog-inspect shows of the batch.
record_lines() {
	jq -r "$functions"' "| offset: \(.offset) \(.tstype | if . == "unknown" then "none" else . end | type): \(.ts) keySize: \(size(.key; .key_encoding)) valueSize: \(size(.payload; .payload_encoding))" + if .epoch == -1 then "" else
		" sequence: \(.sequence | or_none) headerKeys: [\([.headers[][0]] | join(","))]" + if .control then " endTxnMarker: \(.marker) coordinatorEpoch: \(.coordinator_epoch)" else "" end end'
}

# kafkas FILE...: what Kafka's tool says of them.
kafkas() {
	local files
	files=$(printf '%s,' "$@")
	LC_ALL=C.UTF-8 kafka_java org.apache.kafka.tools.DumpLogSegments --deep-iteration \
		--files "${files%,}" >dump 2>said || fail "it ended with $?: $(<said)"
	grep -vE '^(Dumping|Log starting|Found|Snapshot)' dump |
		sed -E 's/( valueSize: -?[0-9]+) isValid: .*/\1/; s/ +$//'
}

same_logs() {
	kafkas "$@" >want
	{
		local file
		for file; do
			klog-inspect --batches -J "$file" | batch_lines
		done
	} >batches
	grep -E '^(baseOffset|offset):' want | diff - batches
	for file; do
		klog-inspect --records -J "$file" | record_lines
	done | sed "${without:-}" >records
	# a name of a header may have any bytes, and go on in the next line
	grep -vE '^(baseOffset|offset):' want | sed "${without:-}" |
		diff - records
	[ -s batches ]
}

@test "inspect: a Kafka 4.3's batches and records are what its tool shows" {
	mapfile -t files < <(find "$golden" -name '*.log' -size +0 | sort)
	[ "${#files[@]}" -gt 20 ]
	# some of the new format have no epoch either
	without='s/ sequence: -1 headerKeys: \[\]$//' same_logs "${files[@]}"
}

@test "inspect: and those of the old formats" {
	mapfile -t files < <(find "$old" -name '*.log' -size +0 | sort)
	without='s/ sequence: -1 headerKeys: \[\]$//' same_logs "${files[@]}"
}

@test "inspect: and those that klog wrote" {
	local codec
	klog-create -q t
	for codec in none gzip snappy lz4 zstd; do
		seq 500 | klog-produce -q -z $codec -H a=1 -H b= t
		printf 'k:v\n:\n' | klog-produce -q -Z -K : -z $codec t
	done
	same_logs "$(partition t)"/*.log
}

# entries SUFFIX FORMAT: of every file that has any.
entries() {
	local file
	mapfile -t files < <(find "$golden/stopped" -name "*$1" -size +0 | sort)
	[ "${#files[@]}" -gt 0 ]
	kafkas "${files[@]}" | grep -v 'passed\|is empty' >want
	for file in "${files[@]}"; do
		klog-inspect -J "$file" | jq -r "$functions $2"
	done | diff want -
	[ -s want ]
}

@test "inspect: the entries of indexes, snapshots and aborted transactions" {
	entries .index '"offset: \(.offset) position: \(.position)"'
	entries .timeindex '"timestamp: \(.timestamp) offset: \(.offset)"'
	entries .txnindex '"version: \(.version) producerId: \(.producer_id) firstOffset: \(.first_offset) lastOffset: \(.last_offset) lastStableOffset: \(.last_stable_offset)"'
	entries .snapshot '"producerId: \(.producer_id) producerEpoch: \(.producer_epoch) coordinatorEpoch: \(.coordinator_epoch) currentTxnFirstOffset: \(.current_txn_first_offset | optional) lastTimestamp: \(.last_timestamp)" + if .last_offset == null then "" else " firstSequence: \(.first_sequence) lastSequence: \(.last_sequence) lastOffset: \(.last_offset) offsetDelta: \(.offset_delta) timestamp: \(.timestamp)" end'
}
