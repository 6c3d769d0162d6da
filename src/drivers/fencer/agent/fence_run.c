/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fence agent: key=value lines on its standard input, so that no secret stands where ps shows it, always with `action=`, because
 * an agent without one reboots. The launcher holds it to its deadline. What its end means is fence_judge.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "drivers/driver.h"
#include "drivers/fencer/agent/fence_agent.h"
#include "drivers/fencer/agent/fence_judge.h"
#include "io/child.h"

struct fence_run {
	struct io_child *child;
	enum fence_action action;
	fence_done_fn fn;
	void *arg;
	struct config_fence level; /* for names and for masking; wiped */
};

static const char *const ACTIONS[FENCE_ACTION_N] = {[FENCE_OFF] = "off", [FENCE_STATUS] = "status", [FENCE_ON] = "on"};

static void run_free(struct fence_run *run)
{
	config_fence_wipe(&run->level);
	free(run);
}

static void agent_ended(void *arg, const struct io_child_result *r)
{
	struct fence_run *run = arg;
	struct fence_answer a;

	fence_judge(&run->level, run->action, r, &a);
	run->fn(run->arg, &a);
	run_free(run);
}

static void input_wipe(struct strbuf *sb)
{
	if (sb->text)
		explicit_bzero(sb->text, sb->cap);
	strbuf_free(sb);
}

static bool input_write(struct strbuf *sb, const struct config_fence *level, enum fence_action action)
{
	strbuf_printf(sb, "action=%s\n", ACTIONS[action]);
	for (size_t k = 0; k < level->parameter_n; k++)
		strbuf_printf(sb, "%s=%s\n", level->parameters[k].name, level->parameters[k].value);
	return !sb->failed;
}

int fence_run_start(
    const struct driver_env *env, const struct fence_job *job, struct fence_run **ret_run, struct osha_err *reterr)
{
	__attribute__((cleanup(input_wipe))) struct strbuf input = STRBUF_INIT;
	char path[512];
	const char *const argv[] = {path, NULL};
	struct io_child_spec spec = {.argv = argv,
	    .env = fence_agent_environment(),
	    .uid = -1,
	    .gid = -1,
	    .deadline_ms = job->timeout_ms,
	    .start_by_ms = job->start_by_ms};
	struct fence_run *run;
	int r;

	if (!fence_agent_find(job->level->agent, path, sizeof(path)))
		return osha_err_set(reterr, OSHA_E_NOTFOUND, "fence agent %s is not there", job->level->agent);
	run = calloc(1, sizeof(*run));
	if (!run || !input_write(&input, job->level, job->action)) {
		free(run);
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory to run %s", job->level->agent);
	}
	run->action = job->action;
	run->fn = job->fn;
	run->arg = job->arg;
	run->level = *job->level;
	spec.stdin_bytes = input.text;
	spec.stdin_size = input.len;
	r = io_child_start(env->loop, &spec, agent_ended, run, &run->child, reterr);
	if (r < 0) {
		run_free(run);
		return osha_err_wrap(reterr, "run %s", job->level->agent);
	}
	*ret_run = run;
	return 0;
}

void fence_run_cancel(struct fence_run *run)
{
	if (!run)
		return;
	io_child_cancel(run->child);
	run_free(run);
}
