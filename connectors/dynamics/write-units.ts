import type { WriteCommand } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { type References, toBody } from './bodies.ts'
import { closingTable, planClosing, type Standing, type Step } from './closing.ts'
import type { ClosedRecords } from './credentials.ts'
import type { Operation, Unit } from './multipart.ts'
import { apiRoot, isRecordId, keyPath, recordPath } from './odata.ts'
import type { Table } from './table.ts'

/** What was found over there before writing; null for a table that needs no look. */
export interface Found {
  readonly id: string
  readonly version: string | null
  readonly standing: Standing
}

/** A command ready to be sent: what it is for, and where its record is. */
export interface WriteUnit {
  readonly item: WriteItem
  /** Null for one that Dataverse finds, or makes, by our key. */
  readonly id: string | null
  readonly operations: Unit
}

/** The command's operations; an id where nothing has to be sent. Throws the fault of a command that cannot be sent. */
export function prepareUnit(
  table: Table,
  item: WriteItem,
  found: Found | null,
  references: References,
  policy: ClosedRecords,
): WriteUnit | { readonly settled: string } {
  const { command, index } = item
  const { target, version } = command
  const id = found?.id ?? (target.kind === 'id' ? target.id : null)
  if (id !== null && !isRecordId(id)) {
    throw new ConnectorFault('gone', `"${id}" is not an id in Dataverse`, { code: 'NOT_AN_ID' })
  }
  if (found && version !== undefined && found.version !== null && found.version !== version) {
    throw new ConnectorFault('changed', 'The record was changed since it was read', {
      code: 'VERSION_MISMATCH',
    })
  }
  const steps = stepsOf(command, found, policy)
  const address = id === null ? keyAddress(table, command) : recordPath(table.entitySet, id)
  const operations = steps.map((step, at): Operation => {
    const contentId = steps.length === 1 ? String(index + 1) : `${index + 1}.${at + 1}`
    return step.kind === 'close'
      ? {
          contentId,
          method: 'POST',
          path: `${apiRoot}${step.action}`,
          headers: {},
          body: closeBody(step, address),
        }
      : {
          contentId,
          method: 'PATCH',
          // Only what was created or found by our key has to be told to us.
          path: `${apiRoot}${address}${id === null ? `?$select=${table.idColumn}` : ''}`,
          headers: patchHeaders(command, id, at),
          body: toBody(table, withoutKey(command, step.fields), references),
        }
  })
  const [first, ...rest] = operations
  return first ? { item, id, operations: [first, ...rest] } : { settled: id ?? '' }
}

function stepsOf(
  { object, fields }: WriteCommand,
  found: Found | null,
  policy: ClosedRecords,
): readonly Step[] {
  if (object !== closingTable) return [{ kind: 'patch', fields }]
  const closing = planClosing(fields, found?.standing ?? null, policy)
  if (!closing.ok) throw closing.fault
  return closing.steps
}

function keyAddress(table: Table, { target }: WriteCommand): string {
  if (target.kind === 'id') return recordPath(table.entitySet, target.id)
  return keyPath(table.entitySet, target.field, target.value)
}

/** A key that stands in the address must not stand in the body as well. */
function withoutKey({ target }: WriteCommand, fields: WriteCommand['fields']): WriteCommand['fields'] {
  if (target.kind === 'id') return fields
  const { [target.field]: _key, ...rest } = fields
  return rest
}

/**
 * `If-Match: *` keeps an update from creating; a version makes it conditional, at the first step only, for that one moves
 * it. By key, the answer is asked for: 201 tells a creation from an update, and names the record. Duplicate rules are
 * applied to creations unless a person has looked at what they find.
 */
function patchHeaders(command: WriteCommand, id: string | null, at: number): Record<string, string> {
  if (id !== null) return { 'If-Match': at === 0 ? (command.version ?? '*') : '*' }
  return {
    Prefer: 'return=representation',
    'MSCRM.SuppressDuplicateDetection': String(command.allowDuplicate ?? false),
  }
}

const closeBody = (step: Step & { kind: 'close' }, address: string) => ({
  Status: step.status,
  OpportunityClose: {
    subject: step.action === 'WinOpportunity' ? 'Won' : 'Lost',
    ...(step.actualRevenue === null ? {} : { actualrevenue: step.actualRevenue }),
    ...(step.actualEnd === null ? {} : { actualend: step.actualEnd }),
    'opportunityid@odata.bind': `/${address}`,
  },
})
