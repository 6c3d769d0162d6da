/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a configuration's strings and arrays live: one arena, given back whole and overwritten first, because passwords
 * stand between the rest. Running out is remembered (`failed`) and asked once at the end. Private to the config room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config_memory_block;

struct config_memory {
	struct config_memory_block *blocks;
	bool failed; /* an allocation failed: what was built must not be used */
};

/** config_memory_take() - @size zeroed bytes aligned for anything, or NULL and `failed`. */
void *config_memory_take(struct config_memory *m, size_t size);
/** config_memory_text() - a terminated copy of @n bytes; "" and `failed` when there is no memory, never NULL. */
const char *config_memory_text(struct config_memory *m, const char *bytes, size_t n);
/** config_memory_drop() - wipe and give back every block; usable again afterwards. Fit for cleanup. */
void config_memory_drop(struct config_memory *m);
#define CONFIG_MEMORY_AUTO __attribute__((cleanup(config_memory_drop)))
