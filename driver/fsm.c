// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transaction's decisions, see fsm.h.
 */
#include "fsm.h"

/* What is not listed is REJECT and leaves the state alone. */
static const struct kvp_step steps[KVP_STATE_COUNT][KVP_EVENT_COUNT] = {
	[KVP_CLOSED] = {
		[KVP_OPEN]	= { KVP_IDLE,	 KVP_NOTHING },
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_NOTHING },
		[KVP_ATTACH]	= { KVP_CLOSED,	 KVP_NOTHING },
		[KVP_DETACH]	= { KVP_CLOSED,	 KVP_NOTHING },
		[KVP_TIMEOUT]	= { KVP_CLOSED,	 KVP_NOTHING },
	},
	[KVP_IDLE] = {
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_NOTHING },
		[KVP_NEGOTIATE]	= { KVP_HELD,	 KVP_HOLD },
		[KVP_REQUEST]	= { KVP_QUEUED,	 KVP_DELIVER },
		[KVP_REFUSE]	= { KVP_SENDING, KVP_TELL },
		[KVP_CANCEL]	= { KVP_IDLE,	 KVP_NOTHING },
		[KVP_ATTACH]	= { KVP_IDLE,	 KVP_NOTHING },
		[KVP_DETACH]	= { KVP_IDLE,	 KVP_NOTHING },
		[KVP_TIMEOUT]	= { KVP_IDLE,	 KVP_NOTHING },
	},
	[KVP_HELD] = {
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_WITHDRAW },
		[KVP_REQUEST]	= { KVP_HELD,	 KVP_DEFER },
		[KVP_REFUSE]	= { KVP_HELD,	 KVP_DEFER },
		[KVP_CANCEL]	= { KVP_IDLE,	 KVP_WITHDRAW },
		[KVP_ATTACH]	= { KVP_SENDING, KVP_AGREE },
		[KVP_DETACH]	= { KVP_HELD,	 KVP_NOTHING },
		[KVP_TIMEOUT]	= { KVP_SENDING, KVP_AGREE },
	},
	[KVP_QUEUED] = {
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_WITHDRAW },
		[KVP_REQUEST]	= { KVP_QUEUED,	 KVP_DEFER },
		[KVP_REFUSE]	= { KVP_QUEUED,	 KVP_DEFER },
		[KVP_CANCEL]	= { KVP_IDLE,	 KVP_WITHDRAW },
		[KVP_ATTACH]	= { KVP_QUEUED,	 KVP_REDELIVER },
		[KVP_DETACH]	= { KVP_QUEUED,	 KVP_NOTHING },
		[KVP_TAKE]	= { KVP_TAKEN,	 KVP_NOTHING },
		[KVP_TIMEOUT]	= { KVP_SENDING, KVP_FAIL },
	},
	[KVP_TAKEN] = {
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_WITHDRAW },
		[KVP_REQUEST]	= { KVP_TAKEN,	 KVP_DEFER },
		[KVP_REFUSE]	= { KVP_TAKEN,	 KVP_DEFER },
		[KVP_CANCEL]	= { KVP_IDLE,	 KVP_WITHDRAW },
		[KVP_DETACH]	= { KVP_QUEUED,	 KVP_REDELIVER },
		[KVP_REPLY]	= { KVP_SENDING, KVP_ANSWER },
		[KVP_TIMEOUT]	= { KVP_SENDING, KVP_FAIL },
	},
	[KVP_SENDING] = {
		[KVP_CLOSE]	= { KVP_CLOSED,	 KVP_ABANDON },
		[KVP_REQUEST]	= { KVP_SENDING, KVP_DEFER },
		[KVP_REFUSE]	= { KVP_SENDING, KVP_DEFER },
		[KVP_CANCEL]	= { KVP_IDLE,	 KVP_ABANDON },
		[KVP_ATTACH]	= { KVP_SENDING, KVP_NOTHING },
		[KVP_DETACH]	= { KVP_SENDING, KVP_NOTHING },
		[KVP_TIMEOUT]	= { KVP_SENDING, KVP_RESEND },
		[KVP_SENT]	= { KVP_IDLE,	 KVP_FINISH },
	},
};

struct kvp_step kvp_fsm_next(enum kvp_state state, enum kvp_event event)
{
	struct kvp_step step = steps[state][event];

	if (step.action == KVP_REJECT)
		step.next = state;
	return step;
}
