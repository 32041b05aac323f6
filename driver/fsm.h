/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of the one transaction that can be outstanding between the host and
 * the guest: its states, the events that move it, and what is to be done then.
 *
 * The decision is this file's, and it is pure. The effects are xact.c's.
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
 * From any state CANCEL leads to IDLE and CLOSE to CLOSED, unanswered. OPEN
 * leads from CLOSED to IDLE.
 */
#ifndef KVP_FSM_H
#define KVP_FSM_H

#include <linux/types.h>

/**
 * enum kvp_state - where the transaction is
 * @KVP_CLOSED: there is no channel
 * @KVP_IDLE: nothing is outstanding
 * @KVP_HELD: a negotiation waits for a service
 * @KVP_QUEUED: a request waits to be read by the service
 * @KVP_TAKEN: the service has read the request
 * @KVP_SENDING: the answer is made and not yet in the ring
 * @KVP_STATE_COUNT: how many there are
 */
enum kvp_state {
	KVP_CLOSED,
	KVP_IDLE,
	KVP_HELD,
	KVP_QUEUED,
	KVP_TAKEN,
	KVP_SENDING,
	KVP_STATE_COUNT,
};

/**
 * enum kvp_event - what can happen to it
 * @KVP_OPEN: the channel is about to be opened
 * @KVP_CLOSE: the channel is about to be closed, or is lost
 * @KVP_NEGOTIATE: the host negotiates; send CANCEL first
 * @KVP_REQUEST: the host sent a request for the service
 * @KVP_REFUSE: the host sent something that the driver answers by itself
 * @KVP_CANCEL: the host no longer waits for an answer
 * @KVP_ATTACH: a service said hello; also after NEGOTIATE if there is one
 * @KVP_DETACH: the service closed
 * @KVP_TAKE: the request has reached the service's memory
 * @KVP_REPLY: the service answered the request
 * @KVP_TIMEOUT: the timer of the state ran out
 * @KVP_SENT: the ring took the answer
 * @KVP_EVENT_COUNT: how many there are
 */
enum kvp_event {
	KVP_OPEN,
	KVP_CLOSE,
	KVP_NEGOTIATE,
	KVP_REQUEST,
	KVP_REFUSE,
	KVP_CANCEL,
	KVP_ATTACH,
	KVP_DETACH,
	KVP_TAKE,
	KVP_REPLY,
	KVP_TIMEOUT,
	KVP_SENT,
	KVP_EVENT_COUNT,
};

/**
 * enum kvp_action - what the event asks of the caller
 * @KVP_REJECT: nothing: the event has no business in this state
 * @KVP_NOTHING: nothing
 * @KVP_DEFER: keep the packet, and try it again when the state is IDLE
 * @KVP_HOLD: start the hold timer
 * @KVP_AGREE: answer the negotiation
 * @KVP_DELIVER: start the deadline, wake the service
 * @KVP_REDELIVER: wake the next service; the deadline stays
 * @KVP_TELL: answer with the status that the driver chose
 * @KVP_ANSWER: answer with what the service said
 * @KVP_FAIL: answer E_FAIL, remember the request as expired
 * @KVP_RESEND: try the ring again
 * @KVP_WITHDRAW: forget it; a request is remembered as withdrawn
 * @KVP_ABANDON: forget the answer that found no room
 * @KVP_FINISH: stop the timer
 */
enum kvp_action {
	KVP_REJECT,
	KVP_NOTHING,
	KVP_DEFER,
	KVP_HOLD,
	KVP_AGREE,
	KVP_DELIVER,
	KVP_REDELIVER,
	KVP_TELL,
	KVP_ANSWER,
	KVP_FAIL,
	KVP_RESEND,
	KVP_WITHDRAW,
	KVP_ABANDON,
	KVP_FINISH,
};

/**
 * struct kvp_step - a decision
 * @next: the state from now on
 * @action: what to do about it
 */
struct kvp_step {
	enum kvp_state next;
	enum kvp_action action;
};

/**
 * kvp_fsm_next() - decide what an event means
 * @state: the state now
 * @event: what happened
 */
struct kvp_step kvp_fsm_next(enum kvp_state state, enum kvp_event event);

#endif /* KVP_FSM_H */
