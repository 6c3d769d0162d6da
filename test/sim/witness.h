/* SPDX-License-Identifier: Apache-2.0 */
/* Those who look at what the daemon really does, as it arrives, and compare it with the truth and with what is durable. */
#pragma once

#include <stdint.h>

#include "engine/record.h"
#include "io/smtp.h"
#include "test/sim/realm.h"

enum { READINGS_MAX = 10 /* a device that answers none of these cannot be read */ };

struct witness {
	uint64_t dual_writers, dual_writers_by_operator, wrongful_fences, fenced_alive, double_calls;
	uint64_t host_deaths, power_offs, evacuate_calls, mails;
	bool operator_lied; /* confirmed a living host dead: what follows is counted apart */
	size_t duals_seen;
	int64_t suspended_ms; /* when the newest suspension became durable */
	struct {
		bool is_forced_down; /* as Nova had it after the newest request */
		uint32_t starts;     /* of its nova-compute when it was forced down */
		int64_t asked_ms;    /* when its device was last asked for its power */
		uint32_t asked_n;    /* so often since its daemon began anew */
		uint32_t offs_alive; /* power-offs that reached it while it lived and nothing had proven it dead */
		int64_t read_ms;     /* when the newest question was asked that it answered */
	} host[REALM_HOSTS_MAX];
	uint64_t writer_epoch; /* newest epoch that was written in, and by whom */
	int writer;
	uint32_t writer_life;
	uint32_t breaker_hosts, breaker_percent; /* as configured when the newest record was written */
	struct witness_calls *calls;             /* of each instance in each recovery, newest first */
};

extern struct witness witness;

/** witness_begin() - nothing seen yet. witness_end() gives back what was noted. */
void witness_begin(void);
void witness_end(void);
/** witness_request() - a request reaches the cloud. */
void witness_request(struct sim_node *from, const char *method, const char *target, const char *body);
/** witness_answered() - and was answered with @status, or waits to be done with none yet. */
void witness_answered(struct sim_node *from, const char *method, const char *target, const char *body, int status);
/** witness_power_asked() - an agent begins to ask the device of @host for its power. witness_power_read() - the daemon hears the answer
 * to what was asked at @asked_ms. */
void witness_power_asked(const struct sim_node *from, uint32_t host);
void witness_power_read(uint32_t host, int64_t asked_ms);
/** witness_power_off() - a power-off reaches the device of @host. */
void witness_power_off(struct sim_node *from, uint32_t host);
/** witness_mail() - a mail reaches its server. */
void witness_mail(const struct io_mail *mail);
/** witness_death() - a living host dies. */
void witness_death(uint32_t host);
/** witness_world() - after anything happened in the cloud. */
void witness_world(void);
/** witness_begins() - a daemon begins an act on the world. witness_write() - the store takes a write of an epoch. */
void witness_begins(const struct sim_node *node, const char *what);
/** witness_cuts() - an agent that cuts is begun, and ends at @deadline_ms at the latest. */
void witness_cuts(const struct sim_node *node, int64_t deadline_ms);
void witness_write(const struct sim_node *node, uint64_t epoch);
/** witness_record() - a record becomes durable. */
void witness_record(struct sim_node *node, const struct record *before, const struct record *now);
/** witness_recovery() - the open recovery of a host as it is durable; false: none. Two are a violation. */
bool witness_recovery(struct sim_node *node, const char *host, struct recovery_record *ret);
/** witness_instance() - number of an instance in the model, or -1. witness_evacuation() - the instance of an evacuate call. */
int witness_instance(const char *uuid);
bool witness_evacuation(const char *method, const char *target, const char *body, char ret_uuid[UUID_SIZE]);
/** witness_calm() - a power-off is sent: is fencing suspended, a window open, or is it the control plane's host? */
void witness_calm(struct sim_node *from, uint32_t host);
/** witness_call() - what has to hold of the cloud when an evacuate call for an instance of @r arrives. */
void witness_call(struct sim_node *from, const struct recovery_record *r, uint32_t host);
/** witness_limits_begin() - nothing seen yet. witness_limits_record(), witness_limits_power_off() - what the limits say of it. */
void witness_limits_begin(void);
void witness_limits_record(struct sim_node *node, const struct record *before, const struct record *now);
void witness_limits_power_off(struct sim_node *node, uint32_t host, const struct recovery_record *r);
