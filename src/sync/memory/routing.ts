/** Where deals go: an ordered list of typed conditions with a default. Pure. */
import { z } from 'zod'
import { type RoutingFacts, routingFactCatalogue } from '#src/deals/routing-facts.ts'
import { checkCondition, conditionSchema, evaluateCondition } from '#src/kernel/condition.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { type ConnectionId, idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'

export const routingRuleSchema = z
  .strictObject({
    name: lineSchema(100),
    when: conditionSchema,
    connectionId: idSchema<'connection'>(),
  })
  .meta({ id: 'DealRoutingRule' })

export const routingInputSchema = z
  .strictObject({
    /** The first one that holds decides. */
    rules: z.array(routingRuleSchema).max(100).readonly(),
    /** Where a deal goes that no rule names; null: to the oldest connection. */
    defaultConnectionId: idSchema<'connection'>().nullable(),
  })
  .meta({ id: 'DealRoutingSettings' })
export type RoutingInput = z.infer<typeof routingInputSchema>

export interface Routing extends RoutingInput {
  /** 0 while nothing was set. */
  readonly revision: number
}

export const noRouting: Routing = { rules: [], defaultConnectionId: null, revision: 0 }

export interface Choice {
  readonly connectionId: ConnectionId | null
  /** The rule that decided; null: none did. */
  readonly rule: number | null
}

/**
 * The first rule that holds decides; a rule that asks for a product family holds if it holds for one of the deal's.
 * @param fallback where a deal goes that no rule names
 */
export function chooseConnection(
  { rules }: Pick<RoutingInput, 'rules'>,
  fallback: ConnectionId | null,
  { facts, productFamilies }: RoutingFacts,
): Choice {
  const families = productFamilies.length > 0 ? productFamilies : [null]
  const rule = rules.findIndex(({ when }) =>
    families.some((productFamily) => evaluateCondition(when, { ...facts, productFamily })),
  )
  return rule === -1
    ? { connectionId: fallback, rule: null }
    : { connectionId: rules[rule]?.connectionId ?? fallback, rule }
}

/** Problems of a routing; `path` is a JSON pointer into the body. */
export function checkRouting(
  { rules, defaultConnectionId }: RoutingInput,
  connections: ReadonlySet<ConnectionId>,
): FieldIssue[] {
  const known = (id: ConnectionId, path: string): FieldIssue[] =>
    connections.has(id) ? [] : [{ path, code: 'unknown_connection', message: 'There is no such connection' }]
  return [
    ...rules.flatMap(({ when, connectionId }, index) => [
      ...checkCondition(when, routingFactCatalogue, `/body/rules/${index}/when`),
      ...known(connectionId, `/body/rules/${index}/connectionId`),
    ]),
    ...(defaultConnectionId === null ? [] : known(defaultConnectionId, '/body/defaultConnectionId')),
  ]
}
