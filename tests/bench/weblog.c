/*
 * weblog - lines of a web server's log, about 114 bytes each.
 *
 *	weblog COUNT
 *
 * The same COUNT gives the same lines.  They repeat themselves as real ones
 * do: few pages and agents, some clients that come often.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t
below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * limit >> 32);
}

/* The small ones more often. */
static uint32_t
skewed(uint32_t limit)
{
	return below(below(limit) + 1);
}

#define COUNT_OF(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

int
main(int argc, char **argv)
{
	static const char *const pages[] = { "/", "/style.css", "/about",
		"/static/app.js", "/api/v1/items", "/api/v1/items/search",
		"/images/logo.png", "/blog/2026/11/log-files", "/feed.xml",
		"/login", "/robots.txt", "/cart/checkout" };
	static const char *const methods[] = { "GET", "POST", "HEAD", "PUT" };
	static const char *const agents[] = { "Mozilla/5.0 (X11; Linux)",
		"curl/7.88.1", "Mozilla/5.0 (Macintosh)", "Googlebot/2.1",
		"python-requests/2.31" };
	static const int statuses[] = { 200, 200, 200, 200, 304, 404, 301,
		500 };
	long count = argc == 2 ? atol(argv[1]) : -1;
	time_t now = 1795000000;
	char when[64] = "";

	if (count < 0) {
		fprintf(stderr, "usage: weblog COUNT\n");
		return 2;
	}
	for (long i = 0; i < count; i++) {
		uint32_t client = skewed(40000);

		if (i % 900 == 0) {
			struct tm tm;

			now++;
			gmtime_r(&now, &tm);
			strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S +0000",
				&tm);
		}
		printf("10.%" PRIu32 ".%" PRIu32 ".%" PRIu32
		       " - - [%s] \"%s %s?id=%" PRIu32 " HTTP/1.1\" %d %" PRIu32
		       " \"%s\"\n",
			client % 7, client / 251, client % 251, when,
			methods[skewed(COUNT_OF(methods))],
			pages[skewed(COUNT_OF(pages))], below(1000000),
			statuses[skewed(COUNT_OF(statuses))], skewed(200000),
			agents[skewed(COUNT_OF(agents))]);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
