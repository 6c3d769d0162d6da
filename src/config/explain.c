/* SPDX-License-Identifier: Apache-2.0 */
/* One option in plain text, and the words that all renderings of a row share. */
#include <stdio.h>
#include <string.h>

#include "config/explain.h"
#include "config/render.h"

void text_wrap(struct strbuf *sb, const char *prefix, const char *text, size_t width)
{
	size_t used = 0;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (used && used + 1 + n > width) {
			strbuf_puts(sb, "\n");
			used = 0;
		}
		strbuf_printf(sb, "%s%.*s", used ? " " : prefix, (int)n, text);
		used += n + (used ? 1 : 0);
		text += n + strspn(text + n, " ");
	}
	strbuf_puts(sb, "\n");
}

void option_default_text(const struct option *o, struct strbuf *sb)
{
	if (o->flags & OPTION_REQUIRED)
		strbuf_puts(sb, "none, it must be written");
	else if (o->type == OPTION_LIST && o->def[0])
		for (const char *p = o->def; *p; p++)
			strbuf_printf(sb, *p == ',' ? ", " : "%c", *p);
	else if (!option_is_scalar(o) || o->def[0] == '\0')
		strbuf_puts(sb, "not given");
	else
		strbuf_puts(sb, o->def);
}

int option_is_section(const struct option *o)
{
	return o->type == OPTION_TABLE || o->type == OPTION_TABLES || o->type == OPTION_TABLE_MAP;
}

void option_value_text(const struct option *o, struct strbuf *sb)
{
	char text[240];
	strbuf_puts(sb, option_expected(o, text, sizeof(text)));
	if (o->type != OPTION_LIST)
		return;
	struct option item = *o;
	item.type = o->element;
	strbuf_printf(sb, " of up to %lld items, each ", (long long)o->max);
	strbuf_puts(sb, option_expected(&item, text, sizeof(text)));
}

static void option_explain(const char *path, const struct option *o, struct strbuf *sb)
{
	strbuf_printf(sb, "%s\n", path);
	text_wrap(sb, "    ", o->doc, 90);
	strbuf_puts(sb, "    Value: ");
	option_value_text(o, sb);
	if (!option_is_section(o)) {
		strbuf_puts(sb, "\n    Default: ");
		option_default_text(o, sb);
		strbuf_printf(sb, "\n    Reload: %s", o->flags & OPTION_RELOADABLE ? "yes" : "no, restart the daemon");
	}
	strbuf_puts(sb, "\n");
}

/* The next name of a path: up to a dot, without an index in brackets. */
static size_t step_take(const char **path, char *name, size_t size)
{
	size_t n = strcspn(*path, ".[");
	(void)snprintf(name, size, "%.*s", (int)(n < size ? n : size - 1), *path);
	*path += n;
	if (**path == '[')
		*path += strcspn(*path, "]") + (strchr(*path, ']') != NULL);
	*path += **path == '.';
	return n;
}

static int step_unknown(const struct option_table *t, const char *name, struct osha_err *reterr)
{
	const char *near = option_nearest(t, name);
	if (near)
		return osha_err_set(reterr, OSHA_E_NOTFOUND, "there is no option \"%.60s\" of %s; did you mean %s?",
		    name, t->name, near);
	return osha_err_set(reterr, OSHA_E_NOTFOUND, "there is no option \"%.60s\" of %s", name, t->name);
}

/* Under a mapping by name the path may go on with such a name, dots and all: it is skipped when no option is called so.
 */
static void map_name_skip(const struct option_table *t, const char **path)
{
	const char *last = strrchr(*path, '.');
	char name[100];
	const char *ahead = *path;
	if (step_take(&ahead, name, sizeof(name)) && !option_find(t, name))
		*path = last && option_find(t, last + 1) ? last + 1 : ahead;
}

static void section_explain(const char *path, const struct option_table *t, struct strbuf *sb)
{
	char at[300];
	for (size_t i = 0; i < t->row_n; i++) {
		strbuf_puts(sb, "\n");
		(void)snprintf(at, sizeof(at), "%s%s%s", path, path[0] ? "." : "", t->rows[i].name);
		option_explain(at, &t->rows[i], sb);
	}
}

int config_explain(const char *option, struct strbuf *sb, struct osha_err *reterr)
{
	const struct option_table *t = &option_table_root;
	const struct option *o = NULL;
	char name[100], at[300] = "";
	while (*option && t) {
		if (t->key)
			map_name_skip(t, &option);
		if (*option == '\0')
			break;
		(void)step_take(&option, name, sizeof(name));
		o = option_find(t, name);
		if (!o)
			return step_unknown(t, name, reterr);
		size_t used = strlen(at);
		(void)snprintf(at + used, sizeof(at) - used, "%s%s", used ? "." : "", name);
		t = option_is_section(o) ? o->table : NULL;
	}
	if (o)
		option_explain(at, o, sb);
	if (t)
		section_explain(at, t, sb);
	return 0;
}
