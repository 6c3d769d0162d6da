/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which field of which record is written under which tag. A new field is one line with the next free tag at the end of
 * its table; a field that goes leaves its tag unused for good.
 */
#include "journal/codec.h"

#define SIZE_OF(member) sizeof(((struct record *)NULL)->member)
#define FIELD(tag, kind, member, limit)                                                                                \
	{                                                                                                              \
		tag, JOURNAL_FIELD_##kind, offsetof(struct record, member), SIZE_OF(member), limit, #member            \
	}

/* The fields of one sighting, from @tag on: six tags each. */
#define SIGHTING(tag, k)                                                                                               \
	FIELD(tag, TEXT, recovery.sightings[k].monitor, 0), FIELD((tag) + 1, TEXT, recovery.sightings[k].path, 0),     \
	    FIELD((tag) + 2, ENUM, recovery.sightings[k].sign, SIGN_N),                                                \
	    FIELD((tag) + 3, BOOL, recovery.sightings[k].is_asked, 0),                                                 \
	    FIELD((tag) + 4, INT, recovery.sightings[k].seen_wall_ms, 0),                                              \
	    FIELD((tag) + 5, INT, recovery.sightings[k].since_wall_ms, 0)

/* clang-format off */
static const struct journal_field store_fields[] = {
	FIELD(1, TEXT, store.tag, 0),
	FIELD(2, UINT, store.epoch, 0),
};

static const struct journal_field host_fields[] = {
	FIELD(1, TEXT, host.name, 0),
	FIELD(2, BOOL, host.maintenance, 0),
	FIELD(3, TEXT, host.maintenance_by, 0),
	FIELD(4, INT, host.maintenance_wall_ms, 0),
	FIELD(5, UINT, host.seen_on, FENCE_LEVEL_MAX),
	FIELD(6, UINT, host.miswired, FENCE_LEVEL_MAX),
	FIELD(7, WORDS, host.device_key, 0),
	FIELD(8, BOOL, host.death_told, 0),
	FIELD(9, BOOL, host.degraded_told, 0),
	FIELD(10, TEXT, host.observed.recovery, 0),
	FIELD(11, INT, host.observed.on_wall_ms, 0),
	FIELD(12, INT, host.observed.off_wall_ms, 0),
	FIELD(13, INT, host.observed.forced_down_wall_ms, 0),
	FIELD(14, INT, host.observed.alive_wall_ms, 0),
	FIELD(15, INT, host.maintenance_until_wall_ms, 0),
	FIELD(16, WORDS, host.fenced_wall_ms, 0),
	FIELD(17, TEXT, host.fenced_by, 0),
	FIELD(18, INT, host.cooling_wall_ms, 0),
	FIELD(19, BOOL, host.cooling_is_back, 0),
};

static const struct journal_field recovery_fields[] = {
	FIELD(1, TEXT, recovery.id, 0),
	FIELD(2, TEXT, recovery.host, 0),
	FIELD(3, ENUM, recovery.row, HOST_ROW_N),
	FIELD(4, ENUM, recovery.back_row, HOST_ROW_N),
	FIELD(5, ENUM, recovery.hold, HOLD_CAUSE_N),
	FIELD(6, TEXT, recovery.why, 0),
	FIELD(7, UINT, recovery.entry, 0),
	FIELD(8, UINT, recovery.attempt, 0),
	FIELD(9, UINT, recovery.level, 0),
	FIELD(10, UINT, recovery.off_readings, 0),
	FIELD(11, ENUM, recovery.off_outcome, OUTCOME_N),
	FIELD(12, ENUM, recovery.proof.kind, PROOF_KIND_N),
	FIELD(13, TEXT, recovery.proof.by, 0),
	FIELD(14, INT, recovery.proof.at_wall_ms, 0),
	FIELD(15, UINT, recovery.proof.epoch, 0),
	FIELD(16, BOOL, recovery.proof.is_void, 0),
	FIELD(17, UINT, recovery.proof.entry, 0),
	FIELD(18, BOOL, recovery.we_forced_down, 0),
	FIELD(19, BOOL, recovery.we_disabled, 0),
	FIELD(20, BOOL, recovery.forced_down_sure, 0),
	FIELD(21, BOOL, recovery.operator_go, 0),
	FIELD(22, UINT, recovery.refences, 0),
	FIELD(23, UINT, recovery.due, MOMENT_N),
	FIELD(24, UINT, recovery.told, MOMENT_N),
	FIELD(25, UINT, recovery.held_n, 0),
	FIELD(26, UINT, recovery.epoch, 0),
	FIELD(27, INT, recovery.opened_wall_ms, 0),
	FIELD(28, INT, recovery.row_wall_ms, 0),
	FIELD(29, WORDS, recovery.stamp_wall_ms, 0),
	FIELD(30, UINT, recovery.instance_n, 0),
	FIELD(31, UINT, recovery.done_n, 0),
	FIELD(32, UINT, recovery.off_attempt, 0),
	FIELD(33, BOOL, recovery.ignore_power, 0),
	FIELD(34, ENUM, recovery.told_hold, HOLD_CAUSE_N),
	FIELD(35, INT, recovery.weighed_wall_ms, 0),
	SIGHTING(36, 0),
	SIGHTING(42, 1),
	SIGHTING(48, 2),
	SIGHTING(54, 3),
	FIELD(60, TEXT, recovery.approved_by, 0),
	FIELD(61, INT, recovery.approved_wall_ms, 0),
	FIELD(62, BOOL, recovery.observed, 0),
	FIELD(63, UINT, recovery.let_go, HOLD_CAUSE_N),
	FIELD(80, BOOL, recovery.mass_held, 0),
};

static const struct journal_field instance_fields[] = {
	FIELD(1, TEXT, instance.recovery, 0),
	FIELD(2, TEXT, instance.uuid, 0),
	FIELD(3, TEXT, instance.name, 0),
	FIELD(4, TEXT, instance.project, 0),
	FIELD(5, TEXT, instance.source, 0),
	FIELD(6, TEXT, instance.dest, 0),
	FIELD(7, ENUM, instance.row, INSTANCE_ROW_N),
	FIELD(8, ENUM, instance.wanted, SERVER_STATE_N),
	FIELD(9, TEXT, instance.why, 0),
	FIELD(10, UINT, instance.attempt, 0),
	FIELD(11, UINT, instance.entry_attempt, 0),
	FIELD(12, ENUM, instance.call_outcome, OUTCOME_N),
	FIELD(13, BOOL, instance.call_open, 0),
	FIELD(14, UINT, instance.empty_readings, 0),
	FIELD(15, INT, instance.call_wall_ms, 0),
	FIELD(16, INT, instance.seen_migration_id, 0),
	FIELD(17, INT, instance.row_wall_ms, 0),
	FIELD(18, UINT, instance.epoch, 0),
	FIELD(19, BOOL, instance.was_moved, 0),
};

static const struct journal_field suspension_fields[] = {
	FIELD(1, TEXT, suspension.segment, 0),
	FIELD(2, BOOL, suspension.is_on, 0),
	FIELD(3, TEXT, suspension.by, 0),
	FIELD(4, TEXT, suspension.reason, 0),
	FIELD(5, INT, suspension.said_wall_ms, 0),
	FIELD(6, INT, suspension.until_wall_ms, 0),
};
/* clang-format on */

#define TABLE(fields)                                                                                                  \
	*ret_n = sizeof(fields) / sizeof((fields)[0]);                                                                 \
	return fields

const struct journal_field *journal_codec_fields(enum record_type type, size_t *ret_n)
{
	switch (type) {
	case RECORD_STORE:
		TABLE(store_fields);
	case RECORD_HOST:
		TABLE(host_fields);
	case RECORD_RECOVERY:
		TABLE(recovery_fields);
	case RECORD_INSTANCE:
		TABLE(instance_fields);
	case RECORD_SUSPENSION:
		TABLE(suspension_fields);
	case RECORD_NONE:
	case RECORD_TYPE_N:
		break;
	}
	*ret_n = 0;
	return NULL;
}
