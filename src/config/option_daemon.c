/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: the file's top level, the cloud, the log, the monitors and what is concluded from them. */
#include "config/config.h"
#include "config/option.h"

static const char *const WORDS_LOG_TARGET[] = {"stderr", "syslog", "file", NULL};
static const char *const WORDS_LOG_LEVEL[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const WORDS_PROBE_KIND[] = {"tcp", "icmp", NULL};

static const struct option ROWS_CLOUD[] = {
    OPTION_ROW(.name = "name", .type = OPTION_NAME, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_cloud, name), .def = "", .example = "osha", .max = 200,
	.doc = "Name of the entry in clouds.yaml that holds the credentials. Without it OS_CLOUD names the "
	       "entry; without that the OS_* variables of the environment are used, as other OpenStack tools do."),
    OPTION_ROW(.name = "clouds-file", .type = OPTION_PATH, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_cloud, clouds_file), .def = "", .example = "/etc/osha/clouds.yaml", .max = 500,
	.doc = "The clouds.yaml to read. Without it the usual places are searched: OS_CLIENT_CONFIG_FILE, the "
	       "working directory, ~/.config/openstack and /etc/openstack. A secure.yaml beside it is laid over "
	       "it."),
    OPTION_ROW(.name = "connect-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_cloud, connect_timeout_ms), .def = "5s", .min = 100, .max = 60000,
	.doc = "How long connecting to an API may take, name look-up and TLS included, before the request has "
	       "failed."),
    OPTION_ROW(.name = "request-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_cloud, request_timeout_ms), .def = "60s", .min = 1000, .max = 600000,
	.doc =
	    "How long one API request may take in all. What a request that ran out of time has done is unknown, so its "
	    "effect is looked for before it is ever repeated."),
    OPTION_ROW(.name = "concurrent-requests", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_cloud, concurrent_requests), .def = "32", .min = 1, .max = 256,
	.doc =
	    "How many API requests may be under way at once. More of them wait in the order in which they were made."),
};
const struct option_table option_table_cloud = {
    "the cloud", ROWS_CLOUD, OPTION_COUNT(ROWS_CLOUD), sizeof(struct config_cloud), NULL};

static const struct option ROWS_LOG[] = {
    OPTION_ROW(.name = "to", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE, OPTION_AT(config_log, to),
	.def = "stderr", .words = WORDS_LOG_TARGET,
	.doc =
	    "Where log lines go: to standard error with the priorities that journald reads, to syslog, or to a file."),
    OPTION_ROW(.name = "file", .type = OPTION_PATH, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_log, file), .def = "", .example = "/var/log/osha.log", .max = 500,
	.doc = "The log file where log.to is file. It is opened anew by a reload, so that it can be rotated."),
    OPTION_ROW(.name = "level", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE, OPTION_AT(config_log, level),
	.def = "info", .words = WORDS_LOG_LEVEL, .doc = "The least important lines that are still written."),
};
const struct option_table option_table_log = {
    "the log", ROWS_LOG, OPTION_COUNT(ROWS_LOG), sizeof(struct config_log), NULL};

#define DOC_PATH                                                                                                       \
	"The network path on which this monitor's evidence travels. Monitors on one path are one witness: a policy "   \
	"that "                                                                                                        \
	"demands both is refused."
#define DOC_FRESH                                                                                                      \
	"How long evidence of this monitor counts. Older evidence reads as unknown, which never fences anything. It "  \
	"must "                                                                                                        \
	"be at least interval and timeout together."

static const struct option ROWS_NOVA[] = {
    OPTION_ROW(.name = "path", .type = OPTION_NAME, .flags = OPTION_RELOADABLE, OPTION_AT(config_monitor_nova, path),
	.def = "nova-bus", .min = 1, .max = 60, .doc = DOC_PATH),
    OPTION_ROW(.name = "interval", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_nova, interval_ms), .def = "2s", .min = 200, .max = 300000,
	.doc = "How often Nova is asked for the state of all compute services. One request reads all hosts."),
    OPTION_ROW(.name = "timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_nova, timeout_ms), .def = "10s", .min = 100, .max = 300000,
	.doc = "How long that question may take. Without an answer in time the state of every host is unknown "
	       "to this monitor, never dead."),
    OPTION_ROW(.name = "fresh", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_nova, fresh_ms), .def = "20s", .min = 500, .max = 900000, .doc = DOC_FRESH),
};
static const struct option_table TABLE_NOVA = {
    "a monitor", ROWS_NOVA, OPTION_COUNT(ROWS_NOVA), sizeof(struct config_monitor_nova), NULL};

static const struct option ROWS_PROBE[] = {
    OPTION_ROW(.name = "path", .type = OPTION_NAME, .flags = OPTION_RELOADABLE, OPTION_AT(config_monitor_probe, path),
	.def = "mgmt", .min = 1, .max = 60, .doc = DOC_PATH),
    OPTION_ROW(.name = "kind", .type = OPTION_ENUM, .flags = OPTION_RELOADABLE, OPTION_AT(config_monitor_probe, kind),
	.def = "tcp", .words = WORDS_PROBE_KIND,
	.doc = "How a host is probed: tcp opens a connection to a port, where a refusal is a sign of life too; "
	       "icmp sends an echo request, which needs the right to open such a socket "
	       "(net.ipv4.ping_group_range or CAP_NET_RAW)."),
    OPTION_ROW(.name = "address", .type = OPTION_ADDRESS, .flags = OPTION_RELOADABLE | OPTION_EMPTY_OK,
	OPTION_AT(config_monitor_probe, address), .def = "{host}", .max = 250,
	.doc = "The address to probe: {host} stands for the host's name, {short} for its part before the first "
	       "dot. The empty text \"\" leaves hosts without an address of their own under hosts unprobed."),
    OPTION_ROW(.name = "port", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_monitor_probe, port),
	.def = "22", .min = 1, .max = 65535, .doc = "The port that a tcp probe connects to."),
    OPTION_ROW(.name = "interval", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_probe, interval_ms), .def = "1s", .min = 100, .max = 300000,
	.doc = "How often each host is probed."),
    OPTION_ROW(.name = "timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_probe, timeout_ms), .def = "1s", .min = 50, .max = 60000,
	.doc = "How long a probe waits for an answer before it was silent."),
    OPTION_ROW(.name = "misses", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_probe, misses), .def = "3", .min = 1, .max = 100,
	.doc = "How many probes in a row must be silent before this monitor says dead. One answer makes the "
	       "host alive again."),
    OPTION_ROW(.name = "fresh", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_monitor_probe, fresh_ms), .def = "5s", .min = 200, .max = 900000, .doc = DOC_FRESH),
};
static const struct option_table TABLE_PROBE = {
    "a monitor", ROWS_PROBE, OPTION_COUNT(ROWS_PROBE), sizeof(struct config_monitor_probe), NULL};

static const struct option ROWS_MONITORS[] = {
    OPTION_ROW(.name = "nova", .type = OPTION_TABLE, OPTION_AT(config_monitors, nova), .table = &TABLE_NOVA,
	.doc = "The state of each nova-compute service as Nova shows it."),
    OPTION_ROW(.name = "probe", .type = OPTION_TABLE, OPTION_AT(config_monitors, probe), .table = &TABLE_PROBE,
	.doc = "A knock at each host's own address."),
};
const struct option_table option_table_monitors = {
    "the monitors", ROWS_MONITORS, OPTION_COUNT(ROWS_MONITORS), sizeof(struct config_monitors), NULL};

static const struct option ROWS_VERDICT[] = {
    OPTION_ROW(.name = "service-down-time", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_verdict, service_down_time_ms), .def = "60s", .min = 1000, .max = 3600000,
	.doc = "The same value as service_down_time in nova.conf: how long Nova waits before it calls a service "
	       "down. Hosts that go silent within one such time count together for the breaker."),
    OPTION_ROW(.name = "recheck-after", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_verdict, recheck_after_ms), .def = "5s", .min = 0, .max = 600000,
	.doc =
	    "How long after a host first looked dead every monitor looks at it again, before anything is done to it."),
    OPTION_ROW(.name = "confirm-timeout", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_verdict, confirm_timeout_ms), .def = "15s", .min = 500, .max = 600000,
	.doc = "How long one such second look may take until all monitors that the policy names have answered."),
    OPTION_ROW(.name = "confirm-attempts", .type = OPTION_INT, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_verdict, confirm_attempts), .def = "3", .min = 1, .max = 100,
	.doc = "How many second looks are tried before the recovery is held because nobody could tell."),
    OPTION_ROW(.name = "degraded-after", .type = OPTION_DURATION, .flags = OPTION_RELOADABLE,
	OPTION_AT(config_verdict, degraded_after_ms), .def = "30s", .min = 1000, .max = 3600000,
	.doc = "How long monitors may disagree about a host before the administrators are told that it is "
	       "degraded."),
};
const struct option_table option_table_verdict = {
    "the verdict", ROWS_VERDICT, OPTION_COUNT(ROWS_VERDICT), sizeof(struct config_verdict), NULL};

static const struct option ROWS_BREAKER[] = {
    OPTION_ROW(.name = "hosts", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_breaker, hosts),
	.def = "2", .min = 1, .max = 10000,
	.doc = "Up to so many hosts may go silent within one verdict.service-down-time and be recovered by "
	       "themselves. When more do, everything is held and the administrators are told. A host counts "
	       "from the first silence: any monitor that its policy names says dead, or its record in Nova "
	       "stands still for half that time. A held host whose own fence device reads off is recovered all "
	       "the same: the devices of held hosts are read, which harms nobody."),
    OPTION_ROW(.name = "percent", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_breaker, percent),
	.def = "10", .min = 0, .max = 100,
	.doc = "The same limit as a share of all hosts; the greater one of the two counts for hosts that any monitor "
	       "misses. Hosts that are silent on every path of their policy are held above breaker.hosts, whatever "
	       "the share; so are all hosts of a segment of three or more that falls silent as a whole, and hosts "
	       "judged by a monitor that calls nearly everything dead while another one does not."),
    OPTION_ROW(.name = "resume", .type = OPTION_INT, .flags = OPTION_RELOADABLE, OPTION_AT(config_breaker, resume),
	.def = "2", .min = 1, .max = 10000,
	.doc = "How many hosts a minute are fenced once the breaker has let go of them, by itself or by osha release, "
	       "so that a wrong judgement shows before it has reached every host. Those whose own fence device reads "
	       "off do not wait."),
};
const struct option_table option_table_breaker = {
    "the breaker", ROWS_BREAKER, OPTION_COUNT(ROWS_BREAKER), sizeof(struct config_breaker), NULL};

static const struct option ROWS_FLIGHT[] = {
    OPTION_ROW(.name = "size-mib", .type = OPTION_INT, OPTION_AT(config_flight_recorder, size_mib), .def = "64",
	.min = 0, .max = 16384,
	.doc =
	    "How much of the state directory the two files of the flight recorder may take together, in MiB; 0 keeps "
	    "none. They take turns: when one is full, the older one is overwritten. A replay needs what was recorded "
	    "since the "
	    "daemon's start."),
};
static const struct option_table TABLE_FLIGHT = {
    "the flight recorder", ROWS_FLIGHT, OPTION_COUNT(ROWS_FLIGHT), sizeof(struct config_flight_recorder), NULL};

static const struct option ROWS_ROOT[] = {
    OPTION_ROW(.name = "cloud", .type = OPTION_TABLE, OPTION_AT(config, cloud), .table = &option_table_cloud,
	.doc = "The OpenStack cloud to look after, and how patient to be with it."),
    OPTION_ROW(.name = "state-dir", .type = OPTION_PATH, OPTION_AT(config, state_dir), .def = "/var/lib/osha", .min = 1,
	.max = 90, .doc = "The directory of the journal. One daemon at a time works on it."),
    OPTION_ROW(.name = "socket", .type = OPTION_PATH, OPTION_AT(config, socket), .def = "/run/osha/osha.sock", .min = 1,
	.max = 100,
	.doc = "The unix socket on which the daemon answers the osha command. Whoever may write to it may give "
	       "it orders."),
    OPTION_ROW(.name = "log", .type = OPTION_TABLE, OPTION_AT(config, log), .table = &option_table_log,
	.doc = "Where the daemon's own lines go."),
    OPTION_ROW(.name = "monitors", .type = OPTION_TABLE, OPTION_AT(config, monitors), .table = &option_table_monitors,
	.doc = "The sources of evidence that a policy can name in down-when."),
    OPTION_ROW(.name = "verdict", .type = OPTION_TABLE, OPTION_AT(config, verdict), .table = &option_table_verdict,
	.doc = "How evidence becomes the verdict that a host is down."),
    OPTION_ROW(.name = "breaker", .type = OPTION_TABLE, OPTION_AT(config, breaker), .table = &option_table_breaker,
	.doc = "When too much goes silent at once, the cause is hardly the hosts: then nothing is fenced."),
    OPTION_ROW(.name = "recovery", .type = OPTION_TABLE, OPTION_AT(config, recovery), .table = &option_table_recovery,
	.doc = "Patience and persistence of a recovery's steps."),
    OPTION_ROW(.name = "fencing", .type = OPTION_TABLE, OPTION_AT(config, fencing), .table = &option_table_fencing,
	.doc = "What all fence levels have in common. The levels themselves stand in segments and hosts."),
    OPTION_ROW(.name = "evacuation", .type = OPTION_TABLE, OPTION_AT(config, evacuation),
	.table = &option_table_evacuation, .doc = "How instances are moved away from a host that is proven dead."),
    OPTION_ROW(.name = "notify", .type = OPTION_TABLE, OPTION_AT(config, notify), .table = &option_table_notify,
	.doc = "Who is told, and how."),
    OPTION_ROW(.name = "flight-recorder", .type = OPTION_TABLE, OPTION_AT(config, flight_recorder),
	.table = &TABLE_FLIGHT, .doc = "What the daemon saw and decided, kept so that it can be replayed."),
    OPTION_ROW(.name = "segments", .type = OPTION_TABLES, .flags = OPTION_SHOWN, OPTION_AT(config, segments),
	.max = CONFIG_SEGMENT_MAX, .table = &option_table_segment,
	.doc = "Groups of hosts that share policy and fencing. A host in no segment is watched and its death is "
	       "told, but it is never fenced. Without this option one segment named default holds every host."),
    OPTION_ROW(.name = "hosts", .type = OPTION_TABLE_MAP, OPTION_AT(config, hosts), .max = CONFIG_HOST_MAX,
	.table = &option_table_host, .doc = "What single hosts have of their own, by their exact names in Nova."),
    OPTION_ROW(.name = "control-plane", .type = OPTION_LIST, .element = OPTION_HOSTS, .flags = OPTION_RELOADABLE,
	OPTION_AT(config, control_plane), .def = "", .example = "[ctl-1, ctl-2, ctl-3]", .max = CONFIG_HOST_MAX,
	.doc = "The compute hosts that carry the control plane's own quorum too (database, message bus, this daemon), "
	       "named as in a segment's hosts. The death of one is told and held, even when its device reads off: "
	       "osha release ID lets this one recovery go."),
    OPTION_ROW(.name = "fence-control-plane", .type = OPTION_BOOL, .flags = OPTION_RELOADABLE,
	OPTION_AT(config, fence_control_plane), .def = "false", .doc = "Whether those are fenced like any other host."),
};
const struct option_table option_table_root = {
    "the configuration", ROWS_ROOT, OPTION_COUNT(ROWS_ROOT), sizeof(struct config), NULL};
