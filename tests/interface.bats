#!/usr/bin/env bats
# What the tools, their manual pages, their completions and the library's
# table of settings say is one and the same.
# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2154

bats_require_minimum_version 1.5.0

tools='klog-create klog-alter klog-delete klog-produce klog-consume klog-inspect klog-offsets klog-clean'

setup_file() {
	local root
	root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	export ROOT=$root KLOG_BIN=${KLOG_BIN:-$root/bin} LC_ALL=C
	export PATH=$KLOG_BIN:$PATH
	export SETTINGS=$BATS_FILE_TMPDIR/settings-list
	${CC:-cc} -std=c11 -D_GNU_SOURCE -I"$root" -o "$SETTINGS" \
		"$root"/tests/settings-list.c \
		"$root"/libklog/{settings,names,time,err}.c
}

setup() {
	export KLOG_CLUSTER=$BATS_TEST_TMPDIR/cluster
	cd "$BATS_TEST_TMPDIR" || return
}

# ---- the four places an option stands in, each as sorted "-p" and "--name" ----

in_help() {
	"$1" --help | sed -nE \
		-e 's/^  (-[^ -]), (--[a-z-]+)( .*)?$/\1\n\2/p' \
		-e 's/^      (--[a-z-]+)( .*)?$/\1/p' | sort
}

# Those that an item of a list begins with.
in_page() {
	sed -n 's/^\.It Fl //p' "$ROOT/man/$1.1" |
		grep -oE '(^|Fl )-?[A-Za-z0-9-]+' | sed 's/^Fl //; s/^/-/' | sort
}

in_bash() {
	bash --norc -c '
		_init_completion() {
			words=("$tool" -) cword=1 cur=- prev=$tool
			COMPREPLY=()
		}
		complete() { :; }
		source "$1"
		tool=$2
		_klog
		printf "%s\n" "${COMPREPLY[@]}"' bash \
		"$ROOT/completions/klog.bash" "$1" | sort
}

# The specifications that reach _arguments, without what excludes them.
in_zsh() {
	zsh -f -c '
		_arguments() {
			local spec
			for spec; do
				spec=${spec#(\(*\)|\*)}
				[[ $spec == -[^-]* || $spec == --?* ]] || continue
				[[ $spec == -s || $spec == -S ]] && continue
				print -r -- ${${spec%%\[*}%%[+=]}
			done
		}
		service=$2
		source $1' zsh "$ROOT/completions/_klog" "$1" | sort
}

in_fish() {
	fish --no-config -c '
		source $argv[1]
		complete -c $argv[2]' "$ROOT/completions/klog.fish" "$1" |
		grep -oE -- ' (-s|--short-option|-l|--long-option) [^ ]+' |
		sed -E 's/^ (-s|--short-option) /-/; s/^ (-l|--long-option) /--/' |
		sort
}

same_options() {
	local tool
	for tool in $tools; do
		in_help "$tool" >help
		[ "$(wc -l <help)" -ge 11 ] # the common ones, at least
		"$1" "$tool" >there
		diff -u --label "$tool --help" --label "$1" help there
	done
}

@test "options: the pages have those of --help" {
	same_options in_page
}

@test "options: bash completes those of --help" {
	same_options in_bash
}

@test "options: zsh completes those of --help" {
	command -v zsh >/dev/null || skip 'needs zsh'
	same_options in_zsh
}

@test "options: fish completes those of --help" {
	command -v fish >/dev/null || skip 'needs fish'
	same_options in_fish
}

@test "options: a synopsis has each, short or long" {
	local tool line short long
	for tool in $tools; do
		sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "$ROOT/man/$tool.1" >synopsis
		"$tool" --help | grep -E '^  (-., |    )--' >rows
		while read -r line; do
			long=$(grep -oE -- '--[a-z-]+' <<<"$line" | head -n 1)
			short=${line:1:1}
			if [ "$short" = - ]; then
				grep -qE "Fl -${long#--}( |\$)" synopsis ||
					{ echo "$tool: no $long"; return 1; }
			else
				grep -qE "(Fl|\|) (-|[A-Za-z]*)$short" synopsis ||
					{ echo "$tool: no -$short"; return 1; }
			fi
		done <rows
	done
}

# ---- how a tool answers ----

@test "tools: each has a page, and each page a tool" {
	local tool
	for tool in "$ROOT"/cmd/klog-*.c; do
		tool=$(basename "$tool" .c)
		[ -f "$ROOT/man/$tool.1" ] || { echo "no page: $tool"; return 1; }
		grep -q "^\.It Xr $tool 1" "$ROOT/man/klog.7" ||
			{ echo "not in klog(7): $tool"; return 1; }
	done
	for tool in "$ROOT"/man/klog-*.1; do
		[ -f "$ROOT/cmd/$(basename "$tool" .1).c" ] ||
			{ echo "a page without a tool: $tool"; return 1; }
	done
}

@test "tools: --help and -h go to stdout, and end with 0" {
	local tool option
	for tool in $tools; do
		for option in --help -h; do
			run -0 --separate-stderr "$tool" "$option"
			[ -z "$stderr" ]
			[[ ${lines[0]} == "usage: $tool "* ]]
			[ "$(wc -L <<<"$output")" -le 100 ]
		done
	done
}

@test "tools: --help needs no cluster, and says when stdout took it not" {
	local tool
	for tool in $tools; do
		KLOG_CLUSTER=/nonexistent run -0 "$tool" --help
		run -1 --separate-stderr bash -c "$tool --help >/dev/full"
		[[ $stderr == "$tool: "* ]]
	done
}

@test "tools: --version and -V" {
	local tool option version
	version=$(sed -n 's/^#define KLOG_VERSION "\(.*\)"/\1/p' \
		"$ROOT/libklog/klog.h")
	for tool in $tools; do
		for option in --version -V; do
			run -0 --separate-stderr "$tool" "$option"
			[ "$output" = "$tool $version" ]
			[ -z "$stderr" ]
		done
	done
}

# misused TOOL [ARG...]
misused() {
	run -2 --separate-stderr "$@" </dev/null
	printf '%s:\n%s\n%s\n' "$*" "$output" "$stderr"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "$1: "* ]]
	[ ! -e "$KLOG_CLUSTER" ]
}

@test "tools: misuse ends with 2 and one line on stderr" {
	local tool
	for tool in $tools; do
		misused "$tool" --no-such-option t
		misused "$tool" --no-such-option=x t
		misused "$tool" -y t
		misused "$tool" --lock-timeout
		misused "$tool" --lock-timeout soon t
		misused "$tool" --help=x
		misused "$tool" -q -v t
		misused "$tool" -q -q t
		misused "$tool" -C
		misused "$tool" -C '' t
		misused "$tool" 'no topic'
		misused "$tool" $'esc\e[31m'
		[[ $stderr != *$'\e'* ]]
	done
	for tool in klog-delete klog-alter; do
		misused "$tool"
	done
	for tool in klog-create klog-alter klog-produce klog-consume; do
		misused "$tool"
		misused "$tool" -X nonsense t
		misused "$tool" -X no.such.setting=1 t
	done
}

@test "tools: an option that is given twice is misuse, but where it may be" {
	local tool row long arg
	for tool in $tools; do
		# Of --check a misuse is UNKNOWN: offsets.bats.
		"$tool" --help | grep -E '^  (-., |    )--' |
			grep -vE -- '--(help|version|check)\b|repeatable' >rows
		while read -r row; do
			long=$(grep -oE -- '--[a-z-]+' <<<"$row" | head -n 1)
			arg=
			[[ $row != *"$long "[A-Z]* && $row != *"$long "*'|'* ]] || arg=1
			[[ $row != *"$long FILE"* ]] || arg=/dev/null
			misused "$tool" "$long" $arg "$long" $arg t
		done <rows
	done
}

# ---- settings ----

@test "settings: klog-config(5) has each, with type, bounds and default" {
	local name type fallback bounds line
	"$SETTINGS" >table
	[ "$(wc -l <table)" -gt 30 ]
	while IFS=$'\t' read -r name type fallback bounds _; do
		line=$(grep -F ".It Cm $name Pq " "$ROOT/man/klog-config.5" || true)
		printf 'setting %s: %s\n' "$name" "$line"
		[ "$(wc -l <<<"$line")" -eq 1 ]
		# The largest number of 64 bits is no bound to speak of.
		bounds=${bounds/..9223372036854775807/ or more}
		[ "$bounds" != - ] || bounds=
		[[ $line == ".It Cm $name Pq $type${bounds:+, $bounds}; default $fallback" ||
			$line == ".It Cm $name Pq $type${bounds:+, $bounds}; default $fallback ("*")" ]]
	done <table
	sed -n 's/^\.It Cm \([^ ]*\) Pq .*/\1/p' "$ROOT/man/klog-config.5" |
		diff -u - <(awk -F '\t' '
			$5 ~ /topic/ { print }
			$5 == "producer" { producer = producer $0 "\n" }
			$5 == "consumer" { consumer = consumer $0 "\n" }
			END { printf "%s%s", producer, consumer }' table |
			cut -f 1)
}

@test "settings: klog-config(5) begins with the defaults that are klog's own" {
	diff -u <("$SETTINGS" | awk -F '\t' '$6 == 1 { print $1, $3 }' | sort) \
		<(sed -n 's/^\.It Cm \([^ ]*\) No \(.*\)/\1 \2/p' \
			"$ROOT/man/klog-config.5" | sort)
}

# offered SHELL SCOPE: the words KEY= or KEY=VALUE|... of a completion.
offered() {
	case $1 in
	bash)
		bash --norc -c 'complete() { :; }; source "$1"
			declare -n list=_klog_$2_settings
			printf "%s\n" "${list[@]}"' bash \
			"$ROOT/completions/klog.bash" "$2"
		;;
	zsh)
		zsh -f -c '_arguments() { :; }; service=; source $1
			compset() { return 1; }
			_wanted() { print -rl -- $settings; }
			functions[list]=${functions[_klog_settings]//\%\%=\*/}
			list $2' zsh "$ROOT/completions/_klog" "$2"
		;;
	fish)
		# With a '=' in the word the values come, else the keys.
		fish --no-config -c '
			source $argv[1]
			function commandline; end
			__klog_settings $argv[2]
			function commandline; echo x=; end
			__klog_settings $argv[2]' \
			"$ROOT/completions/klog.fish" "$2" |
			awk -F = '{
				if (!($1 in values)) keys[++n] = $1
				values[$1] = values[$1] \
					(values[$1] != "" && $2 != "" ? "|" : "") $2
			} END {
				for (i = 1; i <= n; i++)
					print keys[i] "=" values[keys[i]]
			}'
		;;
	esac
}

@test "settings: the completions have each, and values that it takes" {
	local shell scope pair value values
	for shell in bash zsh fish; do
		command -v "$shell" >/dev/null || skip "needs $shell"
		for scope in topic producer consumer; do
			offered "$shell" "$scope" >offered
			diff -u --label table --label "$shell, $scope" \
				<("$SETTINGS" | awk -F '\t' -v "s=$scope" '
					$5 ~ s { print $1 }' | sort) \
				<(cut -d = -f 1 offered | sort)
			while IFS= read -r pair; do
				IFS='|' read -ra values <<<"${pair#*=}"
				for value in "${values[@]}"; do
					"$SETTINGS" "$scope" "${pair%%=*}=$value"
				done
			done <offered
			# Where only words are values, they are offered.
			"$SETTINGS" | awk -F '\t' -v "s=$scope" '
				$5 ~ s && ($2 == "bool" || $2 ~ /[|]/) { print $1 }' |
				sort >words
			diff -u words <(sed -n 's/=..*//p' offered | sort)
		done
	done
}

# ---- pages ----

@test "pages: clean under mandoc's lint" {
	command -v mandoc >/dev/null || skip 'needs mandoc'
	run -0 mandoc -Tlint -Wwarning "$ROOT"/man/*.[157]
	[ -z "$output" ]
}

@test "pages: each has the sections, and no reference leads nowhere" {
	local page name section
	for page in "$ROOT"/man/klog*.[157]; do
		for section in NAME DESCRIPTION 'EXIT STATUS' 'SEE ALSO'; do
			grep -qx "\.Sh $section" "$page" ||
				{ echo "$page: no $section"; return 1; }
		done
		[[ $page == *.7 ]] || grep -qx '\.Sh EXAMPLES' "$page"
		while read -r name section; do
			[ -f "$ROOT/man/$name.$section" ] ||
				{ echo "$page: $name($section)"; return 1; }
		done < <(sed -nE 's/^\.(It )?Xr (klog[a-z-]*) ([157]).*/\2 \3/p' \
			"$page")
	done
}

# What the pages show of klog-produce, -consume and -inspect the tools take:
# the cluster is missing, so each fails, but not as misuse.
@test "pages: their examples are no misuse" {
	local line
	grep -hE '^(\.Dl )?[$#] .*klog-' "$ROOT"/man/*.[157] | sed -E \
		-e 's/^(\.Dl )?[$#] //' -e "s/\\\\\(aq/'/g" -e 's/\\\(dq/"/g' \
		-e 's/\\&//g' -e 's/\\e/\\/g' |
		grep -oE "klog-[a-z]+( ('[^']*'|[^'|;>])*)?" |
		grep -v '\\$' >examples
	[ "$(wc -l <examples)" -ge 30 ]
	while IFS= read -r line; do
		[[ $line != klog-create\ * ]] || continue
		run --separate-stderr timeout 10 bash -c "$line </dev/null"
		printf '%s: %s %s\n' "$line" "$status" "$stderr"
		[ "$status" -ne 2 ]
	done <examples
}
