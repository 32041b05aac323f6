/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest in a thread: a VMBus client with a KVP driver, a store of pairs and
 * an agent, in a fakevm. By the agent's command "misbehave WORD" its KVP driver
 * breaks one rule in its next answer, to prove that the script notices.
 */
#ifndef TEST_FAKEGUEST_H
#define TEST_FAKEGUEST_H

struct vm;
struct fakeguest;

struct fakeguest *fakeguest_start(struct vm *vm);
void fakeguest_stop(struct fakeguest *guest);

#endif
