import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { productSummaryLength, summariseProducts } from '#src/deals/product-summary.ts'
import { newId } from '#src/kernel/ids.ts'

const product = (amountMinor: bigint | null = null) => ({
  productId: newId<'product'>(),
  familyId: 'f',
  amountMinor,
})

describe('the products of a registration in one line', () => {
  test('stand in their order, with amounts where the registration divides its amount', () => {
    const products = [product(100_000n), product(123_456_789n)]
    const names = new Map([
      [products[0]!.productId, 'Commerce Suite'],
      [products[1]!.productId, 'Rollout package'],
    ])
    const nameOf = (id: string) => names.get(id as never) ?? id
    expect(summariseProducts({ products, currency: 'USD' }, nameOf)).toBe(
      'Commerce Suite (1,000.00 USD); Rollout package (1,234,567.89 USD)',
    )
    expect(summariseProducts({ products, currency: 'JPY' }, nameOf)).toBe(
      'Commerce Suite (100,000 JPY); Rollout package (123,456,789 JPY)',
    )
    const whole = products.map((each) => ({ ...each, amountMinor: null }))
    expect(summariseProducts({ products: whole, currency: 'USD' }, nameOf)).toBe(
      'Commerce Suite; Rollout package',
    )
  })

  test('are nothing where there are none', () => {
    expect(summariseProducts({ products: [], currency: 'USD' }, () => 'never')).toBeNull()
  })

  test('show amounts to the last digit', () => {
    const products = [product(999_999_999_999_999_999n)]
    expect(summariseProducts({ products, currency: 'USD' }, () => 'Suite')).toBe(
      'Suite (9,999,999,999,999,999.99 USD)',
    )
  })

  test('never take more room than the field has, and account for every product', () => {
    const name = fc.string({ minLength: 1, maxLength: 200 }).map((text) => text.replaceAll(/[;\s]/g, '_'))
    fc.assert(
      fc.property(fc.array(name, { maxLength: 100 }), (names) => {
        const products = names.map(() => product())
        const nameOf = (id: string) => names[products.findIndex(({ productId }) => productId === id)] ?? ''
        const text = summariseProducts({ products, currency: null }, nameOf) ?? ''
        expect(text.length).toBeLessThanOrEqual(productSummaryLength)
        const [, rest = '0'] = / and (\d+) more$/.exec(text) ?? []
        const shown = text.replace(/ and \d+ more$/, '')
        expect(shown).toBe(names.slice(0, names.length - Number(rest)).join('; '))
      }),
    )
  })
})
