import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import { newId, type ProductId } from '#src/kernel/ids.ts'
import type {
  FamilyInput,
  FamilyPatch,
  Product,
  ProductFamily,
  ProductFamilyId,
  ProductInput,
  ProductPatch,
  ProductSort,
} from './product.ts'
import {
  insertFamily,
  insertProduct,
  listFamilies,
  listProducts,
  lockFamily,
  lockProduct,
  type ProductFilter,
  readFamilies,
  readFamiliesOf,
  readProducts,
  updateFamily,
  updateProduct,
} from './product-store.ts'

export type ProductUseCases = ReturnType<typeof createProductUseCases>

export function createProductUseCases() {
  return {
    getProduct: async (tx: Tx, id: ProductId): Promise<Product> =>
      found((await readProducts(tx, [id]))[0], 'product'),
    findProducts: async (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Product>> =>
      new Map((await readProducts(tx, ids)).map((product) => [product.id, product])),
    /** The family of each product, by the product's id. */
    familiesOf: readFamiliesOf,
    listProducts: (tx: Tx, filter: ProductFilter, position: Position<ProductSort>) =>
      listProducts(tx, filter, position),

    getFamily: async (tx: Tx, id: ProductFamilyId): Promise<ProductFamily> =>
      found((await readFamilies(tx, [id]))[0], 'product family'),
    findFamilies: async (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, ProductFamily>> =>
      new Map((await readFamilies(tx, ids)).map((family) => [family.id, family])),
    listFamilies,

    async createFamily(tx: Tx, actor: Actor, input: FamilyInput): Promise<ProductFamily> {
      const after: ProductFamily = { id: newId(), ...input, revision: 1 }
      await insertFamily(tx, after).catch(familyCodeTaken)
      await recordAudit(tx, actor, [
        { action: 'product_family.created', subject: { kind: 'product_family', id: after.id }, after },
      ])
      return after
    },

    async updateFamily(
      tx: Tx,
      actor: Actor,
      id: ProductFamilyId,
      patch: FamilyPatch,
      expectedRevision: number | null,
    ): Promise<ProductFamily> {
      const before = found(await lockFamily(tx, id), 'product family')
      assertRevision(before, expectedRevision)
      const { name = before.name, code = before.code } = patch
      const after: ProductFamily = { ...before, name, code, revision: before.revision + 1 }
      await updateFamily(tx, after).catch(familyCodeTaken)
      await recordAudit(tx, actor, [
        { action: 'product_family.updated', subject: { kind: 'product_family', id }, before, after },
      ])
      return after
    },

    async createProduct(tx: Tx, actor: Actor, input: ProductInput): Promise<Product> {
      const after: Product = { id: newId(), ...input, active: input.active ?? true, revision: 1 }
      await assertFamily(tx, after.familyId)
      await insertProduct(tx, after).catch(productCodeTaken)
      await recordAudit(tx, actor, [
        { action: 'product.created', subject: { kind: 'product', id: after.id }, after },
      ])
      return after
    },

    /** Registrations keep the product; what they earn follows the family at that time. */
    async updateProduct(
      tx: Tx,
      actor: Actor,
      id: ProductId,
      patch: ProductPatch,
      expectedRevision: number | null,
    ): Promise<Product> {
      const before = found(await lockProduct(tx, id), 'product')
      assertRevision(before, expectedRevision)
      const {
        familyId = before.familyId,
        name = before.name,
        code = before.code,
        active = before.active,
      } = patch
      await assertFamily(tx, familyId)
      const after: Product = { id, familyId, name, code, active, revision: before.revision + 1 }
      await updateProduct(tx, after).catch(productCodeTaken)
      await recordAudit(tx, actor, [
        { action: 'product.updated', subject: { kind: 'product', id }, before, after },
      ])
      return after
    },
  }
}

const familyCodeTaken = refuseTaken(
  'product_family_code',
  new Refused('code_taken', 'Another product family has this code'),
)
const productCodeTaken = refuseTaken(
  'product_code',
  new Refused('code_taken', 'Another product has this code'),
)

function found<Row>(row: Row | undefined, what: string): Row {
  if (row === undefined) throw new NotFound(`The ${what}`)
  return row
}

function assertRevision(before: { readonly revision: number }, expected: number | null): void {
  if (expected !== null && expected !== before.revision) throw new Stale()
}

async function assertFamily(tx: Tx, id: ProductFamilyId): Promise<void> {
  if ((await readFamilies(tx, [id])).length > 0) return
  throw new InvalidInput('The product needs a family', [
    { path: '/familyId', code: 'unknown_family', message: 'There is no such product family' },
  ])
}
