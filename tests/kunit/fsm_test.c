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
static const char * const want[KVP_ST_COUNT][KVP_EV_COUNT] = {
	/*	       OPEN CLOSE NEGO REQ  REFU CANC ATTA DETA TAKE REPL TIME SENT */
	[KVP_ST_CLOSED]  = { "I.", "C.", "-", "-", "-", "-", "C.", "C.", "-", "-", "C.", "-" },
	[KVP_ST_IDLE]    = { "-", "C.", "Hh", "Qd", "St", "I.", "I.", "I.", "-", "-", "I.", "-" },
	[KVP_ST_HELD]    = { "-", "Cw", "-", "H+", "H+", "Iw", "Sa", "H.", "-", "-", "Sa", "-" },
	[KVP_ST_QUEUED]  = { "-", "Cw", "-", "Q+", "Q+", "Iw", "Qr", "Q.", "T.", "-", "Sf", "-" },
	[KVP_ST_TAKEN]   = { "-", "Cw", "-", "T+", "T+", "Iw", "-", "Qr", "-", "Ss", "Sf", "-" },
	[KVP_ST_SENDING] = { "-", "Cb", "-", "S+", "S+", "Ib", "S.", "S.", "-", "-", "Sg", "In" },
};

static const char states[] = "CIHQTS";

static const char actions[] = {
	[KVP_ACT_REJECT] = '-',	[KVP_ACT_NOTHING] = '.',	[KVP_ACT_DEFER] = '+',
	[KVP_ACT_HOLD] = 'h',	[KVP_ACT_AGREE] = 'a',	[KVP_ACT_DELIVER] = 'd',
	[KVP_ACT_REDELIVER] = 'r',	[KVP_ACT_REFUSE] = 't',	[KVP_ACT_ANSWER] = 's',
	[KVP_ACT_FAIL] = 'f',	[KVP_ACT_RESEND] = 'g',	[KVP_ACT_WITHDRAW] = 'w',
	[KVP_ACT_ABANDON] = 'b',	[KVP_ACT_FINISH] = 'n',
};

static void every_state_with_every_event(struct kunit *test)
{
	struct kvp_step step;
	int s, e;

	for (s = 0; s < KVP_ST_COUNT; s++) {
		for (e = 0; e < KVP_EV_COUNT; e++) {
			step = kvp_fsm_next(s, e);
			if (want[s][e][0] == '-') {
				KUNIT_EXPECT_EQ_MSG(test, step.action,
						    KVP_ACT_REJECT, "%d %d", s, e);
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

	for (s = 0; s < KVP_ST_COUNT; s++) {
		for (e = 0; e < KVP_EV_COUNT; e++) {
			step = kvp_fsm_next(s, e);
			switch (step.action) {
			case KVP_ACT_AGREE:
			case KVP_ACT_REFUSE:
			case KVP_ACT_ANSWER:
			case KVP_ACT_FAIL:
				KUNIT_EXPECT_EQ(test, step.next, KVP_ST_SENDING);
				KUNIT_EXPECT_NE(test, s, KVP_ST_SENDING);
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
