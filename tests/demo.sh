#!/bin/bash
# A guided tour of klog on this machine's own log lines, in a directory that
# is gone afterwards.  Ends with 0 only when everything was as it should be.
# shellcheck disable=SC1003,SC2016	# awk's and sed's dollars are meant
set -u
export LC_ALL=C
[ -z "${KLOG_BIN-}" ] || PATH=$KLOG_BIN:$PATH

bold='' plain=''
if [ -t 1 ] && [ "${TERM-dumb}" != dumb ]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/klog-demo.XXXXXX") || exit
follower=
end() {
	[ -z "$follower" ] || kill "$follower" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$dir" || exit
export KLOG_CLUSTER=$dir/cluster

say() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

wrong() {
	printf '\nThis is not as it should be: %s\n' "$*" >&2
	exit 1
}

# run COMMAND: shows it, then what it prints.  A tool may end by SIGPIPE when
# head has seen enough.
run() {
	printf '  $ %s%s%s\n' "$bold" "$1" "$plain"
	(set -o pipefail && eval "$1") 2>&1 </dev/null | sed 's/^/    /'
	case ${PIPESTATUS[0]} in 0 | 141) ;; *) wrong "$1" ;; esac
}

# The newest lines that are here to be had; last of all, names of files.
found() {
	sed -e '$a\' 2>/dev/null | tail -n 50000 >lines
	[ -s lines ]
}
key='{ print $1 "\t" $0 }' kind='first word'
if [ -r /var/log/dpkg.log ] && found </var/log/dpkg.log; then
	from='/var/log/dpkg.log' kind=package
	key='{ print ($3 == "status" ? $5 : $4) "\t" $0 }'
elif journalctl -q --no-pager -n 50000 2>/dev/null | found; then
	from='the journal' kind=program
	key='{ split($5, k, /[[:]/); print k[1] "\t" $0 }'
elif cat /var/log/*.log 2>/dev/null | found; then
	from='/var/log/*.log'
elif find /usr -type f 2>/dev/null | found; then
	from='find /usr: this machine has no logs that you may read'
else
	wrong 'no lines to be had from this machine'
fi
# A log goes on growing while it is looked at: what counts is the copy.
total=$(wc -l <lines)

say "$total lines from $from"
run 'tail -n 2 lines'

say 'A topic, the lines into it, and out again'
run 'klog-create log'
run 'klog-produce log <lines'
run 'klog-consume log | tail -n 2'
run 'klog-consume log >back && cmp lines back && echo the same, byte for byte'

say "Three partitions: the $kind is the key, and a key stays in one partition"
run 'klog-create -p 3 keyed'
awk "$key" lines >keyed
run 'tail -n 1 keyed'
run "klog-produce -K '\\t' keyed <keyed"
run "klog-consume -F '%p\\n' keyed | sort | uniq -c"
run "klog-consume -p 1 -c 2 -F 'partition %p, offset %o, key %k\\n' keyed"
klog-consume -F '%k\t%s\n' keyed | sort | cmp -s - <(sort keyed) ||
	wrong 'the records are not those that were produced'
klog-consume -F '%p\t%k\n' keyed | sort -u >pairs
[ -z "$(cut -f 2- pairs | sort | uniq -d)" ] ||
	wrong 'a key is in two partitions'
[ "$(cut -f 2- pairs | wc -l)" -eq "$(cut -f 1 keyed | sort -u | wc -l)" ] ||
	wrong 'a key is missing'

say 'A reader that follows, as tail -f does, while others append'
printf '  $ %s%s%s\n' "$bold" 'klog-consume -f -n 2 -c 4 log &' "$plain"
klog-consume -f -n 2 -c 4 log >seen &
follower=$!
# Its first two lines say that it is where it should be.
for ((i = 0; i < 1000; i++)); do
	[ "$(wc -l <seen)" -lt 2 ] || break
	sleep 0.02
done
[ "$i" -lt 1000 ] || wrong 'the follower printed nothing'
since=$(date +%s%3N)
sleep 0.01
run 'echo "klog: a first new line" | klog-produce log'
run 'echo "klog: a second one, from another writer" | klog-produce log'
for ((i = 0; i < 1000; i++)); do
	kill -0 "$follower" 2>/dev/null || break
	sleep 0.02
done
[ "$i" -lt 1000 ] || wrong 'the follower did not see the new lines'
wait "$follower" || wrong 'the follower failed'
follower=
sed 's/^/    /' seen
{
	tail -n 2 lines
	echo 'klog: a first new line'
	echo 'klog: a second one, from another writer'
} | cmp - seen || wrong 'the follower saw other lines'

say 'Reading by offset and by time: what came since a moment ago'
run "klog-consume -o $((total / 2)) -c 2 -F '%o  %d{%H:%M:%S}  %s\\n' log"
run "klog-consume -o @${since}ms log"
klog-consume -o "@${since}ms" log | cmp -s - <(tail -n 2 seen) ||
	wrong 'these are not the lines since then'

say "On disk: Kafka's own files, and klog's state beside them"
run 'ls -lA cluster/log/0'
run 'cat cluster/keyed/topic.yaml'
run 'klog-inspect log keyed'

say 'Compressed, as a producer of Kafka would'
run 'klog-create small; klog-produce -z zstd small <lines'
run 'klog-consume small | cmp - lines && klog-inspect log small'

printf '\nAll as it should be; %s is removed.\n' "$dir"
