#!/usr/bin/env bats
# DESIGN.md is for the next one who changes klog: it names every file, in the
# layers that tests/layers checks, and every rule that a comment refers to.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
}

# "LAYER MODULE" of the modules that are there, layers counted from 1.
by_layers() {
	local modules module layer=0
	sed -n "/^layers='/,/'\$/p" tests/layers |
		sed "s/^layers='//; s/'\$//; /^\$/d" |
		while read -ra modules; do
			layer=$((layer + 1))
			for module in "${modules[@]}"; do
				[ ! -e "libklog/$module.h" ] &&
					[ ! -e "libklog/$module.c" ] ||
					echo "$layer $module"
			done
		done | sort
}

by_design() {
	sed -nE 's/^    ([0-9]) ([a-z0-9_]+)\.[ch] +[^ ].*/\1 \2/p' DESIGN.md |
		sort
}

@test "design: every .c file has its line" {
	for file in libklog/*.c; do
		grep -qE "^    [0-9] ${file##*/} +[^ ]" DESIGN.md || {
			echo "DESIGN.md has no line for $file"
			return 1
		}
	done
	for file in cmd/*.c; do
		grep -qE "^    $file +[^ ]" DESIGN.md || {
			echo "DESIGN.md has no line for $file"
			return 1
		}
	done
}

@test "design: every file that it names is there" {
	while read -r file; do
		[ -e "$file" ] || [ -e "libklog/$file" ] ||
			[ -e "cmd/$file" ] || {
			echo "DESIGN.md names $file, which is not there"
			return 1
		}
	done < <(grep -oE '\b[a-z0-9_/-]+\.[ch]\b' DESIGN.md | sort -u)
}

@test "design: its layers are those of tests/layers" {
	[ "$(by_design | wc -l)" -gt 30 ]
	diff <(by_layers) <(by_design)
}

@test "design: every rule that a comment names is explained" {
	while read -r rule; do
		grep -qE "(^|[( ])$rule([ ,.:;)]|\$)" DESIGN.md || {
			echo "DESIGN.md does not explain $rule"
			return 1
		}
	done < <(grep -ohE '\b[ACDFGKLMRSTV][1-9]\b' libklog/*.[ch] |
		sort -u)
}

@test "design: plain ASCII, and not too long to read" {
	run ! env LC_ALL=C grep -n '[^ -~]' DESIGN.md
	[ "$(wc -l <DESIGN.md)" -le 400 ]
}
