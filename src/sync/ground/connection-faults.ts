import type { ConnectorFault, FaultKind } from '#connectors/fault.ts'
import { isPassingRefusal } from '#src/connections/call-budget.ts'
import type { Tx } from '#src/database/database.ts'
import { restLines } from '../memory/link-store.ts'
import type { Engine, SyncConnection } from './engine.ts'
import type { FaultDecision } from './fault-policy.ts'
import { type MappedEntity, usesField } from './workspace.ts'

const unavailablePauseMs = 5_000
/** What goes by without anybody mending anything. */
const passing: ReadonlySet<FaultKind> = new Set(['unavailable', 'ambiguous', 'changed'])

/** Lines that read or write a field of the CRM; they rest when it does. */
export const linesUsing = ({ mapping }: MappedEntity, remoteField: string): readonly string[] =>
  mapping.lines.filter(({ line }) => usesField(line, remoteField)).map(({ name }) => name)

/**
 * Carries out what was decided about a fault that is not one record's: fields rest, or the connection pauses. A passing
 * fault of a whole call pauses it for a moment; that calls of ours wait for a moment, or for more urgent ones, pauses nothing.
 */
export async function applyConnectionFault(
  tx: Tx,
  { connections }: Pick<Engine, 'connections'>,
  connection: SyncConnection,
  mapped: readonly MappedEntity[],
  {
    fault,
    decision,
    now,
  }: { readonly fault: ConnectorFault; readonly decision: FaultDecision; readonly now: Date },
): Promise<void> {
  if (isPassingRefusal(fault, now)) return
  if (decision.kind === 'quarantine') {
    for (const entity of mapped) {
      for (const field of decision.fields) {
        const lines = linesUsing(entity, field)
        if (lines.length === 0) continue
        await connections.quarantineField(tx, connection.id, entity.name, field, fault.message)
        await restLines(tx, connection.id, entity.name, lines)
      }
    }
    return
  }
  const soon = fault.details.retryAt ?? new Date(now.getTime() + unavailablePauseMs)
  const until = decision.kind === 'pause' ? decision.until : passing.has(fault.kind) ? soon : null
  await connections.pauseConnection(tx, connection.id, {
    until,
    reason: `${fault.details.code}: ${fault.message}`,
    attention: until === null,
  })
}
