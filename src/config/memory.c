/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: blocks in a chain, bump allocation in the newest. A large request gets a block of its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

enum { BLOCK_BYTES = 16 * 1024 };

struct config_memory_block {
	struct config_memory_block *next;
	size_t size_bytes; /* of @bytes */
	size_t used_bytes;
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct config_memory_block *block_for(struct config_memory *m, size_t size)
{
	if (m->blocks && m->blocks->size_bytes - m->blocks->used_bytes >= size)
		return m->blocks;
	size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct config_memory_block *b = calloc(1, sizeof(*b) + room);
	if (!b)
		return NULL;
	b->size_bytes = room;
	b->next = m->blocks;
	m->blocks = b;
	return b;
}

void *config_memory_take(struct config_memory *m, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	if (size > SIZE_MAX / 2) {
		m->failed = true;
		return NULL;
	}
	size = (size + align - 1) / align * align;
	struct config_memory_block *b = block_for(m, size);
	if (!b) {
		m->failed = true;
		return NULL;
	}
	void *p = b->bytes + b->used_bytes;
	b->used_bytes += size;
	return p;
}

const char *config_memory_text(struct config_memory *m, const char *bytes, size_t n)
{
	if (n == 0)
		return "";
	char *s = config_memory_take(m, n + 1);
	if (!s)
		return "";
	memcpy(s, bytes, n);
	return s;
}

void config_memory_drop(struct config_memory *m)
{
	while (m->blocks) {
		struct config_memory_block *b = m->blocks;
		m->blocks = b->next;
		explicit_bzero(b->bytes, b->used_bytes);
		free(b);
	}
	m->failed = false;
}
