/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config room: the rows themselves, reading, looking up hosts and devices, what is printed from the rows. Wrong files and the words
 * about them are in test/golden/config, compared by test_config_golden.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "config/explain.h"
#include "config/option.h"
#include "config/value.h"

static struct config *parse(const char *text)
{
	struct config *cfg = NULL;
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct osha_err err = {0};
	int rc = config_parse("test.yaml", text, strlen(text), &cfg, &ps, &err);
	for (size_t i = 0; rc < 0 && i < ps.n; i++)
		print_error("%s\n", ps.items[i].text);
	assert_int_equal(rc, 0);
	assert_non_null(cfg);
	return cfg;
}

static void table_each(const struct option_table *t, int depth, void (*visit)(const struct option_table *, size_t, int))
{
	assert_true(depth < 6);
	for (size_t i = 0; i < t->row_n; i++) {
		visit(t, i, depth);
		if (t->rows[i].table)
			table_each(t->rows[i].table, depth + 1, visit);
	}
}

static bool is_sentences(const char *doc)
{
	size_t n = strlen(doc);
	return n > 10 && (doc[0] >= 'A' && doc[0] <= 'Z') && doc[n - 1] == '.' && !strstr(doc, "  ") &&
	       !strchr(doc, '\n');
}

static void row_check(const struct option_table *t, size_t i, int depth)
{
	const struct option *o = &t->rows[i];
	const char *unit = "_ms";
	if (!is_sentences(o->doc))
		fail_msg("%s %s: doc is no sentence: %s", t->name, o->name, o->doc);
	assert_true(o->offset < t->size_bytes);
	assert_non_null(o->def ? o->def : (o->table ? "" : NULL));
	for (const char *p = o->name; *p; p++)
		assert_true((*p >= 'a' && *p <= 'z') || *p == '-');
	for (size_t k = 0; k < i; k++)
		assert_string_not_equal(t->rows[k].name, o->name);
	if (o->type == OPTION_DURATION) {
		assert_true(strlen(o->field) > 3);
		assert_string_equal(o->field + strlen(o->field) - 3, unit);
	}
	if (o->type == OPTION_INT || o->type == OPTION_DURATION)
		assert_true(o->min < o->max);
	if (o->type == OPTION_ENUM)
		assert_non_null(o->words);
	if (o->type >= OPTION_TABLE)
		assert_non_null(o->table);
	if (depth >= 2 && t->rows[i].type < OPTION_TABLE)
		assert_true(o->flags & OPTION_RELOADABLE); /* reload_check() does not look into lists */
}

static void default_check(const struct option_table *t, size_t i, int depth)
{
	(void)depth;
	const struct option *o = &t->rows[i];
	struct config_memory mem = {0};
	char hint[VALUE_HINT_SIZE];
	int64_t field[4] = {0};
	bool has_default = option_is_scalar(o) && o->def[0] != '\0';
	if (has_default && !value_set(o, o->type, o->def, field, &mem, hint))
		fail_msg("%s %s: default %s is refused: %s", t->name, o->name, o->def, hint);
	if (option_is_scalar(o) && o->example && o->example[0] != '{' &&
	    !value_set(o, o->type, o->example, field, &mem, hint))
		fail_msg("%s %s: example %s is refused: %s", t->name, o->name, o->example, hint);
	if (option_is_scalar(o) && !has_default)
		assert_true(o->flags & (OPTION_EMPTY_OK | OPTION_REQUIRED));
	config_memory_drop(&mem);
}

static void rows_are_sound(void **state)
{
	(void)state;
	table_each(&option_table_root, 0, row_check);
	table_each(&option_table_root, 0, default_check);
}

static void nothing_written_is_all_defaults(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "# nothing\n", "{}\n", "log:\nmonitors:\nhosts:\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CONFIG_AUTO struct config *cfg = parse(texts[i]);
		assert_string_equal(cfg->state_dir, "/var/lib/osha");
		assert_string_equal(cfg->socket, "/run/osha/osha.sock");
		assert_string_equal(cfg->cloud.name, "");
		assert_int_equal(cfg->monitors.nova.interval_ms, 2000);
		assert_int_equal(cfg->monitors.probe.kind, CONFIG_PROBE_TCP);
		assert_int_equal(cfg->evacuation.settle_ms, 60000);
		assert_int_equal(cfg->notify.email.port, 587);
		assert_true(cfg->notify.users);
		assert_int_equal(cfg->segments.n, 1);
		assert_string_equal(cfg->segments.items[0].name, "default");
		assert_int_equal(cfg->segments.items[0].down_when, 3);
		assert_int_equal(cfg->fencing.agent_path.n, 3);
		assert_string_equal(cfg->fencing.agent_path.items[2], "/usr/sbin");
	}
}

static void durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"0s", 0}, {"500ms", 500}, {"1.5s", 1500}, {"2 m", 120000}, {"1h", 3600000},
	    {"1d", 86400000}, {"0.25m", 15000}, {"1.001s", 1001}};
	static const char *const bad[] = {"", "s", "5", "-5s", "+5s", "5x", "5 seconds", "1e3s",
	    "99999999999999999999s", "5s5", "0x5s", ".5s", "5.s", " 5s"};
	char hint[VALUE_HINT_SIZE], text[32];
	int64_t ms = -1;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(value_duration_ms(good[i].text, &ms, hint));
		assert_int_equal(ms, good[i].ms);
		assert_true(value_duration_ms(duration_text(good[i].ms, text, sizeof(text)), &ms, hint));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_duration_ms(bad[i], &ms, hint));
}

#define SEGMENTS                                                                                                       \
	"monitors: {probe: {address: '{short}.mgmt'}}\n"                                                               \
	"segments:\n"                                                                                                  \
	"  - {name: any, hosts: ['c*', '!c7']}\n"                                                                      \
	"  - name: rack\n"                                                                                             \
	"    hosts: [c1, 'd?.example']\n"                                                                              \
	"    single-source: accepted\n"                                                                                \
	"    mode: ask\n"                                                                                              \
	"    down-when: nova\n"                                                                                        \
	"    fencing:\n"                                                                                               \
	"      - {name: bmc, agent: fence_none, timeout: 7s, attempts: 3, parameters: {ip: '{host}-bmc', lanplus: "    \
	"1,\n"                                                                                                         \
	"         note: '{{{short}}}', password: {inline: pw-all}}}\n"                                                 \
	"      - {name: pdu, agent: /bin/true, parameters: {ip: pdu, plug: '{host}'}}\n"                               \
	"hosts:\n"                                                                                                     \
	"  c1: {address: 192.0.2.1, parameters: {bmc: {ip: 192.0.2.101, password: {inline: pw-c1}, ipport: 6230}}}\n"  \
	"  d2.example: {unprobed: true}\n"                                                                             \
	"  d3.example: {fencing: [{name: own, agent: /bin/true, parameters: {ip: own}}]}\n"

static void hosts_resolve(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *cfg = parse(SEGMENTS);
	struct config_host h;
	assert_int_equal(config_host_resolve(cfg, "c1", &h), CONFIG_HOST_FOUND); /* its name comes before the pattern */
	assert_string_equal(h.segment->name, "rack");
	assert_string_equal(h.address, "192.0.2.1");
	assert_int_equal(h.segment->mode, CONFIG_MODE_ASK);
	assert_int_equal(h.level_n, 2);
	assert_int_equal(h.segment->down_when, 1u << CONFIG_MONITOR_NOVA);
	assert_int_equal(config_host_resolve(cfg, "c10", &h), CONFIG_HOST_FOUND);
	assert_string_equal(h.segment->name, "any");
	assert_int_equal(h.segment->mode, CONFIG_MODE_AUTOMATIC);
	assert_string_equal(h.address, "c10.mgmt");
	assert_int_equal(h.level_n, 0);
	assert_int_equal(config_host_resolve(cfg, "c7", &h), CONFIG_HOST_OUTSIDE);
	assert_null(h.segment);
	assert_int_equal(h.level_n, 0);
	assert_string_equal(h.address, "c7.mgmt");
	assert_int_equal(config_host_resolve(cfg, "d1.example", &h), CONFIG_HOST_FOUND);
	assert_string_equal(h.address, "d1.mgmt");
	assert_int_equal(config_host_resolve(cfg, "d2.example", &h), CONFIG_HOST_FOUND);
	assert_string_equal(h.address, "");
	assert_int_equal(config_host_resolve(cfg, "d3.example", &h), CONFIG_HOST_FOUND);
	assert_int_equal(h.level_n, 1);
	assert_string_equal(h.levels[0]->name, "own");
	assert_int_equal(config_host_resolve(cfg, "D1.example", &h), CONFIG_HOST_OUTSIDE); /* exact, never folded */
}

static const char *value_of(const struct config_fence *f, const char *name)
{
	for (size_t i = 0; i < f->parameter_n; i++)
		if (strcmp(f->parameters[i].name, name) == 0)
			return f->parameters[i].value;
	return NULL;
}

static void fence_levels_resolve(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *cfg = parse(SEGMENTS);
	struct config_fence f;
	struct osha_err err = {0};
	assert_int_equal(config_fence_resolve(cfg, "c1", 0, &f, &err), 0);
	assert_string_equal(value_of(&f, "ip"), "192.0.2.101");
	assert_string_equal(value_of(&f, "ipport"), "6230");
	assert_string_equal(value_of(&f, "lanplus"), "1");
	assert_string_equal(value_of(&f, "note"), "{c1}");
	assert_string_equal(value_of(&f, "password"), "pw-c1");
	assert_int_equal(f.parameter_n, 5);
	assert_int_equal(f.timeout_ms, 7000);
	assert_int_equal(f.attempts, 3);
	assert_string_equal(f.agent, "fence_none");
	assert_null(strstr(f.device, "pw-"));
	assert_int_equal(f.key, config_device_key(cfg, "c1", 0));
	assert_int_equal(config_fence_resolve(cfg, "d1.example", 0, &f, &err), 0);
	assert_string_equal(value_of(&f, "ip"), "d1.example-bmc");
	assert_string_equal(value_of(&f, "password"), "pw-all");
	assert_int_equal(config_fence_resolve(cfg, "d1.example", 1, &f, &err), 0);
	assert_string_equal(f.agent, "/bin/true");
	assert_string_equal(value_of(&f, "plug"), "d1.example");
	assert_int_not_equal(config_device_key(cfg, "c1", 0), config_device_key(cfg, "d1.example", 0));
	assert_int_not_equal(config_device_key(cfg, "c1", 0), config_device_key(cfg, "c1", 1));
	assert_int_equal(config_device_key(cfg, "c1", 2), 0);
	assert_int_equal(config_device_key(cfg, "c7", 0), 0);
	assert_int_equal(config_fence_resolve(cfg, "c1", 2, &f, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(config_fence_resolve(cfg, "c7", 0, &f, &err), -OSHA_E_NOTFOUND);
	config_fence_wipe(&f);
	assert_string_equal(f.agent, "");
}

/* Nova's names come from outside: they must not turn into a line, a path or an option of their own. */
static void hostile_names_do_not_expand(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *cfg = parse("segments: [{name: a, hosts: ['*'], fencing: [{name: x, agent: "
					       "/bin/true, parameters: {ip: 'b-{host}'}}]}]\n");
	static const char *const names[] = {"a\naction=off", "../../etc", "-x", "a b", "", "a/b", "\x1b[2J"};
	struct config_fence f;
	struct config_host h;
	struct osha_err err = {0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(config_fence_resolve(cfg, names[i], 0, &f, &err), -OSHA_E_CONFIG);
		(void)config_host_resolve(cfg, names[i], &h);
		assert_string_equal(h.address, "");
	}
}

static void secret_files_are_read(void **state)
{
	(void)state;
	char dir[] = "/tmp/osha-config-XXXXXX", path[64], text[400];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/c1.pw", dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("s3cret\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(text, sizeof(text),
	    "segments: [{name: a, hosts: ['*'], fencing: [{name: x, agent: /bin/true, parameters: {ip: '{host}',\n"
	    "  password: {file: '%s/{host}.pw'}, passwd: {file: %s}}}]}]\n",
	    dir, path);
	CONFIG_AUTO struct config *cfg = parse(text);
	struct config_fence f;
	struct osha_err err = {0};
	assert_int_equal(config_fence_resolve(cfg, "c1", 0, &f, &err), 0);
	assert_string_equal(value_of(&f, "password"), "s3cret");
	assert_string_equal(value_of(&f, "passwd"), "s3cret");
	assert_int_equal(config_fence_resolve(cfg, "c2", 0, &f, &err), -OSHA_E_CONFIG);
	assert_non_null(strstr(err.msg, "c2.pw"));
	STRBUF_AUTO struct strbuf shown = STRBUF_INIT;
	config_show(cfg, &shown);
	assert_null(strstr(shown.text, "s3cret"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void devices_are_compared(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *cfg = parse("segments: [{name: a, hosts: ['*'], fencing: [{name: x, agent: "
					       "/bin/true, parameters: {ip: '{short}-bmc'}}]}]\n");
	static const char *const twins[] = {"c1.north", "c2.north", "C1.south"}, *const apart[] = {
										     "c1", "c2", "c10", "c1"};
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct osha_err err = {0};
	assert_int_equal(config_devices_check(cfg, apart, 4, &ps, &err), 0);
	assert_int_equal(config_devices_check(cfg, twins, 3, &ps, &err), -OSHA_E_CONFIG);
	assert_int_equal(ps.n, 1);
	assert_non_null(strstr(ps.items[0].text, "c1.north"));
	assert_non_null(strstr(ps.items[0].text, "C1.south"));
}

static void reload_keeps_what_needs_a_restart(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *a = parse("log: {level: info}\n");
	CONFIG_AUTO struct config *b = parse("log: {level: debug}\nsegments: [{name: x, hosts: [c1]}]\n");
	CONFIG_AUTO struct config *c = parse("state-dir: /srv/osha\nsocket: /run/other.sock\n");
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct osha_err err = {0};
	assert_int_equal(config_reload_check(a, b, &ps, &err), 0);
	assert_int_equal(config_reload_check(a, c, &ps, &err), -OSHA_E_CONFIG);
	assert_int_equal(ps.n, 2);
	assert_non_null(strstr(ps.items[0].text, "state-dir"));
}

/* The sample with every option switched on: the # right before a name goes, "# " stays. */
static char *sample_switched_on(const char *sample)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	for (const char *line = sample; *line;) {
		size_t n = strcspn(line, "\n"), indent = strspn(line, " ");
		bool is_off = line[indent] == '#' && line[indent + 1] != ' ';
		strbuf_add(&sb, line, indent);
		strbuf_add(&sb, line + indent + is_off, n - indent - is_off);
		strbuf_puts(&sb, "\n");
		line += n + (line[n] == '\n');
	}
	return strbuf_steal(&sb);
}

static void sample_loads(void **state)
{
	(void)state;
	STRBUF_AUTO struct strbuf sample = STRBUF_INIT;
	config_sample(&sample);
	assert_false(sample.failed);
	CONFIG_AUTO struct config *plain = parse(sample.text);
	assert_int_equal(plain->segments.n, 1);
	STR_AUTO char *on = sample_switched_on(sample.text);
	assert_non_null(strstr(on, "\nhosts:\n  compute-1:\n"));
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct config *cfg = NULL;
	struct osha_err err = {0};
	(void)config_parse("sample", on, strlen(on), &cfg, &ps, &err);
	config_free(cfg);
	for (size_t i = 0; i < ps.n; i++) /* its secrets' files are not on this machine; everything else must hold */
		if (!ps.items[i].is_warning && !strstr(ps.items[i].text, "/etc/osha/"))
			fail_msg("%s", ps.items[i].text);
	assert_int_equal(ps.error_n, 2);
}

/* What is shown loads again and shows the same. */
static void shown_configuration_loads(void **state)
{
	(void)state;
	CONFIG_AUTO struct config *cfg = parse(SEGMENTS);
	STRBUF_AUTO struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	config_show(cfg, &first);
	assert_null(strstr(first.text, "pw-"));
	CONFIG_AUTO struct config *again = parse(first.text);
	config_show(again, &second);
	assert_string_equal(first.text, second.text);
}

static void explaining(void **state)
{
	(void)state;
	static const char *const good[] = {"evacuation.per-host", "segments.fencing.timeout",
	    "segments[0].fencing[1].timeout", "hosts.compute-1.address", "hosts.compute-1.example.address",
	    "hosts.address", "hosts", "log", "notify.email.tls", ""};
	static const char *const bad[] = {
	    "evacuation.perhost", "nonsense", "segments.fencing.tiemout", "hosts.c1.adress"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
		struct osha_err err = {0};
		if (config_explain(good[i], &sb, &err) != 0)
			fail_msg("%s: %s", good[i], err.msg);
		assert_true(sb.len > 40);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
		struct osha_err err = {0};
		assert_int_equal(config_explain(bad[i], &sb, &err), -OSHA_E_NOTFOUND);
	}
	struct osha_err err = {0};
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	(void)config_explain("evacuation.perhost", &sb, &err);
	assert_non_null(strstr(err.msg, "did you mean per-host?"));
}

static void schema_is_json(void **state)
{
	(void)state;
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	JSON_AUTO cJSON *json = NULL;
	struct osha_err err = {0};
	config_schema(&sb);
	assert_int_equal(json_parse(sb.text, sb.len, &json, &err), 0);
	const cJSON *properties = json_object(json, "properties");
	for (size_t i = 0; i < option_table_root.row_n; i++)
		assert_non_null(json_object(properties, option_table_root.rows[i].name));
}

static void problems_are_bounded(void **state)
{
	(void)state;
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct config *cfg = NULL;
	struct osha_err err = {0};
	for (int i = 0; i < 500; i++)
		strbuf_printf(&sb, "unknown-%d: 1\n", i);
	assert_int_equal(config_parse("t", sb.text, sb.len, &cfg, &ps, &err), -OSHA_E_CONFIG);
	assert_null(cfg);
	assert_int_equal(ps.n, PROBLEM_MAX);
	assert_int_equal(ps.error_n, 500);
	for (size_t i = 1; i < ps.n; i++)
		assert_true(ps.items[i - 1].line <= ps.items[i].line);
	strbuf_reset(&sb);
	for (int i = 0; i < 5000; i++)
		strbuf_puts(&sb, "[");
	assert_int_equal(config_parse("t", sb.text, sb.len, &cfg, &ps, &err), -OSHA_E_CONFIG);
	assert_int_equal(config_load("/nonexistent/osha.yaml", &cfg, &ps, &err), -OSHA_E_CONFIG);
	assert_int_equal(config_load("/tmp", &cfg, &ps, &err), -OSHA_E_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_sound),
	    cmocka_unit_test(nothing_written_is_all_defaults),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(hosts_resolve),
	    cmocka_unit_test(fence_levels_resolve),
	    cmocka_unit_test(hostile_names_do_not_expand),
	    cmocka_unit_test(secret_files_are_read),
	    cmocka_unit_test(devices_are_compared),
	    cmocka_unit_test(reload_keeps_what_needs_a_restart),
	    cmocka_unit_test(sample_loads),
	    cmocka_unit_test(shown_configuration_loads),
	    cmocka_unit_test(explaining),
	    cmocka_unit_test(schema_is_json),
	    cmocka_unit_test(problems_are_bounded),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
