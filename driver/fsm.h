/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State machine of the transaction: the one packet of the host that can be
 * outstanding. Defines its states, its events, and the action of each transition.
 *
 * The decision is a pure function; xact.c carries the actions out.
 *
 *            NEGOTIATE             ATTACH, TIMEOUT (hold)
 *     IDLE ------------> HELD ---------------------------> SENDING
 *      | |                                                  ^ ^ |
 *      | |   REFUSE (the driver can answer by itself)       | | |
 *      | +--------------------------------------------------+ | |
 *      |                                                      | |
 *      |  REQUEST           TAKE         REPLY                | |
 *      +---------> QUEUED --------> TAKEN --------------------+ |
 *                    | ^   DETACH     |                       | |
 *                    | +--------------+                       | |
 *                    |                | TIMEOUT (E_FAIL)      | |
 *                    +----------------+-----------------------+ |
 *     IDLE <----------------------------------------------------+
 *                       SENT (the ring took it)
 *
 * From any state CANCEL leads to IDLE and CLOSE to CLOSED, without an answer.
 * OPEN leads from CLOSED to IDLE. A REQUEST or REFUSE in any state but IDLE is
 * DEFER: the packet waits until the state is IDLE again.
 */
#ifndef KVP_FSM_H
#define KVP_FSM_H

#include <linux/types.h>

/**
 * enum kvp_state - state of the transaction
 * @KVP_ST_CLOSED: there is no channel
 * @KVP_ST_IDLE: nothing is outstanding
 * @KVP_ST_HELD: a negotiation waits for a service
 * @KVP_ST_QUEUED: a request waits to be read by the service
 * @KVP_ST_TAKEN: the service has read the request
 * @KVP_ST_SENDING: the answer is complete but not yet in the ring
 * @KVP_ST_COUNT: number of entries
 */
enum kvp_state {
	KVP_ST_CLOSED,
	KVP_ST_IDLE,
	KVP_ST_HELD,
	KVP_ST_QUEUED,
	KVP_ST_TAKEN,
	KVP_ST_SENDING,
	KVP_ST_COUNT,
};

/**
 * enum kvp_event - event of the transaction
 * @KVP_EV_OPEN: the channel was opened
 * @KVP_EV_CLOSE: the channel is about to be closed, or is lost
 * @KVP_EV_NEGOTIATE: the host negotiates; raise CANCEL first
 * @KVP_EV_REQUEST: the host sent a request for the service
 * @KVP_EV_REFUSE: the host sent a packet that the driver answers by itself
 * @KVP_EV_CANCEL: the host no longer waits for an answer
 * @KVP_EV_ATTACH: a service said hello; also raised after NEGOTIATE if one is
 *	attached
 * @KVP_EV_DETACH: the service closed
 * @KVP_EV_TAKE: the request has reached the service's memory
 * @KVP_EV_REPLY: the service answered the request
 * @KVP_EV_TIMEOUT: the timer of the state expired
 * @KVP_EV_SENT: the answer is in the ring, or can never get there
 * @KVP_EV_COUNT: number of entries
 */
enum kvp_event {
	KVP_EV_OPEN,
	KVP_EV_CLOSE,
	KVP_EV_NEGOTIATE,
	KVP_EV_REQUEST,
	KVP_EV_REFUSE,
	KVP_EV_CANCEL,
	KVP_EV_ATTACH,
	KVP_EV_DETACH,
	KVP_EV_TAKE,
	KVP_EV_REPLY,
	KVP_EV_TIMEOUT,
	KVP_EV_SENT,
	KVP_EV_COUNT,
};

/**
 * enum kvp_action - what the caller has to do
 * @KVP_ACT_REJECT: nothing; the event is not valid in this state
 * @KVP_ACT_NOTHING: nothing
 * @KVP_ACT_DEFER: keep the packet and retry it when the state is IDLE
 * @KVP_ACT_HOLD: start the hold timer
 * @KVP_ACT_AGREE: answer the negotiation
 * @KVP_ACT_DELIVER: start the deadline, wake the service
 * @KVP_ACT_REDELIVER: wake the next service; the deadline stays
 * @KVP_ACT_REFUSE: answer with the status that the driver chose
 * @KVP_ACT_ANSWER: answer with the reply of the service
 * @KVP_ACT_FAIL: answer E_FAIL, record the request as expired
 * @KVP_ACT_RESEND: retry the ring
 * @KVP_ACT_WITHDRAW: discard the packet; record a request as withdrawn
 * @KVP_ACT_ABANDON: discard the answer that found no room
 * @KVP_ACT_FINISH: stop the timer
 */
enum kvp_action {
	KVP_ACT_REJECT,
	KVP_ACT_NOTHING,
	KVP_ACT_DEFER,
	KVP_ACT_HOLD,
	KVP_ACT_AGREE,
	KVP_ACT_DELIVER,
	KVP_ACT_REDELIVER,
	KVP_ACT_REFUSE,
	KVP_ACT_ANSWER,
	KVP_ACT_FAIL,
	KVP_ACT_RESEND,
	KVP_ACT_WITHDRAW,
	KVP_ACT_ABANDON,
	KVP_ACT_FINISH,
};

/**
 * struct kvp_step - a transition
 * @next: the new state
 * @action: what the caller has to do
 */
struct kvp_step {
	enum kvp_state next;
	enum kvp_action action;
};

/**
 * kvp_fsm_next() - look up a transition
 * @state: current state
 * @event: what happened
 *
 * Context: any; pure.
 * Return: the transition.
 */
struct kvp_step kvp_fsm_next(enum kvp_state state, enum kvp_event event);

#endif /* KVP_FSM_H */
