/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated BMC that speaks IPMI 2.0 over LAN (RMCP+, cipher suites 3 and 17): datagram in, datagram out, no socket,
 * no clock and no randomness but a seed. Many of them live in one process. It knows one user, the chassis, and a set of
 * faults; the machine whose power it switches lives behind two callbacks. Leaves sockets to bmc_udp.c. Source: IPMI 2.0
 * revision 1.1, chapters 13 (RMCP+, RAKP), 22 (sessions) and 28 (chassis).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BMC_IPMI_DATAGRAM_MAX_BYTES = 512, /* longest that is read or written; longer ones are dropped */
	BMC_IPMI_SESSIONS = 8,             /* open at once; the longest unused one makes room for the next */
	BMC_IPMI_NAME_SIZE = 17,
	BMC_IPMI_SECRET_SIZE = 21,
};

/* IPMI's privilege levels. */
enum bmc_privilege { BMC_PRIVILEGE_USER = 2, BMC_PRIVILEGE_OPERATOR = 3, BMC_PRIVILEGE_ADMIN = 4 };

/* IPMI's chassis control codes that a machine can be asked for. */
enum bmc_power_order {
	BMC_POWER_OFF = 0,
	BMC_POWER_ON = 1,
	BMC_POWER_CYCLE = 2,
	BMC_POWER_RESET = 3,
	BMC_POWER_SOFT_OFF = 5,
};

/* Completion codes that power_ask() may answer with; any other non-zero value goes out as it is. */
enum { BMC_CC_OK = 0x00, BMC_CC_BUSY = 0xc0, BMC_CC_NOT_IN_THIS_STATE = 0xd5, BMC_CC_UNSPECIFIED = 0xff };

struct bmc_ipmi_config {
	char username[BMC_IPMI_NAME_SIZE];   /* up to 16 characters */
	char password[BMC_IPMI_SECRET_SIZE]; /* up to 20 characters */
	uint8_t kg[20];                      /* BMC key; used when kg_bytes is not 0 */
	uint8_t kg_bytes;                    /* 0..20 */
	uint8_t guid[16];                    /* as it travels on the wire */
	enum bmc_privilege privilege;        /* the user's limit; 0 = BMC_PRIVILEGE_ADMIN */
	uint64_t seed;                       /* of session ids, nonces and IVs: same seed and input, same output */
	/* Is the machine on now? Called for each Get Chassis Status. */
	bool (*is_on)(void *user);
	/*
	 * power_ask() passes on an order that the BMC accepts; it is carried out @delay_ms later (0: at once) by
	 * whoever owns time. Returns a completion code, BMC_CC_OK for accepted. Not called for orders that a fault
	 * swallows or refuses.
	 */
	uint8_t (*power_ask)(void *user, enum bmc_power_order order, int64_t delay_ms);
	void *user; /* borrowed; handed to both callbacks */
};

/* Everything off when zeroed. May be changed between any two datagrams. */
struct bmc_ipmi_faults {
	bool is_dead;            /* answers nothing */
	bool is_deaf_to_orders;  /* accepts every power order and carries none out */
	bool is_refusing_repeat; /* 0xD5 when asked for the state the machine is in */
	bool is_refusing_login;  /* treats every password as wrong */
	bool is_busy;            /* 0xC0 for power orders */
	bool is_refusing_suite_3;
	bool is_refusing_suite_17;
	bool is_garbling;                   /* answers with one byte turned over, somewhere seeded */
	enum bmc_privilege privilege_limit; /* the user may not have more than this; 0 = as configured */
	int64_t power_delay_ms;             /* handed to power_ask() */
	uint32_t lost_n, lost_of; /* of each lost_of datagrams the first lost_n are lost, by turns on the way in and on
				     the way out */
};

/* Counted since the start; a test reads them. */
struct bmc_ipmi_stats {
	uint64_t datagrams_in, datagrams_out, dropped;
	uint64_t logins, login_refusals;
	uint64_t orders_accepted, orders_refused, status_reads;
};

struct bmc_ipmi;

/** bmc_ipmi_new() - a BMC. @config is copied, except what `user` points to. Returns NULL when out of memory; caller
 * frees. */
struct bmc_ipmi *bmc_ipmi_new(const struct bmc_ipmi_config *config);
/** bmc_ipmi_free() - and wipe its secrets. NULL is fine. */
void bmc_ipmi_free(struct bmc_ipmi *bmc);

/**
 * bmc_ipmi_input() - one datagram from a client, and what the BMC answers to it.
 * @in: borrowed, hostile, @in_len bytes
 * @out: filled with up to @cap bytes; BMC_IPMI_DATAGRAM_MAX_BYTES always suffice; may not overlap @in
 *
 * Never blocks. May call is_on() and power_ask(). Returns the length of the answer, 0 for none.
 */
size_t bmc_ipmi_input(struct bmc_ipmi *bmc, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap);

/** bmc_ipmi_faults() - its faults, to read and to change. Borrowed until bmc_ipmi_free(). */
struct bmc_ipmi_faults *bmc_ipmi_faults(struct bmc_ipmi *bmc);
/** bmc_ipmi_stats() - its counters. Borrowed until bmc_ipmi_free(). */
const struct bmc_ipmi_stats *bmc_ipmi_stats(const struct bmc_ipmi *bmc);

/**
 * bmc_ipmi_fault_set() - switch one fault by name: the words of the table in bmc_fault.c, e.g. "dead", "delay", "lost".
 * @word: borrowed; @value: borrowed, "" for a plain switch, else a number, "n/m" for "lost", or "user"/"operator" for
 * "privilege"
 *
 * "none" switches all of them off. Returns false, with nothing changed, for an unknown word or a value out of range.
 */
bool bmc_ipmi_fault_set(struct bmc_ipmi_faults *faults, const char *word, const char *value);

/** bmc_ipmi_faults_parse() - set @ret to "word word=value ..." (blanks, commas or line ends between). Returns false,
 * @ret untouched, if any word is wrong. */
bool bmc_ipmi_faults_parse(struct bmc_ipmi_faults *ret, const char *text);
