/* SPDX-License-Identifier: Apache-2.0 */
/* Text of the face: JSON strings, nova's time stamps, query strings, links to the next page. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloudsim/cloudface_parts.h"

void face_text(struct strbuf *sb, const char *s)
{
	strbuf_puts(sb, "\"");
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch == '"' || ch == '\\')
			strbuf_printf(sb, "\\%c", ch);
		else if (ch == '\n')
			strbuf_puts(sb, "\\n");
		else if (ch < 0x20)
			strbuf_printf(sb, "\\u%04x", ch);
		else
			strbuf_add(sb, s, 1);
	}
	strbuf_puts(sb, "\"");
}

void face_text_or_null(struct strbuf *sb, const char *s)
{
	if (s && *s)
		face_text(sb, s);
	else
		strbuf_puts(sb, "null");
}

static void stamp(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms, int fraction_ms, const char *end)
{
	int64_t wall = ms + m->config.wall_offset_ms;
	time_t t = (time_t)(wall / 1000);
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	strbuf_printf(sb, "\"%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	if (fraction_ms >= 0)
		strbuf_printf(sb, ".%03d000", fraction_ms);
	strbuf_printf(sb, "%s\"", end);
}

void face_stamp(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms)
{
	if (ms == 0)
		strbuf_puts(sb, "null");
	else
		stamp(sb, m, ms, 0, "");
}

void face_stamp_exact(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms)
{
	stamp(sb, m, ms, (int)((ms + m->config.wall_offset_ms) % 1000), "");
}

void face_stamp_z(struct strbuf *sb, const struct cloudsim_model *m, int64_t ms)
{
	stamp(sb, m, ms, -1, "Z");
}

static int hex_of(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

static void url_decode(char *dst, size_t size, const char *src, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n && out + 1 < size; i++) {
		if (src[i] == '%' && i + 2 < n && hex_of(src[i + 1]) >= 0 && hex_of(src[i + 2]) >= 0) {
			dst[out++] = (char)(hex_of(src[i + 1]) * 16 + hex_of(src[i + 2]));
			i += 2;
		} else {
			dst[out++] = src[i] == '+' ? ' ' : src[i];
		}
	}
	dst[out] = '\0';
}

void face_query_parse(struct face_call *c, const char *query)
{
	while (*query && c->n_params < FACE_PARAMS_MAX) {
		size_t len = strcspn(query, "&");
		size_t name = strcspn(query, "=&");
		struct face_param *p = &c->params[c->n_params];

		if (len) {
			url_decode(p->name, sizeof(p->name), query, name);
			url_decode(
			    p->value, sizeof(p->value), query + name + (name < len), name < len ? len - name - 1 : 0);
			c->n_params++;
		}
		query += len + (query[len] == '&');
	}
}

void face_path_parse(struct face_call *c, const char *path, size_t len)
{
	size_t at = 0;

	while (at < len && c->n_seg < FACE_SEGMENTS_MAX) {
		size_t n;

		at += strspn(path + at, "/");
		if (at >= len)
			return;
		n = strcspn(path + at, "/");
		n = n > len - at ? len - at : n;
		url_decode(c->seg[c->n_seg++], CLOUDSIM_NAME_SIZE, path + at, n);
		at += n;
	}
}

static int param_order(const void *a, const void *b)
{
	return strcmp(((const struct face_param *)a)->name, ((const struct face_param *)b)->name);
}

static void url_encode(struct strbuf *sb, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~", *s))
			strbuf_add(sb, s, 1);
		else
			strbuf_printf(sb, "%%%02X", (unsigned char)*s);
	}
}

void face_next_link(struct face_call *c, const char *member, const char *path, const char *marker)
{
	struct face_param sorted[FACE_PARAMS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < c->n_params; i++)
		if (strcmp(c->params[i].name, "marker") != 0)
			sorted[n++] = c->params[i];
	str_copy(sorted[n].name, sizeof(sorted[n].name), "marker");
	str_copy(sorted[n].value, sizeof(sorted[n].value), marker);
	n++;
	qsort(sorted, n, sizeof(sorted[0]), param_order);
	strbuf_printf(&c->out, ",\"%s\":[{\"rel\":\"next\",\"href\":\"%s%s", member, c->m->config.url, path);
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(&c->out, i ? "&" : "?");
		url_encode(&c->out, sorted[i].name);
		strbuf_puts(&c->out, "=");
		url_encode(&c->out, sorted[i].value);
	}
	strbuf_puts(&c->out, "\"}]");
}

bool face_limit(struct face_call *c, size_t *ret_limit)
{
	const char *text = face_param(c, "limit");
	char *end = NULL;
	long v;

	*ret_limit = c->m->config.max_limit;
	if (!text)
		return true;
	v = strtol(text, &end, 10);
	if (end == text || *end || v < 0) {
		face_nova_error(c, 400,
		    "Invalid input for query parameters limit. Value: %s. '%s' does not match '^[0-9]*$'", text, text);
		return false;
	}
	if (v > 0 && (size_t)v < *ret_limit)
		*ret_limit = (size_t)v;
	return true;
}
