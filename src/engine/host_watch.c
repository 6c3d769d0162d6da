/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beside the main operation: the power of a host whose proof is in use is read again and again, the evacuations under way are looked
 * at, and signs of life are taken in. Readings change nothing in the world, so they need no record.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

enum {
	LOOK_REST = 4,       /* a look is followed by a pause of so many times its own length */
	AGE_SHARE = 8,       /* the pause grows to this share of the newest call's age */
	POLL_SOONEST = 10,   /* it is never shorter than this share of poll_ms */
	POWERLESS_SHARE = 2, /* a reading of off lets a held host pass the breaker for this share of power_poll_ms */
	RELIED_POLLS = 6,    /* a host at rest is read for so many rounds after somebody last relied on its death */
};

bool recovery_is_watched(const struct recovery *r)
{
	enum host_row row = r->rec.row == HOST_ROW_HELD ? r->rec.back_row : r->rec.row;

	return r->is_used && recovery_proof_holds(r) && (host_step_of(row)->flags & STEP_PROOF);
}

bool recovery_is_taking_back(const struct recovery *r)
{
	switch (r->rec.row == HOST_ROW_HELD ? r->rec.back_row : r->rec.row) {
	case HOST_ROW_RETURNING:
	case HOST_ROW_CLEANING:
	case HOST_ROW_CLEARING_DOWN:
	case HOST_ROW_ENABLING:
		return true;
	default:
		return false;
	}
}

/* A reading for a hold: nothing is done on its strength before the hold is over, and any number of hosts may be held at once. */
static bool is_patient(const struct recovery *r)
{
	return r->rec.row == HOST_ROW_HELD;
}

static void look_start(struct engine *e, struct recovery *r, enum op_slot slot, int64_t budget_ms)
{
	struct look *l = slot == SLOT_POWER ? &r->power : &r->poll;
	enum op_kind kind = slot == SLOT_POWER ? OP_POWER_STATUS : OP_MIGRATIONS;
	struct engine_action *a;

	if (engine_out_is_full(e)) {
		work_queue(e, recovery_ref(e, r));
		return;
	}
	l->running = true;
	l->gen++;
	l->began_ms = e->now_ms;
	l->deadline_ms = e->now_ms + budget_ms;
	l->since_ms = l->since_ms ? l->since_ms : e->now_ms;
	l->is_patient = slot == SLOT_POWER && is_patient(r);
	if (l->is_patient)
		l->deadline_ms +=
		    budget_ms; /* to wait for a place; the reading itself has no less time than any other */
	a = engine_emit_start(e, op_number(slot, recovery_ref(e, r), l->gen), kind, r, NULL);
	a->start.start_by_ms = e->now_ms + e->o.start_window_ms;
	a->start.deadline_ms = l->deadline_ms;
	a->start.is_brief = true; /* a record that is missing changes nothing */
	a->start.is_patient = l->is_patient;
	a->start.since_ms = l->since_ms;
}

static void look_stop(struct engine *e, struct recovery *r, struct look *l, enum op_slot slot)
{
	if (l->running)
		engine_emit_cancel(e, op_number(slot, recovery_ref(e, r), l->gen));
	l->running = false;
	l->gen++;
}

/* At rest, but somebody's evacuation hangs on its being dead. */
static bool is_relied_on(const struct engine *e, const struct recovery *r)
{
	return r->rec.row == HOST_ROW_RECOVERED && recovery_proof_holds(r) && r->relied_ms &&
	       e->now_ms - r->relied_ms <= RELIED_POLLS * e->o.power_poll_ms;
}

/* Held because too many are silent: reading its power harms nobody, and off is more than silence. */
static bool is_mass_held(const struct recovery *r)
{
	return r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_MASS;
}

static bool is_cut_begun(const struct recovery *r)
{
	return r->rec.stamp_wall_ms[HOST_ROW_FENCING] != 0;
}

/* Somebody may switch it on at any moment: for the time that an announcement may take to become durable, and no longer. */
bool recovery_is_powerless(const struct engine *e, const struct recovery *r)
{
	return r->powerless_ms && e->now_ms - r->powerless_ms <= e->o.power_poll_ms / POWERLESS_SHARE;
}

static void powerless_read(struct engine *e, struct recovery *r, enum power p, int64_t since_ms)
{
	r->powerless_n = p == POWER_OFF ? r->powerless_n + 1 : 0;
	if (p == POWER_OFF) {
		r->power.next_ms = e->now_ms + e->o.retry_ms;
		r->power.since_ms = since_ms; /* the next reading of this one goes before the first of others */
	}
	if (r->powerless_n < e->o.off_readings_n)
		return;
	r->powerless_n = 0;
	r->powerless_ms = e->now_ms;
	if (r->rec.row == HOST_ROW_CONFIRMING)
		return; /* it is being looked at again as it is */
	if (!is_cut_begun(r))
		r->rec.level = r->rec.off_attempt = 0;
	/* no second look comes between: it may take long, and the reading is newer than anything that it could tell */
	recovery_to_fencing(e, r, "its fence device reads off: this one is dead, whatever else is silent");
}

void recovery_forget_readings(struct engine *e, struct recovery *r)
{
	look_stop(e, r, &r->power, SLOT_POWER);
	r->power.next_ms = e->now_ms;
	r->powerless_n = 0;
	r->powerless_ms = r->off_read_ms = 0;
}

/* Where nothing has cut the power of a held host yet, the first device that may be used reads it; else the one that was to cut it. */
static void choose_reading_level(struct engine *e, struct recovery *r)
{
	uint32_t first = host_next_level(host_of(e, r), is_cut_begun(r) ? r->rec.level : 0);

	if (is_mass_held(r))
		r->rec.level = first == NIL ? 0 : first;
}

static bool may_read_power(struct engine *e, const struct recovery *r)
{
	if (!host_level_is_usable(host_of(e, r), r->rec.level))
		return false;
	return is_mass_held(r) || ((recovery_is_watched(r) || is_relied_on(e, r)) && !r->rec.ignore_power);
}

/*
 * A hold that is tried again is looked at for a moment. A reading that was begun for it goes on meanwhile: where it waits long for its turn,
 * it would else never have one.
 */
static bool may_finish_reading(const struct recovery *r)
{
	return r->rec.row == HOST_ROW_CONFIRMING && r->power.running && r->power.is_patient;
}

/*
 * A reading that waits in line for a hold is asked for anew once the hold goes on, as one that is waited for. Where no place was found for
 * the one before either, the last answer is old: the row does nothing until there is a new one, as after a stall.
 */
static void end_patience(struct engine *e, struct recovery *r)
{
	if (!r->power.running || !r->power.is_patient || is_patient(r) || may_finish_reading(r))
		return;
	look_stop(e, r, &r->power, SLOT_POWER);
	r->power.next_ms = e->now_ms;
	if (r->power.is_missed && recovery_is_watched(r)) {
		r->proof_checked = false;
		r->unknown_readings = 0;
	}
}

static void watch_power(struct engine *e, struct recovery *r)
{
	struct op_end late = {.outcome = OUTCOME_UNKNOWN};

	choose_reading_level(e, r);
	if (!may_read_power(e, r) && !may_finish_reading(r)) {
		look_stop(e, r, &r->power, SLOT_POWER);
		r->power.next_ms = NEVER_MS;
		if (recovery_proof_holds(r) && !r->proof_checked) {
			r->proof_checked = true; /* no device can be asked: the record stands */
			work_wake_at(e, recovery_ref(e, r), e->now_ms);
		}
		return;
	}
	end_patience(e, r);
	if (r->power.running && e->now_ms >= r->power.deadline_ms) {
		look_stop(e, r, &r->power, SLOT_POWER);
		recovery_power_read(e, r, &late);
	} else if (!r->power.running && (e->now_ms >= r->power.next_ms || !r->proof_checked)) {
		look_start(e, r, SLOT_POWER, e->o.power_status_timeout_ms);
	} else if (!r->power.running && r->power.next_ms == NEVER_MS) {
		r->power.next_ms = e->now_ms + (is_relied_on(e, r) || is_mass_held(r) ? 0 : e->o.power_poll_ms);
	}
}

static void watch_evacuations(struct engine *e, struct recovery *r)
{
	bool wanted = r->active_n > 0 && (r->rec.row == HOST_ROW_EVACUATING || recovery_is_taking_back(r));

	if (!wanted || (r->poll.running && e->now_ms >= r->poll.deadline_ms)) {
		look_stop(e, r, &r->poll, SLOT_POLL);
		r->poll.next_ms = wanted ? e->now_ms + e->o.poll_ms : NEVER_MS;
		return;
	}
	if (!r->poll.running && r->poll.next_ms == NEVER_MS)
		r->poll.next_ms = e->now_ms;
	if (!r->poll.running && e->now_ms >= r->poll.next_ms)
		look_start(e, r, SLOT_POLL, e->o.list_timeout_ms);
}

void recovery_watch(struct engine *e, struct recovery *r)
{
	if (!r->is_used)
		return;
	if (!e->epoch) { /* what is due and not done would wake us again and again */
		look_stop(e, r, &r->power, SLOT_POWER);
		look_stop(e, r, &r->poll, SLOT_POLL);
		r->power.next_ms = r->poll.next_ms = NEVER_MS;
		return;
	}
	watch_power(e, r);
	watch_evacuations(e, r);
}

void recovery_power_read(struct engine *e, struct recovery *r, const struct op_end *end)
{
	enum power p = end->outcome == OUTCOME_DONE ? end->power : POWER_UNKNOWN;
	int64_t since_ms = r->power.since_ms;

	r->power.running = false;
	r->power.is_missed = end->fault == FAULT_LATE;
	if (r->power.is_missed) {
		/* it found no place: the device was not asked, so nothing is known that was not known before */
		r->power.next_ms = e->now_ms + e->o.retry_ms;
		return;
	}
	r->power.since_ms = 0;
	r->power.next_ms = e->now_ms + e->o.power_poll_ms;
	if (p == POWER_OFF)
		r->off_read_ms = e->now_ms;
	if (is_mass_held(r) || r->rec.row == HOST_ROW_CONFIRMING) {
		powerless_read(e, r, p, since_ms);
		return;
	}
	if (p == POWER_ON) {
		recovery_sign_of_life(e, r, "its fence device reads on");
		return;
	}
	if (r->proof_checked)
		return;
	if (p == POWER_UNKNOWN && ++r->unknown_readings < e->o.power_status_attempts) {
		r->power.next_ms = e->now_ms + e->o.retry_ms;
		return;
	}
	r->proof_checked = true;
	work_wake_at(e, recovery_ref(e, r), e->now_ms);
}

/*
 * How long to the next look at the evacuations: soon while a call is young and Nova answers quickly, at most poll_ms. Looks take a fifth of
 * the time at most, so that a Nova that is short of breath is not asked into the ground.
 */
static int64_t poll_pause_ms(const struct engine *e, const struct recovery *r)
{
	int64_t took_ms = e->now_ms - r->poll.began_ms, age_ms = e->now_ms - r->called_ms;
	int64_t ms = took_ms * LOOK_REST > age_ms / AGE_SHARE ? took_ms * LOOK_REST : age_ms / AGE_SHARE;

	if (ms < e->o.poll_ms / POLL_SOONEST)
		ms = e->o.poll_ms / POLL_SOONEST;
	return ms < e->o.poll_ms ? ms : e->o.poll_ms;
}

void recovery_poll_read(struct engine *e, struct recovery *r, const struct op_end *end)
{
	r->poll.running = false;
	r->poll.since_ms = 0;
	r->poll.next_ms = e->now_ms + (end->outcome == OUTCOME_DONE ? poll_pause_ms(e, r) : e->o.poll_ms);
	if (end->outcome != OUTCOME_DONE)
		return;
	for (uint32_t k = 0; k < end->view_n; k++) {
		const struct migration_view *m = &end->views[k].evacuation;
		struct instance *i = engine_find_instance(e, r, m->instance[0] ? m->instance : end->views[k].uuid);

		if (!i || i->rec.row != INSTANCE_ROW_REBUILDING)
			continue;
		if (m->id <= i->rec.seen_migration_id)
			continue;
		if (m->dest[0])
			str_copy(i->rec.dest, sizeof(i->rec.dest), m->dest);
		if (m->status == MIGRATION_DONE)
			instance_enter(e, i, INSTANCE_ROW_VERIFYING, NULL);
		else if (!migration_is_under_way(m->status) || engine_host_is_proven_dead(e, i->rec.dest))
			instance_enter(e, i, INSTANCE_ROW_ASKING, "its evacuation ended otherwise than done");
	}
}

static void refuse_waiting(struct engine *e, struct recovery *r)
{
	for (uint32_t k = r->first; k != NIL; k = e->instances[k].next) {
		if (e->instances[k].rec.row == INSTANCE_ROW_WAITING)
			instance_enter(e, &e->instances[k], INSTANCE_ROW_REFUSED, RETURNED_FIRST);
	}
}

/* The proof is over: nothing may be called on its strength any more. What is under way is watched on. */
static void proof_void(struct engine *e, struct recovery *r, const char *what)
{
	struct host *h = host_of(e, r);
	char why[REASON_SIZE], key[HOST_NAME_SIZE + 32];

	host_weigh(e, h, 0, &r->rec);
	r->rec.proof.is_void = true;
	r->proof_durable = false;
	r->rec.refences++;
	if (h->policy.let_return) {
		snprintf(
		    why, sizeof(why), "seen on before its evacuations ended (%.60s); its segment lets it return", what);
		/* before the list nothing was compared yet; a PUT of ours that is still on its way may move updated_at until it has run out */
		if (!r->baseline_asked_ms)
			r->baseline_asked_ms = e->now_ms + e->o.cloud_timeout_ms;
		recovery_enter(e, r, HOST_ROW_RETURNING, why);
		refuse_waiting(e, r);
		return;
	}
	snprintf(key, sizeof(key), "seen-on/%s/%u", r->rec.id, r->rec.refences);
	engine_alert(e, key,
	    "host %s was seen on (%s) before its evacuations ended. It is powered off again; recovery %s.", r->rec.host,
	    what, r->rec.id);
	r->rec.level = r->rec.off_attempt = 0;
	if (host_next_level(h, 0) == NIL) {
		snprintf(why, sizeof(why), "seen on again (%.60s), and no device can cut its power", what);
		recovery_hold(e, r, HOLD_PROOF_VOID, HOST_ROW_FENCING, why);
		return;
	}
	r->rec.level = host_next_level(h, 0);
	snprintf(why, sizeof(why), "seen on again (%.60s) before its evacuations ended: powered off again", what);
	recovery_enter(e, r, HOST_ROW_FENCING, why);
}

void recovery_sign_of_life(struct engine *e, struct recovery *r, const char *what)
{
	enum host_row row = r->rec.row == HOST_ROW_HELD ? r->rec.back_row : r->rec.row;
	char why[REASON_SIZE];

	if (recovery_is_watched(r)) {
		proof_void(e, r, what);
		return;
	}
	snprintf(why, sizeof(why), "sign of life: %.100s", what);
	if (row == HOST_ROW_SUSPECT || (row == HOST_ROW_CONFIRMING && !r->rec.proof.is_void)) {
		host_weigh(e, host_of(e, r), 0, &r->rec);
		recovery_enter(e, r, HOST_ROW_CLEARED, why);
	} else if (r->rec.row == HOST_ROW_RECOVERED) {
		host_weigh(e, host_of(e, r), 0, &r->rec);
		recovery_enter(e, r, HOST_ROW_RETURNING, why);
	}
}

void recovery_compute_reports(struct engine *e, struct recovery *r)
{
	bool waits = r->rec.row == HOST_ROW_RETURNING ||
		     (r->rec.row == HOST_ROW_HELD &&
			 (r->rec.back_row == HOST_ROW_RETURNING || r->rec.back_row == HOST_ROW_CLEANING));

	if (r->rec.row == HOST_ROW_RECOVERED)
		recovery_sign_of_life(e, r, "nova-compute reports");
	if (r->rec.row == HOST_ROW_RETURNING)
		waits = true;
	if (waits)
		recovery_enter(e, r, HOST_ROW_CLEANING, "its nova-compute reports again");
	else if (recovery_is_watched(r))
		recovery_sign_of_life(e, r, "nova-compute reports");
}
