/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dry run: the real journal is read and left as it is, records go to a temporary one, and what would be done to a dead host is printed
 * with the evidence. Nothing that changes the world is started; perform.c refuses it a second time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "io/file.h"
#include "io/log.h"
#include "journal/reader.h"

int dry_run_journal(struct daemon *d, char *ret_path, size_t size, struct osha_err *reterr)
{
	const char *tmp = io_env("TMPDIR");

	snprintf(d->temporary_dir, sizeof(d->temporary_dir), "%.40s/osha-dry-run.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(d->temporary_dir)) {
		d->temporary_dir[0] = '\0';
		return osha_err_set(reterr, OSHA_E_IO, "no temporary directory for the dry run");
	}
	snprintf(ret_path, size, "%s/%s", d->temporary_dir, DAEMON_JOURNAL_NAME);
	return 0;
}

void dry_run_clean(struct daemon *d)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
	char path[160];

	if (!d->temporary_dir[0])
		return;
	for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
		snprintf(path, sizeof(path), "%s/%s%s", d->temporary_dir, DAEMON_JOURNAL_NAME, ends[k]);
		(void)io_file_remove(path, NULL);
	}
	(void)rmdir(d->temporary_dir);
	d->temporary_dir[0] = '\0';
}

static int take_host(void *arg, const struct record *r, struct osha_err *reterr)
{
	if (r->type == RECORD_RECOVERY && r->recovery.row != HOST_ROW_REENABLED &&
	    r->recovery.row != HOST_ROW_CLEARED && r->recovery.row != HOST_ROW_ABANDONED)
		log_printf(LOG_P_NOTICE, "recovery %s of %s is open (%s): the daemon would go on with it",
		    r->recovery.id, r->recovery.host, host_row_name(r->recovery.row));
	return r->type == RECORD_HOST ? keeping_add(arg, r, reterr) : 0;
}

int dry_run_load(struct daemon *d, struct osha_err *reterr)
{
	JOURNAL_READER_AUTO struct journal_reader *reader = NULL;
	struct keeping_records l = {0};
	struct record store = {.type = RECORD_STORE, .store = d->store};
	char path[256];
	int r = 0;

	if (keeping_path(d->cfg, path, sizeof(path)) && io_file_exists(path)) {
		r = journal_reader_open(path, &reader, reterr);
		if (r == 0)
			r = journal_reader_records(reader, take_host, &l, reterr);
	}
	if (r == 0)
		r = keeping_add(&l, &store, reterr);
	for (size_t k = 0; r == 0 && k < l.n; k++)
		l.all[k].host.death_told &= l.all[k].type != RECORD_HOST; /* a dry run says it again */
	if (r == 0)
		r = keeping_give(d, &l, reterr);
	free(l.all);
	return r;
}

static const struct recovery_record *recovery_find(const struct daemon *d, const char *id)
{
	const struct recovery_record *r = NULL;

	while ((r = engine_recovery_next(d->engine, r)) != NULL && !str_eq(r->id, id))
		;
	return r;
}

void dry_run_tell(struct daemon *d, const char *recovery, enum moment moment)
{
	const struct recovery_record *r = recovery_find(d, recovery);
	int64_t now_ms = io_now_ms(d->loop);
	struct host_snapshot s;

	if (r) {
		engine_host_snapshot(d->engine, engine_host_find(d->engine, r->host), now_ms, &s);
		printf("%s: %s\n", r->host, r->why);
		for (int m = 0; m < CONFIG_MONITOR_N; m++)
			printf("  evidence: %s says %s, seen %.1f s ago\n", m == CONFIG_MONITOR_NOVA ? "nova" : "probe",
			    sign_name(s.evidence[m].sign),
			    s.evidence[m].seen_ms ? (double)(now_ms - s.evidence[m].seen_ms) / 1000 : 0.0);
		fflush(stdout);
	}
	daemon_told(d, recovery, moment);
}
