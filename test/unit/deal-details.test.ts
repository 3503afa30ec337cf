import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { titleOf } from '#src/deals/deal.ts'
import {
  changeRequestFields,
  checkComplete,
  detailFields,
  editableFields,
  frozenFields,
  linesOf,
  voidsCheck,
} from '#src/deals/deal-details.ts'
import { dealStatuses } from '#src/deals/deal-status.ts'
import { newId } from '#src/kernel/ids.ts'
import { approvedDeal, sampleDeal } from '#test/support/deals.ts'

const product = (amountMinor: bigint | null, familyId = newId()) => ({
  productId: newId<'product'>(),
  familyId,
  amountMinor,
})

describe('what may be edited', () => {
  test('everything in a draft, nothing while it is reviewed or over', () => {
    expect(editableFields.draft).toEqual(detailFields)
    for (const status of [
      'submitted',
      'in_review',
      'rejected',
      'withdrawn',
      'cancelled',
      'expired',
    ] as const) {
      expect(editableFields[status]).toEqual([])
    }
  })

  test('after approval the contact, the close date and the notes', () => {
    expect(editableFields.approved).toEqual([
      'contactName',
      'contactEmail',
      'contactPhone',
      'expectedCloseDate',
      'notes',
    ])
    expect(changeRequestFields.filter((field) => editableFields.approved.includes(field))).toEqual([])
  })

  test('the customer and the country of a returned registration stay as they were checked', () => {
    expect(editableFields.returned).not.toContain('companyName')
    expect(editableFields.returned).not.toContain('country')
  })

  test('sending a frozen field with the value that it has is no edit', () => {
    const deal = approvedDeal({ products: [product(null)] })
    const same = { companyName: deal.companyName, products: [...deal.products], notes: 'called them' }
    expect(frozenFields(deal, same)).toEqual([])
    expect(frozenFields(deal, { ...same, amountMinor: 1n, country: 'FR' })).toEqual([
      'country',
      'amountMinor',
    ])
  })

  test('in no status does an edit reach what the status froze', () => {
    fc.assert(
      fc.property(fc.constantFrom(...dealStatuses), fc.subarray([...detailFields]), (status, fields) => {
        const deal = sampleDeal({ status })
        const patch = Object.fromEntries(
          fields.map((field) => [field, field === 'products' ? [product(1n)] : 'x']),
        )
        const frozen = frozenFields(deal, patch)
        expect(frozen).toEqual(fields.filter((field) => !editableFields[status].includes(field)))
      }),
    )
  })

  test('an edit of what a check looked at makes its verdict void', () => {
    expect(voidsCheck(['products'])).toBe(true)
    expect(voidsCheck(['domain', 'notes'])).toBe(true)
    expect(voidsCheck(['notes', 'contactName', 'amountMinor'])).toBe(false)
  })
})

describe('a complete registration', () => {
  const issues = (over: Parameters<typeof sampleDeal>[0]) =>
    checkComplete(sampleDeal(over), ['resale', 'referral']).map(({ path, code }) => `${path} ${code}`)

  test('has no issues', () => {
    expect(issues({})).toEqual([])
  })

  test.each([
    ['a missing country', { country: null }, '/country required'],
    ['a missing e-mail address', { contactEmail: null }, '/contactEmail required'],
    ['a missing amount', { amountMinor: null }, '/amountMinor required'],
    ['a missing close date', { expectedCloseDate: null }, '/expectedCloseDate required'],
    ['a need in one word', { need: 'short' }, '/need too_short'],
    ['a need of spaces', { need: ' '.repeat(40) }, '/need too_short'],
    ['a foreign type', { registrationType: 'renewal' }, '/registrationType unknown_registration_type'],
    ['half a break-down', { products: [product(1n), product(null)] }, '/products amounts_do_not_add_up'],
    ['a wrong sum', { products: [product(1n)] }, '/products amounts_do_not_add_up'],
  ])('%s is told', (_name, over, issue) => {
    expect(issues(over)).toEqual([issue])
  })

  test('names all that is missing at once', () => {
    expect(issues({ contactName: null, currency: null, need: null })).toHaveLength(3)
  })
})

test('lines are the stated break-down, zeros where there is none', () => {
  const [voice, data] = [newId(), newId()]
  expect(linesOf({ products: [product(7n, voice), product(3n, data)] })).toEqual([
    { familyId: voice, amountMinor: 7n },
    { familyId: data, amountMinor: 3n },
  ])
  expect(linesOf({ products: [product(null, voice)] })).toEqual([{ familyId: voice, amountMinor: 0n }])
  expect(linesOf({ products: [] })).toEqual([])
})

test('the title names company and number and stays short enough for a CRM', () => {
  expect(titleOf({ companyName: 'Contoso GmbH', number: 'D-000123' })).toBe('Contoso GmbH (D-000123)')
  const long = titleOf({ companyName: '🏭'.repeat(300), number: 'D-000123' })
  expect(long.length).toBeLessThanOrEqual(200)
  expect(long.endsWith('… (D-000123)')).toBe(true)
})
