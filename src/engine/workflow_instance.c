/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's workflow, on one screen. What an answer of the cloud means is decided in instance_decide.c. */
#include "engine/workflow.h"

static int64_t cloud(const struct engine_options *o)
{
	return o->cloud_timeout_ms;
}
static int64_t post(const struct engine_options *o)
{
	return o->evacuate_timeout_ms;
}
static int64_t rebuild(const struct engine_options *o)
{
	return o->rebuild_timeout_ms;
}

/* clang-format off */
static const struct instance_step instance_steps[INSTANCE_ROW_N] = {
/*                            operation       budget   unknown ->              done ->                  refused ->            restart       flags         why */
[INSTANCE_ROW_WAITING]    = {OP_NONE,        NULL,    {INSTANCE_ROW_ASKING,  INSTANCE_ROW_ASKING,     INSTANCE_ROW_REFUSED},RESUME_STAY,  STEP_INITIAL, "it waits for its turn"},
[INSTANCE_ROW_ASKING]     = {OP_ASK,         cloud,   {INSTANCE_ROW_ASKING,  INSTANCE_ROW_CALLING,    INSTANCE_ROW_ASKING}, RESUME_AGAIN, STEP_PROOF,   "Nova is asked what is under way, because a second call destroys the instance"},
[INSTANCE_ROW_RESETTING]  = {OP_RESET_STATE, cloud,   {INSTANCE_ROW_ASKING,  INSTANCE_ROW_ASKING,     INSTANCE_ROW_ASKING}, RESUME_ASK,   STEP_PROOF,   "Nova evacuates it only out of ERROR, and the configuration allows the reset"},
[INSTANCE_ROW_CALLING]    = {OP_EVACUATE,    post,    {INSTANCE_ROW_ASKING,  INSTANCE_ROW_REBUILDING, INSTANCE_ROW_WAITING},RESUME_ASK,   STEP_PROOF,   "Nova is told to rebuild it elsewhere"},
[INSTANCE_ROW_REBUILDING] = {OP_NONE,        rebuild, {INSTANCE_ROW_ASKING,  INSTANCE_ROW_VERIFYING,  INSTANCE_ROW_ASKING}, RESUME_ASK,   0,            "Nova rebuilds it; its migration record is watched"},
[INSTANCE_ROW_VERIFYING]  = {OP_ASK,         cloud,   {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_DONE,     INSTANCE_ROW_VERIFYING}, RESUME_AGAIN, 0,           "done counts only with another host than the dead one"},
[INSTANCE_ROW_RESTORING]  = {OP_STOP,        cloud,   {INSTANCE_ROW_ASKING,  INSTANCE_ROW_ASKING,     INSTANCE_ROW_ASKING}, RESUME_ASK,   0,            "it was stopped before and Nova started it: it is stopped again"},
[INSTANCE_ROW_DONE]       = {OP_NONE,        NULL,    {INSTANCE_ROW_NONE,    INSTANCE_ROW_NONE,       INSTANCE_ROW_NONE},   RESUME_STAY,  STEP_FINAL,   "it runs in its wanted state on another host"},
[INSTANCE_ROW_REFUSED]    = {OP_NONE,        NULL,    {INSTANCE_ROW_NONE,    INSTANCE_ROW_WAITING,    INSTANCE_ROW_NONE},   RESUME_STAY,  STEP_FINAL,   "it cannot be moved for the reason given; the next try of the recovery tries again"},
[INSTANCE_ROW_GONE]       = {OP_NONE,        NULL,    {INSTANCE_ROW_NONE,    INSTANCE_ROW_NONE,       INSTANCE_ROW_NONE},   RESUME_STAY,  STEP_FINAL,   "its owner deleted it"},
[INSTANCE_ROW_HELD]       = {OP_NONE,        NULL,    {INSTANCE_ROW_NONE,    INSTANCE_ROW_WAITING,    INSTANCE_ROW_NONE},   RESUME_STAY,  STEP_FINAL,   "repeating the call could destroy it: an operator has to look"},
};
/* clang-format on */

const struct instance_step *instance_step_of(enum instance_row row)
{
	return &instance_steps[(unsigned)row < INSTANCE_ROW_N ? row : INSTANCE_ROW_NONE];
}

static const struct side_edge instance_sides[] = {
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_WAITING, "not to be called now", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_REBUILDING, "an evacuation is under way", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_RESETTING, "paused, suspended or rescued", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_RESTORING, "moved, but not as it was", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_DONE, "moved already", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_REFUSED, "cannot be moved", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_GONE, "deleted", false},
    {INSTANCE_ROW_ASKING, INSTANCE_ROW_HELD, "under way for too long, or Nova does not answer", false},
    {INSTANCE_ROW_CALLING, INSTANCE_ROW_REFUSED, "Nova refuses for good, or no attempt is left", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_ASKING, "its host has not yet changed", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_REBUILDING, "it is being rebuilt again", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_RESTORING, "moved, but not as it was", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_REFUSED, "moved, but in ERROR", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_GONE, "deleted", false},
    {INSTANCE_ROW_VERIFYING, INSTANCE_ROW_HELD, "Nova does not answer for too long", false},
    {INSTANCE_ROW_DONE, INSTANCE_ROW_WAITING, "listed on the dead host again", false},
    {INSTANCE_ROW_GONE, INSTANCE_ROW_WAITING, "listed on the dead host again", false},
    {INSTANCE_ROW_HELD, INSTANCE_ROW_GONE, "another recovery moves it", false},
};

const struct side_edge *instance_side_edges(size_t *ret_n)
{
	*ret_n = sizeof(instance_sides) / sizeof(instance_sides[0]);
	return instance_sides;
}
