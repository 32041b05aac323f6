// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid_hyperv.c - the hypervisor leaves: Hyper-V, less what this machine does not do
 *
 * Numbers: TLFS chapter "Feature and Interface Discovery".
 */
#include <string.h>

#include "machine/cpuid_leaves.h"

#define HV_VENDOR		0x40000000u
#define HV_FEATURES		0x40000003u
#define HV_RECOMMENDATIONS	0x40000004u
#define HV_LIMITS		0x40000005u

/* HV_FEATURES: eax privileges, ebx rights, edx miscellany */
#define HV_SYNTIMERS		(1u << 3)
#define HV_REENLIGHTENMENT	(1u << 13)
#define HV_INVARIANT_TSC	(1u << 15)
#define HV_RIGHT_DEBUGGING	(1u << 11)
#define HV_GUEST_DEBUGGING	(1u << 1)
#define HV_DEBUG_MSRS		(1u << 11)
#define HV_DIRECT_SYNTIMERS	(1u << 19)
/* HV_RECOMMENDATIONS eax */
#define HV_ENLIGHTENED_VMCS	(1u << 14)

bool cpuid_hyperv(struct kvm_cpuid_entry2 *e, bool stimer)
{
	/* Behind these come KVM's own, and nested virtualization. */
	if (e->function > HV_LIMITS)
		return false;
	switch (e->function) {
	case HV_VENDOR:
		e->eax = HV_LIMITS;
		memcpy(&e->ebx, "Micr", 4);
		memcpy(&e->ecx, "osof", 4);
		memcpy(&e->edx, "t Hv", 4);
		break;
	case HV_FEATURES:
		e->eax &= ~(HV_REENLIGHTENMENT | HV_INVARIANT_TSC);
		e->ebx &= ~HV_RIGHT_DEBUGGING;
		e->edx &= ~(HV_GUEST_DEBUGGING | HV_DEBUG_MSRS);
		/*
		 * Direct timers raise a vector of their own; the others send messages
		 * on the interrupt source that VMBus uses, so they go both or none.
		 */
		if (!stimer || !(e->edx & HV_DIRECT_SYNTIMERS)) {
			e->eax &= ~HV_SYNTIMERS;
			e->edx &= ~HV_DIRECT_SYNTIMERS;
		}
		break;
	case HV_RECOMMENDATIONS:
		e->eax &= ~HV_ENLIGHTENED_VMCS;
		break;
	}
	return true;
}
