import { asSystem, type Tx } from '#src/database/database.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { MirrorRow } from './claim.ts'
import { lockClaims } from './claim-store.ts'
import {
  dropMirrorSources,
  fileMirrorRows,
  forgetMirrorRows,
  type MirrorSourceChange,
  readMirrorState,
  setMirrorSource,
} from './mirror-store.ts'
import type { MirrorState } from './verdict.ts'
import { markForWatch, markKnownToCases } from './watch-store.ts'

export function createMirrorUseCases({ clock }: { readonly clock: Clock }) {
  return {
    /**
     * States records of a CRM as claims; the same row again changes nothing. The claims lock is held until the unit of
     * work ends, so keep to a few hundred rows in each. Registrations that an open opportunity collides with are found
     * by `watchClaims` afterwards.
     */
    async recordMirror(tx: Tx, rows: readonly MirrorRow[]): Promise<void> {
      if (rows.length === 0) return
      await asSystem(tx, async (system) => {
        await lockClaims(system)
        const filed = await fileMirrorRows(system, rows)
        const opportunities = filed.filter(
          ({ row }) => row.open && row.source === 'opportunity' && row.dealId === null,
        )
        await markForWatch(
          system,
          opportunities.map(({ claimId }) => claimId),
          { cause: 'direct' },
        )
        await markKnownToCases(
          system,
          filed.map(({ claimId }) => claimId),
        )
      })
    },

    /** Records that are gone in the CRM; all of one source when `remoteIds` is null. */
    async forgetMirror(
      tx: Tx,
      connectionId: ConnectionId,
      source: MirrorRow['source'],
      remoteIds: readonly string[] | null,
    ): Promise<void> {
      await asSystem(tx, async (system) => {
        await markKnownToCases(system, await forgetMirrorRows(system, connectionId, source, remoteIds))
      })
    },

    /** How far one mirrored object of a connection can be trusted; what is left out stays as it is. */
    async setMirrorState(
      tx: Tx,
      connectionId: ConnectionId,
      object: string,
      change: MirrorSourceChange,
    ): Promise<void> {
      await asSystem(tx, (system) => setMirrorSource(system, connectionId, object, change))
    },

    /** The connection is retired: verdicts do not wait for its mirror any more, and its records claim nothing. */
    async forgetConnection(tx: Tx, connectionId: ConnectionId): Promise<void> {
      await asSystem(tx, async (system) => {
        await dropMirrorSources(system, connectionId)
        const gone = await forgetMirrorRows(system, connectionId, 'opportunity', null)
        await forgetMirrorRows(system, connectionId, 'account', null)
        await markKnownToCases(system, gone)
      })
    },

    async mirrorState(tx: Tx, now: Date = clock.now()): Promise<MirrorState> {
      return asSystem(tx, (system) => readMirrorState(system, now))
    },
  }
}
