/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libyaml's events to the tree. Open collections stand on a fixed stack, so depth is bounded by construction; an
 * anchor is known only once its node is closed, so no tree contains itself. Children are collected in growing arrays of
 * the arena (doubling: at most twice the size is lost, and the arena does not live long).
 */
#include <string.h>
#include <yaml.h>

#include "base/strbuf.h"
#include "config/tree.h"

struct tree_open {
	struct tree_node *node;
	size_t item_n; /* keys and values both counted */
	size_t item_cap;
	char anchor[64];
};

struct tree_anchor {
	char name[64];
	struct tree_node *node;
};

struct tree_builder {
	const char *name;
	struct config_memory *mem;
	struct config_problems *problems;
	struct tree_open stack[TREE_DEPTH_MAX];
	size_t depth;
	struct tree_anchor anchors[TREE_ANCHOR_MAX];
	size_t anchor_n;
	struct tree_node *root;
	size_t document_n;
	size_t node_n;
	bool must_stop;
};

static int line_of(const yaml_mark_t *m)
{
	return (int)(m->line < 0x7ffffff ? m->line : 0x7ffffff) + 1;
}

static int column_of(const yaml_mark_t *m)
{
	return (int)(m->column < 0x7ffffff ? m->column : 0x7ffffff) + 1;
}

#define COMPLAIN(b, mark, ...)                                                                                         \
	problems_add((b)->problems, false, PLACE((b)->name, line_of(mark), column_of(mark), ""), __VA_ARGS__)

static struct tree_node *node_new(struct tree_builder *b, enum tree_kind kind, const yaml_mark_t *mark)
{
	struct tree_node *node = config_memory_take(b->mem, sizeof(*node));
	if (!node) {
		b->must_stop = true;
		return NULL;
	}
	if (++b->node_n > TREE_NODE_MAX) {
		COMPLAIN(b, mark, "expected at most %d values in all, found more; split the file's work or shorten it",
		    TREE_NODE_MAX);
		b->must_stop = true;
	}
	*node =
	    (struct tree_node){.kind = kind, .line = line_of(mark), .column = column_of(mark), .text = "", .weight = 1};
	return node;
}

static void anchor_keep(struct tree_builder *b, const char *anchor, struct tree_node *node)
{
	if (anchor[0] == '\0')
		return;
	if (b->anchor_n == TREE_ANCHOR_MAX) {
		problems_add(b->problems, false, PLACE(b->name, node->line, node->column, ""),
		    "expected at most %d anchors, found another one; write the value out", TREE_ANCHOR_MAX);
		return;
	}
	struct tree_anchor *a = &b->anchors[b->anchor_n++];
	(void)str_copy(a->name, sizeof(a->name), anchor);
	a->node = node;
}

/* A key must be text. */
static void key_check(struct tree_builder *b, const struct tree_node *key)
{
	if (key->kind != TREE_SCALAR) {
		problems_add(b->problems, false, PLACE(b->name, key->line, key->column, ""),
		    "expected an option's name before the colon, found %s; quote a text that begins with { or [",
		    key->kind == TREE_MAPPING ? "a mapping" : "a list");
		return;
	}
	if (str_eq(key->text, "<<"))
		problems_add(b->problems, false, PLACE(b->name, key->line, key->column, ""),
		    "expected an option's name, found the merge key <<; repeat the options, merging is not supported");
}

/* Sorting finds the twins of large mappings in n log n; a name per pair is enough. */
static int key_compare(const void *a, const void *b)
{
	const struct tree_node *x = *(struct tree_node *const *)a, *y = *(struct tree_node *const *)b;
	int order = strcmp(x->text, y->text);
	if (order != 0)
		return order;
	return x->line != y->line ? (x->line < y->line ? -1 : 1) : (x->column > y->column) - (x->column < y->column);
}

static void twins_check(struct tree_builder *b, const struct tree_node *map)
{
	if (map->n < 2)
		return;
	struct tree_node **keys = config_memory_take(b->mem, map->n * sizeof(struct tree_node *));
	if (!keys)
		return;
	for (size_t i = 0; i < map->n; i++)
		keys[i] = map->items[2 * i];
	qsort(keys, map->n, sizeof(struct tree_node *), key_compare);
	for (size_t i = 1; i < map->n; i++)
		if (keys[i]->kind == TREE_SCALAR && keys[i - 1]->kind == TREE_SCALAR &&
		    strcmp(keys[i]->text, keys[i - 1]->text) == 0)
			problems_add(b->problems, false, PLACE(b->name, keys[i]->line, keys[i]->column, ""),
			    "expected each name once, found \"%.60s\" again, first written in line %d; keep one of "
			    "them",
			    keys[i]->text, keys[i - 1]->line);
}

static bool items_grow(struct tree_builder *b, struct tree_open *open)
{
	size_t cap = open->item_cap ? open->item_cap * 2 : 8;
	struct tree_node **items = config_memory_take(b->mem, cap * sizeof(struct tree_node *));
	if (!items) {
		b->must_stop = true;
		return false;
	}
	if (open->item_n)
		memcpy(items, open->node->items, open->item_n * sizeof(struct tree_node *));
	open->node->items = items;
	open->item_cap = cap;
	return true;
}

/* Hang a finished node under what is open, or make it the root. */
static void node_attach(struct tree_builder *b, struct tree_node *node)
{
	if (b->depth == 0) {
		b->root = node;
		return;
	}
	struct tree_open *open = &b->stack[b->depth - 1];
	if (open->item_n == open->item_cap && !items_grow(b, open))
		return;
	if (open->node->kind == TREE_MAPPING && open->item_n % 2 == 0)
		key_check(b, node);
	open->node->items[open->item_n++] = node;
	open->node->weight += node->weight;
	if (open->node->weight > TREE_NODE_MAX && !b->must_stop) {
		problems_add(b->problems, false, PLACE(b->name, node->line, node->column, ""),
		    "expected at most %d values with every alias written out, found more; use fewer aliases",
		    TREE_NODE_MAX);
		b->must_stop = true;
	}
}

static void on_alias(struct tree_builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	for (size_t i = b->anchor_n; i > 0; i--) {
		if (str_eq(b->anchors[i - 1].name, name)) {
			node_attach(b, b->anchors[i - 1].node);
			return;
		}
	}
	/* its name stays out of the message: it may be a password that begins with * */
	COMPLAIN(b, &ev->start_mark,
	    "expected a value, found an alias of an anchor that is not complete above; quote a text that begins with "
	    "*");
	struct tree_node *stand_in = node_new(b, TREE_SCALAR, &ev->start_mark);
	if (stand_in)
		node_attach(b, stand_in);
}

static void tag_check(struct tree_builder *b, const yaml_event_t *ev, const yaml_char_t *tag)
{
	if (tag)
		COMPLAIN(
		    b, &ev->start_mark, "expected a plain value, found a YAML tag; quote a text that begins with !");
}

static void on_scalar(struct tree_builder *b, const yaml_event_t *ev)
{
	tag_check(b, ev, ev->data.scalar.tag);
	struct tree_node *node = node_new(b, TREE_SCALAR, &ev->start_mark);
	if (!node)
		return;
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	if (memchr(text, '\0', len)) {
		COMPLAIN(b, &ev->start_mark, "expected text, found a NUL character in it; remove \"\\0\"");
		len = 0;
	}
	node->text = config_memory_text(b->mem, text, len);
	node->is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	anchor_keep(b, ev->data.scalar.anchor ? (const char *)ev->data.scalar.anchor : "", node);
	node_attach(b, node);
}

static void on_open(struct tree_builder *b, const yaml_event_t *ev)
{
	bool is_map = ev->type == YAML_MAPPING_START_EVENT;
	tag_check(b, ev, is_map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag);
	if (b->depth == TREE_DEPTH_MAX) {
		COMPLAIN(b, &ev->start_mark, "expected at most %d levels of nesting, found more; no option needs them",
		    TREE_DEPTH_MAX);
		b->must_stop = true;
		return;
	}
	struct tree_node *node = node_new(b, is_map ? TREE_MAPPING : TREE_SEQUENCE, &ev->start_mark);
	if (!node)
		return;
	struct tree_open *open = &b->stack[b->depth++];
	*open = (struct tree_open){.node = node};
	const yaml_char_t *anchor = is_map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	(void)str_copy(open->anchor, sizeof(open->anchor), anchor ? (const char *)anchor : "");
}

static void on_close(struct tree_builder *b)
{
	if (b->depth == 0)
		return;
	struct tree_open *open = &b->stack[--b->depth];
	struct tree_node *node = open->node;
	if (!node)
		return;
	node->n = node->kind == TREE_MAPPING ? open->item_n / 2 : open->item_n;
	if (node->kind == TREE_MAPPING)
		twins_check(b, node);
	anchor_keep(b, open->anchor, node);
	node_attach(b, node);
}

static void on_event(struct tree_builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++b->document_n == 2) {
			COMPLAIN(b, &ev->start_mark,
			    "expected one YAML document, found the start of another one; remove the line ---");
			b->must_stop = true;
		}
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, ev);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(b, ev);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		on_open(b, ev);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(b);
		break;
	default:
		break;
	}
}

/* Does the line that begins at most at @at hold a tab before its first word? */
static bool line_has_tab(const char *bytes, size_t n, size_t line)
{
	size_t i = 0;
	for (size_t k = 0; k < line && i < n; i++)
		k += bytes[i] == '\n';
	while (i < n && (bytes[i] == ' ' || bytes[i] == '-'))
		i++;
	return i < n && bytes[i] == '\t';
}

static void reader_complain(struct tree_builder *b, const yaml_parser_t *p, const char *bytes)
{
	int line = 1, column = 1;
	for (size_t i = 0; i < p->problem_offset; i++) {
		column = bytes[i] == '\n' ? 1 : column + 1;
		line += bytes[i] == '\n';
	}
	problems_add(b->problems, false, PLACE(b->name, line, column, ""),
	    "expected printable UTF-8 text, found the byte 0x%02x (%s); save the file as UTF-8",
	    (unsigned char)bytes[p->problem_offset], p->problem ? p->problem : "unreadable");
}

static const char *syntax_hint(const yaml_parser_t *p, const char *bytes, size_t n)
{
	const char *problem = p->problem ? p->problem : "", *context = p->context ? p->context : "";
	if (line_has_tab(bytes, n, p->problem_mark.line))
		return "indent with spaces, the line begins with a tab";
	if (strstr(context, "alias") || strstr(context, "anchor"))
		return "quote a text that begins with * or &";
	if (strstr(context, "quoted scalar"))
		return "close the quotation mark";
	if (strstr(problem, "mapping values"))
		return "look for a missing line end, a wrong indentation, or quote a text that holds \": \"";
	return "look at the indentation here and above, and quote texts that begin with { [ * & ! % @ or `";
}

static int parse_failed(struct tree_builder *b, const yaml_parser_t *p, const char *bytes, size_t n)
{
	if (p->error == YAML_MEMORY_ERROR) {
		b->mem->failed = true;
		return -1;
	}
	if (p->error == YAML_READER_ERROR && p->problem_offset < n)
		reader_complain(b, p, bytes);
	else
		COMPLAIN(b, &p->problem_mark, "expected YAML, %s%s%s; %s", p->problem ? p->problem : "found none",
		    p->context ? " " : "", p->context ? p->context : "", syntax_hint(p, bytes, n));
	return -1;
}

static void build(struct tree_builder *b, yaml_parser_t *p, const char *bytes, size_t n)
{
	bool is_done = false;
	while (!is_done && !b->must_stop) {
		yaml_event_t ev;
		if (!yaml_parser_parse(p, &ev)) {
			(void)parse_failed(b, p, bytes, n);
			return;
		}
		is_done = ev.type == YAML_STREAM_END_EVENT;
		on_event(b, &ev);
		yaml_event_delete(&ev);
	}
}

int tree_parse(const struct config_source *src, struct config_memory *mem, struct tree_node **ret_root,
    struct config_problems *problems, struct osha_err *reterr)
{
	struct tree_builder b = {.name = src->name, .mem = mem, .problems = problems};
	size_t before = problems->error_n;
	yaml_parser_t p;
	*ret_root = NULL;
	if (!yaml_parser_initialize(&p))
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", src->name);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)src->bytes, src->n);
	build(&b, &p, src->bytes, src->n);
	yaml_parser_delete(&p);
	if (mem->failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", src->name);
	problems_sort(problems);
	if (problems->error_n > before)
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s is no YAML that can be used", src->name);
	*ret_root = b.root;
	return 0;
}
