/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong configurations and every word said about them: test/golden/config/NAME.yaml gives NAME.expected. With OSHA_GOLDEN_WRITE set
 * the expectations are written anew, to be read in the diff. Also holds doc/generated to what the rows say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "config/config.h"
#include "config/explain.h"

static const char *root; /* of the source tree */

static void file_take(const char *path, struct strbuf *sb)
{
	char bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n = 0;
	if (!f)
		return;
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		strbuf_add(sb, bytes, n);
	assert_int_equal(fclose(f), 0);
}

static void text_compare(const char *path, const struct strbuf *made)
{
	STRBUF_AUTO struct strbuf kept = STRBUF_INIT;
	if (getenv("OSHA_GOLDEN_WRITE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(made->text, 1, made->len, f), made->len);
		assert_int_equal(fclose(f), 0);
	}
	file_take(path, &kept);
	if (!kept.text || strcmp(kept.text, made->text) != 0)
		print_error("%s is not what is made now:\n%s", path, made->text);
	assert_non_null(kept.text);
	assert_string_equal(kept.text, made->text);
}

static void golden(void **state)
{
	const char *name = *state;
	char path[500];
	STRBUF_AUTO struct strbuf yaml = STRBUF_INIT, said = STRBUF_INIT;
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	struct config *cfg = NULL;
	struct osha_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/test/golden/config/%s.yaml", root, name);
	file_take(path, &yaml);
	assert_non_null(yaml.text);
	(void)snprintf(path, sizeof(path), "%s.yaml", name);
	assert_int_equal(config_parse(path, yaml.text, yaml.len, &cfg, &ps, &err), -OSHA_E_CONFIG);
	assert_null(cfg);
	for (size_t i = 0; i < ps.n; i++)
		strbuf_printf(&said, "%s%s\n", ps.items[i].is_warning ? "warning: " : "", ps.items[i].text);
	strbuf_printf(&said, "%s\n", err.msg);
	assert_null(strstr(said.text, "hunter2"));
	(void)snprintf(path, sizeof(path), "%s/test/golden/config/%s.expected", root, name);
	text_compare(path, &said);
}

static void generated(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		void (*write)(struct strbuf *sb);
	} all[] = {{"osha.yaml.sample", config_sample}, {"osha.yaml.5", config_man},
	    {"osha.schema.json", config_schema}, {"options.md", config_markdown}};
	char path[500];
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		STRBUF_AUTO struct strbuf made = STRBUF_INIT;
		all[i].write(&made);
		assert_false(made.failed);
		(void)snprintf(path, sizeof(path), "%s/doc/generated/%s", root, all[i].file);
		text_compare(path, &made);
	}
}

#define GOLDEN(name) cmocka_unit_test_prestate(golden, name)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    GOLDEN("options"),
	    GOLDEN("segments"),
	    GOLDEN("devices"),
	    GOLDEN("twins"),
	    GOLDEN("tab"),
	    GOLDEN("bytes"),
	    GOLDEN("indent"),
	    GOLDEN("documents"),
	    GOLDEN("star"),
	    GOLDEN("secrets"),
	    GOLDEN("numbers"),
	    GOLDEN("bomb"),
	    GOLDEN("windows"),
	    cmocka_unit_test(generated),
	};
	root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests_name("config_golden", tests, NULL, NULL);
}
