#!/usr/bin/env bats
# klog-offsets and Kafka's tools: each reads the other's CSV of offsets, and
# of a broker's log directory both say the same.
# shellcheck disable=SC2030,SC2031,SC2154

load ../helpers
load kafka

# Jackson puts names of more than 24 letters into quotes.
long=a-topic-with-a-name-longer-than-24

setup_file() {
	local topic
	[ -z "$(kafka_missing)" ] || return 0
	export PATH=${KLOG_BIN:=$BATS_TEST_DIRNAME/../../bin}:$PATH
	kafka_new "$BATS_FILE_TMPDIR/kafka"
	kafka_start
	kafka_partitions create:{access:2,$long:1}
	for topic in access $long; do
		seq 100 | sed 's/.*/&:&/' |
			kcat -P -b "$KAFKA" -t "$topic" -K : -X partitioner=murmur2
	done
	export KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
	klog-create -q -p 2 access
	klog-create -q $long
	for topic in access $long; do
		seq 100 | sed 's/.*/&:&/' | klog-produce -K : "$topic"
	done
}

teardown_file() {
	kafka_stop
}

fixture() {
	need_kafka
	KLOG_CLUSTER=$BATS_FILE_TMPDIR/klog
}

# kafka_reset GROUP ARG...: what Kafka's tool exports.
kafka_reset() {
	kafka_java org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \
		--bootstrap-server "$KAFKA" --group "$1" --reset-offsets \
		"${@:2}" 2>said
}

@test "offsets: Kafka's tool takes the CSV of --dry-run" {
	klog-offsets -g g --reset -7 --dry-run access $long >plan.csv
	equal "$(wc -l <plan.csv)" 3
	kafka_reset g --from-file plan.csv --execute >/dev/null
	kafka_reset g --all-topics --to-current --dry-run --export |
		sed 's/"//g; /^$/d' | sort >have
	sort plan.csv | diff - have
}

@test "offsets: --reset-from takes what Kafka's tool exports" {
	kafka_reset h --topic access --topic $long --to-offset 5 --dry-run \
		--export >plan.csv
	grep -q . plan.csv
	klog 0 offsets -g h --reset-from plan.csv
	klog 0 offsets -g h --reset current --dry-run
	equal "$output" "$long,0,5
access,0,5
access,1,5"
}

# kafka_offsets TIME: "TOPIC:PARTITION:OFFSET" lines of Kafka's tool.
kafka_offsets() {
	kafka_java org.apache.kafka.tools.GetOffsetShell \
		--bootstrap-server "$KAFKA" --exclude-internal-topics \
		--topic-partitions "access:0,access:1,$long:0" --time "$1" | sort
}

# klog_offsets PLACE: the same of the broker's directory, while it runs.
klog_offsets() {
	klog-offsets -C "$KAFKA_HOME/data" --at "$1" access $long |
		awk 'NR > 1 { print $1 ":" $2 ":" $3 }' | sort
}

@test "offsets: of a broker's directory they are what the broker says" {
	local word
	for word in earliest latest max-timestamp; do
		diff <(kafka_offsets "$word") <(klog_offsets "$word")
	done
	diff <(kafka_offsets 1000) <(klog_offsets 1000ms)
	equal "$(kafka_offsets latest | awk -F : '{ n += $3 } END { print n }')" 200
}
