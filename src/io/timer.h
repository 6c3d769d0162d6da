/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of timers under loop.c; for that file alone. */
#pragma once

#include "io/loop.h"

/** io_timer_heap_add() - put a timer at rest into the heap, by its due_ms and order. */
void io_timer_heap_add(struct io_timer **root, struct io_timer *timer);
/** io_timer_heap_remove() - take a timer out of the heap it is in. */
void io_timer_heap_remove(struct io_timer **root, struct io_timer *timer);
