/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nova's evacuate and what belongs to it, through the cloud session: verbs to calls, results to views. What an answer means for a
 * recovery is the engine's decision.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "drivers/driver.h"

struct evacuator_run {
	struct cloud_session *session; /* the one that it was started on */
	struct cloud_op *op;
	enum evacuator_verb verb;
	evacuator_done_fn fn;
	void *arg;
};

static const enum cloud_kind KINDS[EVACUATOR_VERB_N] = {
    [EVACUATOR_FORCE_DOWN] = CLOUD_FORCE_DOWN,
    [EVACUATOR_CLEAR_DOWN] = CLOUD_UNFORCE,
    [EVACUATOR_DISABLE] = CLOUD_DISABLE,
    [EVACUATOR_ENABLE] = CLOUD_ENABLE,
    [EVACUATOR_LIST] = CLOUD_INVENTORY,
    [EVACUATOR_MIGRATIONS] = CLOUD_MIGRATIONS_FROM,
    [EVACUATOR_ASK] = CLOUD_ASK,
    [EVACUATOR_RESET_STATE] = CLOUD_RESET_STATE,
    [EVACUATOR_EVACUATE] = CLOUD_EVACUATE,
    [EVACUATOR_STOP] = CLOUD_STOP,
};

static void view_of_migration(struct instance_view *v, const struct migration_view *m)
{
	*v = (struct instance_view){.exists = true, .evacuation = *m};
	str_copy(v->uuid, sizeof(v->uuid), m->instance);
}

static bool is_listed(const struct cloud_result *r, int64_t id)
{
	for (size_t k = 0; k < r->n_migrations; k++) {
		if (r->migrations[k].id == id)
			return true;
	}
	return false;
}

/*
 * The newest record of each instance, and behind them those that a newer one hides although they may still place a guest. Returns NULL
 * when out of memory; the caller frees.
 */
static struct instance_view *views_of_migrations(const struct cloud_result *r, uint32_t *ret_n)
{
	struct instance_view *views = calloc(r->n_migrations + r->n_unfinished + 1, sizeof(*views));
	uint32_t n = 0;

	for (size_t k = 0; views && k < r->n_migrations; k++)
		view_of_migration(&views[n++], &r->migrations[k]);
	for (size_t k = 0; views && k < r->n_unfinished; k++) {
		if (!is_listed(r, r->unfinished[k].id))
			view_of_migration(&views[n++], &r->unfinished[k]);
	}
	*ret_n = n;
	return views;
}

static void call_done(void *arg, const struct cloud_result *r)
{
	struct evacuator_run *run = arg;
	struct instance_view *made = NULL;
	struct evacuator_answer a = {.outcome = r->outcome,
	    .fault = r->fault,
	    .reason = r->reason,
	    .retry_after_s = r->retry_after_s,
	    .views = r->instances,
	    .view_n = (uint32_t)r->n_instances};

	if (run->verb == EVACUATOR_MIGRATIONS && r->outcome == OUTCOME_DONE) {
		a.views = made = views_of_migrations(r, &a.view_n);
		if (!made) {
			a.outcome = OUTCOME_REFUSED;
			a.fault = FAULT_TRANSIENT;
			a.reason = "out of memory";
		}
	}
	run->fn(run->arg, &a);
	free(made);
	free(run);
}

int evacuator_start(const struct driver_env *env, const struct evacuator_request *request, evacuator_done_fn fn,
    void *arg, struct evacuator_run **ret_run, struct osha_err *reterr)
{
	struct evacuator_run *run = calloc(1, sizeof(*run));
	struct cloud_args args = {.kind = KINDS[request->verb],
	    .host = request->host,
	    .instance = request->instance,
	    .reason = request->reason,
	    .is_brief = request->is_brief};
	struct cloud_waiter waiter = {request->timeout_ms, call_done, run, request->start_by_ms};
	int r;

	if (!run)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a call");
	run->session = env->cloud;
	run->verb = request->verb;
	run->fn = fn;
	run->arg = arg;
	r = cloud_session_start(env->cloud, &args, &waiter, &run->op, reterr);
	if (r < 0) {
		free(run);
		return r;
	}
	*ret_run = run;
	return 0;
}

void evacuator_cancel(struct evacuator_run *run)
{
	if (!run)
		return;
	cloud_session_cancel(run->session, run->op);
	free(run);
}
