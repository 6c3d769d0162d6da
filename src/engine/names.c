/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the engine's enums as written in journal, log and JSON. Never renamed: operators' scripts and old journals hold them. */
#include "engine/engine.h"

#define NAME_OF(table, n, value) ((unsigned)(value) < (unsigned)(n) && (table)[value] ? (table)[value] : "?")

const char *host_row_name(enum host_row r)
{
	static const char *const names[HOST_ROW_N] = {
	    [HOST_ROW_NONE] = "none",
	    [HOST_ROW_SUSPECT] = "suspect",
	    [HOST_ROW_CONFIRMING] = "confirming",
	    [HOST_ROW_FENCING] = "fencing",
	    [HOST_ROW_PROVING] = "proving",
	    [HOST_ROW_FORCING_DOWN] = "forcing-down",
	    [HOST_ROW_DISABLING] = "disabling",
	    [HOST_ROW_LISTING] = "listing",
	    [HOST_ROW_EVACUATING] = "evacuating",
	    [HOST_ROW_VERIFYING] = "verifying",
	    [HOST_ROW_RECOVERED] = "recovered",
	    [HOST_ROW_RETURNING] = "returning",
	    [HOST_ROW_CLEANING] = "cleaning",
	    [HOST_ROW_CLEARING_DOWN] = "clearing-down",
	    [HOST_ROW_ENABLING] = "enabling",
	    [HOST_ROW_REENABLED] = "re-enabled",
	    [HOST_ROW_CLEARED] = "cleared",
	    [HOST_ROW_HELD] = "held",
	    [HOST_ROW_ABANDONED] = "abandoned",
	};

	return NAME_OF(names, HOST_ROW_N, r);
}

const char *instance_row_name(enum instance_row r)
{
	static const char *const names[INSTANCE_ROW_N] = {
	    [INSTANCE_ROW_NONE] = "none",
	    [INSTANCE_ROW_WAITING] = "waiting",
	    [INSTANCE_ROW_ASKING] = "asking",
	    [INSTANCE_ROW_RESETTING] = "resetting",
	    [INSTANCE_ROW_CALLING] = "calling",
	    [INSTANCE_ROW_REBUILDING] = "rebuilding",
	    [INSTANCE_ROW_VERIFYING] = "verifying",
	    [INSTANCE_ROW_RESTORING] = "restoring",
	    [INSTANCE_ROW_DONE] = "done",
	    [INSTANCE_ROW_REFUSED] = "refused",
	    [INSTANCE_ROW_GONE] = "gone",
	    [INSTANCE_ROW_HELD] = "held",
	};

	return NAME_OF(names, INSTANCE_ROW_N, r);
}

const char *hold_cause_name(enum hold_cause c)
{
	static const char *const names[HOLD_CAUSE_N] = {"none", "mass-failure", "unconfirmed", "no-fence",
	    "fence-failed", "cloud", "instances", "leftover-evacuation", "restart-nova-compute", "proof-void",
	    "approval", "suspended", "window", "control-plane", "limit", "healthy-share", "cool-down", "flapping"};

	return NAME_OF(names, HOLD_CAUSE_N, c);
}

const char *proof_kind_name(enum proof_kind k)
{
	static const char *const names[PROOF_KIND_N] = {"none", "power", "operator"};

	return NAME_OF(names, PROOF_KIND_N, k);
}

const char *moment_name(enum moment m)
{
	static const char *const names[MOMENT_N] = {"confirmed", "recovered", "held", "skipped", "returned"};

	return NAME_OF(names, MOMENT_N, m);
}

const char *host_mode_name(enum host_mode m)
{
	static const char *const names[MODE_N] = {"automatic", "ask", "observe"};

	return NAME_OF(names, MODE_N, m);
}

const char *op_kind_name(enum op_kind k)
{
	static const char *const names[OP_KIND_N] = {"none", "wait", "instances", "look", "power-off", "power-status",
	    "force-down", "disable", "list", "migrations", "clear-forced-down", "enable", "ask", "reset-state",
	    "evacuate", "stop"};

	return NAME_OF(names, OP_KIND_N, k);
}

bool op_kind_changes_world(enum op_kind k)
{
	switch (k) {
	case OP_POWER_OFF:
	case OP_FORCE_DOWN:
	case OP_DISABLE:
	case OP_CLEAR_DOWN:
	case OP_ENABLE:
	case OP_RESET_STATE:
	case OP_EVACUATE:
	case OP_STOP:
		return true;
	default:
		return false;
	}
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[VERDICT_N] = {"unknown", "up", "degraded", "suspect", "down"};

	return NAME_OF(names, VERDICT_N, v);
}
