/* SPDX-License-Identifier: Apache-2.0 */
/* Finding fence agents and reading their metadata: see the header. */
#include "drivers/fencer/agent/fence_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/child.h"
#include "io/file.h"

enum { METADATA_MAX_BYTES = 512 * 1024 };

static const char *const ENVIRONMENT[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};

const char *const *fence_agent_environment(void)
{
	return ENVIRONMENT;
}

/* Is DIR/NAME there? @dir_n bytes of @dir. */
static bool is_in(const char *dir, size_t dir_n, const char *name, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%.*s/%s", (int)dir_n, dir, name);

	return dir_n && n > 0 && (size_t)n < size && io_file_exists(ret_path);
}

bool fence_agent_find(const char *agent, char *ret_path, size_t size)
{
	const char *launcher = io_child_launcher_find(), *slash = strrchr(launcher, '/');
	const char *path = io_env("PATH");

	if (strchr(agent, '/'))
		return str_copy(ret_path, size, agent) && io_file_exists(agent);
	if (slash && is_in(launcher, (size_t)(slash - launcher), agent, ret_path, size))
		return true;
	while (path && *path) {
		size_t n = strcspn(path, ":");

		if (is_in(path, n, agent, ret_path, size))
			return true;
		path += n + (path[n] == ':');
	}
	return is_in("/usr/sbin", 9, agent, ret_path, size);
}

static void keys_add(struct fence_keys *keys, const char *name, size_t n)
{
	if (!n || n >= CONFIG_PARAMETER_NAME_SIZE || keys->n == FENCE_KEYS_MAX)
		return;
	memcpy(keys->name[keys->n], name, n);
	keys->name[keys->n][n] = '\0';
	keys->n++;
}

/* The value of one attribute inside a tag that ends at @end. */
static void keys_add_attribute(struct fence_keys *keys, const char *tag, const char *end, const char *attribute)
{
	size_t n = strlen(attribute);

	for (const char *at = tag; at + n + 3 < end; at++) {
		const char *value = at + n + 2, *close;

		if (at[0] != ' ' || strncmp(at + 1, attribute, n) != 0 || at[n + 1] != '=')
			continue;
		if (*value != '"' && *value != '\'')
			continue;
		close = memchr(value + 1, *value, (size_t)(end - value - 1));
		if (close)
			keys_add(keys, value + 1, (size_t)(close - value - 1));
		return;
	}
}

bool fence_keys_parse(const char *xml, struct fence_keys *ret)
{
	const char *tag = xml;

	ret->n = 0;
	if (!strstr(xml, "<resource-agent"))
		return false;
	while ((tag = strstr(tag, "<parameter ")) != NULL) {
		const char *end = strchr(tag, '>');

		if (!end)
			break;
		keys_add_attribute(ret, tag, end, "name");
		keys_add_attribute(ret, tag, end, "obsoletes");
		tag = end;
	}
	return ret->n > 0;
}

bool fence_keys_has(const struct fence_keys *keys, const char *name)
{
	for (uint32_t k = 0; k < keys->n; k++) {
		if (str_eq(keys->name[k], name))
			return true;
	}
	return false;
}

struct keys_question {
	fence_keys_fn fn;
	void *arg;
	struct fence_keys keys;
};

static void keys_answered(void *arg, const struct io_child_result *r)
{
	struct keys_question *q = arg;
	char why[160];

	if (r->end == IO_CHILD_EXITED && r->code == 0 && fence_keys_parse(r->out, &q->keys)) {
		q->fn(q->arg, &q->keys, "");
	} else {
		snprintf(
		    why, sizeof(why), "its metadata could not be read (%s %d)", io_child_end_name(r->end), r->code);
		q->fn(q->arg, NULL, why);
	}
	free(q);
}

int fence_keys_ask(const struct driver_env *env, const char *path, int64_t timeout_ms, fence_keys_fn fn, void *arg,
    struct osha_err *reterr)
{
	const char *const argv[] = {path, "-o", "metadata", NULL};
	struct keys_question *q = calloc(1, sizeof(*q));
	struct io_child_spec spec = {
	    .argv = argv,
	    .env = ENVIRONMENT,
	    .uid = -1,
	    .gid = -1,
	    .deadline_ms = timeout_ms,
	    .output_max_bytes = METADATA_MAX_BYTES,
	};
	int r;

	if (!q)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory to ask an agent");
	q->fn = fn;
	q->arg = arg;
	r = io_child_start(env->loop, &spec, keys_answered, q, NULL, reterr);
	if (r < 0)
		free(q);
	return r;
}
