/* SPDX-License-Identifier: Apache-2.0 */
/* From a file to a configuration that holds together, or to none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/check.h"
#include "config/config.h"
#include "config/config_file.h"
#include "config/explain.h"
#include "config/option.h"
#include "config/tree.h"
#include "config/value_reader.h"

/* The segment of a file that names none. */
static void segment_default(struct config_reader *r, struct config *cfg)
{
	static const struct tree_node star = {.kind = TREE_SCALAR, .text = "*"};
	static const struct tree_node name = {.kind = TREE_SCALAR, .text = "default"};
	static const struct tree_node name_key = {.kind = TREE_SCALAR, .text = "name"};
	static const struct tree_node hosts_key = {.kind = TREE_SCALAR, .text = "hosts"};
	struct tree_node *star_list[] = {(struct tree_node *)&star};
	struct tree_node hosts = {.kind = TREE_SEQUENCE, .items = star_list, .n = 1};
	struct tree_node *items[] = {
	    (struct tree_node *)&name_key, (struct tree_node *)&name, (struct tree_node *)&hosts_key, &hosts};
	const struct tree_node node = {.kind = TREE_MAPPING, .items = items, .n = 2};
	struct config_segment *s = config_memory_take(r->mem, sizeof(*s));
	if (!s)
		return;
	reader_table(r, &option_table_segment, &node, s);
	cfg->segments.items = s;
	cfg->segments.n = 1;
}

static int host_compare(const void *a, const void *b)
{
	const struct config_host_override *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static struct config *config_new(void)
{
	struct config *cfg = calloc(1, sizeof(*cfg));
	if (cfg)
		cfg->memory = calloc(1, sizeof(*cfg->memory));
	if (cfg && !cfg->memory) {
		free(cfg);
		return NULL;
	}
	return cfg;
}

/* Everything after the tree. The checks run only over values that were read well: their words would be about our
 * defaults otherwise. */
static int config_fill(struct config *cfg, const char *name, const struct tree_node *root,
    struct config_problems *problems, struct osha_err *reterr)
{
	struct config_reader r = {.file = name, .problems = problems, .mem = cfg->memory, .root = root};
	size_t before = problems->error_n;
	reader_table(&r, &option_table_root, root, cfg);
	if (!tree_member(root, "segments"))
		segment_default(&r, cfg);
	else if (cfg->segments.n == 0 && problems->error_n == before)
		reader_error_at(
		    &r, "segments", "expected at least one segment, found none; write one or remove the option");
	if (cfg->hosts.n)
		qsort(cfg->hosts.items, cfg->hosts.n, sizeof(cfg->hosts.items[0]), host_compare);
	if (!cfg->memory->failed)
		check_all(&r, cfg);
	problems_sort(problems);
	if (cfg->memory->failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", name);
	size_t n = problems->error_n - before;
	if (n > 0)
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s has %zu error%s", name, n, n == 1 ? "" : "s");
	return 0;
}

int config_parse(const char *name, const char *bytes, size_t n, struct config **ret_cfg,
    struct config_problems *problems, struct osha_err *reterr)
{
	CONFIG_MEMORY_AUTO struct config_memory tree_memory = {0};
	const struct config_source src = {name, bytes, n};
	struct tree_node *root = NULL;
	*ret_cfg = NULL;
	if (n > CONFIG_FILE_MAX_BYTES) {
		problems_add(problems, false, PLACE(name, 0, 0, ""),
		    "expected at most %d bytes, found more; name hosts by patterns", CONFIG_FILE_MAX_BYTES);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s is too long", name);
	}
	int rc = tree_parse(&src, &tree_memory, &root, problems, reterr);
	if (rc < 0)
		return rc;
	struct config *cfg = config_new();
	if (!cfg)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", name);
	rc = config_fill(cfg, name, root, problems, reterr);
	if (rc < 0)
		config_free(cfg);
	else
		*ret_cfg = cfg;
	return rc;
}

int config_load(const char *path, struct config **ret_cfg, struct config_problems *problems, struct osha_err *reterr)
{
	CONFIG_MEMORY_AUTO struct config_memory mem = {0};
	struct config_source src = {.name = path};
	*ret_cfg = NULL;
	int rc = config_file_read(&src, "see osha config sample", &mem, problems, reterr);
	return rc < 0 ? rc : config_parse(path, src.bytes, src.n, ret_cfg, problems, reterr);
}

void config_free(struct config *cfg)
{
	if (!cfg)
		return;
	config_memory_drop(cfg->memory);
	free(cfg->memory);
	free(cfg);
}

void config_drop(struct config **cfg)
{
	config_free(*cfg);
	*cfg = NULL;
}

/* Rows outside lists that a reload may not change. Rows in lists and maps are all reloadable: the test of the rows says
 * so. */
static void reload_check(
    const struct option_table *t, const char *path, const void *now, const void *next, struct config_problems *problems)
{
	for (size_t i = 0; i < t->row_n; i++) {
		const struct option *o = &t->rows[i];
		const void *a = (const char *)now + o->offset, *b = (const char *)next + o->offset;
		char at[200];
		(void)snprintf(at, sizeof(at), "%s%s%s", path, path[0] ? "." : "", o->name);
		if (o->type == OPTION_TABLE)
			reload_check(o->table, at, a, b, problems);
		if (!option_is_scalar(o) || (o->flags & OPTION_RELOADABLE))
			continue;
		STRBUF_AUTO struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
		config_value_render(o, a, &before);
		config_value_render(o, b, &after);
		if (!before.failed && !after.failed && strcmp(before.text, after.text) != 0)
			problems_add(problems, false, PLACE("", 0, 0, at),
			    "expected %.100s as long as the daemon runs, found %.100s; restart the daemon to change it",
			    before.text, after.text);
	}
}

int config_reload_check(
    const struct config *now, const struct config *next, struct config_problems *problems, struct osha_err *reterr)
{
	size_t before = problems->error_n;
	reload_check(&option_table_root, "", now, next, problems);
	if (problems->error_n > before)
		return osha_err_set(reterr, OSHA_E_CONFIG, "the new configuration needs a restart");
	return 0;
}
