# A Kafka broker for the tests: one process, its own controller, one per test
# file.  `fetch` brings it; KAFKA_HOME is the directory of one that runs or
# ran, KAFKA the address that clients are given.
# shellcheck shell=bash

kafka_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kafka_cache=$(cd "$kafka_here/../.." && pwd)/.cache/kafka

# kafka_java CLASS [ARG...]: ours, and those of Kafka.
kafka_java() {
	java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m \
		-Dlog4j2.configurationFile="$kafka_here/log4j2.properties" \
		-cp "$kafka_cache/classes:$kafka_cache/libs/*" "$@"
}

# Why there is no Kafka, or nothing.
kafka_missing() {
	if [ -e "$kafka_cache/missing" ]; then
		cat "$kafka_cache/missing"
	elif [ ! -d "$kafka_cache/classes" ]; then
		echo 'tests/kafka/fetch has not been run'
	fi
}

need_kafka() {
	local why
	why=$(kafka_missing)
	[ -z "$why" ] || skip "$why"
}

# kafka_new DIR [SETTING...]: a broker without topics, not running.
kafka_new() {
	export KAFKA_HOME=$1
	shift
	mkdir -p "$KAFKA_HOME" || return
	printf '%s\n' "$@" >"$KAFKA_HOME/settings"
	kafka_settings 0 0
	kafka_java kafka.tools.StorageTool format -c "$KAFKA_HOME/settings.all" \
		-t "$(kafka_java kafka.tools.StorageTool random-uuid)" \
		>"$KAFKA_HOME/format" 2>&1 || cat "$KAFKA_HOME/format" >&2
}

# kafka_settings PORT CONTROLLER-PORT
kafka_settings() {
	cat - "$KAFKA_HOME/settings" >"$KAFKA_HOME/settings.all" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
log.dirs=$KAFKA_HOME/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.index.size.max.bytes=1048576
log.flush.start.offset.checkpoint.interval.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=33554432
EOF
}

# A port below those that the kernel gives to clients, and not in use.
kafka_port() {
	local port
	while port=$((10000 + RANDOM % 20000)); do
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# Starts it, and waits until it answers.  It dies with the shell that called,
# should that not come to stop it; a port that somebody takes meanwhile is
# tried for again.
kafka_start() {
	local try
	for try in 1 2 3; do
		kafka_settings "$(kafka_port)" "$(kafka_port)"
		KAFKA=$(sed -n 's|^advertised.listeners=PLAINTEXT://||p' \
			"$KAFKA_HOME/settings.all")
		setpriv --pdeathsig TERM java -Xmx512m -Xms256m \
			-XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
			-Dlog4j2.configurationFile="$kafka_here/log4j2.properties" \
			-cp "$kafka_cache/libs/*" \
			kafka.Kafka "$KAFKA_HOME/settings.all" \
			</dev/null >"$KAFKA_HOME/log.$try" 2>&1 3>&- &
		echo $! >"$KAFKA_HOME/pid"
		export KAFKA
		kafka_answers && return 0
		kafka_stop
		cat "$KAFKA_HOME/log.$try" >&2
	done
	return 1
}

kafka_answers() {
	local end=$((SECONDS + 60))
	while kafka_runs && [ "$SECONDS" -lt "$end" ]; do
		timeout 2 kcat -b "$KAFKA" -L -m 1 >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

kafka_runs() {
	local state
	[ -e "$KAFKA_HOME/pid" ] || return
	state=$(awk '{ print $3 }' "/proc/$(cat "$KAFKA_HOME/pid")/stat" \
		2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

# Ends it as SIGTERM does: logs closed, checkpoints written.  Does nothing
# when it does not run.
kafka_stop() {
	local end=$((SECONDS + 30))
	[ -e "${KAFKA_HOME:-}/pid" ] || return 0
	kafka_runs && kill "$(cat "$KAFKA_HOME/pid")"
	while kafka_runs; do
		[ "$SECONDS" -lt "$end" ] || kill -9 "$(cat "$KAFKA_HOME/pid")"
		sleep 0.05
	done
	rm "$KAFKA_HOME/pid"
}

# kafka_partitions WORD...: of Partitions.java, by the broker that runs.
kafka_partitions() {
	kafka_java Partitions "$KAFKA" "$@"
}

# kafka_kcat TOPIC [OPTION...]: what kcat prints of it, read_committed.
kafka_kcat() {
	timeout 60 kcat -q -C -b "$KAFKA" -t "$1" -o beginning -e \
		-X isolation.level=read_committed "${@:2}"
}

# kafka_compacted TOPIC OFFSET: waits until the cleaner was there.
kafka_compacted() {
	local end=$((SECONDS + 60))
	until awk -v topic="$1" -v offset="$2" '
		$1 == topic && $3 >= offset { found = 1 }
		END { exit !found }' \
		"$KAFKA_HOME/data/cleaner-offset-checkpoint" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.1
	done
}
