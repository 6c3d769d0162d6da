/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a journal remembers, as JSON under the keys of report.h: for commands when no daemon runs, and for the daemon when it is asked
 * about what is over. This is the one file of the room that reads a journal; everything else works on what it is given.
 *
 * All functions block on the disk: for a thread of one's own, never for the loop. Each sets *ret_json (the caller frees it) and returns
 * 0, or an error of journal/reader.h; -OSHA_E_NOTFOUND also for a host or recovery that the journal does not know.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Where to read, and the time that ages count from. */
struct archive {
	const char *path; /* of the journal; borrowed */
	int64_t wall_ms;
};

int archive_status(const struct archive *a, cJSON **ret_json, struct osha_err *reterr);
int archive_hosts(const struct archive *a, cJSON **ret_json, struct osha_err *reterr);
int archive_fences(const struct archive *a, cJSON **ret_json, struct osha_err *reterr);
int archive_explain(const struct archive *a, const char *host, cJSON **ret_json, struct osha_err *reterr);
/** archive_recoveries() - open ones, or with @has_ended all that the history still holds; oldest first. */
int archive_recoveries(const struct archive *a, bool has_ended, cJSON **ret_json, struct osha_err *reterr);
/** archive_recovery() - everything about one: every step, its instances and their ends, its mails. */
int archive_recovery(const struct archive *a, const char *id, cJSON **ret_json, struct osha_err *reterr);
/** archive_observed() - each death that was only observed, oldest first, and what followed as far as the journal knows. */
int archive_observed(const struct archive *a, cJSON **ret_json, struct osha_err *reterr);

/**
 * archive_last_of() - the newest recovery of a host in short; *ret_json is a JSON null when the journal knows of none.
 * @host: exact name; borrowed
 */
int archive_last_of(const struct archive *a, const char *host, cJSON **ret_json, struct osha_err *reterr);
