/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's timers: an intrusive pairing heap, so that arming allocates nothing and a stopped timer's memory may go at once. Reading the
 * clock and waking up are loop.c's.
 */
#include "io/timer.h"

static bool is_before(const struct io_timer *a, const struct io_timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static struct io_timer *meld(struct io_timer *a, struct io_timer *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (is_before(b, a)) {
		struct io_timer *t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child != NULL)
		a->child->prev = b;
	a->child = b;
	a->next = NULL;
	return a;
}

/* Two passes, without recursion: a thousand timers armed in order make one list a thousand long. */
static struct io_timer *meld_siblings(struct io_timer *first)
{
	struct io_timer *pairs = NULL;
	while (first != NULL) {
		struct io_timer *a = first;
		struct io_timer *b = a->next;
		first = b != NULL ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b != NULL)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	struct io_timer *root = NULL;
	while (pairs != NULL) {
		struct io_timer *t = pairs;
		pairs = t->next;
		t->next = NULL;
		root = meld(root, t);
	}
	if (root != NULL)
		root->prev = NULL;
	return root;
}

void io_timer_heap_add(struct io_timer **root, struct io_timer *timer)
{
	timer->child = timer->next = timer->prev = NULL;
	*root = meld(*root, timer);
	(*root)->prev = NULL;
}

void io_timer_heap_remove(struct io_timer **root, struct io_timer *timer)
{
	struct io_timer *rest = meld_siblings(timer->child);
	if (timer == *root) {
		*root = rest;
	} else {
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		if (timer->next != NULL)
			timer->next->prev = timer->prev;
		*root = meld(*root, rest);
	}
	if (*root != NULL)
		(*root)->prev = NULL;
	timer->child = timer->next = timer->prev = NULL;
}
