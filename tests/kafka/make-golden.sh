#!/bin/bash
# make-golden.sh: makes tests/data/kafka-4.3 anew, by a broker.  Timestamps,
# producer ids and topic ids that the broker chooses are others each time.
set -eu
cd "$(dirname "$0")"
./fetch
# shellcheck source=tests/kafka/kafka.bash
. ./kafka.bash
[ -z "$(kafka_missing)" ]

golden=../data/kafka-4.3
work=$(mktemp -d)
trap 'kafka_stop; rm -rf "$work"' EXIT
segment=00000000000000000000

topics=(codec-none codec-gzip codec-snappy codec-lz4 codec-zstd nulls headers
	append-time log-start epochs small-index transactions keys compacted
	legacy-v0 legacy-v1 legacy-mixed swapped cleaned librdkafka-snappy
	librdkafka-lz4)

# empty TOPIC: without what the broker put into its partition, but its id.
empty() {
	find "$KAFKA_HOME/data/$1-0" -type f ! -name partition.metadata -delete
}

# compacted_into TOPIC: what compaction left, with what it is to delete.
compacted_into() {
	empty "$1"
	find "$work/compacted" -type f ! -name partition.metadata \
		-exec cp -t "$KAFKA_HOME/data/$1-0" {} +
}

# A kill of the broker while compaction renames: all old segments are gone, the
# new ones have their names to come.
leave_swapped() {
	local dir=$KAFKA_HOME/data/swapped-0 file
	compacted_into swapped
	for file in "$dir/$segment".{log,index,timeindex,txnindex}; do
		mv "$file" "$file.swap"
	done
}

# A kill while it writes: the old segments as they were, a new one torn, and
# one of a later group renamed too early to count.
leave_cleaned() {
	local dir=$KAFKA_HOME/data/cleaned-0 file
	compacted_into cleaned
	mv "$dir/$segment.log" "$dir/$segment.log.cleaned"
	truncate -s -20 "$dir/$segment.log.cleaned"
	rm "$dir/$segment".{index,timeindex,txnindex}
	for file in "$dir"/*.deleted; do
		mv "$file" "${file%.deleted}"
	done
	cp "$dir/00000000000000000017.log" \
		"$dir/00000000000000000017.log.swap"
}

# keep TOPIC FROM TO: its partitions.
keep() {
	mkdir -p "$3"
	cp -r "$2/$1"-[0-9] "$3"
}

kafka_new "$work/kafka" log.index.size.max.bytes=1024
kafka_start
kafka_partitions codec-{none,gzip,snappy,lz4,zstd} nulls headers append-time \
	log-start epochs small-index transactions keys compacted \
	create:{legacy-{v0,v1,mixed},swapped,cleaned,librdkafka-{snappy,lz4}}:1
kafka_java Client "$KAFKA" "$work/before" compacted
kafka_partitions compact:compacted
kafka_compacted compacted 24
cp -r "$KAFKA_HOME/data/compacted-0" "$work/compacted"
kafka_java org.apache.kafka.tools.DumpLogSegments \
	--files "$work/compacted/$segment.log" >"$work/dump" 2>/dev/null
grep -q ' count: 0 ' "$work/dump"
grep -qF 'deleteHorizonMs: OptionalLong[' "$work/dump"
kafka_stop

kafka_java Legacy "$work"
for topic in legacy-{v0,v1,mixed}; do
	empty "$topic"
	mv "$work/$topic.log" "$KAFKA_HOME/data/$topic-0/$segment.log"
done
leave_swapped
leave_cleaned
for topic in swapped cleaned; do
	keep "$topic" "$KAFKA_HOME/data" "$work/live"
done
# So that it looks for what a kill left.
rm "$KAFKA_HOME/data/.kafka_cleanshutdown"
kafka_start
kafka_partitions again:epochs
for codec in snappy lz4; do
	seq 20 | sed 's/.*/key &:value &/' | kcat -P -b "$KAFKA" \
		-t "librdkafka-$codec" -K : -z "$codec"
done

kafka_java Client "$KAFKA" "$work/expected" "${topics[@]}"
for topic in "${topics[@]}"; do
	[ -d "$work/live/$topic-0" ] ||
		keep "$topic" "$KAFKA_HOME/data" "$work/live"
done
rm -r "$work/live/compacted-0"
cp -r "$work/compacted" "$work/live/compacted-0"
# Written once a second.
until grep -q '^log-start 0 14$' "$KAFKA_HOME/data/log-start-offset-checkpoint"
do
	sleep 0.1
done
cp "$KAFKA_HOME"/data/*-checkpoint "$KAFKA_HOME/data/meta.properties" \
	"$work/live"
kafka_stop
for topic in small-index transactions log-start; do
	keep "$topic" "$KAFKA_HOME/data" "$work/stopped"
done
cp "$KAFKA_HOME"/data/*-checkpoint "$KAFKA_HOME/data/meta.properties" \
	"$KAFKA_HOME/data/.kafka_cleanshutdown" "$work/stopped"

# What a kill leaves in the middle of compaction is what was there before or
# what comes after, as Kafka has it.
same_records() {
	sed "s/\"topic\":\"$3\"/\"topic\":\"compacted\"/" \
		"$work/expected/$3.json" | cmp - "$work/$1/$2.json"
}
same_records expected compacted swapped
same_records before compacted cleaned
# It is compacted only if something is missing.
if cmp -s "$work/before/compacted.json" "$work/expected/compacted.json"; then
	echo 'nothing was compacted' >&2
	exit 1
fi

rm -rf "$golden"/{live,stopped,expected}
mkdir -p "$golden"
cp -r "$work"/{live,stopped,expected} "$golden"
du -sh --apparent-size "$golden"
