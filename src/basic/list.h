/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked lists: the item holds `LIST_FIELDS(Type, name)`, the owner `Type *head`. */
#pragma once

#include "basic/macro.h"

#define LIST_FIELDS(type, name) type *name##_next, *name##_prev

#define LIST_PREPEND(name, head, item)                                  \
        ({                                                              \
                typeof(*(head)) *_item = (item);                        \
                _item->name##_prev = NULL;                              \
                _item->name##_next = (head);                            \
                if (head)                                               \
                        (head)->name##_prev = _item;                    \
                (head) = _item;                                         \
        })

#define LIST_APPEND(name, head, item)                                   \
        ({                                                              \
                typeof(*(head)) *_item = (item), *_tail = (head);       \
                while (_tail && _tail->name##_next)                     \
                        _tail = _tail->name##_next;                     \
                _item->name##_prev = _tail;                             \
                _item->name##_next = NULL;                              \
                if (_tail)                                              \
                        _tail->name##_next = _item;                     \
                else                                                    \
                        (head) = _item;                                 \
        })

#define LIST_REMOVE(name, head, item)                                   \
        ({                                                              \
                typeof(*(head)) *_item = (item);                        \
                if (_item->name##_next)                                 \
                        _item->name##_next->name##_prev = _item->name##_prev; \
                if (_item->name##_prev)                                 \
                        _item->name##_prev->name##_next = _item->name##_next; \
                else                                                    \
                        (head) = _item->name##_next;                    \
                _item->name##_next = _item->name##_prev = NULL;         \
        })

/* The loop body may remove and free the current item. */
#define LIST_FOREACH(name, i, head)                                     \
        for (typeof(*(head)) *i = (head), *_next_##i = i ? i->name##_next : NULL; i; \
             i = _next_##i, _next_##i = i ? i->name##_next : NULL)
