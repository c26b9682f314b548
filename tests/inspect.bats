#!/usr/bin/env bats
# klog-inspect: the listings, and what goes deeper.
# shellcheck disable=SC2030,SC2031,SC2154

load helpers

fixture() {
	klog-create -q -p 3 -X retention.ms=1h -X segment.bytes=1MiB web
	klog-create -q empty
	seq 5 | klog-produce -p 0 web
	seq 7 | klog-produce -p 2 web
}

# cell COLUMN ROW FILE: of a listing with a header line; rows count from 1.
cell() {
	awk -v name="$1" -v row="$2" '
		tolower($0) ~ "(^| )" name "( |$)" && !column {
			for (i = 1; i <= NF; i++) if (tolower($i) == name) column = i
			start = NR
			next
		}
		column && NR == start + row { print $column; exit }' "$3"
}

@test "inspect: a topic that cannot be read hides no other" {
	klog-create -q -p 2 good
	klog-create -q bad
	echo nonsense >"$KLOG_CLUSTER/bad/topic.yaml"
	klog 3 inspect
	error_line inspect bad/topic.yaml
	grep -q '^good ' <<<"$output"
	run ! grep -q '^bad ' <<<"$output"
}

@test "inspect: without an operand it lists the topics, a line each, under one header" {
	klog 0 inspect
	printf '%s\n' "$output" >list
	equal "${#lines[@]}" 3
	equal "$(cell topic 1 list)" empty
	equal "$(cell topic 2 list)" web
	equal "$(cell partitions 2 list)" 3
	equal "$(cell records 2 list)" 12
	equal "$(awk '{ print NF }' list | sort -u | wc -l)" 1
	equal "$stderr" ""
}

@test "inspect: a topic's partitions, offsets and sizes" {
	klog 0 inspect web
	printf '%s\n' "$output" >list
	local column
	for column in topic partition leader replicas isr start end bytes; do
		[ -n "$(cell "$column" 1 list)" ] || fail "no column $column"
	done
	equal "$(cell end 1 list) $(cell end 2 list) $(cell end 3 list)" '5 0 7'
	equal "$(cell start 3 list)" 0
	equal "$(cell partition 3 list)" 2
	equal "$(cell leader 1 list)" 0
	equal "$(cell bytes 1 list)" "$(stat -c %s "$(partition web 0)"/*.log)"
	equal "$(cell bytes 2 list)" 0
}

@test "inspect: a topic's settings that differ from the default" {
	klog 0 inspect web
	[[ "$output" == *retention.ms* ]]
	[[ "$output" == *segment.bytes* ]]
	[[ "$output" != *cleanup.policy* ]]
}

@test "inspect: several topics, and one by its path" {
	klog 0 inspect web empty
	[[ "$output" == *web* ]]
	[[ "$output" == *empty* ]]
	klog 0 inspect "$KLOG_CLUSTER/web"
	printf '%s\n' "$output" >list
	equal "$(cell end 3 list)" 7
}

@test "inspect: a partition directory of Kafka's, which it never writes to" {
	mkdir -p logs/orders-0
	cp "$(partition web 0)"/*.log logs/orders-0/
	chmod 555 logs/orders-0
	find logs -printf '%p %T@ %s\n' >before
	klog 0 inspect logs/orders-0
	printf '%s\n' "$output" >list
	equal "$(cell end 1 list)" 5
	find logs -printf '%p %T@ %s\n' | diff before -
}

@test "inspect: a topic that is missing is named, with the cluster" {
	klog 1 inspect nosuch
	one_line_error inspect nosuch "$KLOG_CLUSTER"
	klog 2 inspect --no-such-option
	usage_error inspect
}

@test "inspect: a cluster that is missing" {
	klog 1 inspect -C "$BATS_TEST_TMPDIR/nowhere"
	one_line_error inspect nowhere
}

@test "inspect: an empty cluster is a header, or nothing" {
	mkdir none
	run --separate-stderr klog-inspect -C none
	explain klog-inspect -C none
	[ "${#lines[@]}" -le 1 ]
}

@test "inspect: the oldest and the newest record" {
	klog-create -q t
	printf '{"ts":%d,"payload":"x"}\n' 1700000000000 1700000009000 1700000005000 |
		klog-produce -J t
	klog 0 inspect -J t
	equal "$(jq -r '[.oldest, .newest] | @csv' <<<"$output")" \
		1700000000000,1700000009000
	equal "$(jq -r 'keys_unsorted[:8] | join(" ")' <<<"$output")" \
		'topic partition leader replicas isr start end bytes'
	klog 0 inspect -J empty
	equal "$(jq -r '[.oldest, .newest] | tojson' <<<"$output")" '[null,null]'
	klog 0 inspect t
	printf '%s\n' "$output" >list
	[[ $(cell oldest 1 list) == 2023-11-14T22:13:20 ]]
}

# ---- segments, batches, records ----

@test "inspect: --segments of a topic, a partition, a file" {
	klog-create -q -X segment.ms=10s t
	printf '{"ts":%d,"payload":"x"}\n' 1700000000000 1700000001000 |
		klog-produce -q -J t
	printf '{"ts":%d,"payload":"x"}\n' 1700000030000 | klog-produce -q -J t
	klog 0 inspect --segments -J t
	equal "$(jq -r 'keys_unsorted | join(" ")' <<<"${lines[0]}")" \
		'file base_offset last_offset size records'
	equal "$(jq -sc 'map([.base_offset, .last_offset, .records])' \
		<<<"$output")" '[[0,1,2],[2,2,1]]'
	equal "$(jq -sr '.[1].file' <<<"$output")" t/0/00000000000000000002.log
	klog 0 inspect --segments "$(partition t)/00000000000000000002.log"
	equal "${#lines[@]}" 2
	[[ ${lines[1]} == "$(partition t)/00000000000000000002.log  2 "* ]]
	klog 0 inspect --segments -J empty
	equal "$(jq -c '[.base_offset, .last_offset, .records]' <<<"$output")" \
		'[0,null,0]'
	# of all topics
	klog 0 inspect --segments
	equal "${#lines[@]}" 7
}

@test "inspect: --batches, columns and keys" {
	local codec
	klog-create -q t
	for codec in none gzip snappy lz4 zstd; do
		seq 3 | klog-produce -q -z $codec t
	done
	klog 0 inspect --batches -J t
	equal "$(jq -r 'keys_unsorted[:10] | join(" ")' <<<"${lines[0]}")" \
		'file base_offset last_offset records position size crc codec magic epoch'
	equal "$(jq -rs 'map(.codec) | join(" ")' <<<"$output")" \
		'none gzip snappy lz4 zstd'
	equal "$(jq -rs 'map([.base_offset, .last_offset, .records, .magic, .epoch] | join(" ")) | .[3]' \
		<<<"$output")" '9 11 3 2 0'
	equal "$(jq -s 'map(.size) | add' <<<"$output")" \
		"$(stat -c %s "$(partition t)"/*.log)"
	equal "$(jq -s 'map(.valid) | all' <<<"$output")" true
	equal "$(jq -s '.[0].crc | type' <<<"$output")" '"number"'
	klog 0 inspect --batches t
	equal "$(awk '{ print NF }' <<<"$output" | sort -u | wc -l)" 1
	[[ ${lines[0]} == FILE*BASE_OFFSET*LAST_OFFSET*RECORDS*POSITION*SIZE*CRC*CODEC*MAGIC*EPOCH* ]]
}

@test "inspect: --batches goes on behind a bad checksum" {
	klog-create -q t
	for _ in 1 2 3; do
		seq 3 | klog-produce -q t
	done
	printf X | dd of="$(partition t)/00000000000000000000.log" bs=1 seek=70 \
		conv=notrunc status=none
	klog 3 inspect --batches -J t
	equal "$(jq -sc 'map(.valid)' <<<"$output")" '[false,true,true]'
	error_line inspect 'batch at 0' checksum
	klog 3 inspect --records t
	equal "${#lines[@]}" 7
}

@test "inspect: --records has klog-consume's keys, and what it hides" {
	local dir=$BATS_TEST_DIRNAME/data/kafka-4.3/live
	klog-create -q t
	printf 'k=v\n' | klog-produce -K = -H a=b t
	klog 0 inspect --records -J t
	equal "$(jq -c 'del(.control, .epoch)' <<<"$output")" \
		"$(klog-consume -J t)"
	equal "$(jq -c .control <<<"$output")" false
	klog 0 inspect --records "$dir/transactions-0"
	[ "$(grep -c 'ABORT$' <<<"$output")" -ge 1 ]
	[ "$(grep -c 'COMMIT$' <<<"$output")" -ge 1 ]
	klog 0 inspect --records -J "$dir/transactions-0"
	equal "$(jq -s 'map(.offset) == [range(0; length)]' <<<"$output")" true
	equal "$(jq -r 'select(.control) | .marker' <<<"$output" | sort -u | xargs)" \
		'ABORT COMMIT'
}

@test "inspect: records without end take no memory" {
	klog-create -q t
	make-lines 0 200000 100 | klog-produce -q t
	[ -n "${KLOG_SANITIZED:-}" ] && skip 'of sanitizers'
	for option in --records '--records -J' --batches --verify; do
		# shellcheck disable=SC2086
		shell 0 "ulimit -v 60000; klog-inspect $option t | wc -l"
	done
}

@test "inspect: the entries of each other file, as Kafka's tool shows them" {
	local dir=$BATS_TEST_DIRNAME/data/kafka-4.3/stopped/transactions-0
	klog 0 inspect -J "$dir/00000000000000000006.timeindex"
	equal "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" \
		'file timestamp offset'
	klog 0 inspect --records -J "$dir/00000000000000000006.txnindex"
	equal "$(jq -c '[.version, .producer_id, .first_offset, .last_offset, .last_stable_offset]' \
		<<<"${lines[0]}")" '[0,14,0,6,3]'
	klog 0 inspect -J "$dir/00000000000000000024.snapshot"
	equal "$(jq -c '[.producer_id, .last_sequence, .last_offset]' \
		<<<"${lines[0]}")" '[13,4,20]'
	klog 0 inspect "$dir/leader-epoch-checkpoint"
	equal "${lines[1]}" "$dir/leader-epoch-checkpoint  0      0"
	klog-create -q -X index.interval.bytes=0 t
	seq 30 | klog-produce -q --batch-size 80 t
	klog 0 inspect -J "$(partition t)/00000000000000000000.index"
	equal "$(jq -sc 'map([.offset, .position])' <<<"$output")" \
		"$(klog-inspect --batches -J t |
			jq -sc 'map([.last_offset, .position])[1:]')"
	cp "$dir/00000000000000000024.snapshot" .
	printf X | dd of=00000000000000000024.snapshot bs=1 seek=20 conv=notrunc \
		status=none
	klog 3 inspect ./00000000000000000024.snapshot
	error_line inspect checksum
}

@test "inspect: a live Kafka's index ends where its zeros begin" {
	mkdir p-0
	cp "$(partition web)"/*.log p-0/
	hex 00000002000000490000000400000092 >p-0/00000000000000000000.index
	truncate -s 10485760 p-0/00000000000000000000.index
	klog 0 inspect -J p-0/00000000000000000000.index
	equal "${#lines[@]}" 2
}

# ---- bytes, time ----

@test "inspect: --bytes, field by field" {
	hex 0000000000000000000000490000000002c34c25090010000000010000018bcfe568000000018bcfe568010000000000000fa1000000000000000000021600000002610874312d30001600020202620874312d3100 \
		>00000000000000000000.log
	klog 0 inspect --bytes 1 ./00000000000000000000.log
	[[ ${lines[0]} == *'85 bytes at 0, offsets 0 to 1' ]]
	grep -qE '^17-20 +c34c2509 +crc +3276547337_\(0xc34c2509\) +right$' <<<"$output"
	grep -qE '^21-22 +0010 +attributes +0x0010 +codec_none,_CreateTime,_transactional$' \
		<<<"$output"
	grep -qE '^27-34 +0000018bcfe56800 +baseTimestamp +1700000000000 +2023-11-14T22:13:20' \
		<<<"$output"
	grep -qE '^80-83 +74312d31 +value +t1-1 +-$' <<<"$output"
	equal "$(awk 'NR > 1 { print NF }' <<<"$output" | sort -u)" 5
	# every byte once, in order
	klog 0 inspect -J --bytes 0 ./00000000000000000000.log
	equal "$(jq -rs 'map(.hex) | join("")' <<<"$output")" \
		"$(xxd -p 00000000000000000000.log | tr -d '\n')"
	printf X | dd of=00000000000000000000.log bs=1 seek=70 conv=notrunc status=none
	klog 3 inspect --bytes 0 ./00000000000000000000.log
	grep -qE 'crc +3276547337_.* +WRONG:_computed_[0-9]+' <<<"$output"
}

@test "inspect: --bytes shows the records of a compressed batch unpacked" {
	klog-create -q t
	seq 100 | klog-produce -q -z zstd t
	seq 3 | klog-produce -q t
	klog 0 inspect -J --bytes 7 t
	equal "$(jq -rs 'map(select(.unpacked and .field == "value")) | length' \
		<<<"$output")" 100
	klog 0 inspect --bytes 102 t:0
	[[ ${lines[0]} == *'offsets 100 to 102' ]]
	klog 1 inspect --bytes 103 t
	one_line_error inspect 103
	klog 2 inspect --bytes 0 web
	usage_error inspect TOPIC:PARTITION
	klog 2 inspect --bytes 0
	klog 2 inspect --bytes x t
	klog 2 inspect --bytes 0 t web
}

@test "inspect: --timeline counts everything, and fits the width" {
	klog-create -q t
	for i in 0 1 2 3; do
		printf '{"ts":%d,"payload":"x"}\n' $((1700000000000 + i * 3600000)) |
			klog-produce -q -J t
	done
	klog 0 inspect --timeline t
	[ "$(wc -L <<<"$output")" -le 80 ]
	[ "${#lines[@]}" -ge 8 ]
	klog 0 inspect --timeline -J t
	equal "$(jq -r 'keys_unsorted[:4] | join(" ")' <<<"${lines[0]}")" \
		'from to records bytes'
	equal "$(jq -s 'map(.records) | add' <<<"$output")" 4
	equal "$(jq -s 'map(.bytes) | add' <<<"$output")" \
		"$(stat -c %s "$(partition t)"/*.log)"
	equal "$(jq -s '[.[].from, .[-1].to] | . == sort and .[0] <= 1700000000000' \
		<<<"$output")" true
	klog 0 inspect --timeline empty
	equal "$output" ''
}

@test "inspect: views exclude each other" {
	local a b
	for a in --segments --batches --records --timeline --verify --repair; do
		for b in --segments --batches --records --timeline --verify --repair; do
			[[ $a < $b ]] || continue
			klog 2 inspect $a $b web
			usage_error inspect "${a#--}" "${b#--}"
		done
	done
	klog 2 inspect --dry-run web
	klog 2 inspect --timeline
}
