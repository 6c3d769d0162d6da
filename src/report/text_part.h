/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that several texts share. Private to this room. */
#pragma once

#include "base/json.h"
#include "report/table.h"

enum { WHEN_SIZE = 96 };

/* Each writes into @text of WHEN_SIZE bytes and returns it; a moment of 0 is "-". */
/** when_full() - "2026-03-01 14:05:09 +0100". */
const char *when_full(int64_t at_ms, char *text);
/** when_clock() - "14:05:09.120", the day left out. */
const char *when_clock(int64_t at_ms, char *text);
/** when_age() - "12 s ago", "in 3 min". */
const char *when_age(int64_t at_ms, int64_t now_ms, char *text);
/** when_both() - "2026-03-01 14:05:09 +0100 (12 s ago)". */
const char *when_both(int64_t at_ms, int64_t now_ms, char *text);
/** when_span() - "0.120 s", "4 min 10 s". */
const char *when_span(int64_t span_ms, char *text);

/** text_heading() - an empty line, then a heading. */
void text_heading(struct strbuf *sb, const struct text_style *style, const char *text);
/** text_fact() - "  label  value", the value wrapped under itself. */
void text_fact(struct strbuf *sb, const struct text_style *style, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** text_source() - one line where the answer is not from a running daemon. */
void text_source(struct strbuf *sb, const struct text_style *style, const cJSON *answer);
/** text_recovery_table() - recoveries in short, one a row. */
void text_recovery_table(struct strbuf *sb, const struct text_style *style, const cJSON *all, int64_t now_ms);
/** text_proof() - "power, read by ipmi at ..."; "none yet". Into @sb. */
void text_proof(struct strbuf *sb, const cJSON *proof, int64_t now_ms);
/** text_reading() - what a device read last and when: "on 3.0 s ago"; "not read yet". From a level. */
void text_reading(struct strbuf *sb, const cJSON *level, int64_t now_ms);
/** text_held() - what holds the recoveries that are held, and where to read on; nothing where none is. From the answer. */
void text_held(const cJSON *answer, struct strbuf *sb);
