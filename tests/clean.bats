#!/usr/bin/env bats
# klog-clean: retention, compaction, what it says, and what it leaves alone.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers

HOUR=3600000
DAY=86400000

# segment TOPIC AGE KEY[=VALUE]...: a batch stamped AGE ms ago, in a segment of
# its own where segment.ms is 1.  Without a value it is a tombstone, without a
# key ("=VALUE") it has none.
segment() {
	local topic=$1 time pair
	time=$(($(date +%s%3N) - $2))
	for pair in "${@:3}"; do
		case $pair in
		=*) printf '{"key":null,"payload":"%s","ts":%s}\n' "${pair#=}" $time ;;
		*=*) printf '{"key":"%s","payload":"%s","ts":%s}\n' \
			"${pair%%=*}" "${pair#*=}" $time ;;
		*) printf '{"key":"%s","payload":null,"ts":%s}\n' "$pair" $time ;;
		esac
	done | klog-produce -J "$topic"
}

# Four segments of three records, the newest of 3 h, 2 h, 1 h ago and of now.
four() {
	klog-create -q -X segment.ms=1 "${@:2}" "$1"
	segment "$1" $((3 * HOUR)) =a =b =c
	segment "$1" $((2 * HOUR)) =d =e =f
	segment "$1" $((1 * HOUR)) =g =h =i
	segment "$1" 0 =j =k =l
}

# bases TOPIC [PARTITION]: of its segments, on one line.
bases() {
	local file
	for file in "$(partition "$@")"/*.log; do
		file=${file##*/}
		printf '%d ' "$((10#${file%.log}))"
	done | sed 's/ $//'
}

# size TOPIC BASE: of its .log
size() {
	stat -c %s "$(printf '%s/%020d.log' "$(partition "$1")" "$2")"
}

# clean [ARG...]: it does its work, and says nothing at all.
clean() {
	klog 0 clean "$@"
	equal "$output$stderr" ""
}

# ends TOPIC: start and end of each partition
ends() {
	klog-offsets "$1" | awk 'NR > 1 { print $3, $4 }' | paste -s -d ' '
}

# keys TOPIC: "OFFSET KEY=VALUE", a null is NULL
keys() {
	klog-consume -Z -F '%o %k=%s\n' "$1"
}

# snapshot [FIND-TEST...]: all that there is, with what is in it.
snapshot() {
	find "$KLOG_CLUSTER" -type f "$@" -exec cksum {} + | sort
	find "$KLOG_CLUSTER" "$@" -printf '%p %T@ %i\n' | sort
}

# The same without klog's own state, which every writer brings up to date.
log_snapshot() {
	snapshot ! -name .klog
}

# leftovers TOPIC: files that only a run in progress has.
leftovers() {
	local plan
	find "$KLOG_CLUSTER/$1" -name '*.cleaned' -o -name '*.swap' \
		-o -name '*.deleted'
	# A plan that names groups of segments is of a run that did not end.
	for plan in "$KLOG_CLUSTER/$1"/*/.klog.clean; do
		[ ! -e "$plan" ] || [ "$(wc -l <"$plan")" -le 3 ] || echo "$plan"
	done
}

# The lines of segments; below them stands what the disk has.
explained() {
	sed '/^$/,$d; /^{"free"/d' <<<"$output"
}

# ---- retention ----

@test "clean: by time, the oldest segments only, and nothing is said" {
	four t -X retention.ms=90m
	clean t
	equal "$(bases t)" '6 9'
	equal "$(ends t)" '6 12'
	equal "$(klog-consume t | paste -s -d ' ')" 'g h i j k l'
	sound t
	clean t
	equal "$(bases t)" '6 9'
}

@test "clean: by size, never below it" {
	four t -X retention.ms=-1
	local total
	total=$(cat "$(partition t)"/*.log | wc -c)
	klog-alter -q -X retention.bytes=$((total - $(size t 0) + 1)) t
	clean t
	equal "$(bases t)" '0 3 6 9'
	klog-alter -q -X retention.bytes=$((total - $(size t 0))) t
	clean t
	equal "$(bases t)" '3 6 9'
	klog-alter -q -X retention.bytes=$(($(size t 9) + $(size t 6) - 1)) t
	clean t
	equal "$(bases t)" '6 9'
	sound t
}

@test "clean: by size and time, whichever removes more" {
	four t -X retention.ms=90m -X retention.bytes=1GiB
	four u -X retention.ms=30d
	klog-alter -q -X retention.bytes="$(size u 9)" u
	clean
	equal "$(bases t)" '6 9'
	equal "$(bases u)" '9'
}

@test "clean: all is old: an empty segment is left, and offsets go on" {
	klog-create -q -X segment.ms=1 -X retention.ms=10m t
	segment t $((3 * HOUR)) =a =b
	segment t $((2 * HOUR)) =c
	clean t
	equal "$(bases t)" 3
	equal "$(size t 3)" 0
	equal "$(ends t)" '3 3'
	clean t
	equal "$(bases t)" 3
	put t d
	equal "$(stored t)" '0 3 d'
	sound t
}

@test "clean: retention.bytes 0 and retention.ms 0 remove all" {
	four t -X retention.bytes=0 -X retention.ms=-1
	clean t
	equal "$(bases t) $(ends t)" '12 12 12'
	four u -X retention.ms=0
	sleep 0.01
	clean u
	equal "$(bases u) $(ends u)" '12 12 12'
}

@test "clean: -1 keeps all, and so does the default for a week" {
	four t -X retention.ms=-1
	four u
	clean
	equal "$(bases t)" '0 3 6 9'
	equal "$(bases u)" '0 3 6 9'
}

@test "clean: a record from the future keeps its segment and all behind it" {
	klog-create -q -X segment.ms=1 -X retention.ms=1m t
	segment t $((3 * HOUR)) =a
	segment t -$((3 * HOUR)) =b
	segment t $((2 * HOUR)) =c
	clean t
	equal "$(klog-consume t | paste -s -d ' ')" 'b c'
}

@test "clean: without timestamps the file's age counts" {
	local base
	klog-create -q -X retention.ms=1h -X segment.bytes=1MiB t
	awk 'BEGIN { for (i = 0; i < 3000; i++)
		printf "{\"payload\":\"%0900d\",\"ts\":-1}\n", i }' |
		klog-produce -X batch.size=16384 -J t
	equal "$(klog-consume -c 1 -F '%T\n' t)" -1
	read -r _ base _ <<<"$(bases t)"
	clean t
	equal "$(klog-consume t | wc -l)" 3000
	touch -d '2 hours ago' "$(partition t)/00000000000000000000.log"
	clean t
	equal "$(klog-consume t | wc -l)" $((3000 - base))
}

@test "clean: of several partitions and topics each by itself; TOPIC:PARTITION" {
	klog-create -q -p 2 -X segment.ms=1 -X retention.ms=10m t u
	local topic p age
	for topic in t u; do
		for p in 0 1; do
			for age in 3 2 0; do
				date -d @$(($(date +%s) - age * 3600)) +%s000 |
					sed 's/.*/{"payload":"x","ts":&}/' |
					klog-produce -J -p $p $topic
			done
		done
	done
	clean t:1
	equal "$(ends t) $(ends u)" '0 3 2 3 0 3 0 3'
	clean t
	equal "$(ends t) $(ends u)" '2 3 2 3 0 3 0 3'
	clean
	equal "$(ends u)" '2 3 2 3'
}

# ---- --before ----

@test "clean: --before OFFSET, inside of a batch, is where the log starts" {
	four t -X retention.ms=-1
	clean --before 4 t
	equal "$(ends t)" '4 12'
	equal "$(bases t)" '3 6 9'
	equal "$(klog-consume t | head -n 2 | paste -s -d ' ')" 'e f'
	# It does not go back, and what is there stays.
	clean --before 2 t
	equal "$(ends t)" '4 12'
	clean --before end t
	equal "$(ends t)" '12 12'
	put t m
	equal "$(stored t)" '0 12 m'
	sound t -g
}

@test "clean: --before @TIME" {
	four t -X retention.ms=-1
	clean --before @-90m t
	equal "$(ends t)" '6 12'
	clean --before @now t
	equal "$(ends t)" '12 12'
}

@test "clean: --before @TIME leaves all that is as new, in whatever order it came" {
	klog-create -q -X segment.ms=1 -X retention.ms=-1 t
	segment t $((1 * HOUR)) =a
	segment t $((10 * HOUR)) =b
	segment t $((9 * HOUR)) =c
	segment t $((8 * HOUR)) =d
	clean --before @-2h t
	equal "$(ends t)" '0 4'
	clean --before @-30m t
	equal "$(ends t)" '4 4'
}

# hours KEY AGE: 1,000 records of 1 kB with keys from KEY on, AGE hours old
hours() {
	awk -v key="$1" -v s=$(($(date +%s) - $2 * 3600)) 'BEGIN {
		for (i = 0; i < 1000; i++)
			printf "{\"key\":\"k%d\",\"payload\":\"%01000d\",\"ts\":%d000}\n",
				key + i, i, s }' | klog-produce -J -X batch.size=16384 t
}

@test "clean: a time is found past segments of which nothing is left" {
	klog-create -q -X cleanup.policy=compact,delete -X retention.ms=-1 \
		-X segment.bytes=1MiB t
	hours 0 10
	hours 1000 9
	hours 1000 8
	hours 1000 7
	hours 2000 6
	hours 3000 5
	clean t
	find "$(partition t)" -name '*.log' -size 0 | grep -q .
	equal "$(klog-consume t | wc -l)" 4000
	equal "$(klog-consume --since -630m t | wc -l)" 4000
	equal "$(klog-offsets --at @-630m t | awk 'NR == 2 { print $3 }')" 0
	clean --before @-630m t
	equal "$(klog-consume t | wc -l)" 4000
	clean --before @-570m t
	equal "$(klog-consume t | wc -l)" 3000
}

@test "clean: --before past the end of any partition is refused for all" {
	klog-create -q -p 2 t
	seq 10 | klog-produce -p 0 t
	seq 3 | klog-produce -p 1 t
	snapshot >before
	klog 1 clean --before 11 t
	one_line_error clean t/0 11 10 'nothing was changed'
	snapshot | diff before -
	klog 1 clean --before 5 t
	one_line_error clean t/1 5 3 'nothing was changed'
	snapshot | diff before -
	clean --before 5 t:0
	equal "$(ends t)" '5 10 0 3'
	# Nor in a topic that is named before it.
	klog-create -q u
	seq 9 | klog-produce u
	snapshot >before
	klog 1 clean --before 6 u t
	one_line_error clean t/1 6 3
	snapshot | diff before -
}

@test "clean: --before needs delete in cleanup.policy" {
	klog-create -q -X cleanup.policy=compact t
	segment t 0 a=1 b=2
	snapshot >before
	klog 1 clean --before 1 t
	one_line_error clean t cleanup.policy
	snapshot | diff before -
	klog-alter -q -X cleanup.policy=delete,compact t
	clean --before 1 t
	equal "$(ends t)" '1 2'
}

# ---- --dry-run and --explain ----

@test "clean: --dry-run prints what would go, and changes nothing" {
	four t -X retention.ms=90m
	four u -X retention.ms=-1
	snapshot >before
	klog 0 clean --dry-run
	equal "$stderr" ""
	equal "$(awk '{ print $1, $2, $3, $6, $7 }' <<<"$output")" \
		'TOPIC PARTITION SEGMENT ACTION RULE
t 0 0 remove retention.ms
t 0 3 remove retention.ms'
	equal "$(awk 'NR == 2 { print $4 }' <<<"$output")" "$(size t 0)"
	klog 0 clean --dry-run u
	equal "$output$stderr" ""
	klog 0 clean --dry-run --before 4 u
	equal "$(awk 'NR > 1 { print $3, $6, $7 }' <<<"$output")" \
		'0 remove log-start'
	snapshot | diff before -
}

@test "clean: --explain names the rule for each, the group that holds, and when" {
	four t -X retention.ms=90m -X retention.groups=slow,fast
	klog-offsets -q -g fast --reset 12 t >/dev/null
	klog-offsets -q -g slow --reset 4 t >/dev/null
	snapshot >before
	klog 0 clean --explain t
	equal "$stderr" ""
	equal "$(explained | awk '{ print $3, $6, $7, $8 }')" \
		'SEGMENT ACTION RULE GROUP
0 remove retention.ms -
3 keep retention.groups slow
6 keep retention.ms slow
9 keep retention.ms slow'
	[[ ${lines[-1]} == *', not full within 100 years' ]]
	# One header, no blank in a cell.
	equal "$(explained | awk '{ print NF }' | sort -u)" 9
	[[ ${lines[-1]} =~ ^"disk: "[0-9]+" of "[0-9]+" bytes free, "[0-9]+" bytes a day come, " ]]
	klog 0 clean --explain -J t
	equal "${#lines[@]}" 5
	[[ ${lines[4]} =~ ^'{"free":'[0-9]+',"size":'[0-9]+',"per_day":'[0-9]+',"full":'(null|[0-9]+)'}'$ ]]
	equal "$(sed 's/[0-9]\{13\}/MS/g; s/"bytes":[0-9]*/"bytes":N/' \
		<<<"${lines[1]}")" \
		'{"topic":"t","partition":0,"segment":3,"bytes":N,"newest":MS,"action":"keep","rule":"retention.groups","group":"slow","when":null}'
	snapshot | diff before -
	# When: the newest record's time, retention.ms, and one more; what is
	# held does not go by itself.
	klog-offsets -q -g slow --reset 12 t >/dev/null
	klog 0 clean --explain -J t
	local newest when
	newest=$(grep -o '"newest":[0-9]*' <<<"${lines[3]}" | tr -dc 0-9)
	when=$(grep -o '"when":[0-9]*' <<<"${lines[3]}" | tr -dc 0-9)
	equal "$((when - newest))" $((90 * 60000 + 1))
}

@test "clean: --explain names the group that holds, also what is young" {
	klog-create -q -X segment.ms=1 -X retention.ms=1m -X retention.groups=g t
	segment t $((2 * HOUR)) =a
	segment t 0 =b
	klog 0 clean --explain t
	equal "$(explained | awk 'NR > 1 { print $3, $6, $7, $8, $9 }')" \
		'0 keep retention.groups g -
1 keep retention.ms g -'
}

@test "clean: --explain of a second compaction: what is clean goes with it" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0 t
	segment t 3000 a=1 b=1
	segment t 2000 c=1
	clean t
	segment t 1000 a=2
	segment t 0 c=2
	klog 0 clean --explain t
	equal "$(explained | awk 'NR > 1 { print $3, $6, $7 }')" \
		'0 compact clean
2 compact dirty
3 compact dirty
4 keep active'
}

@test "clean: the forecast is the same before a compaction and after it" {
	local before after
	klog-create -q -X cleanup.policy=compact,delete -X segment.ms=1 t
	segment t $((20 * HOUR)) a=1 gone
	segment t $((10 * HOUR)) b=1
	segment t $((5 * HOUR)) c=1
	segment t 0 d=1
	before=$(klog-clean --explain -J t | grep -o '"per_day":[0-9]*' | tr -dc 0-9)
	clean t
	after=$(klog-clean --explain -J t | grep -o '"per_day":[0-9]*' | tr -dc 0-9)
	[ "$before" -gt 100 ] && [ "$after" -lt $((2 * before)) ]
}

@test "clean: what is said twice, and --min-free with a path, is misuse" {
	four t
	snapshot >before
	klog 2 clean t t:0
	usage_error clean 't:0 is said twice'
	klog 2 clean --min-free 1% "$KLOG_CLUSTER/t"
	usage_error clean --min-free path
	klog 2 clean --before 1 --min-free 1% t
	usage_error clean exclude
	snapshot | diff before -
	# A path needs no cluster.
	local path=$KLOG_CLUSTER/t
	KLOG_CLUSTER=nowhere
	klog 0 clean --explain "$path"
	[[ $output != *disk:* ]]
}

@test "clean: --explain says when the disk is full, if anything grows without end" {
	klog-create -q -X retention.ms=-1 grows
	make-lines w 5000 100 | klog-produce grows
	klog 0 clean --explain
	[[ ${lines[-1]} == *"full about "[0-9]* ]]
	klog-alter -X retention.bytes=1MiB -X segment.bytes=1MiB grows
	klog 0 clean --explain
	[[ ${lines[-1]} == *"it does not fill up" ]]
}

@test "clean: --explain of each rule" {
	four t -X retention.ms=1ms -X retention.bytes=0
	klog 0 clean --explain t
	equal "$(explained | awk 'NR > 1 { print $6, $7 }' | sort -u)" \
		'remove retention.bytes'
	four u -X cleanup.policy=compact
	klog 0 clean --explain u
	equal "$(explained | awk 'NR > 1 { print $3, $6 }')" \
		'0 compact
3 compact
6 compact
9 keep'
	klog-create -q -X retention.ms=0 v
	put v a
	clean v
	klog 0 clean --explain v
	equal "$(explained | awk 'NR > 1 { print $3, $6, $7 }')" \
		'1 keep active'
}

@test "clean: what goes together, and what does not" {
	four t
	klog 2 clean --dry-run --explain t
	usage_error clean
	klog 2 clean -J t
	usage_error clean -J
	klog 2 clean --before 3
	usage_error clean --before
	klog 2 clean --before nonsense t
	usage_error clean nonsense
	klog 2 clean --min-free 101%
	usage_error clean 101%
	klog 2 clean --min-free much
	usage_error clean much
	klog 2 clean --buffer 1000 t
	usage_error clean 1000
	klog 1 clean nosuch
	one_line_error clean nosuch "$KLOG_CLUSTER"
	klog 1 clean t:7
	one_line_error clean 7
	equal "$(bases t)" '0 3 6 9'
}

@test "clean: a topic that fails hides no other" {
	four good -X retention.ms=90m
	klog-create -q bad
	echo nonsense >"$KLOG_CLUSTER/bad/topic.yaml"
	klog 3 clean
	error_line clean bad
	equal "$(bases good)" '6 9'
}

@test "clean: nothing to clean says where it looked" {
	mkdir "$KLOG_CLUSTER"
	klog 0 clean
	[[ $stderr == *"no topic"* ]]
}

# ---- retention.groups ----

@test "clean: retention.groups keeps what a group has not read" {
	four t -X retention.ms=10m -X retention.groups=slow,fast
	# One that has committed nothing holds all.
	klog-offsets -q -g fast --reset end t >/dev/null
	clean t
	equal "$(bases t)" '0 3 6 9'
	klog-offsets -q -g slow --reset 5 t >/dev/null
	clean t
	equal "$(bases t)" '3 6 9'
	klog-offsets -q -g slow --reset 9 t >/dev/null
	clean t
	equal "$(bases t)" 9
	sound t
}

@test "clean: retention.bytes and --before count in spite of a group" {
	four t -X retention.ms=10m -X retention.groups=slow
	klog-alter -q -X retention.bytes=$(($(size t 9) + $(size t 6))) t
	clean t
	equal "$(bases t)" '6 9'
	clean --before 9 t
	equal "$(bases t)" 9
}

@test "clean: a group's file that is damaged holds all, and is told" {
	four t -X retention.ms=10m -X retention.groups=slow
	klog-offsets -q -g slow --reset end t >/dev/null
	head -c 600 /dev/urandom >"$KLOG_CLUSTER/t/groups/slow/0"
	klog 3 clean t
	error_line clean slow
	equal "$(bases t)" '0 3 6 9'
}

# ---- --min-free ----

# filled TOPIC FIRST: segments of 1 MiB, its records FIRST seconds old and less
filled() {
	klog-create -q -C small -X segment.bytes=1MiB -X retention.ms=-1 "$1"
	awk -v now="$(date +%s)" -v age="$2" 'BEGIN {
		for (i = 0; i < 4000; i++)
			printf "{\"payload\":\"%0900d\",\"ts\":%d000}\n", i,
				now - age + i / 1000 }' |
		klog-produce -C small -J -X batch.size=16384 "$1"
}

@test "clean: --min-free removes the oldest over all topics" {
	mkdir small
	mount -t tmpfs -o size=16m tmpfs small 2>/dev/null || skip "cannot mount a tmpfs"
	filled new 1000
	filled old 5000
	klog-create -q -C small -X cleanup.policy=compact compacted
	seq 100 | klog-produce -C small -k k compacted
	local before after
	before=$(df --output=avail -B1 small | tail -n 1)
	find small -type f ! -name .klog -printf '%p %s %T@\n' | sort >was
	# Enough is free.
	klog 0 clean -C small --min-free "$((before - 8192))"
	equal "$output$stderr" ""
	find small -type f ! -name .klog -printf '%p %s %T@\n' | sort |
		diff was -
	klog 0 clean -C small --dry-run --min-free "$((before + 1500000))"
	find small -type f ! -name .klog -printf '%p %s %T@\n' | sort |
		diff was -
	klog 0 clean -C small --min-free "$((before + 1500000))"
	equal "$output$stderr" ""
	after=$(df --output=avail -B1 small | tail -n 1)
	[ "$after" -ge $((before + 2000000)) ]
	[ "$after" -lt $((before + 3300000)) ]
	# The old topic lost its two oldest segments, the new one none.
	equal "$(klog-offsets -C small new | awk 'NR > 1 { print $3 }')" 0
	[ "$(klog-offsets -C small old | awk 'NR > 1 { print $3 }')" -gt 2000 ]
	klog-consume -C small old >/dev/null
	# More than there is: what is closed goes, and it is trouble.
	klog 1 clean -C small --min-free 99%
	one_line_error clean --min-free
	equal "$(klog-consume -C small compacted | wc -l)" 100
	[ "$(klog-consume -C small old | wc -l)" -gt 0 ]
	[ "$(klog-consume -C small new | wc -l)" -gt 0 ]
	equal "$(find small -name '*.log' | wc -l)" 3
	umount -l small
}

# ---- compaction ----

@test "clean: compaction keeps the last value of each key, over segments" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 t
	segment t 5000 a=1 b=1 c=1 a=2
	segment t 4000 b=2 d=1
	segment t 3000 a=3 e=1 =nokey
	segment t 2000 c=2
	segment t 0 a=active b=active a=active2
	clean t
	equal "$(keys t)" '4 b=2
5 d=1
6 a=3
7 e=1
9 c=2
10 a=active
11 b=active
12 a=active2'
	equal "$(bases t)" '0 10'
	equal "$(ends t)" '0 13'
	equal "$(leftovers t)" ""
	sound t -g
	# Once more changes nothing: nothing is dirty.
	log_snapshot >before
	clean t
	log_snapshot | diff before -
	klog-produce -k z t <<<more
	equal "$(keys t | tail -n 1)" '13 z=more'
}

@test "clean: a tombstone stays for delete.retention.ms, then goes" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X delete.retention.ms=4000 -X min.cleanable.dirty.ratio=0 t
	segment t 5000 a=1 b=1
	segment t 4000 a
	segment t 3000 c=1
	clean t
	equal "$(keys t)" '1 b=1
2 a=NULL
3 c=1'
	# It is not over yet: the next pass keeps it.
	segment t 2000 d=1
	clean t
	equal "$(keys t | grep a=)" '2 a=NULL'
	sleep 4.1
	segment t 0 e=1
	clean t
	equal "$(keys t)" '1 b=1
3 c=1
4 d=1
5 e=1'
	sound t -g
}

@test "clean: every codec, and the batches keep theirs" {
	local codec n
	for codec in none gzip snappy lz4 zstd; do
		klog-create -q -X cleanup.policy=compact -X segment.ms=20 "$codec"
		# 24,000 records of 1,000 keys, and one to close the segment.
		for n in 1 2 3; do
			make-lines "w$n" 8000 120 |
				awk '{ print NR % 1000 ":" NR $0 }' |
				klog-produce -K : -z "$codec" \
					--batch-size 4000 "$codec"
			sleep 0.05
		done
		put "$codec" last
		klog-consume -K : "$codec" >before
		clean "$codec"
		equal "$(leftovers "$codec")" ""
		sound "$codec" -g
		klog-consume -K : "$codec" >after
		# The last value of each key is what it was, and every line
		# that is left was there, in this order.
		diff <(awk -F : '{ v[$1] = $0 } END { for (k in v) print v[k] }' \
			before | sort) \
			<(awk -F : '{ v[$1] = $0 } END { for (k in v) print v[k] }' \
				after | sort)
		equal "$(wc -l <after)" 1001
		diff before after >gone || true
		run -1 grep '^>' gone
		# What was written anew has the codec, too.
		[ "$codec" = none ] || equal "$(partition-check -b -g \
			"$(partition "$codec")" | awk '$5 == 0' | wc -l)" 1
	done
}

@test "clean: min.cleanable.dirty.ratio" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0.9 t
	segment t 9000 a=1 b=1 c=1 d=1 e=1 f=1
	segment t 8000 a=2
	segment t 7000 =x
	clean t
	equal "$(keys t | head -n 1)" '1 b=1'
	segment t 6000 b=2
	segment t 5000 =y
	clean t
	[ "$(keys t | grep -c b=)" -eq 2 ]
	klog-alter -q -X min.cleanable.dirty.ratio=0.1 t
	clean t
	equal "$(keys t | grep b=)" '8 b=2'
}

@test "clean: min.compaction.lag.ms leaves younger records alone" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.compaction.lag.ms=1h t
	segment t $((4 * HOUR)) a=1 b=1
	segment t $((3 * HOUR)) a=2
	segment t $((HOUR / 2)) a=3 b=2
	segment t 0 =x
	clean t
	equal "$(keys t)" '1 b=1
2 a=2
3 a=3
4 b=2
5 NULL=x'
}

@test "clean: max.compaction.lag.ms compacts what the ratio leaves" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=1 t
	segment t $((3 * HOUR)) a=1
	segment t $((2 * HOUR)) a=2
	segment t 0 =x
	clean t
	equal "$(keys t | grep -c a=)" 2
	klog-alter -q -X max.compaction.lag.ms=4h t
	clean t
	equal "$(keys t | grep -c a=)" 2
	klog-alter -q -X max.compaction.lag.ms=150m t
	clean t
	equal "$(keys t | grep -c a=)" 1
}

@test "clean: delete,compact does both" {
	klog-create -q -X cleanup.policy=delete,compact -X segment.ms=1 \
		-X retention.ms=1d t
	segment t $((3 * HOUR)) a=1 b=1
	segment t $((2 * HOUR)) a=2
	segment t 0 a=3
	clean t
	equal "$(keys t)" '1 b=1
2 a=2
3 a=3'
	klog-alter -q -X retention.ms=1h t
	clean t
	equal "$(keys t)" '3 a=3'
	equal "$(ends t)" '3 4'
}

@test "clean: a topic that is compacted keeps what is old" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X retention.ms=1ms -X retention.bytes=0 t
	segment t $((90 * DAY)) a=1 b=1
	segment t $((60 * DAY)) a=2
	segment t $((30 * DAY)) =x
	clean t
	equal "$(keys t)" '1 b=1
2 a=2
3 NULL=x'
}

@test "clean: offsets, epochs and times are right after it" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 t
	segment t 9000 a=1 b=1 c=1
	segment t 6000 a=2 d=1
	segment t 3000 b=2
	segment t 0 =x
	clean t
	# 0 and 1 are gone: from there the next one that is left.
	equal "$(klog-consume -o 0/0 -c 1 -F '%o %k %e\n' t)" '2 c 0'
	equal "$(klog-consume -o 4/0 -c 1 -F '%o %k\n' t)" '4 d'
	equal "$(klog-consume --since -7s -F '%o ' t)" '3 4 5 6 '
	equal "$(klog-consume --since -4s -F '%o ' t)" '5 6 '
	equal "$(klog-consume -n 2 -F '%o ' t)" '5 6 '
	equal "$(klog-offsets --at -7s t | awk 'NR > 1 { print $3 }')" 3
	equal "$(ends t)" '0 7'
}

@test "clean: a log with gaps whose state is lost, or of another boot" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0 t
	segment t 9000 a=1 b=1 c=1
	segment t 6000 a=2 c=2
	segment t 3000 =x
	clean t
	equal "$(keys t | cut -d ' ' -f 1 | paste -s -d ' ')" '1 3 4 5'
	rm "$(partition t)/.klog"
	equal "$(keys t | cut -d ' ' -f 1 | paste -s -d ' ')" '1 3 4 5'
	segment t 2000 b=2
	equal "$(keys t | cut -d ' ' -f 1 | paste -s -d ' ')" '1 3 4 5 6'
	klog-state "$(partition t)/.klog" boot=0
	segment t 1000 a=3
	equal "$(keys t | cut -d ' ' -f 1 | paste -s -d ' ')" '1 3 4 5 6 7'
	clean t
	equal "$(keys t | cut -d ' ' -f 2)" 'a=2
c=2
b=2
a=3'
	rm "$(partition t)/.klog"
	klog 0 clean t
	error_line clean .klog
	sound t -g
	equal "$(ends t)" '0 8'
}

@test "clean: an open run of the next offset at the end of what was compacted" {
	# The last records before the active segment all go; the offsets of
	# the next batch are what they would have been.
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 t
	segment t 9000 a=1 b=1
	segment t 6000 =x =y =z
	segment t 3000 =w
	clean t
	equal "$(keys t)" '0 a=1
1 b=1
5 NULL=w'
	segment t 0 c=1
	equal "$(keys t | tail -n 1)" '6 c=1'
	sound t -g
}

# ---- beside others ----

@test "clean: a small --buffer takes several rounds, to the same end" {
	local topic n
	# From a file, so that both have the same batches.
	make-lines w 30000 100 | awk '{ print NR % 700 ":" NR $0 }' >in
	for topic in large small; do
		klog-create -q -X cleanup.policy=compact -X segment.bytes=1MiB \
			-X min.cleanable.dirty.ratio=0 "$topic"
		klog-produce -K : --batch-size 3000 "$topic" in
	done
	clean large
	# 16 KiB are 613 keys.
	clean --buffer 16KiB small
	for n in {1..60}; do
		klog-consume -F '%o %k\n' small | cmp -s - \
			<(klog-consume -F '%o %k\n' large) && break
		clean --buffer 16KiB small
	done
	diff <(klog-consume -F '%o %k=%s\n' large) \
		<(klog-consume -F '%o %k=%s\n' small)
	sound small -g
	sound large -g
}

@test "clean: memory is bounded by --buffer" {
	klog-create -q -X cleanup.policy=compact -X segment.bytes=4MiB t
	seq 1800000 | sed 's/.*/&:value of &/' | klog-produce -K : t
	local limit='[ "${KLOG_SANITIZED-}" ] || ulimit -v 45000'
	# That it is the limit which bounds: the map alone is more.
	[ -n "${KLOG_SANITIZED-}" ] || {
		shell 1 "$limit; klog-clean --buffer 64MiB t"
		error_line clean memory
	}
	shell 0 "$limit; klog-clean --buffer 16MiB t"
	equal "$output$stderr" ""
	sound t -g
}

@test "clean: two at once on one log, with writers" {
	klog-create -q -X cleanup.policy=delete,compact -X segment.bytes=1MiB \
		-X min.cleanable.dirty.ratio=0 t
	local i pids=()
	for i in 1 2; do
		(for n in 1 2 3 4 5 6; do
			make-lines "w$i" 8000 100 |
				awk -v i="$i" -v n="$n" '{ print i "-" NR % 500 ":" n " " NR }' |
				klog-produce -K : t || exit
		done) 2>"err.w$i" &
		pids+=($!)
		(for n in {1..15}; do klog-clean t || exit; done) >"err.c$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail "$(cat err.*)"
	done
	equal "$(cat err.*)" ""
	clean t
	# Of each key the last value is there.
	klog-consume -F '%k %s\n' t | awk '{ v[$1] = $2 } END {
		for (k in v) { n++; if (v[k] != 6) exit 1 }
		exit n != 1000 }'
	equal "$(leftovers t)" ""
	sound t -g
}

@test "clean: a follower sees nothing twice, and nothing missing but by the rules" {
	klog-create -q -X cleanup.policy=compact -X segment.bytes=1MiB \
		-X min.cleanable.dirty.ratio=0 t
	klog-consume -f -F '%o %k %s\n' t >seen 2>err &
	local follower=$! writer cleaner n
	(for n in {1..8}; do
		make-lines w 10000 100 | awk -v n="$n" '{
			print NR % 1000 ":" n " " NR " padding padding padding padding padding" }' |
			klog-produce -K : t || exit
	done) &
	writer=$!
	(while [ ! -e stop ]; do klog-clean t || exit; done) >err.clean 2>&1 &
	cleaner=$!
	# Readers of the whole log, beside it.
	while kill -0 "$writer" 2>/dev/null; do
		klog-consume -F '%o\n' t >offsets || fail "a reader failed"
		sort -n -c -u offsets
	done
	wait "$writer"
	: >stop
	wait "$cleaner" || fail "$(cat err.clean)"
	equal "$(cat err.clean)" ""
	clean t
	until_true 30 grep -q '^79999 ' seen
	kill "$follower"
	wait "$follower" || true
	equal "$(cat err)" ""
	# In order, none twice; and what is left of the log, it saw all.
	sort -n -c -u -k1,1 seen
	klog-consume -F '%o %k %s\n' t >left
	[ "$(wc -l <left)" -lt 40000 ]
	equal "$(sort left | comm -23 - <(sort seen) | wc -l)" 0
}

@test "clean: a reader that retention overtakes says which offsets are gone" {
	klog-create -q -X segment.bytes=1MiB -X retention.bytes=1MiB t
	make-lines w 100000 100 | klog-produce t
	mkfifo out
	klog-consume -F '%o %s\n' t >out 2>err &
	local reader=$!
	exec 6<out
	until_true 20 asleep "$reader"
	clean t
	local start
	start=$(ends t | cut -d ' ' -f 1)
	[ "$start" -gt 60000 ]
	cut -d ' ' -f 1 <&6 >seen
	ended 0 "$reader"
	exec 6<&-
	sort -n -c -u seen
	equal "$(tail -n 1 seen)" 99999
	# The offset before the gap, and the one behind it.
	grep -q "$start" err
	local last
	last=$(awk -v s="$start" '$1 < s { l = $1 } END { print l + 1 }' seen)
	grep -qw "$last" err
	equal "$(wc -l <err)" 1
}

# ---- kills, damage, full disks ----

# stopped: klog-clean of t that has begun to write, and is stopped; $cleaner.
stopped() {
	klog-create -q -X cleanup.policy=compact -X segment.bytes=1MiB t
	until one_stopped; do
		[ "$SECONDS" -lt 60 ] || fail "it was always done before it was stopped"
	done
}

one_stopped() {
	make-lines w 300000 100 | awk '{ print NR % 5000 ":" $0 }' |
		klog-produce -K : --batch-size 4000 t
	klog-clean t 2>err &
	cleaner=$!
	until cleaning || is_zombie_or_gone "$cleaner"; do
		sleep 0.005
	done
	kill -STOP "$cleaner"
	! cleaning || return 0
	kill -CONT "$cleaner"
	wait "$cleaner"
	return 1
}

cleaning() {
	compgen -G "$(partition t)/*.cleaned" >/dev/null
}

@test "clean: one at a time; who writes and reads goes on" {
	stopped
	klog 1 clean --lock-timeout 300ms t
	error_line clean t "$cleaner"
	put t x
	[ "$(klog-consume t | wc -l)" -gt 5000 ]
	kill -CONT "$cleaner"
	ended 0 "$cleaner"
	equal "$(cat err)" ""
	equal "$(leftovers t)" ""
	sound t -g
}

@test "clean: what a kill leaves the next run tidies, and no record is lost" {
	stopped
	klog-consume -K : t | awk -F : '{ v[$1] = $0 } END {
		for (k in v) print v[k] }' | sort >before
	kill -9 "$cleaner"
	wait "$cleaner" || true
	[ -n "$(leftovers t)" ]
	klog-consume -K : t | awk -F : '{ v[$1] = $0 } END {
		for (k in v) print v[k] }' | sort | cmp before -
	clean t
	equal "$(leftovers t)" ""
	klog-consume -K : t | awk -F : '{ v[$1] = $0 } END {
		for (k in v) print v[k] }' | sort | cmp before -
	# All of it was compacted: each key once, but in the active segment.
	local active
	active=$(bases t | awk '{ print $NF }')
	equal "$(klog-consume -o "0..$active" -F '%k\n' t | sort | uniq -d | wc -l)" 0
	sound t -g
}

@test "clean: stray files of a killed run go, whatever they hold" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 t
	segment t 3000 a=1
	segment t 0 a=2
	local dir
	dir=$(partition t)
	echo junk >"$dir/00000000000000000000.log.cleaned"
	echo junk >"$dir/00000000000000000000.index.cleaned"
	echo junk >"$dir/00000000000000000007.timeindex.cleaned"
	clean t
	equal "$(leftovers t)" ""
	equal "$(keys t)" '0 a=1
1 a=2'
}

# flip FILE AT: another byte there
flip() {
	local was
	was=$(od -An -tu1 -j "$2" -N 1 "$1")
	hex "$(printf %02x $((was ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "clean: damage in a closed segment: exit 3, the place, nothing changed" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 t
	segment t 3000 a=1 b=1
	segment t 2000 a=2
	segment t 0 =x
	flip "$(partition t)/00000000000000000002.log" 65
	log_snapshot >before
	klog 3 clean t
	one_line_error clean t/0 00000000000000000002.log 'bad checksum'
	log_snapshot | diff before -
	# Nor with a header that leads nowhere.
	flip "$(partition t)/00000000000000000002.log" 8
	log_snapshot >before
	klog 3 clean t
	one_line_error clean t/0 00000000000000000002.log
	log_snapshot | diff before -
}

@test "clean: damage in what is clean already: exit 3, nothing is left behind" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0 t
	segment t 5000 a=1 b=1
	segment t 4000 =x
	clean t
	segment t 3000 a=2
	segment t 2000 c=1
	flip "$(partition t)/00000000000000000000.log" 65
	(cd "$(partition t)" && cksum ./*.log) >before
	klog 3 clean t
	one_line_error clean t/0 00000000000000000000.log
	(cd "$(partition t)" && cksum ./*.log) | diff before -
	# But what is to be done again, once it is mended.
	equal "$(leftovers t)" "$(partition t)/.klog.clean"
}

@test "clean: a disk that is full: exit 1, the log as it was, nothing left behind" {
	mkdir small
	mount -t tmpfs -o size=8m tmpfs small 2>/dev/null || skip "cannot mount a tmpfs"
	klog-create -q -C small -X cleanup.policy=compact -X segment.bytes=2MiB t
	make-lines w 50000 80 | awk '{ print NR ":" $0 }' |
		klog-produce -C small -K : t
	klog-consume -C small t | cksum >before
	cat /dev/zero >small/fill 2>/dev/null || true
	klog 1 clean -C small t
	error_line clean 'No space left'
	equal "$(klog-consume -C small t | cksum)" "$(<before)"
	equal "$(find small/t -name '*.cleaned' -o -name '*.swap')" ""
	rm small/fill
	klog 0 clean -C small t
	equal "$(find small/t -name '*.cleaned' -o -name '*.swap')" ""
	equal "$(klog-consume -C small t | cksum)" "$(<before)"
	umount -l small
}

@test "clean: it is told when standard output is full" {
	four t -X retention.ms=90m
	shell 1 'klog-clean --explain t >/dev/full'
	error_line clean
}

@test "clean: who may not write to the log changes nothing" {
	need_root
	four t -X retention.ms=90m
	chmod -R a+rX "$KLOG_CLUSTER"
	run --separate-stderr as_nobody env KLOG_CLUSTER="$KLOG_CLUSTER" \
		"$KLOG_BIN/klog-clean" t
	explain klog-clean t
	[ "$status" -eq 1 ]
	one_line_error clean denied
	equal "$(bases t)" '0 3 6 9'
	# To look at it is enough to explain.
	run --separate-stderr as_nobody env KLOG_CLUSTER="$KLOG_CLUSTER" \
		"$KLOG_BIN/klog-clean" --explain t
	[ "$status" -eq 0 ]
}

@test "clean: a partition that is damaged hides no other" {
	klog-create -q -p 3 -X retention.ms=1ms t
	for p in 0 1 2; do
		echo '{"payload":"old","ts":5}' | klog-produce -J -p "$p" t
	done
	rm -r "$(partition t 1)"
	klog 3 clean t
	one_line_error clean 'partition 1'
	equal "$(bases t 0) $(bases t 2)" '1 1'
}

@test "clean: --explain and --dry-run of compact,delete show both" {
	klog-create -q -X segment.ms=1 -X cleanup.policy=compact,delete \
		-X min.cleanable.dirty.ratio=0 -X retention.ms=90m t
	segment t $((3 * HOUR)) a=1
	segment t $((1 * HOUR)) a=2 b=2
	segment t $((1 * HOUR - 1000)) a=3
	segment t 0 c=4
	klog 0 clean --explain t
	equal "$(explained | awk 'NR > 1 { print $3, $6, $7 }')" \
		$'0 remove retention.ms\n1 compact dirty\n3 compact dirty\n4 keep retention.ms'
	klog 0 clean --dry-run t
	equal "$(awk 'NR > 1 { print $3, $6 }' <<<"$output")" \
		$'0 remove\n1 compact\n3 compact'
	# It is what happens.
	klog 0 clean -v t
	[[ "$stderr" == *"1 segments of "*"1 partitions compacted, 2 of 3 records kept"* ]]
	equal "$(keys t)" $'2 b=2\n3 a=3\n4 c=4'
}

# small SIZE: a cluster on a file system of its own
small() {
	mkdir small
	mount -t tmpfs -o "size=$1" tmpfs small 2>/dev/null || skip "cannot mount a tmpfs"
}

@test "clean: --min-free: what would go is shown, a line for each" {
	small 16m
	filled new 1000
	filled old 5000
	local before
	before=$(df --output=avail -B1 small | tail -n 1)
	klog 0 clean -C small --dry-run --min-free "$((before + 1500000))"
	equal "$(awk 'NR > 1 { print $1, $6, $7 }' <<<"$output")" \
		$'old remove min-free\nold remove min-free'
	klog 0 clean -C small --explain --min-free "$((before + 1500000))"
	equal "$(explained | awk 'NR > 1 { print $1, $6, $7 }' | sort | uniq -c |
		awk '{ print $1, $2, $3, $4 }')" \
		$'4 new keep no-limit\n2 old keep no-limit\n2 old remove min-free'
	# What goes anyway counts.
	klog-alter -q -C small -X retention.bytes=2500000 old
	klog 0 clean -C small --dry-run --min-free "$((before + 500000))"
	equal "$(awk 'NR > 1 { print $1, $7 }' <<<"$output" | sort -u)" \
		"old retention.bytes"
	umount -l small
}

@test "clean: --min-free: a partition that cannot be cleaned is told once, and hides no other" {
	need_perl
	small 24m
	klog-create -q -C small -p 3 -X segment.bytes=1MiB -X retention.ms=-1 t
	local p starts
	for p in 0 1 2; do
		make-lines w 4000 900 | klog-produce -C small -X batch.size=16384 t:$p
	done
	hold 2 small/t/1
	klog 1 clean -C small --lock-timeout 100ms --min-free 99%
	# by retention, and by --min-free
	equal "$(grep -c 't/1' <<<"$stderr")" 2
	grep -q 'bytes are free' <<<"$stderr"
	starts=$(klog-offsets -C small t | awk 'NR > 1 { print ($3 > 0) }' | paste -s -d ' ')
	equal "$starts" '1 0 1'
	let_go
	umount -l small
}

@test "clean: --min-free passes over what it cannot open" {
	small 16m
	filled bad 5000
	filled old 4000
	local before
	before=$(df --output=avail -B1 small | tail -n 1)
	printf 'partitions: [\n' >small/bad/topic.yaml
	klog 3 clean -C small --min-free "$((before + 1500000))"
	[ "$(df --output=avail -B1 small | tail -n 1)" -ge $((before + 2000000)) ]
	[ "$(klog-offsets -C small old | awk 'NR > 1 { print $3 }')" -gt 1000 ]
	umount -l small
}

@test "clean: on a disk that is full to the last byte retention makes room" {
	small 8m
	klog-create -q -C small -X segment.bytes=1MiB -X cleanup.policy=compact,delete \
		-X retention.bytes=2MiB -X min.cleanable.dirty.ratio=0 t
	make-lines x 4200 1000 | klog-produce -C small -k k t
	cat /dev/zero >small/fill 2>/dev/null || true
	klog 1 produce -C small t < <(make-lines y 100 1000)
	klog 0 clean -C small t
	equal "$output$stderr" ""
	klog 0 produce -C small -k k t <<<more
	umount -l small
}

@test "clean: a topic that goes away meanwhile is no trouble" {
	klog-create -q stays
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		klog-create -q -X segment.ms=1 -X cleanup.policy=compact \
			-X min.cleanable.dirty.ratio=0 "z$i"
		segment "z$i" $HOUR a=1 b=2
		segment "z$i" 0 a=3
	done
	for i in $(seq 30); do
		klog-clean 2>>said || echo "status $?" >>said &
		klog-delete -q "z$((i % 10 + 1))" 2>>said || echo "delete $?" >>said
		wait
		klog-create -q -X segment.ms=1 -X cleanup.policy=compact \
			-X min.cleanable.dirty.ratio=0 "z$((i % 10 + 1))"
		segment "z$((i % 10 + 1))" $HOUR a=1 b=2
		segment "z$((i % 10 + 1))" 0 a=3
	done
	[ ! -s said ] || fail "$(cat said)"
	# One that was named has to be there.
	klog 1 clean gone
	one_line_error clean gone
}

@test "clean: each byte of .klog.clean counts" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=0 t
	segment t 3000 a=1
	segment t 2000 a=2
	segment t 0 a=3
	clean t
	local plan byte
	plan=$(partition t)/.klog.clean
	klog 0 inspect --verify t
	cp "$plan" was
	for ((byte = 0; byte < $(stat -c %s was); byte++)); do
		flip "$plan" "$byte"
		klog 3 inspect --verify t
		[[ "$output" == *.klog.clean* ]]
		klog 3 clean t
		one_line_error clean .klog.clean
		head -c "$byte" was >"$plan"
		klog 3 inspect --verify t
		cp was "$plan"
	done
	clean t
}

@test "clean: a transaction is not decided by a marker that is damaged" {
	klog-create -q -X retention.ms=-1 t
	local dir log
	dir=$(partition t)
	find "$dir" -type f -delete
	cp "$BATS_TEST_DIRNAME"/data/kafka-4.3/live/transactions-0/*.log "$dir"
	# klog takes the log as its own.
	klog-clean -q t
	klog-alter -q -X cleanup.policy=compact \
		-X min.cleanable.dirty.ratio=0 t
	cp -a "$KLOG_CLUSTER" good
	# A COMMIT of the last segment, for records of a closed one, reads as an
	# ABORT: they would go for good.
	log=$dir/00000000000000000006.log
	equal "$(od -An -tx1 -j 226 -N 4 "$log")" ' 00 00 00 01'
	flip "$log" 229
	log_snapshot >before
	klog 3 clean t
	one_line_error clean t/0 'damaged, and not compacted' \
		00000000000000000006.log 'batch at 160' 'bad checksum'
	log_snapshot | diff before -
	rm -r "$KLOG_CLUSTER"
	mv good "$KLOG_CLUSTER"
	clean t
	equal "$(keys t | grep two=comm)" '5 two=committed 2'
}

@test "clean: --explain: limits that are huge, in sum, and a day that is far off" {
	klog-create -q -X retention.ms=-1 -X retention.bytes=9000000000000000000 t u
	local topic
	for topic in t u; do
		make-lines w 5000 100 | klog-produce "$topic"
	done
	klog 0 clean --explain
	[[ ${lines[-1]} == *"full about "[0-9]* ]]
	rm -r "$KLOG_CLUSTER"
	# 70 bytes a day.
	klog-create -q -X retention.ms=-1 slow
	segment slow $((23 * HOUR)) =a
	klog 0 clean --explain
	[[ ${lines[-1]} == *" bytes a day come, not full within 100 years" ]]
	klog 0 clean --explain -J
	[[ ${lines[-1]} == *',"full":null}' ]]
}

@test "clean: delete.retention.ms without end" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X delete.retention.ms=9223372036854775807 \
		-X min.cleanable.dirty.ratio=0 t
	local n
	segment t 5000 a=1 b=1
	segment t 4000 a
	for n in 3 2 1; do
		segment t ${n}000 =x
		clean t
		equal "$(keys t | grep a=)" '2 a=NULL'
	done
	sound t -g
}

@test "clean: max.compaction.lag.ms: the oldest of the dirty segments counts" {
	klog-create -q -X cleanup.policy=compact -X segment.ms=1 \
		-X min.cleanable.dirty.ratio=1 -X max.compaction.lag.ms=150m t
	# As in Kafka one that begins with time 0 says nothing.
	klog-produce -J t <<<'{"key":"a","payload":"0","ts":0}'
	segment t $((1 * HOUR)) a=1
	segment t $((2 * HOUR)) b=1
	segment t $((HOUR / 2)) a=2
	segment t 0 =x
	equal "$(bases t)" '0 1 3 4'
	clean t
	equal "$(keys t | grep -c a=)" 3
	klog-alter -q -X max.compaction.lag.ms=70m t
	clean t
	equal "$(keys t | grep -c a=)" 3
	klog-alter -q -X max.compaction.lag.ms=50m t
	clean t
	equal "$(keys t | grep a=)" '3 a=2'
}

@test "clean: --before end: the last file stays until another one follows it" {
	four t -X retention.ms=-1
	clean --before end t
	equal "$(bases t) $(ends t)" '9 12 12'
	[ "$(size t 9)" -gt 0 ]
	segment t 0 =m
	clean t
	equal "$(bases t) $(ends t)" '12 12 13'
}
