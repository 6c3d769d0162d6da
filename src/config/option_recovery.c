/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: recovering, fencing, evacuating, telling, and the segments and hosts that it is done for. */
#include "base/window.h"
#include "config/config.h"
#include "config/option.h"

static const char *const WORDS_SINGLE[] = {"refused", "accepted", NULL};
static const char *const WORDS_MODE[] = {"automatic", "ask", "observe", NULL};
static const char *const WORDS_TREATMENT[] = {"hold", "reset", NULL};
static const char *const WORDS_TLS[] = {"none", "starttls", "implicit", NULL};

static const struct option ROWS_RECOVERY[] = {
    OPTION_ROW(.name = "hold-retry", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, hold_retry_ms), .def = "60s", .min = 1000, .max = 86400000,
	.doc = "How often a held recovery is tried again by itself, for example after all fence levels failed "
	       "or instances found no capacity, until it works or an operator decides."),
    OPTION_ROW(.name = "step-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, step_timeout_ms), .def = "60s", .min = 1000, .max = 3600000,
	.doc = "How long one operation against the cloud may take before its outcome counts as unknown."),
    OPTION_ROW(.name = "step-attempts", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, step_attempts), .def = "5", .min = 1, .max = 1000,
	.doc = "How often such an operation is tried before the recovery is held."),
    OPTION_ROW(.name = "retry-first", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, retry_first_ms), .def = "1s", .min = 100, .max = 600000,
	.doc = "The pause after a first failed attempt. It doubles with each further one, up to retry-max."),
    OPTION_ROW(.name = "retry-max", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, retry_max_ms), .def = "30s", .min = 100, .max = 3600000,
	.doc = "The longest pause between two attempts."),
    OPTION_ROW(.name = "return-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, return_timeout_ms), .def = "10m", .min = 10000, .max = 86400000,
	.doc = "How long a host that was powered on again may take until its nova-compute reports and Nova has "
	       "cleaned the stale copies, before the administrators are asked to restart nova-compute there."),
    OPTION_ROW(.name = "at-once", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_recovery, at_once),
	.def = "10", .min = 0, .max = 10000,
	.doc =
	    "How many recoveries of all segments together may run at once, from the fence to the last instance; 0 for "
	    "any number. One more is held and goes on as soon as another one comes to rest, who has waited longest "
	    "first. A host whose own fence device reads off is not kept waiting, nor one that is fenced again; they "
	    "count nevertheless."),
    OPTION_ROW(.name = "cool-down", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, cool_down_ms), .def = "3m", .min = 0, .max = 86400000,
	.doc = "How long a host that was taken back or fenced is not fenced again by itself; 0s for no such time. A "
	       "death in between is held and goes on when it is over, after a restart of the daemon at the latest so "
	       "long after it; osha release ID, or a fence device that reads off, ends it at once."),
    OPTION_ROW(.name = "flaps", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_recovery, flaps),
	.def = "3", .min = 0, .max = FENCE_MEMORY_MAX,
	.doc =
	    "How often a host is fenced by itself within flap-window; 0 for any number. The next death is held until "
	    "somebody says osha release ID, unless the host's fence device reads off: a machine that dies again and "
	    "again wants to be looked at, not to be moved onto again."),
    OPTION_ROW(.name = "flap-window", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_recovery, flap_window_ms), .def = "24h", .min = 60000, .max = 2592000000,
	.doc = "How long a fence is remembered for flaps, across restarts of the daemon too."),
};
const struct option_table option_table_recovery = {
    "the recovery", ROWS_RECOVERY, OPTION_COUNT(ROWS_RECOVERY), sizeof(struct config_recovery), NULL};

static const struct option ROWS_FENCING[] = {
    OPTION_ROW(.name = "off-readings", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, off_readings), .def = "2", .min = 2, .max = 10,
	.doc = "How many readings of off in a row, after the power-off was accepted, prove that a host is off."),
    OPTION_ROW(.name = "status-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, status_timeout_ms), .def = "20s", .min = 500, .max = 600000,
	.doc =
	    "How long one reading of the power state may take before the agent is killed and the reading is unknown."),
    OPTION_ROW(.name = "status-attempts", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, status_attempts), .def = "10", .min = 2, .max = 1000,
	.doc = "How many readings are taken after a power-off before the level has failed and the next one is "
	       "tried. It must be at least off-readings."),
    OPTION_ROW(.name = "power-poll", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, power_poll_ms), .def = "10s", .min = 1000, .max = 10000,
	.doc = "How often the power of a fenced host is read again while evacuate calls remain to be made. A "
	       "host seen on stops them and is fenced again."),
    OPTION_ROW(.name = "device-check", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, device_check_ms), .def = "10m", .min = 10000, .max = 86400000,
	.doc = "How often the device of a living host is read. Only a device that has read on for a living host "
	       "can prove it off later; one that reads off for a living host is wrongly mapped, and the "
	       "administrators are told."),
    OPTION_ROW(.name = "concurrent", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, concurrent), .def = "16", .min = 1, .max = 128,
	.doc = "How many fence agents may run at once. A power-off goes before a reading of the power that a recovery "
	       "waits for, and that before one that nobody waits for, such as of a host held for a mass failure. Those "
	       "leave a quarter of the places free, at least one, and one for each host that is being fenced; where "
	       "this is 1, they run while no host is being fenced."),
    OPTION_ROW(.name = "agent-path", .type = OPTION_LIST, .element = OPTION_PATH, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fencing, agent_path), .def = "/usr/libexec/osha,/usr/local/sbin,/usr/sbin", .min = 1,
	.max = 16, .doc = "The directories in which a fence agent given by its name is searched, in this order."),
};
const struct option_table option_table_fencing = {
    "fencing", ROWS_FENCING, OPTION_COUNT(ROWS_FENCING), sizeof(struct config_fencing), NULL};

static const struct option ROWS_EVACUATION[] = {
    OPTION_ROW(.name = "per-host", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, per_host), .def = "12", .min = 1, .max = 1000,
	.doc = "How many instances of one dead host may be under way at once, from the question that comes before the "
	       "evacuate call to the check that the instance is there."),
    OPTION_ROW(.name = "total", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_evacuation, total),
	.def = "24", .min = 1, .max = 10000,
	.doc = "How many instances of all dead hosts together may be under way at once."),
    OPTION_ROW(.name = "attempts", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, attempts), .def = "5", .min = 1, .max = 100,
	.doc = "How often the evacuation of one instance is asked for before it is listed with its reason and "
	       "the recovery is held."),
    OPTION_ROW(.name = "settle", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, settle_ms), .def = "60s", .min = 1000, .max = 3600000,
	.doc = "How long an evacuate call whose answer was lost may still come to effect. Only after this time, "
	       "and when Nova twice showed no trace of it, is the call repeated: a second call while one is "
	       "under way would destroy the instance."),
    OPTION_ROW(.name = "stuck-after", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, stuck_after_ms), .def = "10m", .min = 10000, .max = 86400000,
	.doc = "How long an evacuation may be under way before it counts as stuck and the instance is held by "
	       "name. Make it longer than the slowest rebuild in this cloud."),
    OPTION_ROW(.name = "poll", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, poll_ms), .def = "500ms", .min = 50, .max = 60000,
	.doc = "The longest pause between two looks at the evacuations under way. While calls are young and Nova "
	       "answers quickly the looks come sooner."),
    OPTION_ROW(.name = "unsupported-states", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_evacuation, unsupported_states), .def = "hold", .words = WORDS_TREATMENT,
	.doc = "What is done with instances that Nova refuses to evacuate for their state, such as paused, "
	       "suspended and rescued ones: hold lists them by name, reset sets them to ERROR and evacuates "
	       "them, which loses their saved memory."),
};
const struct option_table option_table_evacuation = {
    "evacuation", ROWS_EVACUATION, OPTION_COUNT(ROWS_EVACUATION), sizeof(struct config_evacuation), NULL};

static const struct option ROWS_EMAIL[] = {
    OPTION_ROW(.name = "server", .type = OPTION_SERVER, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, server), .def = "", .example = "mail.example.com", .max = 250,
	.doc = "The SMTP server that takes the mails. Without it no mail is sent."),
    OPTION_ROW(.name = "port", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_email, port),
	.def = "0", .min = 0, .max = 65535,
	.doc = "The server's port. 0 stands for the usual one: 587 with starttls, 465 with implicit, 25 with "
	       "none."),
    OPTION_ROW(.name = "tls", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE, OPTION_AT(config_email, tls),
	.def = "starttls", .words = WORDS_TLS,
	.doc = "How the connection is protected: starttls demands the upgrade and sends nothing without it, "
	       "implicit speaks TLS from the first byte, none sends everything in the clear."),
    OPTION_ROW(.name = "cacert", .type = OPTION_PATH, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, cacert), .def = "", .example = "/etc/osha/mail-ca.pem", .max = 500,
	.doc = "The certificate authorities that the server's certificate is checked against. Without it the "
	       "system's are used."),
    OPTION_ROW(.name = "user", .type = OPTION_TEXT, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, user), .def = "", .example = "osha", .max = 250,
	.doc = "The user to log in as. Without it there is no login."),
    OPTION_ROW(.name = "password", .type = OPTION_SECRET, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, password), .def = "", .example = "{file: /etc/osha/smtp.password}",
	.doc = "The password of that user."),
    OPTION_ROW(.name = "from", .type = OPTION_MAIL, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, from), .def = "", .example = "osha@example.com", .max = 254,
	.doc = "The sender's address. It is needed where a server is given."),
    OPTION_ROW(.name = "hello", .type = OPTION_SERVER, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, hello), .def = "", .example = "controller.example.com", .max = 250,
	.doc = "The name under which the daemon greets the server. Without it the machine's own name is used."),
    OPTION_ROW(.name = "templates", .type = OPTION_PATH, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_email, templates), .def = "", .example = "/etc/osha/templates", .max = 500,
	.doc = "A folder with text and HTML templates of one's own. A template that is missing there is taken "
	       "from the built-in ones."),
    OPTION_ROW(.name = "timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_email, timeout_ms), .def = "30s", .min = 500, .max = 600000,
	.doc = "How long handing over one mail may take. A mail whose fate is unknown is sent again with the "
	       "same message id."),
};
static const struct option_table TABLE_EMAIL = {
    "e-mail", ROWS_EMAIL, OPTION_COUNT(ROWS_EMAIL), sizeof(struct config_email), NULL};

static const struct option ROWS_NOTIFY[] = {
    OPTION_ROW(.name = "users", .type = OPTION_BOOL, .flags = OPTION_RELOADABLE, OPTION_AT(config_notify, users),
	.def = "true", .doc = "Whether the affected users are told too. The administrators are told in any case."),
    OPTION_ROW(.name = "admins", .type = OPTION_LIST, .element = OPTION_MAIL, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_notify, admins), .def = "", .example = "[ops@example.com]", .max = CONFIG_ADMIN_MAX,
	.doc = "The addresses of the administrators, who are told of every recovery and every hold."),
    OPTION_ROW(.name = "retry-first", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_notify, retry_first_ms), .def = "5s", .min = 100, .max = 3600000,
	.doc = "The pause before a message that could not be delivered is tried again. It doubles with each "
	       "attempt, up to retry-max."),
    OPTION_ROW(.name = "retry-max", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_notify, retry_max_ms), .def = "5m", .min = 100, .max = 86400000,
	.doc = "The longest pause between two attempts to deliver a message."),
    OPTION_ROW(.name = "give-up", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_notify, give_up_ms), .def = "24h", .min = 1000, .max = 604800000,
	.doc = "How long a message waits in the outbox before it is listed as undeliverable."),
    OPTION_ROW(.name = "email", .type = OPTION_TABLE, OPTION_AT(config_notify, email), .table = &TABLE_EMAIL,
	.doc = "Telling by e-mail."),
};
const struct option_table option_table_notify = {
    "telling", ROWS_NOTIFY, OPTION_COUNT(ROWS_NOTIFY), sizeof(struct config_notify), NULL};

static const struct option ROWS_LEVEL[] = {
    OPTION_ROW(.name = "name", .type = OPTION_NAME, .flags = OPTION_RELOADABLE | OPTION_REQUIRED,
	OPTION_AT(config_fence_level, name), .def = "", .example = "bmc", .min = 1, .max = DEVICE_NAME_SIZE - 1,
	.doc = "What the level is called in the log, in a proof and under hosts. It is unique in its list."),
    OPTION_ROW(.name = "agent", .type = OPTION_AGENT, .flags = OPTION_RELOADABLE | OPTION_REQUIRED,
	OPTION_AT(config_fence_level, agent), .def = "", .example = "fence_ipmilan", .min = 1, .max = 500,
	.doc = "The fence agent: the name of an executable in one of the directories of fencing.agent-path, or "
	       "an absolute path."),
    OPTION_ROW(.name = "timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fence_level, timeout_ms), .def = "60s", .min = 500, .max = 600000,
	.doc = "How long one power-off may take before the agent is killed and its outcome is unknown."),
    OPTION_ROW(.name = "attempts", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fence_level, attempts), .def = "2", .min = 2, .max = 100,
	.doc = "How often the power-off is tried at this level before the next level is used."),
    OPTION_ROW(.name = "parameters", .type = OPTION_PARAMETERS, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_fence_level, parameters), .def = "", .max = CONFIG_PARAMETER_MAX,
	.example =
	    "{ip: \"{host}-bmc.example\", username: osha, password: {file: /etc/osha/bmc.password}, lanplus: \"1\"}",
	.doc = "What the agent gets beside its action, as key=value lines on standard input; the agent's own "
	       "manual lists the keys. In a text {host} stands for the host's name, {short} for its part before "
	       "the first dot, {{ and }} for single braces. A secret is never written in place but named: "
	       "{file: /path} (whose path may hold patterns) or {env: NAME}; {inline: TEXT} is taken with a "
	       "warning."),
};
const struct option_table option_table_level = {
    "a fence level", ROWS_LEVEL, OPTION_COUNT(ROWS_LEVEL), sizeof(struct config_fence_level), NULL};

static const struct option ROWS_SEGMENT[] = {
    OPTION_ROW(.name = "name", .type = OPTION_NAME, .flags = OPTION_RELOADABLE | OPTION_REQUIRED | OPTION_SHOWN,
	OPTION_AT(config_segment, name), .def = "", .example = "default", .min = 1, .max = 100,
	.doc = "What the segment is called. It is unique."),
    OPTION_ROW(.name = "hosts", .type = OPTION_LIST, .element = OPTION_HOSTS,
	.flags = OPTION_RELOADABLE | OPTION_REQUIRED | OPTION_SHOWN, OPTION_AT(config_segment, hosts), .def = "",
	.example = "[\"*\"]", .min = 1, .max = CONFIG_HOST_MAX,
	.doc = "The hosts that belong to it: exact names as Nova knows them, patterns with * and ? and [...], "
	       "and patterns after a ! that take hosts out again. A name written here comes before a pattern of "
	       "another segment; of several patterns the first segment's counts."),
    OPTION_ROW(.name = "down-when", .type = OPTION_POLICY, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, down_when), .def = "nova and probe",
	.doc = "The monitors that must all say dead before a host of this segment is fenced, joined by and. A "
	       "single monitor needs single-source: accepted."),
    OPTION_ROW(.name = "single-source", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, single_source), .def = "refused", .words = WORDS_SINGLE,
	.doc = "Whether one monitor's word is enough to fence: for a policy that names only one, and for hosts "
	       "without a probe address, which are otherwise never fenced."),
    OPTION_ROW(.name = "mode", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE, OPTION_AT(config_segment, mode),
	.def = "automatic", .words = WORDS_MODE,
	.doc = "What is done once everything else says that a host of this segment is to be fenced. automatic: it is "
	       "done. ask: the recovery is held until somebody says osha approve ID. observe: nothing is ever done; "
	       "what would have been done is written down and told, and osha report observed compares it with what "
	       "followed. A change counts from the next decision on."),
    OPTION_ROW(.name = "recover-disabled", .type = OPTION_BOOL, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, recover_disabled), .def = "false",
	.doc = "Whether a host that an operator disabled in Nova is recovered too. Otherwise its death is told "
	       "and nothing is done."),
    OPTION_ROW(.name = "let-return", .type = OPTION_BOOL, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, let_return), .def = "false",
	.doc = "Whether a host that somebody powers on before all its evacuations ended may stay on. Otherwise "
	       "it is powered off again, since its nova-compute could destroy instances that were on their way."),
    OPTION_ROW(.name = "recoveries-at-once", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, recoveries_at_once), .def = "5", .min = 0, .max = 10000,
	.doc =
	    "How many recoveries of this segment may run at once; 0 for any number. As recovery.at-once, which holds "
	    "beside it."),
    OPTION_ROW(.name = "healthy-at-least", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, healthy_at_least), .def = "25", .min = 0, .max = 100,
	.doc =
	    "How many percent of this segment's hosts, rounded down, have to be left up for one of them to be fenced; "
	    "0 for none. It stops a failure that creeps from host to host too slowly for the breaker. The default "
	    "never holds in segments of three hosts or fewer. Hosts that nobody hears of are not up. A host whose "
	    "fence device reads off is no loss and is not held."),
    OPTION_ROW(.name = "fencing", .type = OPTION_TABLES, .flags = OPTION_RELOADABLE, OPTION_AT(config_segment, fencing),
	.max = FENCE_LEVEL_MAX, .table = &option_table_level,
	.doc = "The fence levels, tried in this order until one of them proves the host off. Without any, "
	       "nothing can fence these hosts."),
    OPTION_ROW(.name = "windows", .type = OPTION_LIST, .element = OPTION_WINDOW, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_segment, windows), .def = "", .example = "[\"sun 02:00-04:00\"]", .max = WINDOW_MAX,
	.doc = "Maintenance windows, always in UTC. While one is open, the death of a host of this segment is told "
	       "and held, and goes on by itself when it closes: it is looked at anew then. Each is written as daily "
	       "23:30-00:30, sun 02:00-04:00, sat 20:00 - mon 06:00 or 2026-12-24 18:00 - 2026-12-26 08:00; one whose "
	       "end comes before its beginning ends the day after. osha release ID lets one host go before that."),
};
const struct option_table option_table_segment = {
    "a segment", ROWS_SEGMENT, OPTION_COUNT(ROWS_SEGMENT), sizeof(struct config_segment), NULL};

static const struct option ROWS_HOST[] = {
    OPTION_ROW(.name = "address", .type = OPTION_ADDRESS, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_host_override, address), .def = "", .example = "192.0.2.11", .max = 250,
	.doc = "The address to probe this host at, in place of monitors.probe.address."),
    OPTION_ROW(.name = "unprobed", .type = OPTION_BOOL, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_host_override, is_unprobed), .def = "false",
	.doc = "Whether this host has no address that could be probed, whatever monitors.probe.address says."),
    OPTION_ROW(.name = "fencing", .type = OPTION_TABLES, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_host_override, fencing), .max = FENCE_LEVEL_MAX, .table = &option_table_level,
	.doc = "Fence levels of this host alone, in place of all those of its segment."),
    OPTION_ROW(.name = "parameters", .type = OPTION_OVERRIDES, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_host_override, parameters), .def = "", .max = FENCE_LEVEL_MAX,
	.example = "{bmc: {ip: 192.0.2.111}}",
	.doc = "Parameters that differ for this host, by the names of its segment's fence levels; the segment's "
	       "others stay as they are."),
};
const struct option_table option_table_host = {
    "a host", ROWS_HOST, OPTION_COUNT(ROWS_HOST), sizeof(struct config_host_override), "HOST"};
