import type { Tx } from '#src/database/database.ts'
import { type FieldIssue, InvalidInput } from '#src/kernel/errors.ts'
import type { ProductId } from '#src/kernel/ids.ts'
import type { Product } from '#src/products/product.ts'
import type { DealProduct, DetailsPatch } from './deal-details.ts'
import type { DealDeps } from './deps-step.ts'

/** Details as a caller states them: products by id. */
export type DetailsInput = Omit<DetailsPatch, 'products'> & {
  readonly products?:
    | readonly { readonly productId: ProductId; readonly amountMinor?: bigint | null | undefined }[]
    | undefined
}

type Products = ReadonlyMap<string, Product>

/** Products that these inputs name, in one query. */
export async function findNamedProducts(
  deps: DealDeps,
  tx: Tx,
  inputs: readonly DetailsInput[],
): Promise<Products> {
  const ids = new Set(inputs.flatMap(({ products = [] }) => products.map(({ productId }) => productId)))
  return ids.size > 0 ? deps.products.findProducts(tx, [...ids]) : new Map()
}

/** Details with the families of their products, and what is wrong with the products. `known`: those the deal has. */
export function resolveDetails(
  { products, ...details }: DetailsInput,
  found: Products,
  known: readonly DealProduct[],
): { readonly patch: DetailsPatch; readonly issues: readonly FieldIssue[] } {
  if (products === undefined) return { patch: details, issues: [] }
  const issues: FieldIssue[] = []
  const resolved = products.map(({ productId, amountMinor }, index): DealProduct => {
    const product = found.get(productId)
    const path = `/products/${index}/productId`
    if (!product) issues.push({ path, code: 'unknown_product', message: 'There is no such product' })
    else if (!product.active && !known.some((one) => one.productId === productId)) {
      issues.push({ path, code: 'inactive_product', message: `${product.name} is no longer sold` })
    }
    return { productId, familyId: product?.familyId ?? '', amountMinor: amountMinor ?? null }
  })
  if (new Set(products.map(({ productId }) => productId)).size < products.length) {
    issues.push({ path: '/products', code: 'repeated_product', message: 'A product stands there twice' })
  }
  return { patch: { ...details, products: resolved }, issues }
}

/** @throws InvalidInput naming each product that is unknown, repeated or no longer sold */
export async function readDetails(
  deps: DealDeps,
  tx: Tx,
  input: DetailsInput,
  known: readonly DealProduct[],
): Promise<DetailsPatch> {
  const { patch, issues } = resolveDetails(input, await findNamedProducts(deps, tx, [input]), known)
  if (issues.length > 0) throw new InvalidInput('Some products cannot be registered', issues)
  return patch
}
