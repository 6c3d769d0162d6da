/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML bytes as a tree that knows line and column of every node, bounded in size, depth and number of nodes. What the
 * nodes mean is left to those who walk it. Private to the config room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/memory.h"
#include "config/problem.h"

enum {
	TREE_DEPTH_MAX = 24,
	TREE_NODE_MAX = 400000, /* aliases counted as often as they are used, so that none can multiply */
	TREE_ANCHOR_MAX = 64,
};

/* Bytes and what to call them in messages. */
struct config_source {
	const char *name;
	const char *bytes;
	size_t n;
};

enum tree_kind { TREE_SCALAR = 0, TREE_SEQUENCE, TREE_MAPPING };

struct tree_node {
	enum tree_kind kind;
	bool is_plain;            /* a scalar without quotes */
	int line;                 /* from 1 */
	int column;               /* from 1 */
	const char *text;         /* of a scalar: terminated, without NUL inside */
	struct tree_node **items; /* of a sequence: its @n items; of a mapping: key, value, key, value: 2 * @n */
	size_t n;
	size_t weight; /* nodes below and itself, aliases unfolded */
};

/**
 * tree_parse() - read one YAML document.
 * @src: the bytes, hostile, at most CONFIG_FILE_MAX_BYTES; borrowed
 * @mem: holds the tree; wiped by its owner when done, since secrets may stand in it
 * @ret_root: the tree; NULL for a document without content
 *
 * Refuses: bytes that are not UTF-8, more than one document, tags, merge keys, keys that are no text, a key written
 * twice. Errors: -OSHA_E_CONFIG (see @problems), -OSHA_E_NOMEM.
 */
int tree_parse(const struct config_source *src, struct config_memory *mem, struct tree_node **ret_root,
    struct config_problems *problems, struct osha_err *reterr);

/** tree_member() - the value under @key in a mapping, or NULL; NULL @node and other kinds have none. */
struct tree_node *tree_member(const struct tree_node *node, const char *key);

/** tree_find() - the node at a path such as `segments[0].fencing[1].timeout`, or the deepest one on the way to it; NULL
 * root: NULL. */
const struct tree_node *tree_find(const struct tree_node *root, const char *path);

/** tree_is_null() - is this an empty value (`key:`, `key: ~`, `key: null`)? */
bool tree_is_null(const struct tree_node *node);

/** tree_found() - "found" for messages: a number of words on what the node is. @text of @size bytes receives it and is
 * returned. */
const char *tree_found(const struct tree_node *node, char *text, size_t size);
