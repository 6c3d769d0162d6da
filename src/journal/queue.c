/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of operations; see queue.h. */
#include "journal/queue.h"

#include <stdlib.h>

void journal_list_push(struct journal_list *list, struct journal_item *item)
{
	item->next = NULL;
	if (list->last)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
	list->n++;
}

void journal_list_join(struct journal_list *list, struct journal_list *more)
{
	if (!more->first)
		return;
	if (list->last)
		list->last->next = more->first;
	else
		list->first = more->first;
	list->last = more->last;
	list->n += more->n;
	*more = (struct journal_list){0};
}

void journal_list_take(struct journal_list *list, size_t max, struct journal_list *ret_taken)
{
	*ret_taken = (struct journal_list){0};
	while (list->first && ret_taken->n < max) {
		struct journal_item *item = list->first;

		list->first = item->next;
		list->n--;
		journal_list_push(ret_taken, item);
	}
	if (!list->first)
		list->last = NULL;
}

void journal_item_free(struct journal_item *item)
{
	for (size_t i = 0; item->op == JOURNAL_OP_MAIL_LIST && i < item->mail_n; i++)
		free((void *)(uintptr_t)item->mails[i].body);
	free(item->err);
	free(item->mails);
	free(item->found);
	free(item);
}

void journal_list_free(struct journal_list *list)
{
	for (struct journal_item *i = list->first, *next; i; i = next) {
		next = i->next;
		journal_item_free(i);
	}
	*list = (struct journal_list){0};
}
