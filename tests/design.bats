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
	[ "$(wc -l <DESIGN.md)" -le 700 ]
}

# VERIFICATION.md and tests/mutants: each rule that one replica has to keep.

@test "design: VERIFICATION.md has the mutants that there are" {
	diff <(tests/mutants/run -l) <(grep -E '^\| [A-Z][0-9]' VERIFICATION.md)
}

@test "design: every rule of one replica has a mutant" {
	for rule in L{1..5} T{1..4} A{1..6} R{1,2} S{1..4} F{1..4} V{1..4} D{1..7} C{1..3} G{1..4}; do
		[ -e "tests/mutants/$rule.patch" ] || {
			echo "tests/mutants has no $rule.patch"
			return 1
		}
	done
}

@test "design: every test that a mutant names is there" {
	named=0
	while read -r file name; do
		named=$((named + 1))
		if [ "$file" = unit ]; then
			[ -e "tests/unit/test_$name.c" ]
		else
			sed -n 's/^@test "\(.*\)" {$/\1/p' "$file" | grep -qE -- "$name"
		fi || {
			echo "no test $file: $name"
			return 1
		}
	done < <(sed -n 's/^\(Also c\|C\)aught by: //p' tests/mutants/*.patch)
	[ "$named" -ge 38 ]
}
