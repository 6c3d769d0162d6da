/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: parsed to a flat list of nodes in which a section knows where it ends. Checking happens here once, so that rendering meets
 * only what is sound and has no error path.
 */
#include "tell/template.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { NODES_MAX = 512, NAME_SIZE = 32 };

enum node_type { NODE_TEXT = 0, NODE_VALUE, NODE_EACH, NODE_EMPTY, NODE_END };

struct node {
	enum node_type type;
	uint32_t at, size; /* NODE_TEXT: its bytes in the source */
	uint32_t end;      /* NODE_EACH, NODE_EMPTY: number of their NODE_END */
	char name[NAME_SIZE];
};

struct tell_template {
	enum tell_format format;
	char *bytes;
	uint32_t subject_end; /* nodes before it are the subject's */
	uint32_t node_n;
	struct node nodes[NODES_MAX];
};

struct parser {
	struct tell_template *t;
	const struct tell_source *source;
	size_t at;
	int line; /* of the text at @at */
	uint32_t depth;
	uint32_t open[TELL_TEMPLATE_DEPTH];
	int open_line[TELL_TEMPLATE_DEPTH];
	struct osha_err *err;
};

/* A tag as it stands in the text. */
struct tag {
	char sign; /* 0 for a value, '#', '^', '/' or '!' */
	const char *name;
	size_t name_n;
	size_t after; /* where the text goes on */
};

static int node_add(struct parser *p, enum node_type type, const char *name, size_t n, struct node **ret)
{
	struct node *node = &p->t->nodes[p->t->node_n];

	if (p->t->node_n == NODES_MAX)
		return osha_err_set(
		    p->err, OSHA_E_CONFIG, "expected at most %d tags and pieces of text, found more", NODES_MAX);
	memset(node, 0, sizeof(*node));
	node->type = type;
	if (n)
		memcpy(node->name, name, n);
	p->t->node_n++;
	*ret = node;
	return 0;
}

static int text_add(struct parser *p, size_t from, size_t to)
{
	struct node *node = NULL;
	int r;

	if (from >= to)
		return 0;
	r = node_add(p, NODE_TEXT, NULL, 0, &node);
	if (r < 0 || !node)
		return r;
	node->at = (uint32_t)from;
	node->size = (uint32_t)(to - from);
	return 0;
}

static void lines_count(struct parser *p, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++)
		p->line += p->t->bytes[k] == '\n';
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* Read the tag that begins at @at with "{{". */
static int tag_read(struct parser *p, size_t at, struct tag *ret)
{
	const char *start = p->t->bytes + at + 2, *end = strstr(start, "}}"), *line_end = strchr(start, '\n');
	const char *name = start, *name_end;

	if (!end || (line_end && line_end < end))
		return osha_err_set(p->err, OSHA_E_CONFIG, "expected }} on the same line as its {{, found none");
	ret->after = (size_t)(end + 2 - p->t->bytes);
	ret->sign = *start && strchr("#^/!", *start) ? *start : '\0';
	if (ret->sign == '!')
		return 0;
	name += ret->sign != '\0';
	while (*name == ' ')
		name++;
	for (name_end = name; is_name_byte(*name_end); name_end++)
		;
	ret->name = name;
	ret->name_n = (size_t)(name_end - name);
	while (*name_end == ' ')
		name_end++;
	if (name_end != end || ret->name_n == 0 || ret->name_n >= NAME_SIZE)
		return osha_err_set(p->err, OSHA_E_CONFIG,
		    "expected {{name}}, {{#name}}, {{^name}}, {{/name}} or {{! words }}, found {{%.*s}}",
		    (int)(end - start < 40 ? end - start : 40), start);
	return 0;
}

/* The name from the inside out; a section over a value opens no scope of its own. */
static enum tell_name_kind name_look_up(const struct parser *p, const struct tag *tag)
{
	enum tell_name_kind kind = TELL_NAME_NONE;

	for (uint32_t k = p->depth; k > 0 && !kind; k--) {
		const struct node *open = &p->t->nodes[p->open[k - 1]];

		if (open->type == NODE_EACH)
			kind = tell_name_find(p->source->kind, open->name, tag->name, tag->name_n);
	}
	return kind ? kind : tell_name_find(p->source->kind, "", tag->name, tag->name_n);
}

static int section_end(struct parser *p, const struct tag *tag)
{
	struct node *open = p->depth ? &p->t->nodes[p->open[p->depth - 1]] : NULL, *node = NULL;
	int r;

	if (!open || strlen(open->name) != tag->name_n || memcmp(open->name, tag->name, tag->name_n) != 0)
		return osha_err_set(p->err, OSHA_E_CONFIG, "expected %s%s%s, found {{/%.*s}}",
		    open ? "{{/" : "no end of a section", open ? open->name : "", open ? "}}" : "", (int)tag->name_n,
		    tag->name);
	r = node_add(p, NODE_END, tag->name, tag->name_n, &node);
	if (r < 0)
		return r;
	open->end = p->t->node_n - 1;
	p->depth--;
	return 0;
}

static int tag_add(struct parser *p, const struct tag *tag)
{
	enum tell_name_kind kind;
	struct node *node = NULL;
	int r;

	if (tag->sign == '!')
		return 0;
	if (tag->sign == '/')
		return section_end(p, tag);
	kind = name_look_up(p, tag);
	if (kind == TELL_NAME_NONE || (!tag->sign && kind == TELL_NAME_LIST)) {
		return osha_err_set(p->err, OSHA_E_CONFIG, "expected a name that %s offers here, found {{%.*s}}%s",
		    tell_template_name(p->source->kind, p->source->format), (int)tag->name_n, tag->name,
		    kind == TELL_NAME_LIST ? ", which is a list: write {{#...}} around its rows" : "");
	}
	if (tag->sign && p->depth == TELL_TEMPLATE_DEPTH)
		return osha_err_set(p->err, OSHA_E_CONFIG, "expected at most %d sections inside each other, found more",
		    TELL_TEMPLATE_DEPTH);
	r = node_add(p,
	    tag->sign == '#'   ? NODE_EACH
	    : tag->sign == '^' ? NODE_EMPTY
			       : NODE_VALUE,
	    tag->name, tag->name_n, &node);
	if (r == 0 && tag->sign) {
		p->open_line[p->depth] = p->line;
		p->open[p->depth++] = p->t->node_n - 1;
	}
	return r;
}

/* Does the tag from @from to @to stand alone on its line? Then the blanks before it and the line's end go with it. */
static bool tag_is_alone(const struct parser *p, const struct tag *tag, size_t *from, size_t *to)
{
	const char *b = p->t->bytes;
	size_t left = *from, right = *to;

	if (!tag->sign)
		return false;
	while (left > 0 && (b[left - 1] == ' ' || b[left - 1] == '\t'))
		left--;
	while (b[right] == ' ' || b[right] == '\t' || b[right] == '\r')
		right++;
	if ((left > 0 && b[left - 1] != '\n') || (b[right] != '\n' && b[right] != '\0'))
		return false;
	*from = left;
	*to = right + (b[right] == '\n');
	return true;
}

/* Everything up to @end. */
static int part_parse(struct parser *p, size_t end)
{
	int r = 0;

	while (r == 0 && p->at < end) {
		const char *open = strstr(p->t->bytes + p->at, "{{");
		size_t from = open ? (size_t)(open - p->t->bytes) : end, to;
		struct tag tag = {0};

		if (from >= end) {
			r = text_add(p, p->at, end);
			lines_count(p, p->at, end);
			p->at = end;
			break;
		}
		lines_count(p, p->at, from);
		r = tag_read(p, from, &tag);
		if (r < 0)
			break;
		to = tag.after;
		tag_is_alone(p, &tag, &from, &to);
		if (from > p->at)
			r = text_add(p, p->at, from);
		if (r == 0)
			r = tag_add(p, &tag);
		if (r == 0 && to > tag.after)
			lines_count(p, tag.after, to);
		p->at = to;
	}
	if (r == 0 && p->depth) {
		p->line = p->open_line[p->depth - 1];
		r = osha_err_set(p->err, OSHA_E_CONFIG, "expected {{/%s}} to end this section, found none%s",
		    p->t->nodes[p->open[p->depth - 1]].name, p->t->subject_end ? "" : " before the end of its part");
	}
	return r;
}

/* "Subject: words" and an empty line. */
static int subject_parse(struct parser *p)
{
	static const char word[] = "Subject: ";
	const char *b = p->t->bytes, *end = strchr(b, '\n');
	size_t size;
	int r;

	if (strncmp(b, word, sizeof(word) - 1) != 0 || !end || (end[1] != '\n' && end[1] != '\r'))
		return osha_err_set(p->err, OSHA_E_CONFIG,
		    "expected \"Subject: ...\" in the first line and an empty second one, found something else");
	size = (size_t)(end - b);
	p->at = sizeof(word) - 1;
	r = part_parse(p, size - (b[size - 1] == '\r'));
	if (r < 0)
		return r;
	p->t->subject_end = p->t->node_n;
	end = strchr(end + 1, '\n');
	p->at = end ? (size_t)(end + 1 - b) : strlen(b);
	p->line = 3;
	return 0;
}

static int bytes_check(struct parser *p)
{
	const struct tell_source *s = p->source;

	if (s->size_bytes > TELL_TEMPLATE_MAX_BYTES)
		return osha_err_set(p->err, OSHA_E_CONFIG, "expected at most %d bytes, found %zu",
		    TELL_TEMPLATE_MAX_BYTES, s->size_bytes);
	for (size_t k = 0; k < s->size_bytes; k++) {
		if (s->bytes[k] == '\0')
			return osha_err_set(p->err, OSHA_E_CONFIG, "expected text, found a byte 0");
		p->line += s->bytes[k] == '\n';
	}
	p->line = 1;
	return 0;
}

static struct tell_template *template_new(const struct tell_source *source)
{
	struct tell_template *t = calloc(1, sizeof(*t));
	char *bytes = calloc(1, source->size_bytes + 1);

	if (!t || !bytes) {
		free(t);
		free(bytes);
		return NULL;
	}
	if (source->size_bytes)
		memcpy(bytes, source->bytes, source->size_bytes);
	t->bytes = bytes;
	t->format = source->format;
	return t;
}

int tell_template_parse(
    const struct tell_source *source, int *ret_line, struct tell_template **ret, struct osha_err *reterr)
{
	struct tell_template *t = template_new(source);
	struct parser p = {.t = t, .source = source, .line = 1, .err = reterr};
	int r;

	*ret = NULL;
	if (!t)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a template");
	r = bytes_check(&p);
	if (r == 0 && source->format == TELL_TEXT)
		r = subject_parse(&p);
	if (r == 0)
		r = part_parse(&p, source->size_bytes);
	if (ret_line)
		*ret_line = p.line;
	if (r < 0)
		tell_template_free(&t);
	*ret = t;
	return r;
}

void tell_template_free(struct tell_template **t)
{
	if (!*t)
		return;
	free((*t)->bytes);
	free(*t);
	*t = NULL;
}

/* --- rendering --- */

struct scope {
	const struct tell_template *t;
	const cJSON *facts[TELL_TEMPLATE_DEPTH + 1];
	uint32_t depth; /* of @facts, at least 1 */
	struct strbuf *out;
};

static const cJSON *fact(const struct scope *s, const char *name)
{
	const cJSON *found = NULL;

	for (uint32_t k = s->depth; k > 0 && !found; k--)
		found = cJSON_GetObjectItemCaseSensitive(s->facts[k - 1], name);
	return found;
}

static bool is_empty(const cJSON *value)
{
	if (cJSON_IsArray(value))
		return cJSON_GetArraySize(value) == 0;
	return !cJSON_IsString(value) || value->valuestring[0] == '\0';
}

static void nodes_render(struct scope *s, uint32_t from, uint32_t to);

static void section_render(struct scope *s, uint32_t at)
{
	const struct node *n = &s->t->nodes[at];
	const cJSON *value = fact(s, n->name), *row;

	if (n->type == NODE_EMPTY || !cJSON_IsArray(value)) {
		if (is_empty(value) == (n->type == NODE_EMPTY))
			nodes_render(s, at + 1, n->end);
		return;
	}
	cJSON_ArrayForEach(row, value)
	{
		s->facts[s->depth++] = row;
		nodes_render(s, at + 1, n->end);
		s->depth--;
	}
}

/* Recursion is bounded by TELL_TEMPLATE_DEPTH, which parsing has checked. */
static void nodes_render(struct scope *s, uint32_t from, uint32_t to)
{
	for (uint32_t k = from; k < to; k++) {
		const struct node *n = &s->t->nodes[k];
		const cJSON *value;

		switch (n->type) {
		case NODE_TEXT:
			strbuf_add(s->out, s->t->bytes + n->at, n->size);
			break;
		case NODE_VALUE:
			value = fact(s, n->name);
			tell_text_add(s->out, s->t->format, cJSON_IsString(value) ? value->valuestring : "");
			break;
		case NODE_EACH:
		case NODE_EMPTY:
			section_render(s, k);
			k = n->end;
			break;
		case NODE_END:
			break;
		}
	}
}

void tell_template_render(const struct tell_template *t, const cJSON *facts, struct strbuf *out)
{
	struct scope s = {.t = t, .facts = {facts}, .depth = 1, .out = out};

	nodes_render(&s, t->subject_end, t->node_n);
}

void tell_template_subject(const struct tell_template *t, const cJSON *facts, struct strbuf *out)
{
	struct scope s = {.t = t, .facts = {facts}, .depth = 1, .out = out};

	nodes_render(&s, 0, t->subject_end);
}
