#!/usr/bin/env bats
# Ten thousand batches by Kafka's record builder, and what its reader finds in
# them.  KAFKA_SEED asks for others.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

setup_file() {
	[ -z "$(kafka_missing)" ] || return 0
	export KAFKA_SEED=${KAFKA_SEED:-1} KAFKA_MADE=$BATS_FILE_TMPDIR
	kafka_java RandomBatches "$KAFKA_MADE" 10000 "$KAFKA_SEED"
}

fixture() {
	need_kafka
	echo "KAFKA_SEED=$KAFKA_SEED"
}

# printed FILE [ARG...]: klog-consume prints it of the partition.
printed() {
	klog-consume "${@:2}" "$KAFKA_MADE/random-0" >have
	cmp have "$KAFKA_MADE/$1"
}

@test "random: there are so many, and Kafka's dump tool finds them valid" {
	kafka_java org.apache.kafka.tools.DumpLogSegments \
		--files "$KAFKA_MADE/random-0/00000000000000000000.log" >dump
	[ "$(grep -c ' isvalid: true$' dump)" -eq 10000 ]
	[ "$(wc -l <"$KAFKA_MADE/all.records")" -gt 50000 ]
}

@test "random: all records, with their offsets, times, keys and values" {
	printed all.records -X isolation.level=read_uncommitted \
		-F '%o %T %K %S|%k|%s\n'
	printed all.values -X isolation.level=read_uncommitted
}

@test "random: without those of aborted transactions" {
	run -1 cmp -s "$KAFKA_MADE/all.values" "$KAFKA_MADE/committed.values"
	printed committed.records -F '%o %T %K %S|%k|%s\n'
	printed committed.values
}

@test "random: as JSON, with their headers" {
	printed all.json -X isolation.level=read_uncommitted -J
	printed committed.json -J
}
