import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CaseDecision,
  type CaseParty,
  type CaseState,
  type Decided,
  impliedLabel,
  isLost,
  mayDecide,
  partyOutcomes,
} from '#src/conflicts/case.ts'
import { groupFindings } from '#src/conflicts/case-grouping.ts'
import { answerAppeal, appealCase, decideCase, outcomesAfter } from '#src/conflicts/case-machine.ts'
import { timelineOf } from '#src/conflicts/case-timeline.ts'
import type { Actor, VendorRole } from '#src/kernel/actor.ts'
import { type CustomerId, type DealId, newId, type PartnerId } from '#src/kernel/ids.ts'

const deal = (name: string) => name as DealId
const partner = (name: string) => name as PartnerId
const customer = (name: string) => name as CustomerId
const now = new Date('2026-03-02T10:00:00Z')
const later = new Date('2026-03-16T10:00:00Z')
const tooLate = new Date('2026-03-16T10:00:01Z')

const party = (name: string, over: Partial<CaseParty> = {}): CaseParty => ({
  dealId: deal(name),
  partnerId: partner(`partner of ${name}`),
  customerId: customer(`customer of ${name}`),
  phase: 'pending',
  inQuestion: true,
  outcome: null,
  appealUntil: null,
  appealedAt: null,
  ...over,
})
const holder = party('holder', { phase: 'approved', inQuestion: false })
const challenger = party('challenger')
const open: CaseState = { status: 'open', parties: [holder, challenger], meetsRecords: false }

/** What the next command meets: the outcomes, what was closed, and the time to appeal. */
function after(state: CaseState, { settlement, status }: Decided): CaseState {
  const acts = new Map(settlement.verdicts.map(({ dealId, act }) => [dealId, act]))
  return {
    ...state,
    status,
    parties: outcomesAfter(state, settlement).map((one) => {
      const act = acts.get(one.dealId)
      const phase =
        act === 'close'
          ? 'ended'
          : act === 'reinstate'
            ? 'pending'
            : act === 'hold' || act === 'reinstate_and_hold'
              ? 'approved'
              : one.phase
      return { ...one, phase, appealUntil: isLost(one.outcome) ? later : one.appealUntil }
    }),
  }
}
function decided(state: CaseState, decision: CaseDecision): CaseState {
  const next = decideCase(state, decision)
  if (!next.ok) throw new Error(next.refusal)
  return after(state, next.value)
}
const appealed = (state: CaseState, name: string): CaseState => ({
  ...state,
  status: 'appealed',
  parties: state.parties.map((one) => (one.dealId === deal(name) ? { ...one, appealedAt: now } : one)),
})
const uphold: CaseDecision = { kind: 'uphold', dealIds: null, close: true }
const override: CaseDecision = { kind: 'override', dealIds: null }
const transfer: CaseDecision = {
  kind: 'transfer',
  fromDealId: holder.dealId,
  toDealId: challenger.dealId,
  close: true,
}
const split: CaseDecision = {
  kind: 'split',
  dealId: holder.dealId,
  shares: [
    { partnerId: holder.partnerId, shareWeight: 2 },
    { partnerId: challenger.partnerId, shareWeight: 1 },
  ],
}
const outcomes = (state: CaseState) =>
  Object.fromEntries(state.parties.map((one) => [one.dealId, one.outcome]))

describe('a decision', () => {
  test('to uphold closes who came later, who may appeal; the holder is not touched', () => {
    const next = decideCase(open, uphold)
    expect(next).toEqual({
      ok: true,
      value: {
        status: 'decided',
        closedAs: null,
        settlement: {
          verdicts: [{ dealId: 'challenger', outcome: 'upheld', conflict: 'upheld', act: 'close' }],
          split: null,
          apart: [],
          merge: null,
        },
      },
    })
    expect(decideCase(open, { ...uphold, close: false })).toMatchObject({
      value: { settlement: { verdicts: [{ act: 'none' }] } },
    })
  })

  test('to override takes nothing from anybody, so nobody appeals and the case is closed', () => {
    expect(decideCase(open, override)).toMatchObject({ value: { status: 'closed', closedAs: 'decided' } })
  })

  test('to transfer lets the holder go before the other one holds', () => {
    const next = decideCase(open, transfer)
    expect(next).toMatchObject({ value: { status: 'decided' } })
    expect(next.ok && next.value.settlement.verdicts.map(({ dealId, act }) => [dealId, act])).toEqual([
      ['holder', 'close'],
      ['challenger', 'hold'],
    ])
    expect(decideCase(open, { ...transfer, toDealId: holder.dealId })).toMatchObject({ refusal: 'same_deal' })
    expect(
      decideCase(open, { ...transfer, fromDealId: challenger.dealId, toDealId: holder.dealId }),
    ).toMatchObject({ refusal: 'not_protected' })
  })

  test('to split pays several partners out of one deal, and leaves one holder', () => {
    const next = decideCase(open, split)
    expect(next).toMatchObject({
      value: {
        settlement: {
          verdicts: [
            { dealId: 'challenger', outcome: 'credited', act: 'close' },
            { dealId: 'holder', outcome: 'shared', act: 'none' },
          ],
          split: { dealId: 'holder' },
        },
      },
    })
    expect(
      decideCase(open, { ...split, shares: [{ partnerId: holder.partnerId, shareWeight: 1 }] }),
    ).toMatchObject({ refusal: 'too_few_shares' })
  })

  test('to merge customers says who they are and leaves the case open; it knows only customers of the case', () => {
    const merge = {
      kind: 'merge_customers',
      customerId: customer('customer of challenger'),
      into: customer('customer of holder'),
    } as const
    expect(decideCase(open, merge)).toMatchObject({ value: { status: 'open', settlement: { verdicts: [] } } })
    expect(decideCase(open, { ...merge, into: customer('stranger') })).toMatchObject({
      refusal: 'unknown_customer',
    })
  })

  test('to keep apart lets everybody go on and remembers the customers', () => {
    expect(decideCase(open, { kind: 'keep_apart' })).toMatchObject({
      value: {
        status: 'closed',
        settlement: {
          verdicts: [{ dealId: 'challenger', outcome: 'apart', conflict: 'overridden' }],
          apart: ['customer of holder', 'customer of challenger'],
        },
      },
    })
    const same = { ...open, parties: open.parties.map((one) => ({ ...one, customerId: customer('one') })) }
    expect(decideCase(same, { kind: 'keep_apart' })).toMatchObject({ refusal: 'one_customer' })
    expect(decideCase({ ...same, meetsRecords: true }, { kind: 'keep_apart' })).toMatchObject({ ok: true })
  })

  test('on some of the deals leaves the case open for the others', () => {
    const third = party('third')
    const three = { ...open, parties: [...open.parties, third] }
    const first = decided(three, { kind: 'override', dealIds: [third.dealId] })
    expect([first.status, outcomes(first)]).toEqual([
      'open',
      { holder: null, challenger: null, third: 'overridden' },
    ])
    expect(decideCase(first, { kind: 'uphold', dealIds: [third.dealId], close: true })).toMatchObject({
      refusal: 'not_in_question',
    })
    expect(decided(first, uphold).status).toBe('decided')
  })
})

describe('an appeal', () => {
  test('is made once, in time, and only for what was lost', () => {
    const state = decided(open, uphold)
    expect(appealCase(state, challenger.dealId, later)).toEqual({ ok: true, value: 'appealed' })
    expect(appealCase(state, challenger.dealId, tooLate)).toMatchObject({ refusal: 'appeal_over' })
    expect(appealCase(state, holder.dealId, now)).toMatchObject({ refusal: 'not_yours_to_appeal' })
    expect(appealCase(open, challenger.dealId, now)).toMatchObject({ refusal: 'not_yours_to_appeal' })
    expect(appealCase(appealed(state, 'challenger'), challenger.dealId, now)).toMatchObject({
      refusal: 'appealed_already',
    })
  })

  test('that is granted takes up again what the first decision closed', () => {
    const state = appealed(decided(open, uphold), 'challenger')
    expect(answerAppeal(state, override)).toMatchObject({
      value: { status: 'closed', closedAs: 'answered', settlement: { verdicts: [{ act: 'reinstate' }] } },
    })
    expect(answerAppeal(state, transfer)).toMatchObject({
      value: { settlement: { verdicts: [{ act: 'close' }, { act: 'reinstate_and_hold' }] } },
    })
  })

  test('of a transfer gives the hold back', () => {
    const state = appealed(decided(open, transfer), 'holder')
    const back = { ...transfer, fromDealId: challenger.dealId, toDealId: holder.dealId }
    expect(answerAppeal(state, back)).toMatchObject({
      value: {
        settlement: {
          verdicts: [
            { dealId: 'challenger', act: 'close' },
            { dealId: 'holder', act: 'reinstate_and_hold' },
          ],
        },
      },
    })
  })

  test('of who shares its credit takes the split back', () => {
    const state = appealed(decided(open, split), 'holder')
    expect(answerAppeal(state, uphold)).toMatchObject({
      value: { settlement: { split: { dealId: 'holder', shares: [] } } },
    })
  })

  test('that is granted must give something, and a declined one changes nothing', () => {
    const state = appealed(decided(open, uphold), 'challenger')
    expect(answerAppeal(state, uphold)).toMatchObject({ refusal: 'grants_nothing' })
    expect(answerAppeal(state, null)).toMatchObject({
      value: { status: 'closed', settlement: { verdicts: [], split: null } },
    })
    expect(answerAppeal(open, null)).toMatchObject({ refusal: 'not_appealed' })
  })
})

describe('the state machine of a case', () => {
  const phases = ['pending', 'approved', 'ended'] as const
  const names = ['a', 'b', 'c', 'd'].map(deal)
  const parties = fc
    .tuple(...names.map(() => fc.record({ phase: fc.constantFrom(...phases), inQuestion: fc.boolean() })))
    .map((list) => list.map((over, index) => party(names[index] ?? '', over)))
  const someDeals = fc.option(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), { nil: null })
  const decisions: fc.Arbitrary<CaseDecision> = fc.oneof(
    fc.record({ kind: fc.constant('uphold' as const), dealIds: someDeals, close: fc.boolean() }),
    fc.record({ kind: fc.constant('override' as const), dealIds: someDeals }),
    fc.record({
      kind: fc.constant('transfer' as const),
      fromDealId: fc.constantFrom(...names),
      toDealId: fc.constantFrom(...names),
      close: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('split' as const),
      dealId: fc.constantFrom(...names),
      shares: fc.array(
        fc.record({
          partnerId: fc.constantFrom(...names.map((name) => partner(`partner of ${name}`))),
          shareWeight: fc.integer({ min: 1, max: 9 }),
        }),
        { maxLength: 4 },
      ),
    }),
    fc.constant({ kind: 'keep_apart' as const }),
  )
  const commands = fc.oneof(
    fc.record({ do: fc.constant('decide' as const), decision: decisions }),
    fc.record({ do: fc.constant('appeal' as const), dealId: fc.constantFrom(...names) }),
    fc.record({ do: fc.constant('answer' as const), decision: fc.option(decisions, { nil: null }) }),
  )

  test('decides each deal once, hears each appeal once, answers once, and then is still', () => {
    fc.assert(
      fc.property(parties, fc.array(commands, { maxLength: 25 }), (all, steps) => {
        let state: CaseState = { status: 'open', parties: all, meetsRecords: true }
        const verdictsOf = new Map<DealId, number>()
        const appealsOf = new Map<DealId, number>()
        let answers = 0
        for (const step of steps) {
          const before = state
          if (step.do === 'appeal') {
            const next = appealCase(state, step.dealId, now)
            if (!next.ok) continue
            appealsOf.set(step.dealId, (appealsOf.get(step.dealId) ?? 0) + 1)
            state = { ...appealed(state, step.dealId), status: next.value }
          } else {
            const next =
              step.do === 'decide' ? decideCase(state, step.decision) : answerAppeal(state, step.decision)
            if (!next.ok) continue
            if (step.do === 'answer') answers += 1
            for (const { dealId } of next.value.settlement.verdicts) {
              if (step.do === 'decide') verdictsOf.set(dealId, (verdictsOf.get(dealId) ?? 0) + 1)
            }
            state = after(state, next.value)
          }
          expect(before.status).not.toBe('closed')
        }
        const wasInQuestion = new Set(all.filter((one) => one.inQuestion).map((one) => one.dealId))
        for (const [dealId, count] of verdictsOf) if (wasInQuestion.has(dealId)) expect(count).toBe(1)
        expect(Math.max(0, ...appealsOf.values())).toBeLessThanOrEqual(1)
        expect(answers).toBeLessThanOrEqual(1)
        if (state.status === 'decided' || state.status === 'closed') {
          expect(state.parties.filter((one) => one.inQuestion && one.outcome === null)).toEqual([])
        }
      }),
      { numRuns: 4_000 },
    )
  })

  test('a settlement names each deal once, closes nothing that ended, and lets go before it holds', () => {
    fc.assert(
      fc.property(parties, decisions, (all, decision) => {
        const next = decideCase({ status: 'open', parties: all, meetsRecords: true }, decision)
        if (!next.ok) return
        const { verdicts } = next.value.settlement
        expect(new Set(verdicts.map(({ dealId }) => dealId)).size).toBe(verdicts.length)
        const phaseOf = new Map(all.map(({ dealId, phase }) => [dealId, phase]))
        for (const { dealId, act } of verdicts) {
          if (act === 'close') expect(phaseOf.get(dealId)).not.toBe('ended')
          expect(act).not.toMatch(/^reinstate/)
        }
        const holds = verdicts.findIndex(({ act }) => act === 'hold')
        const closes = verdicts.findLastIndex(({ act }) => act === 'close')
        if (holds >= 0) expect(closes).toBeLessThan(holds)
      }),
      { numRuns: 500 },
    )
  })
})

describe('who may decide', () => {
  const person = (roles: readonly VendorRole[], id = 'me'): Actor => ({
    kind: 'vendor',
    id,
    name: 'Me',
    roles,
  })
  const free = { assigneeId: null, decidedBy: null }

  test('managers decide any case, an approver the ones given to it, nobody else any', () => {
    expect(mayDecide(person(['channel_manager']), free, { kind: 'decide' })).toBe('yes')
    expect(mayDecide(person(['approver']), free, { kind: 'decide' })).toBe('not_yours')
    expect(mayDecide(person(['approver']), { ...free, assigneeId: 'me' }, { kind: 'decide' })).toBe('yes')
    expect(mayDecide(person(['auditor']), { ...free, assigneeId: 'me' }, { kind: 'decide' })).toBe(
      'not_yours',
    )
    const seller: Actor = {
      kind: 'partner',
      id: 'me',
      name: 'Me',
      roles: ['partner_administrator'],
      partnerId: newId(),
    }
    expect(mayDecide(seller, { ...free, assigneeId: 'me' }, { kind: 'decide' })).toBe('not_yours')
  })

  test('who decided does not answer the appeal where somebody else can', () => {
    const mine = { assigneeId: null, decidedBy: 'vendor:me' }
    const answer = (hasOthers: boolean, id?: string) =>
      mayDecide(person(['channel_manager'], id), mine, { kind: 'answer', hasOthers })
    expect([answer(true), answer(false), answer(true, 'you')]).toEqual(['another_person', 'yes', 'yes'])
  })
})

describe('labels that nobody stated', () => {
  test('follow from the decision for what stood in the way, and from nothing else', () => {
    const strong = { collides: true, isStrong: true }
    expect(impliedLabel('uphold', strong)).toEqual({ sameCompany: 'yes', sameDeal: 'yes' })
    expect(impliedLabel('keep_apart', strong)).toEqual({ sameCompany: 'no', sameDeal: 'no' })
    expect(impliedLabel('override', strong).sameDeal).toBe('unknown')
    expect(impliedLabel('uphold', { ...strong, isStrong: false }).sameCompany).toBe('unknown')
  })

  test('every outcome that takes something from a partner can be appealed', () => {
    expect(partyOutcomes.filter(isLost)).toEqual(['upheld', 'transferred', 'credited', 'shared'])
  })
})

describe('findings', () => {
  const cases = { one: newId<'conflict_case'>(), two: newId<'conflict_case'>() }
  const found = (...members: string[]) => ({ members })

  test('that share a deal or a claim make one case, others another one', () => {
    const groups = groupFindings([found('a', 'b'), found('c', 'd'), found('b', 'e')], [])
    expect(groups.map(({ findings }) => findings.length)).toEqual([2, 1])
  })

  test('join the open case that they touch; the older of two goes on', () => {
    const open = [
      { caseId: cases.two, members: ['c'] },
      { caseId: cases.one, members: ['a'] },
    ]
    expect(groupFindings([found('a', 'c')], open)).toEqual([
      { caseId: cases.one, joined: [cases.two], findings: [found('a', 'c')] },
    ])
    expect(groupFindings([found('x')], open)).toEqual([{ caseId: null, joined: [], findings: [found('x')] }])
  })

  test('are each in one group, whatever they share, and groups share nothing', () => {
    const members = fc.array(fc.constantFrom(...'abcdefgh'), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(members, { maxLength: 12 }), (all) => {
        const groups = groupFindings(
          all.map((names) => found(...names)),
          [],
        )
        expect(groups.flatMap(({ findings }) => findings)).toHaveLength(all.length)
        const seen = groups.map(({ findings }) => new Set(findings.flatMap((one) => one.members)))
        for (const [index, one] of seen.entries()) {
          for (const other of seen.slice(index + 1)) expect(one.isDisjointFrom(other)).toBe(true)
        }
      }),
    )
  })
})

test('a timeline is in order of time, with both registrations at their dates', () => {
  const registration = (name: string, at: string) => ({
    dealId: deal(name),
    number: name,
    companyName: 'Contoso',
    partnerId: partner(name),
    partnerName: null,
    programmeId: newId<'programme'>(),
    customerId: null,
    status: 'approved',
    conflict: 'clear',
    phase: 'approved' as const,
    registeredAt: new Date(at),
    protectedFrom: null,
    protectedUntil: null,
    amountMinor: null,
    currency: null,
  })
  const items = timelineOf({
    registrations: [
      registration('second', '2026-03-05T10:00:00Z'),
      registration('first', '2026-03-01T10:00:00Z'),
    ],
    checks: [{ dealId: deal('second'), checkedAt: new Date('2026-03-05T10:00:00Z') }],
    claims: [
      { source: 'opportunity', openedOn: '2026-03-03', seenAt: now },
      { source: 'account', openedOn: null, seenAt: now },
    ],
    entries: [{ recordedAt: now, kind: 'opened', dealId: null, actorName: 'watch', data: {} }],
  })
  expect(items.map(({ kind, dealId }) => [kind, dealId])).toEqual([
    ['registered', 'first'],
    ['opened', null],
    ['opportunity', null],
    ['registered', 'second'],
    ['checked', 'second'],
  ])
})
