/* SPDX-License-Identifier: Apache-2.0 */
/* Two values out of a file of which nothing else has to be right; see places.h. */
#include "config/places.h"

#include <string.h>

#include "base/strbuf.h"
#include "config/config_file.h"
#include "config/option.h"

static void place_take(const struct tree_node *root, const char *name, char *ret)
{
	const struct option *o = option_find(&option_table_root, name);
	const struct tree_node *n = tree_member(root, name);
	bool is_path = n && n->kind == TREE_SCALAR && n->text[0] == '/' && strlen(n->text) <= (size_t)o->max;

	str_copy(ret, CONFIG_PLACE_SIZE, is_path ? n->text : o->def);
}

int config_places_find(const char *path, struct config_places *ret, struct osha_err *reterr)
{
	CONFIG_MEMORY_AUTO struct config_memory mem = {0};
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct config_source src = {.name = path};
	struct tree_node *root = NULL;
	int r = 0;

	if (path)
		r = config_file_read(&src, "name it with --config", &mem, &problems, reterr);
	if (path && r == 0)
		r = tree_parse(&src, &mem, &root, &problems, reterr);
	place_take(r == 0 ? root : NULL, "socket", ret->socket);
	place_take(r == 0 ? root : NULL, "state-dir", ret->state_dir);
	return r;
}
