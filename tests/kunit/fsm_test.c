// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every state with every event.
 */
#include "fsm.c"
#include "suites.h"

/*
 * One row a state, one cell an event: the first letter of the next state
 * (Closed Idle Held Queued Taken Sending), then the action. "-" is a rejected
 * event, which leaves the state alone.
 */
static const char * const want[KVP_STATE_COUNT][KVP_EVENT_COUNT] = {
	/*	       OPEN CLOSE NEGO REQ  REFU CANC ATTA DETA TAKE REPL TIME SENT */
	[KVP_CLOSED]  = { "I.", "C.", "-", "-", "-", "-", "C.", "C.", "-", "-", "C.", "-" },
	[KVP_IDLE]    = { "-", "C.", "Hh", "Qd", "St", "I.", "I.", "I.", "-", "-", "I.", "-" },
	[KVP_HELD]    = { "-", "Cw", "-", "H+", "H+", "Iw", "Sa", "H.", "-", "-", "Sa", "-" },
	[KVP_QUEUED]  = { "-", "Cw", "-", "Q+", "Q+", "Iw", "Qr", "Q.", "T.", "-", "Sf", "-" },
	[KVP_TAKEN]   = { "-", "Cw", "-", "T+", "T+", "Iw", "-", "Qr", "-", "Ss", "Sf", "-" },
	[KVP_SENDING] = { "-", "Cb", "-", "S+", "S+", "Ib", "S.", "S.", "-", "-", "Sg", "In" },
};

static const char states[] = "CIHQTS";

static const char actions[] = {
	[KVP_REJECT] = '-',	[KVP_NOTHING] = '.',	[KVP_DEFER] = '+',
	[KVP_HOLD] = 'h',	[KVP_AGREE] = 'a',	[KVP_DELIVER] = 'd',
	[KVP_REDELIVER] = 'r',	[KVP_TELL] = 't',	[KVP_ANSWER] = 's',
	[KVP_FAIL] = 'f',	[KVP_RESEND] = 'g',	[KVP_WITHDRAW] = 'w',
	[KVP_ABANDON] = 'b',	[KVP_FINISH] = 'n',
};

static void every_state_with_every_event(struct kunit *test)
{
	struct kvp_step step;
	int s, e;

	for (s = 0; s < KVP_STATE_COUNT; s++) {
		for (e = 0; e < KVP_EVENT_COUNT; e++) {
			step = kvp_fsm_next(s, e);
			if (want[s][e][0] == '-') {
				KUNIT_EXPECT_EQ_MSG(test, step.action,
						    KVP_REJECT, "%d %d", s, e);
				KUNIT_EXPECT_EQ_MSG(test, (int)step.next, s,
						    "%d %d", s, e);
				continue;
			}
			KUNIT_EXPECT_EQ_MSG(test, states[step.next],
					    want[s][e][0], "%d %d", s, e);
			KUNIT_EXPECT_EQ_MSG(test, actions[step.action],
					    want[s][e][1], "%d %d", s, e);
		}
	}
}

/* An answer can be made only on the way into SENDING, and not twice. */
static void answers_are_made_once(struct kunit *test)
{
	struct kvp_step step;
	int s, e;

	for (s = 0; s < KVP_STATE_COUNT; s++) {
		for (e = 0; e < KVP_EVENT_COUNT; e++) {
			step = kvp_fsm_next(s, e);
			switch (step.action) {
			case KVP_AGREE:
			case KVP_TELL:
			case KVP_ANSWER:
			case KVP_FAIL:
				KUNIT_EXPECT_EQ(test, step.next, KVP_SENDING);
				KUNIT_EXPECT_NE(test, s, KVP_SENDING);
				break;
			default:
				break;
			}
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_state_with_every_event),
	KUNIT_CASE(answers_are_made_once),
	{}
};

struct kunit_suite kvp_fsm_suite = {
	.name = "kvp_fsm",
	.test_cases = cases,
};
