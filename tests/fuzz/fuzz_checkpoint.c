/*
 * leader-epoch-checkpoint, and a broker's checkpoint of offsets, of the same
 * text: what is read is what is written there, and is written and read the
 * same.
 */
#include <errno.h>

#include "libklog/checkpoint.h"
#include "libklog/io.h"
#include "tree.h"

#define BLANKS " \t\n\v\f\r"

/* The n-th word of a text, which may begin within one; NULL: none. */
static const char *
word_at(const char *text, size_t n)
{
	for (; n > 0; n--) {
		text += strspn(text, BLANKS);
		text += strcspn(text, BLANKS);
	}
	text += strspn(text, BLANKS);
	return *text != '\0' ? text : NULL;
}

/* The n-th word as a number; false when it is none. */
static bool
number_at(const char *text, size_t n, int64_t *number)
{
	char *end;

	text = word_at(text, n);
	if (text == NULL)
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text;
}

static void
check_epochs(const struct klog_epochs *epochs, const char *text)
{
	int64_t number;
	size_t i;

	for (i = 0; i < epochs->count; i++) {
		const struct klog_epoch *e = &epochs->list[i];

		must(e->epoch >= 0 && e->start >= 0);
		must(i == 0 ||
			(e->epoch > e[-1].epoch && e->start >= e[-1].start));
		must(number_at(text, 2 + 2 * i, &number) && number == e->epoch);
		must(number_at(text, 3 + 2 * i, &number) && number == e->start);
	}
}

static void
write_again(int dir, struct klog_epochs *epochs)
{
	struct klog_epochs again;
	struct klog_err err;

	must(klog_epochs_write(dir, epochs, &err) == 0);
	must(klog_epochs_read(dir, &again, &err) == 0);
	must(again.count == epochs->count);
	must(again.count == 0 ||
		memcmp(again.list, epochs->list,
			again.count * sizeof(again.list[0])) == 0);
	klog_epochs_free(&again);
	must(klog_epochs_assign(epochs, 5, 100, &err) == 0);
	must(epochs->list[epochs->count - 1].epoch == 5);
	must(klog_epochs_end(epochs, 4, 1000) <= 100);
}

/* Whether three words of the text, one behind the other, say so. */
static bool
has_words(const char *text, const char *topic, int64_t offset)
{
	int64_t partition, found;
	size_t i, size = strlen(topic);

	for (i = 0; (text = word_at(text, i)) != NULL; i = 1)
		if (strncmp(text, topic, size) == 0 &&
			strchr(BLANKS, text[size]) != NULL &&
			number_at(text, 1, &partition) && partition == 0 &&
			number_at(text, 2, &found) && found == offset)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree_file file = { TREE_EPOCHS, 0, klog_slice_of(data, size) };
	char *text = fuzz_text(file.bytes);
	struct klog_epochs epochs;
	struct klog_err err;
	int64_t offset;
	int dir = tree_fresh();

	tree_write_file(dir, &file);
	if (klog_checkpoint_find(dir, KLOG_EPOCH_NAME, "t", 0, &offset) == 1) {
		must(offset >= 0);
		must(has_words(text, "t", offset));
	}
	if (klog_epochs_read(dir, &epochs, &err) == 0) {
		check_epochs(&epochs, text);
		write_again(dir, &epochs);
		klog_epochs_free(&epochs);
	} else {
		must(err.code == KLOG_ECORRUPT);
	}
	free(text);
	return 0;
}
