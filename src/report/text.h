/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of report.h and archive.h as text for people. Works on the JSON alone, so that an answer of the daemon and one from the
 * journal look the same. Where it goes is left to the caller.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct text_style {
	int width;       /* columns of the terminal, 0 = as wide as needed */
	bool has_colour; /* ANSI colours */
};

/* Each appends lines to @sb; @answer is borrowed and may lack any key. Times are local (TZ), with the zone. */
void text_status(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_hosts(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_recoveries(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_observed(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_recovery(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_explain(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
void text_fences(const cJSON *answer, const struct text_style *style, struct strbuf *sb);
/** text_fence_test() - what each device of one host read just now. */
void text_fence_test(const cJSON *answer, const struct text_style *style, struct strbuf *sb);

/** text_entry() - @label, then @text beside it from column @at on, wrapped there. */
void text_entry(struct strbuf *sb, const struct text_style *style, int at, const char *label, const char *text);
/** text_prose() - a paragraph, wrapped to the width. text_line() - text made harmless for a terminal. */
void text_prose(struct strbuf *sb, const struct text_style *style, const char *text);
void text_line(struct strbuf *sb, const char *text);
