import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { ProductId } from '#src/kernel/ids.ts'
import type { Product, ProductFamily, ProductFamilyId, ProductSort } from './product.ts'

const sorts = {
  name: sql<string>`lower(name)`,
  code: sql<string>`lower(code)`,
  createdAt: 'creation',
} as const
const named = (text: string) => sql`strpos(lower(name || ' ' || code), lower(${text}::text)) > 0`

const familyColumns = sql`id, name, code, revision`

export async function readFamilies(tx: Tx, ids: readonly string[]): Promise<readonly ProductFamily[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<ProductFamily>`
    select ${familyColumns} from product_family where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export async function lockFamily(tx: Tx, id: ProductFamilyId): Promise<ProductFamily | undefined> {
  const { rows } = await sql<ProductFamily>`
    select ${familyColumns} from product_family where id = ${id} for update`.execute(tx)
  return rows[0]
}

export async function listFamilies(
  tx: Tx,
  filter: { readonly search?: string | undefined; readonly code?: string | undefined },
  position: Position<ProductSort>,
): Promise<readonly (ProductFamily & Keyed)[]> {
  const { key, follows, tail } = keyset(sorts, position)
  const matching = allOf(
    follows,
    asked(filter.search, named),
    asked(filter.code, (code) => sql`lower(code) = lower(${code}::text)`),
  )
  const { rows } = await sql<ProductFamily & Keyed>`
    select ${familyColumns}, ${key} as sort_key from product_family where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export async function insertFamily(tx: Tx, family: ProductFamily): Promise<void> {
  await sql`insert into product_family (id, name, code) values (${family.id}, ${family.name}, ${family.code})`.execute(
    tx,
  )
}

export async function updateFamily(tx: Tx, family: ProductFamily): Promise<void> {
  await sql`
    update product_family set name = ${family.name}, code = ${family.code}, revision = ${family.revision}
    where id = ${family.id}`.execute(tx)
}

const productColumns = sql`id, family_id, name, code, active, revision`

export async function readProducts(tx: Tx, ids: readonly string[]): Promise<readonly Product[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Product>`
    select ${productColumns} from product where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export async function lockProduct(tx: Tx, id: ProductId): Promise<Product | undefined> {
  const { rows } =
    await sql<Product>`select ${productColumns} from product where id = ${id} for update`.execute(tx)
  return rows[0]
}

export interface ProductFilter {
  readonly search?: string | undefined
  readonly code?: string | undefined
  readonly familyId?: ProductFamilyId | undefined
  readonly active?: boolean | undefined
}

export async function listProducts(
  tx: Tx,
  filter: ProductFilter,
  position: Position<ProductSort>,
): Promise<readonly (Product & Keyed)[]> {
  const { key, follows, tail } = keyset(sorts, position)
  const matching = allOf(
    follows,
    asked(filter.search, named),
    asked(filter.code, (code) => sql`lower(code) = lower(${code}::text)`),
    asked(filter.familyId, (id) => sql`family_id = ${id}`),
    asked(filter.active, (active) => sql`active = ${active}`),
  )
  const { rows } = await sql<Product & Keyed>`
    select ${productColumns}, ${key} as sort_key from product where ${matching}
    ${tail}`.execute(tx)
  return rows
}

export async function insertProduct(tx: Tx, product: Product): Promise<void> {
  await sql`
    insert into product (id, family_id, name, code, active)
    values (${product.id}, ${product.familyId}, ${product.name}, ${product.code}, ${product.active})`.execute(
    tx,
  )
}

export async function updateProduct(tx: Tx, product: Product): Promise<void> {
  await sql`
    update product set family_id = ${product.familyId}, name = ${product.name}, code = ${product.code},
      active = ${product.active}, revision = ${product.revision}
    where id = ${product.id}`.execute(tx)
}

/** The family of each product. */
export async function readFamiliesOf(
  tx: Tx,
  productIds: readonly string[],
): Promise<ReadonlyMap<string, ProductFamily>> {
  if (productIds.length === 0) return new Map()
  const { rows } = await sql<ProductFamily & { readonly productId: string }>`
    select p.id as product_id, f.id, f.name, f.code, f.revision
    from product p join product_family f on f.id = p.family_id where p.id = any(${productIds}::uuid[])`.execute(
    tx,
  )
  return new Map(rows.map(({ productId, ...family }) => [productId, family]))
}
