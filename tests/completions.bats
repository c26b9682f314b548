#!/usr/bin/env bats
# The completions, in the shells that they are for.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

bats_require_minimum_version 1.5.0

setup() {
	completions=$(cd "$BATS_TEST_DIRNAME/../completions" && pwd)
	export HOME=$BATS_TEST_TMPDIR/home
	export KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	export LC_ALL=C.UTF-8
	unset XDG_DATA_HOME XDG_CONFIG_HOME
	mkdir "$HOME"
	cd "$BATS_TEST_TMPDIR" || return
	topics "$KLOG_CLUSTER" access accounts billing.2026
	mkdir "$KLOG_CLUSTER/acids" # no topic
	# Illegal names: hostile ones, and a topic that is being deleted.
	topics "$KLOG_CLUSTER" 'ac$(touch pwned)' 'ac`touch pwned`' \
		'ac;touch pwned' $'ac\ntouch pwned' 'ac b' 'ac*' "ac'" 'ac"' \
		'-ac|touch pwned' .deleted-ac-1
	topics other across
	echo line >lines.txt
}

topics() {
	local cluster=$1 topic
	shift
	for topic; do
		mkdir -p "$cluster/$topic/0"
		: >"$cluster/$topic/topic.yaml"
	done
}

# offers LINE: what the shell of the test offers at its end, sorted, in $output.
offers() {
	command -v "$shell" >/dev/null || skip "needs $shell"
	[ "$shell" != bash ] ||
		[ -f /usr/share/bash-completion/bash_completion ] ||
		skip 'needs bash-completion'
	run -0 --separate-stderr "in_$shell" "$1"
	output=$(grep . <<<"$output" | LC_ALL=C sort -u || true)
	printf '%s: %s\n%s\n%s\n' "$shell" "$1" "$output" "$stderr"
	[ ! -e pwned ]
	[ ! -e "$KLOG_CLUSTER/pwned" ]
}

# is WORD...: those, and nothing else.
is() {
	local want
	want=$(printf '%s\n' "$@" | LC_ALL=C sort -u)
	[ "$output" = "$want" ] || {
		printf 'want:\n%s\n' "$want"
		return 1
	}
}

has() {
	local word
	for word; do
		grep -qxF -e "$word" <<<"$output" || {
			printf 'not offered: %s\n' "$word"
			return 1
		}
	done
}

# Words as bash splits them for a completion: at blanks, and '=' and ':' are
# words of their own.
in_bash() {
	bash --norc -c '
		source /usr/share/bash-completion/bash_completion
		source "$1/klog.bash" || exit
		COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
		text=${2//=/ = }
		text=${text//:/ : }
		read -ra COMP_WORDS <<<"$text"
		[[ $2 == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		compopt() { :; } # works only while readline completes
		tool=${COMP_WORDS[0]}
		[[ $(complete -p "$tool") =~ -F\ ([a-z_]+) ]] || exit
		"${BASH_REMATCH[1]}" "$tool" "${COMP_WORDS[-1]}" x
		printf "%s\n" "${COMPREPLY[@]}"' bash "$completions" "$1"
}

in_zsh() {
	timeout 30 zsh -f "$BATS_TEST_DIRNAME/zsh-complete" "$completions" "$1" |
		sed 's/^--[a-z]*=//'
}

in_fish() {
	fish --no-config -c 'source $argv[1]/klog.fish; complete -C $argv[2]' \
		"$completions" "$1" | cut -f 1 | sed 's/^--[a-z]*=//'
}

a_topic() {
	offers 'klog-consume ac'
	is access accounts
	offers 'klog-consume access bi'
	is billing.2026
	offers 'klog-inspect ac'
	is access accounts
	offers 'klog-produce ac'
	is access accounts
	offers 'klog-produce -k ac ac'
	is access accounts
}
@test "bash: topics of the cluster, and none of a hostile name" { shell=bash; a_topic; }
@test "zsh: topics of the cluster, and none of a hostile name" { shell=zsh; a_topic; }
@test "fish: topics of the cluster, and none of a hostile name" { shell=fish; a_topic; }

the_cluster() {
	local place
	for place in '-C other' '--cluster other' '--cluster=other' '-Cother' \
		'-C nowhere,other'; do
		offers "klog-consume $place ac"
		is across
	done
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/other
	offers 'klog-consume ac'
	is across
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/nowhere
	offers 'klog-consume ac'
	is ''
	topics "$HOME/mine" achievements
	offers 'klog-consume -C ~/mine ac'
	is achievements
	# The default is the user's own, and /var/lib/klog for root.
	unset KLOG_CLUSTER
	if [ "$(id -u)" -ne 0 ]; then
		topics "$HOME/.local/share/klog" acme
		offers 'klog-consume ac'
		is acme
		export XDG_DATA_HOME=$BATS_TEST_TMPDIR/data
		topics data/klog acid
		offers 'klog-consume ac'
		is acid
	fi
}
@test "bash: topics of the cluster that is meant" { shell=bash; the_cluster; }
@test "zsh: topics of the cluster that is meant" { shell=zsh; the_cluster; }
@test "fish: topics of the cluster that is meant" { shell=fish; the_cluster; }

# A cluster's name is not run either.
hostile_cluster() {
	topics 'x$(touch pwned)' active
	export KLOG_CLUSTER='x$(touch pwned)'
	offers 'klog-consume ac'
	is active
	export KLOG_CLUSTER='x`touch pwned`;touch pwned'
	offers 'klog-consume ac'
	is ''
	offers 'klog-consume -C $(touch${IFS}pwned) ac'
	is ''
}
@test "bash: a hostile cluster" { shell=bash; hostile_cluster; }
@test "zsh: a hostile cluster" { shell=zsh; hostile_cluster; }
@test "fish: a hostile cluster" { shell=fish; hostile_cluster; }

words() {
	offers 'klog-produce -z '
	is none gzip snappy lz4 zstd
	offers 'klog-produce --acks '
	is all 1
	offers 'klog-produce --acks=a'
	is all
	offers 'klog-produce --on-error '
	is stop skip
	offers 'klog-produce --on-full '
	is fail wait
	offers 'klog-consume -o '
	is beginning earliest end latest max-timestamp
	offers 'klog-consume --offset 5..e'
	is 5..earliest 5..end
	offers 'klog-produce --on-'
	is --on-error --on-full
	offers 'klog-consume --s'
	# fish from 4 on offers what has the letters elsewhere, too
	[ "$shell" != fish ] || output=$(grep '^--s' <<<"$output")
	is --setting --since --synced
}
@test "bash: the words of options" { shell=bash; words; }
@test "zsh: the words of options" { shell=zsh; words; }
@test "fish: the words of options" { shell=fish; words; }

a_group() {
	mkdir -p "$KLOG_CLUSTER"/access/groups/{bills,billing,mail}/members \
		"$KLOG_CLUSTER"/accounts/groups/{billing,bi-2,members} \
		"$KLOG_CLUSTER"/access/groups/{'bi$(touch pwned)','bi`touch pwned`'}
	(cd "$KLOG_CLUSTER/access/groups" &&
		mkdir 'bi;touch pwned' $'bi\ntouch pwned' 'bi b' 'bi*' .bi)
	: >"$KLOG_CLUSTER/access/groups/bifile"
	offers 'klog-offsets -g bi'
	is bills billing bi-2
	offers 'klog-offsets --group mai'
	is mail
	offers 'klog-offsets --group=mai'
	is mail
	mkdir -p other/across/groups/birds
	offers 'klog-offsets -C other -g bi'
	is birds
	KLOG_CLUSTER=$BATS_TEST_TMPDIR/nowhere
	offers 'klog-offsets -g bi'
	is ''
}
@test "bash: groups, each once, and none of a hostile name" { shell=bash; a_group; }
@test "zsh: groups, each once, and none of a hostile name" { shell=zsh; a_group; }
@test "fish: groups, each once, and none of a hostile name" { shell=fish; a_group; }

of_offsets() {
	offers 'klog-offsets ac'
	is access accounts
	offers 'klog-offsets --reset '
	is beginning earliest end latest max-timestamp current
	offers 'klog-offsets --at t'
	is today
	offers 'klog-offsets -g g --reset-from li'
	is lines.txt
	offers 'klog-offsets --prometheus --output li'
	is lines.txt
}
@test "bash: the words of klog-offsets" { shell=bash; of_offsets; }
@test "zsh: the words of klog-offsets" { shell=zsh; of_offsets; }
@test "fish: the words of klog-offsets" { shell=fish; of_offsets; }

of_cleaning() {
	offers 'klog-clean ac'
	is access accounts
	offers 'klog-clean --before @t'
	is @today
	offers 'klog-clean --before '
	is end latest @now @today @yesterday
	# A number is anybody's guess, and no topic.
	offers 'klog-clean --min-free ac'
	is ''
}
@test "bash: the words of klog-clean" { shell=bash; of_cleaning; }
@test "zsh: the words of klog-clean" { shell=zsh; of_cleaning; }
@test "fish: the words of klog-clean" { shell=fish; of_cleaning; }

# Zsh adds the '=' itself, as a suffix.  Bash offers what follows a '=' without
# what stands before it, the others with it.
settings() {
	local equals='='
	[ "$shell" != zsh ] || equals=
	offers 'klog-create -X segment.j'
	has "segment.jitter.ms$equals"
	run -1 grep -v '^segment\.' <<<"$output"
	offers 'klog-create -X batch.s'
	is ''
	offers 'klog-produce --setting batch.s'
	is "batch.size$equals"
	offers 'klog-produce -X retention.'
	is ''
	offers 'klog-consume -X auto'
	has "auto.offset.reset$equals"
	offers 'klog-consume -X auto.offset.reset='
	[ "$shell" = bash ] || output=${output//auto.offset.reset=/}
	is earliest latest none
	offers 'klog-create -X compression.type=l'
	[ "$shell" = bash ] || output=${output//compression.type=/}
	is lz4
}
@test "bash: KEY= and VALUE of -X" { shell=bash; settings; }
@test "zsh: KEY= and VALUE of -X" { shell=zsh; settings; }
@test "fish: KEY= and VALUE of -X" { shell=fish; settings; }

files() {
	offers 'klog-produce access li'
	is lines.txt
	offers 'klog-produce -K : access li'
	is lines.txt
	offers 'klog-create --config li'
	is lines.txt
	offers 'klog-consume cluster/acc'
	output=$(sed 's,.*cluster/,,; s,/$,,' <<<"$output")
	is access accounts
	offers 'klog-consume -C clu'
	is "cluster$([ "$shell" != fish ] || echo /)"
	# A new topic's name is anybody's guess.
	offers 'klog-create ac'
	is ''
}
@test "bash: files and paths" { shell=bash; files; }
@test "zsh: files and paths" { shell=zsh; files; }
@test "fish: files and paths" { shell=fish; files; }

@test "completions: they read no name as code" {
	run -1 grep -nE '\b(eval|compgen -W)\b' <(sed 's/#.*//' \
		"$completions"/klog.bash "$completions"/_klog \
		"$completions"/klog.fish)
}
