#!/usr/bin/env bats
# Consumer groups: klog-consume -g.  Kills at each call and power cuts are in
# tests/fault/groups.bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

load helpers

fixture() {
	klog-create -q t
}

# committed TOPIC GROUP [PARTITION]: the offset in the newest slot.
committed() {
	grep -ao 'klog-offset [^)]*' "$KLOG_CLUSTER/$1/groups/$2/${3:-0}" |
		sort -k3,3n -k2,2n | tail -n 1 | cut -d ' ' -f 4
}

has_committed() {
	[ "$(committed "$1" "$2" "${4:-0}")" = "$3" ]
}

# member NAME ARG... TOPIC: klog-consume -f -g g in the background, into NAME;
# its process is ${pid[NAME]}.  Members have their ranks by when they joined.
declare -gA pid
member() {
	local name=$1
	shift
	klog-consume -f -g g -F '%t/%p/%o\n' "$@" >"$name" 2>"$name.err" &
	pid[$name]=$!
	until_true 20 joined "${!#}" "$!"
}

joined() {
	compgen -G "$KLOG_CLUSTER/$1/groups/g/members/*-$2-*" >/dev/null
}

members() {
	[ "$(find "$KLOG_CLUSTER/$1/groups/g/members" -type f 2>/dev/null |
		wc -l)" -eq "$2" ]
}

# share TOPIC PARTITION: the process that holds it, or nothing.
share() {
	group-owner "$KLOG_CLUSTER/$1/groups/g/$2"
}

held_by() {
	[ "$(share "$1" "$2")" = "$3" ]
}

# keyed FROM TO: lines with keys, for all of six partitions.
keyed() {
	seq "$1" "$2" | awk '{ print "k" $1 ":" $1 }'
}

seen() {
	cat "$@" | wc -l
}

has_seen() {
	local want=$1
	shift
	[ "$(seen "$@")" -ge "$want" ]
}

leave() {
	local name
	for name; do
		kill -TERM "${pid[$name]}"
		ended 143 "${pid[$name]}"
	done
}

# ---- one member ----

@test "groups: the next run goes on where the last one ended" {
	put t a b c
	klog 0 consume -g g t
	equal "$output" $'a\nb\nc'
	klog 0 consume -g g t
	equal "$output" ''
	put t d
	klog 0 consume -g g t
	equal "$output" d
	klog 0 consume -g other t
	equal "$output" $'a\nb\nc\nd'
	klog 0 consume t
	equal "$output" $'a\nb\nc\nd'
	equal "$(committed t g)" 4
	members t 0
}

@test "groups: a commit of nothing keeps where it began" {
	klog 0 consume -g g -X auto.offset.reset=latest t
	equal "$(committed t g)" 0
	put t a
	klog 0 consume -g g t
	equal "$output" a
}

@test "groups: auto.offset.reset and -o count where there is no commit" {
	put t a b c
	klog 0 consume -g late -X auto.offset.reset=latest t
	equal "$output" ''
	put t d
	klog 0 consume -g late -X auto.offset.reset=earliest t
	equal "$output" d
	klog 0 consume -g late -o beginning t
	equal "$output" ''
	klog 0 consume -g late -o stored t
	equal "$output" ''
	klog 0 consume -g from -o 2 t
	equal "$output" $'c\nd'
	klog 1 consume -g none -X auto.offset.reset=none t
	one_line_error consume none t/0 'no committed offset'
	klog 0 consume -g late -X auto.offset.reset=none t
}

@test "groups: -c takes so many, from a pipe and from a file" {
	put t a b c d e f g
	shell 0 'klog-consume -g g -c 3 t | cat'
	equal "$output" $'a\nb\nc'
	equal "$(committed t g)" 3
	klog-consume -g g -c 2 t >out
	equal "$(cat out)" $'d\ne'
	equal "$(committed t g)" 5
	klog-consume -g g -c 0 t >out
	equal "$(committed t g)" 5
	klog 0 consume -g g t
	equal "$output" $'f\ng'
}

@test "groups: a range ends it, and is committed no further" {
	seq 0 9 | klog-produce t
	klog 0 consume -g g -o 2..5 t
	equal "$output" $'2\n3\n4'
	equal "$(committed t g)" 5
}

@test "groups: a reader that goes away early: nothing is committed" {
	seq 1 100000 | klog-produce t
	shell 141 'klog-consume -g g t | head -n 1'
	equal "$output" 1
	equal "$(committed t g)" -1
	# It took all in one piece, and used a part of it.
	klog-create -q few
	seq 1 9 | klog-produce few
	run --separate-stderr bash -c 'klog-consume -g g few | head -n 2'
	equal "$output" $'1\n2'
	[ "$(committed few g)" = -1 ] || equal "$(committed few g)" 9
}

@test "groups: a slow reader has what was committed" {
	seq 1 20000 | klog-produce t
	klog-consume -g g t | {
		head -c 20000 | head -n 1
		sleep 2.5
		committed t g >mid
		cat >rest
	}
	[ "$(cat mid)" -gt 0 ] || fail "nothing committed of what was read"
	[ "$(cat mid)" -lt 20000 ] || fail "committed before it was read"
	until_true 20 has_committed t g 20000
}

@test "groups: a slow reader has what was committed, also while it holds up a write" {
	# More than a pipe takes and what is gathered, so that it waits.
	make-lines w 40000 90 | klog-produce t
	klog-consume -g g t | {
		dd bs=100000 count=1 iflag=fullblock status=none >took
		until_true 20 commits_some
		committed t g >mid
		cat >rest
	}
	[ "$(cat mid)" -le "$(wc -l <took)" ]
	until_true 20 has_committed t g 40000
}

commits_some() {
	[ "$(committed t g)" -gt "${1:-0}" ]
}

@test "groups: a slow worker that is ended again and again gets on" {
	local before=0
	make-lines w 2000 100 | klog-produce t
	for _ in 1 2 3; do
		klog-consume -g g t > >(while read -r line; do
			echo "$line" >>did
			sleep 0.02
		done) &
		until_true 20 commits_some "$before"
		# At once.
		kill -TERM $!
		kill -INT $!
		until_true 20 is_zombie_or_gone $!
		wait $! || [ $? -gt 128 ]
		before=$(committed t g)
	done
	[ "$before" -le "$(wc -l <did)" ]
}

@test "groups: after a signal a reader that goes on taking has its time" {
	make-lines w 3000 100 | klog-produce t
	klog-consume -g g t > >(while dd bs=10000 count=1 status=none | tee -a took |
		grep -q .; do sleep 0.2; done) &
	until_true 20 commits_some
	kill -TERM $!
	ended 143 $!
	equal "$(committed t g)" 3000
}

@test "groups: a follower commits within seconds, into a pipe, a file, and /dev/null" {
	local to follower
	put t a b c
	mkfifo pipe
	cat pipe >copy &
	for to in pipe file /dev/null; do
		klog-consume -f -g "${to##*/}" t >"$to" &
		follower=$!
		until_true 20 has_committed t "${to##*/}" 3
		kill "$follower"
		ended 143 "$follower"
	done
	equal "$(cat file)" $'a\nb\nc'
}

@test "groups: a full disk behind stdout commits nothing" {
	put t a b c
	shell 1 'klog-consume -g g t >/dev/full'
	one_line_error consume stdout
	equal "$(committed t g)" -1
}

@test "groups: what came before damage is delivered, and committed" {
	put t a b c
	put t d
	# the last byte of the second batch
	printf '\xff' | dd of="$(partition t)/00000000000000000000.log" bs=1 \
		seek=$(($(stat -c %s "$(partition t)/00000000000000000000.log") - 1)) \
		conv=notrunc status=none
	klog 3 consume -g g t
	equal "$output" $'a\nb\nc'
	equal "$(committed t g)" 3
}

@test "groups: a commit has its records on the disk (G3)" {
	seq 0 9 | klog-produce t
	seq 10 19 | klog-produce --no-sync t
	klog-consume -g g t >/dev/null
	equal "$(committed t g)" 20
	klog 0 consume --synced t
	equal "${#lines[@]}" 20
}

# ---- several ----

@test "groups: three members over six partitions: each record once" {
	klog-create -q -p 6 six
	member a six
	member b six
	member c six
	until_true 20 members six 3
	keyed 1 3000 | klog-produce -K : six
	until_true 30 has_seen 3000 a b c
	[ -s a ] && [ -s b ] && [ -s c ]
	leave a b c
	equal "$(cat a b c | sort | uniq -d)" ''
	equal "$(seen a b c)" 3000
	members six 0
	equal "$(cat ./*.err)" ''
}

@test "groups: members that join and leave while records flow: each record once" {
	local round
	klog-create -q -p 6 six
	(for round in $(seq 150); do
		keyed $((round * 20)) $((round * 20 + 19))
		sleep 0.02
	done) | klog-produce -K : six &
	member a six
	until_true 20 has_seen 100 a
	member b six
	until_true 20 has_seen 50 b
	member c six
	until_true 20 has_seen 50 c
	leave a
	member d six
	until_true 20 has_seen 50 d
	leave c
	until_true 60 has_seen 3000 a b c d
	leave b d
	equal "$(cat a b c d | sort | uniq -d)" ''
	equal "$(seen a b c d)" 3000
	equal "$(cat ./*.err)" ''
}

@test "groups: one that is killed is replaced; what comes twice it had not committed" {
	local p
	klog-create -q -p 6 six
	member a six
	member b six
	until_true 20 held_by six 5 "${pid[b]}"
	keyed 1 1000 | klog-produce -K : six
	until_true 20 has_seen 1000 a b
	# It commits at least once a second.
	until_true 20 has_commits six
	for p in 0 1 2 3 4 5; do
		echo "$p $(committed six g $p)"
	done >before
	kill -KILL "${pid[b]}"
	until_true 20 held_by six 5 "${pid[a]}"
	keyed 1001 1200 | klog-produce -K : six
	until_true 20 everything_seen
	leave a
	members six 0
	cat a b | sort | uniq -d | tr / ' ' | awk '
		NR == FNR { at[$1] = $2; next }
		$3 < at[$2] { print "offset", $3, "of", $2, "was committed"; bad = 1 }
		END { exit bad }' before -
}

has_commits() {
	local p
	for p in 0 1 2 3 4 5; do
		[ -n "$(committed "$1" g $p)" ] || return 1
	done
}

everything_seen() {
	[ "$(cat a b | sort -u | wc -l)" -eq 1200 ]
}

@test "groups: one that is stopped keeps its partitions, the others go on" {
	klog-create -q -p 2 two
	member a two
	member b two
	until_true 20 held_by two 1 "${pid[b]}"
	held_by two 0 "${pid[a]}"
	stop_it "${pid[b]}"
	printf 'x\n' | klog-produce two:0
	printf 'y\n' | klog-produce two:1
	until_true 20 grep -q two/0/0 a
	equal "$(share two 1)" "${pid[b]}"
	equal "$(cat b)" ''
	kill -CONT "${pid[b]}"
	until_true 20 grep -q two/1/0 b
	stop_it "${pid[b]}"
	kill -KILL "${pid[b]}"
	until_true 20 held_by two 1 "${pid[a]}"
	printf 'z\n' | klog-produce two:1
	until_true 20 grep -q two/1/1 a
	leave a
}

@test "groups: one more than there are partitions waits, and takes over" {
	member a t
	put t one
	until_true 20 has_seen 1 a
	member b t
	until_true 20 members t 2
	put t two
	until_true 20 has_seen 2 a
	# One that does not follow has nothing to do.
	klog 0 consume -g g t
	equal "$output" ''
	leave a
	put t three
	until_true 20 has_seen 1 b
	equal "$(cat b)" t/0/2
	leave b
}

@test "groups: one that does not follow waits for its part, and says for whom" {
	klog-create -q -p 2 two
	seq 1 2 | klog-produce two:1
	member a two
	until_true 20 has_seen 2 a
	stop_it "${pid[a]}"
	klog 1 consume -g g --lock-timeout 100ms two
	error_line consume two/1 "process ${pid[a]}"
	klog-consume -g g two >out 2>err &
	until_true 20 grep -q "waiting for process ${pid[a]}" err
	kill -CONT "${pid[a]}"
	wait "$!"
	leave a
	equal "$(wc -l <err)" 1
}

@test "groups: range and roundrobin share as Kafka's assignors do" {
	local strategy
	klog-create -q -p 3 t1 t2
	for strategy in range roundrobin; do
		member a -X "partition.assignment.strategy=$strategy" t1 t2
		until_true 20 held_by t2 2 "${pid[a]}"
		member b -X "partition.assignment.strategy=$strategy" t2 t1
		until_true 20 members t2 2
		if [ "$strategy" = range ]; then
			until_true 20 shared 'aab aab'
		else
			until_true 20 shared 'aba bab'
		fi
		leave a b
	done
}

# shared 'ab ...': who has each partition of t1, then of t2.
shared() {
	local topic p who have=''
	for topic in t1 t2; do
		for p in 0 1 2; do
			who=$(share "$topic" "$p")
			case $who in
			"${pid[a]}") have+=a ;;
			"${pid[b]}") have+=b ;;
			*) have+=- ;;
			esac
		done
		have+=' '
	done
	[ "$have" = "$1 " ]
}

@test "groups: a member that would share by another rule is refused" {
	member a t
	until_true 20 members t 1
	klog 1 consume -g g -X partition.assignment.strategy=roundrobin t
	one_line_error consume g range partition.assignment.strategy
	members t 1
	leave a
}

@test "groups: members of different topics share what they have in common" {
	klog-create -q -p 2 t1 t2 t3
	member a -X partition.assignment.strategy=roundrobin t1 t2
	member b -X partition.assignment.strategy=roundrobin t2 t3
	until_true 20 held_by t2 1 "${pid[b]}"
	for topic in t1 t2 t3; do
		printf 'a:1\nb:2\nc:3\nd:4\n' | klog-produce -K : "$topic"
	done
	until_true 20 has_seen 12 a b
	leave a b
	equal "$(cat a b | sort | uniq -d)" ''
}

@test "groups: new partitions are shared, and read from their beginning" {
	klog-create -q -p 1 more
	member a -X auto.offset.reset=latest more
	member b -X auto.offset.reset=latest more
	until_true 20 held_by more 0 "${pid[a]}"
	klog-alter -p 4 more
	for p in 0 1 2 3; do
		echo x | klog-produce "more:$p"
	done
	until_true 20 has_seen 4 a b
	leave a b
	equal "$(sort a b)" $'more/0/0\nmore/1/0\nmore/2/0\nmore/3/0'
	[ -s b ]
}

@test "groups: --merge in a group, also when it is shared anew" {
	klog-create -q -p 2 two
	printf '{"ts":1,"payload":"a","partition":0}\n{"ts":3,"payload":"c","partition":0}\n{"ts":2,"payload":"b","partition":1}\n' |
		klog-produce -J two
	klog 0 consume -g once --merge two
	equal "$output" $'a\nb\nc'
	member a --merge two
	until_true 20 has_seen 3 a
	member b --merge two
	until_true 20 held_by two 1 "${pid[b]}"
	printf '{"ts":5,"payload":"e","partition":0}\n{"ts":4,"payload":"d","partition":1}\n' |
		klog-produce -J two
	until_true 20 has_seen 5 a b
	leave a b
	equal "$(sort a b | uniq -d)" ''
}

@test "groups: a commit of who was replaced is refused (G1)" {
	member a t
	put t one
	until_true 20 has_committed t g 1
	# As if its file came back from elsewhere: another generation in it.
	group-owner --raise "$KLOG_CLUSTER/t/groups/g/0"
	put t two
	ended 1 "${pid[a]}"
	grep -q 'taken over' a.err
	equal "$(committed t g)" 1
	klog 0 consume -g g t
	equal "$output" two
}

@test "groups: an offset file that was removed by hand: two owners are none (G2)" {
	member a t
	put t one
	until_true 20 has_committed t g 1
	rm "$KLOG_CLUSTER/t/groups/g/0"
	put t two
	ended 1 "${pid[a]}"
	grep -q 'removed or replaced' a.err
}

@test "groups: a topic that is deleted ends its members, and takes its groups along" {
	member a t
	put t one
	until_true 20 has_committed t g 1
	klog-delete t
	ended 1 "${pid[a]}"
	equal "$(wc -l <a.err)" 1
	equal "$(find "$KLOG_CLUSTER" -name 't*' -o -name '.deleted*')" ''
}

@test "groups: a renamed topic keeps its groups" {
	put t one two
	klog-consume -g g -c 1 t >out
	mv "$KLOG_CLUSTER/t" "$KLOG_CLUSTER/new"
	klog 0 consume -g g new
	equal "$output" two
}

# ---- COMMAND ----

@test "groups: COMMAND gets records of one partition, and is told which" {
	klog-create -q -p 2 two
	seq 1 3 | klog-produce two:0
	seq 4 5 | klog-produce two:1
	klog 0 consume -g g two -- sh -c \
		'echo "$KLOG_TOPIC $KLOG_PARTITION $KLOG_FIRST_OFFSET $KLOG_LAST_OFFSET" $(cat)'
	equal "$(sort <<<"$output")" $'two 0 0 2 1 2 3\ntwo 1 0 1 4 5'
	equal "$(committed two g 0) $(committed two g 1)" '3 2'
}

@test "groups: --batch, and small batches of the log are gathered" {
	for i in 1 2 3 4 5; do
		put t "$i"
	done
	klog 0 consume -g all t -- sh -c 'echo $(cat)'
	equal "$output" '1 2 3 4 5'
	klog 0 consume -g two --batch 2 t -- sh -c 'echo $(cat)'
	equal "$output" $'1 2\n3 4\n5'
	klog 0 consume -g one --batch 1 -c 2 t -- sh -c 'echo $(cat)'
	equal "$output" $'1\n2'
	equal "$(committed t one)" 2
	seq 6 2500 | klog-produce t
	klog 0 consume -g all t -- wc -l
	equal "$(awk '{ n += $1; if ($1 > 1000) big = 1 } END { print n, big + 0 }' \
		<<<"$output")" '2495 0'
}

@test "groups: a COMMAND that reads nothing, or does not end its stdin, is done by its 0" {
	seq 1 300000 | klog-produce t
	klog 0 consume -g g t -- true
	equal "$(committed t g)" 300000
	klog 0 consume -g h t -- sh -c 'exec <&-; exit 0'
	equal "$(committed t h)" 300000
}

@test "groups: a COMMAND that fails leaves the offset where it was" {
	put t a b
	klog 0 consume -g g t -- true
	put t c d
	klog 1 consume -g g --retries 0 t -- sh -c 'exit 7'
	one_line_error consume 'exited with 7' t/0 'offsets 2 to 3'
	equal "$(committed t g)" 2
	klog 1 consume -g g --retries 2 --retry-backoff 1ms t -- sh -c 'echo x; kill -9 $$'
	equal "$output" $'x\nx\nx'
	error_line consume 'signal 9' 'tried 3 times'
	equal "$(committed t g)" 2
	klog 0 consume -g g t
	equal "$output" $'c\nd'
}

@test "groups: a COMMAND that is not there is not tried twice" {
	put t a
	klog-create -q dead
	klog 1 consume -g g --dead-letter dead t -- ./not-there
	one_line_error consume ./not-there 'No such file'
	equal "$(committed t g)" -1
	equal "$(klog-consume dead)" ''
}

@test "groups: a run that fails twice is done by the third try" {
	put t a b
	klog 0 consume -g g --retry-backoff 1ms t -- sh -c \
		'echo x >>tries; [ "$(wc -l <tries)" -ge 3 ] && cat'
	equal "$output" $'a\nb'
	equal "$(wc -l <tries)" 3
	equal "$(committed t g)" 2
}

@test "groups: the dead letter has what fails for good, and why" {
	klog-create -q dead
	printf '%s\n' '{"key":"k","payload":"bad","ts":5,"headers":[["h","v"],["n",null]]}' |
		klog-produce -J t
	klog 0 consume -g g --dead-letter dead --retries 2 --retry-backoff 1ms t -- sh -c 'exit 9'
	equal "$(committed t g)" 1
	klog 0 consume -J dead
	equal "$output" '{"topic":"dead","partition":0,"offset":0,"tstype":"create","ts":5,"key":"k","payload":"bad","headers":[["h","v"],["n",null],["klog.topic","t"],["klog.partition","0"],["klog.offset","0"],["klog.status","9"],["klog.attempts","3"]]}'
}

@test "groups: a failing run is tried record by record before the dead letter" {
	klog-create -q dead
	put t good1 bad good2 '' bad2
	klog 0 consume -g g --dead-letter dead --retries 2 --retry-backoff 1ms t -- \
		sh -c 'while read -r l; do echo "$l" >>got; case $l in bad*) exit 3 ;; esac; done'
	equal "$(klog-consume dead)" $'bad\nbad2'
	equal "$(grep -c '^good2$' got)" 1
	equal "$(committed t g)" 5
	equal "$(klog-consume -F '%h\n' dead | grep -o 'attempts=.*')" \
		$'attempts=3\nattempts=3'
}

@test "groups: a signal between two records of a failed run tells of the run" {
	klog-create -q dead
	put t a b c
	klog-consume -g g --dead-letter dead --retries 2 --retry-backoff 1ms t -- \
		sh -c 'read -r l; ! read -r m || exit 7; echo "$l" >>got; sleep 1' 2>err &
	until_true 20 has_lines got 1
	kill -TERM $!
	ended 143 $!
	equal "$(cat got)" a
	equal "$(committed t g)" 1
	grep -q 'exited with 7 on t/0, offsets 1 to 2; it is not committed$' err
}

@test "groups: nulls and empty values reach the dead letter as they are" {
	klog-create -q dead
	printf '{"key":null,"payload":null}\n{"key":"","payload":""}\n' |
		klog-produce -J t
	klog 0 consume -g g --dead-letter dead --retries 0 --retry-backoff 1ms t -- false
	equal "$(klog-consume -J dead | grep -o '"key":[^,]*,"payload":[^,]*')" \
		$'"key":null,"payload":null\n"key":"","payload":""'
}

@test "groups: --command-timeout ends a COMMAND that takes too long" {
	put t a
	klog 1 consume -g g --retries 0 --command-timeout 200ms t -- sleep 60
	one_line_error consume 'took too long'
	equal "$(committed t g)" -1
	klog-create -q dead
	klog 0 consume -g g --retries 0 --command-timeout 200ms --dead-letter dead \
		t -- sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	klog-consume -F '%h\n' dead | grep -q 'klog.status=124'
}

@test "groups: the first -- begins COMMAND, options may stand behind a topic" {
	put t a b
	klog 0 consume -g g t -c 1 -- cat -A
	equal "$output" 'a$'
	klog 0 consume t -D -- -c 1
	equal "$output" a--
	klog 2 consume -g g t --
	usage_error consume COMMAND
	klog 0 consume -c 1 t -- echo -- -x
	equal "$output" '-- -x'
}

@test "groups: without a group a COMMAND is run all the same" {
	put t a b
	klog 0 consume -F '%o=%s;' t -- cat
	equal "$output" '0=a;1=b;'
	[ ! -e "$KLOG_CLUSTER/t/groups" ]
}

@test "groups: SIGTERM waits for COMMAND, commits, and ends by it" {
	put t a b
	klog-consume -f -g g --batch 1 t -- sh -c 'echo run >>ran; sleep 0.5; cat >>handled' &
	until_true 20 has_lines ran 1
	kill -TERM "$!"
	ended 143 "$!"
	equal "$(cat handled)" a
	equal "$(committed t g)" 1
}

@test "groups: a COMMAND that fails after SIGTERM is neither retried nor buried" {
	klog-create -q dead
	put t a
	klog-consume -f -g g --dead-letter dead t -- \
		sh -c 'echo run >>ran; sleep 0.5; exit 1' 2>err &
	until_true 20 has_lines ran 1
	kill -TERM "$!"
	ended 143 "$!"
	equal "$(wc -l <ran)" 1
	equal "$(klog-consume dead)" ''
	equal "$(committed t g)" -1
}

@test "groups: COMMAND dies with klog-consume, its children block nobody" {
	put t a b
	klog-consume -g g t -- sh -c 'sleep 60 & echo $! >child; echo $$ >self; wait' &
	until_true 20 has_lines self 1
	kill -KILL "$!"
	until_true 20 is_zombie_or_gone "$(cat self)"
	klog 0 consume -g g t
	equal "$output" $'a\nb'
	kill "$(cat child)"
}

@test "groups: COMMAND has none of our descriptors, signals or limits" {
	put t a
	# (read by the shell itself, which blocks signals while it starts another)
	klog 0 consume -g g t -- sh -c 'while read -r line; do
			case $line in SigBlk* | SigIgn*) echo "$line" ;; esac
		done </proc/$$/status
		ls /proc/$$/fd; ulimit -n'
	# 0, 1, 2, and that of ls: none behind it is ours, but bats has some.
	equal "$(grep -cE '^[0-9]{1,3}$' <<<"$output")" "$(sh -c 'ls /proc/$$/fd' | wc -l)"
	grep -qx "$(ulimit -n)" <<<"$output"
	# What its caller ignores is for the caller to say, SIGPIPE is not ours.
	equal "$(grep SigIgn <<<"$output")" "$(sh -c 'grep SigIgn /proc/$$/status')"
	grep -qE '^SigBlk:[[:space:]]+0+$' <<<"$output"
}

@test "groups: SIGTERM while COMMAND runs ends a follower without a group, too" {
	put t a
	klog-consume -f t -- sh -c 'echo run >>ran; sleep 0.5' &
	until_true 20 has_lines ran 1
	kill -TERM "$!"
	ended 143 "$!"
}

@test "groups: members that say nothing of themselves are members all the same" {
	klog-create -q -p 2 two
	member a two
	: >"$KLOG_CLUSTER/two/groups/g/members/$(ls "$KLOG_CLUSTER/two/groups/g/members")"
	member b two
	until_true 20 held_by two 1 "${pid[b]}"
	held_by two 0 "${pid[a]}"
	leave a b
}

@test "groups: a COMMAND that takes its time misses no partition" {
	klog-create -q -p 4 four
	klog-consume -f -g g four -- sh -c 'cat >>got; sleep 0.3' &
	local p=0 n=0
	until_true 20 held_by four 3 "$!"
	for p in 0 0 1 2 3 0 1 2 3; do
		echo "$((n += 1))" | klog-produce "four:$p"
	done
	until_true 30 has_lines got 9
	kill "$!"
	ended 143 "$!"
}

@test "groups: a dead letter is looked for in the cluster, also beside paths" {
	klog-create -q dead
	put t a
	cd /
	klog 0 consume -g g --dead-letter dead --retries 0 --retry-backoff 1ms \
		"$KLOG_CLUSTER/t" -- false
	equal "$(klog-consume dead)" a
}

@test "groups: no shell runs a COMMAND that is no program" {
	put t a
	echo 'echo ran' >script
	chmod +x script
	klog 1 consume -g g t -- ./script
	one_line_error consume ./script
	klog 0 consume -g g t -- env cat
	equal "$output" a
	shell 1 'PATH=/nonexistent exec "$KLOG_BIN/klog-consume" -g h t -- cat'
	one_line_error consume cat 'No such file'
}

@test "groups: a record that was written in part is not glued to itself" {
	put t one two
	printf 'one\ntw' >out
	klog-consume -g g t >>out
	equal "$(cat out)" $'one\ntw\none\ntwo'
	put t three
	klog-consume -g g t >>out
	equal "$(tail -n 2 out)" $'two\nthree'
	# Nothing is put into a file that is written from its beginning.
	klog-consume -g h t 1<>out
	equal "$(head -n 1 out)" one
	# Whatever ends a record, and however little is there.
	local long=--------------------
	printf 'one%sx' $long >out
	klog-consume -g i -D $long t >>out
	equal "$(cat out)" "one${long}x${long}one${long}two${long}three$long"
	printf x >out
	klog-consume -g j -D $long t >>out
	equal "$(cat out)" "x${long}one${long}two${long}three$long"
}

@test "groups: an offset of another log is refused each time" {
	put t a b c
	klog-consume -g g -c 2 t >out
	group-owner --epoch 7 "$KLOG_CLUSTER/t/groups/g/0"
	for _ in 1 2 3; do
		shell 1 'klog-consume -g g t | cat'
		one_line_error consume 'another log'
	done
}

@test "groups: counts that can go no higher are damage, which a reset mends" {
	put t a b c
	klog-consume -g g -c 2 t >out
	for what in --sequence --generation; do
		group-owner "$what" 4611686018427387903 "$KLOG_CLUSTER/t/groups/g/0"
		klog 3 consume -g g t
		one_line_error consume t/0 klog-offsets --reset
		klog 0 offsets -g g --reset 1 t
		klog 0 consume -g g -c 1 t
		equal "$output" b
	done
}

# ---- refused ----

@test "groups: what cannot be said together is wrong usage" {
	local arguments
	for arguments in '-g g -p 0 t' '-g g -n 1 t' '-g g t:0' '-g . t' \
		'-g a/b t' '--batch 2 t' '--retries 1 t' '--dead-letter d t' \
		'--command-timeout 1s t' '--retry-backoff 1s t' \
		'--batch 0 t -- true' '-o stored t' '-g g --dead-letter t t -- true'; do
		# shellcheck disable=SC2086
		klog 2 consume $arguments
		usage_error consume
	done
	cd "$KLOG_CLUSTER"
	klog 2 consume -g g --dead-letter ./t t -- true
	usage_error consume 'its own dead letter'
	klog 2 consume -g g t ./t
	usage_error consume 'the same topic'
	klog 1 consume -g g --dead-letter nowhere t -- true
	one_line_error consume nowhere
}

@test "groups: only a topic of klog has groups, and who may write to it" {
	put t a
	klog 2 consume -g g "$(partition t)"
	one_line_error consume
	need_root
	chmod -R go+rX "$BATS_TEST_TMPDIR"
	run --separate-stderr as_nobody klog-consume -g g t
	explain klog-consume -g g t
	[ "$status" -eq 1 ]
	one_line_error consume t 'Permission denied'
}

@test "groups: a torn commit is told, and the one before counts" {
	put t a b c
	klog-consume -g g -c 1 t >out
	klog-consume -g g -c 1 t >out
	local file=$KLOG_CLUSTER/t/groups/g/0 newest
	newest=$(grep -abo "klog-offset [0-9]* [0-9]* 2 " "$file" | head -n 1 | cut -d: -f1)
	[ "$newest" -ge 0 ]
	printf 'XX' | dd of="$file" bs=1 seek=$((newest + 3)) conv=notrunc status=none
	klog 0 consume -g g t
	error_line consume t/0 torn
	[[ $output == *c ]]
}

@test "groups: an offset file without a whole commit is damage" {
	put t a
	klog-consume -g g t >out
	local file=$KLOG_CLUSTER/t/groups/g/0
	printf 'garbage' >"$file"
	klog 3 consume -g g t
	one_line_error consume t/0 klog-offsets --reset
	: >"$file"
	klog 0 consume -g g t
	equal "$output" a
}

@test "groups: 1,000 partitions, few descriptors more than that, and little memory" {
	klog-create -q -p 1000 wide
	keyed 1 3000 | klog-produce -K : wide
	shell 0 'ulimit -Sn 256; [ "${KLOG_SANITIZED-}" ] || ulimit -v 32000
		klog-consume -g g wide | wc -l'
	equal "$output" 3000
	klog 0 consume -g g wide
	equal "$output" ''
	shell 1 'ulimit -n 300; klog-consume -g h wide'
	one_line_error consume 'ulimit -n'
}
