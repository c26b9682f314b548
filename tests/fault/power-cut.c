/*
 * power-cut - takes the power from a file system.
 *
 *	power-cut MOUNT-POINT [FILE...]
 *
 * First it prints the sizes of FILEs elsewhere: what they say was there before.
 *
 * The file system's shutdown: what is not on the device by now is lost, and
 * whoever goes on gets EIO.  ext4 and XFS have it; the ioctl and its flag, "do
 * not flush the log", are the same.  Unmounted and mounted again, the file
 * system is as after a power cut.
 */
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int
main(int argc, char **argv)
{
	uint32_t flags = NO_LOG_FLUSH;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: power-cut MOUNT-POINT [FILE...]\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 2; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0) {
			perror(argv[i]);
			return 1;
		}
		printf("%jd%c", (intmax_t)st.st_size,
			i + 1 < argc ? ' ' : '\n');
	}
	if (fd < 0 || ioctl(fd, SHUTDOWN, &flags) < 0) {
		perror(argv[1]);
		return 1;
	}
	return fflush(stdout) != 0;
}
