/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that every report is put together from. Private to this room. */
#pragma once

#include <cjson/cJSON.h>

#include "engine/engine.h"
#include "report/report.h"

enum { FENCE_WHY_SIZE = 256, HOLD_TEXT_SIZE = 1024 };

/** part_at() - a moment under @key; null when it is 0. */
void part_at(cJSON *o, const char *key, int64_t wall_ms);
/** part_text() - a text under @key; null when it is NULL or "". */
void part_text(cJSON *o, const char *key, const char *text);

/** part_proof() - what proves that the host cannot write, as an object; NULL where there is none. */
cJSON *part_proof(const struct proof *p);
/** part_evidence_add() - the evidence that was weighed last and when, under `evidence` and `weighed_at_ms`; nulls where none is recorded. */
void part_evidence_add(cJSON *o, const struct recovery_record *r);
/** part_recovery() - one recovery in short. The caller may add what only a running engine knows. */
cJSON *part_recovery(const struct recovery_record *r);
/** part_timeline() - when a recovery first entered the rows that people ask for. */
cJSON *part_timeline(const struct recovery_record *r);
/** part_instance() - one instance of a recovery. */
cJSON *part_instance(const struct instance_record *i);
/** part_suspension() - fencing suspended by an operator. */
cJSON *part_suspension(const struct suspension_record *s);
/** part_maintenance() - who and since when, as an object; a null when there is none. */
cJSON *part_maintenance(const struct host_record *h);
/**
 * part_levels() - the fence levels of a host.
 * @policy: NULL: those that the record alone knows of
 * @readings: the last one of each level, FENCE_LEVEL_MAX of them; NULL where none is kept
 */
cJSON *part_levels(
    const struct host_record *h, const struct host_policy *policy, const struct report_reading *readings);

/** part_held_add() - how many of the answer's recoveries each cause holds, under `held_by_n`; every cause is there. */
void part_held_add(cJSON *o);
/** hold_release() - what would release this held recovery, as a sentence into @text of HOLD_TEXT_SIZE bytes, which is returned. */
const char *hold_release(const struct recovery_record *r, char *text);
/** row_is_open() - is a recovery in this row not ended yet? */
bool row_is_open(enum host_row row);
/** explain_next() - what would be done next, as an array of sentences. */
cJSON *explain_next(const struct host_snapshot *s);
/** fence_obstacle() - why this host could not be fenced now; "" when it could. @why of FENCE_WHY_SIZE bytes. */
void fence_obstacle(const struct host_snapshot *s, char *why);
