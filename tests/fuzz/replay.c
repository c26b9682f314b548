/*
 * The main of a fuzz target where libFuzzer's is not linked: runs each FILE,
 * and each file of each DIRECTORY, once.  So any compiler and valgrind can
 * go through the kept inputs.
 */
#include <dirent.h>

#include "fuzz.h"

__attribute__((weak)) int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)data;
	(void)max_size;
	return size;
}

static void
run_file(const char *path, FILE *file)
{
	struct klog_buf all = { NULL, 0, 0 };
	uint8_t piece[4096];
	uint8_t *copy;
	size_t got;

	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		must(klog_buf_put(&all, piece, got) == 0);
	if (ferror(file)) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	copy = fuzz_copy(klog_slice_of(all.data, all.size));
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(copy, all.size);
	free(copy);
	klog_buf_free(&all);
}

static int
run(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL) {
		FILE *file = fopen(path, "re");

		if (file == NULL) {
			perror(path);
			exit(1);
		}
		run_file(path, file);
		fclose(file);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		char below[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		count += run(below);
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	int i, count = 0;

	LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++)
		count += run(argv[i]);
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
