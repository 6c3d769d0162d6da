/* SPDX-License-Identifier: Apache-2.0 */
/* Templates and facts to finished letters. The facts themselves are made in letter_facts.c. */
#include "tell/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/strbuf.h"

const char *tell_time_text(int64_t wall_ms, char *text, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	text[0] = '\0';
	if (wall_ms > 0 && gmtime_r(&seconds, &tm))
		(void)strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return text;
}

void tell_letter_free(struct tell_letter *l)
{
	free(l->text);
	free(l->html);
	memset(l, 0, sizeof(*l));
}

enum tell_kind tell_kind_of(enum moment moment, bool for_admin)
{
	switch (moment) {
	case MOMENT_CONFIRMED:
		return for_admin ? TELL_ADMIN_CONFIRMED : TELL_USER_CONFIRMED;
	case MOMENT_RECOVERED:
		return for_admin ? TELL_ADMIN_RECOVERED : TELL_USER_RECOVERED;
	case MOMENT_SKIPPED:
		return TELL_ADMIN_SKIPPED;
	case MOMENT_RETURNED:
		return TELL_ADMIN_RETURNED;
	case MOMENT_HELD:
	case MOMENT_N:
		break;
	}
	return for_admin ? TELL_ADMIN_HELD : TELL_USER_HELD;
}

int tell_builtin_load(struct tell_templates *ret, struct osha_err *reterr)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t k = 0; k < sizeof(tell_builtins) / sizeof(tell_builtins[0]); k++) {
		const struct tell_builtin *b = &tell_builtins[k];
		struct tell_source source = {b->kind, b->format, b->bytes, strlen(b->bytes)};
		int line = 0, r = tell_template_parse(&source, &line, &ret->all[b->kind][b->format], reterr);

		if (r < 0) {
			tell_templates_free(ret);
			return osha_err_wrap(reterr, "built-in %s:%d", tell_template_name(b->kind, b->format), line);
		}
	}
	return 0;
}

void tell_templates_free(struct tell_templates *t)
{
	for (size_t k = 0; k < TELL_KIND_N; k++) {
		tell_template_free(&t->all[k][TELL_TEXT]);
		tell_template_free(&t->all[k][TELL_HTML]);
	}
}

static int part_write(const struct tell_template *t, const cJSON *facts, char **ret, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf part = {.max_bytes = TELL_PART_MAX_BYTES};

	tell_template_render(t, facts, &part);
	*ret = strbuf_steal(&part);
	if (!*ret)
		return osha_err_set(reterr, OSHA_E_FULL, "a letter of more than %d bytes", TELL_PART_MAX_BYTES);
	return 0;
}

int tell_letter_write(const struct tell_templates *t, enum tell_kind kind, const cJSON *facts, struct tell_letter *ret,
    struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf subject = {.max_bytes = TELL_PART_MAX_BYTES};
	int r;

	memset(ret, 0, sizeof(*ret));
	tell_template_subject(t->all[kind][TELL_TEXT], facts, &subject);
	if (subject.failed)
		return osha_err_set(reterr, OSHA_E_FULL, "a subject of more than %d bytes", TELL_PART_MAX_BYTES);
	(void)str_copy(ret->subject, sizeof(ret->subject), subject.text);
	r = part_write(t->all[kind][TELL_TEXT], facts, &ret->text, reterr);
	if (r == 0)
		r = part_write(t->all[kind][TELL_HTML], facts, &ret->html, reterr);
	if (r < 0)
		tell_letter_free(ret);
	return r;
}
