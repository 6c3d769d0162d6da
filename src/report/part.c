/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON; see part.h. */
#include "report/part.h"

#include <string.h>

#include "base/strbuf.h"
#include "engine/workflow.h"

void part_at(cJSON *o, const char *key, int64_t wall_ms)
{
	if (wall_ms > 0)
		cJSON_AddNumberToObject(o, key, (double)wall_ms);
	else
		cJSON_AddNullToObject(o, key);
}

void part_text(cJSON *o, const char *key, const char *text)
{
	if (text && text[0])
		cJSON_AddStringToObject(o, key, text);
	else
		cJSON_AddNullToObject(o, key);
}

bool row_is_open(enum host_row row)
{
	return row != HOST_ROW_NONE && !(host_step_of(row)->flags & STEP_FINAL);
}

static const char *release_of(enum hold_cause c)
{
	switch (c) {
	case HOLD_MASS:
		return "it goes on once fewer hosts are silent; `osha release ID` says that these hosts are really "
		       "dead";
	case HOLD_UNCONFIRMED:
		return "it goes on once every monitor of the policy says dead, and ends at a sign of life";
	case HOLD_NO_FENCE:
		return "repair the fence device; or power the host off yourself, then `osha confirm-dead HOST`";
	case HOLD_FENCE_FAILED:
		return "repair the fence device, then `osha release ID`; or power the host off yourself, "
		       "then `osha confirm-dead HOST`";
	case HOLD_CLOUD:
		return "mend what the cloud complains of; `osha release ID` tries again at once";
	case HOLD_INSTANCES:
		return "see the instances' reasons in `osha recovery show ID`; `osha release ID` tries them again";
	case HOLD_LEFTOVER:
		return "keep the host powered off and settle that evacuation in Nova first: a booting nova-compute "
		       "would "
		       "destroy the instance's only copy; then `osha release ID`";
	case HOLD_RESTART_COMPUTE:
		return "restart nova-compute on the host; `osha release ID` looks again at once";
	case HOLD_PROOF_VOID:
		return "the host was seen on: power it off, then `osha release ID` or `osha confirm-dead HOST`";
	case HOLD_APPROVAL:
		return "`osha approve ID` lets it go on, if everything else still says so then; a sign of life ends "
		       "it; `osha release ID` only looks again";
	case HOLD_SUSPENDED:
		return "it goes on by itself when the suspension ends, or is ended by `osha resume`; a sign of life "
		       "ends it";
	case HOLD_WINDOW:
		return "it goes on by itself when the window closes; `osha release ID` lets this one go now, if "
		       "everything "
		       "else still says so; a sign of life ends it";
	case HOLD_CONTROL_PLANE:
		return "`osha release ID` lets this one go, if everything else still says so; a sign of life ends it";
	case HOLD_LIMIT:
		return "it goes on as soon as another recovery comes to rest, who has waited longest first, and at "
		       "once "
		       "when its fence device reads off; `osha release ID` does not wait";
	case HOLD_HEALTHY:
		return "it goes on once more hosts of its segment are up, and at once when its fence device reads off; "
		       "`osha release ID` says that this host is to be fenced nevertheless";
	case HOLD_COOL_DOWN:
		return "it goes on when the cool-down is over, and at once when its fence device reads off; `osha "
		       "release ID` "
		       "does not wait";
	case HOLD_FLAPPING:
		return "find out why it fails again and again; `osha release ID` has it fenced once more. It goes on "
		       "by itself "
		       "only when its fence device reads off";
	default:
		return "`osha release ID`";
	}
}

/* The commands in it are to be copied as they stand: ID and HOST, where one of them ends a command, are filled in. */
const char *hold_release(const struct recovery_record *r, char *text)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	for (const char *at = release_of(r->hold); *at;) {
		bool is_id = str_starts(at, " ID`"), is_host = str_starts(at, " HOST`");

		if (is_id || is_host)
			strbuf_printf(&sb, " %s", is_id ? r->id : r->host);
		else
			strbuf_add(&sb, at, 1);
		at += is_id ? strlen(" ID") : is_host ? strlen(" HOST") : 1;
	}
	str_copy(text, HOLD_TEXT_SIZE, sb.failed ? "" : sb.text);
	return text;
}

cJSON *part_proof(const struct proof *p)
{
	cJSON *o = p->kind == PROOF_NONE ? cJSON_CreateNull() : cJSON_CreateObject();

	if (p->kind == PROOF_NONE)
		return o;
	cJSON_AddStringToObject(o, "kind", proof_kind_name(p->kind));
	cJSON_AddStringToObject(o, "by", p->by);
	part_at(o, "written_at_ms", p->at_wall_ms);
	cJSON_AddNumberToObject(o, "epoch", (double)p->epoch);
	cJSON_AddBoolToObject(o, "valid", !p->is_void);
	return o;
}

static cJSON *hold(const struct recovery_record *r)
{
	char release[HOLD_TEXT_SIZE];
	cJSON *o;

	if (r->row != HOST_ROW_HELD)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "cause", hold_cause_name(r->hold));
	cJSON_AddStringToObject(o, "release", hold_release(r, release));
	cJSON_AddStringToObject(o, "back_to", host_row_name(r->back_row));
	return o;
}

static cJSON *approval(const struct recovery_record *r)
{
	cJSON *o = r->approved_by[0] ? cJSON_CreateObject() : cJSON_CreateNull();

	if (!r->approved_by[0])
		return o;
	cJSON_AddStringToObject(o, "by", r->approved_by);
	part_at(o, "approved_at_ms", r->approved_wall_ms);
	return o;
}

static cJSON *moments(uint16_t mask)
{
	cJSON *a = cJSON_CreateArray();

	for (unsigned m = 0; m < MOMENT_N; m++) {
		if (mask & (1u << m))
			cJSON_AddItemToArray(a, cJSON_CreateString(moment_name((enum moment)m)));
	}
	return a;
}

void part_evidence_add(cJSON *o, const struct recovery_record *r)
{
	cJSON *a;

	part_at(o, "weighed_at_ms", r->weighed_wall_ms);
	if (!r->weighed_wall_ms) {
		cJSON_AddNullToObject(o, "evidence");
		return;
	}
	a = cJSON_AddArrayToObject(o, "evidence");
	for (size_t k = 0; k < SIGHTING_MAX && r->sightings[k].monitor[0]; k++) {
		const struct sighting *s = &r->sightings[k];
		cJSON *x = cJSON_CreateObject();

		cJSON_AddStringToObject(x, "monitor", s->monitor);
		part_text(x, "path", s->path);
		cJSON_AddStringToObject(x, "says", sign_name(s->sign));
		part_at(x, "seen_at_ms", s->seen_wall_ms);
		part_at(x, "since_at_ms", s->since_wall_ms);
		cJSON_AddBoolToObject(x, "must_say_dead", s->is_asked);
		cJSON_AddItemToArray(a, x);
	}
}

cJSON *part_recovery(const struct recovery_record *r)
{
	cJSON *o = cJSON_CreateObject(), *n;

	cJSON_AddStringToObject(o, "id", r->id);
	cJSON_AddStringToObject(o, "host", r->host);
	cJSON_AddStringToObject(o, "state", host_row_name(r->row));
	cJSON_AddBoolToObject(o, "open", row_is_open(r->row));
	part_at(o, "state_at_ms", r->row_wall_ms);
	part_at(o, "opened_at_ms", r->opened_wall_ms);
	part_text(o, "why", r->why);
	cJSON_AddItemToObject(o, "hold", hold(r));
	cJSON_AddItemToObject(o, "approval", approval(r));
	cJSON_AddBoolToObject(o, "observed", r->observed);
	part_evidence_add(o, r);
	cJSON_AddItemToObject(o, "proof", part_proof(&r->proof));
	n = cJSON_AddObjectToObject(o, "instances_n");
	cJSON_AddNumberToObject(n, "selected", r->instance_n);
	cJSON_AddNumberToObject(n, "done", r->done_n);
	cJSON_AddNumberToObject(o, "attempt", r->attempt);
	cJSON_AddNumberToObject(o, "fence_level", r->level + 1.0);
	cJSON_AddNumberToObject(o, "fenced_again", r->refences);
	cJSON_AddBoolToObject(o, "forced_down_by_osha", r->we_forced_down);
	cJSON_AddBoolToObject(o, "disabled_by_osha", r->we_disabled);
	cJSON_AddItemToObject(o, "told", moments(r->told));
	return o;
}

cJSON *part_timeline(const struct recovery_record *r)
{
	static const struct {
		const char *key;
		enum host_row row;
	} stamps[] = {{"suspect_at_ms", HOST_ROW_SUSPECT}, {"confirmed_at_ms", HOST_ROW_FENCING},
	    {"fenced_at_ms", HOST_ROW_FORCING_DOWN}, {"forced_down_at_ms", HOST_ROW_DISABLING},
	    {"evacuating_at_ms", HOST_ROW_EVACUATING}, {"evacuated_at_ms", HOST_ROW_VERIFYING},
	    {"recovered_at_ms", HOST_ROW_RECOVERED}, {"held_at_ms", HOST_ROW_HELD},
	    {"reenabled_at_ms", HOST_ROW_REENABLED}};
	cJSON *o = cJSON_CreateObject();

	for (size_t k = 0; k < sizeof(stamps) / sizeof(stamps[0]); k++)
		part_at(o, stamps[k].key, r->stamp_wall_ms[stamps[k].row]);
	return o;
}

cJSON *part_instance(const struct instance_record *i)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "uuid", i->uuid);
	cJSON_AddStringToObject(o, "name", i->name);
	cJSON_AddStringToObject(o, "project", i->project);
	cJSON_AddStringToObject(o, "state", instance_row_name(i->row));
	part_at(o, "state_at_ms", i->row_wall_ms);
	cJSON_AddStringToObject(o, "wanted", server_state_name(i->wanted));
	cJSON_AddStringToObject(o, "source", i->source);
	part_text(o, "destination", i->dest);
	cJSON_AddNumberToObject(o, "calls", i->attempt);
	part_text(o, "why", i->why);
	return o;
}

cJSON *part_suspension(const struct suspension_record *s)
{
	cJSON *o = cJSON_CreateObject();

	part_text(o, "segment", str_eq(s->segment, SUSPENSION_OF_ALL) ? NULL : s->segment);
	part_text(o, "by", s->by);
	part_text(o, "reason", s->reason);
	part_at(o, "since_at_ms", s->said_wall_ms);
	part_at(o, "until_at_ms", s->until_wall_ms);
	return o;
}

cJSON *part_maintenance(const struct host_record *h)
{
	cJSON *o;

	if (!h->maintenance)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	part_text(o, "by", h->maintenance_by);
	part_at(o, "since_at_ms", h->maintenance_wall_ms);
	part_at(o, "until_at_ms", h->maintenance_until_wall_ms);
	return o;
}

static cJSON *reading(const struct report_reading *r)
{
	cJSON *o;

	if (!r || !r->wall_ms)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "reads", power_name(r->power));
	part_at(o, "read_at_ms", r->wall_ms);
	part_text(o, "reason", r->reason);
	return o;
}

cJSON *part_levels(const struct host_record *h, const struct host_policy *policy, const struct report_reading *readings)
{
	cJSON *a = cJSON_CreateArray();

	for (uint32_t l = 0; l < FENCE_LEVEL_MAX; l++) {
		bool is_on = h->seen_on & (1u << l), is_wrong = h->miswired & (1u << l);
		cJSON *o;

		if (policy ? l >= policy->level_n : !h->device_key[l])
			continue;
		o = cJSON_CreateObject();
		cJSON_AddNumberToObject(o, "level", l + 1.0);
		part_text(o, "device", policy ? policy->level[l].device : NULL);
		cJSON_AddBoolToObject(o, "has_read_on", is_on);
		cJSON_AddBoolToObject(o, "reads_off_while_alive", is_wrong);
		cJSON_AddBoolToObject(o, "usable", is_on && !is_wrong);
		cJSON_AddItemToObject(o, "last_reading", reading(readings ? &readings[l] : NULL));
		cJSON_AddItemToArray(a, o);
	}
	return a;
}
