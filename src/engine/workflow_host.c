/* SPDX-License-Identifier: Apache-2.0 */
/* The host's workflow, on one screen. Changing a row changes doc/generated/workflow.md and its tests. */
#include "engine/workflow.h"

static int64_t recheck(const struct engine_options *o)
{
	return o->recheck_after_ms;
}
static int64_t look(const struct engine_options *o)
{
	return o->look_timeout_ms;
}
static int64_t reading(const struct engine_options *o)
{
	return o->power_status_timeout_ms;
}
static int64_t cloud(const struct engine_options *o)
{
	return o->cloud_timeout_ms;
}
static int64_t list(const struct engine_options *o)
{
	return o->list_timeout_ms;
}
static int64_t returning(const struct engine_options *o)
{
	return o->return_timeout_ms;
}
static int64_t hold(const struct engine_options *o)
{
	return o->hold_retry_ms;
}
static uint32_t looks(const struct engine_options *o)
{
	return o->look_attempts;
}
static uint32_t readings(const struct engine_options *o)
{
	return o->power_status_attempts;
}
static uint32_t calls(const struct engine_options *o)
{
	return o->cloud_attempts;
}

/* clang-format off */
static const struct host_step host_steps[HOST_ROW_N] = {
/*                          operation        budget     attempts  unknown ->             done ->                 refused ->              restart       flags                      hold cause            told                why */
[HOST_ROW_SUSPECT]       = {OP_WAIT,         recheck,   NULL,     {HOST_ROW_CONFIRMING,  HOST_ROW_CONFIRMING,    HOST_ROW_CLEARED},      RESUME_STAY,  STEP_INITIAL | STEP_DOUBT, HOLD_NONE,            -1,                 "it looks dead; it is looked at again after a set time before anything is done"},
[HOST_ROW_CONFIRMING]    = {OP_LOOK,         look,      looks,    {HOST_ROW_HELD,        HOST_ROW_FENCING,       HOST_ROW_CLEARED},      RESUME_AGAIN, STEP_DOUBT,                HOLD_UNCONFIRMED,     -1,                 "every monitor that the policy names looks again now"},
[HOST_ROW_FENCING]       = {OP_POWER_OFF,    NULL,      NULL,     {HOST_ROW_FENCING,     HOST_ROW_PROVING,       HOST_ROW_PROVING},      RESUME_ASK,   STEP_DOUBT,                HOLD_FENCE_FAILED,    MOMENT_CONFIRMED,   "the policy says down: its power is cut"},
[HOST_ROW_PROVING]       = {OP_POWER_STATUS, reading,   readings, {HOST_ROW_FENCING,     HOST_ROW_FORCING_DOWN,  HOST_ROW_FENCING},      RESUME_AGAIN, 0,                         HOLD_FENCE_FAILED,    -1,                 "an accepted power-off proves nothing: the device has to read off, twice"},
[HOST_ROW_FORCING_DOWN]  = {OP_FORCE_DOWN,   cloud,     calls,    {HOST_ROW_HELD,        HOST_ROW_DISABLING,     HOST_ROW_HELD},         RESUME_AGAIN, STEP_PROOF,                HOLD_CLOUD,           -1,                 "proven dead: Nova is told, so that it accepts evacuations at once"},
[HOST_ROW_DISABLING]     = {OP_DISABLE,      cloud,     calls,    {HOST_ROW_HELD,        HOST_ROW_LISTING,       HOST_ROW_HELD},         RESUME_AGAIN, STEP_PROOF,                HOLD_CLOUD,           -1,                 "disabled with this recovery's id, so that nothing lands there when it returns"},
[HOST_ROW_LISTING]       = {OP_LIST,         list,      calls,    {HOST_ROW_HELD,        HOST_ROW_EVACUATING,    HOST_ROW_HELD},         RESUME_AGAIN, STEP_PROOF,                HOLD_CLOUD,           -1,                 "every instance of exactly this host is listed, with the state it is to end in"},
[HOST_ROW_EVACUATING]    = {OP_CHILDREN,     NULL,      NULL,     {HOST_ROW_VERIFYING,   HOST_ROW_VERIFYING,     HOST_ROW_VERIFYING},    RESUME_AGAIN, STEP_PROOF,                HOLD_INSTANCES,       -1,                 "its instances are rebuilt on other hosts"},
[HOST_ROW_VERIFYING]     = {OP_LIST,         list,      calls,    {HOST_ROW_HELD,        HOST_ROW_RECOVERED,     HOST_ROW_HELD},         RESUME_AGAIN, STEP_PROOF,                HOLD_INSTANCES,       -1,                 "nothing may be left on the host, and no evacuation of it under way"},
[HOST_ROW_RECOVERED]     = {OP_NONE,         NULL,      NULL,     {HOST_ROW_NONE,        HOST_ROW_RETURNING,     HOST_ROW_NONE},         RESUME_STAY,  STEP_REST,                 HOLD_NONE,            MOMENT_RECOVERED,   "every instance reached its wanted state elsewhere; the host stays off until somebody brings it back"},
[HOST_ROW_RETURNING]     = {OP_WAIT,         returning, NULL,     {HOST_ROW_HELD,        HOST_ROW_CLEANING,      HOST_ROW_HELD},         RESUME_AGAIN, 0,                         HOLD_RESTART_COMPUTE, -1,                 "it was seen on again; its nova-compute has to report"},
[HOST_ROW_CLEANING]      = {OP_MIGRATIONS,   cloud,     calls,    {HOST_ROW_HELD,        HOST_ROW_CLEARING_DOWN, HOST_ROW_HELD},         RESUME_AGAIN, 0,                         HOLD_RESTART_COMPUTE, -1,                 "its nova-compute has to remove the stale copies before the host may take part again"},
[HOST_ROW_CLEARING_DOWN] = {OP_CLEAR_DOWN,   cloud,     calls,    {HOST_ROW_HELD,        HOST_ROW_ENABLING,      HOST_ROW_HELD},         RESUME_AGAIN, 0,                         HOLD_RESTART_COMPUTE, -1,                 "nothing stale is left: forced-down is cleared"},
[HOST_ROW_ENABLING]      = {OP_ENABLE,       cloud,     calls,    {HOST_ROW_HELD,        HOST_ROW_REENABLED,     HOST_ROW_HELD},         RESUME_AGAIN, 0,                         HOLD_CLOUD,           -1,                 "enabled again, because it was disabled by this recovery"},
[HOST_ROW_REENABLED]     = {OP_NONE,         NULL,      NULL,     {HOST_ROW_NONE,        HOST_ROW_NONE,          HOST_ROW_NONE},         RESUME_STAY,  STEP_FINAL,                HOLD_NONE,            MOMENT_RETURNED,    "the host is back in service"},
[HOST_ROW_CLEARED]       = {OP_NONE,         NULL,      NULL,     {HOST_ROW_NONE,        HOST_ROW_NONE,          HOST_ROW_NONE},         RESUME_STAY,  STEP_FINAL,                HOLD_NONE,            -1,                 "it showed a sign of life before anything was done"},
[HOST_ROW_HELD]          = {OP_WAIT,         hold,      NULL,     {HOST_ROW_CONFIRMING,  HOST_ROW_CONFIRMING,    HOST_ROW_CONFIRMING},   RESUME_STAY,  STEP_REST,                 HOLD_NONE,            MOMENT_HELD,        "stopped on purpose; it tries again on a schedule, and an operator can decide"},
[HOST_ROW_ABANDONED]     = {OP_NONE,         NULL,      NULL,     {HOST_ROW_NONE,        HOST_ROW_NONE,          HOST_ROW_NONE},         RESUME_STAY,  STEP_FINAL,                HOLD_NONE,            MOMENT_SKIPPED,     "dead, but not to be fenced: told, and left to the operator"},
};
/* clang-format on */

const struct host_step *host_step_of(enum host_row row)
{
	return &host_steps[(unsigned)row < HOST_ROW_N ? row : HOST_ROW_NONE];
}

#define BY_WORD         "an operator's word, its proof", true
#define UNDER_ITS_PROOF "tried again under the same proof", true

static const struct side_edge host_sides[] = {
    {HOST_ROW_SUSPECT, HOST_ROW_FORCING_DOWN, BY_WORD},
    {HOST_ROW_CONFIRMING, HOST_ROW_FORCING_DOWN, BY_WORD},
    {HOST_ROW_CONFIRMING, HOST_ROW_HELD,
	"the gate holds, a mass failure, no device that could prove it, or no approval", false},
    {HOST_ROW_CONFIRMING, HOST_ROW_ABANDONED, "the gate, not ours to fence, or only observed", false},
    {HOST_ROW_FENCING, HOST_ROW_CONFIRMING, "the gate, no longer sure", false},
    {HOST_ROW_FENCING, HOST_ROW_CLEARED, "the gate, seen alive", false},
    {HOST_ROW_FENCING, HOST_ROW_HELD, "no level is left, or the gate holds", false},
    {HOST_ROW_FENCING, HOST_ROW_ABANDONED, "the gate, not ours to fence", false},
    {HOST_ROW_FENCING, HOST_ROW_FORCING_DOWN, BY_WORD},
    {HOST_ROW_PROVING, HOST_ROW_HELD, "no level is left", false},
    {HOST_ROW_FORCING_DOWN, HOST_ROW_LISTING, "an operator disabled it before", false},
    {HOST_ROW_VERIFYING, HOST_ROW_EVACUATING, "instances are still listed on it", false},
    {HOST_ROW_RETURNING, HOST_ROW_CLEANING, "its nova-compute reports", false},
    {HOST_ROW_CLEARING_DOWN, HOST_ROW_REENABLED, "not this recovery disabled it", false},
    {HOST_ROW_HELD, HOST_ROW_CLEARED, "seen alive before it was fenced", false},
    {HOST_ROW_HELD, HOST_ROW_FENCING, "its own device reads off among many; or a voided proof is tried again", false},
    {HOST_ROW_HELD, HOST_ROW_ABANDONED, "its own device reads off, and not ours to fence", false},
    {HOST_ROW_HELD, HOST_ROW_FORCING_DOWN, "an operator's word, or the proof that it has", true},
    {HOST_ROW_HELD, HOST_ROW_DISABLING, UNDER_ITS_PROOF},
    {HOST_ROW_HELD, HOST_ROW_LISTING, UNDER_ITS_PROOF},
    {HOST_ROW_HELD, HOST_ROW_RETURNING, "tried again; or seen on, and its segment lets it return", false},
    {HOST_ROW_HELD, HOST_ROW_CLEANING, "tried again, or its nova-compute reports", false},
    {HOST_ROW_HELD, HOST_ROW_ENABLING, "tried again", false},
    {SIDE_UNDER_PROOF, HOST_ROW_FENCING, "seen on, so the proof is void", false},
    {SIDE_UNDER_PROOF, HOST_ROW_HELD, "seen on, and no device can cut its power", false},
    {SIDE_UNDER_PROOF, HOST_ROW_RETURNING, "seen on, and its segment lets it return", false},
};

const struct side_edge *host_side_edges(size_t *ret_n)
{
	*ret_n = sizeof(host_sides) / sizeof(host_sides[0]);
	return host_sides;
}
