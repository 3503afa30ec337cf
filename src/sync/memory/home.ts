/**
 * A customer, partner or contact that several connections know has one home among them: what people change there comes
 * in, the others only receive. So nothing that one CRM says ever comes back to it by way of another. Pure.
 */
import { compileLine } from '#mappings/apply.ts'
import type { Flow, MappingDocument, MappingLine } from '#mappings/document.ts'

/** Deals go to one connection at a time, so there is nothing to lead. */
export const hasHome = (entity: string): boolean => entity !== 'deal'

/**
 * How a line flows where its record is not at home: what would come in there is written back instead; what was only
 * ours to begin with stays with the people over there, and so does what we cannot write.
 */
export function receivingFlow(flow: Flow, canGoOut: boolean): Flow {
  switch (flow) {
    case 'create':
      return 'create'
    case 'out':
      return 'out'
    case 'in':
    case 'both':
      return canGoOut ? 'out' : 'create'
  }
}

/** The document as it counts for records that are at home on another connection. */
export function receivingDocument(document: MappingDocument): MappingDocument {
  const isOneWay = (line: MappingLine) => compileLine(line).transform.direction === 'in'
  // Lines of a group are merged as one: one that cannot go out keeps all of them here.
  const stuck = new Set(document.fields.filter(isOneWay).map(({ local, group }) => group ?? `line ${local}`))
  return {
    ...document,
    fields: document.fields.map((line) => ({
      ...line,
      flow: receivingFlow(line.flow, !stuck.has(line.group ?? `line ${line.local}`)),
    })),
  }
}
