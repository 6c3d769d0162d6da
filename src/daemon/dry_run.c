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
	return r->type == RECORD_HOST || r->type == RECORD_SUSPENSION ? keeping_add(arg, r, reterr) : 0;
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
	for (size_t k = 0; r == 0 && k < l.n; k++) {
		if (l.all[k].type == RECORD_HOST)
			l.all[k].host.death_told = false; /* a dry run says it again */
	}
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

struct dry_list {
	struct daemon *d;
	char host[HOST_NAME_SIZE], recovery[RECOVERY_ID_SIZE];
	enum moment moment;
};

/* The pass goes on only now, so that --once does not end before its list is printed. */
static void listed(void *arg, const struct evacuator_answer *a)
{
	struct dry_list *l = arg;

	if (a->outcome != OUTCOME_DONE)
		printf("  its instances could not be listed: %s\n", a->reason);
	for (uint32_t k = 0; k < a->view_n; k++) {
		if (str_eq(a->views[k].host, l->host))
			printf("  would evacuate: %s (%s)\n", a->views[k].uuid, server_state_name(a->views[k].state));
	}
	fflush(stdout);
	daemon_told(l->d, l->recovery, l->moment);
	free(l);
}

static void list_instances(struct daemon *d, const struct recovery_record *r, enum moment moment)
{
	struct evacuator_request request = {
	    .verb = EVACUATOR_LIST, .host = r->host, .timeout_ms = d->cfg->recovery.step_timeout_ms};
	struct dry_list *l = calloc(1, sizeof(*l));
	struct evacuator_run *run;

	if (l) {
		l->d = d;
		l->moment = moment;
		str_copy(l->host, sizeof(l->host), r->host);
		str_copy(l->recovery, sizeof(l->recovery), r->id);
	}
	if (l && evacuator_start(&d->env, &request, listed, l, &run, NULL) == 0)
		return;
	free(l);
	daemon_told(d, r->id, moment);
}

static void print_evidence(struct daemon *d, const struct recovery_record *r)
{
	static const char *const names[CONFIG_MONITOR_N] = {"nova", "probe"};
	int64_t now_ms = io_now_ms(d->loop);
	struct host_snapshot s;

	engine_host_snapshot(d->engine, engine_host_find(d->engine, r->host), now_ms, &s);
	printf("%s: %s\n", r->host, r->why);
	for (int m = 0; m < CONFIG_MONITOR_N; m++) {
		int64_t ago_ms = s.evidence[m].seen_ms ? now_ms - s.evidence[m].seen_ms : 0;

		printf("  evidence: %s says %s, seen %lld.%03lld s ago\n", names[m], sign_name(s.evidence[m].sign),
		    (long long)(ago_ms / 1000), (long long)(ago_ms % 1000));
	}
	fflush(stdout);
}

void dry_run_tell(struct daemon *d, const char *recovery, enum moment moment)
{
	const struct recovery_record *r = recovery_find(d, recovery);

	if (r)
		print_evidence(d, r);
	if (r && strstr(r->why, "would power off"))
		list_instances(d, r, moment);
	else
		daemon_told(d, recovery, moment);
}
