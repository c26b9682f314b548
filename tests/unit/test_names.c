/* Legal topic names, names of segment files, plain decimals. */
#include "libklog/names.h"
#include "tap.h"

static void
topic_names(void)
{
	static const char *const good[] = { "a", "access", "A.b_c-9", "...",
		"__consumer_offsets", "-x" };
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "a\n",
		"caf\xc3\xa9", "a:0", "a,b" };
	char name[KLOG_TOPIC_MAX + 2];
	struct klog_err err;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(klog_topic_name_check(good[i], &err) == 0, "legal: %s",
			good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(klog_topic_name_check(bad[i], &err), -1,
			"illegal name %zu", i);
		is_int(err.code, KLOG_EUSAGE, "is wrong usage");
	}
	klog_topic_name_check("a\x1b[2J", &err);
	ok(strchr(err.text, '\x1b') == NULL && strstr(err.text, "\\x1b[2J"),
		"a name in a message cannot clear the screen");
	memset(name, 'x', sizeof(name));
	name[KLOG_TOPIC_MAX] = '\0';
	is_int(klog_topic_name_check(name, &err), 0, "249 bytes");
	name[KLOG_TOPIC_MAX] = 'x';
	name[KLOG_TOPIC_MAX + 1] = '\0';
	is_int(klog_topic_name_check(name, &err), -1, "250 bytes");
}

static void
collisions(void)
{
	ok(klog_topic_names_collide("a.b", "a_b"), "a.b and a_b");
	ok(klog_topic_names_collide("a._", "a_."), "a._ and a_.");
	ok(klog_topic_names_collide("ab", "ab"), "a name and itself");
	ok(!klog_topic_names_collide("a.b", "a-b"), "a.b, but not a-b");
	ok(!klog_topic_names_collide("a.b", "a.bc"), "a.b, but not a.bc");
	ok(!klog_topic_names_collide("a.b", "a."), "a.b, but not a.");
}

static void
file_names(void)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, 42, ".log");
	is_str(name, "00000000000000000042.log", "20 digits");
	klog_file_name(name, INT64_MAX, ".timeindex");
	is_str(name, "09223372036854775807.timeindex", "the largest offset");
	is_int(klog_file_base(name, ".timeindex"), INT64_MAX, "and back");
	is_int(klog_file_base("00000000000000000000.log", ".log"), 0, "zero");
	is_int(klog_file_base("09223372036854775808.log", ".log"), -1,
		"one more than the largest");
	is_int(klog_file_base("99999999999999999999.log", ".log"), -1, "nines");
	is_int(klog_file_base("0000000000000000042.log", ".log"), -1,
		"19 digits");
	is_int(klog_file_base("000000000000000000042.log", ".log"), -1,
		"21 digits");
	is_int(klog_file_base("-0000000000000000042.log", ".log"), -1, "-");
	is_int(klog_file_base("00000000000000000042.log.deleted", ".log"), -1,
		"more behind the suffix");
	is_int(klog_file_base("00000000000000000042", ".log"), -1, "no suffix");
	is_int(klog_file_base("", ".log"), -1, "an empty name");
}

static void
numbers(void)
{
	is_int(klog_number("0", 5), 0, "0");
	is_int(klog_number("5", 5), 5, "the bound");
	is_int(klog_number("6", 5), -1, "past the bound");
	is_int(klog_number("9223372036854775807", INT64_MAX), INT64_MAX,
		"the largest");
	is_int(klog_number("9223372036854775808", INT64_MAX), -1, "overflow");
	is_int(klog_number("", 5), -1, "nothing");
	is_int(klog_number("00", 5), -1, "a leading zero");
	is_int(klog_number("+1", 5), -1, "a sign");
	is_int(klog_number(" 1", 5), -1, "a space before");
	is_int(klog_number("1 ", 5), -1, "a space behind");
	is_int(klog_number("1x", 500), -1, "a letter");
}

static void
printable(void)
{
	char out[16];

	is_str(klog_printable(out, sizeof(out), "a\nb\xff"), "a\\x0ab\\xff",
		"control and high bytes");
	is_str(klog_printable(out, 4, "abcdef"), "abc", "cut");
	is_str(klog_printable(out, 5, "\n"), "\\x0a", "an escape that fits");
	is_str(klog_printable(out, 4, "\n"), "", "no half of an escape");
	is_str(klog_printable(out, 1, "a"), "", "room for nothing");
	out[0] = 'x';
	klog_printable(out, 0, "a");
	ok(out[0] == 'x', "no room at all");
}

int
main(void)
{
	topic_names();
	collisions();
	file_names();
	numbers();
	printable();
	return done();
}
