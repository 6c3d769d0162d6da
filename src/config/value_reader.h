/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tree to structs, by the rows. Every value is looked at even after errors, so that one round shows them all.
 * Rules between options are left to check_*.c. Private to the config room.
 */
#pragma once

#include "config/config.h"
#include "config/option.h"
#include "config/tree.h"

enum { READER_PATH_SIZE = 400 };

struct config_reader {
	const char *file; /* for messages */
	struct config_problems *problems;
	struct config_memory *mem;    /* what is read lives here */
	const struct tree_node *root; /* the whole document, or NULL */
	char path[READER_PATH_SIZE];  /* of the option being read */
	size_t path_len;
};

/** reader_table() - fill the struct of table @t at @base from @node; NULL @node or an empty one: all defaults. */
void reader_table(struct config_reader *r, const struct option_table *t, const struct tree_node *node, void *base);

/** reader_secret() - read one {file: ...}, {env: ...} or {inline: ...}, with its value unless its path holds a pattern.
 */
void reader_secret(struct config_reader *r, const struct tree_node *node, struct config_secret *ret);

/** reader_parameters() - read a mapping of agent parameters. */
void reader_parameters(struct config_reader *r, const struct tree_node *node, struct config_parameters *ret);

/** reader_overrides() - read a mapping of level names to such mappings. */
void reader_overrides(struct config_reader *r, const struct tree_node *node, struct config_level_overrides *ret);

/** reader_push() - go down to member @name of the path; returns what reader_pop() takes to come back. */
size_t reader_push(struct config_reader *r, const char *name);
/** reader_push_item() - go down to item @i of a list. */
size_t reader_push_item(struct config_reader *r, size_t i);
void reader_pop(struct config_reader *r, size_t path_len);

/** reader_error(), reader_warning() - add a problem at @node under the present path. */
void reader_error(struct config_reader *r, const struct tree_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void reader_warning(struct config_reader *r, const struct tree_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** reader_error_at(), reader_warning_at() - the same for a finished configuration: the place is looked up by @path in
 * the tree. */
void reader_error_at(struct config_reader *r, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void reader_warning_at(struct config_reader *r, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * secret_file_read() - the one line of a secret's file, without its line end, into @value of @size bytes.
 * Returns false with the reason in @why (VALUE_HINT_SIZE bytes). Blocks on a local file; refuses anything but a regular
 * file.
 */
bool secret_file_read(const char *path, char *value, size_t size, char *why, bool *ret_is_open_to_all);
