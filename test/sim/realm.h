/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the controllers look at and act on: the cloud's model, the power of its machines behind BMCs that have faults of their own, and the
 * networks between all of them. What the daemon believes of it is nowhere in here.
 */
#pragma once

#include "cloudsim/model.h"
#include "test/sim/clockwork.h"

enum { REALM_HOSTS_MAX = 1024 };

/* A way through a network, both directions. */
struct realm_path {
	unsigned loss_per_mille; /* of each direction */
	int64_t low_ms, high_ms; /* one direction takes so long */
	bool is_cut;             /* nothing arrives */
	bool is_cut_back;        /* what is sent arrives, no answer does */
};

/* How a BMC treats "off". */
enum bmc_off {
	BMC_OFF_WAITS = 0, /* answers when the power is off */
	BMC_OFF_EARLY,     /* answers at once, the power goes later */
	BMC_OFF_LIES,      /* answers at once, the power stays */
	BMC_OFF_FAILS,     /* answers that it cannot */
	BMC_OFF_N
};

struct realm_bmc {
	bool is_dead;        /* does not answer */
	bool dies_with_host; /* hangs on the same supply */
	bool fails_when_off; /* refuses "off" when the power is off already */
	bool hangs;          /* takes the question and never answers */
	enum bmc_off off;
	int64_t off_delay_ms;    /* EARLY: until the power goes */
	int64_t low_ms, high_ms; /* an answer takes so long */
	uint32_t wired_to;       /* host whose power it reads and cuts */
};

struct realm_host {
	struct realm_path probe, bmc_path;
	bool is_hung;         /* the kernel stands still: the guests go on, nothing answers */
	bool is_isolated;     /* cut off from the message bus and the prober; lives */
	bool was_killed;      /* lost its power by accident at some time */
	int64_t dead_ms;      /* since when it has no power or hangs; 0 = it lives */
	int64_t silent_ms;    /* since when it is dead or cut off from the prober; 0 = it is not */
	bool is_listed_up;    /* as the newest listing had it */
	int64_t listed_up_ms; /* since when listings have it up */
	int64_t on_ms;        /* when it was last switched on; 0 = it has been on all the while */
	int64_t heard_ms;     /* when it was last joined again or switched on */
	struct realm_bmc bmc;
	struct realm_bmc pdu; /* a second device for the same power, where a configuration names it: plug pdu:HOST */
	uint32_t offs;        /* power-offs that reached its machine */
};

enum realm_api { REALM_API_UP = 0, REALM_API_REFUSES, REALM_API_HANGS };

struct realm {
	struct cloudsim_model *cloud;
	uint32_t host_n;
	struct realm_host host[REALM_HOSTS_MAX];
	struct realm_path api, mail;
	enum realm_api api_state;
	bool mail_hangs, mail_refuses;
	uint64_t mails;
	uint64_t evacuate_calls, power_offs;
};

extern struct realm realm;

struct realm_size {
	uint32_t hosts, instances, projects;
	bool is_slow; /* nova's own times (report 10 s, down 60 s) instead of a quick cloud's */
};

/** realm_begin() - a healthy cloud from the run's seed. realm_end() gives it back. */
void realm_begin(const struct realm_size *size);
void realm_end(void);
/** realm_host_find() - number of the host of exactly this name or address; UINT32_MAX when there is none. */
uint32_t realm_host_find(const char *name);
uint32_t realm_host_at(const char *address);
const char *realm_host_name(uint32_t host);
/** realm_power() - switch a machine. */
void realm_power(uint32_t host, bool is_on);
/** realm_is_on() - has the machine power? realm_is_alive() - and does its kernel run? */
bool realm_is_on(uint32_t host);
bool realm_is_alive(uint32_t host);
/** realm_hang() - its kernel stands still. realm_isolate() - cut it off, or join it again. */
void realm_hang(uint32_t host);
void realm_isolate(uint32_t host, bool is_cut);
/** realm_probe_cut() - nothing but the prober cannot reach it. */
void realm_probe_cut(uint32_t host, bool is_cut);
/** realm_listed() - nova's services are listed: what could be known from now on. */
void realm_listed(void);
/** realm_is_down() - the truth on the two paths that the policy names: nothing would answer a probe, and Nova
 * calls it down, or did @noticed_ms ago. */
bool realm_is_down(uint32_t host, int64_t noticed_ms);
/** realm_device_answers() - does this device of @host answer? realm_device_is_on() - what it reads. realm_device_cut() - it cuts the power. */
bool realm_device_answers(const struct realm_bmc *device, uint32_t host);
bool realm_device_is_on(const struct realm_bmc *device);
void realm_device_cut(const struct realm_bmc *device);
/** path_delay_ms() - one direction: how long; -1 = it is lost. */
int64_t path_delay_ms(const struct realm_path *path, bool is_back);
