/* SPDX-License-Identifier: Apache-2.0 */
/* What an `end` claim of a scenario says: compared with the disk, with the cloud, and with what arrived. */
#include <stdlib.h>
#include <string.h>

#include "cloudsim/model.h"
#include "engine/workflow.h"
#include "test/sim/scene.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/witness.h"

struct newest {
	const char *host;
	struct recovery_record r;
	uint64_t recoveries, dead_calls;
};

static void look(void *arg, const struct record *rec)
{
	struct newest *n = arg;

	if (rec->type != RECORD_RECOVERY)
		return;
	n->recoveries++;
	if (n->host && str_eq(rec->recovery.host, n->host) && rec->recovery.opened_wall_ms >= n->r.opened_wall_ms)
		n->r = rec->recovery;
}

static struct recovery_record newest_of(const char *host, uint64_t *ret_recoveries)
{
	struct newest n = {.host = host};

	store_each(sim.node[0].store, look, &n);
	if (ret_recoveries)
		*ret_recoveries = n.recoveries;
	return n.r;
}

/* --- numbers --- */

static uint64_t recoveries(void)
{
	uint64_t n;

	(void)newest_of(NULL, &n);
	return n;
}

static uint64_t power_offs(void)
{
	return witness.power_offs;
}

static uint64_t evacuate_calls(void)
{
	return witness.evacuate_calls;
}

static uint64_t mails(void)
{
	return witness.mails;
}

static uint64_t mails_waiting(void)
{
	return store_mails(sim.node[0].store, MAIL_QUEUED);
}

static uint64_t mails_undeliverable(void)
{
	return store_mails(sim.node[0].store, MAIL_UNDELIVERABLE);
}

static uint64_t starts(void)
{
	return sim.node[0].starts;
}

static uint64_t living_fenced(void)
{
	return witness.fenced_alive;
}

static uint64_t damage_by_operator(void)
{
	return witness.dual_writers_by_operator;
}

static const struct {
	const char *name;
	uint64_t (*of)(void);
} numbers[] = {
    {"recoveries", recoveries},
    {"power-offs", power_offs},
    {"evacuate-calls", evacuate_calls},
    {"mails", mails},
    {"mails-waiting", mails_waiting},
    {"mails-undeliverable", mails_undeliverable},
    {"starts", starts},
    {"living-fenced", living_fenced},
    {"damage-by-operator", damage_by_operator},
};

static bool number_holds(const struct scene_claim *c, uint64_t is)
{
	const char *says = c->arg[1];
	bool is_least = str_starts(says, ">="), is_most = str_starts(says, "<=");
	uint64_t n = strtoull(says + (is_least || is_most ? 2 : 0), NULL, 10);

	return is_least ? is >= n : is_most ? is <= n : is == n;
}

/* --- sentences --- */

static bool row_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	struct recovery_record r = newest_of(c->arg[0], NULL);

	snprintf(ret_is, size, "%s %s%s%s (%s)", c->arg[0], host_row_name(r.row), r.hold ? " " : "",
	    r.hold ? hold_cause_name(r.hold) : "", r.why);
	return str_eq(host_row_name(r.row), c->arg[1]) && (c->n < 3 || str_eq(hold_cause_name(r.hold), c->arg[2]));
}

static bool proof_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	struct recovery_record r = newest_of(c->arg[1], NULL);
	const char *is = r.proof.is_void ? "void" : proof_kind_name(r.proof.kind);

	snprintf(ret_is, size, "proof %s %s by %s", c->arg[1], is, r.proof.by);
	return str_eq(is, c->arg[2]) && (c->n < 4 || str_eq(r.proof.by, c->arg[3]));
}

static bool told_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	struct recovery_record r = newest_of(c->arg[1], NULL);
	size_t n = 0;
	bool ok = false;

	n += (size_t)snprintf(ret_is, size, "told %s", c->arg[1]);
	for (int m = 0; m < MOMENT_N && n < size; m++) {
		if (!(r.told & (1u << m)))
			continue;
		n += (size_t)snprintf(ret_is + n, size - n, " %s", moment_name((enum moment)m));
		ok |= str_eq(moment_name((enum moment)m), c->arg[2]);
	}
	return ok;
}

struct instance_found {
	const char *uuid;
	int64_t newest_ms;
	struct instance_record i;
};

static void look_instance(void *arg, const struct record *rec)
{
	struct instance_found *f = arg;

	if (rec->type != RECORD_INSTANCE || !str_eq(rec->instance.uuid, f->uuid) ||
	    rec->instance.row_wall_ms < f->newest_ms)
		return;
	f->newest_ms = rec->instance.row_wall_ms;
	f->i = rec->instance;
}

static bool instance_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	int at = scene_instance(c->arg[1]);
	struct instance_found f = {.uuid = at < 0 ? "" : cloudsim_model_instance_uuid(realm.cloud, (size_t)at)};

	store_each(sim.node[0].store, look_instance, &f);
	snprintf(ret_is, size, "instance %s %s (%s)", c->arg[1], instance_row_name(f.i.row), f.i.why);
	return str_eq(instance_row_name(f.i.row), c->arg[2]);
}

static unsigned guests_of(size_t instance)
{
	unsigned n = 0;

	for (uint32_t h = 0; h < realm.host_n; h++)
		n += cloudsim_model_instance_has_guest(realm.cloud, instance, h);
	return n;
}

static bool is_in_place(size_t at, const char *where, const char *home)
{
	const char *host = cloudsim_model_instance_host(realm.cloud, at);
	const char *vm = cloudsim_model_instance_vm_state(realm.cloud, at);
	bool is_settled = str_eq(vm, "active") ? guests_of(at) == 1 : str_eq(vm, "stopped");

	return str_eq(where, "elsewhere") ? !str_eq(host, home) && is_settled : str_eq(host, home);
}

/* All that the host had when the scenario began: running once, on other hosts; or still where they were. */
static bool instances_hold(const struct scene_claim *c, char *ret_is, size_t size)
{
	uint32_t home = scene_host(c->arg[2]), n = 0;

	for (size_t k = home; k < cloudsim_model_instance_count(realm.cloud); k += realm.host_n) {
		if (!is_in_place(k, c->arg[1], c->arg[2])) {
			snprintf(ret_is, size, "instance %s/%u is %s on %s with %u guests", c->arg[2], n + 1,
			    cloudsim_model_instance_vm_state(realm.cloud, k),
			    cloudsim_model_instance_host(realm.cloud, k), guests_of(k));
			return false;
		}
		n++;
	}
	snprintf(ret_is, size, "%s had %u instances", c->arg[2], n);
	return n > 0;
}

static bool vm_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	int at = scene_instance(c->arg[1]);
	const char *is = at < 0 ? "nowhere" : cloudsim_model_instance_vm_state(realm.cloud, (size_t)at);

	snprintf(ret_is, size, "vm %s %s on %s", c->arg[1], is,
	    at < 0 ? "?" : cloudsim_model_instance_host(realm.cloud, (size_t)at));
	return str_eq(is, c->arg[2]);
}

static bool service_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	bool is_disabled = false, is_forced = false;

	(void)cloudsim_model_service(realm.cloud, c->arg[1], &is_disabled, &is_forced);
	snprintf(ret_is, size, "service %s %s, forced-%s", c->arg[1], is_disabled ? "disabled" : "enabled",
	    is_forced ? "down" : "up");
	if (str_eq(c->arg[2], "disabled") || str_eq(c->arg[2], "enabled"))
		return is_disabled == str_eq(c->arg[2], "disabled");
	return is_forced == str_eq(c->arg[2], "forced-down");
}

static bool power_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	bool is_on = realm_is_on(scene_host(c->arg[1]));

	snprintf(ret_is, size, "power %s %s", c->arg[1], is_on ? "on" : "off");
	return is_on == str_eq(c->arg[2], "on");
}

static const struct sentence {
	const char *word;
	size_t n; /* words that it has at least */
	bool (*holds)(const struct scene_claim *c, char *ret_is, size_t size);
} sentences[] = {
    {"proof", 3, proof_holds},
    {"told", 3, told_holds},
    {"instance", 3, instance_holds},
    {"instances", 3, instances_hold},
    {"vm", 3, vm_holds},
    {"service", 3, service_holds},
    {"power", 3, power_holds},
};

static const struct sentence *sentence_of(const struct scene_claim *c)
{
	for (size_t k = 0; k < sizeof(sentences) / sizeof(sentences[0]); k++) {
		if (str_eq(sentences[k].word, c->arg[0]))
			return &sentences[k];
	}
	return NULL;
}

static size_t number_at(const struct scene_claim *c)
{
	size_t k = 0;

	while (k < sizeof(numbers) / sizeof(numbers[0]) && !str_eq(numbers[k].name, c->arg[0]))
		k++;
	return k;
}

static bool row_is_known(const char *name)
{
	for (int k = 0; k < HOST_ROW_N; k++) {
		if (str_eq(host_row_name((enum host_row)k), name))
			return true;
	}
	return false;
}

bool scene_end_is_number(const struct scene_claim *c)
{
	return number_at(c) < sizeof(numbers) / sizeof(numbers[0]);
}

bool scene_end_is_known(const struct scene_claim *c)
{
	const struct sentence *s = sentence_of(c);

	if (s)
		return c->n >= s->n;
	if (scene_end_is_number(c))
		return c->n == 2 && strpbrk(c->arg[1], "0123456789");
	return c->n >= 2 && c->n <= 3 && scene_host(c->arg[0]) != UINT32_MAX && row_is_known(c->arg[1]);
}

bool scene_end_holds(const struct scene_claim *c, char *ret_is, size_t size)
{
	const struct sentence *s = sentence_of(c);
	size_t k = number_at(c);
	uint64_t n;

	if (s)
		return s->holds(c, ret_is, size);
	if (k == sizeof(numbers) / sizeof(numbers[0]))
		return row_holds(c, ret_is, size);
	n = numbers[k].of();
	snprintf(ret_is, size, "%s %llu", numbers[k].name, (unsigned long long)n);
	return number_holds(c, n);
}
