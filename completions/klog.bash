# shellcheck shell=bash
# Bash completion for the klog tools; it needs bash-completion 2.
#
# Names read from a disk are compared and copied, never expanded: no eval, and
# no compgen -W, which expands its words.  Only legal topic names are offered.

# Those of the $words in COMPREPLY that begin with $cur.  With a first
# argument, that much of $cur stands before the word already.
_klog_offer() {
	local before=$1 word
	shift
	for word; do
		[[ $before$word == "$cur"* ]] && COMPREPLY+=("$before$word")
	done
}

# The value of -C, else KLOG_CLUSTER, else the default: the first directory of
# it that is there.
_klog_cluster() {
	local i dir dirs=${KLOG_CLUSTER-}
	if [[ ! $dirs ]]; then
		dirs=$HOME/.local/share/klog
		[[ ${XDG_DATA_HOME-} == /* ]] && dirs=$XDG_DATA_HOME/klog
		((EUID == 0)) && dirs=/var/lib/klog
	fi
	for ((i = 1; i < ${#words[@]}; i++)); do
		((i == cword)) && continue
		case ${words[i]} in
		-C | --cluster)
			((i + 1 == cword)) || dirs=${words[i + 1]-}
			;;
		-C?*) dirs=${words[i]#-C} ;;
		--cluster=*) dirs=${words[i]#*=} ;;
		esac
	done
	# As the shell will read the word, but for variables and the like.
	dirs=${dirs//[\'\"\\]/}
	# shellcheck disable=SC2088 # nobody else expands it
	[[ $dirs == '~' || $dirs == '~/'* ]] && dirs=$HOME${dirs#'~'}
	while [[ $dirs ]]; do
		dir=${dirs%%,*}
		dirs=${dirs#"$dir"}
		dirs=${dirs#,}
		if [[ -d $dir ]]; then
			printf '%s' "$dir"
			return
		fi
	done
	return 1
}

_klog_topics() {
	local LC_ALL=C dir path name names=()
	if [[ $cur == */* || $cur == '~'* ]]; then
		_filedir "$@"
		return
	fi
	dir=$(_klog_cluster) || return
	for path in "$dir"/*/topic.yaml; do
		name=${path%/topic.yaml}
		name=${name##*/}
		[[ -f $path && $name =~ ^[A-Za-z0-9_-][A-Za-z0-9._-]*$ ]] &&
			names+=("$name")
	done
	_klog_offer '' "${names[@]}"
}

# The groups of all topics, each once.
_klog_groups() {
	local LC_ALL=C dir path name names=()
	dir=$(_klog_cluster) || return
	for path in "$dir"/*/groups/*/; do
		name=${path%/}
		name=${name##*/}
		[[ -d $path && $name =~ ^[A-Za-z0-9_-][A-Za-z0-9._-]*$ &&
			" ${names[*]} " != *" $name "* ]] && names+=("$name")
	done
	_klog_offer '' "${names[@]}"
}

# KEY= and then, where only some words are values, these.  Bash replaces what
# follows the last '=' only, if '=' breaks words.
_klog_settings() {
	local setting key
	for setting; do
		key=${setting%%=*}
		if [[ $cur == "$key="* ]]; then
			setting=${setting#*=}
			IFS='|' read -ra setting <<<"$setting"
			_klog_offer "$key=" "${setting[@]}"
			[[ $COMP_WORDBREAKS == *=* ]] &&
				COMPREPLY=("${COMPREPLY[@]#"$key="}")
			return
		fi
	done
	for setting; do
		_klog_offer '' "${setting%%=*}="
	done
	compopt -o nospace
}

_klog_topic_settings=(
	'cleanup.policy=delete|compact|delete,compact'
	'compression.type=uncompressed|gzip|snappy|lz4|zstd|producer'
	compression.gzip.level=
	compression.lz4.level=
	compression.zstd.level=
	delete.retention.ms=
	file.delete.delay.ms=
	flush.messages=
	flush.ms=
	index.interval.bytes=
	max.compaction.lag.ms=
	max.message.bytes=
	message.timestamp.after.max.ms=
	message.timestamp.before.max.ms=
	'message.timestamp.type=CreateTime|LogAppendTime'
	min.cleanable.dirty.ratio=
	min.compaction.lag.ms=
	min.insync.replicas=
	'preallocate=true|false'
	retention.bytes=
	retention.groups=
	retention.ms=
	segment.bytes=
	segment.index.bytes=
	segment.jitter.ms=
	segment.ms=
	'unclean.leader.election.enable=true|false'
)

_klog_producer_settings=(
	'compression.type=none|gzip|snappy|lz4|zstd'
	compression.gzip.level=
	compression.lz4.level=
	compression.zstd.level=
	flush.messages=
	flush.ms=
	'acks=all|1'
	batch.size=
	buffer.memory=
	linger.ms=
	'partitioner.ignore.keys=true|false'
)

_klog_consumer_settings=(
	'auto.offset.reset=earliest|latest|none'
	'isolation.level=read_committed|read_uncommitted'
	'partition.assignment.strategy=range|roundrobin'
)

# One directory of several, with commas between them.
_klog_directories() {
	local before='' i
	if [[ $cur == *,* ]]; then
		before=${cur%,*},
		cur=${cur##*,}
	fi
	_filedir -d
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=$before${COMPREPLY[i]}
	done
}

# How many operands stand before the cursor; "$@" are the options that take
# an argument.
_klog_operands() {
	local i option count=0
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--)
			((count += cword - i - 1))
			break
			;;
		-?*)
			for option; do
				[[ ${words[i]} == "$option" ]] && ((i++))
			done
			;;
		*) ((count++)) ;;
		esac
	done
	printf '%d' "$count"
}

_klog() {
	local cur prev words cword split options with_argument before=''
	_init_completion -s -n : || return

	options=(-C --cluster -q --quiet -v --verbose --lock-timeout -h --help
		-V --version)
	with_argument=(-C --cluster --lock-timeout)
	case ${words[0]##*/} in
	klog-create)
		options+=(-p --partitions -r --replicas
			--replica-assignment -X --setting --config --mode
			--owner-group --if-not-exists)
		with_argument+=(-p --partitions -r --replicas
			--replica-assignment -X --setting --config --mode --owner-group)
		;;
	klog-alter)
		options+=(-p --partitions -X --setting --config --edit)
		with_argument+=(-p --partitions -X --setting --config)
		;;
	klog-delete)
		options+=(--if-exists)
		;;
	klog-produce)
		options+=(-p --partition -k --key -K --key-delimiter -H --header
			-D --delimiter -0 --null-delimiter -J --json -Z --null
			-X --setting --acks
			-z --compression -T --tee --linger --batch-size --no-sync
			--on-error --on-full)
		with_argument+=(-p --partition -k --key -K --key-delimiter
			-H --header -D --delimiter -X --setting --acks -z --compression
			--linger --batch-size --on-error --on-full)
		;;
	klog-consume)
		options+=(-p --partitions -o --offset --since --until -c --count
			-n --tail -f --follow --idle-timeout --synced --merge -F --format
			-J --json -K --key-delimiter -D --delimiter -0 --null-delimiter
			-Z --null -X --setting -g --group --batch --retries
			--retry-backoff --command-timeout --dead-letter)
		with_argument+=(-p --partitions -o --offset --since --until
			-c --count -n --tail --idle-timeout -F --format
			-K --key-delimiter -D --delimiter -X --setting -g --group
			--batch --retries --retry-backoff --command-timeout
			--dead-letter)
		;;
	klog-inspect)
		options+=(-J --json --segments --batches --records --bytes
			--timeline --verify --repair --dry-run)
		;;
	klog-offsets)
		options+=(-g --group --at --groups --reset --shift --reset-from
			--undo --delete --dry-run --prometheus --output --check --warn
			--crit -J --json)
		with_argument+=(-g --group --at --reset --shift --reset-from
			--output --warn --crit)
		;;
	klog-clean)
		options+=(--dry-run --explain --before --min-free --buffer -J --json)
		with_argument+=(--before --min-free --buffer)
		;;
	esac

	case $prev in
	-C | --cluster)
		_klog_directories
		return
		;;
	-X | --setting)
		case ${words[0]##*/} in
		klog-produce) _klog_settings "${_klog_producer_settings[@]}" ;;
		klog-consume) _klog_settings "${_klog_consumer_settings[@]}" ;;
		*) _klog_settings "${_klog_topic_settings[@]}" ;;
		esac
		return
		;;
	-z | --compression)
		_klog_offer '' none gzip snappy lz4 zstd
		return
		;;
	--acks)
		_klog_offer '' all 1
		return
		;;
	--on-error)
		_klog_offer '' stop skip
		return
		;;
	--on-full)
		_klog_offer '' fail wait
		return
		;;
	-o | --offset)
		[[ $cur == *..* ]] && before=${cur%%..*}..
		_klog_offer "$before" beginning earliest end latest max-timestamp
		return
		;;
	--since | --until)
		_klog_offer '' now today yesterday
		return
		;;
	-g | --group)
		_klog_groups
		return
		;;
	--at)
		_klog_offer '' beginning earliest end latest max-timestamp \
			now today yesterday
		return
		;;
	--before)
		_klog_offer '' end latest @now @today @yesterday
		return
		;;
	--reset)
		_klog_offer '' beginning earliest end latest max-timestamp current
		return
		;;
	--config | --reset-from | --output)
		_filedir
		return
		;;
	--owner-group)
		mapfile -t COMPREPLY < <(compgen -g -- "$cur")
		return
		;;
	esac
	[[ " ${with_argument[*]} " == *" $prev "* || ${split-} == true ]] && return

	if [[ $cur == -* ]]; then
		_klog_offer '' "${options[@]}"
		return
	fi
	case ${words[0]##*/} in
	klog-create) ;;
	klog-alter | klog-delete | klog-clean) _klog_topics -d ;;
	klog-produce)
		if (($(_klog_operands "${with_argument[@]}") == 0)); then
			_klog_topics -d
		else
			_filedir
		fi
		;;
	*) _klog_topics log ;;
	esac
} &&
	complete -F _klog klog-create klog-alter klog-delete klog-produce \
		klog-consume klog-inspect klog-offsets klog-clean
