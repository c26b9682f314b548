#!/usr/bin/env bats
# klog-offsets: logs, times, groups; changing what a group has committed.
# shellcheck disable=SC2030,SC2031,SC2094,SC2154

load helpers

fixture() {
	klog-create -q -p 2 access
	seq 5 | klog-produce -p 0 access
	seq 100 | klog-produce -p 1 access
	klog-create -q web
	seq 10 | klog-produce web
}

# columns: the rows of the listing in $output, without its head, a blank
# between two cells.
columns() {
	sed 1d <<<"$output" | tr -s ' '
}

# committed GROUP TOPIC...: "TOPIC PARTITION COMMITTED" lines.
committed() {
	klog-offsets -q -g "$@" | sed 1d | awk '{ print $2, $3, $6 }'
}

offset_file() {
	printf '%s/%s/groups/%s/%s' "$KLOG_CLUSTER" "$1" "$2" "${3:-0}"
}

# slot FILE WORDS: the first slot becomes these, its sum good.
slot() {
	group-file slot "klog-offset $2" | dd of="$1" conv=notrunc status=none
}

# member GROUP TOPIC PARTITION...: reads them for the group, until descriptor
# 6 is closed; $member is its process.
member() {
	rm -f held
	[ -p hold ] || mkfifo hold
	group-file hold "$KLOG_CLUSTER/$2/groups/$1" "${@:2}" <hold >held &
	member=$!
	exec 6>hold
	until_true 20 has_lines held 1
}

# ---- of logs ----

@test "offsets: start, end, records and bytes of each partition" {
	klog 0 offsets
	equal "${lines[0]}" 'TOPIC   PARTITION  START  END  RECORDS  BYTES'
	equal "$(columns)" "access 0 0 5 5 $(stat -c %s "$(partition access 0)"/*.log)
access 1 0 100 100 $(stat -c %s "$(partition access 1)"/*.log)
web 0 0 10 10 $(stat -c %s "$(partition web)"/*.log)"
	equal "$stderr" ''
	klog 0 offsets access:1 web
	equal "$(columns | cut -d ' ' -f 1-4)" $'access 1 0 100\nweb 0 0 10'
	klog-state "$(partition access 1)/.klog" log-start=40
	klog 0 offsets access:1
	equal "$(columns | cut -d ' ' -f 3-5)" '40 100 60'
}

@test "offsets: as JSON, with its keys" {
	klog 0 offsets -J access
	equal "${lines[0]}" '{"topic":"access","partition":0,"start":0,"end":5,"records":5,"bytes":'"$(stat -c %s "$(partition access 0)"/*.log)"'}'
	equal "${#lines[@]}" 2
}

@test "offsets: what is not there is named, and hides nothing else" {
	klog 1 offsets web nosuch access:0
	error_line offsets nosuch "$KLOG_CLUSTER"
	equal "$(columns | wc -l)" 2
	klog 1 offsets access:2
	error_line offsets access 2
	klog 1 offsets access:0 access:2
	error_line offsets access 2
	equal "$(columns | wc -l)" 1
	klog 2 offsets access access:1
	usage_error offsets 'access is said twice'
	klog 2 offsets access:1 access:1
	usage_error offsets 'partition 1 is said twice'
	klog 1 offsets -C nowhere
	one_line_error offsets nowhere
}

@test "offsets: a Kafka's log directory, which is never written to" {
	mkdir -p logs/orders-0 logs/orders-3
	cp "$(partition access 0)"/*.log logs/orders-0/
	cp "$(partition access 1)"/*.log logs/orders-3/
	chmod 555 logs logs/orders-*
	find logs -printf '%p %T@ %s\n' >before
	klog 0 offsets -C logs
	equal "$(columns | cut -d ' ' -f 1-5)" $'orders 0 0 5 5\norders 3 0 100 100'
	klog 0 offsets -C logs --at -1 orders
	equal "$(columns | cut -d ' ' -f 1-3)" $'orders 0 4\norders 3 99'
	klog 0 offsets logs/orders-3
	equal "$(columns | cut -d ' ' -f 3-5)" '0 100 100'
	klog 0 offsets -C logs --groups
	equal "${#lines[@]}" 1
	klog 1 offsets -C logs -g g
	one_line_error offsets 'no group g'
	klog 2 offsets -C logs -g g --reset 0 orders:0
	one_line_error offsets "a Kafka's"
	find logs -printf '%p %T@ %s\n' | diff before -
}

# ---- of a place ----

@test "offsets: --at an offset" {
	local word want
	while read -r word want; do
		klog 0 offsets --at "$word" web
		equal "$(columns | cut -d ' ' -f 3)" "$want"
	done <<-'END'
		earliest 0
		beginning 0
		latest 10
		end 10
		-3 7
		-300 0
		4 4
		4/0 4
		400 10
		@now 10
	END
	klog-state "$(partition web)/.klog" log-start=2
	klog 0 offsets --at 1 web
	equal "$(columns | cut -d ' ' -f 3)" 2
}

@test "offsets: --at a time, and the newest" {
	klog-create -q times
	printf '{"payload":"%s","ts":%s}\n' a 1000 b 3000 c 9000 d 5000 |
		klog-produce -J times
	local word want
	while read -r word want; do
		klog 0 offsets --at "$word" times
		equal "$(columns | cut -d ' ' -f 3-4)" "$want"
	done <<-'END'
		1970-01-01T00:00:00Z 0 1000
		1001ms 1 3000
		@2 1 3000
		1970-01-01T00:00:04+00:00 2 9000
		now 4 -
		max-timestamp 2 9000
		3 3 5000
		-4 0 1000
	END
	klog 0 offsets -J --at @2 times access:0
	equal "${lines[0]}" '{"topic":"times","partition":0,"offset":1,"ts":3000}'
	klog 0 offsets -J --at latest times
	equal "${lines[0]}" '{"topic":"times","partition":0,"offset":4,"ts":null}'
	klog 2 offsets --at someday times
	usage_error offsets someday
	klog 2 offsets --at stored times
	usage_error offsets stored
}

# ---- of a group ----

@test "offsets: what a group has committed, and its lag" {
	klog 0 offsets -g billing --reset 3 access
	equal "$(columns)" $'billing access 0 - 3\nbilling access 1 - 3'
	rm "$(offset_file access billing 0)"
	klog 0 offsets -g billing access
	equal "${lines[0]}" "$(echo 'GROUP TOPIC PARTITION START END COMMITTED LAG LAG_MS OWNER SINCE STATE' | sed 's/GROUP/&  /; s/TOPIC/& /; s/ /  /g; s/GROUP *T/GROUP    T/; s/TOPIC *P/TOPIC   P/')"
	# without a commit the lag counts from the start
	equal "$(columns | sed -E 's/ [0-9]+ - - -$/ MS - - -/')" \
		"billing access 0 0 5 - 5 MS - - -
billing access 1 0 100 3 97 MS - - -"
	equal "$stderr" ''
	klog 0 offsets -g billing access:1
	equal "$(columns | wc -l)" 1
	klog 0 offsets -J -g billing
	equal "$(sed -E 's/"(bytes|lag_ms)":[0-9]+/"\1":N/g' <<<"$output")" \
		'{"group":"billing","topic":"access","partition":0,"start":0,"end":5,"records":5,"bytes":N,"committed":null,"lag":5,"lag_ms":N,"owner":null}
{"group":"billing","topic":"access","partition":1,"start":0,"end":100,"records":100,"bytes":N,"committed":3,"lag":97,"lag_ms":N,"owner":null}'
}

@test "offsets: the lag in time is that of the oldest record not yet read" {
	local now old lag
	now=$(date +%s)
	old=$(((now - 3600) * 1000))
	klog-create -q slow
	printf '{"payload":"%s","ts":%s}\n' a 1000 b "$old" c "${now}000" |
		klog-produce -J slow
	klog-offsets -q -g g --reset 1 slow
	lag=$(klog-offsets -J -g g slow | sed 's/.*"lag_ms":\([0-9]*\).*/\1/')
	[ "$lag" -ge 3600000 ] && [ "$lag" -lt 3720000 ] || fail "lag_ms $lag"
	klog-offsets -q -g g --reset latest slow
	equal "$(klog-offsets -J -g g slow | grep -o '"lag":.*"lag_ms":[0-9]*')" \
		'"lag":0,"lag_ms":0'
}

@test "offsets: a group is looked for in all topics, or in those named" {
	klog 1 offsets -g billing
	one_line_error offsets 'no group billing' "$KLOG_CLUSTER"
	klog-offsets -g billing --reset 1 web >/dev/null
	klog 0 offsets -g billing
	equal "$(columns | cut -d ' ' -f 1-3)" 'billing web 0'
	klog 1 offsets -g billing access
	error_line offsets access billing
	klog 1 offsets -g billing access web
	equal "$(columns | cut -d ' ' -f 1-3)" 'billing web 0'
	klog 2 offsets -g ../billing
	usage_error offsets ../billing
}

@test "offsets: --groups lists those with a commit or a member" {
	klog 0 offsets --groups
	equal "$output" 'GROUP  TOPIC  MEMBERS  LAG'
	klog-offsets -g ann --reset 1 access web >/dev/null
	klog-offsets -g bob --reset end web >/dev/null
	mkdir -p "$KLOG_CLUSTER"/web/groups/{empty,'no group',.hidden}
	klog 0 offsets --groups
	equal "$(columns)" $'ann access 0 103\nann web 0 9\nbob web 0 0'
	klog 0 offsets -J --groups web
	equal "$output" '{"group":"ann","topic":"web","members":0,"lag":9}
{"group":"bob","topic":"web","members":0,"lag":0}'
	klog 0 offsets --groups access:0
	equal "$(columns)" 'ann access 0 4'
	mkdir "$KLOG_CLUSTER/web/groups/carl"
	member carl web 0
	klog 0 offsets --groups web
	equal "$(columns | tail -n 1)" 'carl web 1 10'
	exec 6>&-
	ended 0 "$member"
}

@test "offsets: the owner of a partition, and that it is stopped" {
	klog-offsets -g billing --reset 3 access >/dev/null
	member billing access 1
	klog 0 offsets -g billing access
	equal "$(columns | awk '{ print $3, $6, $9, $11 }')" \
		"0 3 - -
1 3 $member@$(hostname) live"
	local since
	since=$(columns | awk '$3 == 1 { print $10 }')
	[ $(($(date +%s) - $(date -d "$since" +%s))) -lt 60 ]
	stop_it "$member"
	klog 0 offsets -g billing access
	equal "$(columns | awk '$3 == 1 { print $11 }')" stopped
	klog 0 offsets -J -g billing access:1
	[[ $output =~ \"owner\":\{\"member\":\"[0-9]+-$member-0\",\"pid\":$member,\"host\":\"$(hostname)\",\"since\":[0-9]{13},\"state\":\"stopped\"\}\}$ ]]
	kill -CONT "$member"
	klog 0 offsets -J -g billing access:1
	[[ $output == *'"state":"live"}}' ]]
	# its locks go with it, whatever the slot says
	kill -9 "$member"
	ended 137 "$member"
	exec 6>&-
	klog 0 offsets -J -g billing access:1
	[[ $output == *'"committed":3,'*'"owner":null}' ]]
}

# ---- offset files that are damaged, or lie ----

@test "offsets: a file cut at each byte is its value of before, or is told" {
	local file size at told=0 old=0 now=0
	file=$(offset_file web g)
	klog-offsets -g g --reset 3 web >/dev/null
	klog-offsets -g g --reset 7 web >/dev/null
	cp "$file" whole
	size=$(stat -c %s whole)
	for ((at = size - 1; at > 0; at -= at > 4096 || at <= 512 ? 7 : 499)); do
		head -c "$at" whole >"$file"
		run --separate-stderr klog-offsets -J -g g web
		if [ "$status" -eq 3 ]; then
			told=$((told + 1))
			[[ $stderr == *web/groups/g/0*--reset* ]] || fail "$at: $stderr"
			[[ $output == *'"committed":null,"lag":null,"lag_ms":null,'* ]] ||
				fail "$at: $output"
		elif [[ $output == *'"committed":3,"lag":7,'* ]]; then
			old=$((old + 1))
			# a slot that was never written is not torn
			[ "$at" -le 4096 ] || [[ $stderr == *torn* ]] || fail "$at"
		else
			fail "cut at $at: $status $output"
		fi
	done
	[ "$told" -gt 50 ] && [ "$old" -gt 50 ]
	: >"$file"
	klog 1 offsets -g g web
	error_line offsets 'no group g'
}

@test "offsets: random bytes, and numbers that cannot be" {
	local file words
	file=$(offset_file web g)
	klog-offsets -g g --reset 3 web >/dev/null
	klog-offsets -g g --reset 4 access >/dev/null
	while read -r words; do
		: >"$file"
		slot "$file" "$words"
		klog 3 offsets -g g
		error_line offsets web/groups/g/0 damaged
		equal "$(columns | cut -d ' ' -f 2,3,6,7)" \
			$'access 0 4 1\naccess 1 4 96\nweb 0 - -'
	done <<-'END'
		1 1 -2 -1 0 0 0 - -
		1 1 9223372036854775808 -1 0 0 0 - -
		1 1 -1234 -1 0 0 0 - -
		0 1 5 -1 0 0 0 - -
		1 1 05 -1 0 0 0 - -
		1 1 5 -1 0 0 0 ../x -
		1 1 5 -1 0 0 0 -
	END
	head -c 5000 /dev/urandom >"$file"
	klog 3 offsets -g g web
	error_line offsets web/groups/g/0 damaged
	klog 3 offsets --groups web
	error_line offsets web/groups/g/0 damaged
	equal "$(columns)" 'g web 0 -'
	# a link, or a directory, is damage, too; it is not followed
	rm "$file"
	ln -s /etc/passwd "$file"
	klog 3 offsets -g g web
	error_line offsets web/groups/g/0 damaged
	rm "$file"
	mkdir "$file"
	klog 3 offsets -g g web
	error_line offsets web/groups/g/0 damaged
}

@test "offsets: an offset past the end or before the start is shown, and said" {
	local file
	file=$(offset_file web g)
	klog-offsets -g g --reset 3 web >/dev/null
	: >"$file"
	slot "$file" '9 9 500 -1 0 0 0 - -'
	klog 0 offsets -g g web
	error_line offsets 'web/0' 500 'past the end, 10'
	equal "$(columns | cut -d ' ' -f 6-8)" '500 0 0'
	slot "$file" '9 9 3 -1 0 0 0 - -'
	klog-state "$(partition web)/.klog" log-start=5
	klog 0 offsets -g g web
	error_line offsets 'web/0' 'before the start, 5'
	equal "$(columns | cut -d ' ' -f 6-7)" '3 5'
	# the largest there is, and no overflow
	slot "$file" '9 9 9223372036854775807 -1 0 0 0 - -'
	klog 0 offsets -g g --shift +5 web
	equal "$(columns | cut -d ' ' -f 5)" 10
}

@test "offsets: a reset makes a damaged file whole; what builds on it does not" {
	local file
	file=$(offset_file web g)
	klog-offsets -g g --reset 3 web >/dev/null
	head -c 5000 /dev/urandom >"$file"
	cp "$file" before
	klog 3 offsets -g g --shift -1 web
	one_line_error offsets 'web/0' damaged
	klog 3 offsets -g g --reset current web
	one_line_error offsets 'web/0' damaged
	cmp before "$file"
	klog 0 offsets -g g --reset 6 web
	equal "$(columns)" 'g web 0 - 6'
	klog 0 offsets -g g web
	equal "$stderr" ''
	equal "$(columns | cut -d ' ' -f 6)" 6
}

# ---- resets ----

@test "offsets: --reset knows every way of kafka-consumer-groups" {
	klog-create -q times
	printf '{"payload":"%s","ts":%s}\n' a 1000 b 3000 c 9000 d 5000 \
		e "$(date +%s)000" | klog-produce -J times
	klog-offsets -g g --reset 3 times >/dev/null
	local word want
	while read -r word want; do
		klog 0 offsets -g g --reset "$word" times
		equal "$(columns | cut -d ' ' -f 5)" "$want"
		equal "$(committed g times)" "times 0 $want"
		equal "$stderr" ''
	done <<-'END'
		earliest 0
		latest 5
		beginning 0
		end 5
		2 2
		current 2
		stored 2
		4/0 4
		-1 4
		max-timestamp 4
		@2 1
		@1970-01-01T00:00:04Z 2
		@-10m 4
		@now 5
	END
	klog 2 offsets -g g --reset soon times
	usage_error offsets soon
	klog 2 offsets -g g --reset '' times
	usage_error offsets
}

@test "offsets: --reset goes no further than the log, and says so" {
	klog-state "$(partition web)/.klog" log-start=4
	klog 0 offsets -g g --reset 70 web
	error_line offsets web/0 'offset 70 is past the end' 10
	equal "$(committed g web)" 'web 0 10'
	klog 0 offsets -g g --reset 2 web
	error_line offsets web/0 'offset 2 is before the start' 4
	equal "$(committed g web)" 'web 0 4'
	klog 0 offsets -q -g g --reset 1 web
	equal "$stderr" ''
}

@test "offsets: --shift counts from what is committed" {
	klog-offsets -g g --reset 4 access:1 >/dev/null
	klog 0 offsets -g g --shift +5
	error_line offsets access/0 'no commit'
	equal "$(columns)" 'g access 1 4 9'
	klog 0 offsets -g g --shift -2 access:1
	equal "$(committed g access:1)" 'access 1 7'
	klog 0 offsets -g g --shift -20 access:1
	error_line offsets access/1 'before the start'
	equal "$(committed g access:1)" 'access 1 0'
	klog 0 offsets -g g --shift 3 access:1
	equal "$(committed g access:1)" 'access 1 3'
	local n
	for n in x +-1 1.5 -- ++1 '' 99999999999999999999; do
		klog 2 offsets -g g --shift="$n" access
		usage_error offsets
	done
	klog 1 offsets -g other --shift 1 access
	one_line_error offsets other
}

@test "offsets: a reset without a topic is one of all topics of the group" {
	klog 1 offsets -g g --reset 1
	one_line_error offsets 'no group g'
	klog-offsets -g g --reset 1 access:1 web >/dev/null
	klog 0 offsets -g g --reset 2
	equal "$(columns)" $'g access 0 - 2\ng access 1 1 2\ng web 0 1 2'
	klog 0 offsets -J -g g --reset earliest web
	equal "$output" '{"group":"g","topic":"web","partition":0,"from":2,"to":0}'
}

@test "offsets: the epoch that a reset stores is that of the record before" {
	local file
	file=$(offset_file web g)
	klog-state "$(partition web)/.klog" boot=0
	seq 3 | klog-produce -q web # another boot: epoch 1 begins at 10
	klog-offsets -g g --reset 10 web >/dev/null
	equal "$(awk 'END { print $4, $5 }' "$file")" '10 0'
	klog-offsets -g g --reset 11 web >/dev/null
	equal "$(tail -c 512 "$file" | awk '{ print $4, $5 }')" '11 1'
	klog-offsets -g g --reset 0 web >/dev/null
	equal "$(head -c 512 "$file" | awk '{ print $4, $5 }')" '0 -1'
	# of a history that never was
	klog 1 offsets -g g --reset 4/7 web
	one_line_error offsets 'web/0' 'epoch 7'
}

@test "offsets: a reset is refused while a member lives, and nothing is written" {
	klog-offsets -g g --reset 3 access web >/dev/null
	member g access 0
	find "$KLOG_CLUSTER"/*/groups -type f ! -path '*/members/*' \
		-exec md5sum {} + >before
	local how
	for how in '--reset 1' '--shift 1' --undo --delete '--reset 1 access:1'; do
		# shellcheck disable=SC2086
		klog 1 offsets -g g $how
		one_line_error offsets "$member" "$(hostname)"
	done
	stop_it "$member"
	klog 1 offsets -g g --reset 1 access
	one_line_error offsets "$member" stopped
	kill -CONT "$member"
	# it shows what it would do, though
	klog 0 offsets -g g --reset 1 --dry-run access
	error_line offsets "$member"
	equal "$output" $'access,0,1\naccess,1,1'
	md5sum --quiet -c before
	# elsewhere it does not read
	klog 0 offsets -g g --reset 1 web
	exec 6>&-
	ended 0 "$member"
	klog 0 offsets -g g --reset 1 access
}

@test "offsets: a member whose file in members/ is lost still has its lock" {
	klog-offsets -g g --reset 3 web >/dev/null
	member g web 0
	rm "$KLOG_CLUSTER"/web/groups/g/members/*
	klog 1 offsets -g g --reset 1 web
	one_line_error offsets web/0 "$member"
	exec 6>&-
	ended 0 "$member"
	equal "$(committed g web)" 'web 0 3'
}

@test "offsets: a reset raises the generation, so that the owner of before yields" {
	local file
	file=$(offset_file web g)
	klog-offsets -g g --reset 3 web >/dev/null
	member g web 0
	exec 6>&-
	ended 0 "$member"
	klog-offsets -g g --reset 4 web >/dev/null
	equal "$(head -c 512 "$file" | awk '{ print $3, $4, $8, $9, $10 }')" \
		'3 4 0 - -'
}

@test "offsets: what lies before a reset is durable first" {
	klog-create -q fresh
	seq 10 | klog-produce --no-sync fresh
	[ "$(klog-state "$(partition fresh)/.klog" recovery)" -lt 7 ]
	klog-offsets -g g --reset 7 fresh >/dev/null
	[ "$(klog-state "$(partition fresh)/.klog" recovery)" -ge 7 ]
}

@test "offsets: the journal is on disk before the slots are, and all by the end" {
	need_strace
	strace -y -o calls -e trace=pwrite64,fdatasync,fsync \
		klog-offsets -g g --reset 3 access >/dev/null
	sed -nE 's|^([a-z0-9]+)\([0-9]+<.*/groups/g(/([a-z0-9]+))?>.*|\1 \3|p' \
		calls >have
	diff have - <<-'END'
		pwrite64 journal
		fdatasync journal
		fsync 
		pwrite64 0
		pwrite64 1
		fdatasync 0
		fdatasync 1
	END
	# the names of the directories that were made
	grep -q '^fsync([0-9]*<.*/access>' calls
	grep -q '^fsync([0-9]*<.*/access/groups>' calls
}

@test "offsets: a reset that is killed at any write is undone whole, or never was" {
	need_strace
	local call n killed=0 undone=0
	klog-offsets -g g --reset 3 access >/dev/null
	cp -r "$KLOG_CLUSTER/access/groups" groups
	for call in pwrite64 fdatasync; do
		for n in 1 2 3; do
			rm -r "$KLOG_CLUSTER/access/groups"
			cp -r groups "$KLOG_CLUSTER/access/groups"
			strace -qqq -o /dev/null \
				-e "inject=$call:signal=KILL:when=$n" \
				klog-offsets -g g --reset 5 access >/dev/null &&
				fail "$call $n: it was not killed"
			killed=$((killed + 1))
			if [ "$(grep -c . "$(offset_file access g journal)")" -eq 4 ]; then
				klog 0 offsets -g g --undo
				undone=$((undone + 1))
			fi
			equal "$(committed g)" $'access 0 3\naccess 1 3'
		done
	done
	[ "$killed" -eq 6 ] && [ "$undone" -ge 4 ]
}

@test "offsets: all or nothing" {
	klog-offsets -g g --reset 3 access >/dev/null
	rm "$(offset_file access g 1)"
	mkdir "$(offset_file access g 1)"
	klog 1 offsets -g g --reset 1 access
	one_line_error offsets access/1
	equal "$(committed g access:0)" 'access 0 3'
	equal "$(wc -l <"$(offset_file access g journal)")" 2
	# a topic that is not there: nothing is made for the group in others
	klog 1 offsets -g new --reset 1 web nosuch
	one_line_error offsets nosuch
	klog 2 offsets -g new --reset 1 web web:0
	[ ! -e "$KLOG_CLUSTER/web/groups/new" ]
}

@test "offsets: a full disk takes a reset back" {
	need_root
	mkdir small
	mount -t tmpfs -o size=400k,nr_inodes=100 tmpfs small ||
		skip "cannot mount a file system"
	klog-create -q -C small -p 2 t
	seq 5 | klog-produce -q -C small -p 0 t
	klog-offsets -q -C small -g g --reset 3 t >/dev/null
	rm small/t/groups/g/1
	cat /dev/zero >small/fill 2>/dev/null || true
	klog 1 offsets -q -C small -g g --reset 1 t
	one_line_error offsets 'No space'
	rm small/fill
	equal "$(klog-offsets -q -C small -g g t | awk 'NR > 1 { print $6 }')" \
		$'3\n-'
	equal "$(wc -l <small/t/groups/g/journal)" 2
}

# failing CALL WHEN [ARG...]: klog-offsets, of which these calls fail; calls of
# its journal and its offset files alone are counted.
failing() {
	strace -qqq -o calls -P "$(offset_file access g journal)" \
		-P "$(offset_file access g 0)" -P "$(offset_file access g 1)" \
		-e trace=pwrite64,fdatasync,ftruncate \
		-e "inject=$1:error=EIO:when=$2" \
		klog-offsets "${@:3}"
}

@test "offsets: a disk that fails for a moment: what was set is put back" {
	need_strace
	local call n size
	klog-offsets -g g --reset 3 access >/dev/null
	cp "$(offset_file access g journal)" journal
	for call in pwrite64 fdatasync; do
		for n in 1 2 3; do
			run --separate-stderr failing "$call" "$n" -g g --reset 5 access
			[ "$status" -eq 1 ]
			one_line_error offsets 'Input/output error'
			run -1 grep -e --undo <<<"$stderr"
			equal "$(committed g)" $'access 0 3\naccess 1 3'
			cmp journal "$(offset_file access g journal)"
			# and that is on disk
			tail -n 2 calls | cut -d '(' -f 1 >last
			diff last - <<<$'ftruncate\nfdatasync'
		done
	done
}

@test "offsets: a disk that fails from then on: --undo knows what stood there" {
	need_strace
	local n
	klog-offsets -g g --reset 3 access >/dev/null
	cp -r "$KLOG_CLUSTER/access/groups" groups
	for n in 2 3; do
		rm -r "$KLOG_CLUSTER/access/groups"
		cp -r groups "$KLOG_CLUSTER/access/groups"
		run --separate-stderr failing fdatasync "$n+" -g g --reset 5 access
		[ "$status" -eq 1 ]
		one_line_error offsets 'Input/output error' --undo
		equal "$(wc -l <"$(offset_file access g journal)")" 4
		klog 0 offsets -g g --undo
		equal "$(committed g)" $'access 0 3\naccess 1 3'
	done
	# what was damaged is not put back, but told
	head -c 5000 /dev/urandom >"$(offset_file access g 0)"
	run --separate-stderr failing fdatasync 3 -g g --reset 5 access
	one_line_error offsets 'Input/output error' --undo
	klog 0 offsets -g g --undo
	equal "$(committed g)" $'access 0 -\naccess 1 3'
}

@test "offsets: of two resets at once the second waits for the first" {
	klog-offsets -g g --reset 3 web >/dev/null
	local i
	for i in 1 2 3 4 5 6; do
		klog-offsets -q -g g --shift +1 web >/dev/null &
	done
	wait
	equal "$(committed g web)" 'web 0 9'
	equal "$(wc -l <"$(offset_file web g journal)")" 7
}

@test "offsets: --lock-timeout bounds the wait for another reset" {
	klog-offsets -g g --reset 3 web >/dev/null
	mkfifo hold
	group-file lock "$(offset_file web g journal)" <hold >held &
	exec 6>hold
	until_true 20 has_lines held 1
	klog 1 offsets --lock-timeout 100ms -g g --reset 1 web
	one_line_error offsets 'group g' journal '--lock-timeout'
	# who only looks waits for nobody
	klog 0 offsets -g g --reset 1 --dry-run web
	equal "$(committed g web)" 'web 0 3'
	exec 6>&-
	klog 0 offsets --lock-timeout 20s -g g --reset 1 web
}

@test "offsets: who may only read lists, and sets nothing" {
	need_root
	klog-offsets -g g --reset 3 web >/dev/null
	shell 0 "$(declare -f as_nobody); as_nobody klog-offsets -g g web"
	equal "$(columns | cut -d ' ' -f 6)" 3
	shell 1 "$(declare -f as_nobody); as_nobody klog-offsets -g g --reset 1 web"
	one_line_error offsets 'denied'
	shell 1 "$(declare -f as_nobody); as_nobody klog-offsets -g new --reset 1 web"
	one_line_error offsets 'denied'
	equal "$(committed g web)" 'web 0 3'
}

@test "offsets: a network file system is refused before anything is set" {
	need_strace
	klog-offsets -g g --reset 3 web >/dev/null
	local nfs=poke_exit=@arg2=6969000000000000
	strace -qqq -e fstatfs -e "inject=fstatfs:$nfs" true 2>/dev/null ||
		skip 'strace cannot inject here'
	local how
	for how in '--reset 1' --undo --delete; do
		shell 1 "strace -qqq -o calls -e trace=fstatfs \
			-e inject=fstatfs:$nfs klog-offsets -g g $how web"
		one_line_error offsets 'topic web' NFS KLOG_REMOTE_FS
	done
	shell 1 "strace -qqq -o calls -e trace=fstatfs \
		-e inject=fstatfs:$nfs klog-offsets -g new --reset 1 web"
	[ ! -e "$KLOG_CLUSTER/web/groups/new" ]
	equal "$(committed g web)" 'web 0 3'
	# who only looks, and who says that nobody else writes
	shell 0 "strace -qqq -o calls -e trace=fstatfs \
		-e inject=fstatfs:$nfs klog-offsets -g g --reset 1 --dry-run web"
	shell 0 "KLOG_REMOTE_FS=1 strace -qqq -o calls -e trace=fstatfs \
		-e inject=fstatfs:$nfs klog-offsets -g g --reset 1 web"
}

@test "offsets: a topic under two names is one topic" {
	klog 2 offsets -g g --reset 1 web "$KLOG_CLUSTER/web"
	usage_error offsets 'the same topic'
	klog 0 offsets -g g --reset 1 "$KLOG_CLUSTER/web"
	equal "$(committed g web)" 'web 0 1'
}

# ---- Kafka's CSV ----

@test "offsets: --dry-run prints CSV and changes nothing; --reset-from takes it" {
	klog-offsets -g g --reset 3 access web >/dev/null
	find "$KLOG_CLUSTER" -type f -exec md5sum {} + | sort >before
	klog 0 offsets -g g --reset -2 --dry-run
	equal "$output" $'access,0,3\naccess,1,98\nweb,0,8'
	printf '%s\n' "$output" >plan.csv
	klog 0 offsets -J -g g --shift 1 --dry-run web
	equal "$output" '{"group":"g","topic":"web","partition":0,"from":3,"to":4}'
	klog 0 offsets -g new --reset 1 --dry-run web
	equal "$output" web,0,1
	klog 0 offsets -g g --delete --dry-run web
	equal "$output" web,0,-1
	klog 0 offsets -g g --undo --dry-run
	find "$KLOG_CLUSTER" -type f -exec md5sum {} + | sort | diff before -
	[ ! -e "$KLOG_CLUSTER/web/groups/new" ]
	klog 0 offsets -g g --reset-from plan.csv
	equal "$(columns)" $'g access 0 3 3\ng access 1 3 98\ng web 0 3 8'
	shell 0 'klog-offsets -g g --reset current --dry-run | diff plan.csv -'
	shell 0 'klog-offsets -g h --reset-from - <plan.csv'
	equal "$(committed h)" "$(committed g)"
}

@test "offsets: --reset-from reads what Kafka's tool writes" {
	local long=a-topic-with-a-name-longer-than-24
	klog-create -q "$long"
	seq 9 | klog-produce "$long"
	# blank lines, quotes (Jackson's, from 25 letters on), carriage returns
	printf '"%s",0,4\r\n\nweb,0,5\n\n' "$long" >plan.csv
	klog 0 offsets -g g --reset-from plan.csv
	equal "$(committed g)" "$long 0 4
web 0 5"
	# with the group, as for several of them
	printf 'g,web,0,6\nother,web,0,9\n"g",access,1,"7"' >plan.csv
	klog 0 offsets -g g --reset-from plan.csv
	error_line offsets plan.csv 'passed over: 1'
	equal "$(columns)" $'g web 0 5 6\ng access 1 - 7'
	# only of the topics that are named
	printf 'web,0,1\naccess,0,1\naccess,1,1\n' >plan.csv
	klog 0 offsets -q -g g --reset-from plan.csv access:1
	equal "$(columns)" 'g access 1 7 1'
}

@test "offsets: --reset-from names the line that is wrong, and writes nothing" {
	klog-offsets -g g --reset 3 access web >/dev/null
	local line
	while IFS= read -r line; do
		printf 'web,0,1\n\n%b' "$line" >plan.csv
		klog 1 offsets -g g --reset-from plan.csv
		one_line_error offsets 'plan.csv: line 3'
	done <<-'END'
		nosuch,0,1
		access,2,1
		access,-1,1
		access,x,1
		access,0,-1
		access,0,x
		access,0,
		access,0
		access,0,99999999999999999999
		access,0,1\\x
		g,access,0,1,2
		access, 0,1
		access
		"access,0,1
		"access"x,0,1
		../web,0,1
		web,0,2
		access,0,1\0000
		access,0,1\0000\n
	END
	# two quotes are one, and end nothing
	printf 'access,0,"1""' >plan.csv
	klog 1 offsets -g g --reset-from plan.csv
	one_line_error offsets 'line 1' neither
	klog 1 offsets -g g --reset-from nosuch.csv
	one_line_error offsets nosuch.csv
	: >plan.csv
	klog 1 offsets -g g --reset-from plan.csv
	one_line_error offsets plan.csv
	shell 1 'tr "\0" x </dev/zero | head -c 100000 |
		klog-offsets -g g --reset-from -'
	error_line offsets 'line 1'
	equal "$(committed g)" $'access 0 3\naccess 1 3\nweb 0 3'
}

# ---- undo and delete ----

@test "offsets: --undo goes back one operation, and then one more" {
	klog-offsets -g g --reset 1 access web >/dev/null
	klog-offsets -g g --reset 2 web >/dev/null
	klog-offsets -g g --shift 3 >/dev/null
	klog 0 offsets -g g --undo
	equal "$(columns)" $'g access 0 4 1\ng access 1 4 1\ng web 0 5 2'
	klog 0 offsets -g g --undo
	equal "$(columns)" 'g web 0 2 1'
	klog 0 offsets -g g --undo
	equal "$(columns)" $'g access 0 1 -\ng access 1 1 -\ng web 0 1 -'
	klog 1 offsets -g g --undo
	one_line_error offsets 'group g'
	klog 1 offsets -g g
	klog 1 offsets -g nobody --undo
	one_line_error offsets nobody
	# something new can be undone again
	klog-offsets -g g --reset 4 web >/dev/null
	klog 0 offsets -J -g g --undo
	equal "$output" '{"group":"g","topic":"web","partition":0,"from":4,"to":null}'
}

@test "offsets: --undo of one topic leaves the others to the next" {
	klog-offsets -g g --reset 1 access web >/dev/null
	klog-offsets -g g --reset 2 >/dev/null
	klog 0 offsets -g g --undo web
	equal "$(columns)" 'g web 0 2 1'
	klog 0 offsets -g g --undo
	equal "$(columns)" $'g access 0 2 1\ng access 1 2 1'
	klog 0 offsets -g g --undo
	equal "$(columns | wc -l)" 3
	klog 2 offsets -g g --undo web:0
	usage_error offsets --undo
	klog 1 offsets -g g --undo nosuch
	one_line_error offsets nosuch
}

@test "offsets: --undo counts from what stands there by now" {
	klog-offsets -g g --reset 1 web >/dev/null
	klog-offsets -g g --reset 8 web >/dev/null
	# a consumer went on
	: >"$(offset_file web g)"
	slot "$(offset_file web g)" '9 9 9 0 0 0 0 - -'
	klog 0 offsets -g g --undo web
	equal "$(columns)" 'g web 0 9 1'
	equal "$(committed g)" 'web 0 1'
}

@test "offsets: --delete, and back" {
	klog-offsets -g g --reset 5 access web >/dev/null
	klog-offsets -g h --reset 6 web >/dev/null
	klog 0 offsets -g g --delete
	equal "$(columns)" $'g access 0 5 -\ng access 1 5 -\ng web 0 5 -'
	klog 1 offsets -g g
	one_line_error offsets 'no group g'
	klog 0 offsets --groups
	equal "$(columns)" 'h web 0 4'
	# the files stay: their locks say who owns what
	[ -e "$(offset_file web g)" ]
	klog 1 offsets -g g --delete
	one_line_error offsets 'no group g'
	klog 1 offsets -g g --delete web
	one_line_error offsets web
	klog 0 offsets -g g --undo
	equal "$(committed g)" $'access 0 5\naccess 1 5\nweb 0 5'
	klog 0 offsets -g g --delete access:1
	equal "$(columns)" 'g access 1 5 -'
	equal "$(committed g)" $'access 0 5\naccess 1 -\nweb 0 5'
}

@test "offsets: a torn line of the journal is passed over, and does not grow" {
	local journal size at
	journal=$(offset_file web g journal)
	klog-offsets -g g --reset 1 web >/dev/null
	klog-offsets -g g --reset 2 web >/dev/null
	cp "$journal" whole
	cp "$(offset_file web g)" offset
	size=$(wc -c <whole)
	for ((at = size - 1; at > size / 2 + 1; at -= 5)); do
		head -c "$at" whole >"$journal"
		cp offset "$(offset_file web g)"
		# the second operation is not in it: only the first is undone
		klog 0 offsets -g g --undo web
		equal "$(columns)" 'g web 0 2 -'
		equal "$(wc -l <"$journal")" 2
		equal "$(grep -c '^klog-journal ' "$journal")" 2
		equal "$(grep -o klog-journal "$journal" | wc -l)" 2
	done
}

@test "offsets: a journal that lies is told by its line, and never acted on" {
	local journal words
	journal=$(offset_file web g journal)
	klog-offsets -g g --reset 3 web >/dev/null
	cp "$journal" good
	while IFS= read -r words; do
		cp good "$journal"
		group-file line "klog-journal $words" >>"$journal"
		cp "$journal" before
		klog 3 offsets -g g --undo web
		one_line_error offsets web/groups/g/journal 'line 2'
		cmp before "$journal"
		equal "$(committed g)" 'web 0 3'
	done <<-'END'
		00000000000000aa reset 1 0 -2 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 0 9223372036854775808 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 -1 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 4294967296 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 0 1 2147483648 5 -1 0 1 0000000000000000
		00000000000000aa reset -1 0 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 0 01 -1 5 -1 0 1 0000000000000000
		0000000000000000 reset 1 0 1 -1 5 -1 0 1 0000000000000000
		aa reset 1 0 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 0 1 -1 5 -1 0 1 00000000000000bb
		00000000000000aa undo 1 0 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reboot 1 0 1 -1 5 -1 0 1 0000000000000000
		00000000000000aa reset 1 0 1 -1 5 -1 0 1
		00000000000000aa reset 1 0 1 -1 5 -1 0 1 0000000000000000 more
	END
	{
		cat good
		sed 's/ 3 / 4 /' good
	} >"$journal" # the sum is of another line
	klog 3 offsets -g g --undo web
	one_line_error offsets web/groups/g/journal 'line 2'
	{
		cat good
		printf '%s\0\n' "$(cat good)"
	} >"$journal" # a zero byte ends no line
	klog 3 offsets -g g --undo web
	one_line_error offsets web/groups/g/journal 'line 2'
	{
		cat good
		head -c 3000 /dev/zero | tr '\0' x
		echo
	} >"$journal"
	klog 3 offsets -g g --undo web
	one_line_error offsets web/groups/g/journal 'line 2' long
	# a reset does not need what stands there
	{
		echo nonsense
		cat good
	} >"$journal"
	klog 0 offsets -g g --reset 5 web
	klog 0 offsets -g g --reset 6 web
	rm "$journal"
	ln -s /etc/passwd "$journal"
	klog 1 offsets -g g --reset 5 web
	one_line_error offsets journal
}

@test "offsets: what has no line end is torn, for who reads and who writes" {
	local journal torn
	journal=$(offset_file web g journal)
	klog-offsets -g g --reset 1 web >/dev/null
	cp "$journal" good
	for torn in 1 511 512 5000; do
		# zeros, as after a power cut
		{
			cat good
			head -c "$torn" /dev/zero
		} >"$journal"
		klog 0 offsets -g g --undo --dry-run web
		equal "$output" web,0,-1
		klog 0 offsets -g g --reset 2 web
		equal "$stderr" ''
		equal "$(grep -c '^klog-journal ' "$journal")" 2
		equal "$(tr -d '\0' <"$journal" | wc -c)" "$(wc -c <"$journal")"
		klog 0 offsets -g g --undo web
		equal "$(columns)" 'g web 0 2 1'
	done
}

@test "offsets: --undo goes as far as the damage of a journal, and no further" {
	local journal bad
	journal=$(offset_file access g journal)
	klog-offsets -g g --reset 1 access >/dev/null
	for bad in nonsense "$(head -c 6000 /dev/zero | tr '\0' x)"; do
		echo "$bad" >>"$journal"
		klog 3 offsets -g g --undo access
		one_line_error offsets access/groups/g/journal damaged
		klog 0 offsets -g g --reset 2 access
		klog 0 offsets -g g --reset 3 access
		klog 0 offsets -g g --undo
		error_line offsets access/groups/g/journal damaged 'behind it'
		equal "$(columns)" $'g access 0 3 2\ng access 1 3 2'
		klog 0 offsets -g g --undo access
		equal "$(columns)" $'g access 0 2 1\ng access 1 2 1'
		klog 3 offsets -g g --undo access
		one_line_error offsets access/groups/g/journal damaged
	done
	# half of an operation is not undone
	rm "$journal"
	klog-offsets -g g --reset 5 access >/dev/null
	sed -i '1a nonsense' "$journal"
	klog 3 offsets -g g --undo access
	one_line_error offsets access/groups/g/journal 'line 2'
	equal "$(committed g)" $'access 0 5\naccess 1 5'
	# without it there is nothing to undo, and a new one begins
	rm "$journal"
	klog 1 offsets -g g --undo access
	klog 0 offsets -g g --reset 4 access
	klog 0 offsets -g g --undo access
}

@test "offsets: --undo of all topics passes over none that it cannot look into" {
	need_root
	klog-offsets -g g --reset 3 access web >/dev/null
	chmod -R a+rwX "$KLOG_CLUSTER"
	chmod 700 "$KLOG_CLUSTER/access/groups"
	shell 1 "$(declare -f as_nobody); as_nobody klog-offsets -g g --undo"
	one_line_error offsets access/groups/g/journal denied
	equal "$(committed g)" $'access 0 3\naccess 1 3\nweb 0 3'
	# groups is no directory: no group is there
	mv "$KLOG_CLUSTER/access/groups" away
	: >"$KLOG_CLUSTER/access/groups"
	klog 0 offsets -g g --undo
	equal "$(columns)" 'g web 0 3 -'
}

# ---- Prometheus ----

# Every line is one of the format, the samples of a metric stand together
# under their HELP and TYPE, and no sample is there twice.
exposition() {
	awk '
	/^# HELP [a-z_]+ ./ { help[$3]++; next }
	/^# TYPE [a-z_]+ gauge$/ {
		if (help[$3] != 1 || typed[$3]++) { print "TYPE: " $0; bad = 1 }
		metric = $3
		next
	}
	/^[a-z_]+\{([a-z]+="([^"\\]|\\["\\n])*",?)+\} -?[0-9]+(\.[0-9]+)?$/ {
		split($0, name, "{")
		sub(/ [^ ]*$/, "")
		if (name[1] != metric || seen[$0]++) { print "sample: " $0; bad = 1 }
		next
	}
	{ print "line: " $0; bad = 1 }
	END { exit bad }'
}

@test "offsets: --prometheus, line by line" {
	klog-offsets -g ann --reset 4 access >/dev/null
	klog-offsets -g bob --reset 9 web >/dev/null
	rm "$(offset_file access ann 1)"
	klog-create -q empty
	klog 0 offsets --prometheus
	exposition <<<"$output" >&2
	equal "$(grep -v '^#' <<<"$output" | sed -E \
		's/^(klog_log_bytes.*|.*_seconds\{.*\}) [1-9][0-9.]*$/\1 N/; s/^(klog_log_bytes.*) [1-9].*/\1 N/; s/(_seconds.*) [0-9]+\.[0-9]{3}$/\1 S/')" \
		'klog_log_start_offset{topic="access",partition="0"} 0
klog_log_start_offset{topic="access",partition="1"} 0
klog_log_start_offset{topic="empty",partition="0"} 0
klog_log_start_offset{topic="web",partition="0"} 0
klog_log_end_offset{topic="access",partition="0"} 5
klog_log_end_offset{topic="access",partition="1"} 100
klog_log_end_offset{topic="empty",partition="0"} 0
klog_log_end_offset{topic="web",partition="0"} 10
klog_log_bytes{topic="access",partition="0"} N
klog_log_bytes{topic="access",partition="1"} N
klog_log_bytes{topic="empty",partition="0"} 0
klog_log_bytes{topic="web",partition="0"} N
klog_last_append_age_seconds{topic="access",partition="0"} S
klog_last_append_age_seconds{topic="access",partition="1"} S
klog_last_append_age_seconds{topic="web",partition="0"} S
klog_group_offset{group="ann",topic="access",partition="0"} 4
klog_group_offset{group="bob",topic="web",partition="0"} 9
klog_group_lag{group="ann",topic="access",partition="0"} 1
klog_group_lag{group="ann",topic="access",partition="1"} 100
klog_group_lag{group="bob",topic="web",partition="0"} 1
klog_group_lag_seconds{group="ann",topic="access",partition="0"} S
klog_group_lag_seconds{group="ann",topic="access",partition="1"} S
klog_group_lag_seconds{group="bob",topic="web",partition="0"} S'
	equal "$(grep -c '^# HELP' <<<"$output")" 7
	klog 0 offsets --prometheus -g bob
	equal "$(grep -c '^klog_group.*bob' <<<"$output")" 3
	run -1 grep ann <<<"$output"
	klog 1 offsets --prometheus -g nobody
	error_line offsets nobody
}

@test "offsets: --prometheus escapes labels, and ages are seconds" {
	mv "$KLOG_CLUSTER" 'a "quoted\" cluster'
	klog 0 offsets --prometheus 'a "quoted\" cluster/web'
	exposition <<<"$output" >&2
	[[ $output == *'{topic="a \"quoted\\\" cluster/web",partition="0"} 10'* ]]
	klog-create -q -C "$KLOG_CLUSTER" old
	printf '{"payload":"x","ts":%s500}\n' "$(($(date +%s) - 100))" |
		klog-produce -J old
	klog-offsets -g g --reset 0 old >/dev/null
	klog 0 offsets --prometheus
	local metric
	for metric in klog_last_append_age_seconds klog_group_lag_seconds; do
		[[ $(grep "^$metric{" <<<"$output") =~ \ (99|1[0-5][0-9])\.[0-9]{3}$ ]]
	done
}

@test "offsets: --output replaces the file whole, or leaves it" {
	klog-offsets -g g --reset 4 access >/dev/null
	echo old >klog.prom
	ln klog.prom old
	klog 0 offsets --prometheus --output klog.prom
	equal "$output$stderr" ''
	exposition <klog.prom >&2
	equal "$(cat old)" old # renamed over it, not written into it
	equal "$(stat -c %a klog.prom)" 644
	(umask 077 && klog-offsets --prometheus --output strict.prom)
	equal "$(stat -c %a strict.prom)" 600
	klog 1 offsets --prometheus --output nowhere/klog.prom
	one_line_error offsets nowhere/klog.prom
	# too large for what may be written: the old one stays, nothing else does
	cp klog.prom before
	shell 1 'trap "" XFSZ; ulimit -f 1; klog-offsets --prometheus --output klog.prom'
	one_line_error offsets klog.prom
	cmp before klog.prom
	klog 1 offsets -C nowhere --prometheus --output klog.prom
	cmp before klog.prom
	equal "$(find . -name '.klog*' ! -path './cluster/*')" ''
	shell 1 'klog-offsets --prometheus >/dev/full'
}

@test "offsets: --output that is killed leaves nothing that stays" {
	need_strace
	local n
	klog-offsets --prometheus --output klog.prom
	strace -qqq -o calls -e trace=openat \
		klog-offsets --prometheus --output klog.prom
	n=$(grep -n O_TMPFILE calls | cut -d : -f 1)
	shell 137 'strace -qqq -o calls -e inject=fsync:signal=KILL \
		klog-offsets --prometheus --output klog.prom'
	equal "$(echo .*.prom*)" '.*.prom*'
	# where no file can be without a name, and at the last moment
	shell 0 "strace -qqq -o calls -e inject=openat:error=EOPNOTSUPP:when=$n \
		klog-offsets --prometheus --output klog.prom"
	equal "$(echo .*.prom*)" '.*.prom*'
	local how
	for how in '' "-e inject=openat:error=EOPNOTSUPP:when=$n"; do
		shell 137 "strace -qqq -o calls $how \
			-e inject=renameat:signal=KILL:when=1 \
			klog-offsets --prometheus --output klog.prom"
		equal "$(echo .*.prom*)" .klog.prom.new
		exposition <klog.prom >&2
		klog 0 offsets --prometheus --output klog.prom
		equal "$(echo .*.prom*)" '.*.prom*'
		exposition <klog.prom >&2
	done
}

@test "offsets: what is damaged is left out of the metrics, and told" {
	klog-offsets -g g --reset 4 access web >/dev/null
	head -c 600 /dev/urandom >"$(offset_file web g)"
	klog 3 offsets --prometheus --output klog.prom
	one_line_error offsets web/groups/g/0
	exposition <klog.prom >&2
	equal "$(grep -c '^klog_group_lag{' klog.prom)" 2
	equal "$(grep -c '^klog_log_end_offset{' klog.prom)" 3
}

@test "offsets: metrics of groups that cannot be read: told once, and as the worst" {
	klog-offsets -g a --reset 4 access web >/dev/null
	klog-create -q odd
	: >"$KLOG_CLUSTER/odd/groups"
	klog 1 offsets --prometheus
	error_line offsets 'topic odd' groups
	equal "$(grep -c '^klog_log_end_offset{topic="odd"' <<<"$output")" 1
	klog 1 offsets --prometheus nosuch
	error_line offsets nosuch
	# what is damaged in one group is not hidden by another one
	rm "$KLOG_CLUSTER/odd/groups"
	head -c 600 /dev/urandom >"$(offset_file web a)"
	: >"$KLOG_CLUSTER/web/groups/b"
	klog 3 offsets --prometheus
	equal "${#stderr_lines[@]}" 2
	klog 3 offsets --groups
	equal "${#stderr_lines[@]}" 2
}

# ---- monitoring ----

@test "offsets: --check has the four statuses of monitoring plug-ins" {
	klog-offsets -g g --reset 4 access >/dev/null # lag 97
	klog-offsets -g h --reset 9 web >/dev/null    # lag 1
	klog 0 offsets --check --warn 97 --crit 97
	equal "$output" "KLOG OK - 2 groups, largest lag 97|'g/access'=97;97;97;0 'h/web'=1;97;97;0"
	klog 1 offsets --check --warn 96 --crit 97
	equal "$output" "KLOG WARNING - g in access lags 97|'g/access'=97;96;97;0 'h/web'=1;96;97;0"
	klog 2 offsets --check --warn 0 --crit 96
	equal "$output" "KLOG CRITICAL - g in access lags 97|'g/access'=97;0;96;0 'h/web'=1;0;96;0"
	klog 2 offsets --check --warn 0 --crit 0
	equal "$output" "KLOG CRITICAL - g in access lags 97, h in web lags 1|'g/access'=97;0;0;0 'h/web'=1;0;0;0"
	klog 0 offsets --check --warn 5 --crit 10 -g h
	equal "$output" "KLOG OK - 1 group, largest lag 1|'h/web'=1;5;10;0"
	equal "$stderr" ''
	# a worse one behind a bad one
	klog-offsets -g f --reset 50 access:1 >/dev/null # 5 and 50: 55
	klog 2 offsets --check --warn 10 --crit 60
	equal "$output" "KLOG CRITICAL - g in access lags 97|'f/access'=55;10;60;0 'g/access'=97;10;60;0 'h/web'=1;10;60;0"
}

# unknown WORD [ARG...]: status 3, one line on stdout that says so.
unknown() {
	local word=$1
	shift
	klog 3 offsets "$@"
	equal "${#lines[@]}" 1
	[[ $output == 'KLOG UNKNOWN - '*"$word"* ]] || fail "no '$word'"
	equal "$stderr" ''
}

@test "offsets: --check of what cannot be told is UNKNOWN, misuse too" {
	unknown nobody --check --warn 1 --crit 2 -g nobody
	unknown nosuch --check --warn 1 --crit 2 nosuch
	unknown nowhere -C nowhere --check --warn 1 --crit 2
	unknown --warn --check --crit 2
	unknown --warn --check --warn many --crit 2
	unknown --warn --check --warn 3 --crit 2
	unknown option --check --warn 1 --crit 2 --no-such-option
	unknown exclude --check --warn 1 --crit 2 -J
	unknown 'given twice' --check --check --warn 1 --crit 2
	klog-offsets -g g --reset 4 web >/dev/null
	head -c 600 /dev/urandom >"$(offset_file web g)"
	unknown web/groups/g/0 --check --warn 1 --crit 2
	# no group at all is none that lags
	rm -r "$KLOG_CLUSTER/web/groups"
	klog 0 offsets --check --warn 1 --crit 2
	equal "$output" 'KLOG OK - no groups'
}

# ---- misuse ----

@test "offsets: what contradicts itself, or makes no sense, is misuse" {
	local words
	while read -r words; do
		# shellcheck disable=SC2086
		klog 2 offsets $words
		usage_error offsets
	done <<-'END'
		--reset 1 web
		--shift 1 web
		--reset-from f web
		--undo
		--delete
		-g g --reset 1 --shift 1
		-g g --reset 1 --reset-from f
		-g g --undo --delete
		-g g --groups
		-g g --at 1
		--at 1 --groups
		-g g --prometheus --reset 1
		--dry-run
		-g g --dry-run
		--output f
		--warn 1
		--crit 1
		-J --prometheus
		-p 1 web
	END
	[ ! -e f ]
}

# ---- how much there may be ----

# bounded [ARG...]: it needs no more memory than for a few.
bounded() {
	local limit='ulimit -v 40000'
	[ -z "${KLOG_SANITIZED:-}" ] || limit=:
	shell "$1" "$limit; klog-offsets -q ${*:2}"
}

@test "offsets: a thousand partitions" {
	klog-create -q -p 1000 wide
	seq 3000 | awk '{ print $1 ":" $1 }' | klog-produce --no-sync -K : wide
	bounded 0 wide
	equal "$(columns | wc -l)" 1000
	bounded 0 -g g --reset 1 wide
	bounded 0 -g g -J wide
	equal "${#lines[@]}" 1000
	bounded 0 --prometheus
	exposition <<<"$output" >&2
	bounded 0 --at -10m wide
	# each of its partitions owned by one member
	bounded 0 -g g --shift 1 wide
	bounded 0 -g g --undo
	equal "$(columns | wc -l)" 1000
	# with more files than a shell lets open at once
	shell 0 'ulimit -S -n 100; klog-offsets -q -g g --delete'
	equal "$(columns | wc -l)" 1000
}

@test "offsets: a thousand groups" {
	local i
	klog-offsets -g g1 --reset 1 web >/dev/null
	for ((i = 2; i <= 1000; i++)); do
		mkdir "$KLOG_CLUSTER/web/groups/g$i"
		cp "$(offset_file web g1)" "$(offset_file web "g$i")"
	done
	bounded 0 --groups
	equal "$(columns | awk '$4 == 9' | wc -l)" 1000
	bounded 0 --prometheus web
	exposition <<<"$output" >&2
	equal "$(grep -c '^klog_group_lag_seconds{' <<<"$output")" 1000
	bounded 2 --check --warn 1 --crit 2
	equal "$(grep -o "'=9;1;2;0" <<<"$output" | wc -l)" 1000
	[[ $output == *'and 995 more|'* ]]
	# the partition is looked at once, not once for each group
	need_strace
	strace -f -o calls klog-offsets --groups web >/dev/null
	[ "$(grep -c '"[^"]*\.klog"' calls)" -le 5 ]
}

@test "offsets: --output follows a link, and writes into what is no file" {
	klog-create -q t
	put t a
	mkfifo pipe
	ln -s real link
	echo old >real
	klog 0 offsets --prometheus --output link
	[ -L link ]
	grep -q klog_log_end_offset real
	cat pipe >got &
	klog 0 offsets --prometheus --output pipe
	wait "$!"
	[ -p pipe ]
	equal "$(wc -l <got)" "$(wc -l <real)"
	klog 0 offsets --prometheus --output -
	equal "${#lines[@]}" "$(wc -l <real)"
	[ ! -e ./- ]
}

@test "offsets: few descriptors do for many partitions" {
	klog-create -q -p 200 wide
	klog-offsets -q -g g --reset latest wide >out
	shell 0 'ulimit -n 32; klog-offsets -g g wide | wc -l'
	equal "$output" 201
}
