import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import type { Table } from './table.ts'

/**
 * Where a poll stands: the link that Dataverse gave with the last recorded page, whole, below the root of the Web API. It
 * asks for the next page, or for what changed since. The columns that the link brings are fixed when the reading begins.
 */
export interface Cursor {
  /** Null: the beginning. */
  readonly link: string | null
  readonly fields: readonly string[]
}

const cursorSchema = z.strictObject({
  version: z.literal(1),
  link: z.string().min(1),
  fields: z.array(z.string()),
})

export const writeCursor = ({
  link,
  fields,
}: {
  readonly link: string
  readonly fields: readonly string[]
}) => JSON.stringify({ version: 1, link, fields })

/** Throws `configuration` on a text that is no cursor of this table: reading from the beginning unasked could take hours. */
export function readCursor(text: string | null, table: Pick<Table, 'name' | 'entitySet'>): Cursor {
  if (text === null) return { link: null, fields: [] }
  try {
    const { link, fields } = cursorSchema.parse(JSON.parse(text))
    if (!link.startsWith(`${table.entitySet}?`)) throw new Error(`It is none of ${table.entitySet}`)
    return { link, fields }
  } catch (cause) {
    throw new ConnectorFault(
      'configuration',
      `The stored cursor is not one of ${table.name} in Dataverse`,
      { code: 'INVALID_CURSOR' },
      { cause },
    )
  }
}
