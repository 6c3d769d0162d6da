/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over rows and nodes. Secrets and agent parameters have their own file. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/value.h"
#include "config/value_reader.h"

static void read_option(struct config_reader *r, const struct option *o, const struct tree_node *node, void *field);

size_t reader_push(struct config_reader *r, const char *name)
{
	size_t before = r->path_len, room = sizeof(r->path) - before;
	int n = snprintf(r->path + before, room, "%s%.100s", before ? "." : "", name);
	r->path_len = strlen(r->path);
	(void)n;
	return before;
}

size_t reader_push_item(struct config_reader *r, size_t i)
{
	size_t before = r->path_len;
	(void)snprintf(r->path + before, sizeof(r->path) - before, "[%zu]", i);
	r->path_len = strlen(r->path);
	return before;
}

void reader_pop(struct config_reader *r, size_t path_len)
{
	r->path_len = path_len;
	r->path[path_len] = '\0';
}

__attribute__((format(printf, 5, 0))) static void complain(struct config_reader *r, bool is_warning,
    const struct tree_node *node, const char *path, const char *fmt, va_list ap)
{
	char text[PROBLEM_TEXT_SIZE];
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	problems_add(
	    r->problems, is_warning, PLACE(r->file, node ? node->line : 0, node ? node->column : 0, path), "%s", text);
}

void reader_error(struct config_reader *r, const struct tree_node *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(r, false, node, r->path, fmt, ap);
	va_end(ap);
}

void reader_warning(struct config_reader *r, const struct tree_node *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(r, true, node, r->path, fmt, ap);
	va_end(ap);
}

void reader_error_at(struct config_reader *r, const char *path, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(r, false, tree_find(r->root, path), path, fmt, ap);
	va_end(ap);
}

void reader_warning_at(struct config_reader *r, const char *path, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	complain(r, true, tree_find(r->root, path), path, fmt, ap);
	va_end(ap);
}

static void expected_error(struct config_reader *r, const struct option *o, enum option_type type,
    const struct tree_node *node, const char *hint)
{
	char expected[200], found[160];
	struct option as = *o;
	as.type = type;
	reader_error(r, node, "expected %s, found %s%s%s", option_expected(&as, expected, sizeof(expected)),
	    tree_found(node, found, sizeof(found)), hint[0] ? "; " : "", hint);
}

static void read_scalar(
    struct config_reader *r, const struct option *o, enum option_type type, const struct tree_node *node, void *field)
{
	char hint[VALUE_HINT_SIZE] = "";
	if (node->kind == TREE_MAPPING)
		expected_error(r, o, type, node, "quote a text that begins with {");
	else if (node->kind == TREE_SEQUENCE)
		expected_error(r, o, type, node, "write one value, without brackets or dash");
	else if (tree_is_null(node))
		expected_error(r, o, type, node, "write a value, or remove the line");
	else if (!value_set(o, type, node->text, field, r->mem, hint))
		expected_error(r, o, type, node, hint);
}

static void length_check(struct config_reader *r, const struct option *o, const struct tree_node *node)
{
	if ((int64_t)node->n < o->min)
		reader_error(r, node, "expected at least %lld, found %zu; add one or remove the option",
		    (long long)o->min, node->n);
	if ((int64_t)node->n > o->max)
		reader_error(r, node, "expected at most %lld, found %zu; shorten it", (long long)o->max, node->n);
}

static void read_list(
    struct config_reader *r, const struct option *o, const struct tree_node *node, struct config_texts *ret)
{
	if (node->kind != TREE_SEQUENCE && !(tree_is_null(node) && o->min == 0)) {
		expected_error(r, o, o->type, node, "write [one, two], or each item in a line of its own after a dash");
		return;
	}
	length_check(r, o, node);
	ret->n = 0; /* the default's items do not count any more */
	ret->items = config_memory_take(r->mem, (node->n + 1) * sizeof(*ret->items));
	for (size_t i = 0; ret->items && i < node->n; i++) {
		size_t up = reader_push_item(r, i);
		ret->items[ret->n] = "";
		read_scalar(r, o, o->element, node->items[i], &ret->items[ret->n++]);
		reader_pop(r, up);
	}
}

struct any_list {
	void *items;
	size_t n;
};

/* @field is one of the {items, n} structs of config.h; they are all alike. */
static void read_tables(struct config_reader *r, const struct option *o, const struct tree_node *node, void *field)
{
	struct any_list list = {NULL, 0};
	if (tree_is_null(node))
		return;
	if (node->kind != TREE_SEQUENCE) {
		expected_error(r, o, o->type, node, "begin each of them with a dash");
		return;
	}
	length_check(r, o, node);
	list.items = config_memory_take(r->mem, (node->n + 1) * o->table->size_bytes);
	for (size_t i = 0; list.items && i < node->n; i++) {
		size_t up = reader_push_item(r, i);
		reader_table(r, o->table, node->items[i], (char *)list.items + list.n++ * o->table->size_bytes);
		reader_pop(r, up);
	}
	memcpy(field, &list, sizeof(list));
}

/* The names themselves: host names, so the same letters, and no path of another host. */
static void read_table_map(struct config_reader *r, const struct option *o, const struct tree_node *node, void *field)
{
	static const struct option name_row = {
	    .name = "name", .type = OPTION_HOST, .min = 1, .max = HOST_NAME_SIZE - 1};
	struct any_list list = {NULL, 0};
	if (tree_is_null(node))
		return;
	if (node->kind != TREE_MAPPING) {
		expected_error(r, o, o->type, node, "write each name with a colon, its options indented below");
		return;
	}
	length_check(r, o, node);
	list.items = config_memory_take(r->mem, (node->n + 1) * o->table->size_bytes);
	for (size_t i = 0; list.items && i < node->n; i++) {
		size_t up = reader_push(r, node->items[2 * i]->text);
		void *base = (char *)list.items + list.n++ * o->table->size_bytes;
		reader_table(r, o->table, node->items[2 * i + 1], base);
		const char *name = "";
		read_scalar(r, &name_row, OPTION_HOST, node->items[2 * i], &name);
		memcpy(base, &name, sizeof(name));
		reader_pop(r, up);
	}
	memcpy(field, &list, sizeof(list));
}

static void default_list(struct config_reader *r, const struct option *o, struct config_texts *ret)
{
	size_t n = 1;
	for (const char *p = o->def; *p; p++)
		n += *p == ',';
	ret->items = config_memory_take(r->mem, n * sizeof(*ret->items));
	for (const char *p = o->def; ret->items && *p;) {
		size_t len = strcspn(p, ",");
		ret->items[ret->n++] = config_memory_text(r->mem, p, len);
		p += len + (p[len] == ',');
	}
}

/* Texts and secrets that are not given are "", never NULL. A default of a row is as good as a written value: the test
 * parses them all. */
static void set_default(struct config_reader *r, const struct option *o, void *field)
{
	char hint[VALUE_HINT_SIZE];
	if (o->type == OPTION_SECRET)
		*(struct config_secret *)field = (struct config_secret){"", ""};
	else if (o->type == OPTION_LIST)
		default_list(r, o, field);
	else if (option_is_scalar(o) && o->def[0] == '\0')
		*(const char **)field = "";
	else if (option_is_scalar(o))
		(void)value_set(o, o->type, o->def, field, r->mem, hint);
}

static void read_option(struct config_reader *r, const struct option *o, const struct tree_node *node, void *field)
{
	if (option_is_scalar(o))
		read_scalar(r, o, o->type, node, field);
	else if (o->type == OPTION_LIST)
		read_list(r, o, node, field);
	else if (o->type == OPTION_SECRET)
		reader_secret(r, node, field);
	else if (o->type == OPTION_PARAMETERS)
		reader_parameters(r, node, field);
	else if (o->type == OPTION_OVERRIDES)
		reader_overrides(r, node, field);
	else if (o->type == OPTION_TABLES)
		read_tables(r, o, node, field);
	else if (o->type == OPTION_TABLE_MAP)
		read_table_map(r, o, node, field);
}

static void read_row(struct config_reader *r, const struct option_table *t, const struct option *o,
    const struct tree_node *node, void *base)
{
	void *field = (char *)base + o->offset;
	const struct tree_node *value = tree_member(node, o->name);
	size_t up = reader_push(r, o->name);
	if (o->type == OPTION_TABLE) {
		reader_table(r, o->table, value, field);
	} else {
		set_default(r, o, field);
		char expected[200];
		if (value)
			read_option(r, o, value, field);
		else if (o->flags & OPTION_REQUIRED)
			reader_error(r, node, "expected %s, found no such option; %s needs one",
			    option_expected(o, expected, sizeof(expected)), t->name);
	}
	reader_pop(r, up);
}

static void unknown_error(struct config_reader *r, const struct option_table *t, const struct tree_node *key)
{
	const char *near = option_nearest(t, key->text);
	STRBUF_AUTO struct strbuf all = STRBUF_INIT;
	for (size_t i = 0; i < t->row_n; i++)
		strbuf_printf(&all, "%s%s", i ? ", " : "", t->rows[i].name);
	size_t up = reader_push(r, key->text);
	if (near)
		reader_error(r, key, "expected an option of %s, found the unknown name \"%.60s\"; did you mean %s?",
		    t->name, key->text, near);
	else
		reader_error(r, key, "expected an option of %s, found the unknown name \"%.60s\"; known are %s",
		    t->name, key->text, all.failed ? "" : all.text);
	reader_pop(r, up);
}

void reader_table(struct config_reader *r, const struct option_table *t, const struct tree_node *node, void *base)
{
	char found[160];
	if (node && !tree_is_null(node) && node->kind != TREE_MAPPING) {
		reader_error(r, node, "expected a mapping of options, found %s; write option: value, indented below",
		    tree_found(node, found, sizeof(found)));
		node = NULL;
	}
	for (size_t i = 0; i < t->row_n; i++)
		read_row(r, t, &t->rows[i], node, base);
	for (size_t i = 0; node && node->kind == TREE_MAPPING && i < node->n; i++)
		if (!option_find(t, node->items[2 * i]->text))
			unknown_error(r, t, node->items[2 * i]);
}
