/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as the rest of Osha reads it: plain structs, filled whole or not at all from one YAML file by
 * config_load(). Every option is one row in option.h's tables; this header holds only where the values land and how a
 * host's own share is looked up. Not here: what the options mean (the rows say it), the text of errors (problem.h), who
 * we are to OpenStack (clouds.h).
 *
 * All strings are owned by the struct config, never NULL ("" = not given), and live until config_free(). Durations are
 * in milliseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vocab.h"
#include "config/problem.h"

enum {
	CONFIG_FILE_MAX_BYTES = 4 * 1024 * 1024, /* a longer file is refused before it is parsed */
	CONFIG_SEGMENT_MAX = 256,
	CONFIG_HOST_MAX = 10000,   /* entries under `hosts:`, and entries of one segment's list */
	CONFIG_PARAMETER_MAX = 32, /* parameters of one fence level, per-host ones included */
	CONFIG_ADMIN_MAX = 64,
	CONFIG_VALUE_SIZE = 1024, /* a text value, a secret, an expanded parameter */
	CONFIG_PARAMETER_NAME_SIZE = 64,
};

/* Monitors that a policy can name; bit N of config_segment.down_when is monitor N. */
enum config_monitor { CONFIG_MONITOR_NOVA = 0, CONFIG_MONITOR_PROBE, CONFIG_MONITOR_N };

enum config_log_target { CONFIG_LOG_STDERR = 0, CONFIG_LOG_SYSLOG, CONFIG_LOG_FILE, CONFIG_LOG_TARGET_N };
enum config_log_level {
	CONFIG_LEVEL_ERROR = 0,
	CONFIG_LEVEL_WARNING,
	CONFIG_LEVEL_NOTICE,
	CONFIG_LEVEL_INFO,
	CONFIG_LEVEL_DEBUG,
	CONFIG_LEVEL_N
};
enum config_probe_kind { CONFIG_PROBE_TCP = 0, CONFIG_PROBE_ICMP, CONFIG_PROBE_KIND_N };
enum config_single_source { CONFIG_SINGLE_REFUSED = 0, CONFIG_SINGLE_ACCEPTED, CONFIG_SINGLE_N };
enum config_mode { CONFIG_MODE_AUTOMATIC = 0, CONFIG_MODE_ASK, CONFIG_MODE_OBSERVE, CONFIG_MODE_N };
enum config_treatment { CONFIG_TREAT_HOLD = 0, CONFIG_TREAT_RESET, CONFIG_TREAT_N };
enum config_tls { CONFIG_TLS_NONE = 0, CONFIG_TLS_STARTTLS, CONFIG_TLS_IMPLICIT, CONFIG_TLS_N };

/* A list of texts. */
struct config_texts {
	const char **items;
	size_t n;
};

/* A secret and where it came from. @value stands in memory that config_free() wipes; never log it. */
struct config_secret {
	const char *value; /* "" when not given, or when @source still holds a pattern to expand per host */
	const char
	    *source; /* "file:/etc/osha/bmc.pw", "env:BMC_PASSWORD", "inline"; "" when not given; fit to be printed */
};

/* One parameter of a fence agent: a text in which {host} and {short} stand for the host, or a secret. */
struct config_parameter {
	const char *name;
	const char *text; /* "" for a secret */
	struct config_secret secret;
	bool is_secret;
	int line; /* where it was written, for messages */
};

struct config_parameters {
	struct config_parameter *items;
	size_t n;
};

/* cloud: */
struct config_cloud {
	const char *name;        /* entry in clouds.yaml; "" = OS_CLOUD, else OS_* */
	const char *clouds_file; /* "" = the standard search order */
	int64_t connect_timeout_ms;
	int64_t request_timeout_ms;
	int64_t concurrent_requests;
};

/* log: */
struct config_log {
	int to;    /* enum config_log_target */
	int level; /* enum config_log_level */
	const char *file;
};

/* monitors.nova: */
struct config_monitor_nova {
	const char *path;
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t fresh_ms; /* evidence older than this is unknown */
};

/* monitors.probe: */
struct config_monitor_probe {
	const char *path;
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t fresh_ms;
	int kind;            /* enum config_probe_kind */
	int64_t port;        /* TCP only */
	int64_t misses;      /* silent probes in a row that make the host dead */
	const char *address; /* pattern; "" = only hosts with an address of their own are probed */
};

struct config_monitors {
	struct config_monitor_nova nova;
	struct config_monitor_probe probe;
};

/* verdict: */
struct config_verdict {
	int64_t service_down_time_ms; /* as in nova.conf */
	int64_t recheck_after_ms;
	int64_t confirm_timeout_ms; /* one second look */
	int64_t confirm_attempts;
	int64_t degraded_after_ms; /* monitors that disagree so long are told of */
};

/* breaker: more than max(hosts, percent of all hosts) newly down within verdict.service-down-time hold everything. */
struct config_breaker {
	int64_t hosts;
	int64_t percent, resume;
};

/* flight-recorder: */
struct config_flight_recorder {
	int64_t size_mib; /* of both files together; 0 = none */
};

/* recovery: */
struct config_recovery {
	int64_t hold_retry_ms;   /* a held recovery that may go on by itself is tried again this often */
	int64_t step_timeout_ms; /* one operation against the cloud, retries inside it included */
	int64_t step_attempts;
	int64_t retry_first_ms;    /* back-off between attempts: doubles from this ... */
	int64_t retry_max_ms;      /* ... to this */
	int64_t return_timeout_ms; /* seen on again, how long until nova-compute reports and nova has cleaned up */
	int64_t at_once;           /* recoveries that run, fleet-wide; 0 = any number */
	int64_t cool_down_ms;      /* after it was fenced or taken back a host is not fenced by itself; 0 = off */
	int64_t flaps;             /* fences of one host within flap_window_ms without an operator; 0 = any number */
	int64_t flap_window_ms;
};

/* fencing: */
struct config_fencing {
	int64_t off_readings;      /* readings of off in a row that make a proof, at least 2 */
	int64_t status_timeout_ms; /* one reading */
	int64_t status_attempts;   /* readings after one `off` before the level has failed */
	int64_t power_poll_ms;     /* power is read again this often while evacuate calls remain */
	int64_t
	    device_check_ms; /* how often a living host's device is read, so that "on" is known before it is needed */
	int64_t concurrent;  /* agents running at a time, fleet-wide */
	struct config_texts agent_path; /* directories searched for an agent given by name */
};

/* evacuation: */
struct config_evacuation {
	int64_t per_host; /* instances of one host under way at once */
	int64_t total;    /* instances under way at once, fleet-wide */
	int64_t attempts; /* evacuate calls for one instance in one recovery */
	int64_t settle_ms;
	int64_t stuck_after_ms;
	int64_t poll_ms;
	int unsupported_states; /* enum config_treatment: paused, suspended, rescued */
};

/* notify.email: */
struct config_email {
	const char *server; /* host name or address; "" = no mail at all */
	int64_t port;       /* never 0 once loaded: 25, 587 or 465 by @tls */
	int tls;            /* enum config_tls */
	const char *user;   /* "" = no login */
	struct config_secret password;
	const char *cacert; /* "" = the system's */
	const char *from;
	const char *hello;     /* name given in EHLO; "" = the machine's */
	const char *templates; /* folder; "" = the built-in ones */
	int64_t timeout_ms;
};

/* notify: */
struct config_notify {
	bool users; /* tell affected users too */
	struct config_texts admins;
	int64_t retry_first_ms;
	int64_t retry_max_ms;
	int64_t give_up_ms;
	struct config_email email;
};

/* One fence level, as written: of a segment, or of one host. */
struct config_fence_level {
	const char *name;  /* unique in its list; the level's device is called HOST/NAME or NAME in messages */
	const char *agent; /* a name searched in fencing.agent-path, or an absolute path */
	int64_t timeout_ms;
	int64_t attempts;
	struct config_parameters parameters;
};

struct config_fence_levels {
	struct config_fence_level *items;
	size_t n; /* <= FENCE_LEVEL_MAX */
};

/* One entry of segments: */
struct config_segment {
	const char *name;
	struct config_texts hosts; /* exact names, glob patterns, !patterns */
	unsigned down_when;        /* mask of 1u << enum config_monitor: all of them must say dead */
	int single_source;         /* enum config_single_source */
	bool recover_disabled;
	bool let_return;
	int mode;                   /* enum config_mode */
	int64_t recoveries_at_once; /* 0 = any number */
	int64_t healthy_at_least;   /* percent of its hosts; 0 = none */
	struct config_fence_levels fencing;
	struct config_texts windows; /* window_read() takes each of them */
};

struct config_segments {
	struct config_segment *items;
	size_t n;
};

/* Parameters of one level that one host changes. */
struct config_level_override {
	const char *level; /* name of a level of the host's segment */
	struct config_parameters parameters;
};

struct config_level_overrides {
	struct config_level_override *items;
	size_t n;
};

/* One entry of hosts: */
struct config_host_override {
	const char *name;                   /* exact */
	const char *address;                /* "" = monitors.probe.address */
	bool is_unprobed;                   /* no probe address, whatever the pattern says */
	struct config_fence_levels fencing; /* n > 0 replaces the segment's levels whole */
	struct config_level_overrides parameters;
};

struct config_hosts {
	struct config_host_override *items; /* sorted by name */
	size_t n;
};

struct config {
	struct config_cloud cloud;
	const char *state_dir;
	const char *socket;
	struct config_log log;
	struct config_monitors monitors;
	struct config_verdict verdict;
	struct config_breaker breaker;
	struct config_recovery recovery;
	struct config_fencing fencing;
	struct config_evacuation evacuation;
	struct config_notify notify;
	struct config_flight_recorder flight_recorder;
	struct config_segments segments; /* n >= 1 */
	struct config_hosts hosts;
	struct config_texts control_plane; /* as a segment's hosts */
	bool fence_control_plane;
	struct config_memory *memory; /* owns every pointer above; private */
};

/**
 * config_load() - read one configuration file, whole or not at all.
 * @path: the YAML file; borrowed
 * @ret_cfg: on success the configuration, moved to the caller, who calls config_free(); NULL on failure
 * @problems: every error and warning found is added, at most PROBLEM_MAX; borrowed, required
 *
 * Reads @path, and the files and environment variables that its secrets name. Blocks on local files only. Unix time,
 * network and other processes are not touched. Errors: -OSHA_E_CONFIG (see @problems), -OSHA_E_NOMEM. Warnings alone do
 * not fail.
 */
int config_load(const char *path, struct config **ret_cfg, struct config_problems *problems, struct osha_err *reterr);

/**
 * config_parse() - the same over bytes already read.
 * @name: what to call them in messages; copied
 * @bytes: @n bytes, UTF-8; hostile; borrowed
 */
int config_parse(const char *name, const char *bytes, size_t n, struct config **ret_cfg,
    struct config_problems *problems, struct osha_err *reterr);

/** config_free() - wipe its secrets and give all of it back. NULL is allowed. */
void config_free(struct config *cfg);
/** config_drop() - cleanup for `struct config *`; `CONFIG_AUTO struct config *cfg = NULL`. */
void config_drop(struct config **cfg);
#define CONFIG_AUTO __attribute__((cleanup(config_drop)))

/**
 * config_reload_check() - may @next take the place of @now without a restart?
 * @problems: one error per changed option whose row is not marked reloadable
 *
 * Errors: -OSHA_E_CONFIG.
 */
int config_reload_check(
    const struct config *now, const struct config *next, struct config_problems *problems, struct osha_err *reterr);

/* What the configuration says of one host. */
struct config_host {
	const struct config_segment *segment;                     /* borrowed from the configuration */
	char address[HOST_NAME_SIZE];                             /* to probe; "" = this host has no probe address */
	const struct config_fence_level *levels[FENCE_LEVEL_MAX]; /* as written; config_fence_resolve() expands one */
	size_t level_n;                                           /* 0 = nothing can fence this host */
};

enum { CONFIG_HOST_FOUND = 0, CONFIG_HOST_OUTSIDE = 1 };

/**
 * config_host_resolve() - which segment, probe address and fence levels a host has.
 * @host: exact name of its nova-compute service; hostile; borrowed
 * @ret: filled on both outcomes; borrows from @cfg
 *
 * A segment that lists the name itself comes before one whose pattern matches it; among patterns the first written
 * wins. Never blocks, allocates nothing. Outcomes: CONFIG_HOST_OUTSIDE: in no segment, never to be fenced;
 * @ret->segment is NULL, levels none, the address is filled still.
 */
int config_host_resolve(const struct config *cfg, const char *host, struct config_host *ret);

/** config_is_control_plane() - is this host one of those that control-plane names? @host: as above. */
bool config_is_control_plane(const struct config *cfg, const char *host);

/* One parameter of one call of a fence agent, expanded. */
struct config_value {
	char name[CONFIG_PARAMETER_NAME_SIZE];
	char value[CONFIG_VALUE_SIZE];
	bool is_secret; /* never to be printed */
};

/* All that a call of one fence level needs beside the action. Some 35 KB: made for one call, wiped after it. */
struct config_fence {
	char name[DEVICE_NAME_SIZE];
	char agent[512];  /* absolute path when it was found in fencing.agent-path, else as written */
	char device[256]; /* agent, address and plug, for people; never a secret */
	uint64_t key;     /* identity of device and plug, the same in each run; another key is another device */
	int64_t timeout_ms;
	int64_t attempts;
	struct config_value parameters[CONFIG_PARAMETER_MAX];
	size_t parameter_n;
};

/**
 * config_device_key() - config_fence.key alone, without reading any secret.
 * Returns 0 where the host has no such level.
 */
uint64_t config_device_key(const struct config *cfg, const char *host, size_t level);

/**
 * config_fence_resolve() - one fence level of a host with every pattern expanded and every secret read.
 * @level: index in config_host.levels
 * @ret: filled on success; the caller wipes it with config_fence_wipe()
 *
 * Blocks only to look for the agent and to read a secret file whose path holds a pattern.
 * Errors: -OSHA_E_NOTFOUND (no such host or level), -OSHA_E_CONFIG (an expanded value is too long, a secret cannot be
 * read).
 */
int config_fence_resolve(
    const struct config *cfg, const char *host, size_t level, struct config_fence *ret, struct osha_err *reterr);

/** config_fence_wipe() - overwrite it, secrets and all. Fit for cleanup. */
void config_fence_wipe(struct config_fence *f);

/**
 * config_devices_check() - do two of these hosts share one device and plug?
 * @hosts: @host_n exact names, as nova lists them; borrowed
 * @problems: one error per pair, naming both
 *
 * config_load() has asked this for the hosts that the file names; the daemon asks again for those that nova names.
 * Errors: -OSHA_E_CONFIG, -OSHA_E_NOMEM.
 */
int config_devices_check(const struct config *cfg, const char *const *hosts, size_t host_n,
    struct config_problems *problems, struct osha_err *reterr);
