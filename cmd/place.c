#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libklog/names.h"
#include "place.h"

#define ROOT_CLUSTER "/var/lib/klog"

static bool
user_cluster(const char *data_home, const char *home, char path[PLACE_SIZE])
{
	int size = -1;

	/* a relative XDG_DATA_HOME is to be ignored, says its standard */
	if (data_home != NULL && *data_home == '/')
		size = snprintf(path, PLACE_SIZE, "%s/klog", data_home);
	else if (home != NULL && *home != '\0')
		size = snprintf(path, PLACE_SIZE, "%s/.local/share/klog", home);
	return size > 0 && size < PLACE_SIZE;
}

static const char *
home_of(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw != NULL ? pw->pw_dir : NULL;
}

int
place_cluster(const char *given, char path[PLACE_SIZE], struct klog_err *err)
{
	const char *home = getenv("HOME");

	if (given == NULL)
		given = getenv("KLOG_CLUSTER");
	if (given == NULL || *given == '\0') {
		if (geteuid() == 0) {
			given = ROOT_CLUSTER;
		} else {
			if (home == NULL || *home == '\0')
				home = home_of(geteuid());
			if (!user_cluster(getenv("XDG_DATA_HOME"), home, path))
				return klog_fail(err, KLOG_EUSAGE,
					"no cluster: neither -C, KLOG_CLUSTER "
					"nor HOME says where");
			return 0;
		}
	}
	if (strstr(given, "://") != NULL)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: this version reads and writes directories only",
			given);
	if (strlen(given) >= PLACE_SIZE)
		return klog_fail(
			err, KLOG_EUSAGE, "the cluster's path is too long");
	memcpy(path, given, strlen(given) + 1);
	return 0;
}

static bool
has_topic(const char *cluster, const char *topic)
{
	struct klog_topic_info *list = NULL;
	bool found = false;
	struct klog_err err;
	struct klog *klog;
	size_t i, count;

	klog = klog_open(cluster, NULL, &err);
	if (klog == NULL)
		return false;
	if (klog_topics(klog, &list, &count, &err) == 0) {
		for (i = 0; i < count && !found; i++)
			found = strcmp(list[i].name, topic) == 0;
		free(list);
	}
	klog_close(klog);
	return found;
}

bool
place_elsewhere(const char *used, const char *topic, char path[PLACE_SIZE])
{
	const char *sudo = getenv("SUDO_UID");
	int64_t uid = sudo != NULL ? klog_number(sudo, UINT32_MAX) : -1;

	snprintf(path, PLACE_SIZE, "%s", ROOT_CLUSTER);
	if (strcmp(used, path) != 0 && has_topic(path, topic))
		return true;
	if (user_cluster(getenv("XDG_DATA_HOME"), getenv("HOME"), path) &&
		strcmp(used, path) != 0 && has_topic(path, topic))
		return true;
	return geteuid() == 0 && uid >= 0 &&
		user_cluster(NULL, home_of((uid_t)uid), path) &&
		strcmp(used, path) != 0 && has_topic(path, topic);
}
