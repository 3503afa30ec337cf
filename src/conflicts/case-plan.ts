/** What a decision does to every deal of a case. Pure: the same case and words always give the same settlement. */
import type { DealId } from '#src/kernel/ids.ts'
import { ok, type Result, refuse } from '#src/kernel/result.ts'
import type {
  CaseDecision,
  CaseParty,
  CaseRefusal,
  CaseState,
  DealVerdict,
  PartyOutcome,
  Settlement,
} from './case.ts'

/** @param open the deals that the decision may be about; `isAnswer`: what the first decision closed may be taken up again */
export function planDecision(
  state: CaseState,
  decision: CaseDecision,
  open: readonly CaseParty[],
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  switch (decision.kind) {
    case 'uphold':
      return planUphold(state, open, decision.dealIds, decision.close)
    case 'override':
      return planOverride(open, decision.dealIds, isAnswer)
    case 'transfer':
      return planTransfer(state, open, decision, isAnswer)
    case 'split':
      return planSplit(state, decision, isAnswer)
    case 'merge_customers':
      return planMerge(state, decision)
    case 'keep_apart':
      return planApart(state, open, isAnswer)
  }
}

const settle = (verdicts: readonly DealVerdict[], rest: Partial<Settlement> = {}): Settlement => ({
  verdicts,
  split: null,
  apart: [],
  merge: null,
  ...rest,
})

const uphold = ({ dealId, phase }: CaseParty, close: boolean): DealVerdict => ({
  dealId,
  outcome: 'upheld',
  conflict: 'upheld',
  act: close && phase !== 'ended' ? 'close' : 'none',
})

function named(
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
): Result<readonly CaseParty[], CaseRefusal> {
  if (dealIds === null) return ok(open)
  const parties = open.filter(({ dealId }) => dealIds.includes(dealId))
  return parties.length === new Set(dealIds).size && parties.length > 0
    ? ok(parties)
    : refuse('not_in_question')
}

function planUphold(
  { parties }: CaseState,
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
  close: boolean,
): Result<Settlement, CaseRefusal> {
  // Who kept its deal and shares it is not a challenger; upholding its claim takes the split back.
  const sharing = parties.find(({ outcome }) => outcome === 'shared')
  const chosen = named(
    open.filter((party) => party !== sharing),
    dealIds,
  )
  if (!chosen.ok) return chosen
  const verdicts = chosen.value.map((party) => uphold(party, close))
  if (!sharing) return ok(settle(verdicts))
  const kept: DealVerdict = {
    dealId: sharing.dealId,
    outcome: 'overridden',
    conflict: 'overridden',
    act: 'none',
  }
  return ok(settle([...verdicts, kept], { split: { dealId: sharing.dealId, shares: [] } }))
}

function planOverride(
  open: readonly CaseParty[],
  dealIds: readonly DealId[] | null,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const chosen = named(open, dealIds)
  if (!chosen.ok) return chosen
  if (!isAnswer && chosen.value.some(({ phase }) => phase === 'ended')) return refuse('deal_ended')
  return ok(settle(chosen.value.map((party) => goOn(party, 'overridden'))))
}

const goOn = ({ dealId, phase }: CaseParty, outcome: PartyOutcome): DealVerdict => ({
  dealId,
  outcome,
  conflict: 'overridden',
  act: phase === 'ended' ? 'reinstate' : 'none',
})

function planTransfer(
  { parties }: CaseState,
  open: readonly CaseParty[],
  { fromDealId, toDealId, close }: Extract<CaseDecision, { kind: 'transfer' }>,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  if (fromDealId === toDealId) return refuse('same_deal')
  const from = parties.find(({ dealId }) => dealId === fromDealId)
  const to = parties.find(({ dealId }) => dealId === toDealId)
  if (!from || !to) return refuse('not_in_question')
  if (!isAnswer && (from.outcome !== null || to.outcome !== null)) return refuse('not_in_question')
  if (from.phase !== 'approved') return refuse('not_protected')
  if (to.phase === 'ended' && !isAnswer) return refuse('deal_ended')
  const others = open.filter((party) => party !== from && party !== to && party.outcome === null)
  return ok(
    settle([
      { dealId: fromDealId, outcome: 'transferred', conflict: 'upheld', act: 'close' },
      ...others.map((party) => uphold(party, close)),
      {
        dealId: toDealId,
        outcome: 'overridden',
        conflict: 'overridden',
        act: to.phase === 'ended' ? 'reinstate_and_hold' : 'hold',
      },
    ]),
  )
}

/** One deal stays and is paid out to several partners; every other registration gives way to it. */
function planSplit(
  { parties }: CaseState,
  { dealId, shares }: Extract<CaseDecision, { kind: 'split' }>,
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const staying = parties.find((party) => party.dealId === dealId)
  if (!staying || (!isAnswer && staying.outcome !== null)) return refuse('not_in_question')
  if (staying.phase === 'ended') return refuse('deal_ended')
  const payees = new Set(shares.map(({ partnerId }) => partnerId))
  if (payees.size < 2 || payees.size !== shares.length) return refuse('too_few_shares')
  const others = parties.filter(
    (party) =>
      party !== staying &&
      (isAnswer || party.outcome === null) &&
      (party.inQuestion || party.phase !== 'ended') &&
      party.outcome !== 'ended',
  )
  return ok(
    settle(
      [
        ...others.map(
          (party): DealVerdict => ({
            ...uphold(party, true),
            outcome: payees.has(party.partnerId) ? 'credited' : 'upheld',
          }),
        ),
        { dealId, outcome: 'shared', conflict: 'overridden', act: 'none' },
      ],
      { split: { dealId, shares } },
    ),
  )
}

/** Who the customer is does not say whose the deal is: the case stays open. */
function planMerge(
  { parties }: CaseState,
  { customerId, into }: Extract<CaseDecision, { kind: 'merge_customers' }>,
): Result<Settlement, CaseRefusal> {
  const known = new Set(parties.flatMap((party) => party.customerId ?? []))
  if (customerId === into) return refuse('one_customer')
  if (!known.has(customerId) || !known.has(into)) return refuse('unknown_customer')
  return ok(settle([], { merge: { customerId, into } }))
}

function planApart(
  { parties, meetsRecords }: CaseState,
  open: readonly CaseParty[],
  isAnswer: boolean,
): Result<Settlement, CaseRefusal> {
  const apart = [...new Set(parties.flatMap(({ customerId }) => customerId ?? []))]
  if (apart.length < 2 && !meetsRecords) return refuse('one_customer')
  if (!isAnswer && open.some(({ phase }) => phase === 'ended')) return refuse('deal_ended')
  return ok(
    settle(
      open.map((party) => goOn(party, 'apart')),
      { apart: apart.length < 2 ? [] : apart },
    ),
  )
}
