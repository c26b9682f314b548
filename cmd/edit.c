#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "edit.h"
#include "libklog/bytes.h"
#include "libklog/err.h"

#define TEXT_MAX ((off_t)64 * 1024)

/* ---- the copy ---- */

static int
write_copy(
	char *path, size_t size, struct klog_slice text, struct klog_err *err)
{
	const char *dir = getenv("TMPDIR");
	bool good;
	int fd;

	if (dir == NULL || *dir == '\0')
		dir = "/tmp";
	snprintf(path, size, "%s/klog-alter-XXXXXX.yaml", dir);
	fd = mkostemps(path, 5, O_CLOEXEC);
	if (fd == -1)
		return klog_fail_errno(err, "%s", path);
	good = write(fd, text.data, text.size) == (ssize_t)text.size;
	if (close(fd) == 0 && good)
		return 0;
	klog_fail_errno(err, "%s", path);
	unlink(path);
	return -1;
}

/* The editor may have put another file in its place. */
static int
read_copy(const char *path, struct klog_buf *text, struct klog_err *err)
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd == -1 || fstat(fd, &st) == -1)
		return klog_fail_errno(err, "%s", path);
	if (st.st_size > TEXT_MAX)
		klog_fail(err, KLOG_EUSAGE, "%s: larger than 64 KiB", path);
	else if (klog_buf_reserve(text, (size_t)st.st_size + 1) == -1)
		klog_fail_memory(err);
	else if ((n = read(fd, text->data, (size_t)st.st_size)) == -1)
		klog_fail_errno(err, "%s", path);
	close(fd);
	if (n == -1)
		return -1;
	text->size = (size_t)n;
	return 0;
}

/* ---- the editor ---- */

/* The status of the command as waitpid tells it, or -1. */
static int
run(char **argv)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, quit;
	int status = -1;
	pid_t pid;

	/* the terminal's keys are the editor's */
	sigaction(SIGINT, &ignore, &interrupt);
	sigaction(SIGQUIT, &ignore, &quit);
	pid = fork();
	if (pid == 0) {
		sigaction(SIGINT, &interrupt, NULL);
		sigaction(SIGQUIT, &quit, NULL);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGQUIT, &quit, NULL);
	return status;
}

/* VISUAL or EDITOR as words, with quotes but without a shell, and the path. */
static int
open_editor(const char *path, struct klog_err *err)
{
	const char *editor = getenv("VISUAL");
	wordexp_t words = { .we_wordc = 0 };
	char **argv;
	int status;

	if (editor == NULL || *editor == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || *editor == '\0')
		editor = "vi";
	if (wordexp(editor, &words, WRDE_NOCMD) != 0 || words.we_wordc == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"EDITOR: '%s' is no command with its arguments",
			editor);
	argv = calloc(words.we_wordc + 2, sizeof(*argv));
	if (argv == NULL) {
		wordfree(&words);
		return klog_fail_memory(err);
	}
	memcpy(argv, words.we_wordv, words.we_wordc * sizeof(*argv));
	argv[words.we_wordc] = (char *)(uintptr_t)path;
	status = run(argv);
	free(argv);
	wordfree(&words);
	if (status == 0)
		return 0;
	if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return klog_fail(err, KLOG_EREFUSED,
			"%s: cannot be run; name another editor with EDITOR",
			editor);
	return klog_fail(err, KLOG_EREFUSED,
		"%s: the editor failed; nothing was changed", editor);
}

/* What came of the copy: 0 it is not needed any more, -1. */
static int
put_in_force(struct cli *cli, struct klog *klog, const char *topic,
	const char *path, struct klog_slice was, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int r = read_copy(path, &text, err);

	if (r == 0)
		r = klog_topic_yaml_set(klog, topic, was,
			klog_slice_of(text.data, text.size), err);
	if (r == 0 && text.size == was.size &&
		memcmp(text.data, was.data, was.size) == 0)
		cli_note(cli, "topic %s: the text is as it was", topic);
	klog_buf_free(&text);
	return r;
}

int
edit_topic(struct cli *cli, struct klog *klog, const char *topic)
{
	struct klog_slice was;
	struct klog_err err;
	char path[4096];
	size_t size;
	char *text;
	int status = 0;

	if (klog_topic_yaml(klog, topic, &text, &size, &err) == -1)
		return cli_fail_topic(cli, topic, &err);
	was = klog_slice_of(text, size);
	if (write_copy(path, sizeof(path), was, &err) == -1) {
		status = cli_fail(cli, &err);
	} else if (open_editor(path, &err) == -1) {
		status = cli_fail(cli, &err);
		unlink(path);
	} else if (put_in_force(cli, klog, topic, path, was, &err) == -1) {
		cli_warn(cli, "%s; your text is in %s", err.text, path);
		status = klog_exit_status(err.code);
	} else {
		unlink(path);
	}
	free(text);
	return status;
}
