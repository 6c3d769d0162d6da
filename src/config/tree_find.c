/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one's way in a finished tree, for the checks that know an option's path and need its line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/tree.h"

struct tree_node *tree_member(const struct tree_node *node, const char *key)
{
	if (!node || node->kind != TREE_MAPPING)
		return NULL;
	for (size_t i = 0; i < node->n; i++)
		if (node->items[2 * i]->kind == TREE_SCALAR && strcmp(node->items[2 * i]->text, key) == 0)
			return node->items[2 * i + 1];
	return NULL;
}

/* A key may hold dots (a host name), so the longest key that the rest of the path begins with is taken. */
static const struct tree_node *member_step(const struct tree_node *node, const char **path)
{
	size_t best = 0;
	const struct tree_node *found = NULL;
	for (size_t i = 0; i < node->n; i++) {
		const struct tree_node *key = node->items[2 * i];
		size_t len = strlen(key->text);
		bool ends = len > 0 && str_starts(*path, key->text) && strchr(".[", (*path)[len]) != NULL;
		if (key->kind == TREE_SCALAR && ends && len > best) {
			best = len;
			found = node->items[2 * i + 1];
		}
	}
	*path += best;
	return found;
}

static const struct tree_node *item_step(const struct tree_node *node, const char **path)
{
	if (**path != '[')
		return NULL;
	char *end = NULL;
	unsigned long at = strtoul(*path + 1, &end, 10);
	if (*end != ']' || at >= node->n)
		return NULL;
	*path = end + 1;
	return node->items[at];
}

const struct tree_node *tree_find(const struct tree_node *root, const char *path)
{
	const struct tree_node *node = root;
	while (node && *path != '\0') {
		path += *path == '.';
		const struct tree_node *next = NULL;
		if (node->kind == TREE_MAPPING)
			next = member_step(node, &path);
		else if (node->kind == TREE_SEQUENCE)
			next = item_step(node, &path);
		if (!next)
			return node;
		node = next;
	}
	return node;
}

bool tree_is_null(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && node->is_plain &&
	       (node->text[0] == '\0' || str_eq(node->text, "~") || str_eq(node->text, "null"));
}

const char *tree_found(const struct tree_node *node, char *text, size_t size)
{
	if (node->kind == TREE_MAPPING)
		(void)snprintf(text, size, "a mapping");
	else if (node->kind == TREE_SEQUENCE)
		(void)snprintf(text, size, "a list");
	else if (tree_is_null(node))
		(void)snprintf(text, size, "nothing");
	else
		(void)snprintf(text, size, "\"%.80s\"%s", node->text, strlen(node->text) > 80 ? " (cut)" : "");
	return text;
}
