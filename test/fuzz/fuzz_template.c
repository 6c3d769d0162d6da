/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a mail template and as what is filled into one. First byte: which letter and format; up to byte 0x1e: a hostile value; the
 * rest: the template. A template is taken whole or refused with its line; a value comes out escaped, on one line, without control
 * characters; the headers of a mail stay the mail's own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tell/mime.h"
#include "tell/template.h"

enum { SEPARATOR = 0x1e, OUT_MAX_BYTES = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static cJSON *facts_of(const char *value)
{
	cJSON *o = cJSON_CreateObject(), *projects = cJSON_AddArrayToObject(o, "projects"), *p = cJSON_CreateObject();

	cJSON_AddItemToArray(projects, p);
	cJSON_AddStringToObject(p, "project", value);
	cJSON_AddStringToObject(o, "person", value);
	cJSON_AddStringToObject(o, "recovery", value);
	cJSON_AddStringToObject(o, "project_names", value);
	cJSON_AddArrayToObject(p, "instances");
	return o;
}

static void check_value(const char *value, enum tell_format format)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;

	tell_text_add(&out, format, value);
	for (size_t i = 0; out.text && i < out.len; i++)
		must((unsigned char)out.text[i] >= ' ' && out.text[i] != 0x7f, "a value stays on its line");
	must(format == TELL_TEXT || !out.text || !strpbrk(out.text, "<>\"'"), "a value is no markup");
}

static void check_template(const struct tell_source *source, const cJSON *facts)
{
	TELL_TEMPLATE_AUTO struct tell_template *t = NULL;
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;
	STRBUF_AUTO struct strbuf subject = STRBUF_INIT;
	struct osha_err err = {0};
	int line = 0, r = tell_template_parse(source, &line, &t, &err);

	must((r == 0) == (t != NULL), "taken whole or refused");
	if (r < 0) {
		must(err.code && err.msg[0], "a refusal says why");
		return;
	}
	out.max_bytes = OUT_MAX_BYTES;
	tell_template_render(t, facts, &out);
	tell_template_subject(t, facts, &subject);
	must(out.failed || out.len <= OUT_MAX_BYTES, "within its bound");
}

/* Every line of the head is a header of ours or goes on with one. */
static void check_mail(const char *value)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;
	const struct tell_mail m = {.from = "osha@example.com",
	    .to = "alice@example.com",
	    .to_name = value,
	    .key = "id/held/1/alice",
	    .thread = value,
	    .moment = "held",
	    .subject = value,
	    .text = value,
	    .html = value};
	static const char *const own[] = {"Date:", "From:", "To:", "Subject:", "Message-ID:", "MIME-Version:",
	    "Content-", "References:", "In-Reply-To:", "Auto-Submitted:", "Precedence:", "X-", " ", "\t"};

	if (tell_mail_write(&m, &out, NULL) < 0)
		return;
	for (char *line = out.text; line && *line && *line != '\r';) {
		bool is_own = false;

		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			is_own |= strncmp(line, own[k], strlen(own[k])) == 0;
		must(is_own, line);
		line = strstr(line, "\r\n");
		line = line ? line + 2 : NULL;
	}
	for (size_t i = 0; out.text && i < out.len; i++)
		must((unsigned char)out.text[i] < 0x80, "seven bits");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = n ? memchr(bytes, SEPARATOR, n) : NULL;
	size_t size = end ? (size_t)(end - bytes) : 0;
	char *value = calloc(1, size + 1);
	struct tell_source source = {0};

	must(value != NULL, "memory");
	if (!value || n == 0) {
		free(value);
		return 0;
	}
	if (size > 1)
		memcpy(value, bytes + 1, size - 1);
	source.kind = (enum tell_kind)(bytes[0] / TELL_FORMAT_N % TELL_KIND_N);
	source.format = (enum tell_format)(bytes[0] % TELL_FORMAT_N);
	source.bytes = (const char *)bytes + size + (size < n);
	source.size_bytes = n - size - (size < n);
	JSON_AUTO cJSON *facts = facts_of(value);
	check_value(value, source.format);
	check_template(&source, facts);
	check_mail(value);
	free(value);
	return 0;
}
