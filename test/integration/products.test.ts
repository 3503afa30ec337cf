import { expect, test } from 'vitest'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { createProductUseCases } from '#src/products/product-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const products = createProductUseCases()
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const partner: Actor = {
  kind: 'partner',
  id: newId(),
  name: 'Paula',
  roles: ['partner_seller'],
  partnerId: newId<'partner'>(),
}
const run = <T>(actor: Actor, work: (tx: Parameters<typeof products.getProduct>[0]) => Promise<T>) =>
  db.database.transact(actor, work)

test('products belong to families, carry codes of their own and can be read by partners', async () => {
  const family = await run(vendor, (tx) => products.createFamily(tx, vendor, { name: 'Pumps', code: 'PUMP' }))
  const input = { familyId: family.id, name: 'Pump 100', code: 'P-100' }
  const product = await run(vendor, (tx) => products.createProduct(tx, vendor, input))
  expect(product).toMatchObject({ active: true, revision: 1 })
  const again = run(vendor, (tx) => products.createProduct(tx, vendor, { ...input, code: 'p-100' }))
  await expect(again).rejects.toMatchObject({ code: 'code_taken' })
  const orphan = run(vendor, (tx) =>
    products.createProduct(tx, vendor, { ...input, code: 'P-200', familyId: newId<'product_family'>() }),
  )
  await expect(orphan).rejects.toMatchObject({ issues: [{ path: '/familyId', code: 'unknown_family' }] })
  await run(vendor, (tx) => products.updateProduct(tx, vendor, product.id, { active: false }, 1))
  const position = { limit: 10, sort: 'code', after: null } as const
  const found = await run(partner, async (tx) => ({
    listed: await products.listProducts(tx, { active: false }, position),
    byId: await products.findProducts(tx, [product.id]),
    families: await products.familiesOf(tx, [product.id]),
  }))
  expect(found.listed).toMatchObject([{ id: product.id, active: false, revision: 2 }])
  expect(found.byId.get(product.id)?.name).toBe('Pump 100')
  expect(found.families.get(product.id)?.code).toBe('PUMP')
})
