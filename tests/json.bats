#!/usr/bin/env bats
# -J: records as JSON, out and in, and the listings.
# shellcheck disable=SC2028,SC2030,SC2031,SC2094,SC2154,SC2016

load helpers

fixture() {
	klog-create -q t
}

# json LINE...: the lines into t.
json() {
	printf '%s\n' "$@" | klog-produce -J t
}

# all TOPIC: its records, but for topic and offset.
all() {
	klog-consume -J "$1" |
		sed -E 's/^\{"topic":"[^"]*",/{/; s/"offset":[0-9]+,//'
}

@test "json: a record's keys, in their order" {
	echo v | klog-produce -k k -H a=1 -H a=1 -H b= t
	local ts
	ts=$(klog-consume -F %T t)
	klog 0 consume -J t
	equal "$output" '{"topic":"t","partition":0,"offset":0,"tstype":"create","ts":'"$ts"',"key":"k","payload":"v","headers":[["a","1"],["a","1"],["b",""]]}'
	equal "$stderr" ""
	echo v | klog-produce t
	klog 0 consume -J -o 1 t
	[[ "$output" == *'"offset":1,'*'"key":null,"payload":"v","headers":[]}' ]]
}

@test "json: an append's time is said to be one" {
	klog-create -q -X message.timestamp.type=LogAppendTime a
	echo '{"payload":"v","ts":5}' | klog-produce -J a
	klog 0 consume -J a
	[[ "$output" == *'"tstype":"logappend","ts":1'[0-9]*'"payload":"v"'* ]]
}

@test "json: nulls and empty values differ" {
	json '{"key":null,"payload":""}' '{"key":"","payload":null}' '{}' \
		'{"headers":[["","" ],["",null]]}'
	equal "$(klog-consume -F '%K %S;' t)" '-1 0;0 -1;-1 -1;-1 -1;'
	klog 0 consume -J t
	[[ "${lines[0]}" == *'"key":null,"payload":"",'* ]]
	[[ "${lines[1]}" == *'"key":"","payload":null,'* ]]
	[[ "${lines[3]}" == *'"headers":[["",""],["",null]]}' ]]
}

@test "json: what is no UTF-8 is base64, and said to be; what is, is not" {
	local bytes
	# Each of these is not: a lone byte, a surrogate, one too long, too high.
	for bytes in ff c3 eda080 c080 f4908080 80 e28 fe; do
		hex "$bytes" | klog-produce -D END t
		klog 0 consume -J -o -1 t
		[[ "$output" == *'"payload":"'"$(hex "$bytes" | base64)"'","payload_encoding":"base64",'* ]]
	done
	for bytes in c3a4 e282ac f09f9880 7f efbfbd c280; do
		hex "$bytes" | klog-produce -D END t
		klog 0 consume -J -o -1 t
		[[ "$output" == *'"payload":"'"$(hex "$bytes")"'",'* ]]
	done
	printf 'a"b\\c\b\f\n\r\t\1\37/' | klog-produce -D END t
	klog 0 consume -J -o -1 t
	[[ "$output" == *'"payload":"a\"b\\c\b\f\n\r\t\u0001\u001F/",'* ]]
	printf 'a\0b' | klog-produce -D END t
	klog 0 consume -J -o -1 t
	[[ "$output" == *'"payload":"a\u0000b",'* ]]
	hex ff:k | tr -d : | klog-produce -D END -k $'\xfe' t
	klog 0 consume -J -o -1 t
	[[ "$output" == *'"key":"/g==","key_encoding":"base64","payload":'* ]]
}

@test "json: headers that are no UTF-8, names too" {
	echo v | klog-produce -H $'n=\xff' -H $'\xff=v' -H $'\xff=\xfe' t
	klog 0 consume -J t
	[[ "$output" == *'"headers":[["n","/w==","base64"],["/w==","v",null,"base64"],["/w==","/g==","base64","base64"]]}' ]]
}

# Records with all there is, three partitions of them, into src.
everything() {
	local i bytes
	klog-create -q -p 3 src
	for i in 0 1 2; do
		printf '%s\n' \
			'{"ts":0,"payload":"first"}' \
			'{"ts":-1,"payload":"no time"}' \
			'{"ts":9223372036854775807,"payload":"last"}' \
			'{"ts":1700000000123}' \
			'{"ts":5,"key":"","payload":"","headers":[["",""]]}' \
			'{"ts":5,"headers":[["a","1"],["a","1"],["a",null],["","x"],["\u0000","\u0000"]]}' \
			'{"ts":6,"headers":[["/w==","/g==","base64","base64"],["/w==",null,null,"base64"],["n","","base64"]]}' \
			'{"ts":7,"key":"/w==","key_encoding":"base64","payload":"AAD/","payload_encoding":"base64"}' \
			'{"ts":8,"payload":"\ud83d\ude00 \u00e4 \u20ac \u0000 \u001f \" \\ \/"}' |
			klog-produce -J -p "$i" src
		# Each byte alone, with each other one, and all of them.
		for bytes in 0 1; do
			for ((n = 0; n < 256; n++)); do
				printf '%b%b|END' "\\x$(printf %x "$n")" \
					"\\x$(printf %x $((n * bytes)))"
			done
		done | klog-produce -D END -p "$i" src
		head -c 200000 /dev/urandom | klog-produce -D 'no such end' -p "$i" src
	done
}

@test "json: consume -J into produce -J loses nothing" {
	everything
	klog-create -q -p 3 dst
	klog-consume -J src | klog-produce -J dst
	local i form='%p %T %K %S %R%k|%s|%h\n'
	for i in 0 1 2; do
		all "src:$i" >want
		all "dst:$i" | cmp - want
		[ "$(wc -l <want)" -eq 522 ]
		# And not only as JSON has it.
		klog-consume -F "$form" "src:$i" |
			cmp - <(klog-consume -F "$form" "dst:$i")
	done
	sound src
	sound dst
	equal "$(klog-consume -J -o 1 -c 1 dst:1 | grep -o '"ts":[^,]*')" '"ts":-1'
}

@test "json: a value of a million bytes, whatever they are" {
	local byte
	for byte in '\0' '\1' a '"' '\377'; do
		# shellcheck disable=SC2059
		head -c 1000000 /dev/zero | tr '\0' "$byte" | klog-produce -D END t
	done
	klog-create -q u
	klog-consume -J t | klog-produce -J u
	klog-consume -D END t | cmp - <(klog-consume -D END u)
}

@test "json: many headers of the longest kind" {
	klog-create -q u
	{
		printf '{"headers":['
		yes '["/w==",null,null,"base64"],' | head -20000 | tr -d '\n'
		printf '["/w==",null,null,"base64"]]}\n'
	} | klog-produce -J t
	klog-consume -J t | klog-produce -J u
	all t | cmp - <(all u)
}

@test "json: partition is honoured, unless -p, -k or -K says another" {
	klog-create -q -p 4 p
	printf '{"partition":%d,"key":"k","payload":"%d"}\n' 3 3 0 0 2 2 |
		klog-produce -J p
	equal "$(stored p)" $'0 0 0\n2 0 2\n3 0 3'
	echo '{"partition":3,"key":"k","payload":"one"}' | klog-produce -J -p 1 p
	echo '{"partition":3,"payload":"too"}' | klog-produce -J p:1
	equal "$(klog-consume -F '%k %s;' p:1)" 'k one; too;'
	local by
	by=$(echo v | klog-produce -k key p && klog-consume -F '%p %k\n' p | sed -n 's/ key$//p')
	[ -n "$by" ]
	echo '{"partition":'$(((by + 1) % 4))',"key":"k","payload":"v"}' |
		klog-produce -J -k key p
	echo 'key:{"partition":'$(((by + 1) % 4))',"key":"k","payload":"w"}' |
		klog-produce -J -K : p
	equal "$(klog-consume -F '%p %k %s;' p | tr ';' '\n' | grep ' key ')" \
		"$(printf "$by key %s\n" v v w)"
	# Without one the key decides.
	echo '{"key":"key","payload":"x"}' | klog-produce -J p
	equal "$(klog-consume -F '%p %s\n' p | grep ' x$')" "$by x"
}

@test "json: a running writer finds a partition that is new" {
	local pid
	mkfifo input
	klog-produce -J t <input &
	pid=$!
	exec 5>input
	echo '{"payload":"a"}' >&5
	klog 0 consume -f -c 1 t
	klog-alter -q -p 3 t
	echo '{"payload":"b","partition":2}' >&5
	exec 5>&-
	ended 0 "$pid"
	equal "$(stored t)" $'0 0 a\n2 0 b'
}

@test "json: topic, offset and tstype are ignored, -H comes first, -Z counts" {
	echo '{"topic":"other","offset":99,"tstype":"logappend","payload":"v","headers":[["b","2"]]}' |
		klog-produce -J -H a=1 t
	klog 0 consume -F '%t %o %s %h' t
	equal "$output" 't 0 v a=1,b=2'
	echo '{"payload":""}' | klog-produce -J -Z t
	equal "$(klog-consume -o 1 -F %S t)" -1
	klog 0 consume -J -o 0 -c 1 t
	[[ "$output" == *'"offset":0,"tstype":"create"'* ]]
}

@test "json: a record without ts gets the time, one with it keeps it" {
	local before after
	before=$(date +%s%3N)
	json '{"payload":"a"}' '{"payload":"b","ts":null}' '{"ts":1234}'
	after=$(date +%s%3N)
	mapfile -t stamps < <(klog-consume -F '%T\n' t)
	[ "${stamps[0]}" -ge "$before" ] && [ "${stamps[0]}" -le "$after" ]
	[ "${stamps[1]}" -ge "$before" ] && [ "${stamps[1]}" -le "$after" ]
	equal "${stamps[2]}" 1234
}

@test "json: other delimiters, a last line without one, -T" {
	printf '{"payload":\n"a"}\0{"payload":"b"}' | klog-produce -J -0 t
	equal "$(klog-consume t)" $'a\nb'
	klog-consume -J -0 t | klog-produce -J -0 t
	equal "$(klog-consume t)" $'a\nb\na\nb'
	printf '{"payload":"c"}\n{"payload":"d"}\n' >in
	klog-produce -J -T t <in | cmp - in
	equal "$(klog-consume -o 4 t)" $'c\nd'
}

# refused WHY LINE: it is, with its number, and what came before is stored.
refused() {
	local why=$1 line=$2
	rm -rf "$KLOG_CLUSTER/r"
	klog-create -q -p 2 r
	printf '{"payload":"good"}\n%s\n{"payload":"late"}\n' "$line" >lines
	klog 1 produce -J r lines
	one_line_error produce "lines:2: " "$why" '1 records stored, 1 not'
	equal "$(klog-consume r)" good
	rm -rf "$KLOG_CLUSTER/r"
	klog-create -q -p 2 r
	klog 1 produce -J --on-error skip r lines
	[[ "${stderr_lines[0]}" == *"lines:2: "*"$why"* ]]
	equal "$(klog-consume r | sort)" $'good\nlate'
}

@test "json: lines that are refused, by number" {
	refused 'not JSON' ''
	refused 'not JSON' 'x'
	refused 'not JSON' '{"payload":"a"'
	refused 'not JSON' '{"payload":"a"} {}'
	refused 'not JSON' "$(printf '{"payload":"\xff"}')"
	refused 'not JSON' '{"payload":"\ud800"}'
	refused 'not JSON' '{"payload":"a","payload":"b"}'
	refused 'not JSON' '{"ts":99999999999999999999}'
	refused 'not JSON' '{"payl\u0000oad":"a"}'
	refused 'not a JSON object' '[]'
	refused 'not JSON' '"text"'
	refused "unknown key 'value'" '{"value":"a"}'
	refused "unknown key 'Key'" '{"Key":"a"}'
	refused 'payload is neither a string nor null' '{"payload":{}}'
	refused 'key is neither a string nor null' '{"key":1}'
	refused 'payload is not base64' '{"payload":"/w=","payload_encoding":"base64"}'
	refused 'payload is not base64' '{"payload":"/x==","payload_encoding":"base64"}'
	refused 'payload is not base64' '{"payload":"_w==","payload_encoding":"base64"}'
	refused 'payload is not base64' '{"payload":"/w==/w==","payload_encoding":"base64"}'
	refused 'the encoding of payload' '{"payload":"a","payload_encoding":"hex"}'
	refused 'the encoding of key' '{"key":"a","key_encoding":1}'
	refused 'ts is not' '{"ts":1.5}'
	refused 'ts is not' '{"ts":"1"}'
	refused 'ts is not' '{"ts":-2}'
	refused 'partition is not' '{"partition":-1}'
	refused 'partition is not' '{"partition":4294967296}'
	refused 'no partition 2' '{"partition":2}'
	refused 'headers are not a list' '{"headers":{"a":"b"}}'
	refused 'a header is not a list' '{"headers":["a","b"]}'
	refused 'a header is not a list' '{"headers":[["a"]]}'
	refused 'a header is not a list' '{"headers":[["a","b",null,null,null]]}'
	refused "a header's name" '{"headers":[[null,"b"]]}'
	refused "a header's value" '{"headers":[["a",1]]}'
	refused "a header's name is not base64" '{"headers":[["a","b",null,"base64"]]}'
}

@test "json: a message shows no escape of a hostile line" {
	printf '{"\x1b[31m":1}\n' >lines
	klog 1 produce -J t lines
	one_line_error produce 'lines:1'
	printf '{"\\u001b[31m":1}\n' >lines
	klog 1 produce -J t lines
	one_line_error produce 'lines:1' '\x1b[31m'
}

@test "json: deep, long and crowded lines are refused before they cost memory" {
	{
		yes '[' | head -17 | tr -d '\n'
		echo
		yes '[' | head -3000000 | tr -d '\n'
		echo
		printf '{"headers":['
		yes '[],' | head -1000000 | tr -d '\n'
		echo
		head -c 30000000 /dev/zero | tr '\0' a
		echo
		echo '{"payload":"\\\"[[[[[[[[[[[[[[[[[[[[[[["}'
	} >lines
	klog 1 produce -J --on-error skip t lines
	[[ "${stderr_lines[0]}" == *lines:1:*'nested deeper than 16'* ]]
	[[ "${stderr_lines[1]}" == *lines:2:*'nested deeper than 16'* ]]
	[[ "${stderr_lines[2]}" == *lines:3:*'more than 131072 values'* ]]
	[[ "${stderr_lines[3]}" == *lines:4:*'longer than 10486904 bytes'* ]]
	equal "$(klog-consume t)" '\"[[[[[[[[[[[[[[[[[[[[[[['
	[ -z "${KLOG_SANITIZED-}" ] || return 0
	# The addresses bound what it has: a line, and what is made of it.
	shell 1 'ulimit -v 120000; klog-produce -J --on-error skip t lines'
	[[ "$stderr" != *'out of memory'* ]]
}

@test "json: the limit of a line is the topic's" {
	klog-create -q -X max.message.bytes=1000 small
	{
		printf '{"payload":"'
		head -c 11100 /dev/zero | tr '\0' a
		echo '"}'
	} >lines
	klog 1 produce -J small lines
	one_line_error produce 'lines:1' 'longer than 11024 bytes'
}

@test "json: -J contradicts other ways to print" {
	klog 2 consume -J -F %s t
	usage_error consume
	klog 2 consume -J -K : t
	usage_error consume
}

@test "json: message.timestamp.before.max.ms and after.max.ms bound a record's own time" {
	local now
	klog-create -q -X message.timestamp.before.max.ms=1h \
		-X message.timestamp.after.max.ms=1m b
	now=$(date +%s%3N)
	printf '{"payload":"%s","ts":%d}\n' old $((now - 3700000)) \
		past $((now - 3500000)) soon $((now + 50000)) \
		future $((now + 120000)) none -1 zero 0 far 9223372036854775807 >lines
	klog 1 produce -J --on-error skip b lines
	equal "$(klog-consume b | tr '\n' ' ')" 'past soon none '
	[[ "$stderr" == *'lines:1: '*message.timestamp.before.max.ms* ]]
	[[ "$stderr" == *'lines:4: '*message.timestamp.after.max.ms* ]]
	[[ "$stderr" == *'lines:6: '*message.timestamp.before.max.ms* ]]
	[[ "$stderr" == *'lines:7: '*message.timestamp.after.max.ms* ]]
	klog 1 produce -J b lines
	one_line_error produce lines:1 '0 records stored, 1 not'
	# Where the append stamps, a record's own time does not count.
	klog-alter -X message.timestamp.type=LogAppendTime b
	klog 0 produce -J b lines
	equal "$(klog-consume -o 3 b | wc -l)" 7
	# And plain lines are of now.
	klog-create -q -X message.timestamp.before.max.ms=0 \
		-X message.timestamp.after.max.ms=0 c
	echo a | klog-produce c
}

@test "json: klog-inspect -J has a line for each topic, partition and setting" {
	klog-create -q -p 2 -X retention.ms=1h s
	echo '{"ts":1000,"payload":"a"}' | klog-produce -J -p 1 s
	local bytes
	bytes=$(stat -c %s "$(partition s 1)"/*.log)
	klog 0 inspect -J
	equal "$output" '{"topic":"s","partitions":2,"records":1,"bytes":'"$bytes"'}
{"topic":"t","partitions":1,"records":0,"bytes":0}'
	klog 0 inspect -J s
	equal "$output" '{"topic":"s","partition":0,"leader":0,"replicas":[0],"isr":[0],"start":0,"end":0,"bytes":0,"oldest":null,"newest":null}
{"topic":"s","partition":1,"leader":0,"replicas":[0],"isr":[0],"start":0,"end":1,"bytes":'"$bytes"',"oldest":1000,"newest":1000}
{"topic":"s","setting":"retention.ms","value":"3600000"}'
	# A directory that is not klog's says less, and may have any name.
	mkdir $'b\xff-0'
	cp "$(partition s 1)"/*.log $'b\xff-0'
	klog 0 inspect -J ./$'b\xff-0'
	[[ "$output" == *'b\\xff-0'*'"leader":null,"replicas":null,"isr":null,"start":0,"end":1,'* ]]
}

@test "json: -n over partitions ends, whatever the timestamps are" {
	klog-create -q -p 2 far
	printf '%s\n' '{"ts":9223372036854775807,"partition":0,"payload":"far"}' \
		'{"ts":1,"partition":1,"payload":"a"}' \
		'{"ts":1,"partition":1,"payload":"b"}' | klog-produce -J far
	klog 0 consume -n 1 far
	equal "$output" far
	klog 0 consume -n 2 --merge far
	equal "${#lines[@]}" 2
}
