import { describe, expect, it } from 'vitest'
import { planClosing, readStanding, type Standing } from '#connectors/dynamics/closing.ts'

const open: Standing = { state: 0, status: 1, actualValue: null, actualCloseDate: null }
const won: Standing = { state: 1, status: 3, actualValue: 900, actualCloseDate: '2026-11-01' }
const lost: Standing = { state: 2, status: 5, actualValue: null, actualCloseDate: '2026-11-02' }
const code = (plan: ReturnType<typeof planClosing>) =>
  plan.ok ? 'ok' : `${plan.fault.kind} ${plan.fault.details.code}`

describe('an open opportunity', () => {
  it('is written as any record, its state left out where it stays open', () => {
    expect(planClosing({ name: 'a' }, open, 'leave')).toEqual({
      ok: true,
      steps: [{ kind: 'patch', fields: { name: 'a' } }],
    })
    expect(planClosing({ name: 'a', statecode: 0, statuscode: 2 }, open, 'leave')).toEqual({
      ok: true,
      steps: [{ kind: 'patch', fields: { name: 'a', statuscode: 2 } }],
    })
  })

  it('is won and lost by the action, after the rest was written', () => {
    const fields = { name: 'a', statecode: 1, actualvalue: 5, actualclosedate: '2026-11-20' }
    expect(planClosing(fields, open, 'leave')).toEqual({
      ok: true,
      steps: [
        { kind: 'patch', fields: { name: 'a', actualvalue: 5, actualclosedate: '2026-11-20' } },
        { kind: 'close', action: 'WinOpportunity', status: 3, actualRevenue: 5, actualEnd: '2026-11-20' },
      ],
    })
    expect(planClosing({ statecode: 2, statuscode: 5 }, open, 'leave')).toEqual({
      ok: true,
      steps: [{ kind: 'close', action: 'LoseOpportunity', status: 5, actualRevenue: null, actualEnd: null }],
    })
  })

  it('that is not there yet is made before it is closed', () => {
    const plan = planClosing({ statecode: 1 }, null, 'leave')
    expect(plan).toMatchObject({ ok: true, steps: [{ kind: 'patch', fields: {} }, { kind: 'close' }] })
  })

  it('takes no state that there is not', () => {
    expect(code(planClosing({ statecode: 7 }, open, 'reopen'))).toBe('rejected NO_SUCH_STATE')
    expect(code(planClosing({ statecode: 'won' }, open, 'reopen'))).toBe('rejected NO_SUCH_STATE')
  })
})

describe('a closed opportunity', () => {
  it.each([
    { name: 'a' },
    { statecode: 0 },
    { statecode: 2 },
    { name: 'a', statecode: 1 },
    { statuscode: 4 },
  ])('is left alone unless the connection says otherwise: %j', (fields) => {
    const plan = planClosing(fields, won, 'leave')
    expect(code(plan)).toBe('rejected CLOSED_THERE')
    expect(plan.ok ? '' : plan.fault.message).toContain('closed as won')
  })

  it('needs nothing where it stands as it is to stand', () => {
    for (const policy of ['leave', 'reopen'] as const) {
      expect(planClosing({ statecode: 1 }, won, policy)).toEqual({ ok: true, steps: [] })
      expect(planClosing({ statecode: 2, statuscode: 5 }, lost, policy)).toEqual({ ok: true, steps: [] })
    }
  })

  it('is re-opened, written and closed again as it was', () => {
    expect(planClosing({ name: 'a' }, won, 'reopen')).toEqual({
      ok: true,
      steps: [
        { kind: 'patch', fields: { statecode: 0, statuscode: 1 } },
        { kind: 'patch', fields: { name: 'a' } },
        { kind: 'close', action: 'WinOpportunity', status: 3, actualRevenue: 900, actualEnd: '2026-11-01' },
      ],
    })
    const again = planClosing({ name: 'a' }, lost, 'reopen')
    expect(again).toMatchObject({ ok: true, steps: [{}, {}, { action: 'LoseOpportunity', status: 5 }] })
  })

  it('is re-opened for good, or turned from won to lost', () => {
    expect(planClosing({ statecode: 0, statuscode: 2 }, won, 'reopen')).toEqual({
      ok: true,
      steps: [{ kind: 'patch', fields: { statecode: 0, statuscode: 2 } }],
    })
    expect(planClosing({ statecode: 2, name: 'a' }, won, 'reopen')).toMatchObject({
      ok: true,
      steps: [
        { kind: 'patch' },
        { kind: 'patch', fields: { name: 'a' } },
        { action: 'LoseOpportunity', status: 4 },
      ],
    })
  })

  it('is read as it stands', () => {
    expect(
      readStanding({ statecode: 1, statuscode: 3, actualvalue: 900, actualclosedate: '2026-11-01' }),
    ).toEqual(won)
    expect(readStanding({})).toEqual({ ...open, status: null })
  })
})
