#!/usr/bin/env bats
# klog-produce: lines in, and what they look like in the log.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
}

# The fields of every record: partition, key, value.
fields() {
	klog-consume -F '%p|%k|%s\n' "$1"
}

@test "produce: lines become records, in order" {
	klog 0 produce t <<<$'one\ntwo\nthree'
	equal "$output" ""
	equal "$stderr" ""
	klog 0 consume t
	equal "$output" $'one\ntwo\nthree'
	sound t
}

@test "produce: no input is no record" {
	klog 0 produce t </dev/null
	klog 0 consume t
	equal "$output" ""
}

@test "produce: an empty line is an empty record, a last line needs no newline" {
	printf '\n\na' | klog-produce t
	equal "$(klog-consume -F '[%s]%S ' t)" '[]0 []0 [a]1 '
}

@test "produce: it never makes a topic" {
	klog 1 produce tt <<<x
	one_line_error produce tt "$KLOG_CLUSTER"
	[ ! -e "$KLOG_CLUSTER/tt" ]
}

@test "produce: -p puts everything into one partition" {
	klog-create -q -p 3 three
	seq 5 | klog-produce -p 2 three
	equal "$(fields three | cut -d'|' -f1 | sort -u)" 2
	klog 1 produce -p 3 three <<<x
	one_line_error produce three 3
	klog 2 produce -p x three <<<x
	usage_error produce
}

@test "produce: TOPIC:PARTITION is the same as -p" {
	klog-create -q -p 3 three
	seq 5 | klog-produce three:1
	equal "$(fields three | cut -d'|' -f1 | sort -u)" 1
}

@test "produce: -k gives every record a key, and the key a partition" {
	klog-create -q -p 3 three
	printf 'a\nb\n' | klog-produce -k user-1 three
	equal "$(fields three)" $'2|user-1|a\n2|user-1|b'
}

@test "produce: -K splits key and value at the first delimiter" {
	printf 'k=v\n=empty key\nk=\na=b=c\n' | klog-produce -K = t
	equal "$(fields t)" $'0|k|v\n0||empty key\n0|k|\n0|a|b=c'
	equal "$(klog-consume -F '%K ' t)" '1 0 1 1 '
	printf 'x::y\n' | klog-produce -K :: t
	equal "$(fields t | tail -1)" '0|x|y'
	printf 'x\ty\n' | klog-produce -K '\t' t
	equal "$(fields t | tail -1)" '0|x|y'
}

@test "produce: partitions are those of Kafka's murmur2" {
	local key three six ten n
	klog-create -q -p 3 p3
	klog-create -q -p 6 p6
	klog-create -q -p 10 p10
	cat >vectors <<-'END'
		21 0 0 0
		foobar 0 0 6
		a-little-bit-long-string 2 2 2
		a-little-bit-longer-string 2 5 9
		lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8 2 5 7
		abc 0 3 7
		a 1 4 4
		ab 2 2 4
		kafka 1 4 0
		giberish123456789 2 2 0
		1234 0 0 0
		user-1 2 2 8
		key-0 1 1 1
		key-1 0 0 0
		key-2 2 2 2
		é 0 3 1
	END
	printf ' 0 3 1\n' >>vectors # the empty key is a key
	for n in 3 6 10; do
		sed 's/ .*/\t&/' vectors | klog-produce -K '\t' "p$n"
	done
	while IFS= read -r key; do
		three=${key#* }
		key=${key%% *}
		read -r three six ten <<<"$three"
		printf '%s|%s|%s\n' "$three" "$key" 3
		printf '%s|%s|%s\n' "$six" "$key" 6
		printf '%s|%s|%s\n' "$ten" "$key" 10
	done <vectors | sort >want
	for n in 3 6 10; do
		klog-consume -F "%p|%k|$n\n" "p$n"
	done | sort >have
	diff want have
}

@test "produce: a key on the command line goes where the same key in a line goes" {
	klog-create -q -p 7 seven
	local key
	for key in alpha beta gamma delta; do
		echo x | klog-produce -k "$key" seven
		echo "$key,x" | klog-produce -K , seven
	done
	equal "$(fields seven | sort | uniq -c | awk '$1 != 2')" ""
}

@test "produce: without a key records stick to a partition for a batch, then move on" {
	klog-create -q -p 3 three
	# The next partition is drawn by lot: so many that each has its turn.
	make-lines 0 20000 100 | klog-produce --batch-size 32KiB three
	stored three | awk '{ n[$1]++ } END { exit !(n[0] > 0 && n[1] > 0 && n[2] > 0) }'
	equal "$(klog-consume three | sort | uniq | wc -l)" 20000
	sound three
	# One short run stays together.
	klog-create -q -p 3 again
	seq 10 | klog-produce again
	equal "$(stored again | cut -d' ' -f1 | sort -u | wc -l)" 1
}

@test "produce: -H gives every record headers, in order and as often as named" {
	printf 'a\nb\n' | klog-produce -H host=web1 -H 'q=a=b' -H host= t
	equal "$(klog-consume -F '%h\n' t)" $'host=web1,q=a=b,host=\nhost=web1,q=a=b,host='
	klog 2 produce -H nonsense t <<<x
	usage_error produce nonsense
	sound t
}

@test "produce: -D sets the delimiter, -0 is a NUL" {
	printf 'a;b\n;;c' | klog-produce -D ';' t
	equal "$(klog-consume -F '[%s]' t)" $'[a][b\n][][c]'
	klog-create -q nul
	printf 'a\nb\0\0c\0' | klog-produce -0 nul
	equal "$(klog-consume -F '[%s]' nul)" $'[a\nb][][c]'
	klog-create -q long
	printf 'aEND\nbEND\nc' | klog-produce -D 'END\n' long
	equal "$(klog-consume -F '[%s]' long)" '[a][b][c]'
	klog-create -q hexed
	printf 'a\001b\001' | klog-produce -D '\x01' hexed
	equal "$(klog-consume -F '[%s]' hexed)" '[a][b]'
}

@test "produce: a delimiter of several bytes that begins again and again" {
	printf 'aabaaabaaab' | klog-produce -D aab t
	# "", "a", "a"
	equal "$(klog-consume -F '[%s]' t)" '[][a][a]'
}

@test "produce: -Z makes an empty value a null" {
	printf 'k:v\nk:\n' | klog-produce -Z -K : t
	equal "$(klog-consume -F '%S ' t)" '1 -1 '
	sound t
}

@test "produce: a partition that is not there is told before anything is read" {
	klog-create -q -p 2 two
	klog 1 produce -p 2 two </dev/null
	one_line_error produce two 2
	klog 1 produce two:2 </dev/null
	one_line_error produce two 2
	klog 0 produce two:1 </dev/null
}

@test "produce: min.insync.replicas that one broker cannot give refuses acks=all" {
	klog-create -q -X min.insync.replicas=2 strict
	klog 1 produce strict <<<one
	one_line_error produce strict min.insync.replicas=2
	equal "$(klog-consume strict)" ""
	klog 0 produce --acks 1 strict <<<one
}

@test "produce: preallocate reserves a segment, and gives back what it did not fill" {
	klog-create -q -X preallocate=true -X segment.bytes=1MiB reserved
	put reserved one
	local first=$KLOG_CLUSTER/reserved/0/00000000000000000000.log
	[ "$(stat -c %b "$first")" -ge 2048 ] || skip 'no fallocate on this file system'
	equal "$(stat -c %s "$first")" 71
	make-lines 0 15000 100 | klog-produce reserved
	[ "$(($(stat -c %b "$first") * 512))" -lt $(($(stat -c %s "$first") + 65536)) ]
	sound reserved
}

@test "produce: -T copies the input to standard output" {
	printf 'a\n\nb' >input
	klog-produce -T t <input >copy
	cmp input copy
	equal "$(klog-consume t | wc -l)" 3
}

@test "produce: -T with a closed pipe ends as SIGPIPE does, and what is stored is a prefix" {
	shell 141 'make-lines 0 200000 50 | klog-produce -T t | head -1 >/dev/null'
	make-lines 0 200000 50 >all
	klog-consume t >some
	cmp -n "$(stat -c %s some)" all some
	sound t
}

@test "produce: files in turn, - is standard input" {
	printf '1\n2' >a
	printf '3\n' >b
	echo in | klog-produce t a - b
	equal "$(klog-consume t)" $'1\n2\nin\n3'
}

@test "produce: a file that is missing is named, what came before it is stored" {
	printf '1\n' >a
	klog 1 produce t a no-such-file
	error_line produce no-such-file
	equal "$(klog-consume t)" 1
	klog 1 produce t .
	error_line produce
}

@test "produce: -z compresses with every codec, and reads back" {
	local codec
	make-lines -m 7 300 >input
	for codec in none gzip snappy lz4 zstd; do
		klog-create -q "c-$codec"
		klog-produce -z "$codec" "c-$codec" <input
		klog-consume "c-$codec" >output
		cmp input output
		sound "c-$codec"
	done
	local dir codecs=''
	for codec in none gzip snappy lz4 zstd; do
		dir=$(partition "c-$codec")
		codecs+="$(partition-check -b "$dir" | cut -d' ' -f5 | sort -u) "
	done
	equal "$codecs" "0 1 2 3 4 "
	klog 2 produce -z bzip2 t <<<x
	usage_error produce bzip2
}

@test "produce: compression makes files smaller, and mixes in one topic" {
	local codec
	make-lines 0 20000 100 >input
	: >all
	for codec in gzip none zstd snappy lz4; do
		klog-produce -z "$codec" t <input
		cat input >>all
		klog-create -q "s-$codec"
		klog-produce -z "$codec" "s-$codec" <input
	done
	klog-consume t | cmp - all
	sound t
	for codec in gzip snappy lz4 zstd; do
		[ "$(stat -c %s "$(partition "s-$codec")"/*.log)" -lt 1000000 ]
	done
}

@test "produce: a topic's compression.type is what a producer without -z uses" {
	klog-create -q -X compression.type=zstd z
	make-lines 0 1000 | klog-produce z
	equal "$(partition-check -b "$(partition z)" | cut -d' ' -f5 | sort -u)" 4
	make-lines 0 1000 | cmp - <(klog-consume z)
}

@test "produce: -X takes a producer's settings, and refuses what it cannot be" {
	seq 3 | klog-produce -X linger.ms=5 -X batch.size=64KiB -X compression.type=lz4 -X acks=1 t
	equal "$(partition-check -b "$(partition t)" | cut -d' ' -f5 | sort -u)" 3
	klog 2 produce -X lingr.ms=5 t <<<x
	usage_error produce lingr.ms linger.ms
	klog 2 produce -X batch.size=-5 t <<<x
	usage_error produce batch.size
	klog 2 produce -X acks=7 t <<<x
	usage_error produce acks
	klog 2 produce -X linger.ms=5 --linger 6ms t <<<x
	usage_error produce
	equal "$(klog-consume t | wc -l)" 3
}

@test "produce: --acks all and 1 only" {
	echo a | klog-produce --acks all t
	echo b | klog-produce --acks 1 t
	equal "$(klog-consume t)" $'a\nb'
	klog 2 produce --acks 2 t <<<x
	usage_error produce
}

@test "produce: --batch-size bounds the batches" {
	make-lines 0 2000 100 >input
	klog-produce --batch-size 1KiB --linger 1s t <input
	klog-consume t | cmp - input
	partition-check -b "$(partition t)" | awk '$4 > 1200 { exit 1 }'
	[ "$(partition-check -b "$(partition t)" | wc -l)" -gt 150 ]
	# A record larger than a batch is a batch of its own.
	head -c 5000 /dev/zero | tr '\0' x | klog-produce --batch-size 1KiB t
	equal "$(klog-consume -F '%S\n' t | tail -1)" 5000
	sound t
}

@test "produce: what is at hand is appended when the input pauses" {
	mkfifo input
	klog-produce t <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 has_record first
	echo second >&5
	until_true 20 has_record second
	exec 5>&-
	ended 0 "$pid"
	equal "$(klog-consume t)" $'first\nsecond'
}

has_record() {
	klog-consume t | grep -qx "$1"
}

@test "produce: --linger gathers what comes slowly into one batch" {
	mkfifo input
	klog-produce --linger 30s t <input &
	local pid=$! i
	exec 5>input
	for i in 1 2 3 4 5; do
		echo "$i" >&5
	done
	exec 5>&-
	# The end of the input does not wait for the time to pass.
	ended 0 "$pid"
	equal "$(partition-check -b "$(partition t)" | wc -l)" 1
	equal "$(klog-consume t)" $'1\n2\n3\n4\n5'
}

@test "produce: --no-sync stores as well" {
	seq 1000 | klog-produce --no-sync t
	equal "$(klog-consume t | wc -l)" 1000
	seq 1000 | klog-produce t
	equal "$(klog-consume --synced t | wc -l)" 2000
	sound t
}

@test "produce: a record one byte too large is refused by line, what came before is stored" {
	head -c 1048516 /dev/zero | tr '\0' a >largest
	{
		echo one
		cat largest
		echo
		echo two
	} | klog-produce t
	equal "$(klog-consume -F '%S ' t)" "3 1048516 3 "
	{
		echo three
		cat largest
		echo b
		echo four
	} >input
	klog 1 produce t <input
	one_line_error produce 2
	equal "$(klog-consume -F '%S ' t)" "3 1048516 3 5 "
	sound t
}

@test "produce: a refused line in a file names the file and its own line number" {
	printf 'a=1\n' >good
	printf 'b=2\nbad\nc=3\n' >mixed
	klog 1 produce -K = t good mixed
	one_line_error produce mixed 2
	equal "$(klog-consume -K = t)" $'a=1\nb=2'
}

@test "produce: -K refuses a line without the delimiter, by number" {
	klog 1 produce -K = t <<<$'a=1\nb=2\nnothing\nc=3'
	one_line_error produce 3
	equal "$(klog-consume -K = t)" $'a=1\nb=2'
}

@test "produce: --on-error skip names each line, goes on, and ends with 1" {
	klog 1 produce --on-error skip -K = t <<<$'a=1\nbad\nb=2\nworse\nc=3'
	equal "$(klog-consume -K = t)" $'a=1\nb=2\nc=3'
	grep -q 2 <<<"${stderr_lines[0]}"
	grep -q 4 <<<"${stderr_lines[1]}"
	klog 1 produce --on-error stop -K = t <<<$'d=1\nbad\ne=2'
	equal "$(klog-consume -K = t | tail -1)" d=1
	klog 2 produce --on-error never t <<<x
	usage_error produce never
}

@test "produce: a skipped line too large leaves nothing of itself" {
	{
		echo a
		head -c 3000000 /dev/zero | tr '\0' x
		echo
		echo b
	} >input
	klog 1 produce --on-error skip t <input
	equal "$(klog-consume t)" $'a\nb'
}

@test "produce: a topic's max.message.bytes decides what is too large" {
	klog-create -q -X max.message.bytes=1000 small
	head -c 900 /dev/zero | tr '\0' x | klog-produce small
	klog 1 produce small < <(head -c 1000 /dev/zero | tr '\0' x)
	one_line_error produce small
	make-lines 0 1000 50 | klog-produce small
	partition-check -b "$(partition small)" | awk '$4 > 1000 { exit 1 }'
	klog-create -q -X max.message.bytes=8MiB big
	head -c 7000000 /dev/zero | tr '\0' x | klog-produce big
	equal "$(klog-consume big | wc -c)" 7000001
}

@test "produce: message.timestamp.type=LogAppendTime stamps with the time of the append" {
	klog-create -q -X message.timestamp.type=LogAppendTime a
	printf '1\n2\n3\n' | klog-produce a
	sound a
	equal "$(klog-consume -F '%T\n' a | sort -u | wc -l)" 1
}

@test "produce: timestamps are the clock's" {
	local before after
	before=$(date +%s%3N)
	seq 10 | klog-produce t
	after=$(date +%s%3N)
	klog-consume -F '%T\n' t | awk -v a="$before" -v b="$after" '$1 < a || $1 > b { exit 1 }'
}

@test "produce: what cannot be said together is wrong usage" {
	local args
	for args in "-p 0 -k a" "-p 0 -K =" "-k a -K =" "-D x -0" "-p 0 -p 0" \
		"-z gzip -z gzip" "--acks 1 --acks all" "-z lz4 -X compression.type=gzip" \
		"--batch-size 1K -X batch.size=2K" "-T -T" "--linger x" "--batch-size x" \
		"--on-full sometimes" "-D"; do
		# shellcheck disable=SC2086
		klog 2 produce $args t </dev/null
		usage_error produce
	done
	klog 2 produce </dev/null
	usage_error produce
	klog 2 produce -D '' t </dev/null
	usage_error produce
}

@test "produce: files on disk have Kafka's names, and klog's two beside them" {
	seq 10 | klog-produce t
	equal "$(cd "$(partition t)" && ls -A)" \
		$'.klog\n.klog.lock\n00000000000000000000.index\n00000000000000000000.log\n00000000000000000000.timeindex\nleader-epoch-checkpoint'
	equal "$(cat "$(partition t)/leader-epoch-checkpoint")" $'0\n1\n0 0'
	[ "$(stat -c %s "$(partition t)/.klog")" -le 8192 ]
}

@test "produce: segments roll at segment.bytes, indexes are as Kafka makes them" {
	klog-create -q -X segment.bytes=1MiB rolls
	make-lines 0 60000 100 >input
	klog-produce rolls <input
	[ "$(find "$(partition rolls)" -name '*.log' | wc -l)" -ge 6 ]
	klog-consume rolls | cmp - input
	sound rolls -s 1048576 -i 4096
}

@test "produce: index.interval.bytes, over several runs too" {
	local i
	klog-create -q -X index.interval.bytes=100 dense
	for i in 1 2 3 4 5 6 7 8; do
		echo "some line of text $i" | klog-produce dense
	done
	sound dense -i 100
	[ -s "$(partition dense)/00000000000000000000.index" ]
	[ -s "$(partition dense)/00000000000000000000.timeindex" ]
}

@test "produce: SIGTERM stores the last words of a pipe, then dies by the signal" {
	mkfifo input
	klog-produce t <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 has_record first
	kill -TERM "$pid"
	echo last words >&5
	exec 5>&-
	ended 143 "$pid"
	equal "$(klog-consume --synced t)" $'first\nlast words'
	sound t
}

@test "produce: SIGINT and SIGHUP as well" {
	local signal number
	for signal in INT:130 HUP:129; do
		number=${signal#*:}
		signal=${signal%:*}
		rm -f input
		mkfifo input
		klog-create -q "by-$signal"
		# A shell without job control starts its children deaf to SIGINT.
		env --default-signal=INT klog-produce "by-$signal" <input &
		local pid=$!
		exec 5>input
		echo "$signal" >&5
		until_true 20 synced_equals "by-$signal" "$signal"
		kill -"$signal" "$pid"
		exec 5>&-
		ended "$number" "$pid"
		equal "$(klog-consume --synced "by-$signal")" "$signal"
	done
}

synced_equals() {
	[ "$(klog-consume --synced "$1")" = "$2" ]
}

@test "produce: a pipe that never ends is left 2 seconds after SIGTERM" {
	mkfifo input
	klog-produce t <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 has_record first
	kill -TERM "$pid"
	ended 143 "$pid"
	exec 5>&-
	equal "$(klog-consume t)" first
}

@test "produce: a second signal ends it at once" {
	mkfifo input
	klog-produce t <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 has_record first
	kill -TERM "$pid"
	kill -TERM "$pid" 2>/dev/null || true
	ended 143 "$pid"
	exec 5>&-
	sound t
}

@test "produce: flush.ms syncs while it runs, idle or not" {
	klog-create -q -X flush.ms=50 f
	mkfifo input
	klog-produce f <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 synced_equals f first
	exec 5>&-
	ended 0 "$pid"
}

@test "produce: flush.messages syncs after so many" {
	klog-create -q -X flush.messages=1 -X flush.ms=7d f
	mkfifo input
	klog-produce f <input &
	local pid=$!
	exec 5>input
	echo first >&5
	until_true 20 synced_equals f first
	exec 5>&-
	ended 0 "$pid"
}

@test "produce: a file-size limit ends with 1, and what was stored before stays" {
	shell 1 'ulimit -f 2048; make-lines 0 100000 100 | klog-produce t'
	one_line_error produce
	make-lines 0 100000 100 >all
	klog-consume t >some
	cmp -n "$(stat -c %s some)" all some
	[ -s some ]
	[[ "$stderr" == *" $(wc -l <some) records stored, "* ]]
	echo next | klog-produce t
	equal "$(klog-consume t | tail -1)" next
	sound t
}

@test "produce: descriptors 0 to 2 closed at the start do no harm" {
	echo x >file
	shell 0 'klog-produce t file <&- >&- 2>&-'
	equal "$(klog-consume t)" x
	sound t
}
