/* SPDX-License-Identifier: Apache-2.0 */
/* oshad: the command line and the exit status. What it does is in the other files of this room. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "io/log.h"

enum { OPTION_CONFIG = 1, OPTION_ONCE, OPTION_DRY_RUN, OPTION_LOG_LEVEL, OPTION_VERSION, OPTION_HELP };

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *to)
{
	fputs("usage: oshad --config FILE [--once] [--dry-run] [--log-level LEVEL]\n"
	      "       oshad --version\n"
	      "Watches the compute hosts of an OpenStack cloud and recovers the instances of dead ones.\n"
	      "  --config FILE     the configuration; `osha config sample` writes one\n"
	      "  --once            one pass: ends when each recovery is recovered or held\n"
	      "  --dry-run         say what would be done, with the evidence, and do none of it\n"
	      "  --log-level LEVEL emerg, alert, crit, err, warning, notice, info or debug\n"
	      "Exit status: 0 nothing down or all recovered, 1 internal error, 2 configuration wrong or already "
	      "running,\n"
	      "3 something held or not recovered, 4 the cloud could not be asked.\n",
	    to);
}

/* Returns -1 to go on, else the exit status. */
static int arguments(struct daemon *d, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		switch (option) {
		case OPTION_CONFIG:
			d->config_path = optarg;
			break;
		case OPTION_ONCE:
			d->is_once = true;
			break;
		case OPTION_DRY_RUN:
			d->is_dry_run = true;
			break;
		case OPTION_LOG_LEVEL:
			d->log_level = log_priority_parse(optarg);
			if (d->log_level >= 0)
				break;
			fprintf(stderr, "oshad: no log level is called %s\n", optarg);
			return EXIT_CONFIG;
		case OPTION_VERSION:
			printf("oshad %s\n", OSHA_VERSION);
			return EXIT_ALL_WELL;
		case OPTION_HELP:
			usage(stdout);
			return EXIT_ALL_WELL;
		default:
			usage(stderr);
			return EXIT_CONFIG;
		}
	}
	if (d->config_path && optind == argc)
		return -1;
	usage(stderr);
	return EXIT_CONFIG;
}

int main(int argc, char **argv)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct osha_err err = {0};
	int r, status;

	if (!d)
		return EXIT_INTERNAL;
	d->log_level = -1;
	status = arguments(d, argc, argv);
	if (status < 0) {
		r = daemon_open(d, &err);
		if (r == 0)
			r = daemon_run(d, &err);
		if (r < 0)
			log_printf(LOG_P_CRIT, "%s: %s", osha_err_text(r), err.msg);
		status = r < 0 ? osha_err_exit_status(r) : d->exit_status;
		daemon_close(d);
	}
	free(d);
	return status;
}
